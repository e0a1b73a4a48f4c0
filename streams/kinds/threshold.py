"""Kind `threshold`: a measure over a window satisfies a condition.

When is the value judged?

- A *sliding* window is `(t - size, t]`; it is judged at each event and whenever events leave it
  (all that leave at one instant at once, before the event of that instant).
- A *tumbling* window `[begin, end)` is judged at its end. So is a *hopping* one, which ends every
  `hop` and looks back `size`. Both are aligned to local midnight (see `streams/judging/windows.py`).
- A *session* is a run of events with gaps of `gap` at most. It ends `gap` after its last event, or
  at `max` after its first, where the next event begins another. It is judged at its end.

What an end concludes stands until the next end; the episode opens at the end, not before. Nothing
is judged before a key's first event.

*Reaching* conditions (count and distinct `gt gte`, max `gt gte`, min `lt lte`) are such that more
events only help. Once one is met within a window it stays met until the window's end. So tumbling,
hopping and session are then judged at each event, on the oldest window still running (which holds
all that any younger one holds), and the episode opens with the event. It ends at the window's end
unless the next window running has met the condition by then. With `recovery` it ends at the first
end of a window whose whole value satisfies `recovery`.

What is measured of no events is 0 for count, distinct and sum; such a value is judged like any
other, so a key for which `lt` holds on nothing keeps its episode open. Every other measure of no
events is *absent*, as is any value of fewer events than `min_events`, and what a session rule
measures between sessions. Absent is neither true nor false: it opens nothing, ends nothing and
does not interrupt `for` (an episode due in the meantime opens at the next value, if that
satisfies). But once the value has been absent for the longest of `size` (session: `max`), `for` and
`keep_firing_for` (and the tumbling or hopping window or session that then runs, if it has events,
has been judged absent too), the episode ends (`no_data`) at the moment the value became absent, and
a pending one is dropped.

With `near` the key is a place. Each event is the newest of a circle of that radius around it, which looks back over
the window; the circle is judged as its newest event comes, so "three within 100 m in an hour" is said where the third
was. What meets the condition is an episode of its own: it lasts while the events of its circle, leaving the window
one after the other, still meet it. Later events are judged in circles of their own; circles that share an event are
one alert.

Evidence: the events in the window when the condition was met first, then each event at which it is
met, or which lies in a window that is judged met at its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from streams.clocks import BEFORE_ALL, HOUR
from streams.explained import Explained, Measured, Relaxed
from streams.judging.episodes import Hold, HoldOptions
from streams.judging.judge import Judge
from streams.judging.measures import Gauge
from streams.judging.windows import Edges
from streams.kinds import Detector, Field, Frontier, Identity
from streams.kinds.parts.circles import CellState, Disc, ThresholdCircles
from streams.kinds.parts.exceedance import Exceedance, asks_baseline, misfits, question_of
from streams.kinds.parts.shifts import Shifted
from streams.kinds.parts.shifts import misfits as misfits_of_shift
from streams.kinds.parts.terms import Terms, frontier_of, problems_of, terms_of
from streams.records import KeyValues, Member, Micros
from streams.specs import Measure, Trend

NAME = "threshold"
FIELDS = (
    Field("window", "window", "Over which span to measure: a duration (sliding, exact to the event), "
          "or `{type: tumbling, size: 1h}`, `{type: hopping, size: 1h, hop: 5m}` (both aligned to local "
          "midnight), `{type: session, gap: 10m, max: 6h}` (a run of events).", required=True),
    Field("measure", "measure", "What to measure: `count`, or one of `{distinct: f}`, `{sum: f}`, "
          "`{avg: f}`, `{min: f}`, `{max: f}`, `{p50: f}` to `{p99: f}`, `{spread: f}` (the largest less the "
          "smallest), `{slope: f, per: 1h}` (least squares), `{ratio: f}` (the share of events for which f is true); "
          "with `near` also `{deviation: f}` (how far the median at the newest event's place is from the median of "
          "those at the other places, of which there must be three).", default=Measure()),
    Field("condition", "condition", "When it is too much or too little: `{gte: 3}`, also gt, lt, lte, eq, "
          "neq.", required=True),
    Field("recovery", "condition", "The episode ends only when this holds, not as soon as `condition` does "
          "not."),
    Field("min_events", "integer", "With fewer events in the window there is no value.", default=0),
    Field("baseline", "baseline", "What this hour normally brings, learnt from what came: `{season: hour_of_week, "
          "memory: 8w}`. `condition` then says how rare a value must be: `{above: {budget: 2/month}}`."),
    Field("near", "distance", "Place as the key: `100m`, `2km`. Each event is the newest of a circle of this radius "
          "around it, which looks back over the window."),
)

class ThresholdState(msgspec.Struct, array_like=True, dict=True):
    """`members[head:]` are the events in the window, in order.

    `due` is when `advance` has something to do. `edge` is the end of the aligned window that is
    filling, None while nothing can come of it. `absent` says since when an episode has had no
    value. `shown` is the end of the last aligned window whose events are in the evidence. The
    measure itself is kept beside the fields (see `Gauge`): copy a state through its bytes only.
    """

    hold: Hold
    due: Micros | None = None
    members: list[Member] = []
    head: int = 0
    edge: Micros | None = None
    absent: Micros | None = None
    shown: Micros = BEFORE_ALL


class Threshold:
    """A `threshold` rule, compiled; a subclass knows the window.

    A window's moments are due before the events of that instant, a deadline D (`for`,
    `keep_firing_for`, no value) after those at D, that is at `D + 1`.
    """

    frontier: Frontier
    identity = Identity.TIME
    state_type: type[msgspec.Struct] = ThresholdState
    zone = ZoneInfo("UTC")  # of aligned windows

    def __init__(self, terms: Terms, span: Micros, reach: Micros) -> None:
        options, self.terms = terms.options, terms
        self.judge = Judge(terms.condition, terms.recovery, options, span)
        self.met = self.judge.met
        self.reaching = terms.reaching
        self.horizon = reach + self.judge.patience + options.wait + options.keep
        self.frontier, self.why = frontier_of(terms)
        self.gauge = Gauge(terms.measure, terms.min_events)

    def start(self, key: KeyValues, now: Micros) -> ThresholdState:
        """No events yet."""
        return ThresholdState(Hold())

    def on_event(self, state: ThresholdState, member: Member) -> None:
        """Take the next event into the window."""
        raise NotImplementedError

    def due(self, state: ThresholdState) -> Micros | None:
        """The next of: events leave, the window ends, a deadline."""
        return state.due

    def advance(self, state: ThresholdState, now: Micros) -> None:
        """Do what is due, one moment after the other."""
        while state.due is not None and state.due <= now:
            if state.hold.idle:
                self._on_window(state, state.due)
            else:
                self._act(state)
            self._schedule(state)

    def empty(self, state: ThresholdState) -> bool:
        """No event is in the window, nothing is pending or open, nothing is to be judged."""
        return state.due is None and not state.members and state.hold.idle

    def around(self, inside: list[Member]) -> ThresholdState | None:
        """A state of the events in a circle, the newest its centre; None if they do not meet the condition."""
        state = self.start((), inside[-1].time)
        taken = [self.gauge.take(state, member) for member in inside]
        value = self.gauge.value(state)
        if not taken[-1] or value is None or not self.met(value):
            return None
        self.judge.meet(state, inside[-1].time, value, ())
        self._schedule(state)
        return state

    def wane(self, state: ThresholdState, now: Micros) -> None:
        """Do what is due until `now`, or until the episode of a circle is over."""
        while state.due is not None and state.due <= now and not state.hold.idle:
            self._act(state)
            self._schedule(state)

    def value(self, state: ThresholdState, now: Micros) -> Any:
        """What the window measures at `now`, for people to see; None if absent."""
        return self.gauge.value(ThresholdState(Hold(), members=self._inside(state, now)))

    def span(self, key: KeyValues) -> Micros:
        return self.judge.patience

    def explain(self, state: ThresholdState, now: Micros) -> Explained:
        return Explained(self.measured(self._inside(state, now), *self._extent(state, now)))

    def measured(self, members: list[Member], begin: Micros, end: Micros) -> Measured:
        """What some events measure, for people to see."""
        window, terms = ThresholdState(Hold(), members=[]), self.terms
        members = [member for member in members if self.gauge.take(window, member)]
        name = f"{terms.name} {terms.measure.text}".strip()
        return Measured(name, self.gauge.value(window), terms.condition, begin, end, members)

    def relaxed(self) -> Iterator[Relaxed]:
        terms, options = self.terms, self.terms.options
        if options.wait:
            yield Relaxed("for", self._with(replace(terms, options=replace(options, wait=0))))
        if options.keep:
            yield Relaxed("keep_firing_for", self._with(replace(terms, options=replace(options, keep=0))))
        if terms.min_events:
            yield Relaxed("min_events", self._with(replace(terms, min_events=0)))


    # what a subclass says of its window

    def _window_due(self, state: ThresholdState) -> Micros | None:
        raise NotImplementedError

    def _on_window(self, state: ThresholdState, due: Micros) -> None:
        raise NotImplementedError

    def _precedes(self, state: ThresholdState, window: Micros, wait: Micros) -> bool:
        """Whether the window's moment comes before the deadline: a deadline is due one later."""
        return window < wait

    def _runs_until(self, state: ThresholdState, time: Micros) -> Micros:
        """The end of the window that is running at `time` and holds an event; else `time` itself."""
        return time

    def _inside(self, state: ThresholdState, now: Micros) -> list[Member]:
        return state.members[state.head:]

    def _extent(self, state: ThresholdState, now: Micros) -> tuple[Micros, Micros]:
        """From where to where the window reaches that is open at `now`."""
        raise NotImplementedError

    def _with(self, terms: Terms) -> Threshold:
        return _of(terms, self.zone)

    # what waits for time

    def _act(self, state: ThresholdState) -> None:
        """Do what comes first: the window's moment or a deadline."""
        window, wait = self._window_due(state), self._wait_due(state)
        if wait is None or (window is not None and self._precedes(state, window, wait)):
            assert window is not None
            self._on_window(state, window)
        elif self.judge.gives_up(state) is not None:
            self.judge.give_up(state)
        else:
            self.judge.wait(state, wait)

    def _wait_due(self, state: ThresholdState) -> Micros | None:
        deadline = self.judge.gives_up(state)
        if deadline is None:
            return state.hold.due(self.judge.options)
        return self._runs_until(state, deadline) + 1

    def _schedule(self, state: ThresholdState) -> None:
        state.due = window = self._window_due(state)
        if not state.hold.idle:
            wait = self._wait_due(state)
            if wait is not None and (window is None or wait < window):
                state.due = wait


