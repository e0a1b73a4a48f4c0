"""test: the tests that stand in rule files, run by the engine of the service on a made-up time line.

`events` come at durations after the start of the test (`arrives` where one comes later than it
happened); `expect` is the complete list of episodes that are not retracted, in order of opening.
`alerts` and `dispatches`, where a test has them, are the complete lists of how each alert and each
dispatch stands in the end, in the order in which they were first told. Of a register only the rows
count that the events name, and those of `watch`; a test may have `registers` and `lists` of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
import orjson

from streams.clocks import parse_rfc3339, show_duration
from streams.findings import RETRACTED, Finding, Reading
from streams.records import Micros
from streams.respond.envelopes import BESIDE
from streams.rulefile import workshop
from streams.rules import Bundle, Rule
from streams.specs import Written
from streams.tools.answering import outputs
from streams.tools.expectations import Difference, Told, differences
from streams.tools.playing import Staged, staged
from streams.tools.standins import Rebuild
from streams.tools.testing import words
from streams.tools.timeline import START, Misread
from streams.vitals import entries

WORDS = tuple(field.name for field in words.TEST)
CALLED = {"expect": "episode", "alerts": "alert", "dispatches": "dispatch", "readings": "reading"}
NOTHING = "expect_none"
_ABSENT = object()
Chosen = Callable[[Rule, str], bool]
"""Whether a test is to run: its rule and its name."""


class Compared(msgspec.Struct, frozen=True):
    """One list of a test that is not as expected: its word, what was found and what was expected."""

    word: str
    found: list[Told]
    expected: list[Told]


class Result(msgspec.Struct, frozen=True):
    """How one test went: no problems, or what differs in words, each with its place `file:line`.

    `compared` are the lists that differ, `notes` what helps to understand it, `seconds` how long it took.
    """

    rule: str
    name: str
    problems: list[str]
    places: list[str]
    place: str
    compared: list[Compared] = []
    notes: list[str] = []
    seconds: float = 0.0

    @property
    def file(self) -> str:
        """The file that it stands in."""
        return self.place.rpartition(":")[0]


class Outcome(msgspec.Struct):
    """What a test found out, before it is told."""

    problems: list[Difference] = []
    compared: list[Compared] = []
    notes: list[str] = []


def run_tests(bundle: Bundle, only: Iterable[str] | None = None, rebuild: Rebuild | None = None) -> list[Result]:
    """Every test of the rules named (default: all), in the order of the files. For `rebuild` see `overridden`."""
    wanted = None if only is None else frozenset(only)
    return list(results(bundle, lambda rule, name: wanted is None or rule.id in wanted, rebuild))


def run_folder(directory: Path, only: Iterable[str] | None = None) -> list[Result]:
    """The tests of a folder of rule files; raises Problems where it does not load."""
    shop = workshop(directory)
    return run_tests(shop.bundle, only, shop.rebuild)


def results(bundle: Bundle, chosen: Chosen, rebuild: Rebuild | None = None) -> Iterator[Result]:
    """The tests that are chosen, in the order of the files, each when it has run."""
    for rule in bundle.folded:
        for test in rule.tests:
            if chosen(rule, name_of(test)):
                yield run_test(bundle, rule, test, rebuild)


def name_of(test: Written) -> str:
    """What a test is called."""
    return str(test.value.get("name", "unnamed"))


def run_test(bundle: Bundle, rule: Rule, test: Written, rebuild: Rebuild | None = None) -> Result:
    """One test of one rule."""
    begun = perf_counter()
    try:
        found = outcome_of(bundle, rule, test.value, rebuild)
    except Misread as error:
        found = Outcome([(f"the test cannot be read: {error}", error.path)], [], [])
    return Result(rule.id, name_of(test), [text for text, _ in found.problems],
                  [place_in(test, path) for _, path in found.problems], place_in(test, ()), found.compared, found.notes,
                  perf_counter() - begun)


def outcome_of(bundle: Bundle, rule: Rule, test: Mapping[str, Any], rebuild: Rebuild | None = None) -> Outcome:
    """What differs from what a test expects. Raises Misread."""
    check_words(test, rule)
    stage = staged(bundle, rule, test, rebuild)
    lists = _read(stage) if rule.vital is not None else _found(stage, test)
    outcome = Outcome([], [], [])
    for word, found in lists.items():
        _compare(outcome, word, found, _expectation(test, word))
    _compare_late(outcome, stage.late, test)
    return outcome


def _found(stage: Staged, test: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """What a rule finds, in the words of a test."""
    start, told = stage.setting.start, [finding for finding in stage.play() if finding.rule == stage.rule.id]
    lists = {"expect": [described(one, start) for one in final(told)]}
    if "alerts" in test or "dispatches" in test:
        lists["alerts"], lists["dispatches"] = answers(stage.alone, told, start)
    return lists


def _read(stage: Staged) -> dict[str, list[dict[str, Any]]]:
    """What an indicator reads: the last word on each period of each key, in order of time."""
    last = {(one.at, str(one.key)): one for one in stage.read()}
    return {"readings": [_as_read(one, stage.setting.start) for _, one in sorted(last.items()) if not one.gone]}


def _as_read(reading: Reading, start: Micros) -> dict[str, Any]:
    """A reading in the words of `readings`."""
    value, top = reading.value, None
    if isinstance(value, list):
        top = [{**msgspec.structs.asdict(one), "percent": one.percent} for one in entries(value)]
        value = [[one["of"], one["count"], one["before"]] for one in top]
    usual = None if reading.usual is None else msgspec.structs.asdict(reading.usual)
    return {"at": show_duration(reading.at - start), "key": reading.key, "value": value, "top": top, "usual": usual,
            "status": reading.status, "since": show_duration(reading.since - start), "events": reading.count}


def _expectation(test: Mapping[str, Any], word: str) -> Any:
    """What a test says under `expect`, `alerts` or `dispatches`; `_ABSENT` where it does not speak of them."""
    if word == "expect" and test.get(NOTHING):
        return []
    return test.get(word, _ABSENT)


def check_words(test: Mapping[str, Any], rule: Rule) -> None:
    """A test has no unknown words and expects something that its rule, or indicator, can give. Raises Misread."""
    for name in (*CALLED, NOTHING) if rule.vital is not None else ("readings",):
        if name in test and (name == "readings") != (rule.vital is not None):
            wanted = "an indicator finds nothing; write `readings:`" if rule.vital else "a rule has no readings"
            raise Misread(wanted, name)
    for name in test:
        if name not in WORDS:
            raise Misread(f"a test has no `{name}`; it has {', '.join(WORDS)}", name)
    if NOTHING in test and test[NOTHING] is not True:
        raise Misread(f"`{NOTHING}` can only be true; write `expect:` with the list of what is found", NOTHING)
    if NOTHING in test and "expect" in test:
        raise Misread(f"a test has either `expect` or `{NOTHING}`", NOTHING)
    if not any(name in test for name in (*CALLED, NOTHING)):
        raise Misread("it expects nothing; write `expect_none: true` if nothing must be found")


def _compare(outcome: Outcome, word: str, found: list[dict[str, Any]], expected: Any) -> None:
    if expected is _ABSENT:
        return
    problems = differences(CALLED[word], word, found, expected)
    if problems:
        outcome.problems += problems
        outcome.compared.append(Compared(word, list(found), list(expected)))


def _compare_late(outcome: Outcome, late: list[str], test: Mapping[str, Any]) -> None:
    """`late` is the complete list of the events that come too late; where a test does not say it, it is told."""
    told = f"too late, and put aside, {'is event' if len(late) == 1 else 'are the events'} {', '.join(late) or 'none'}"
    if "late" not in test:
        outcome.notes += [told] if late else []
        return
    expected = test["late"]
    if not isinstance(expected, Sequence) or isinstance(expected, str):
        raise Misread("`late` is a list of the numbers of events", "late")
    if sorted(str(one) for one in expected) != sorted(late):
        wanted = ", ".join(str(one) for one in expected) or "none"
        outcome.problems.append((f"{told}; expected {wanted}", ("late",)))


def place_in(test: Written, path: tuple[str | int, ...]) -> str:
    """Where a part of a test stands, or the nearest that it stands in."""
    while path and path not in test.spots:
        path = path[:-1]
    return f"{test.file}:{test.spots[path][0]}"


def final(told: Iterable[Finding]) -> list[Finding]:
    """The last word on each finding that was not retracted, in order of opening."""
    last = {finding.id: finding for finding in told}
    kept = [finding for finding in last.values() if finding.change != RETRACTED]
    return sorted(kept, key=lambda finding: (finding.opened, str(finding.key), list(map(_number, finding.evidence))))


def _number(id: str) -> tuple[int, str]:
    """Events of a test are numbered, findings are not."""
    return (int(id), "") if id.isdigit() else (0, id)


def answers(bundle: Bundle, told: Sequence[Finding],
            start: Micros = START) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """How each alert and each dispatch stands after all findings were told."""
    newest = dict[tuple[str, str], dict[str, Any]]()
    for output in outputs(bundle, told):
        event = orjson.loads(output.value)
        if event["type"] in BESIDE:
            continue
        newest[output.topic, event.get("subject", "")] = event
    alerts = [answered(event, start) for (topic, _), event in newest.items() if topic in ("alerts", "shadow")]
    dispatches = [answered(event, start) for (topic, _), event in newest.items() if topic == "dispatches"]
    return alerts, dispatches


def answered(event: Mapping[str, Any], start: Micros = START) -> dict[str, Any]:
    """An alert or a dispatch in the words of `alerts` and `dispatches`."""
    times = {name: event["data"][f"{name}_at"] for name in ("opened", "closed") if event["data"].get(f"{name}_at")}
    shown = {name: show_duration(parse_rfc3339(time) - start) for name, time in times.items()}
    return {**event["data"], "closed": None, "topic": event["type"].split(".")[1], **shown,
            "state": event["data"].get("state", event["type"].rpartition(".")[2])}


def described(finding: Finding, start: Micros = START) -> dict[str, Any]:
    """A finding in the words of `expect`."""
    return {
        "opened": show_duration(finding.opened - start),
        "closed": None if finding.closed is None else show_duration(finding.closed - start),
        "evidence": finding.evidence, "count": finding.count, "value": finding.value, "key": finding.key,
        "steps": finding.bound, "ended": finding.ended, "corrections": finding.corrections,
    }
