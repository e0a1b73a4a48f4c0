"""From judged values to episodes: a condition, its `recovery`, and what the absence of a value does.

A kind that measures says when a value is judged. What follows from it stands here: a value that
meets the condition keeps the episode true; one that does not ends it, with `recovery` only if it
satisfies that; an absent value (None) neither opens nor ends anything and does not interrupt `for`,
until it has been absent for too long.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Protocol

import msgspec

from streams.judging.episodes import Hold, HoldOptions
from streams.records import Member, Micros
from streams.specs import Test

_MIRRORED: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.lt, "gte": operator.le, "lt": operator.gt, "lte": operator.ge,
    "eq": operator.eq, "neq": operator.ne,
}
PEAKS = {"gt": "max", "gte": "max", "lt": "min", "lte": "min"}


class Judged(Protocol):
    """What a state must have: episodes, and the events `members[head:]` in the window.

    `absent` says since when there is no value; it is set only while an episode is pending or open.
    """

    hold: Hold
    absent: Micros | None
    members: list[Member]
    head: int


class Judge:
    """The condition of one rule. An absent value is waited for as long as `patience`.

    `met` tells whether a value that is there meets the condition. The evidence of an episode begins
    with the events in the window; `further` are those that prove an episode already begun.
    """

    def __init__(self, condition: Test, recovery: Test | None, options: HoldOptions,
                 patience: Micros) -> None:
        self.options = msgspec.structs.replace(options, peak=PEAKS.get(condition.op, "last"))
        self.patience = max(patience, options.wait, options.keep)
        self.met = _comparison(condition)
        self._recovered = None if recovery is None else _comparison(recovery)

    def judge(self, state: Judged, at: Micros, value: Any, further: Iterable[Member]) -> bool:
        """Take the value found at `at`; whether it meets the condition."""
        if value is None:
            self.lose(state, at)
            return False
        if self.met(value):
            self.meet(state, at, value, further)
            return True
        state.absent = None
        hold = state.hold
        if not hold.idle and (self._recovered is None or hold.open is None or self._recovered(value)):
            hold.false(self.options, at)
        return False

    def meet(self, state: Judged, at: Micros, value: Any, further: Iterable[Member]) -> None:
        """Take a value that meets the condition.

        A pending episode whose `for` ran out while there was no value opens now.
        """
        hold, options, pending = state.hold, self.options, state.hold.pending
        proof = state.members[state.head:] if hold.idle else further
        overdue = state.absent is not None and pending is not None and pending.opened + options.wait < at
        state.absent = None
        if overdue and pending is not None:
            pending.opened = at - options.wait
        hold.true(options, at, value, proof)
        if overdue:
            hold.advance(options, at + 1)

    def end(self, state: Judged, at: Micros, value: Any) -> None:
        """What was met within a window ends with it; with `recovery` only if its whole value satisfies it."""
        if self._recovered is None or state.hold.open is None:
            state.absent = None
            state.hold.false(self.options, at)
        else:
            self.judge(state, at, value, ())

    def lose(self, state: Judged, at: Micros) -> None:
        """There is no value from `at` on; what is pending or open waits for the next one."""
        if state.absent is None and not state.hold.idle:
            state.absent = at

    def gives_up(self, state: Judged) -> Micros | None:
        """The last moment for a value to come back; None if none is missed (or a gap is bridged anyway)."""
        if state.absent is None or state.hold.false_since is not None:
            return None
        return state.absent + self.patience

    def give_up(self, state: Judged) -> None:
        """The value did not come back: the episode ended when it went."""
        assert state.absent is not None
        state.hold.end(state.absent, "no_data")
        state.absent = None

    def wait(self, state: Judged, due: Micros) -> None:
        """`for` or `keep_firing_for` is over."""
        state.hold.advance(self.options, due)
        if state.hold.idle:
            state.absent = None


def _comparison(test: Test) -> Callable[[Any], bool]:
    """`test.holds` for values that are there, without a call in Python."""
    return partial(_MIRRORED[test.op], test.value)
