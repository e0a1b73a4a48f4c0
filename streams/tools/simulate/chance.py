"""Chance with a seed: when things happen, how late they arrive, which one of many.

Only `Random.random()` is used, whose bits are the same on every Python version; the rest is
arithmetic. The shapes are measured on the real feed of 21,174 emergency calls (`montco911`).
"""

from __future__ import annotations

import math
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from random import Random
from typing import TypeVar

from streams.clocks import DAY, HOUR, SECOND
from streams.records import Micros

T = TypeVar("T")

CITY_OFFSET = 8 * HOUR  # Asia/Shanghai knows no summer time

# Seconds from event to arrival: the quantiles of the real feed, its tail cut at six hours.
DELAY_QUANTILES: tuple[tuple[float, float], ...] = (
    (0.0, 2),
    (0.01, 54),
    (0.05, 74),
    (0.1, 89),
    (0.25, 135),
    (0.5, 210),
    (0.75, 281),
    (0.9, 322),
    (0.95, 347),
    (0.97, 413),
    (0.98, 588),
    (0.99, 941),
    (0.995, 1433),
    (0.999, 3568),
    (0.9995, 5883),
    (0.9999, 14340),
    (1.0, 21600),
)
_RANKS = [rank for rank, _ in DELAY_QUANTILES]

# Calls of the real feed by local hour, summed over its working days and over its weekend days.
_CALLS_WORKING = (
    283,
    224,
    228,
    187,
    203,
    234,
    417,
    593,
    882,
    802,
    782,
    850,
    891,
    885,
    918,
    811,
    869,
    1113,
    968,
    755,
    694,
    573,
    496,
    380,
)
_CALLS_WEEKEND = (
    161,
    125,
    123,
    136,
    107,
    115,
    153,
    226,
    215,
    323,
    311,
    359,
    373,
    353,
    345,
    335,
    364,
    380,
    403,
    351,
    259,
    239,
    211,
    169,
)
_LIFTS_WORKING = (2, 1, 1, 1, 1, 2, 5, 14, 18, 12, 8, 8, 10, 9, 7, 7, 9, 15, 18, 14, 11, 8, 5, 3)
_LIFTS_WEEKEND = (3, 2, 1, 1, 1, 1, 3, 5, 8, 11, 12, 12, 12, 11, 10, 10, 11, 12, 13, 12, 10, 8, 6, 4)
_HOTLINE_WORKING = (9, 6, 3, 2, 2, 3, 6, 11, 18, 21, 20, 18, 16, 17, 18, 18, 18, 19, 21, 23, 24, 23, 20, 14)
_HOTLINE_WEEKEND = (12, 8, 4, 2, 2, 2, 4, 7, 12, 16, 17, 17, 16, 15, 15, 15, 16, 18, 21, 24, 26, 26, 24, 18)


def _week(working: Sequence[int], weekend: Sequence[int], days: tuple[int, int] = (1, 1)) -> tuple[float, ...]:
    """168 weights, Monday 0 h first, whose mean is 1; `days` is how many days each shape sums up."""
    week = [hour / days[0] for hour in working] * 5 + [hour / days[1] for hour in weekend] * 2
    mean = sum(week) / len(week)
    return tuple(hour / mean for hour in week)


CALLS_WEEK = _week(_CALLS_WORKING, _CALLS_WEEKEND, days=(37, 15))
LIFTS_WEEK = _week(_LIFTS_WORKING, _LIFTS_WEEKEND)
HOTLINE_WEEK = _week(_HOTLINE_WORKING, _HOTLINE_WEEKEND)


def dice(*parts: object) -> Random:
    """A generator whose numbers depend on the parts' texts alone."""
    return Random(":".join(map(str, parts)))  # noqa: S311  a made-up day is no secret


def mixed(*parts: object) -> float:
    """A number in [0, 1) that depends on the parts' texts alone; cheaper than a generator."""
    return zlib.crc32(":".join(map(str, parts)).encode()) / 2**32


def hour_of_week(time: Micros) -> int:
    """The city's local hour of the week: 0 is Monday from 0 to 1 o'clock."""
    hours = (time + CITY_OFFSET) // HOUR
    return (hours + 3 * 24) % 168  # the epoch was a Thursday


def local_midnight(time: Micros) -> Micros:
    """The start of the local day that holds `time`."""
    return (time + CITY_OFFSET) // DAY * DAY - CITY_OFFSET


def happenings(chance: Random, start: Micros, end: Micros, per_hour: float) -> Iterator[Micros]:
    """The times of independent happenings (Poisson) in [start, end), whole seconds."""
    if per_hour <= 0:
        return
    mean = HOUR / per_hour
    time = float(start)
    while (time := time - math.log(1.0 - chance.random()) * mean) < end:
        yield int(time) // SECOND * SECOND


def delay(chance: Random, factor: float = 1.0) -> Micros:
    """How long a record takes to arrive: the real feed's quantiles, shrunk by `factor`."""
    rank = chance.random()
    index = bisect_right(_RANKS, rank) - 1
    (low, shortest), (high, longest) = DELAY_QUANTILES[index], DELAY_QUANTILES[index + 1]
    seconds = shortest + (rank - low) / (high - low) * (longest - shortest)
    return int(seconds * factor * SECOND)


def pick(chance: Random, choices: Sequence[T]) -> T:
    """One of them, all alike."""
    return choices[int(chance.random() * len(choices))]


def between(chance: Random, low: float, high: float) -> float:
    """A number in [low, high)."""
    return low + chance.random() * (high - low)


class Lottery:
    """Weighted choice among names; weights need not add up to anything."""

    def __init__(self, weights: dict[str, float]) -> None:
        self.names = tuple(weights)
        self.sums = list(accumulate(weights.values()))

    def draw(self, chance: Random) -> str:
        """One name; its chance is its weight's share."""
        return self.names[bisect_right(self.sums, chance.random() * self.sums[-1])]
