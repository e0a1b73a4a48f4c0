"""A rule with a baseline that writes down how probable each of its bins was, as a backtest folds them.

A bin that a straggler changes is folded again, and what is written down of it with that. What a document taught is left
aside, so that the same records give the same figures however often a rule is calibrated.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from streams.clocks import BEFORE_ALL
from streams.kinds.parts.exceedance import Exceedance, ExceedanceState
from streams.records import KeyValues, Micros
from streams.rules import Rule
from streams.unusual.baselines import Counts, Learnt
from streams.unusual.profiles import Profile


class Bin(NamedTuple):
    """One bin: what it brought, how probable so much was, and whether enough was learnt by then to believe it.

    `p` is 1 where there were fewer events than `min_events`.
    """

    value: float
    p: float
    believed: bool


@dataclass
class Page:
    """The bins of one key by their begin, and what was learnt when the newest of them ended."""

    bins: dict[Micros, Bin] = field(default_factory=dict)
    newest: Micros = BEFORE_ALL
    learnt: Learnt | None = None


class Recorder(Exceedance):
    """The rule's detector, with a page for each key."""

    pages: dict[KeyValues, Page]

    @classmethod
    def of(cls, rule: Rule) -> Recorder:
        """That of a rule with a condition `above` or `below` a baseline."""
        plain = rule.detector
        assert isinstance(plain, Exceedance)
        found = cls(plain.untaught().question, plain.zone, plain.holidays)
        found.pages = {}
        return found

    def _end_bin(self, state: ExceedanceState, end: Micros) -> None:
        begin, value = self.edges.floor(end - 1), self.gauge.value(state)
        judged = (state.members or (self.counts and not self.above)) and self._whole(begin, end) and not state.partial
        if judged and value is not None:
            outlook = self.baseline.outlook(state.learnt, begin)
            p = (self.baseline.above if self.above else self.baseline.below)(outlook, value)
            page = self.pages.setdefault(state.key, Page())
            believed = not self.baseline.warming(state.learnt)
            page.bins[begin] = Bin(value, p if self._enough(state) else 1.0, believed)
        super()._end_bin(state, end)
        if judged and value is not None and begin >= page.newest:
            page.newest, page.learnt = begin, state.learnt

    def profile(self, first: Micros, last: Micros) -> Profile | None:
        """What the keys have in common in a history from the first event to the last; None of measured values."""
        learnt = {key: page.learnt for key, page in self.pages.items() if page.learnt is not None}
        bins = (last - first) // self.size
        if not isinstance(self.baseline, Counts) or not learnt or not bins:
            return None
        brought = {key: round(sum(one.value for one in self.pages[key].bins.values())) for key in learnt}
        return self.baseline.profile_of(learnt, brought, bins)
