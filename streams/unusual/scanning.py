"""Where and since when more happened than is expected: the prospective space-time scan statistic. Pure.

Looked at are all *zones*: a disc of cells around each cell, up to some number of rings, over the last one, two, ...
bins. In each zone a Poisson count is expected (Neill's expectation-based scan); how much speaks for a zone is
`C log(C / B) + B - C` for C events where B were expected, and nothing if C <= B. The zone for which most speaks is
compared with what chance alone would bring *anywhere*: `Ground.chance`.

That probability is estimated by importance sampling (after Naiman and Priebe): p = S * E[1 / N], where S adds up,
over all zones, the probability that as much speaks for this zone, and N is the number of zones for which as much
speaks in a city drawn under the condition that it does for one of them. It has no bias, and needs as few draws for
one chance in a million as for one in ten. The draws come from a seed, so that a replay draws the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from math import ceil, exp, fsum, log, sqrt
from operator import ge
from struct import Struct
from typing import NamedTuple, TypeAlias

from streams.unusual.dice import Dice, tail

Needs: TypeAlias = list[list[list[int]]]  # by centre, disc and length

DRAWS = 64
LANE = 4  # bytes of a count: the counts of a cell over the last 1, 2, ... bins lie side by side in one integer


def score(observed: int, expected: float) -> float:
    """How much speaks for a zone: the logarithm of the likelihood ratio; 0 if no more happened than expected."""
    if observed <= expected:
        return 0.0
    return observed * log(observed / expected) + expected - observed


def least_for(bar: float, expected: float) -> int:
    """The smallest count whose score is not below `bar`."""
    count = expected + bar / 3 + sqrt(bar * bar / 9 + 2 * bar * expected)  # never too small (Bernstein)
    for _ in range(2):  # the score is convex, so Newton's steps come down and never pass
        count -= (count * log(count / expected) + expected - count - bar) / log(count / expected)
    whole = ceil(count)
    while score(whole, expected) < bar:
        whole += 1
    while whole - 1 > expected and score(whole - 1, expected) >= bar:
        whole -= 1
    return whole


class Zone(NamedTuple):
    """A disc of `cells` around a centre over the last `length` bins, and what speaks for it. Cells are by number.

    `ring`: how many rings around the centre it has.
    """

    score: float
    centre: int
    ring: int
    length: int
    observed: int
    expected: float
    cells: tuple[int, ...]


class Ground:
    """Cells with the count that each is expected to have in one bin, and their zones.

    `rings[c]` are the cells (by number) at each distance around cell c, `rings[c][0]` is c itself. `rates` are
    positive; `levels`, of the newest bin first, are the factors by which each bin is expected to bring more or less.
    `least`: zones with fewer events are none.
    """

    def __init__(self, rates: Sequence[float], rings: Sequence[Sequence[Sequence[int]]], bins: int,
                 least: int = 1, levels: Sequence[float] = ()) -> None:
        self.rates, self.bins, self.least = list(rates), bins, least
        self._spans = list(accumulate(levels or [1.0] * bins))  # over the last 1, 2, ... bins
        self._lanes = Struct(f"<{bins}I")
        self._size = LANE * bins
        self._discs: list[list[tuple[int, Sequence[int], float]]] = []  # ring, its cells, the rate of the whole disc
        for around in rings:
            inside: list[float] = []
            discs = []
            for ring, cells in enumerate(around):
                if cells:
                    inside += map(self.rates.__getitem__, cells)
                    discs.append((ring, cells, fsum(inside)))  # exact, so that discs of the same cells are equal
            self._discs.append(discs)

    @property
    def zones(self) -> int:
        """How many zones there are."""
        return self.bins * sum(map(len, self._discs))

    def best(self, counts: Mapping[int, Sequence[int]]) -> list[Zone]:
        """For each centre the zone for which most speaks, if anything does; the best first.

        `counts[c]` are those of cell c in each bin, the newest first; a cell without any may be missing. Of equal
        scores the smaller zone comes first.
        """
        found, least = [], self.least
        for centre, discs in enumerate(self._sums(counts, range(len(self.rates)))):
            top, chosen = 0.0, None
            for (ring, _, rate), sums in zip(self._discs[centre], discs, strict=False):
                for length, (seen, span) in enumerate(zip(sums, self._spans, strict=True), 1):
                    expected = span * rate
                    if seen >= least and seen > expected:
                        value = seen * log(seen / expected) + expected - seen
                        if value > top:
                            top, chosen = value, (ring, length, seen, expected)
            if chosen is not None:
                found.append(Zone(top, centre, *chosen, self.cells(centre, chosen[0])))
        return sorted(found, key=lambda zone: (-zone.score, zone.ring, zone.length, zone.centre))

    def cells(self, centre: int, ring: int) -> tuple[int, ...]:
        """The cells of a disc."""
        return tuple(cell for at, cells, _ in self._discs[centre] if at <= ring for cell in cells)

    def single(self, zone: Zone) -> float:
        """How probable it is that as much speaks for this very zone: `chance` is never less."""
        return tail(zone.observed, zone.expected)

    def ceiling(self, bar: float) -> float:
        """What `chance` never exceeds: the sum of Chernoff's bounds over all zones."""
        return min(1.0, self.zones * exp(-bar))

    def chance(self, bar: float, seed: bytes, draws: int = DRAWS) -> float:
        """How probable it is that so high a score, or a higher one, comes about by chance somewhere; an estimate.

        N leaves out the zones that share no cell with the one that was asked for: the estimate is too large by a
        share of itself at most.
        """
        needs, weights = self._bars(bar)
        whole = weights[-1] if weights else 0.0
        if not whole:
            return 0.0
        dice, found = Dice(seed), 0.0
        places = [(centre, at) for centre, discs in enumerate(self._discs) for at in range(len(discs))]
        for _ in range(draws):
            place, length = divmod(dice.pick(weights), self.bins)
            centre, at = places[place]
            ring, _, _ = self._discs[centre][at]
            need = needs[centre][at][length]
            found += 1.0 / self._drawn(self.cells(centre, ring), length + 1, need, needs, dice)
        return min(1.0, whole * found / draws)

    def _drawn(self, zone: tuple[int, ...], length: int, need: int, needs: Needs, dice: Dice) -> int:
        """How many zones have their least counts in a draw under the condition that this one has."""
        centres = self._touching(zone)
        cells = self._touching(centres)
        counts = self._draw(zone, cells, length, need, dice)
        found = 0
        for centre, discs in zip(centres, self._sums(counts, centres), strict=True):
            for sums, bars in zip(discs, needs[centre], strict=False):
                found += sum(map(ge, sums, bars))
        return max(1, found)

    def _draw(self, zone: tuple[int, ...], cells: tuple[int, ...], length: int, need: int,
              dice: Dice) -> dict[int, list[int]]:
        """Counts of some cells by chance, under the condition that a zone has its least count."""
        within, bins, spans = frozenset(zone), self.bins, self._spans
        counts: dict[int, list[int]] = {}
        parts = list(accumulate(self.rates[cell] for cell in zone))
        for _ in range(dice.at_least(need, spans[length - 1] * parts[-1])):
            cell = zone[dice.pick(parts)]
            counts.setdefault(cell, [0] * bins)[dice.pick(spans[:length])] += 1
        shares = list(accumulate(self.rates[cell] for cell in cells))
        left = dice.poisson(spans[-1] * shares[-1] - spans[length - 1] * parts[-1])
        while left > 0:
            cell, age = cells[dice.pick(shares)], dice.pick(spans)
            if age >= length or cell not in within:
                counts.setdefault(cell, [0] * bins)[age] += 1
                left -= 1
        return counts

    def _touching(self, cells: tuple[int, ...]) -> tuple[int, ...]:
        """The cells whose largest disc holds one of these."""
        return tuple(sorted({one for cell in cells for _, ring, _ in self._discs[cell] for one in ring}))

    def _sums(self, counts: Mapping[int, Sequence[int]], centres: Iterable[int]) -> Iterator[list[tuple[int, ...]]]:
        """For each centre the counts of its discs over the last 1, 2, ... bins; none where nothing happened."""
        pack, unpack, size = self._lanes.pack, self._lanes.unpack, self._size
        lanes = [0] * len(self.rates)
        for cell, ages in counts.items():
            lanes[cell] = int.from_bytes(pack(*accumulate(ages)), "little")
        of = lanes.__getitem__
        for centre in centres:
            whole, sums = 0, []
            for _, cells, _ in self._discs[centre]:
                whole = sum(map(of, cells), whole)
                sums.append(unpack(whole.to_bytes(size, "little")))
            yield sums if whole else []

    def _bars(self, bar: float) -> tuple[Needs, list[float]]:
        """For each disc the least counts over its lengths, and the running sum of their probabilities."""
        needs: Needs = []
        weights, whole = [], 0.0
        for discs in self._discs:
            of_centre = []
            for _, _, rate in discs:
                of_disc = []
                for expected in [span * rate for span in self._spans]:
                    need = max(self.least, least_for(bar, expected))
                    of_disc.append(need)
                    whole += tail(need, expected)
                    weights.append(whole)
                of_centre.append(of_disc)
            needs.append(of_centre)
        return needs, weights
