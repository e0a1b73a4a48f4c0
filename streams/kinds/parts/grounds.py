"""What the zones of a hotspot are held against: what is usual there, or the totals of all that is studied. Pure.

Both learn from the bins that leave the window, and lay out the zones of the window that is judged.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Protocol

from streams.kinds.parts.clusters import Bin
from streams.kinds.parts.discs import rings_around
from streams.records import Micros
from streams.specs import Learning
from streams.unusual.baselines import Season
from streams.unusual.permuting import Permuted
from streams.unusual.scanning import Ground, Zones
from streams.unusual.usual import Usual

Counts = Mapping[str, Sequence[int]]
"""What each cell brought in each bin of the window, the newest bin first."""


class Learns(Protocol):
    """What a state remembers: `usual` of what was, or the last bins themselves, the newest last (`study`)."""

    usual: Usual
    study: list[dict[str, int]]


class Against(Protocol):
    """What zones are held against."""

    season: Season

    def forget(self, state: Learns) -> None:
        """Nothing is known."""

    def learn(self, state: Learns, bin: Bin) -> None:
        """A bin that has left the window."""

    def pass_by(self, state: Learns, bins: int) -> None:
        """So many bins without events."""

    def zones(self, state: Learns, window: Sequence[Bin], counts: Counts) -> tuple[Zones, list[str]]:
        """The zones, and the names of their cells. At least one bin is known, and one cell brought something."""


class AgainstUsual:
    """What the cells usually bring: `rings` around each cell over the last bins of a window of `bins`."""

    def __init__(self, learning: Learning, season: Season, bin: Micros, bins: int, rings: int, least: int) -> None:
        self.season, self.bins, self.rings, self.least = season, bins, rings, least
        self.keep = math.exp(-bin / learning.memory)

    def forget(self, state: Learns) -> None:
        """See `Against`."""
        state.usual = Usual(sums=[0.0] * self.season.buckets, masses=[0.0] * self.season.buckets)

    def learn(self, state: Learns, bin: Bin) -> None:
        """See `Against`."""
        state.usual.learn({cell: bucket.count for cell, bucket in bin.cells.items()}, self.keep, bin.bucket)

    def pass_by(self, state: Learns, bins: int) -> None:
        """See `Against`."""
        state.usual.pass_by(bins, self.keep)

    def zones(self, state: Learns, window: Sequence[Bin], counts: Counts) -> tuple[Zones, list[str]]:
        """See `Against`."""
        rates = state.usual.rates(counts)
        levels = state.usual.levels([bin.bucket for bin in reversed(window)])
        names = list(rates)
        return Ground(list(rates.values()), around(names, self.rings), self.bins, self.least, levels), names


class AgainstTotals:
    """The totals of cells and bins of all that is remembered, of which the window is the newest part."""

    def __init__(self, learning: Learning, season: Season, bin: Micros, bins: int, rings: int, least: int) -> None:
        self.season, self.bins, self.rings, self.least = season, bins, rings, least
        self.most = learning.memory // bin - bins

    def forget(self, state: Learns) -> None:
        """See `Against`."""
        state.usual, state.study = Usual(), []

    def learn(self, state: Learns, bin: Bin) -> None:
        """See `Against`."""
        self._add(state, [{cell: bucket.count for cell, bucket in bin.cells.items()}])

    def pass_by(self, state: Learns, bins: int) -> None:
        """See `Against`."""
        self._add(state, [{} for _ in range(min(bins, self.most))])

    def zones(self, state: Learns, window: Sequence[Bin], counts: Counts) -> tuple[Zones, list[str]]:
        """See `Against`."""
        totals = {cell: sum(ages) for cell, ages in counts.items()}
        for past in state.study:
            for cell, count in past.items():
                totals[cell] = totals.get(cell, 0) + count
        names = sorted(totals)
        lately = [sum(ages) for ages in zip(*counts.values(), strict=True)]
        whole = [totals[cell] for cell in names]
        return Permuted(whole, around(names, self.rings), lately, sum(whole), self.least), names

    def _add(self, state: Learns, bins: list[dict[str, int]]) -> None:
        state.usual.bins += len(bins)
        state.study = [*state.study, *bins][-self.most:]


def around(names: Sequence[str], rings: int) -> list[list[list[int]]]:
    """For each cell the numbers of those around it, ring by ring."""
    number = {cell: at for at, cell in enumerate(names)}
    return [[[number[one] for one in ring if one in number] for ring in rings_around(cell, rings)] for cell in names]


METHODS: dict[str, type[AgainstUsual] | type[AgainstTotals]] = {"baseline": AgainstUsual, "permutation": AgainstTotals}
"""By the word that a rule says for them."""