class Sliding(Threshold):
    """Over a sliding window.

    While a reaching condition is not met, events leaving cannot change that: they are let go with a
    later event, and nothing is due until the last one leaves. A count is met as long as there are
    `need` events, so nothing is due before there are fewer, and fewer need not even be looked at.
    """

    def __init__(self, terms: Terms) -> None:
        self.size = size = terms.window.size or 0
        self.need = terms.need
        super().__init__(terms, size, size)

    def on_event(self, state: ThresholdState, member: Member) -> None:
        """Judge the window that ends with this event."""
        members, time = state.members, member.time
        if len(members) - state.head + 1 < self.need and state.hold.idle:
            members.append(member)
            state.due = time + self.size
            return
        if self.reaching and members and members[state.head].time <= time - self.size:
            self.gauge.drop_until(state, time - self.size)
        if not self.gauge.take(state, member):
            return
        value = self.gauge.value(state)
        if self.reaching and (value is None or not self.met(value)) and state.hold.idle:
            state.due = time + self.size
        else:
            self.judge.judge(state, time, value, (member,))
            self._schedule(state)

    def _window_due(self, state: ThresholdState) -> Micros | None:
        members = state.members
        if not members:
            return None
        leaves = state.head
        if 0 < self.need <= len(members) - leaves:
            leaves = len(members) - self.need
        elif self.reaching and state.hold.idle:
            leaves = -1
        return members[leaves].time + self.size

    def _on_window(self, state: ThresholdState, due: Micros) -> None:
        if self.reaching and state.hold.idle:
            self.gauge.clear(state)
            return
        self.gauge.drop_until(state, due - self.size)
        value = self.gauge.value(state)
        # what a reaching condition measures falls as events leave: still met is no news
        if not self.reaching or value is None or not self.met(value):
            self.judge.judge(state, due, value, ())

    def _inside(self, state: ThresholdState, now: Micros) -> list[Member]:
        return [member for member in state.members[state.head:] if member.time > now - self.size]

    def _extent(self, state: ThresholdState, now: Micros) -> tuple[Micros, Micros]:
        return now - self.size, now

    def wider(self, size: Micros) -> Sliding | None:
        """The rule with a longer window; None where more events can do harm."""
        window = replace(self.terms.window, size=size)
        return Sliding(replace(self.terms, window=window)) if self.reaching else None


