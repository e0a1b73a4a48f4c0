"""Documents of the kind `indicator`: a vital sign, measured every period, published and not alarmed.

For each key and at the end of each period (`every`, counted from local midnight) the measure is taken over the
`window` that ends there: from its beginning, which belongs to it, to its end, which does not. That is a *reading*. It
is told once the clock has passed the end of the period, and told again (with a higher `sequence`) if an event that
comes late changes it.

Its status follows from `bands`: with `good: low` a value of at least `amber` is amber and of at least `red` is red,
with `good: high` one of at most that. It becomes better only when the value has left the band by `recovery`, and
changes at all only after `hold` readings in a row on that side. A measure of no events is 0 for count, distinct and
sum; any other measure, or one of fewer than `min_events`, has no value: the status is then `unknown`, at once.

Readings begin with the first event of a key. A window without events is told once; the next reading comes with the
next event, and the status begins afresh. While a source that the indicator reads is silent (its `silence` is a finding)
the status is `unknown`.

`top` gives a list in place of a value: the `k` most frequent combinations of its parts within the window,
each with how often it came and how often within the window before. An event that lacks a part is not
counted. Such a list has no status.

Roll-ups: of each district, and of the city, the status is the worst of what counts there. A red one counts 2 and an
amber one 1, times `weight`, rounded half up: 2 is red, 1 amber. What is unknown is counted apart; only where nothing
else is there the roll-up is unknown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import msgspec

from streams.clocks import HOUR
from streams.judging.episodes import Episode, Hold, HoldOptions
from streams.judging.measures import Gauge
from streams.judging.windows import Edges, contradictions
from streams.kinds import Detector, Field, Frontier, Identity
from streams.records import KeyValues, Member, Micros
from streams.specs import Measure, Window
from streams.vitals import CITY, LOW, NONE, ROLLUPS, Bands, Standing, Top, Vital

NAME = "indicator"
FIELDS = (
    Field("every", "duration", "how often it is measured; periods are counted from local midnight", required=True),
    Field("window", "duration", "how far each measurement looks back; `every` if not given"),
    Field("measure", "measure", "what is measured: `count`, or one of the measures of a threshold", default=Measure()),
    Field("min_events", "integer", "with fewer events in the window there is no value", default=0),
    Field("good", "string", "which values are good", default=LOW, values=("low", "high")),
    Field("bands", "bands", "where amber and red begin: {amber: 15, red: 30}", required=True, instead="top"),
    Field("recovery", "number", "how far beyond a band the value must be before the status gets better", default=0),
    Field("hold", "positive", "of how many readings in a row another status must be before it is taken", default=1),
    Field("top", "top", "a list in place of a value: the most frequent, {by: [type, place.address], k: 10}"),
)
ABOUT_FIELDS = (  # they decide nothing that is measured
    Field("unit", "string", "the unit of the value", default=""),
    Field("weight", "number", "how much it counts in roll-ups, from 0 to 1", default=1),
    Field("rollup", "string", "how far up its status counts", default="city", values=ROLLUPS),
)
BANDS_FIELDS = (
    Field("amber", "number", "from where on it is amber", required=True),
    Field("red", "number", "from where on it is red", required=True),
)
TOP_FIELDS = (
    Field("by", "texts", "the parts that make two events the same: fields, `type`, `place.address`", required=True),
    Field("k", "positive", "how long the list is", default=10),
)
PERIODS_AT_MOST = 10_000  # of a window


class IndicatorState(msgspec.Struct, array_like=True, dict=True):
    """`members[head:]` are the events that count, in order; `edge` is the end of the period, None while none runs."""

    hold: Hold
    members: list[Member] = []
    head: int = 0
    edge: Micros | None = None
    standing: Standing = Standing()


class Indicator:
    """An indicator, compiled: each reading is an episode of an instant, whose facts tell status and since when."""

    frontier: ClassVar[Frontier] = Frontier.CLOCK
    identity: ClassVar[Identity] = Identity.TIME
    state_type: type[msgspec.Struct] = IndicatorState
    why = "a period is told when the clock has passed its end"
    windows = 1  # that look back one after the other

    def __init__(self, vital: Vital, measure: Measure, min_events: int, zone: ZoneInfo) -> None:
        self.vital = vital
        self.edges = Edges(zone, vital.window, vital.every)
        self.gauge = Gauge(measure, min_events)
        self.horizon: Micros = self.windows * vital.window + 2 * (vital.every + HOUR)

    def start(self, key: KeyValues, now: Micros) -> IndicatorState:
        """No events yet."""
        return IndicatorState(Hold())

    def on_event(self, state: IndicatorState, member: Member) -> None:
        """Count an event."""
        if self.gauge.take(state, member) and state.edge is None:
            state.edge = self.edges.after(member.time)

    def due(self, state: IndicatorState) -> Micros | None:
        """The end of the period."""
        return state.edge

    def advance(self, state: IndicatorState, now: Micros) -> None:
        """Measure at each end that has come."""
        while state.edge is not None and state.edge <= now:
            self._measure(state, state.edge)

    def empty(self, state: IndicatorState) -> bool:
        """Nothing is counted and no period runs."""
        return state.edge is None

    def _measure(self, state: IndicatorState, end: Micros) -> None:
        value, count = self._value(state, end)
        state.standing = state.standing.after(self.vital, end, value if self.vital.top is None else None)
        facts = {"status": state.standing.status, "since": state.standing.since}
        state.hold.episodes.append(Episode(end, end, value, [], count, facts=facts))
        state.hold.touch()
        state.edge = self.edges.after(end) if state.members else None
        if state.edge is None:
            state.standing = Standing()

    def _value(self, state: IndicatorState, end: Micros) -> tuple[Any, int]:
        """What is measured, and of how many events."""
        self.gauge.drop_until(state, self.edges.begin(end) - 1)
        return self.gauge.value(state), len(state.members) - state.head


class Frequent(Indicator):
    """An indicator with `top`; a member's value holds the parts of what is counted."""

    windows = 2

    def on_event(self, state: IndicatorState, member: Member) -> None:
        """Count an event that has all the parts."""
        if member.value is not None and None not in member.value:
            super().on_event(state, member)

    def _value(self, state: IndicatorState, end: Micros) -> tuple[Any, int]:
        begin = self.edges.begin(end)
        self.gauge.drop_until(state, self.edges.begin(begin) - 1)
        members = state.members[state.head:]
        now = _counted(member for member in members if member.time >= begin)
        before = _counted(member for member in members if member.time < begin)
        assert self.vital.top is not None
        ranked = sorted(now, key=lambda parts: (-now[parts], [(str(part), str(type(part))) for part in parts]))
        listed = [[list(parts), now[parts], before[parts]] for parts in ranked[: self.vital.top.k]]
        return listed, sum(now.values())


