"""Silences that people make: who may make which for how long, and what nobody can silence. Pure.

A silence has sets of matchers, one of which an alert must meet as a whole. It ends after `for`, or with an alert
(`with_alert`), but no later than the role allows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams import matchers
from streams.actions import Action, Refusal
from streams.clocks import HOUR, show_duration
from streams.policy import Policy
from streams.records import Micros
from streams.respond.identity import identity
from streams.respond.notifying import Notice, Notifier, Quieting
from streams.respond.notifying.silences import means, understood
from streams.respond.permits import denial, refused
from streams.respond.state import Memory

LONGEST: Mapping[str, Micros] = {"dispatcher": 4 * HOUR, "supervisor": 72 * HOUR, "admin": 72 * HOUR}
"""For how long each role may silence."""
ACTIONS = ("silence.add", "silence.expire")
NOTHING = "to silence takes matchers such as severity=~\"info|minor\", and a set of them that not everything meets"


class Silencing:
    """The `ACTIONS` over one memory."""

    def __init__(self, policy: Policy, memory: Memory, notifier: Notifier) -> None:
        self.policy, self.memory, self.notifier = policy, memory, notifier

    def act(self, action: Action) -> Quieting | Refusal:
        """The silence as it is now, or why not."""
        if action.name == "silence.add":
            return self._add(action)
        if action.name == "silence.expire":
            return self._expire(action)
        return refused("unknown", f"`{action.name}` is nothing that can be done")

    def _add(self, action: Action) -> Quieting | Refusal:
        details = action.details
        district = str(details.get("district", "") or (action.districts[0] if len(action.districts) == 1 else ""))
        refusal = denial(action, LONGEST, district, 0)
        if refusal is not None:
            return refusal
        ends, sets = self._ends(action), matcher_sets(details.get("match"))
        if isinstance(ends, Refusal):
            return ends
        if isinstance(sets, Refusal):
            return sets
        row = Quieting(silence_id(action.id), sets, action.at, ends, action.actor, action.reason,
                       str(details.get("ticket", "")), str(details.get("with_alert", "")), district)
        refusal = self._unfit(row)
        if refusal is not None:
            return refusal
        self.notifier.silence(row)
        return row

    def _expire(self, action: Action) -> Quieting | Refusal:
        row = self.memory.silences.get(action.subject)
        if row is None:
            if any(one.id == action.subject for one in self.policy.silences):
                return refused("state", f"`{action.subject}` stands in the rule files, and ends there")
            return refused("unknown", f"there is no silence `{action.subject}`")
        refusal = denial(action, LONGEST, row.district, row.version)
        if refusal is not None:
            return refusal
        if row.ends is not None and row.ends <= action.at:
            return refused("state", "it is over already")
        self.notifier.expire(row.id, action.at)
        return self.memory.silences[row.id]

    def _ends(self, action: Action) -> Micros | Refusal:
        """When it ends; with an alert, when it ends at the latest."""
        if not action.reason.strip():
            return refused("incomplete", "to silence takes a reason")
        most = max(LONGEST[role] for role in action.roles if role in LONGEST)
        span = action.details.get("for", most if action.details.get("with_alert") else None)
        if not isinstance(span, int) or isinstance(span, bool) or not 0 < span <= most:
            return refused("incomplete", f"to silence takes a time, `for`, of at most {show_duration(most)}")
        return action.at + span

    def _unfit(self, row: Quieting) -> Refusal | None:
        """Why such a silence cannot be: its alert is not there, or a guard keeps what it is about."""
        about = self.memory.notices.get(row.with_alert)
        if row.with_alert and about is None:
            return refused("unknown", f"there is no alert `{row.with_alert}` that fires")
        guard = guard_of(self.policy, row, about)
        return refused("guard", f"the guard `{guard}` keeps these alerts: nobody can silence them") if guard else None


def silence_id(action: str) -> str:
    """The id of the silence that an action makes."""
    return identity("silence", action)


def matcher_sets(found: Any) -> list[list[str]] | Refusal:
    """The matchers of an action's details, as texts; each set must ask for something."""
    if not isinstance(found, list) or not found or not all(isinstance(one, list) and one for one in found):
        return refused("incomplete", NOTHING)
    sets = [[str(text) for text in one] for one in found]
    try:
        conditions = [matchers.all_of([matchers.parse(text) for text in one]) for one in sets]
    except ValueError as error:
        return refused("incomplete", str(error))
    return refused("incomplete", NOTHING) if any(condition({}) for condition in conditions) else sets


def guard_of(policy: Policy, row: Quieting, about: Notice | None = None) -> str:
    """The guard that keeps what a silence says that it is about, or the alert that it is made for; "" if none does."""
    labels = [about.labels] if about is not None else []
    for one in row.matchers:
        parsed = [matchers.parse(text) for text in one]
        labels.append({each.label: each.value for each in parsed if each.operator == "="})
    return next((name for name, guard in sorted(policy.guards.items()) if any(map(guard, labels))), "")


def muted(notifier: Notifier, row: Quieting) -> tuple[list[Notice], list[Notice]]:
    """The alerts that a silence would keep quiet now, and those that it is about though a guard keeps them."""
    silence, now = understood(row), row.begins
    meant = [notice for _, notice in sorted(notifier.rows.notices.items())
             if means(silence, notice) and not notice.over(now)]
    return ([one for one in meant if not notifier.guarded(one)], [one for one in meant if notifier.guarded(one)])
