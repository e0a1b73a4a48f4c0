"""Where and since when more happened than the totals of cells and bins explain: the permutation scan. Pure.

Kulldorff's space-time permutation: nothing is known of what is usual. Of all events of a time of study each keeps its
cell and its bin, but which cell goes with which bin is left to chance. In a zone as many are expected as its cells
have of all, times the bins of it have; what speaks for C events where B are expected, of N in all, is
`C log(C / B) + (N - C) log((N - C) / (N - B))`. A day on which all goes up is nothing, and a place where much happens
always is nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from math import exp, log

from streams.unusual.bars import Steps
from streams.unusual.dice import Dice
from streams.unusual.scanning import Needs, Zone, Zones

NEVER = 2**32  # more than any count


class Permuted(Zones):
    """Zones over the newest bins of a time of study.

    `totals` are the events of each cell in all of the study, none of them 0; `lately` those of all cells in the
    newest bins, the newest first; `whole` is the number of all.
    """

    def __init__(self, totals: Sequence[int], rings: Sequence[Sequence[Sequence[int]]], lately: Sequence[int],
                 whole: int, least: int = 1) -> None:
        super().__init__([total / whole for total in totals], rings, len(lately), least, lately)
        self.totals, self.whole = list(totals), whole
        self._until = list(accumulate(lately))
        self._within = [list(accumulate(sum(self.totals[cell] for cell in cells) for _, cells, _ in discs))
                        for discs in self.discs]

    def score(self, observed: int, expected: float) -> float:
        """See `Zones`."""
        rest = self.whole - observed
        return observed * log(observed / expected) + (rest * log(rest / (self.whole - expected)) if rest else 0.0)

    def single(self, zone: Zone) -> float:
        """See `Zones`."""
        return self._tail(zone.observed, sum(self.totals[cell] for cell in zone.cells), self._until[zone.length - 1])

    def floor(self, bar: float, limit: float) -> float:
        """Nothing is known at little cost."""
        return 0.0

    def bars(self, bar: float) -> tuple[Needs, list[float]]:
        """See `Zones`."""
        steps = Steps(bar, self.least, float(self.whole))
        needs: Needs = []
        weights, whole = [], 0.0
        for discs, within in zip(self.discs, self._within, strict=True):
            of_centre = []
            for (_, _, rate), inside in zip(discs, within, strict=True):
                of_disc = []
                for lately in self._until:
                    need = self._need(bar, steps, lately * rate, min(inside, lately))
                    of_disc.append(need)
                    whole += 0.0 if need == NEVER else self._tail(need, inside, lately)
                    weights.append(whole)
                of_centre.append(of_disc)
            needs.append(of_centre)
        return needs, weights

    def met(self, centre: int, disc: int, length: int, needs: Needs, dice: Dice) -> int:
        """See `Zones`. All zones are looked at: the estimate has no bias."""
        counts = self._draw(self.cells(centre, self.discs[centre][disc][0]), self._within[centre][disc], length,
                            needs[centre][disc][length - 1], dice)
        return max(1, self.reached(needs, range(len(self.totals)), counts))

    def _need(self, bar: float, steps: Steps, expected: float, most: int) -> int:
        """The least count; `NEVER` where even `most` are not enough. It takes no more than for Poisson counts."""
        if not most:
            return NEVER
        need = min(steps.least_at(expected), most + 1)
        while need - 1 > expected and need > self.least and self.score(need - 1, expected) >= bar - 1e-9:
            need -= 1
        return need if need <= most else NEVER

    def _draw(self, zone: tuple[int, ...], inside: int, length: int, need: int, dice: Dice) -> dict[int, list[int]]:
        """The newest bins of a permutation, under the condition that a zone has its least count."""
        mine = frozenset(zone)
        within = [cell for cell in zone for _ in range(self.totals[cell])]
        others = [cell for cell, total in enumerate(self.totals) if cell not in mine for _ in range(total)]
        lately = self._until[length - 1]
        seen = self._at_least(need, inside, lately, dice)
        newest = dice.take(within, seen) + dice.take(others, lately - seen)
        rest = within + others
        order = dice.take(newest, lately) + dice.take(rest, self._until[-1] - lately)
        counts: dict[int, list[int]] = {}
        at = 0
        for age, until in enumerate(self._until):
            for cell in order[at:until]:
                counts.setdefault(cell, [0] * self.bins)[age] += 1
            at = until
        return counts

    def _at_least(self, least: int, inside: int, lately: int, dice: Dice) -> int:
        """How many of the newest events lie in a zone, under the condition that it is at least so many."""
        terms = list(self._terms(least, inside, lately))
        return least + dice.pick(list(accumulate(terms)))

    def _tail(self, least: int, inside: int, lately: int) -> float:
        return min(1.0, sum(self._terms(least, inside, lately)))

    def _terms(self, count: int, inside: int, lately: int) -> Iterator[float]:
        """How probable it is that just so many of the newest events are among those inside; then one more, ..."""
        logs, outside = self._logs, self.whole - inside
        if count > min(inside, lately):
            return
        term = exp(logs[inside] - logs[count] - logs[inside - count]
                   + logs[outside] - logs[lately - count] - logs[outside - lately + count]
                   - logs[self.whole] + logs[lately] + logs[self.whole - lately])
        first = term
        while term > 1e-12 * first:
            yield term
            term *= (inside - count) * (lately - count) / ((count + 1) * (outside - lately + count + 1))
            count += 1

    @cached_property
    def _logs(self) -> list[float]:
        """The logarithms of the factorials."""
        return list(accumulate(map(log, range(1, self.whole + 1)), initial=0.0))
