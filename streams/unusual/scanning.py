"""Where and since when more happened than is expected: the prospective space-time scan statistic. Pure.

Looked at are all *zones*: a disc of cells around each cell, up to some number of rings, over the last one, two, ...
bins. In each zone a count is expected; how much speaks for a zone says the model: `Ground` here expects Poisson counts
from what is usual (Neill's expectation-based scan), `Permuted` in `permuting.py` asks for no more than the totals of
cells and bins. The zone for which most speaks is compared with what chance alone would bring *anywhere*:
`Zones.chance`.

That probability is estimated by importance sampling (after Naiman and Priebe): p = S * E[1 / N], where S adds up,
over all zones, the probability that as much speaks for this zone, and N is the number of zones for which as much
speaks in a city drawn under the condition that it does for one of them. It has no bias, and needs as few draws for
one chance in a million as for one in ten. The draws come from a seed, so that a replay draws the same. Most scans need
none: `Zones.judged`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from math import exp, expm1, fsum, log, log1p
from operator import ge
from struct import Struct
from typing import NamedTuple, TypeAlias

from streams.unusual.bars import Steps, least_for
from streams.unusual.dice import Dice, cumulated, tail

Needs: TypeAlias = list[list[list[int]]]  # by centre, disc and length

DRAWS = 64
CLEARLY = 16  # draws, after which a probability of more than twice what matters is not looked at more closely
NOTHING = 1e-9  # so little speaks for a zone by rounding alone
LANE = 4  # bytes of a count: the counts of a cell over the last 1, 2, ... bins lie side by side in one integer


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


class Zones(ABC):
    """Cells with the count that each is expected to have in one bin, and their zones.

    `rings[c]` are the cells (by number) at each distance around cell c, `rings[c][0]` is c itself. `rates` are
    positive; `levels`, of the newest bin first, are the factors by which each bin is expected to bring more or less.
    `least`: zones with fewer events are none.
    """

    def __init__(self, rates: Sequence[float], rings: Sequence[Sequence[Sequence[int]]], bins: int,
                 least: int = 1, levels: Sequence[float] = ()) -> None:
        self.rates, self.bins, self.least = list(rates), bins, least
        self.levels = list(levels or [1.0] * bins)
        self.spans = list(accumulate(self.levels))  # over the last 1, 2, ... bins
        self._lanes = Struct(f"<{bins}I")
        self._size = LANE * bins
        self.discs: list[list[tuple[int, Sequence[int], float]]] = []  # ring, its cells, the rate of the whole disc
        for around in rings:
            inside: list[float] = []
            discs = []
            for ring, cells in enumerate(around):
                if cells:
                    inside += map(self.rates.__getitem__, cells)
                    discs.append((ring, cells, fsum(inside)))  # exact, so that discs of the same cells are equal
            self.discs.append(discs)

    @abstractmethod
    def score(self, observed: int, expected: float) -> float:
        """How much speaks for a zone with more events than expected."""

    @abstractmethod
    def single(self, zone: Zone) -> float:
        """How probable it is that as much speaks for this very zone: `chance` is never less."""

    @abstractmethod
    def floor(self, bar: float, limit: float) -> float:
        """What `chance` is at least, at little cost; looked for only until it is more than `limit`."""

    @abstractmethod
    def bars(self, bar: float) -> tuple[Needs, list[float]]:
        """For each disc the least counts over its lengths, and the running sum of their probabilities."""

    @abstractmethod
    def met(self, centre: int, disc: int, length: int, needs: Needs, dice: Dice) -> int:
        """How many zones have their least counts in a draw under the condition that this one has."""

    @property
    def zones(self) -> int:
        """How many zones there are."""
        return self.bins * sum(map(len, self.discs))

    def ceiling(self, bar: float) -> float:
        """What `chance` never exceeds, at little cost: the sum of Chernoff's bounds over all zones."""
        return min(1.0, self.zones * exp(-bar))

    def best(self, counts: Mapping[int, Sequence[int]]) -> list[Zone]:
        """For each centre the zone for which most speaks, if anything does; the best first.

        `counts[c]` are those of cell c in each bin, the newest first; a cell without any may be missing. Of equal
        scores the smaller zone comes first.
        """
        found, least, speaks = [], self.least, self.score
        for centre, discs in enumerate(self.sums(counts, range(len(self.rates)))):
            top, chosen = NOTHING, None
            for (ring, _, rate), sums in zip(self.discs[centre], discs, strict=False):
                for length, (seen, span) in enumerate(zip(sums, self.spans, strict=True), 1):
                    expected = span * rate
                    if seen >= least and seen > expected:
                        value = speaks(seen, expected)
                        if value > top:
                            top, chosen = value, (ring, length, seen, expected)
            if chosen is not None:
                found.append(Zone(top, centre, *chosen, self.cells(centre, chosen[0])))
        return sorted(found, key=lambda zone: (-zone.score, zone.ring, zone.length, zone.centre))

    def cells(self, centre: int, ring: int) -> tuple[int, ...]:
        """The cells of a disc."""
        return tuple(cell for at, cells, _ in self.discs[centre] if at <= ring for cell in cells)

    def judged(self, zone: Zone, limit: float, faint: float, seed: bytes) -> float:
        """How probable it is that as much speaks for some zone, only as exactly as it matters.

        That is whether it is more than `limit`; and if not, how much it is, down to `faint`. Draws are the last
        resort: the zone's own tail, or the sum of bounds, decides most scans.
        """
        single = self.single(zone)
        if single > limit:
            return single
        ceiling = self.ceiling(zone.score)
        if ceiling <= min(limit, faint):
            return ceiling
        floor = self.floor(zone.score, limit)
        return floor if floor > limit else self.chance(zone.score, seed, limit=limit, faint=faint)

    def chance(self, bar: float, seed: bytes, draws: int = DRAWS, limit: float = 1.0, faint: float = 0.0) -> float:
        """How probable it is that so high a score, or a higher one, comes about by chance somewhere; an estimate.

        `limit` and `faint`: see `judged`.
        """
        needs, weights = self.bars(bar)
        whole = weights[-1] if weights else 0.0
        if whole <= min(limit, faint):
            return whole
        dice, found = Dice(seed), 0.0
        places = [(centre, at) for centre, discs in enumerate(self.discs) for at in range(len(discs))]
        for number in range(1, draws + 1):
            place, length = divmod(dice.pick(weights), self.bins)
            found += 1.0 / self.met(*places[place], length + 1, needs, dice)
            if number % CLEARLY == 0 and whole * found > 2 * limit * number:
                return min(1.0, whole * found / number)
        return min(1.0, whole * found / draws)

    def reached(self, needs: Needs, centres: Iterable[int], counts: Mapping[int, Sequence[int]]) -> int:
        """How many zones around these centres have their least counts."""
        centres = tuple(centres)
        found = 0
        for centre, discs in zip(centres, self.sums(counts, centres), strict=True):
            for sums, bars in zip(discs, needs[centre], strict=False):
                found += sum(map(ge, sums, bars))
        return found

    def sums(self, counts: Mapping[int, Sequence[int]], centres: Iterable[int]) -> Iterator[list[tuple[int, ...]]]:
        """For each centre the counts of its discs over the last 1, 2, ... bins; none where nothing happened."""
        pack, unpack, size = self._lanes.pack, self._lanes.unpack, self._size
        lanes = [0] * len(self.rates)
        for cell, ages in counts.items():
            lanes[cell] = int.from_bytes(pack(*accumulate(ages)), "little")
        of = lanes.__getitem__
        for centre in centres:
            whole, sums = 0, []
            for _, cells, _ in self.discs[centre]:
                whole = sum(map(of, cells), whole)
                sums.append(unpack(whole.to_bytes(size, "little")))
            yield sums if whole else []


