"""The life of cases: a fold over what becomes of alerts, what people do, and time. Pure.

A case is born when somebody is sent for an alert, or by a person's report. An alert has at most one open case; what
it merges with, or a new attempt, goes on in that one. Whoever disposed of a case may neither verify it, send it back
nor close it.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from streams.actions import Action, Refusal
from streams.policy import STAGES, Policy
from streams.records import Micros
from streams.respond.cases import timing
from streams.respond.cases.state import Case
from streams.respond.cases.table import CANCELLED, ENDED, MERGED, PARKED, SECOND_EXTENSION, TABLE, Transition, reached
from streams.respond.identity import identity
from streams.respond.permits import denial, refused

DISCOVERERS = ("rule", "report", "sensor", "camera", "hotline", "patrol", "citizen")
REPORTERS = ("call_taker", "dispatcher", "supervisor")
RETAINED: Micros = 30 * 86_400_000_000
"""How long a case is remembered after it ended, so that it can be opened again."""
SYSTEM = "tocsin"


_Wait = tuple[Micros, str, str, int, int]


class Rows(Protocol):
    """Where cases are remembered."""

    @property
    def cases(self) -> Mapping[str, Case]: ...

    def put(self, table: str, name: str, row: Any) -> None:
        """Remember a row, new or changed."""


class CaseNews(msgspec.Struct, frozen=True):
    """What there is to tell of a case: a copy of it, what changed, when, and by whose action.

    `change` is a state, or `overdue` (`stage` says which), `escalated` (`notify` is told), `extended`, `parked`,
    `resumed`, `noted`, `supervised`, `split`, `alert_over`.
    """

    case: Case
    change: str
    at: Micros
    actor: str = SYSTEM
    reason: str = ""
    stage: str = ""
    notify: str = ""


class About(msgspec.Struct, frozen=True):
    """What a case is about: its alert ("": none), its labels, and when that began."""

    alert: str
    title: str
    labels: dict[str, str]
    opened: Micros
    priority: int = 3
    unit: str = ""
    escalation: str = ""
    discovered_by: str = "rule"


class Cases:
    """All cases by one policy."""

    def __init__(self, policy: Policy, rows: Rows) -> None:
        self.policy, self.rows = policy, rows
        self._waiting: list[_Wait] = []
        self._known: set[_Wait] = set()
        self._of_alert: dict[str, str] = {}
        for case in rows.cases.values():
            self._follow(case)

    # what becomes of alerts

    def born(self, about: About, now: Micros) -> list[CaseNews]:
        """Somebody is to be sent for an alert; nothing, if it has a case that is open."""
        if self.of_alert(about.alert) is not None:
            return []
        name = identity("case", about.alert)
        if name in self.rows.cases:
            return self.alert_again(about.alert, now)
        case = self._new(name, about, now)
        return [*self._moved(case, "registered", now), *self._moved(case, "dispatched", now)]

    def of_alert(self, alert: str) -> Case | None:
        """The open case of an alert."""
        case = self.rows.cases.get(self._of_alert.get(alert, ""))
        return None if case is None or case.state in ENDED else case

    def alert_over(self, alert: str, now: Micros) -> list[CaseNews]:
        """An alert is resolved: its case goes on, and is less urgent."""
        case = self.of_alert(alert)
        if case is None or case.resolved is not None:
            return []
        case.resolved, case.priority = now, min(5, case.priority + 1)
        return [self._told(case, "alert_over", now)]

    def alert_again(self, alert: str, now: Micros) -> list[CaseNews]:
        """An alert fires again: a case that is still remembered is opened again, as a new attempt."""
        case = self.rows.cases.get(self._of_alert.get(alert, ""))
        if case is None or case.state in ("cancelled", MERGED):
            return []
        case.resolved = None
        if case.state in ENDED:
            return self._anew(case, "registered", now, SYSTEM, "")
        self._kept(case)
        return []

    def alert_withdrawn(self, alert: str, heir: str, now: Micros) -> list[CaseNews]:
        """An alert was a mistake, or is one with another, its `heir`: nobody need go who is not there yet."""
        case, other = self.of_alert(alert), self.of_alert(heir)
        if case is None or reached(case.stages, "on_scene"):
            return []
        if other is not None and other is not case:
            return self._merged(case, other, now, SYSTEM, "")
        return self._moved(case, "cancelled", now, reason="retracted")

    def call_off(self, alert: str, now: Micros, reason: str) -> list[CaseNews]:
        """An alert's case is over, however far it has come."""
        case = self.of_alert(alert)
        return [] if case is None else self._moved(case, CANCELLED, now, reason=reason)

    # what people do

    def act(self, action: Action) -> list[CaseNews] | Refusal:
        """Somebody does something; what is told of it, or why not."""
        if action.name == "case.open":
            return self._reported(action)
        case = self.rows.cases.get(action.subject)
        row = TABLE.get(action.name.removeprefix("case."))
        if case is None or row is None:
            what = f"there is no case `{action.subject}`" if row else f"`{action.name}` is nothing that can be done"
            return refused("unknown", what)
        refusal = self._refusal(case, row, action)
        if refusal is not None:
            return refusal
        at = max(action.at, case.newest)
        return self._steps()[action.name.removeprefix("case.")](case, row, action, at)

    def _steps(self) -> Mapping[str, Callable[[Case, Transition, Action, Micros], list[CaseNews] | Refusal]]:
        own = {"dispatch": self._dispatch, "dispose": self._dispose, "rework": self._rework, "reopen": self._rework,
               "park": self._park, "resume": self._resume, "extend": self._extend, "supervise": self._supervise,
               "merge": self._merge, "split": self._split, "note": self._note}
        return {name: own.get(name, self._move) for name in TABLE}

    def _refusal(self, case: Case, row: Transition, action: Action) -> Refusal | None:
        named = action.name.removeprefix("case.")
        roles = SECOND_EXTENSION if named == "extend" and case.extensions else row.roles
        denied = denial(action, roles, case.labels.get("district", ""), case.version)
        if denied is not None:
            return denied
        if action.units and case.unit not in action.units and "unit" in row.roles:
            return refused("unit", f"it is with {case.unit}")
        if row.apart and action.actor in case.disposers:
            return refused("duties")
        if case.state not in row.sources:
            return refused("state", f"it is {case.state}, and to {named} it must be {' or '.join(row.sources)}")
        missing = [name for name in row.needs if not action.details.get(name)]
        if row.reasoned and not action.reason.strip():
            missing.append("a reason")
        return refused("incomplete", f"to {named} a case takes {' and '.join(missing)}") if missing else None

    def _move(self, case: Case, row: Transition, action: Action, at: Micros) -> list[CaseNews]:
        return self._moved(case, row.target, at, action.actor, action.reason)

    def _dispatch(self, case: Case, row: Transition, action: Action, at: Micros) -> list[CaseNews]:
        case.unit = str(action.details["unit"])
        later = [stage for stage in case.stages if STAGES.index(stage) > STAGES.index("dispatched")]
        for stage in later:  # what another unit reached is not reached by this one
            del case.stages[stage]
        return self._move(case, row, action, at)

    def _dispose(self, case: Case, row: Transition, action: Action, at: Micros) -> list[CaseNews]:
        case.disposition = str(action.details["code"])
        if action.actor not in case.disposers:
            case.disposers.append(action.actor)
        return self._move(case, row, action, at)

    def _rework(self, case: Case, row: Transition, action: Action, at: Micros) -> list[CaseNews] | Refusal:
        if self.of_alert(case.alert) not in (None, case):
            return refused("state", "its alert has another case that is open")
        return self._anew(case, row.target, at, action.actor, action.reason)

    def _park(self, case: Case, row: Transition, action: Action, at: Micros) -> list[CaseNews]:
        timing.stop(case, at)
        case.state = PARKED
        return [self._told(case, "parked", at, action)]

    def _resume(self, case: Case, row: Transition, action: Action, at: Micros) -> list[CaseNews]:
        timing.go_on(case, at)
        return [self._told(case, "resumed", at, action)]

    def _extend(self, case: Case, row: Transition, action: Action, at: Micros) -> list[CaseNews] | Refusal:
        by = action.details["by"]
        if not isinstance(by, int) or isinstance(by, bool) or by <= 0:
            return refused("incomplete", "to extend a case takes a time longer than zero, `by`, in µs")
        timing.extend(case, by)
        return [self._told(case, "extended", at, action)]

    def _supervise(self, case: Case, row: Transition, action: Action, at: Micros) -> list[CaseNews]:
        case.level += 1
        return [self._told(case, "supervised", at, action)]

    def _merge(self, case: Case, row: Transition, action: Action, at: Micros) -> list[CaseNews] | Refusal:
        other = self.rows.cases.get(str(action.details["into"]))
        if other is None or other is case or other.state in ENDED:
            return refused("state", "it can be merged into another case that is open")
        return self._merged(case, other, at, action.actor, action.reason)

    def _split(self, case: Case, row: Transition, action: Action, at: Micros) -> list[CaseNews]:
        """A part of it becomes a case of its own, which has no alert: that stays with the first."""
        about = About("", str(action.details.get("title") or case.title), dict(case.labels), case.opened, case.priority,
                      case.unit, case.escalation, case.discovered_by)
        part = self._new(identity("case", case.id, action.id), about, at)
        part.split_from = case.id
        began = self._moved(part, "registered", at, action.actor, action.reason)
        return [self._told(case, "split", at, action), *began]

    def _note(self, case: Case, row: Transition, action: Action, at: Micros) -> list[CaseNews]:
        return [self._told(case, "noted", at, action)]

    def _reported(self, action: Action) -> list[CaseNews] | Refusal:
        """A person's report becomes a case that has no alert."""
        by = str(action.details.get("discovered_by", "hotline"))
        if not action.details.get("title") or by not in DISCOVERERS:
            return refused("incomplete", f"to open a case takes a title, and discovered_by: {', '.join(DISCOVERERS)}")
        labels = {str(name): str(value) for name, value in action.details.get("labels", {}).items()}
        denied = denial(action, REPORTERS, labels.get("district", ""), 0)
        if denied is not None:
            return denied
        name = identity("case", action.id)
        if name in self.rows.cases:
            return refused("state", "it is open already")
        about = About("", str(action.details["title"]), labels, action.at, discovered_by=by)
        return [self._told(self._new(name, about, action.at), "discovered", action.at, action)]

    # time

    def due(self) -> Micros | None:
        """When `advance` has something to do; None if nothing waits."""
        self._settle()
        return self._waiting[0][0] if self._waiting else None

    def advance(self, now: Micros) -> list[CaseNews]:
        """Do what is due at or before `now`, in order of time."""
        told: list[CaseNews] = []
        while (due := self.due()) is not None and due <= now:
            _, name, what, number, _ = self._pop()
            case = self.rows.cases[name]
            passed = due - 1  # the last moment at which it was not yet too late
            told += (self._overdue(case, what.removeprefix("stage:"), passed) if number < 0
                     else self._escalated(case, number, passed))
        return told

    def _overdue(self, case: Case, stage: str, at: Micros) -> list[CaseNews]:
        case.told.append(stage)
        if stage not in case.missed:
            case.missed.append(stage)
        return [self._told(case, "overdue", at, stage=stage)]

    def _escalated(self, case: Case, number: int, at: Micros) -> list[CaseNews]:
        case.chain = [one for one in case.chain if one[1] != number]
        steps = timing.chain_of(self.policy, case)
        step = steps[number] if number < len(steps) else None
        if step is None or (step.unless and reached(case.stages, step.unless)):
            self._kept(case)
            return []
        case.level += step.raises
        return [self._told(case, "escalated", at, notify=step.notify)]

    def _settle(self) -> None:
        """Drop what waited for something that has come, or for an attempt that is over."""
        while self._waiting:
            due, name, what, number, attempt = self._waiting[0]
            case = self.rows.cases.get(name)
            if case is not None and case.attempt == attempt and (due - 1, what, max(number, 0)) in timing.waiting(case):
                return
            self._pop()

    def _pop(self) -> _Wait:
        first = heapq.heappop(self._waiting)
        self._known.discard(first)
        return first

    # one step of a case

    def _new(self, name: str, about: About, at: Micros) -> Case:
        unit = about.unit or owner_of(self.policy, about.labels)
        case = Case(name, about.alert, about.title, about.labels, about.priority, about.opened, at, unit,
                    about.discovered_by, escalation=about.escalation)
        timing.begin(case, self.policy, at)
        case.stages["discovered"] = case.first["discovered"] = at
        return case

    def _anew(self, case: Case, state: str, at: Micros, actor: str, reason: str) -> list[CaseNews]:
        case.attempt += 1
        case.forget, case.extensions = None, 0
        timing.begin(case, self.policy, at)
        return self._moved(case, state, at, actor, reason)

    def _merged(self, case: Case, other: Case, at: Micros, actor: str, reason: str) -> list[CaseNews]:
        case.merged_into = other.id
        return self._moved(case, MERGED, at, actor, reason)

    def _moved(self, case: Case, state: str, at: Micros, actor: str = SYSTEM, reason: str = "") -> list[CaseNews]:
        case.state = state
        if state in STAGES:
            case.stages[state] = at
            case.first.setdefault(state, at)
            self._in_time(case, state, at)
        if state in ENDED:
            case.forget = at + RETAINED
        return [self._told(case, state, at, actor=actor, reason=reason)]

    def _in_time(self, case: Case, state: str, at: Micros) -> None:
        """Note the stages that are reached now, later than was promised."""
        for stage in STAGES[1:STAGES.index(state) + 1]:
            if at > case.promised.get(stage, at) and stage not in case.missed and not _before(case, stage, at):
                case.missed.append(stage)

    def _told(self, case: Case, change: str, at: Micros, action: Action | None = None, actor: str = SYSTEM,
              reason: str = "", stage: str = "", notify: str = "") -> CaseNews:
        case.version += 1
        self._kept(case)
        if action is not None:
            actor, reason = action.actor, action.reason
        return CaseNews(_copied(case), change, at, actor, reason, stage, notify)

    def _kept(self, case: Case) -> None:
        self.rows.put("case", case.id, case)
        self._follow(case)

    def _follow(self, case: Case) -> None:
        if case.alert and (case.state not in ENDED or case.alert not in self._of_alert):
            self._of_alert[case.alert] = case.id
        for moment, what, number in timing.waiting(case):
            wait = (moment + 1, case.id, what, number if what == "step" else -1, case.attempt)
            if wait not in self._known:
                self._known.add(wait)
                heapq.heappush(self._waiting, wait)


def owner_of(policy: Policy, labels: Mapping[str, str]) -> str:
    """The unit that is responsible: the most specific line that fits, else the fallback."""
    fitting = [owner for owner in policy.owners
               if all(not wanted or labels.get(name, "") == wanted for name, wanted in
                      (("category", owner.category), ("district", owner.district), ("grid", owner.grid)))]
    return max(fitting, key=lambda owner: owner.weight).unit if fitting else policy.fallback


def _before(case: Case, stage: str, at: Micros) -> bool:
    """Whether this attempt came to a stage, or beyond, before."""
    return any(case.stages.get(one, at) < at for one in STAGES[STAGES.index(stage):])


def _copied(case: Case) -> Case:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(case), type=Case)
