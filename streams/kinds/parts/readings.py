"""How the readings of an indicator are made: its windows, its values, its statuses, and the most frequent of a window.

What the fields mean stands in `streams/kinds/parts/indicators.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from streams.clocks import HOUR
from streams.judging.episodes import Episode, Hold
from streams.judging.measures import Gauge
from streams.judging.windows import Edges
from streams.kinds import Frontier, Identity
from streams.kinds.parts.comparing import Comparer, Remembered
from streams.records import KeyValues, Member, Micros
from streams.specs import Measure
from streams.vitals import Entry, Standing, Usual, Vital

Parts: TypeAlias = tuple[Any, ...]


class IndicatorState(msgspec.Struct, array_like=True, dict=True):
    """`members[head:]` are the events that count, in order; `edge` is the end of the period, None while none runs.

    `kept` is what is known of what is usual, None without a baseline.
    """

    hold: Hold
    members: list[Member] = []
    head: int = 0
    edge: Micros | None = None
    standing: Standing = Standing()
    kept: Remembered | None = None


class Indicator:
    """An indicator, compiled: each reading is an episode of an instant, whose facts tell status and since when."""

    frontier: ClassVar[Frontier] = Frontier.CLOCK
    identity: ClassVar[Identity] = Identity.TIME
    state_type: type[msgspec.Struct] = IndicatorState
    why = "a period is told when the clock has passed its end"
    windows = 1  # that look back one after the other

    def __init__(self, vital: Vital, measure: Measure, min_events: int, zone: ZoneInfo,
                 holidays: frozenset[int] = frozenset()) -> None:
        self.vital = vital
        self.edges = Edges(zone, vital.window, vital.every)
        self.gauge = Gauge(measure, min_events)
        self.comparer = None if vital.learning is None else Comparer(
            vital, vital.learning, measure, self.edges, zone, holidays)
        self.horizon: Micros = self.windows * vital.window + 2 * (vital.every + HOUR)

    def start(self, key: KeyValues, now: Micros) -> IndicatorState:
        """No events yet."""
        return IndicatorState(Hold(), kept=None if self.comparer is None else self.comparer.begin())

    def on_event(self, state: IndicatorState, member: Member) -> None:
        """Count an event."""
        if self.gauge.take(state, member) and state.edge is None:
            self._begin(state, member.time)

    def _begin(self, state: IndicatorState, time: Micros) -> None:
        """An event where no period runs."""
        state.edge = self.edges.after(time)
        if state.kept is not None and state.kept.first is None:
            state.kept.first = time

    def due(self, state: IndicatorState) -> Micros | None:
        """The end of the period; while none runs, when what is usual is forgotten."""
        if state.edge is not None or self.comparer is None or state.kept is None:
            return state.edge
        return self.comparer.due(state.kept)

    def advance(self, state: IndicatorState, now: Micros) -> None:
        """Measure at each end that has come."""
        while state.edge is not None and state.edge <= now:
            self._measure(state, state.edge)
        due = self.due(state)
        if due is not None and due <= now and self.comparer is not None:
            state.kept = self.comparer.begin()

    def empty(self, state: IndicatorState) -> bool:
        """Nothing is counted, no period runs and nothing is known."""
        return state.edge is None and (state.kept is None or state.kept.first is None)

    def _measure(self, state: IndicatorState, end: Micros) -> None:
        value, count = self._value(state, end)
        usual = self._usual(state, end, value, count)
        state.standing = state.standing.after(self.vital, end, value if self.vital.top is None else None, usual)
        facts: dict[str, Any] = {"status": state.standing.status, "since": state.standing.since}
        if usual is not None:
            facts["usual"] = list(msgspec.structs.astuple(usual))
        state.hold.episodes.append(Episode(end, end, value, [], count, facts=facts))
        state.hold.touch()
        state.edge = self.edges.after(end) if self._goes_on(state) else None
        if state.edge is None:
            state.standing = Standing()

    def _goes_on(self, state: IndicatorState) -> bool:
        """Whether there is something to measure at the end of the next period."""
        return bool(state.members)

    def _value(self, state: IndicatorState, end: Micros) -> tuple[Any, int]:
        """What is measured, and of how many events."""
        self.gauge.drop_until(state, self.edges.begin(end) - 1)
        return self.gauge.value(state), len(state.members) - state.head

    def _usual(self, state: IndicatorState, end: Micros, value: Any, count: int) -> Usual | None:
        """What the reading is held against; None without a baseline."""
        if self.comparer is None or state.kept is None:
            return None
        return self.comparer.usual(state.kept, end, value, count)


class Lasting(Indicator):
    """An indicator with `open`; a member is a finding, and its value when that closed, None while it has not."""

    def _value(self, state: IndicatorState, end: Micros) -> tuple[Any, int]:
        super()._value(state, end)
        members = state.members[state.head:]
        return sum(member.value is None or member.value >= end for member in members), len(members)


class AliveState(IndicatorState):
    """`latest` is when each thing was heard of last, those that are silent left out; since `begun`, None if none is."""

    key: KeyValues = ()
    latest: dict[str, Micros] = {}
    begun: Micros | None = None


class Alive(Indicator):
    """An indicator with `of`; a member's value names a thing. `rows` tell by key how long its things may be silent."""

    state_type = AliveState

    def __init__(self, vital: Vital, rows: Mapping[KeyValues, Mapping[str, Micros]], zone: ZoneInfo,
                 holidays: frozenset[int] = frozenset()) -> None:
        super().__init__(vital, Measure("ratio"), 0, zone, holidays)
        self.rows = rows
        self.horizon += max((max(row.values(), default=0) for row in rows.values()), default=0)

    def start(self, key: KeyValues, now: Micros) -> AliveState:
        """Nothing was heard of."""
        kept = None if self.comparer is None else self.comparer.begin()
        return AliveState(Hold(), kept=kept, key=key)

    def on_event(self, state: IndicatorState, member: Member) -> None:
        """Remember when a thing was heard of."""
        assert isinstance(state, AliveState)
        if str(member.value) not in self.rows.get(state.key, {}):
            return
        state.latest[str(member.value)] = member.time
        if state.begun is None:
            state.begun = member.time
        if state.edge is None:
            self._begin(state, member.time)

    def _goes_on(self, state: IndicatorState) -> bool:
        assert isinstance(state, AliveState)
        if not state.latest:
            state.begun = None
        return bool(state.latest)

    def _value(self, state: IndicatorState, end: Micros) -> tuple[Any, int]:
        assert isinstance(state, AliveState)
        begun = end if state.begun is None else state.begun
        rows = self.rows.get(state.key, {})
        state.latest = {name: time for name, time in state.latest.items() if end - time <= rows.get(name, -1)}
        known = end - begun >= max(rows.values(), default=0)
        return len(state.latest) / len(rows) if known and rows else None, len(state.latest)


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
        shown, places = _ranked(now)[: self.vital.top.k], {parts: at for at, parts in enumerate(_ranked(before), 1)}
        usually = self._usually(state, end, shown)
        listed = [
            list(msgspec.structs.astuple(Entry(
                list(parts), now[parts], before[parts], places.get(parts), usual, new and not before[parts])))
            for parts, (usual, new) in zip(shown, usually, strict=True)]
        if self.comparer is not None and state.kept is not None:
            self.comparer.learn_shares(state.kept, end, {_name(parts): count for parts, count in now.items()})
        return listed, sum(now.values())

    def _usually(self, state: IndicatorState, end: Micros, shown: list[Parts]) -> list[tuple[float | None, bool]]:
        """How often each usually comes, and whether it was never heard of."""
        if self.comparer is None or state.kept is None:
            return [(None, True)] * len(shown)
        return self.comparer.usually(state.kept, end, [_name(parts) for parts in shown])

    def _usual(self, state: IndicatorState, end: Micros, value: Any, count: int) -> Usual | None:
        return super()._usual(state, end, count, count)


def _counted(members: Iterable[Member]) -> Counter[Parts]:
    return Counter(tuple(member.value) for member in members)


def _ranked(counts: Counter[Parts]) -> list[Parts]:
    """The most frequent first; of equally frequent ones by their texts."""
    return sorted(counts, key=lambda parts: (-counts[parts], [(str(part), str(type(part))) for part in parts]))


def _name(parts: Parts) -> str:
    """What a thing is remembered by."""
    return msgspec.json.encode(parts).decode()