def _counted(members: Iterable[Member]) -> Counter[tuple[Any, ...]]:
    return Counter(tuple(member.value) for member in members)


def problems(spec: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Contradictions within the fields as parsed: (field, what is wrong, what to do)."""
    every = spec.get("every")
    if every is None:
        return []
    window = spec.get("window") or every
    found = [(_blamed(text), text.replace("`hop`", "`every`").replace("`size`", "`window`"),
              hint.replace("hop", "every").replace("size", "window"))
             for text, hint in contradictions(Window("hopping", size=window, hop=every))]
    if every and window // every > PERIODS_AT_MOST:
        found.append(("window", f"the window holds {window // every} periods", "measure less often"))
    return [*found, *_doubts(spec)]


def _blamed(text: str) -> str:
    return "every" if text.startswith("`hop`") else "window"


def _doubts(spec: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    found = []
    bands, good = spec.get("bands"), spec.get("good", LOW)
    if isinstance(bands, Bands) and bands.amber != bands.red and bands.good != good:
        text = (f"with `good: {good}` amber begins before red, and {bands.amber:g} and {bands.red:g} are the other "
                "way round")
        found.append(("bands", text, f"write good: {bands.good}, or exchange the two"))
    idle = [name for name in ("bands", "recovery", "min_events") if spec.get("top") is not None and spec.get(name)]
    found += [(name, f"`{name}` says nothing of a list: `top` has no status", f"remove `{name}`") for name in idle]
    if spec.get("top") is not None and spec.get("measure", Measure()) != Measure():
        found.append(("measure", "`top` counts and measures nothing else", "remove `measure`"))
    below = [name for name in ("recovery", "min_events") if spec.get(name, 0) < 0]
    return found + [(name, f"`{name}` is negative", "write 0 or more") for name in below]


def vital_of(spec: Mapping[str, Any], about: Mapping[str, Any], description: str = "") -> Vital:
    """What makes an indicator of the measure, from its fields and those `about` it."""
    every, top = spec["every"], spec.get("top")
    return Vital(every, spec.get("window") or every, spec.get("bands"), spec.get("good", LOW), about.get("unit", ""),
                 spec.get("recovery", 0), spec.get("hold", 1), about.get("weight", 1),
                 NONE if top is not None else about.get("rollup", CITY), top, description)


def compile_rule(spec: Mapping[str, Any], options: HoldOptions, zone: ZoneInfo, **context: Any) -> Detector:
    """A detector for one indicator whose fields have no problems."""
    vital = vital_of(spec, {})
    if isinstance(vital.top, Top):
        return Frequent(vital, Measure(), 0, zone)
    return Indicator(vital, spec.get("measure") or Measure(), spec.get("min_events") or 0, zone)
