"""Kind `absence`: an entity that should report every so often did not.

The deadline is the last event plus `every` (plus `grace`): an event at the deadline still counts. The
episode opens at the deadline, once the clock has passed it, and closes with the next event. `expect:
{register: r}` also watches what was never heard of, counted from the switch to the rule, and for ever;
otherwise an entity is watched once it was seen, and forgotten after `forget_after` without an event.

With a `schedule` only time on duty counts as silence: the deadline moves by the time off duty, while an event
counts as a report at any time. An entity that an exception covers counts as seen until the exception expires.
What is open already stays open until the entity reports.

An interval that changes with its register holds from the switch on for all that is not settled, and for the
silence that goes on: what is none by the new interval is taken back. An entity whose row is gone is watched no
more (`ended: unregistered`), until it reports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from streams.clocks import BEFORE_ALL, DAY
from streams.explained import Explained, Relaxed, Watched
from streams.judging.episodes import Hold, HoldOptions
from streams.kinds import Field, Frontier, Identity
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
)


class AbsenceState(msgspec.Struct, array_like=True):
    """`since`: the last event's time (or the start of the watch); None once nothing is expected."""

    hold: Hold
    every: Micros
    since: Micros | None = None
    last: Member | None = None
    key: KeyValues = ()


class Absence:
    """An `absence` rule, compiled.

    `every` gives the interval of a key (None: it is not watched), `longest` the longest of all, if known.
    `excused` tells until when exceptions cover a key.
    """

    frontier = Frontier.CLOCK
    identity = Identity.TIME
    why = "that nothing came is only known once the clock has passed the deadline"
    state_type = AbsenceState

    def __init__(self, options: HoldOptions, every: Callable[[KeyValues], Micros | None], grace: Micros,
                 forget_after: Micros, register: bool, longest: Micros | None = None,
                 schedule: Schedule | None = None, excused: Callable[[KeyValues], Micros] | None = None) -> None:
        self.options = options
        self.every, self.grace = every, grace
        self.forget_after = forget_after
        self.register = register
        self.schedule, self.excused = schedule, excused
        allowed = (forget_after if longest is None else longest) + grace
        self.horizon = (allowed if schedule is None else schedule.reach(allowed)) + options.wait + options.keep

    def start(self, key: KeyValues, now: Micros) -> AbsenceState:
        """Watch from `now` if it is a moment; a key that is only met has none yet."""
        every = self.every(key)
        known = every is not None and self.register and now > BEFORE_ALL
        return AbsenceState(Hold(), every or 0, now if known else None, None, key)

    def on_event(self, state: AbsenceState, member: Member) -> None:
        """It reported: the silence, if any, ends here, and the next one is counted from here."""
        state.hold.false(self.options, member.time)
        if state.every:
            state.since, state.last = member.time, member

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
                proof = () if state.last is None else (state.last,)
                state.hold.true(self.options, due - 1, None, proof)
            elif due == self._forget_due(state):
                state.hold.end(due - 1, "forgotten")
                state.since = None
            else:
                state.hold.advance(self.options, due)

    def empty(self, state: AbsenceState) -> bool:
        """Nothing is watched and no episode is open."""
        return state.since is None and state.hold.idle

    def span(self, key: KeyValues) -> Micros:
        return (self.every(key) or 0) + self.grace + self.options.wait

    def explain(self, state: AbsenceState, now: Micros) -> Explained:
        """How often it reports, and by when it must."""
        return Explained(watched=Watched(state.every, state.since, self._deadline(state), self.register))

    def relaxed(self) -> Iterator[Relaxed]:
        options = self.options
        for demand, other in (("for", HoldOptions(keep=options.keep)), ("keep_firing_for", HoldOptions(options.wait))):
            if other != options:
                yield Relaxed(demand, Absence(other, self.every, self.grace, self.forget_after, self.register,
                                              schedule=self.schedule, excused=self.excused))

    def _deadline(self, state: AbsenceState) -> Micros | None:
        """The last moment to report; None if there is none."""
        if state.since is None:
            return None
        since = state.since if self.excused is None else max(state.since, self.excused(state.key))
        allowed = state.every + self.grace
        return since + allowed if self.schedule is None else self.schedule.after(since, allowed)

    def _silence_due(self, state: AbsenceState) -> Micros | None:
        deadline = None if state.hold.holds else self._deadline(state)
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
    there, one to the time until which exceptions cover the key.
    """
    _, forget = _forgetting(spec)
    longest = spec["every"] if isinstance(spec.get("every"), int) else None
    return Absence(options, context["every"], spec.get("grace", 0), 30 * DAY if forget is None else forget,
                   forget is None, longest, context.get("schedule"), context.get("excused"))


def _forgetting(spec: Mapping[str, Any]) -> tuple[str, Micros | None]:
    """After how long an entity is forgotten, and the field that says so; None: never, a register expects it."""
    expect = spec.get("expect")
    if expect is not None and expect.register:
        return "expect.register", None
    if expect is not None and expect.seen_within:
        return "expect.seen_within", expect.seen_within
    return "forget_after", spec.get("forget_after", 30 * DAY)
