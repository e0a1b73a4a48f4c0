"""The kind `hotspot`, said slowly: at the end of every bin all is counted again from the whole history.

Every zone is enumerated by itself; only what speaks for it, and how probable that is, is asked of
`streams/unusual/scanning.py` and `permuting.py`, where both are tested: against a naive enumeration, and against a
large Monte Carlo. Episodes come in the order in which they open.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import h3

from streams.clocks import DAY
from streams.records import Member
from streams.unusual import scanning
from streams.unusual.permuting import Permuted
from streams.unusual.scanning import Ground, Zones


@dataclass(frozen=True)
class Case:
    """A rule and its key's history; the members' values are cells. Bins are of `size` and begin at multiples of it."""

    members: tuple[Member, ...]
    size: int
    bins: int
    rings: int
    memory: int
    least: int
    chance: float
    learnt: int
    wait: int = 0
    keep: int = 0
    permuted: bool = False


@dataclass
class Told:
    """An episode as the oracle tells it; `cells` are those of its newest zone."""

    opened: int
    closed: int | None
    value: int
    evidence: list[str]
    cells: frozenset[str]
    bridged: int | None = None  # since when its condition is not met
    pending: bool = True
    proof: list[Member] = field(default_factory=list)


@dataclass(frozen=True)
class Zone:
    """A zone that meets the condition: its cells, and its events."""

    cells: frozenset[str]
    length: int
    events: tuple[Member, ...]


def episodes(case: Case, until: int, seed: bytes) -> list[Told]:
    """All episodes that opened before `until`. `seed`: what the draws follow from."""
    told: list[Told] = []
    for edge in _edges(case, until):
        _expire(case, told, edge)
        found = list(_found(case, edge, seed))
        alive = [one for one in told if one.closed is None]
        for zone, one in _pairs(alive, found):
            if zone is None:
                assert one is not None
                _miss(case, told, one, edge)
            elif one is None:
                begun = Told(edge, None, 0, [], zone.cells, pending=case.wait > 0)
                told.append(begun)
                _meet(begun, zone)
            else:
                _meet(one, zone)
    _expire(case, told, until)
    told = [one for one in told if not one.pending]
    for one in told:
        one.evidence = [member.id for member in one.proof]
    return sorted(told, key=lambda one: one.opened)


def _edges(case: Case, until: int) -> Iterator[int]:
    """Ends of bins from the first event's on, until nothing can come of the last one any more."""
    if not case.members:
        return
    edge = (case.members[0].time // case.size + 1) * case.size
    last = case.members[-1].time + (case.bins + 2) * case.size + case.keep + case.size
    while edge <= min(last, until):
        yield edge
        edge += case.size


def _memory_begins(case: Case, edge: int) -> int:
    """The first bin that is remembered: the history begins anew after a long quiet time."""
    begin, quiet = None, 0
    for member in case.members:
        if member.time >= edge:
            break
        bin = member.time // case.size
        if begin is None or member.time >= quiet:
            begin = bin
        # the window is empty `bins` bins after this one; `memory` later, when the bin ends, all is forgotten
        quiet = ((bin + 1 + case.bins) * case.size + case.memory) // case.size * case.size + case.size
    return begin if begin is not None else edge // case.size


def _found(case: Case, edge: int, seed: bytes) -> Iterator[Zone]:
    now, begin = edge // case.size, _memory_begins(case, edge)
    sums: dict[str, float] = {}
    mass, keep = 0.0, math.exp(-case.size / case.memory)
    for bin in range(begin, now - case.bins):
        sums = {cell: kept for cell, value in sums.items() if (kept := value * keep) >= 0.01}
        mass = mass * keep + 1.0
        for member in case.members:
            if member.time // case.size == bin:
                sums[member.value] = sums.get(member.value, 0.0) + 1
    if now - case.bins - begin < case.learnt:
        return
    window = [one for one in case.members if begin <= one.time // case.size < now
              and one.time // case.size >= now - case.bins]
    known = sorted({*sums, *(one.value for one in window)})
    if not window:
        return
    if case.permuted:
        begin = max(begin, now - case.memory // case.size)
        studied = [one for one in case.members if begin <= one.time // case.size < now]
        known = sorted({one.value for one in studied})
        totals = [sum(one.value == cell for one in studied) for cell in known]
        lately = [sum(one.time // case.size == now - 1 - age for one in window) for age in range(case.bins)]
        ground: Zones = Permuted(totals, _rings(case, known), lately, len(studied), case.least)
    else:
        whole = sum(sums.values())
        rates = [(sums.get(cell, 0.0) + 0.5) * (max(whole, 0.5) / mass / (whole + 0.5 * len(known))) for cell in known]
        ground = Ground(rates, _rings(case, known), case.bins, case.least)
    taken: set[str] = set()
    centres: set[int] = set()
    for negative, ring, length, centre, cells, events in sorted(_zones(case, known, ground, window, now),
                                                                key=lambda one: one[:4]):
        if centre in centres:
            continue
        centres.add(centre)
        if taken & cells:
            continue
        zone = scanning.Zone(-negative, centre, ring, length, len(events), _expected(cells, length, known, ground),
                             tuple(known.index(cell) for cell in cells))
        if ground.judged(zone, case.chance, case.size / (10 * 365 * DAY), seed) > case.chance:
            return
        taken |= _near(cells)
        yield Zone(cells, length, events)


def _rings(case: Case, known: Sequence[str]) -> list[list[list[int]]]:
    return [[[at for at, other in enumerate(known) if h3.grid_distance(cell, other) == ring]
             for ring in range(case.rings + 1)] for cell in known]


def _zones(case: Case, known: Sequence[str], ground: Zones, window: Sequence[Member],
           now: int) -> Iterator[tuple[float, int, int, int, frozenset[str], tuple[Member, ...]]]:
    """Every zone: its score (negative), rings, length, centre, cells, events."""
    for centre, middle in enumerate(known):
        for ring in range(case.rings + 1):
            cells = frozenset(cell for cell in known if h3.grid_distance(middle, cell) <= ring)
            for length in range(1, case.bins + 1):
                events = tuple(one for one in window if one.value in cells and one.time // case.size >= now - length)
                expected = _expected(cells, length, known, ground)
                if len(events) >= case.least and len(events) > expected:
                    yield -ground.score(len(events), expected), ring, length, centre, cells, events


def _expected(cells: frozenset[str], length: int, known: Sequence[str], ground: Zones) -> float:
    return ground.spans[length - 1] * math.fsum(ground.rates[known.index(cell)] for cell in cells)


def _near(cells: frozenset[str]) -> frozenset[str]:
    return frozenset(one for cell in cells for one in h3.grid_disk(cell, 1))


def _pairs(alive: list[Told], found: list[Zone]) -> list[tuple[Zone | None, Told | None]]:
    """Zones with the episodes that they go on with; most shared cells first, then those that touch most, the oldest."""
    shared = sorted((-len(one.cells & zone.cells), -len(_near(one.cells) & zone.cells), at, place)
                    for at, one in enumerate(alive) for place, zone in enumerate(found)
                    if _near(one.cells) & zone.cells)
    ours: dict[int, int] = {}
    for _, _, at, place in shared:
        if place not in ours and at not in ours.values():
            ours[place] = at
    left = [(None, one) for at, one in enumerate(alive) if at not in ours.values()]
    return [*left, *((zone, alive[ours[place]] if place in ours else None) for place, zone in enumerate(found))]


def _meet(one: Told, zone: Zone) -> None:
    fresh = [member for member in zone.events if member not in one.proof]
    one.proof += fresh
    one.value, one.cells, one.bridged = max(one.value, len(zone.events)), zone.cells, None


def _miss(case: Case, told: list[Told], one: Told, edge: int) -> None:
    if one.pending:
        told.remove(one)
    elif case.keep == 0:
        one.closed = edge
    elif one.bridged is None:
        one.bridged = edge


def _expire(case: Case, told: list[Told], now: int) -> None:
    """`for` and `keep_firing_for` that are over before `now`."""
    for one in told:
        if one.pending and one.opened + case.wait < now:
            one.opened, one.pending = one.opened + case.wait, False
        if one.bridged is not None and one.closed is None and one.bridged + case.keep < now:
            one.closed = one.bridged + case.keep
