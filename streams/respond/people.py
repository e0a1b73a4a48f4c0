"""What people have to do with alerts: operators' states, cases, and the actions by which they move them. Pure.

It follows the news of alerts, takes actions, and lets time come. Every action is answered on the audit topic: done, or
refused with a sentence; the same action again is answered as before and does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import msgspec

from streams.actions import Action, Refusal
from streams.formats import cloudevents
from streams.policy import Policy
from streams.records import Micros
from streams.respond.case_events import case_event
from streams.respond.cases.life import About, CaseNews, Cases
from streams.respond.cases.table import TABLE as CASE_ACTIONS
from streams.respond.dispatch import REQUESTED
from streams.respond.drills import ACTIONS as DRILL_ACTIONS
from streams.respond.envelopes import source_of
from streams.respond.exercise import OVER
from streams.respond.identity import identity
from streams.respond.labels import labels_of
from streams.respond.life import FIRING, MERGED, RESOLVED, RETRACTED_STATE
from streams.respond.notify_events import escalation_event
from streams.respond.operating.operators import Change, Operators
from streams.respond.operating.table import ACTIONS as ALERT_ACTIONS
from streams.respond.passing import News, Output, Passing
from streams.respond.permits import refused
from streams.respond.publish import output
from streams.respond.rows import Acted
from streams.respond.silencing import ACTIONS as SILENCE_ACTIONS
from streams.respond.state import Memory
from streams.respond.view import district_of, stamp
from streams.rules import Bundle, Rule

ACTION_SCHEMA = "urn:tocsin:schema:action:1"
OPERATOR_SCHEMA = "urn:tocsin:schema:operator:1"
KEPT: Micros = 7 * 86_400_000_000
"""How long an action is known by its id."""
REPORTED = "report"
ACTIONS = (*(f"case.{name}" for name in ("open", *CASE_ACTIONS)), *(f"alert.{name}" for name in ALERT_ACTIONS),
           *SILENCE_ACTIONS, *DRILL_ACTIONS)
"""All that people can do, and nothing else."""


class Done(msgspec.Struct, frozen=True):
    """An action that was done: the version that it made (0: of nothing that has one), and what is told of it."""

    version: int
    outputs: list[Output] = []


Doer: TypeAlias = Callable[[Action], Done | Refusal]
"""Does actions on what is neither an alert nor a case."""


class People:
    """Operators and cases over one memory. `others` do what is about other things, by how an action's name begins."""

    def __init__(self, bundle: Bundle, memory: Memory, others: Mapping[str, Doer] | None = None) -> None:
        self.bundle, self.memory, self.others = bundle, memory, others or {}
        self.policy: Policy = bundle.policy
        self.cases = Cases(self.policy, memory)
        self.operators = Operators(self.policy, memory)

    def follow(self, passing: Passing) -> list[Output]:
        """What becomes of alerts and of who is sent for them."""
        outputs: list[Output] = []
        now = self.memory.head.now
        for news in passing.news:
            if not news.alert.shadow:
                outputs += self._told(self._seen(news, now), self._cases(news, now))
        for sent in passing.dispatches:
            if sent.change == REQUESTED:
                about = self._about(passing.rule, sent.about, sent.sending.priority, sent.sending.to)
                outputs += self._told((), self.cases.born(about, now))
        return outputs

    def call_off(self, alert: str) -> list[Output]:
        """An exercise is over: nobody need see it, and its case ends with it."""
        self.operators.gone(alert)
        return self._told((), self.cases.call_off(alert, self.memory.head.now, OVER))

    def act(self, action: Action) -> list[Output]:
        """Somebody does something: what is told of it, and the answer."""
        known = self.memory.acted.get(action.id)
        if known is not None:
            return [self._answer(action, known, again=True)]
        found = self._done(action)
        if isinstance(found, Refusal):
            answer = Acted(found.reason, found.sentence, 0)
            outputs: list[Output] = []
        else:
            answer, outputs = Acted("", "", found.version), found.outputs
        answer.forget = self.memory.head.now + KEPT
        self.memory.put("acted", action.id, answer)
        return [*outputs, self._answer(action, answer)]

    def due(self) -> Micros | None:
        """When `advance` has something to do; None if nothing waits."""
        waits = [due for due in (self.cases.due(), self.operators.due()) if due is not None]
        return min(waits, default=None)

    def advance(self, now: Micros) -> list[Output]:
        """Do what is due at or before `now`."""
        return self._told(self.operators.advance(now), self.cases.advance(now))

    def _done(self, action: Action) -> Done | Refusal:
        about = action.name.partition(".")[0]
        if action.name not in ACTIONS or about not in ("alert", "case", *self.others):
            return refused("unknown", f"`{action.name}` is nothing that can be done")
        if about == "alert":
            changes = self.operators.act(action)
            return changes if isinstance(changes, Refusal) else Done(
                max((one.version for one in changes), default=0), self._told(changes, ()))
        if about == "case":
            news = self.cases.act(action)
            return news if isinstance(news, Refusal) else Done(
                max((one.case.version for one in news), default=0), self._told((), news))
        return self.others[about](action)

    def _seen(self, news: News, now: Micros) -> list[Change]:
        """What detection says of an alert, for the operators."""
        if news.state in (RETRACTED_STATE, MERGED):
            self.operators.gone(news.alert.id)
            return []
        firing = news.state == FIRING
        return self.operators.seen(news.alert.id, firing, now, district_of(news.view), bool(news.raised_from))

    def _cases(self, news: News, now: Micros) -> list[CaseNews]:
        """What detection says of an alert, for its case."""
        if news.change == RESOLVED:
            return self.cases.alert_over(news.alert.id, now)
        if news.change in (RETRACTED_STATE, MERGED):
            return self.cases.alert_withdrawn(news.alert.id, news.alert.merged_into, now)
        again = news.change == FIRING and news.sequence > 1
        return self.cases.alert_again(news.alert.id, now) if again else []

    def _about(self, rule: Rule | None, news: News, priority: int, unit: str) -> About:
        labels = labels_of(rule, news.alert.rule, news.view, news.words)
        by = REPORTED if rule is not None and rule.kind == "match" else "rule"
        return About(news.alert.id, news.words.title, labels, news.view.opened, priority, unit, "", by)

    def _told(self, changes: Iterable[Change], news: Iterable[CaseNews]) -> list[Output]:
        told = [output("alerts", one.alert, self._operator_event(one)) for one in changes if one.touched]
        for one in news:
            told.append(output("cases", one.case.id, case_event(self.bundle, one)))
            if one.notify:
                told.append(output("notifications", one.notify, escalation_event(self.bundle, one)))
        return told

    def _operator_event(self, change: Change) -> bytes:
        """`tocsin.alert.operator`: what an operator, or time, made of an alert."""
        at = stamp(change.at) or ""
        attributes = {
            "id": identity("operator", change.alert, change.version), "source": source_of(self.bundle),
            "type": "tocsin.alert.operator", "subject": change.alert, "time": at, "dataschema": OPERATOR_SCHEMA,
            "sequence": str(change.version), "correlationid": change.alert, "recordedtime": at,
        }
        return cloudevents.encode(attributes, {
            "alert": change.alert, "state": change.state, "version": change.version, "actor": change.actor,
            "reason": change.reason, "until": stamp(change.until),
        })

    def _answer(self, action: Action, answer: Acted, again: bool = False) -> Output:
        """`tocsin.audit.action`: who did what, and whether it was done."""
        at = stamp(self.memory.head.now) or ""
        attributes = {
            "id": identity("action", action.id, again), "source": source_of(self.bundle), "type": "tocsin.audit.action",
            "subject": action.subject or action.id, "time": stamp(action.at) or at, "dataschema": ACTION_SCHEMA,
            "correlationid": action.id, "recordedtime": at,
        }
        asked: dict[str, Any] = msgspec.structs.asdict(action) | {"at": stamp(action.at)}
        return output("audit", action.subject or action.id, cloudevents.encode(attributes, {
            "action": asked, "done": not answer.refused, "refused": answer.refused, "sentence": answer.sentence,
            "version": answer.version, "again": again,
        }))