class Aligned(Threshold):
    """Over tumbling or hopping windows. `members` are those of the oldest window still running."""

    def __init__(self, terms: Terms, zone: ZoneInfo) -> None:
        window = terms.window
        size = window.size or 0
        self.tumbling = window.type == "tumbling"
        hop = size if self.tumbling else window.hop or size
        self.zone, self.edges = zone, Edges(zone, size, hop)
        # an empty window after the last event is judged too; a day may have an hour more
        super().__init__(terms, size, size + 2 * (hop + HOUR))
        self._zero_met = terms.zero and self.met(0)

    def on_event(self, state: ThresholdState, member: Member) -> None:
        """Fill the window; judge it now only if the condition is a reaching one."""
        if not self.gauge.take(state, member):
            return
        news = state.edge is None or state.absent is not None
        if state.edge is None:
            state.edge = self.edges.after(member.time)
        if self.reaching:
            value = self.gauge.value(state)
            if value is not None and self.met(value):
                self.judge.meet(state, member.time, value, (member,))
                news = True
        if news:
            self._schedule(state)

    def _window_due(self, state: ThresholdState) -> Micros | None:
        return state.edge

    def _on_window(self, state: ThresholdState, end: Micros) -> None:
        value, hollow = self.gauge.value(state), not state.members
        if not self.reaching:
            fresh = (member for member in state.members[state.head:] if member.time >= state.shown)
            if self.judge.judge(state, end, value, fresh):
                state.shown = end
        following = self.edges.after(end)
        self.gauge.drop_until(state, (end if self.tumbling else self.edges.begin(following)) - 1)
        if self.reaching:
            begun = self.gauge.value(state)
            if begun is None or not self.met(begun):
                self.judge.end(state, end, value)
        # one empty window is judged, the next ones are no news
        more = state.members or (not hollow and (self._zero_met or not state.hold.idle))
        state.edge = following if more else None

    def _extent(self, state: ThresholdState, now: Micros) -> tuple[Micros, Micros]:
        end = self.edges.after(now)
        return self.edges.begin(end), end

    def _runs_until(self, state: ThresholdState, time: Micros) -> Micros:
        edge = self.edges.after(time)
        if state.edge is not None and state.edge > edge:
            return edge  # judged by now; without events it would not have been waited for
        running = state.members and state.members[state.head].time <= time
        return edge if running and state.edge == edge else time