class Ground(Zones):
    """Zones with Poisson counts."""

    def __init__(self, rates: Sequence[float], rings: Sequence[Sequence[Sequence[int]]], bins: int,
                 least: int = 1, levels: Sequence[float] = ()) -> None:
        super().__init__(rates, rings, bins, least, levels)
        self._tables: dict[float, list[float]] = {}

    def score(self, observed: int, expected: float) -> float:
        """See `score`."""
        return observed * log(observed / expected) + expected - observed

    def single(self, zone: Zone) -> float:
        """See `Zones`."""
        return tail(zone.observed, zone.expected)

    def floor(self, bar: float, limit: float) -> float:
        """How probable it is that as much speaks for a single cell, be it over the newest bin or over all of them.

        Cells are independent of each other.
        """
        rarely, spans = 0.0, (self.spans[0], self.spans[-1])
        for rate in self.rates:
            own = max(tail(max(self.least, least_for(bar, span * rate)), span * rate) for span in spans)
            rarely += log1p(-min(own, 0.5))
            if -expm1(rarely) > limit:
                break
        return -expm1(rarely)

    def bars(self, bar: float) -> tuple[Needs, list[float]]:
        """See `Zones`."""
        steps = Steps(bar, self.least, self.spans[-1] * max((discs[-1][2] for discs in self.discs), default=0.0))
        needs: Needs = []
        weights, whole = [], 0.0
        for discs in self.discs:
            of_centre = []
            for _, _, rate in discs:
                of_disc = []
                for span in self.spans:
                    need, rarely = steps.at(span * rate)
                    of_disc.append(need)
                    whole += rarely
                    weights.append(whole)
                of_centre.append(of_disc)
            needs.append(of_centre)
        return needs, weights

    def met(self, centre: int, disc: int, length: int, needs: Needs, dice: Dice) -> int:
        """See `Zones`. Zones that share no cell with this one are left out: so `chance` is too large by a share."""
        zone = self.cells(centre, self.discs[centre][disc][0])
        centres = self._touching(zone)
        counts = self._draw(zone, self._touching(centres), length, needs[centre][disc][length - 1], dice)
        return max(1, self.reached(needs, centres, counts))

    def _draw(self, zone: tuple[int, ...], cells: tuple[int, ...], length: int, need: int,
              dice: Dice) -> dict[int, list[int]]:
        """Counts of some cells by chance, under the condition that a zone has its least count."""
        within, bins, spans = frozenset(zone), self.bins, self.spans
        counts: dict[int, list[int]] = {}
        parts = list(accumulate(self.rates[cell] for cell in zone))
        for _ in range(dice.at_least(need, spans[length - 1] * parts[-1])):
            cell = zone[dice.pick(parts)]
            counts.setdefault(cell, [0] * bins)[dice.pick(spans[:length])] += 1
        shares = list(accumulate(self.rates[cell] for cell in cells))
        if self.spans[-1] * shares[-1] > len(cells) * bins:
            self._fill(counts, cells, within, length, dice)
            return counts
        left = dice.poisson(spans[-1] * shares[-1] - spans[length - 1] * parts[-1])
        while left > 0:
            cell, age = cells[dice.pick(shares)], dice.pick(spans)
            if age >= length or cell not in within:
                counts.setdefault(cell, [0] * bins)[age] += 1
                left -= 1
        return counts

    def _fill(self, counts: dict[int, list[int]], cells: Iterable[int], within: Container[int], length: int,
              dice: Dice) -> None:
        """Where there are many events: a count for each cell and bin, but not for those of the zone."""
        roll, tables = dice.roll, self._tables
        for cell in cells:
            rate, row = self.rates[cell], counts.setdefault(cell, [0] * self.bins)
            for age in range(length if cell in within else 0, self.bins):
                expected = rate * self.levels[age]
                table = tables.get(expected)
                if table is None:
                    table = tables[expected] = cumulated(expected)
                row[age] = bisect_right(table, roll())

    def _touching(self, cells: tuple[int, ...]) -> tuple[int, ...]:
        """The cells whose largest disc holds one of these."""
        return tuple(sorted({one for cell in cells for _, ring, _ in self.discs[cell] for one in ring}))
