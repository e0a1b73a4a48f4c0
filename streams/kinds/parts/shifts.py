"""A threshold whose condition is a shift from the baseline: a little more, or less, than normal, but for long.

`streams/unusual/cusum.py` adds up what the bins tell. A bin is taken when it ends, judged by what was learnt before it,
and learnt as any bin of a baseline is. The episode opens when the shift is found and lasts until nothing is left of the
evidence. It shows the bins since the shift began, as they stood when there was most evidence; its evidence are the
events of the bins that told more for it, from the one that found it on.

Of counts a bin without events counts 0, unless so many are empty in a row that it can hardly be chance: then nobody
looked, and they are passed over, as bins without a value are. Where that lasts for `over` the evidence is forgotten.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from streams.clocks import BEFORE_ALL, HOUR, moment, show_duration
from streams.explained import Explained, Measured, Relaxed
from streams.judging.episodes import Hold
from streams.kinds.parts.exceedance import (
    COUNTED,
    WARMING,
    Exceedance,
    ExceedanceState,
    Question,
    how_long,
    rounded,
)
from streams.records import KeyValues, Member, Micros
from streams.specs import Measure, Test, Trend
from streams.unusual.baselines import UNLIKELY_SILENCE, Outlook
from streams.unusual.cusum import Shift, Shifting
from streams.unusual.tails import none_at_all

SHIFT_FACTS = ("expected", "percent", "change", "since", "delay")
"""What a finding tells of the bins since the shift began, by the names that texts use."""
TOGETHER = 2  # bins within so many times `over` may have a good or a bad day in common
TODAY = 20 * HOUR


class ShiftState(ExceedanceState):
    """`taken` is the end of the last bin that was taken or passed over.

    `hush` is the logarithm of how probable the empty bins since then are; `most` the evidence that the episode shows.
    """

    shifting: Shifting = msgspec.field(default_factory=Shifting)
    taken: Micros = BEFORE_ALL
    hush: float = 0.0
    most: float = 0.0


class Shifted(Exceedance):
    """A rule with `rise` or `fall`, compiled."""

    state_type: type[msgspec.Struct] = ShiftState
    question: Question

    def __init__(self, question: Question, zone: ZoneInfo, holidays: frozenset[int] = frozenset()) -> None:
        super().__init__(question, zone, holidays)
        trend = question.rarity
        assert isinstance(trend, Trend)
        self.over = trend.over
        bins = max(1, round(TOGETHER * trend.over / self.size))
        keep = 1.0 - min(1.0, self.size / question.learning.memory)
        self.shift = Shift(trend.by, trend.share, trend.side == "rise", self.counts, bins, 1.0 / self.bound, keep)

    def start(self, key: KeyValues, now: Micros) -> ShiftState:
        """Nothing learnt."""
        return ShiftState(Hold(), self.baseline.begin(key), key=key)

    def span(self, key: KeyValues) -> Micros:
        return self.question.learning.memory

    def explain(self, state: ExceedanceState, now: Micros) -> Explained:
        assert isinstance(state, ShiftState)
        begin = state.shifting.since
        test = Test("gte", round(self.shift.limit(state.shifting), 2))
        name, seen = f"evidence of a {self.question.rarity.side}", state.members[state.head:]
        measured = Measured(name, round(state.shifting.height, 2), test, now if begin is None else begin, now, seen)
        return Explained(measured)

    def relaxed(self) -> Iterator[Relaxed]:
        question = self.question
        for demand, options in (("for", replace(question.options, wait=0)),
                                ("keep_firing_for", replace(question.options, keep=0))):
            if options != question.options:
                yield Relaxed(demand, Shifted(replace(question, options=options), self.zone, self.holidays))
        if question.min_events:
            yield Relaxed("min_events", Shifted(replace(question, min_events=0), self.zone, self.holidays))

    # one bin

    def _on_outage(self, state: ExceedanceState, member: Member) -> None:
        assert isinstance(state, ShiftState)
        self._pass(state, self.edges.floor(member.time))
        super()._on_outage(state, member)

    def _begin_bin(self, state: ExceedanceState, time: Micros) -> None:
        assert isinstance(state, ShiftState)
        self._pass(state, self.edges.floor(time))
        super()._begin_bin(state, time)

    def _pass(self, state: ShiftState, until: Micros) -> None:
        """Take the bins without events before one."""
        while state.taken != BEFORE_ALL and state.taken < until:
            begin, end = state.taken, self.edges.after(state.taken)
            state.taken = end
            if self._whole(begin, end) and self._counts_as_none(state, begin):
                self._take(state, begin, end, 0, ())
            elif end - state.heard >= self.over:
                state.shifting.rest()
                state.hold.end(end, "no_data")

    def _counts_as_none(self, state: ShiftState, begin: Micros) -> bool:
        """Whether an empty bin says that nothing happened."""
        if not self.counts or begin < state.dark:
            return False
        if state.learnt.bins < self.blind:
            return True
        outlook = self.baseline.outlook(state.learnt, begin)
        state.hush += none_at_all(outlook.mean, outlook.spread)
        return state.hush >= UNLIKELY_SILENCE

    def _end_bin(self, state: ExceedanceState, end: Micros) -> None:
        assert isinstance(state, ShiftState)
        begin = self.edges.floor(end - 1)
        if not state.members:
            self._pass(state, end)
        else:
            if self._whole(begin, end) and not state.partial and begin >= state.dark and self._enough(state):
                value = self.gauge.value(state)
                self._take(state, begin, end, value, tuple(state.members[state.head:]))
                self.baseline.learn(state.learnt, begin, value)
            state.heard = state.taken = end
            state.hush = 0.0
        self.gauge.clear(state)
        state.partial = False
        awaited = self.counts and not self.shift.up and state.hush >= UNLIKELY_SILENCE
        goes_on = awaited or not state.hold.idle or state.shifting.since is not None
        state.edge = self.edges.after(end) if goes_on else None

    def _take(self, state: ShiftState, begin: Micros, end: Micros, value: Any, members: tuple[Member, ...]) -> None:
        """Add what a bin tells, and what follows from it."""
        if value is None or state.learnt.bins < self.blind:
            return
        outlook, shifting = self.baseline.outlook(state.learnt, begin), state.shifting
        self.shift.take(shifting, begin, value, outlook)
        if shifting.since is None:
            state.hold.false(self.options, end)
        elif self.shift.found(shifting) or (state.hold.holds and shifting.strength > state.most):
            self._shows(state, end, outlook, members)

    def _forget(self, state: ExceedanceState, at: Micros) -> None:
        assert isinstance(state, ShiftState)
        super()._forget(state, at)
        state.shifting, state.taken, state.hush = Shifting(), BEFORE_ALL, 0.0

    # what is told

    def _shows(self, state: ShiftState, at: Micros, outlook: Outlook, proof: tuple[Member, ...]) -> None:
        """Take a bin that tells for the shift; the episode shows the span for which most spoke."""
        hold, shifting = state.hold, state.shifting
        before = hold.open or hold.pending
        kept, shown = ({}, None) if before is None else (before.facts, before.value)
        told = self._said(state, outlook, at)
        hold.true(self.options, at, told.pop("value"), proof)
        episode = hold.open or hold.pending
        assert episode is not None
        if before is not None and shifting.strength <= state.most:
            told, episode.value = {name: kept[name] for name in (*SHIFT_FACTS, WARMING) if name in kept}, shown
        else:
            state.most = shifting.strength
            told |= {WARMING: True} if WARMING in kept else {}
        own = {name: fact for name, fact in episode.facts.items() if name not in SHIFT_FACTS and name != WARMING}
        episode.facts = {**own, **told}

    def _said(self, state: ShiftState, outlook: Outlook, at: Micros) -> dict[str, Any]:
        shifting = state.shifting
        assert shifting.since is not None
        bins = 1 if self.counts else shifting.bins
        seen, expected = shifting.came / bins, shifting.foretold / bins
        spread = 10.0 if self.counts else outlook.swing
        digits = 1 if self.counts and expected < 10 else max(0, 1 - math.floor(math.log10(max(1e-9, spread))))
        said = {
            "value": rounded(seen, digits), "expected": rounded(expected, digits),
            "change": rounded(abs(seen - expected), digits),
            "percent": round(100 * abs(seen - expected) / abs(expected)) if expected else 0,
            "since": since(shifting.since, at, self.zone),
            "delay": how_long(self.shift.delay(shifting) * self.size),
        }
        return said | ({WARMING: True} if self.baseline.warming(state.learnt) else {})


def since(begin: Micros, now: Micros, zone: ZoneInfo) -> str:
    """`02:00` by the clocks of the zone; with the date if that was long ago."""
    return f"{moment(begin, zone):%H:%M}" if now - begin <= TODAY else f"{moment(begin, zone):%Y-%m-%d %H:%M}"


def misfits(trend: Trend, spec: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Contradictions between `rise` or `fall` and the other fields: (field, what is wrong, what to do)."""
    window, counts = spec["window"], (spec.get("measure") or Measure()).name in COUNTED
    size, memory, where = window.size or HOUR, spec["baseline"].memory, f"condition.{trend.side}"
    if trend.over < size:
        text = f"within {show_duration(trend.over)} nothing can be told in bins of {show_duration(size)}"
        yield f"{where}.over", text, f"write at least {show_duration(size)}, or choose a shorter window"
    if trend.over > memory // 8:
        text = f"what lasts so long becomes normal, with a memory of {show_duration(memory)}"
        yield f"{where}.over", text, f"write {show_duration(memory // 8)} at most, or a longer memory"
    if counts and not trend.share:
        yield f"{where}.by", "what counts bring differs from hour to hour", "write a share of it: by: 30%"
    if counts and spec.get("min_events"):
        yield "min_events", "hours with few events count as much as others here", "remove `min_events`"
    if trend.side == "fall" and trend.share and trend.by >= 1.0:
        yield f"{where}.by", "nothing falls by all that there is", "write less than 100%"
