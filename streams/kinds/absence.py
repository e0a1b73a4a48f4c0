"""Kind `absence`: an entity that should report every so often did not.

The deadline is the last event plus `every` (plus `grace`): an event at the deadline still counts. The
episode opens at the deadline, once the clock has passed it, and closes with the next event. `expect:
{register: r}` also watches what was never heard of, counted from the switch to the rule, and for ever;
otherwise an entity is watched once it was seen, and forgotten after `forget_after` without an event.

With a `schedule` only time on duty counts as silence: the deadline moves by the time off duty, while an event
counts as a report at any time. An entity that an exception covers counts as seen until the exception expires.
What is open already stays open until the entity reports.

While what stands above an entity is silent, its source or a group named by `part_of`, nothing is known of the
entity: no silence of it opens, and once the source or the group is heard of again, the deadline is counted from
there. What is open already stays open until the entity reports.

With `changes` an event is a report only where it says something else than the last report did: who sends the
same value or the same time stamp again and again, speaks and is silent all the same.

An interval that changes with its register holds from the switch on for all that is not settled, and for the
silence that goes on: what is none by the new interval is taken back. An entity whose row is gone is watched no
more (`ended: unregistered`), until it reports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from math import isnan
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from streams.clocks import BEFORE_ALL, DAY, moment
from streams.explained import Explained, Relaxed, Watched
from streams.judging.episodes import Hold, HoldOptions
from streams.kinds import BEGINS, ENDS, Field, Frontier, Identity
from streams.records import KeyValues, Member, Micros
from streams.schedules import Schedule

NAME = "absence"
FIELDS = (
    Field("every", "duration_or_cel", "How often the entity reports: a duration, or an expression over "
          "its key such as `register(\"sensors\", device).report_interval`.", required=True),
    Field("expect", "expect", "Who must report: `{register: r}` (all rows, also those never heard of) or "
          "`{seen_within: 7d}` (those that reported within that time)."),
    Field("grace", "duration", "How much longer than `every` to wait.", default=0),
    Field("forget_after", "duration", "After how long without an event the entity is watched no more.",
          default=30 * DAY),
    Field("part_of", "texts", "The absence rule that watches what the entity is part of: while that is silent, the "
          "entity is not told. Its key must follow from this rule's key."),
    Field("changes", "cel", "What must be another value than at the last report, else an event is no report: "
          "`level_cm`, or the device's own time stamp."),
)
FACTS = {"since": "when it was last heard of, or from when it was watched"}
"""What a text may name beside what events say."""
FORGOTTEN = "forgotten"


class Outage(msgspec.Struct, array_like=True):
    """What stands above is silent since then. `source`: it is this source. `lost`: it was forgotten meanwhile."""

    since: Micros
    source: str = ""
    lost: bool = False


class AbsenceState(msgspec.Struct, array_like=True):
    """`since`: the last event's time (or the start of the watch); None once nothing is expected.

    `above`: the outages above it that go on, by who told them.
    """

    hold: Hold
    every: Micros
    since: Micros | None = None
    last: Member | None = None
    key: KeyValues = ()
    above: dict[str, Outage] = {}


class Absence:
    """An `absence` rule, compiled.

    `every` gives the interval of a key (None: it is not watched), `longest` the longest of all, if known.
    `excused` tells until when exceptions cover a key. `changes`: only what has another value is a report. `zone` is
    that of times in texts.

    A member without a role is none of its events: it tells of an outage above (`streams/outages.py`).
    """

    frontier = Frontier.CLOCK
    identity = Identity.TIME
    why = "that nothing came is only known once the clock has passed the deadline"
    state_type = AbsenceState

    def __init__(self, options: HoldOptions, every: Callable[[KeyValues], Micros | None], grace: Micros,
                 forget_after: Micros, register: bool, longest: Micros | None = None,
                 schedule: Schedule | None = None, excused: Callable[[KeyValues], Micros] | None = None,
                 changes: bool = False, zone: ZoneInfo | None = None) -> None:
        self.options, self.changes, self.zone = options, changes, zone
        self.every, self.grace = every, grace
        self.forget_after = forget_after
        self.register = register
        self.schedule, self.excused, self.longest = schedule, excused, longest
        allowed = (forget_after if longest is None else longest) + grace
        self.horizon = (allowed if schedule is None else schedule.reach(allowed)) + options.wait + options.keep

    def start(self, key: KeyValues, now: Micros) -> AbsenceState:
        """Watch from `now` if it is a moment; a key that is only met has none yet."""
        every = self.every(key)
        known = every is not None and self.register and now > BEFORE_ALL
        return AbsenceState(Hold(), every or 0, now if known else None, None, key)

    def on_event(self, state: AbsenceState, member: Member) -> None:
        """It reported: the silence, if any, ends here, and the next one is counted from here."""
        if not member.roles:
            self._on_outage(state, member)
            return
        if self.changes and state.last is not None and _same(member.value, state.last.value):
            return
        state.hold.false(self.options, member.time)
        if state.every:
            state.since, state.last = member.time, member
        if state.above:
            state.above = {name: one for name, one in state.above.items() if not one.lost}

    def renew(self, state: AbsenceState, key: KeyValues) -> bool:
        """Take over another interval. What is open or pending is judged anew by it; what is bridged is over."""
        every = self.every(key) or 0
        if every == state.every:
            return False
        state.every = every
        if state.hold.holds:
            state.hold = Hold()
        if not every:
            state.since = None
        return True

    def due(self, state: AbsenceState) -> Micros | None:
        """The next of: the deadline, `for` or `keep_firing_for`, the time to forget."""
        waits = [due for due in (self._silence_due(state), state.hold.due(self.options), self._forget_due(state))
                 if due is not None]
        return min(waits, default=None)

    def advance(self, state: AbsenceState, now: Micros) -> None:
        """Open what is overdue, then forget what was silent for too long."""
        while (due := self.due(state)) is not None and due <= now:
            if due == self._silence_due(state):
                self._open(state, due - 1)
            elif due == self._forget_due(state):
                state.hold.end(due - 1, FORGOTTEN)
                state.since = None
            else:
                state.hold.advance(self.options, due)

    def empty(self, state: AbsenceState) -> bool:
        """Nothing is watched and no episode is open."""
        return state.since is None and state.hold.idle

    def span(self, key: KeyValues) -> Micros:
        return (self.every(key) or 0) + self.grace + self.options.wait

    def explain(self, state: AbsenceState, now: Micros) -> Explained:
        """How often it reports, by when it must, and why nothing is known of it."""
        above = {name: one.since for name, one in sorted(state.above.items()) if _concerns(one, state)}
        return Explained(watched=Watched(state.every, state.since, self._deadline(state), self.register, above))

    def relaxed(self) -> Iterator[Relaxed]:
        options = self.options
        for demand, other in (("for", HoldOptions(keep=options.keep)), ("keep_firing_for", HoldOptions(options.wait))):
            if other != options:
                relaxed = copy(self)
                relaxed.options = other
                yield Relaxed(demand, relaxed)

    def undecided(self, state: AbsenceState) -> Micros | None:
        """From when on a silence may still be found that began before the clock; None: there can be none.

        Where nothing is known of it there is none either: what is above explains whatever is below.
        """
        if state.hold.open is not None or self._unknown(state) or not state.every:
            return None
        return self._heard(state)

    def _on_outage(self, state: AbsenceState, member: Member) -> None:
        """What stands above fell silent, or is heard of again; a `for` that had not passed is begun anew then."""
        change, source = member.value
        if change == BEGINS:
            outage = state.above[member.source] = Outage(member.time - 1, source)
            if _concerns(outage, state):
                state.hold.pending = None
            return
        ended = state.above.pop(member.source, None)
        if ended is None or not _concerns(ended, state) or state.since is None or state.hold.holds:
            return
        if change == ENDS:
            state.since = max(state.since, member.time)
        elif self.register:
            state.above[member.source] = Outage(ended.since, source, lost=True)
        else:
            state.since = None

    def _open(self, state: AbsenceState, at: Micros) -> None:
        state.hold.true(self.options, at, None, () if state.last is None else (state.last,))
        told = state.hold.open or state.hold.pending
        assert told is not None
        if told.since is None:
            told.since = self._heard(state)
        if told.since is not None:
            told.facts = {**told.facts, "since": self._text(told.since)}

    def _text(self, time: Micros) -> str:
        """A time as texts show it."""
        try:
            return moment(time, self.zone or ZoneInfo("UTC")).replace(microsecond=0, tzinfo=None).isoformat(" ")
        except OverflowError:
            return ""

    def _unknown(self, state: AbsenceState) -> bool:
        """Whether an outage above hides whether it is silent."""
        return bool(state.above) and any(_concerns(one, state) for one in state.above.values())

    def _heard(self, state: AbsenceState) -> Micros | None:
        """From when its silence is counted, if it is watched."""
        if state.since is None or self.excused is None:
            return state.since
        return max(state.since, self.excused(state.key))

    def _deadline(self, state: AbsenceState) -> Micros | None:
        """The last moment to report; None if there is none."""
        since = self._heard(state)
        if since is None:
            return None
        allowed = state.every + self.grace
        return since + allowed if self.schedule is None else self.schedule.after(since, allowed)

    def _silence_due(self, state: AbsenceState) -> Micros | None:
        deadline = None if state.hold.holds or self._unknown(state) else self._deadline(state)
        return None if deadline is None else deadline + 1

    def _forget_due(self, state: AbsenceState) -> Micros | None:
        """Not before the silence is told; what a register expects is never forgotten."""
        if state.since is None or self.register:
            return None
        deadline = self._deadline(state)
        told = state.since if deadline is None else deadline + self.options.wait + 1
        return max(state.since + self.forget_after, told) + 1


def problems(spec: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Contradictions within the fields: (field, what is wrong, what to do)."""
    every = spec.get("every")
    if not isinstance(every, int):
        return []
    if every <= 0:
        return [("every", "`every` must be longer than zero", "give a duration such as 10m")]
    name, forget = _forgetting(spec)
    if forget is None or forget > every + spec.get("grace", 0):
        return []
    return [(name, "the entity is forgotten before its silence is noticed",
             f"make {name.rpartition('.')[2]} longer than every and grace together")]


