"""From the probabilities of a rule's bins to the one below which it should alarm. Pure.

Nominally a budget of A alarms in a time with N bins asks for bins rarer than A / N. Counts of cities are never quite
as a model has them, so what is chosen is counted: the probability below which the history has just as many findings as
the budget allows it.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from streams.kinds.parts.exceedance import COMMONEST
from streams.records import KeyValues, Micros
from streams.rulefile.baselining import RAREST
from streams.tools.calibrating.recording import Page

FEW = 5  # findings; where the history allows fewer, it cannot tell that more would be right
STEPS_A_DECADE = 2


class Budget(msgspec.Struct, frozen=True):
    """How many findings are allowed in a time, of all keys together."""

    alarms: float
    per: Micros


class History(msgspec.Struct, frozen=True):
    """The bins that were judged when enough was learnt: by key the begins and probabilities, how many, over what time.

    `total` counts the bins without events too.
    """

    keys: Mapping[KeyValues, Sequence[tuple[Micros, float]]]
    size: Micros
    total: int
    span: Micros

    def findings(self, p: float) -> int:
        """How many findings there would have been: bins rarer than `p`; those that follow each other are one."""
        found = 0
        for bins in self.keys.values():
            before = None
            for begin, one in bins:
                if one < p:
                    found += before is None or begin > before + self.size
                    before = begin
        return found

    def share(self, p: float) -> float:
        """Which share of all bins was rarer than `p`."""
        rare = sum(one < p for bins in self.keys.values() for _, one in bins)
        return rare / self.total if self.total else 0.0

    def a(self, per: Micros, number: float) -> float:
        """So many findings of the history as a number in each `per`."""
        return number * per / self.span if self.span else 0.0


class Choice(msgspec.Struct, frozen=True):
    """What was chosen: `p`, beside what the budget asks for nominally, and what the history allows it to find.

    `capped`: the history is too short to tell that more than the nominal would be right.
    """

    p: float
    nominal: float
    allowed: int
    capped: bool


def history_of(pages: Mapping[KeyValues, Page], size: Micros, since: Micros, until: Micros,
               known: Sequence[tuple[Micros, Micros]] = ()) -> History:
    """The bins of a history that were believed, of those that began from `since` on and ended by `until`.

    `known` are spans in which something did happen: what is found there is no false alarm.
    """
    keys, total, first = {}, 0, until
    for key, page in sorted(pages.items(), key=lambda one: str(one[0])):
        believed = [(begin, one.p) for begin, one in sorted(page.bins.items())
                    if one.believed and since <= begin and begin + size <= until]
        if believed:
            begin = believed[0][0]
            keys[key] = [one for one in believed if not any(a - size < one[0] < b for a, b in known)]
            total += (until - begin - _within(known, begin, until)) // size
            first = min(first, begin)
    return History(keys, size, total, until - first - _within(known, first, until))


def _within(spans: Sequence[tuple[Micros, Micros]], begin: Micros, end: Micros) -> Micros:
    """How much of a time the spans cover, which do not overlap."""
    return sum(max(0, min(b, end) - max(a, begin)) for a, b in spans)


def choose(history: History, budget: Budget) -> Choice:
    """The largest probability below which the history has no more findings than the budget allows it."""
    nominal = nominal_of(history, budget)
    allowed = math.floor(budget.alarms * history.span / budget.per)
    every = sorted({p for bins in history.keys.values() for _, p in bins if p < COMMONEST})
    first = bisect_left(every, True, key=lambda p: history.findings(math.nextafter(p, 1.0)) > allowed)
    most = every[first] if first < len(every) else COMMONEST
    capped = allowed < FEW and most > nominal
    p = _rounded(nominal, 0.0) if capped else _rounded(most, every[first - 1] if first else 0.0)
    return Choice(max(RAREST, p), nominal, allowed, capped)


def nominal_of(history: History, budget: Budget) -> float:
    """What the budget asks for if all is as the model has it."""
    bins = max(1.0, history.total * budget.per / history.span) if history.span else 1.0
    return min(COMMONEST, budget.alarms / bins)


def ladder(history: History, marked: Iterable[float]) -> list[float]:
    """The probabilities that a chart shows: two for each power of ten, and the marked ones, the largest first."""
    marks = sorted(marked)
    low, high = math.floor(math.log10(marks[0])) - 1, math.ceil(math.log10(marks[-1])) + 1
    steps = (float(f"{10 ** (step / STEPS_A_DECADE):.1g}")
             for step in range(STEPS_A_DECADE * low, STEPS_A_DECADE * high + 1))
    return sorted({*(one for one in steps if one <= COMMONEST), *marks}, reverse=True)


def _rounded(p: float, above: float) -> float:
    """The number in as few digits as it may have, not larger, and larger than `above`."""
    for digits in range(2, 17):
        unit = 10.0 ** (math.floor(math.log10(p)) - digits + 1)
        found = float(f"{math.floor(p / unit * (1 + 1e-12)) * unit:.{digits}g}")
        if above < found <= p:
            return found
    return p
