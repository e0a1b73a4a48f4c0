"""What a scan for hotspots costs, and what it finds: `python -m bench.hotspot` prints rows for bench/README.md.

Cities are made of cells around one point, with rates that differ, Poisson counts, and in the second part a disc of
seven cells in which three times as much happens from a day on.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from zoneinfo import ZoneInfo

import h3

from streams.clocks import DAY
from streams.judging.episodes import Episode, HoldOptions
from streams.kinds.hotspot import Hotspot
from streams.kinds.parts.grounds import around
from streams.places import distance
from streams.records import Member
from streams.specs import Learning, Rarity
from streams.unusual.dice import Dice
from streams.unusual.permuting import Permuted
from streams.unusual.scanning import Ground, Zone, Zones

MIDDLE = h3.latlng_to_cell(40.1, -75.3, 9)
BINS, RINGS, STUDIED = 12, 3, 56
DAYS, BEGINS = 34, 32  # of a planted city
CITIES = 20  # whose scans are timed
YEARLY, FAINT = 1 / 365, 1 / 3650
MEMORY = {"baseline": 364 * DAY, "permutation": 28 * DAY}
Counts = dict[int, list[int]]


class City:
    """Cells around the middle, the expected counts of each in a bin, and where its neighbours are."""

    def __init__(self, cells: int, rate: float) -> None:
        chance = random.Random(1)
        names = sorted(h3.grid_disk(MIDDLE, 30), key=lambda one: (h3.grid_distance(MIDDLE, one), one))[:cells]
        self.rates = [rate * chance.uniform(0.2, 1.8) for _ in names]
        self.rings = around(names, RINGS)

    def usual(self, dice: Dice) -> tuple[Zones, Counts]:
        """What is usual is known, and nothing else happens."""
        counts = {at: [dice.poisson(one) for _ in range(BINS)] for at, one in enumerate(self.rates)}
        return Ground(self.rates, self.rings, BINS, 3), counts

    def studied(self, dice: Dice) -> tuple[Zones, Counts]:
        """Eight weeks of the same are studied."""
        whole = {at: [dice.poisson(one) for _ in range(STUDIED)] or [1] for at, one in enumerate(self.rates)}
        totals = [max(1, sum(ages)) for ages in whole.values()]
        lately = [sum(ages[age] for ages in whole.values()) for age in range(BINS)]
        return Permuted(totals, self.rings, lately, sum(totals), 3), {at: ages[:BINS] for at, ages in whole.items()}


def cost(cells: int, rate: float, permuted: bool) -> str:
    """CPU milliseconds: of a scan, of one with its judgement (median, most), of 64 draws; how many needed draws."""
    city, scans, whole, drawn = City(cells, rate), list[float](), list[float](), 0
    for number in range(3 if permuted else CITIES):
        zones, counts = (city.studied if permuted else city.usual)(Dice(number.to_bytes(8, "big")))
        begin = time.process_time()
        best = zones.best(counts)[0]
        scanned = time.process_time()
        zones.judged(best, YEARLY, FAINT, b"seed")
        whole.append(time.process_time() - begin)
        scans.append(scanned - begin)
        drawn += _draws(zones, best)
    begin = time.process_time()
    zones.chance(10.0, b"seed")
    draws = time.process_time() - begin
    told = [statistics.median(scans), statistics.median(whole), max(whole), draws]
    how = "permutation" if permuted else "baseline"
    shown = " | ".join(f"{one * 1e3:.0f}" for one in told)
    return f"| {how} | {cells} | {rate} | {shown} | {drawn / len(whole):.0%} |"


def _draws(zones: Zones, best: Zone) -> bool:
    """Whether nothing less than draws decides."""
    return zones.single(best) <= YEARLY and zones.floor(best.score, YEARLY) <= YEARLY


def planted(method: str, rate: float, cities: int) -> str:
    """In how many cities a cluster of relative risk 3 is found within two bins, how soon, how far off."""
    late, off, right = list[int](), list[float](), 0
    for seed in range(cities):
        dice = Dice(seed.to_bytes(8, "big"))
        cells = sorted(h3.grid_disk(MIDDLE, 5))
        centre = random.Random(seed).choice(sorted(h3.grid_disk(MIDDLE, 3)))
        hot = frozenset(h3.grid_disk(centre, 1))
        happened = sorted(
            (day * DAY + int(dice.roll() * DAY), cell) for day in range(DAYS) for cell in cells
            for _ in range(dice.poisson(rate * (3 if day >= BEGINS and cell in hot else 1))))
        told = _episodes(method, [Member(at, "s", 0, number, str(number), 1, cell)
                                  for number, (at, cell) in enumerate(happened)])
        places = {one.opened: (one.facts["place.lat"], one.facts["place.lon"]) for one in told}
        lat, lon = h3.cell_to_latlng(centre)
        near = {opened: far for opened, place in places.items() if (far := distance(lat, lon, *place)) < 1500}
        if near:
            first = min(near)
            late.append((first - BEGINS * DAY) // DAY)
            off.append(near[first])
            right += near[first] < 50
    found = len(late)
    return (f"| {method} | {rate} | {7 * rate:.0f} | {found / cities:.0%} | {right / cities:.0%} "
            f"| {statistics.mean(late or [0]):.1f} | {statistics.mean(off or [0]):.0f} |")


def _episodes(method: str, members: list[Member]) -> list[Episode]:
    """What opens after the cluster begins."""
    spec = {"cell": 9, "radius_max": 1000.0, "window": 3 * DAY, "bin": DAY, "method": method,
            "baseline": Learning("none", MEMORY[method]), "condition": Rarity("above", recurrence=365 * DAY)}
    detector = Hotspot(spec, HoldOptions(), ZoneInfo("UTC"), "bench")
    state = detector.start((), 0)
    for member in members:
        detector.advance(state, member.time)
        detector.on_event(state, member)
    detector.advance(state, DAYS * DAY)
    return [one for one in state.hold.episodes if one.opened > BEGINS * DAY]


def main() -> None:
    """Print both tables."""
    cities = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    for permuted in (False, True):
        for cells in (400, 2000):
            print(*[cost(cells, rate, permuted) for rate in (0.02, 2.8)], sep="\n", flush=True)
    for method in ("baseline", "permutation"):
        print(*[planted(method, rate, cities) for rate in (1.0, 2.0, 4.0)], sep="\n", flush=True)


if __name__ == "__main__":
    main()
