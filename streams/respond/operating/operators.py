"""What operators make of alerts: a fold over what detection says, what they do, and time. Pure.

An acknowledgement holds for a time and ends where the alert becomes graver; it never opens an alert again. What is over
and unseen stays in the list until somebody sees it, or for `auto_close`.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from streams.actions import Action, Refusal
from streams.clocks import show_duration
from streams.policy import Policy
from streams.records import Micros
from streams.respond.operating import table
from streams.respond.operating.state import Operator
from streams.respond.operating.table import ACTIONS, NORMAL, RETURNED
from streams.respond.permits import denial, refused

SYSTEM = "tocsin"


class Rows(Protocol):
    """Where it is remembered."""

    @property
    def operators(self) -> Mapping[str, Operator]: ...

    def put(self, table: str, name: str, row: Any) -> None:
        """Remember a row, new or changed."""

    def drop(self, table: str, name: str) -> None:
        """Forget a row."""


class Change(msgspec.Struct, frozen=True):
    """A change: of which alert, to which state, when, by whom and why. `touched`: an operator had to do with it before.

    What detection alone makes of an alert that nobody has touched is told by the alert itself.
    """

    alert: str
    state: str
    at: Micros
    version: int
    actor: str = SYSTEM
    reason: str = ""
    until: Micros | None = None
    touched: bool = True


class Operators:
    """The operators' side of all alerts."""

    def __init__(self, policy: Policy, rows: Rows) -> None:
        self.policy, self.rows = policy, rows
        self._waiting: list[tuple[Micros, str, int]] = []
        for row in rows.operators.values():
            self._wait(row)

    def seen(self, alert: str, firing: bool, now: Micros, district: str = "", rose: bool = False) -> list[Change]:
        """Detection says whether an alert fires; `rose`: it has become graver."""
        row = self.rows.operators.get(alert)
        if row is None:
            if not firing:
                return []
            row = Operator(alert, district)
        row.firing = firing
        return self._moved(row, table.seen(row.state, firing, rose), now)

    def gone(self, alert: str) -> None:
        """The alert was a mistake, or is part of another."""
        row = self.rows.operators.get(alert)
        if row is not None:
            row.state, row.firing, row.until = NORMAL, False, None
            self._kept(row)

    def act(self, action: Action) -> list[Change] | Refusal:
        """An operator does something; what is told of it, or why not."""
        row, name = self.rows.operators.get(action.subject), action.name.removeprefix("alert.")
        step = ACTIONS.get(name)
        if row is None or step is None:
            what = f"there is no alert `{action.subject}` in the list" if step else f"`{action.name}` can not be done"
            return refused("unknown", what)
        denied = denial(action, step.roles, row.district, row.version) or self._unfit(row, name, action)
        if denied is not None:
            return denied
        until = self._until(name, action)
        if isinstance(until, Refusal):
            return until
        row.actor, row.reason = action.actor, action.reason
        return self._moved(row, table.acted(row.state, name, row.firing), action.at, action.actor, action.reason, until)

    def due(self) -> Micros | None:
        """When `advance` has something to do; None if nothing waits."""
        while self._waiting:
            due, alert, version = self._waiting[0]
            row = self.rows.operators.get(alert)
            if row is not None and row.until == due and row.version == version:
                return due
            heapq.heappop(self._waiting)
        return None

    def advance(self, now: Micros) -> list[Change]:
        """End what ends by itself at or before `now`, in order of time."""
        told: list[Change] = []
        while (due := self.due()) is not None and due <= now:
            row = self.rows.operators[self._waiting[0][1]]
            told += self._moved(row, NORMAL if row.state == RETURNED or not row.firing else table.NEW, due)
        return told

    def _unfit(self, row: Operator, name: str, action: Action) -> Refusal | None:
        step = ACTIONS[name]
        if row.state not in step.sources:
            return refused("state", f"it is {row.state}, and to {name} it must be {' or '.join(step.sources)}")
        if step.reasoned and not action.reason.strip():
            return refused("incomplete", f"to {name} an alert takes a reason")
        return None

    def _until(self, name: str, action: Action) -> Micros | Refusal | None:
        """When what is done ends by itself."""
        if name == "ack":
            return action.at + self.policy.ack_timeout
        if name != "shelve":
            return None
        span = action.details.get("for")
        most = max(table.SHELVE_AT_MOST[role] for role in action.roles if role in table.SHELVE_AT_MOST)
        if not isinstance(span, int) or not 0 < span <= most:
            return refused("incomplete", f"to shelve an alert takes a time, `for`, of at most {show_duration(most)}")
        return action.at + span

    def _moved(self, row: Operator, state: str, at: Micros, actor: str = SYSTEM, reason: str = "",
               until: Micros | None = None) -> list[Change]:
        if state == row.state and until is None:
            self.rows.put("operator", row.alert, row)
            return []
        row.state, row.version = state, row.version + 1
        row.until = at + self.policy.auto_close if state == RETURNED else until if state in table.TIMED else None
        self._kept(row)
        return [Change(row.alert, state, at, row.version, actor, reason, row.until, bool(row.actor))]

    def _kept(self, row: Operator) -> None:
        """What is in no list and nobody touched is forgotten; of others the version goes on, as long as the alert."""
        self.rows.put("operator", row.alert, row)
        if row.state == NORMAL and not row.actor:
            self.rows.drop("operator", row.alert)
        else:
            self._wait(row)

    def _wait(self, row: Operator) -> None:
        if row.until is not None:
            heapq.heappush(self._waiting, (row.until, row.alert, row.version))