def compile_rule(spec: Mapping[str, Any], options: HoldOptions, zone: ZoneInfo, **context: Any) -> Absence:
    """A detector for one rule.

    `context["every"]` is a function from the key's values to µs (None: this key is not watched), `excused`, if
    there, one to the time until which exceptions cover the key; `longest` is the longest interval of all, if known.
    """
    _, forget = _forgetting(spec)
    longest = spec["every"] if isinstance(spec.get("every"), int) else context.get("longest")
    return Absence(options, context["every"], spec.get("grace", 0), 30 * DAY if forget is None else forget,
                   forget is None, longest, context.get("schedule"), context.get("excused"),
                   spec.get("changes") is not None, zone)


def _concerns(outage: Outage, state: AbsenceState) -> bool:
    """Whether it explains a silence: that of a source what was last heard of from there, or never."""
    return not outage.source or state.last is None or state.last.source == outage.source


def _same(value: Any, before: Any) -> bool:
    """Whether a value says nothing new; two readings that are no numbers are the same."""
    numbers = isinstance(value, float) and isinstance(before, float)
    return bool(value == before or (numbers and isnan(value) and isnan(before)))


def _forgetting(spec: Mapping[str, Any]) -> tuple[str, Micros | None]:
    """After how long an entity is forgotten, and the field that says so; None: never, a register expects it."""
    expect = spec.get("expect")
    if expect is not None and expect.register:
        return "expect.register", None
    if expect is not None and expect.seen_within:
        return "expect.seen_within", expect.seen_within
    return "forget_after", spec.get("forget_after", 30 * DAY)
