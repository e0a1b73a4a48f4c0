"""Knox's table: which pairs of events are nearer in place and time than chance makes them: `python -m bench.knox`.

It says for which distance and time a near-repeat rule (`near: 200m, window: 14d`) holds in a city. Input are lines
`time,lat,lon` (RFC 3339) from the standard input; each cell of the table is the number of pairs, divided by the mean
of 99 tables of the same places with their times exchanged, and starred if no more than four of those were as large.
"""

from __future__ import annotations

import math
import random
import sys
from bisect import bisect_left
from collections import Counter

from streams.clocks import DAY, parse_rfc3339
from streams.places import distance

METRES, DAYS, TABLES = (50, 100, 200, 400, 800), (1, 3, 7, 14, 28), 99
Pair = tuple[int, int, int]  # two events by number, and how far apart: a column


def close(places: list[tuple[float, float]]) -> list[Pair]:
    """All pairs within the largest distance."""
    found, order = list[Pair](), sorted(range(len(places)), key=lambda one: places[one])
    reach = METRES[-1] / 111_000
    for at, one in enumerate(order):
        lat, lon = places[one]
        for other in order[at + 1:]:
            if places[other][0] - lat > reach:
                break
            if (far := distance(lat, lon, *places[other])) <= METRES[-1]:
                found.append((one, other, bisect_left(METRES, far)))
    return found


def table(pairs: list[Pair], times: list[int]) -> Counter[tuple[int, int]]:
    """How many pairs there are by distance and time."""
    found: Counter[tuple[int, int]] = Counter()
    for one, other, column in pairs:
        row = bisect_left(DAYS, math.ceil(abs(times[one] - times[other]) / DAY))
        found[row, column] += 1
    return found


def main() -> None:
    """Print the table."""
    rows = [line.strip().split(",") for line in sys.stdin if line.strip()]
    times, chance = [parse_rfc3339(row[0]) for row in rows], random.Random(1)
    pairs = close([(float(row[1]), float(row[2])) for row in rows])
    seen, drawn = table(pairs, times), []
    for _ in range(TABLES):
        chance.shuffle(times)
        drawn.append(table(pairs, times))
    print("| days | " + " | ".join(f"to {metres} m" for metres in METRES) + " |")
    print("|---" * (1 + len(METRES)) + "|")
    for row, days in enumerate(DAYS):
        told = []
        for column in range(len(METRES)):
            usual = sum(one[row, column] for one in drawn) / TABLES
            star = "*" if sum(one[row, column] >= seen[row, column] for one in drawn) <= 4 else ""
            told.append(f"{seen[row, column] / usual:.2f}{star}" if usual else "-")
        print(f"| to {days} | " + " | ".join(told) + " |")


if __name__ == "__main__":
    main()