class Session(Threshold):
    """Over sessions. `members` are those of the session still running."""

    def __init__(self, terms: Terms) -> None:
        window = terms.window
        self.gap, self.longest = window.gap or 0, window.max
        span = self.gap if self.longest is None else self.longest
        super().__init__(terms, span, span + self.gap)

    def on_event(self, state: ThresholdState, member: Member) -> None:
        """Prolong the session or begin one."""
        if not self.gauge.take(state, member):
            return
        if self.reaching:
            value = self.gauge.value(state)
            if value is not None and self.met(value):
                self.judge.meet(state, member.time, value, (member,))
        self._schedule(state)

    def _end(self, state: ThresholdState) -> tuple[Micros, bool]:
        """When the running session ends, and whether it is cut there."""
        end = state.members[-1].time + self.gap
        if self.longest is not None and end >= state.members[0].time + self.longest:
            return state.members[0].time + self.longest, True
        return end, False

    def _window_due(self, state: ThresholdState) -> Micros | None:
        if not state.members:
            return None
        end, cut = self._end(state)
        return end if cut else end + 1

    def _precedes(self, state: ThresholdState, window: Micros, wait: Micros) -> bool:
        """A session that was not cut ends with a deadline of its own, judged before the others."""
        return window < wait or (window == wait and not self._end(state)[1])

    def _on_window(self, state: ThresholdState, due: Micros) -> None:
        end, _ = self._end(state)
        value = self.gauge.value(state)
        if self.reaching:
            self.judge.end(state, end, value)
        else:
            self.judge.judge(state, end, value, tuple(state.members))
        self.gauge.clear(state)
        self.judge.lose(state, end)

    def _extent(self, state: ThresholdState, now: Micros) -> tuple[Micros, Micros]:
        return (state.members[0].time, self._end(state)[0]) if state.members else (now, now)

    def _runs_until(self, state: ThresholdState, time: Micros) -> Micros:
        running = state.members and state.members[0].time <= time
        return max(time, self._end(state)[0]) if running else time


def compile_rule(spec: Mapping[str, Any], options: HoldOptions, zone: ZoneInfo, holidays: frozenset[int] = frozenset(),
                 **context: Any) -> Detector:
    """A detector for one rule; `spec` holds the fields as `streams.specs` has them."""
    if spec.get("baseline") is not None:
        made = Shifted if isinstance(spec["condition"], Trend) else Exceedance
        return made(question_of(spec, options, context.get("profile")), zone, holidays)
    terms, near = terms_of(spec, options), spec.get("near")
    if near is None:
        return _of(terms, zone)
    return ThresholdCircles(Sliding(terms), near, CellState[Disc[ThresholdState]])


def problems(spec: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Contradictions within the fields as parsed: (field, what is wrong, what to do)."""
    if not asks_baseline(spec):
        return problems_of(spec)
    found, trend = misfits(spec), spec.get("condition")
    return found if found or not isinstance(trend, Trend) else list(misfits_of_shift(trend, spec))


def _of(terms: Terms, zone: ZoneInfo) -> Threshold:
    if terms.window.type == "session":
        return Session(terms)
    return Sliding(terms) if terms.window.type == "sliding" else Aligned(terms, zone)
