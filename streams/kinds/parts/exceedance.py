"""A threshold whose condition is a baseline: more, or less, than this hour normally brings.

`streams/unusual/baselines.py` says what is normal and how rare a value is; here one key's events are put into
bins, each bin is judged and learnt. A bin with events is judged at its end; one that is to be `above` in a count also
with every event, because more events only help. What an end concludes stands until the next end that is judged.

While the source is known to be silent (`streams/outages.py` tells), bins are missing: they teach nothing, and nobody
says of them that they brought little.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from streams.clocks import AFTER_ALL, BEFORE_ALL, DAY, HOUR, MINUTE, moment, show_duration
from streams.explained import Explained, Measured, Relaxed
from streams.judging.episodes import Episode, Hold, HoldOptions
from streams.judging.measures import Gauge
from streams.judging.windows import Edges
from streams.kinds import BEGINS, Frontier, Identity
from streams.records import KeyValues, Member, Micros
from streams.specs import Learning, Measure, Rarity, Test, Window
from streams.unusual.baselines import SEASONS, Baseline, Counts, Judgement, Learnt, Outlook, Season, Values
from streams.unusual.profiles import Profile

COUNTED = ("count", "distinct")
COMMONEST = 0.05  # what comes in one bin of twenty is nothing unusual
FACTS = ("expected", "low", "high", "p", "recurrence", "during")
"""What a finding tells of the rarest bin, by the names that texts use."""
WARMING = "baseline.warming"
"""The fact of findings that came before enough was learnt."""
ADD_BASELINE = "add it: baseline: {season: hour_of_week, memory: 8w}"
ADD_RARITY = "write for example condition: {above: {budget: 2/month}}"
YEAR = 365 * DAY
BELIEVED = 10 * YEAR  # a tail is not known so well that rarer things could be told apart


class Question(msgspec.Struct, frozen=True):
    """What a rule asks: how rare a value of which measure must be, learnt how. A `profile` is what keys begin with."""

    window: Window
    measure: Measure
    rarity: Rarity
    learning: Learning
    min_events: int
    options: HoldOptions
    profile: Profile | None = None


class ExceedanceState(msgspec.Struct, array_like=True, dict=True):
    """`members[head:]` are the events of the running bin, which ends at `edge`; None while nothing is to be judged.

    `heard` is the end of the last bin with events, or the begin of one that runs; the bins since are not learnt yet.
    `partial`: the running bin is the first one known. `met`: it is rare enough already. `out` names those by whom the
    source is silent, and bins that begin before `dark` are missing. The measure and the outlook are kept beside the
    fields: copy a state through its bytes only.
    """

    hold: Hold
    learnt: Learnt
    due: Micros | None = None
    members: list[Member] = []
    head: int = 0
    edge: Micros | None = None
    heard: Micros = BEFORE_ALL
    partial: bool = False
    met: bool = False
    key: KeyValues = ()
    out: list[str] = []
    dark: Micros = BEFORE_ALL


class Exceedance:
    """A rule with a baseline, compiled."""

    frontier = Frontier.CLOCK
    identity = Identity.TIME
    state_type: type[msgspec.Struct] = ExceedanceState
    why = "an event that comes late can change what was normal, so the clock must have passed"

    def __init__(self, question: Question, zone: ZoneInfo, holidays: frozenset[int] = frozenset()) -> None:
        self.question, self.zone, self.holidays = question, zone, holidays
        learning, size = question.learning, question.window.size or HOUR
        season = Season(learning.season, size, zone, holidays)
        self.counts = question.measure.name in COUNTED
        memory, least = learning.memory, learning.min_samples
        self.baseline: Baseline = Values(season, memory, least)
        if self.counts:
            self.baseline = Counts(season, memory, least, profile=question.profile)
        self.above = question.rarity.side == "above"
        self.bound = question.rarity.bound(size)
        self.size, self.edges = size, Edges(zone, size, size)
        self.options = msgspec.structs.replace(question.options, peak="last")
        self.at_once = self.above and self.counts and not self.options.wait
        self.blind = self.baseline.enough / 4
        self.gauge = Gauge(question.measure)
        self.horizon = 2 * size + self.options.wait + self.options.keep

    def untaught(self) -> Exceedance:
        """The same rule without a profile."""
        return type(self)(replace(self.question, profile=None), self.zone, self.holidays)

    def start(self, key: KeyValues, now: Micros) -> ExceedanceState:
        """Nothing learnt, but what the profile says."""
        return ExceedanceState(Hold(), self.baseline.begin(key), key=key)

    def due(self, state: ExceedanceState) -> Micros | None:
        """The next of: the bin ends, `for` or `keep_firing_for` is over, the key is forgotten."""
        return state.due

    def empty(self, state: ExceedanceState) -> bool:
        """What is learnt is not nothing: only a key that was forgotten is empty."""
        return state.due is None and not state.members and state.hold.idle

    def on_event(self, state: ExceedanceState, member: Member) -> None:
        """Take the next event into its bin; judge a count that is to be above at once."""
        if not member.roles:
            self._on_outage(state, member)
            return
        first = not state.members
        if not self.gauge.take(state, member):
            return
        if first:
            self._begin_bin(state, member.time)
        if self.at_once:
            value = self.gauge.value(state)
            p = self._rare(state, value)
            if p is not None:
                proof = (member,) if state.met else tuple(state.members)
                state.met = True
                self._meet(state, member.time, value, p, proof)
                self._schedule(state)
        if first:
            self._schedule(state)

    def advance(self, state: ExceedanceState, now: Micros) -> None:
        """Do what is due, one moment after the other."""
        while state.due is not None and state.due <= now:
            self._act(state, state.due)
            self._schedule(state)

    def span(self, key: KeyValues) -> Micros:
        return self.question.learning.memory

    def explain(self, state: ExceedanceState, now: Micros) -> Explained:
        begin = self.edges.floor(now)
        members = [member for member in state.members[state.head:] if member.time >= begin]
        window = ExceedanceState(Hold(), state.learnt, members=[])
        members = [member for member in members if self.gauge.take(window, member)]
        outlook = self.baseline.outlook(state.learnt, begin)
        look = self.baseline.least if self.above else self.baseline.most
        test = Test("gte" if self.above else "lte", look(outlook, self.bound))
        measure = self.question.measure
        name = f"{measure.name} {measure.text}".strip()
        return Explained(Measured(name, self.gauge.value(window), test, begin, self.edges.after(now), members))

    def relaxed(self) -> Iterator[Relaxed]:
        question = self.question
        for demand, options in (("for", replace(question.options, wait=0)),
                                ("keep_firing_for", replace(question.options, keep=0))):
            if options != question.options:
                yield Relaxed(demand, Exceedance(replace(question, options=options), self.zone, self.holidays))
        if question.min_events:
            yield Relaxed("min_events", Exceedance(replace(question, min_events=0), self.zone, self.holidays))

    def _on_outage(self, state: ExceedanceState, member: Member) -> None:
        """The source fell silent, or is heard of again."""
        if member.value[0] == BEGINS:
            if not state.out and not state.members:
                self._pass_by(state, self.edges.floor(member.time))
            state.out, state.dark = [*state.out, member.source], AFTER_ALL
        elif member.source in state.out:
            state.out = [one for one in state.out if one != member.source]
            if not state.out:
                state.dark = member.time
                if state.heard != BEFORE_ALL and not state.members:
                    state.heard = max(state.heard, self.edges.after(member.time - 1))
        self._schedule(state)

    # one bin

    def _pass_by(self, state: ExceedanceState, until: Micros) -> None:
        """Learn the bins without events before a moment, as if the key had been heard of."""
        if state.heard != BEFORE_ALL and state.heard < until:
            if self.counts:
                self._learn_quiet(state, until)
            state.heard = until

    def _begin_bin(self, state: ExceedanceState, time: Micros) -> None:
        begin = self.edges.floor(time)
        state.edge = self.edges.after(time)
        state.partial = state.heard == BEFORE_ALL
        if self.counts and not state.partial:
            self._learn_quiet(state, begin)
        state.heard = begin
        state.__dict__.pop("outlook", None)

    def _learn_quiet(self, state: ExceedanceState, until: Micros) -> None:
        """Learn the empty bins before one with events, unless they can hardly be chance."""
        begin, quiet = state.heard, []
        while begin < until:
            end = self.edges.after(begin)
            if self._whole(begin, end) and begin >= state.dark:
                quiet.append(begin)
            begin = end
        if quiet and (state.learnt.bins < self.blind or not self.baseline.silent(state.learnt, quiet)):
            for begin in quiet:
                self.baseline.learn(state.learnt, begin, 0)

    def _whole(self, begin: Micros, end: Micros) -> bool:
        """Whether a bin has its full length; a day may have an hour more or less."""
        return self.size == DAY or end - begin == self.size

    def _rare(self, state: ExceedanceState, value: Any) -> float | None:
        """How probable a value is that is rare enough; None for one that is not."""
        if value is None or state.learnt.bins < self.blind or not self._enough(state):
            return None
        assert state.edge is not None
        outlook: Outlook | None = state.__dict__.get("outlook")
        if outlook is None:
            outlook = state.__dict__["outlook"] = self.baseline.outlook(state.learnt, self.edges.floor(state.edge - 1))
        if not self.above:
            p = self.baseline.below(outlook, value)
        elif self.baseline.far(outlook, value):
            p = self.baseline.above(outlook, value)
        else:
            return None
        return p if p < self.bound else None

    def _enough(self, state: ExceedanceState) -> bool:
        return len(state.members) - state.head >= self.question.min_events

    def _act(self, state: ExceedanceState, due: Micros) -> None:
        wait = state.hold.due(self.options)
        if wait is not None and wait <= due:
            state.hold.advance(self.options, due)
        elif state.edge is not None and state.edge <= due:
            self._end_bin(state, state.edge)
        else:
            self._forget(state, due)

    def _end_bin(self, state: ExceedanceState, end: Micros) -> None:
        begin, value = self.edges.floor(end - 1), self.gauge.value(state)
        missing = begin < state.dark
        seen = bool(state.members) or (self.counts and not missing)
        unsure = state.partial or (missing and self.counts)
        whole = seen and self._whole(begin, end) and (self.above or not unsure)
        if whole and not state.met:
            self._judge(state, end, value)
        elif not seen or (missing and not whole):
            state.hold.end(end, "no_data")
        if state.members:
            known = self._whole(begin, end) and not (state.partial or missing)
            if known and (self.counts or self._enough(state)):
                self.baseline.learn(state.learnt, begin, value)
            state.heard = end
        self.gauge.clear(state)
        state.partial = state.met = False
        state.__dict__.pop("outlook", None)
        goes_on = not state.hold.idle or (self.counts and not self.above)
        state.edge = self.edges.after(end) if goes_on else None

    def _judge(self, state: ExceedanceState, end: Micros, value: Any) -> None:
        p = self._rare(state, value)
        if p is None:
            state.hold.false(self.options, end)
        else:
            self._meet(state, end, value, p, tuple(state.members[state.head:]))

    def _forget(self, state: ExceedanceState, at: Micros) -> None:
        """Nothing was heard of the key for so long that what was normal says nothing any more."""
        state.hold.end(at, "no_data")
        state.learnt, state.heard, state.edge = self.baseline.begin(state.key), BEFORE_ALL, None

    def _schedule(self, state: ExceedanceState) -> None:
        wait = state.hold.due(self.options)
        gone = None if state.heard == BEFORE_ALL else state.heard + self.question.learning.memory
        state.due = min((at for at in (state.edge, wait, gone) if at is not None), default=None)

    # what is told

    def _meet(self, state: ExceedanceState, at: Micros, value: Any, p: float, proof: tuple[Member, ...]) -> None:
        """Take a rare value; the episode shows the rarest of its bins."""
        before = state.hold.open or state.hold.pending
        kept, shown = (None, None) if before is None else (before.facts, before.value)
        outlook = state.__dict__["outlook"]
        told = self._told(state, self.baseline.judge(outlook, value, p))
        state.hold.true(self.options, at, value, proof)
        episode = state.hold.open or state.hold.pending
        assert episode is not None
        if kept is not None and kept.get("p", 1.0) <= told["p"]:
            told, episode.value = {name: kept[name] for name in (*FACTS, WARMING) if name in kept}, shown
        elif kept is not None and WARMING in kept:
            told[WARMING] = True
        episode.facts = {**_own(episode), **told}

    def _told(self, state: ExceedanceState, judged: Judgement) -> dict[str, Any]:
        assert state.edge is not None
        digits = 1 if self.counts else max(0, 1 - math.floor(math.log10(max(1e-9, judged.high - judged.low))))
        told = {
            "expected": rounded(judged.expected, 0 if self.counts and judged.expected >= 10 else digits),
            "low": rounded(judged.low, digits), "high": rounded(judged.high, digits),
            "p": float(f"{judged.p:.2g}"), "recurrence": how_long(self.size / judged.p if judged.p else BELIEVED + 1),
            "during": during(self.edges.floor(state.edge - 1), state.edge, self.zone),
        }
        return told | ({WARMING: True} if self.baseline.warming(state.learnt) else {})


def _own(episode: Episode) -> dict[str, Any]:
    """The facts of the newest event."""
    return {name: fact for name, fact in episode.facts.items() if name not in FACTS and name != WARMING}


def rounded(value: float, digits: int) -> float | int:
    """A number as people say it."""
    found = round(value, digits)
    return int(found) if found == int(found) else found


def how_long(span: float) -> str:
    """`3 years`, `5 weeks`: how often so rare a thing happens, in one unit."""
    if span > BELIEVED:
        return "more than 10 years"
    for name, unit, least in (("years", YEAR, 2), ("months", YEAR / 12, 2), ("weeks", 7 * DAY, 3), ("days", DAY, 2),
                              ("hours", HOUR, 2)):
        if span >= least * unit:
            return f"{round(span / unit)} {name}"
    return f"{max(1, round(span / 60_000_000))} minutes"


def during(begin: Micros, end: Micros, zone: ZoneInfo) -> str:
    """`06:00–07:00` by the clocks of the zone; of a whole day its date."""
    first, last = moment(begin, zone), moment(end, zone)
    return f"{first:%Y-%m-%d}" if end - begin > 22 * HOUR else f"{first:%H:%M}–{last:%H:%M}"


# what a rule says


def asks_baseline(spec: Mapping[str, Any]) -> bool:
    """Whether a rule has a baseline, or a condition that needs one."""
    return spec.get("baseline") is not None or isinstance(spec.get("condition"), Rarity)


def question_of(spec: Mapping[str, Any], options: HoldOptions, profile: Profile | None = None) -> Question:
    """What the fields of a rule ask, as `streams.specs` has them."""
    return Question(spec["window"], spec.get("measure") or Measure(), spec["condition"], spec["baseline"],
                    spec.get("min_events") or 0, options, profile)


def misfits(spec: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Contradictions within the fields as parsed: (field, what is wrong, what to do)."""
    window, learning, rarity = spec.get("window"), spec.get("baseline"), spec.get("condition")
    if learning is None or not isinstance(rarity, Rarity):
        if learning is None:
            side = rarity.side if isinstance(rarity, Rarity) else "above"
            return [("condition", f"`{side}` compares with a `baseline`, and there is none", ADD_BASELINE)]
        return [("condition", "a `baseline` needs a condition: `above`, `below`, `rise` or `fall`", ADD_RARITY)]
    if not isinstance(window, Window):
        return []
    if window.type != "tumbling" or not window.size or DAY % window.size or window.size < MINUTE:
        return [("window", "a baseline is learnt of bins that follow each other and fill a day",
                 "write for example {type: tumbling, size: 1h}")]
    return [*_foreign(spec), *_unlike(question_of(spec, HoldOptions()))]


def _foreign(spec: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    told = {"near": "a baseline is that of a key, not of a circle",
            "recovery": "with a baseline an episode ends by itself"}
    return [(name, text, f"remove `{name}`") for name, text in told.items() if spec.get(name) is not None]


def _unlike(question: Question) -> list[tuple[str, str, str]]:
    rarity, size, found = question.rarity, question.window.size or HOUR, []
    if not 0 < rarity.bound(size) <= COMMONEST:
        often = max(1, round(1 / rarity.bound(size)))
        text = f"one bin in {often} would be found, which is nothing unusual"
        found.append(("condition", text, "allow fewer, or choose a longer window"))
    if question.measure.name not in (*COUNTED, "avg", "min", "max", "percentile", "sum", "ratio"):
        found.append(("baseline", f"`{question.measure.name}` has no baseline", "measure a count or a value"))
    if rarity.side == "below" and question.measure.name in COUNTED and question.min_events:
        found.append(("baseline", "`min_events` keeps from sight what `below` looks for: few events",
                      "remove `min_events`"))
    if SEASONS[question.learning.season] and size > SEASONS[question.learning.season] // 2:
        found.append(("baseline", f"a day has no hours where a bin is {show_duration(size)}", "write season: none"))
    return found
