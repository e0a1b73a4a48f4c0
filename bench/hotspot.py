"""What a scan for hotspots costs, and what it finds: `python -m bench.hotspot` prints rows for bench/README.md.

Cities are made of cells around one point, with rates that differ, Poisson counts, and in the second part a disc of
seven cells in which three times as much happens from a day on.
"""

from __future__ import annotations

import random
import sys
import time
from zoneinfo import ZoneInfo

import h3

from streams.clocks import DAY
from streams.judging.episodes import HoldOptions
from streams.kinds.hotspot import Hotspot
from streams.kinds.parts.discs import rings_around
from streams.records import Member
from streams.specs import Learning, Rarity
from streams.unusual.dice import Dice
from streams.unusual.scanning import Ground

MIDDLE = h3.latlng_to_cell(40.1, -75.3, 9)
BINS, RINGS, DAYS, BEGINS = 12, 3, 34, 32


def cost(cells: int, rate: float) -> str:
    """Milliseconds of a scan (best of five), and of a probability with 64 draws."""
    chance, dice = random.Random(1), Dice(b"city")
    names = sorted(h3.grid_disk(MIDDLE, 30), key=lambda one: (h3.grid_distance(MIDDLE, one), one))[:cells]
    number = {cell: at for at, cell in enumerate(names)}
    rates = [rate * chance.uniform(0.2, 1.8) for _ in names]
    rings = [[[number[one] for one in ring if one in number] for ring in rings_around(cell, RINGS)] for cell in names]
    counts = {at: [dice.poisson(one) for _ in range(BINS)] for at, one in enumerate(rates)}
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        ground = Ground(rates, rings, BINS, 3)
        best = ground.best(counts)
        times.append(time.perf_counter() - begin)
    begin = time.perf_counter()
    ground.chance(max(9.0, best[0].score), b"seed")
    drawn = time.perf_counter() - begin
    return f"| {cells} | {rate} | {min(times) * 1e3:.0f} | {drawn * 1e3:.0f} |"


def planted(rate: float, cities: int) -> str:
    """In how many cities a cluster of relative risk 3 is found within two bins, and with the right centre cell."""
    found = right = 0
    for seed in range(cities):
        dice = Dice(seed.to_bytes(8, "big"))
        cells = sorted(h3.grid_disk(MIDDLE, 5))
        centre = random.Random(seed).choice(sorted(h3.grid_disk(MIDDLE, 3)))
        hot = frozenset(h3.grid_disk(centre, 1))
        happened = sorted(
            (day * DAY + int(dice.roll() * DAY), cell) for day in range(DAYS) for cell in cells
            for _ in range(dice.poisson(rate * (3 if day >= BEGINS and cell in hot else 1))))
        told = _episodes([Member(at, "s", 0, number, str(number), 1, cell)
                          for number, (at, cell) in enumerate(happened)])
        found += bool(told)
        right += centre in told
    return f"| {rate} | {7 * rate:.0f} | {found / cities:.0%} | {right / cities:.0%} |"


def _episodes(members: list[Member]) -> list[str]:
    """The centre cells of what opens after the cluster begins."""
    spec = {"cell": 9, "radius_max": 1000.0, "window": 3 * DAY, "bin": DAY, "baseline": Learning("none", 364 * DAY),
            "condition": Rarity("above", recurrence=365 * DAY)}
    detector = Hotspot(spec, HoldOptions(), ZoneInfo("UTC"), "bench")
    state = detector.start((), 0)
    for member in members:
        detector.advance(state, member.time)
        detector.on_event(state, member)
    detector.advance(state, DAYS * DAY)
    return [h3.latlng_to_cell(one.facts["place.lat"], one.facts["place.lon"], 9)
            for one in state.hold.episodes if one.opened > BEGINS * DAY]


def main() -> None:
    """Print both tables."""
    cities = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    print(*[cost(cells, rate) for cells in (400, 2000) for rate in (0.02, 2.8)], sep="\n")
    print(*[planted(rate, cities) for rate in (1.0, 2.0, 4.0)], sep="\n")


if __name__ == "__main__":
    main()
