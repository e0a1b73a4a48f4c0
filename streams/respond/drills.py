"""Exercises: `drill.start` makes an alert of a rule as if it had been found, `drill.end` and time end it. Pure.

It takes the way of any other alert from its life on, with dispatch, case and notifications; it is no part of what
limits or suppresses a rule's alerts, of compositions, or of vital signs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from streams.actions import Action, Refusal
from streams.clocks import HOUR
from streams.findings import CLOSED, OPENED, Finding
from streams.records import Micros
from streams.respond.exercise import EXERCISE, OVER, SEVERITY, YES
from streams.respond.identity import alert_id, identity
from streams.respond.life import FIRING
from streams.respond.permits import denial, refused
from streams.respond.rows import Drill
from streams.respond.state import Memory
from streams.rules import SEVERITIES, Bundle, Rule

ACTIONS = ("drill.start", "drill.end")
LASTS: Micros = 4 * HOUR
"""An exercise that nobody ends is over by itself."""
AT_MOST = 50
ROLES = ("supervisor",)
DISTRICT, PLACED = "district", "place.district"
COORDINATES = ("place.lat", "place.lon")
OPEN = "…"
"""What a text reads that nobody said."""


class Drills:
    """The exercises over one memory. What begins and ends is given as findings, for the stages to take."""

    def __init__(self, bundle: Bundle, memory: Memory) -> None:
        self.bundle, self.memory = bundle, memory

    def act(self, action: Action) -> list[Finding] | Refusal:
        """One of the `ACTIONS`: what begins or ends, or why not."""
        if action.name == "drill.start":
            return self._start(action)
        if action.name == "drill.end":
            return self._end(action)
        return refused("unknown", f"`{action.name}` is nothing that can be done")

    def due(self) -> Micros | None:
        """When the next one is over by itself; None if there is none."""
        return min((one.ends for one in self.memory.drills.values()), default=None)

    def over(self, now: Micros) -> list[Finding]:
        """Those that are over by themselves at or before `now`."""
        names = [name for name, one in self.memory.drills.items() if one.ends <= now]
        return list(self._closing(sorted(names), now))

    def _start(self, action: Action) -> list[Finding] | Refusal:
        rule = self.bundle.rules.get(action.subject)
        said = {str(name): str(value) for name, value in action.details.get("key", {}).items()}
        district = said.get(DISTRICT, said.get(PLACED, ""))
        refusal = denial(action, ROLES, district, 0) or _unfit(rule, action, said)
        if refusal is not None:
            return refusal
        if len(self.memory.drills) >= AT_MOST:
            return refused("state", f"there are {AT_MOST} exercises already; end some of them")
        assert rule is not None
        severity, facts = action.details.get("severity"), _facts(rule, said, district)
        if severity:
            facts[SEVERITY] = severity
        key = {name: text for name, text in said.items() if name in (*rule.by, DISTRICT)}
        begun = Finding(finding_id(action.id), 1, OPENED, rule.id, rule.logic, {**key, EXERCISE: YES}, action.at, None,
                        None, [], 0, facts=facts, at=action.at)
        row = Drill(begun, action.at + LASTS, action.actor)
        self.memory.put("drill", drill_alert(action.id), row)
        return [begun]

    def _end(self, action: Action) -> list[Finding] | Refusal:
        names = [action.subject] if action.subject else sorted(self.memory.drills)
        refusal = denial(action, ROLES, "", 0)
        if refusal is not None:
            return refusal
        if not names or names[0] not in self.memory.drills:
            return refused("unknown", f"there is no exercise `{action.subject}`" if names else "there is no exercise")
        return list(self._closing(names, action.at))

    def _closing(self, names: list[str], at: Micros) -> Iterator[Finding]:
        for name in names:
            begun = self.memory.drills[name].finding
            self.memory.drop("drill", name)
            alert = self.memory.alert_with(begun.id)
            if alert is not None and alert.state == FIRING:
                closed = max(at, begun.opened + 1)  # one of an instant would never end
                yield msgspec.structs.replace(begun, sequence=2, change=CLOSED, closed=closed, ended=OVER, at=closed)


def finding_id(action: str) -> str:
    """The finding that an action makes up."""
    return identity("drill", action)


def drill_alert(action: str) -> str:
    """The alert that an action makes."""
    return alert_id(finding_id(action))


def _facts(rule: Rule, said: Mapping[str, str], district: str) -> dict[str, Any]:
    """What the rule's texts read; what nobody says is left open."""
    known = {PLACED: district, **said}
    facts: dict[str, Any] = {name: known.get(name) or OPEN for name in rule.facts if name not in COORDINATES}
    return facts | {name: _degrees(said[name]) for name in COORDINATES if name in said}


def _degrees(text: str) -> float:
    """Degrees of latitude or longitude; ValueError if it is none."""
    found = float(text)
    if not -180 <= found <= 180:
        raise ValueError(text)
    return found


def _unfit(rule: Rule | None, action: Action, key: Mapping[str, str]) -> Refusal | None:
    if rule is None:
        return refused("unknown", f"there is no rule `{action.subject}`")
    known = list(dict.fromkeys((*rule.by, DISTRICT, *rule.facts, *COORDINATES)))
    strange = [name for name in key if name not in known]
    if strange:
        return refused("incomplete", f"the rule knows nothing of `{strange[0]}`; there are {', '.join(known)}")
    try:
        _facts(rule, key, "")
    except ValueError:
        return refused("incomplete", f"{' and '.join(COORDINATES)} are degrees")
    severity = action.details.get("severity", "")
    if severity and severity not in SEVERITIES:
        return refused("incomplete", f"`{severity}` is no severity; there are {', '.join(SEVERITIES)}")
    return None
