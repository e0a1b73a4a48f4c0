"""Tests of the response: what is notified, kept quiet and followed, on a time line of alerts and of what people do.

The alerts are findings of the city's real rules, told to the fold of respond as the service has it, with the city's own
policy. Each list that a test gives is complete: what is notified, in order of time; what was kept quiet, by which
reasons, for each alert; how each case and each alert stands in the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from time import perf_counter
from typing import Any

import orjson

from streams.actions import Action
from streams.clocks import duration, parse_rfc3339, show_duration
from streams.findings import (
    CLOSED,
    OPENED,
    RETRACTED,
    UPDATED,
    ActionRow,
    Finding,
    FindingRow,
    ResponseFrame,
    Row,
    TickRow,
)
from streams.records import Micros
from streams.respond import Output, Respond
from streams.respond.identity import alert_id, identity
from streams.rulefile.scalars import advise
from streams.rules import Bundle
from streams.specs import Written
from streams.tools.expectations import Difference, Told, differences
from streams.tools.ruletest import Compared, Result, name_of, place_in
from streams.tools.testing import words
from streams.tools.timeline import START, Misread

LISTS = {"notifications": "notification", "quiet": "quiet alert", "cases": "case", "alerts": "alert"}
DEEDS = {"fires": OPENED, "changes": UPDATED, "ends": CLOSED, "mistaken": RETRACTED}
AFTER = 3_600_000_000
"""How long after the last step a test goes on that does not say it."""
Event = dict[str, Any]


def results(bundle: Bundle) -> Iterator[Result]:
    """Every test of every document, in the order of the files."""
    for name, tests in bundle.tests.items():
        for test in tests:
            yield run_test(bundle, name, test)


def run_test(bundle: Bundle, name: str, test: Written) -> Result:
    """One test."""
    begun, compared = perf_counter(), list[Compared]()
    try:
        found = Stage(bundle, test.value).played()
        problems = found.refused if "refused" not in test.value else []
        for word, what in LISTS.items():
            if word in test.value:
                differ = differences(what, word, found.lists[word], test.value[word])
                problems = [*problems, *differ]
                compared += [Compared(word, found.lists[word], list(test.value[word]))] if differ else []
    except Misread as error:
        problems = [(f"the test cannot be read: {error}", error.path)]
    return Result(name, name_of(test), [text for text, _ in problems], [place_in(test, path) for _, path in problems],
                  place_in(test, ()), compared, [], perf_counter() - begun)


class Found:
    """What a test found: the lists by their words, and what was refused that nobody expected to be."""

    def __init__(self, lists: dict[str, list[Told]], refused: list[Difference]) -> None:
        self.lists, self.refused = lists, refused


class Stage:
    """One test as it is played."""

    def __init__(self, bundle: Bundle, test: Mapping[str, Any]) -> None:
        self.bundle, self.test = bundle, test
        self.fold = Respond(bundle)
        self.findings: dict[str, Finding] = {}
        self.events: list[tuple[str, Event]] = []
        self._steps: list[tuple[Micros, int, Mapping[str, Any]]] = []

    def played(self) -> Found:
        """All steps in order of time, then on until the end. Raises Misread."""
        _check_words(self.test, words.RESPONSE_TEST, "a test of the response", ())
        steps = self.test.get("steps")
        if not isinstance(steps, Sequence) or isinstance(steps, str) or not steps:
            raise Misread("a test of the response needs `steps`: a list of what happens", "steps")
        timed = [(self._at(step, number), number, step) for number, step in enumerate(steps)]
        refused: list[Difference] = []
        for at, number, step in sorted(timed, key=lambda one: one[:2]):
            self._take(TickRow(START + at))
            self._take(self._row(step, number, START + at))
            sentence = self._refusal()
            refused += [(f"step {number + 1} was refused: {sentence}", ("steps", number))] if sentence else []
        end = max(at for at, _, _ in timed) + AFTER
        until = self.test.get("until")
        self._take(TickRow(START + (end if until is None else _span(until, "until"))))
        return Found({"notifications": self._notifications(), "quiet": self._quiet(), "cases": self._cases(),
                      "alerts": self._alerts()}, refused)

    # steps to rows

    def _at(self, step: Any, number: int) -> Micros:
        if not isinstance(step, Mapping) or "at" not in step:
            raise Misread("a step is a mapping with `at`: {at: 1m, fires: a, rule: ...}", "steps", number)
        return _span(step["at"], "steps", number, "at")

    def _row(self, step: Mapping[str, Any], number: int, at: Micros) -> Row:
        _check_words(step, words.RESPONSE_STEP, "a step", ("steps", number))
        deeds = [name for name in (*DEEDS, "do") if name in step]
        if len(deeds) != 1:
            raise Misread(f"a step has one of {', '.join((*DEEDS, 'do'))}", "steps", number)
        if deeds[0] == "do":
            return ActionRow(self._action(step, number, at))
        finding = self._finding(deeds[0], step, number, at)
        return FindingRow("test", 0, self.fold.offset + 1, 0, finding)

    def _finding(self, deed: str, step: Mapping[str, Any], number: int, at: Micros) -> Finding:
        name = str(step[deed])
        if deed == "fires":
            made = self._opened(name, step, number, at)
        else:
            before = self._known(name, number, deed)
            closed = at if deed == "ends" else before.closed
            made = _changed(before, DEEDS[deed], closed, step.get("value", before.value), at)
        self.findings[name] = made
        return made

    def _opened(self, name: str, step: Mapping[str, Any], number: int, at: Micros) -> Finding:
        rule = self.bundle.rules.get(str(step.get("rule", "")))
        if rule is None:
            hint = advise(str(step.get("rule", "")), self.bundle.rules, "there are")
            raise Misread(f"an alert fires of a rule: there is no rule {step.get('rule')!r}; {hint}", "steps", number)
        if name in self.findings:
            raise Misread(f"{name!r} fires already; give another alert another name", "steps", number, "fires")
        key = {part: step.get("key", {}).get(part) for part in rule.by} | dict(step.get("key", {}))
        closed = at if rule.kind == "match" and rule.detector.identity == "evidence" else None
        return Finding(name, 1, OPENED, rule.id, rule.logic, key, at, closed, step.get("value", 1), [name], 1,
                       facts=dict(step.get("facts", {})), at=at)

    def _action(self, step: Mapping[str, Any], number: int, at: Micros) -> Action:
        name, of = str(step["do"]), str(step.get("of", ""))
        alert = alert_id(self._known(of, number, "of").id) if of else ""
        subject = identity("case", alert) if name.startswith("case.") and of else alert or str(step.get("subject", ""))
        details = {word: _details(word, value) for word, value in dict(step.get("details", {})).items()}
        return Action(f"step {number + 1}", at, str(step.get("as", step.get("role", "test"))),
                      (str(step.get("role", "admin")),), name, subject, str(step.get("reason", "as the test says")),
                      details=details)

    def _known(self, name: str, number: int, word: str) -> Finding:
        if name not in self.findings:
            hint = advise(name, self.findings, "alerts so far:")
            raise Misread(f"no alert {name!r} has fired by then; {hint}", "steps", number, word)
        return self.findings[name]

    def _take(self, row: Row) -> None:
        outputs: list[Output] = self.fold.step(self.fold.offset + 1, ResponseFrame([row]))
        self.events += [(one.topic, orjson.loads(one.value)) for one in outputs]

    # what came of it

    def _refusal(self) -> str:
        answers = [event["data"] for topic, event in self.events[-1:] if topic == "audit"]
        return next((one["sentence"] for one in answers if one.get("refused")), "")

    def _named(self, alert: str) -> str:
        """The test's name of an alert."""
        return {alert_id(one.id): name for name, one in self.findings.items()}.get(alert, alert)

    def _notifications(self) -> list[Told]:
        told: list[Told] = []
        for topic, event in self.events:
            if topic == "notifications":
                of = event["data"]
                firing = sorted(self._named(one["alert"]) for one in of["alerts"] if one["status"] == "firing")
                over = sorted(self._named(one["alert"]) for one in of["alerts"] if one["status"] != "firing")
                told.append({"at": _since(event["time"]), "to": of["receiver"], "reason": of["reason"],
                             "firing": firing, "over": over, "digest": of["digest"], "title": of["title"]})
        return told

    def _quiet(self) -> list[Told]:
        by: dict[str, dict[str, None]] = {}
        for topic, event in self.events:
            if topic == "alerts" and event["type"] == "tocsin.alert.suppressed":
                reasons = by.setdefault(self._named(event["subject"]), {})
                reasons |= dict.fromkeys(one["reason"] for one in event["data"]["suppressed_by"])
        return [{"alert": name, "by": list(reasons)} for name, reasons in by.items() if reasons]

    def _cases(self) -> list[Told]:
        last = {event["subject"]: event["data"] for topic, event in self.events if topic == "cases"}
        return [{"of": self._named(one["alert"]) or one["title"], "state": one["state"], "unit": one["unit"],
                 "late": one["missed"], "level": one["level"], "attempt": one["attempt"]} for one in last.values()]

    def _alerts(self) -> list[Told]:
        last: dict[str, Event] = {}
        for topic, event in self.events:
            if topic == "alerts":
                one = last.setdefault(event["subject"], {"alert": self._named(event["subject"]), "operator": ""})
                if event["type"] == "tocsin.alert.operator":
                    one["operator"] = event["data"]["state"]
                elif "severity" in event["data"]:
                    one |= {name: event["data"][name] for name in ("state", "severity", "title")}
        return list(last.values())


def _changed(before: Finding, change: str, closed: Micros | None, value: Any, at: Micros) -> Finding:
    return Finding(before.id, before.sequence + 1, change, before.rule, before.logic, before.key, before.opened, closed,
                   value, before.evidence, before.count, facts=before.facts, at=at)


def _span(text: Any, *path: str | int) -> Micros:
    try:
        return duration(str(text))
    except ValueError:
        raise Misread(f"{text!r} is not a duration after the start; write for example 90s or 10m", *path) from None


def _details(word: str, value: Any) -> Any:
    """What an action needs besides; spans as microseconds."""
    return _span(value, "steps") if word in ("for", "by") and isinstance(value, str) else value


def _since(time: str) -> str:
    return show_duration(parse_rfc3339(time) - START)


def _check_words(given: Mapping[str, Any], table: Sequence[Any], what: str, path: tuple[str | int, ...]) -> None:
    known = [field.name for field in table]
    for name in given:
        if name not in known:
            raise Misread(f"{what} has no `{name}`; it has {', '.join(known)}", *path, name)
