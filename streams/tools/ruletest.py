"""test: the tests that stand in rule files, run by the engine of the service on a made-up time line.

`events` come at durations after the start of the test (`arrives` where one comes later than it
happened); `expect` is the complete list of episodes that are not retracted, in order of opening.
`alerts` and `dispatches`, where a test has them, are the complete lists of how each alert and each
dispatch stands in the end, in the order in which they were first told. Of a register only the rows
count that the events name, and those of `watch`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import orjson

from streams.clocks import DAY, parse_rfc3339, show_duration
from streams.engine import Engine
from streams.findings import RETRACTED, Finding, FindingRow, ResponseFrame
from streams.frames import CLOCK_ROW, VERSION, ClockRow, MemberRow, WorkFrame, WorkRow
from streams.records import Micros
from streams.respond import Respond
from streams.route import Router
from streams.rules import Bundle, Rule
from streams.specs import Written
from streams.tools.expectations import Difference, differences
from streams.tools.timeline import START, Arrival, Misread, timeline

WORDS = ("name", "events", "watch", "expect", "alerts", "dispatches")
LISTS = ("expect", "alerts", "dispatches")


class Result(msgspec.Struct, frozen=True):
    """How one test went: no problems, or what differs in words, each with its place `file:line`."""

    rule: str
    name: str
    problems: list[str]
    places: list[str]
    place: str


def run_tests(bundle: Bundle, only: Iterable[str] | None = None) -> list[Result]:
    """Every test of the rules named (default: all), in the order of the files."""
    wanted = None if only is None else frozenset(only)
    return [run_test(bundle, rule, test) for rule in bundle.rules.values() if wanted is None or rule.id in wanted
            for test in rule.tests]


def run_test(bundle: Bundle, rule: Rule, test: Written) -> Result:
    """One test of one rule."""
    try:
        found = problems_of(bundle, rule, test.value)
    except Misread as error:
        found = [(f"the test cannot be read: {error}", error.path)]
    return Result(rule.id, str(test.value.get("name", "unnamed")), [text for text, _ in found],
                  [_place(test, path) for _, path in found], _place(test, ()))


def problems_of(bundle: Bundle, rule: Rule, test: Mapping[str, Any]) -> list[Difference]:
    """What differs from what a test expects. Raises Misread."""
    _check_words(test)
    rule = watching(rule, test)
    made = alone(bundle, rule)
    told = play(made, rule, timeline(bundle, rule, test.get("events", ())))
    lists = {"expect": [described(one) for one in final(told)]}
    if "alerts" in test or "dispatches" in test:
        lists["alerts"], lists["dispatches"] = answers(made, told)
    called = {"expect": "episode", "alerts": "alert", "dispatches": "dispatch"}
    return [one for name, found in lists.items() if name in test
            for one in differences(called[name], name, found, test[name])]


def _check_words(test: Mapping[str, Any]) -> None:
    for name in test:
        if name not in WORDS:
            raise Misread(f"a test has no `{name}`; it has {', '.join(WORDS)}", name)
    if not any(name in test for name in LISTS):
        raise Misread("it expects nothing; write `expect: []` if nothing must be found")


def _place(test: Written, path: tuple[str | int, ...]) -> str:
    """Where a part of a test stands, or the nearest that it stands in."""
    while path and path not in test.spots:
        path = path[:-1]
    return f"{test.file}:{test.spots[path][0]}"


def alone(bundle: Bundle, rule: Rule) -> Bundle:
    """The bundle with this rule only."""
    return msgspec.structs.replace(bundle, rules={rule.id: rule})


def play(bundle: Bundle, rule: Rule, arrivals: Sequence[Arrival]) -> list[Finding]:
    """Every finding as it is told, until time has run on so far that nothing waits."""
    router, engine = Router(bundle), Engine(bundle)
    clocks = dict.fromkeys(sorted(rule.sources), START)
    found: list[Finding] = []
    steps: list[list[WorkRow]] = [[_clock(name, -1, START) for name in clocks]]
    for one in arrivals:
        event = one.event
        rows: list[WorkRow] = [MemberRow(row, ref, key, member)
                               for row, (ref, key, member) in enumerate(router.route(event))]
        for name in clocks:  # all feeds of a test are awake
            lag = bundle.sources[name].disorder
            clocks[name] = max(clocks[name], event.time - lag)
        steps.append([*rows, *(_clock(name, event.offset, clock) for name, clock in clocks.items())])
    end = max([START, *(one.event.time for one in arrivals)]) + rule.detector.horizon + DAY
    steps.append([_clock(name, len(arrivals), end) for name in clocks])
    for offset, step in enumerate(steps):
        found += engine.step(offset, WorkFrame(VERSION, bundle.id, step))
    return found


def final(told: Iterable[Finding]) -> list[Finding]:
    """The last word on each finding that was not retracted, in order of opening."""
    last = {finding.id: finding for finding in told}
    kept = [finding for finding in last.values() if finding.change != RETRACTED]
    return sorted(kept, key=lambda finding: (finding.opened, str(finding.key), [int(one) for one in finding.evidence]))


def answers(bundle: Bundle, told: Sequence[Finding]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """How each alert and each dispatch stands after all findings were told."""
    fold, newest = Respond(bundle), dict[tuple[str, str], dict[str, Any]]()
    for offset, finding in enumerate(told):
        for output in fold.step(offset, ResponseFrame([FindingRow("test", 0, offset, 0, finding)])):
            event = orjson.loads(output.value)
            newest[output.topic, event.get("subject", "")] = event
    alerts = [answered(event) for (topic, _), event in newest.items() if topic in ("alerts", "shadow")]
    dispatches = [answered(event) for (topic, _), event in newest.items() if topic == "dispatches"]
    return alerts, dispatches


def answered(event: Mapping[str, Any]) -> dict[str, Any]:
    """An alert or a dispatch in the words of `alerts` and `dispatches`."""
    times = {name: event["data"][f"{name}_at"] for name in ("opened", "closed") if event["data"].get(f"{name}_at")}
    shown = {name: show_duration(parse_rfc3339(time) - START) for name, time in times.items()}
    return {**event["data"], "closed": None, "topic": event["type"].split(".")[1], **shown,
            "state": event["data"].get("state", event["type"].rpartition(".")[2])}


def watching(rule: Rule, test: Mapping[str, Any]) -> Rule:
    """The rule, expecting only those registered keys that the test speaks of."""
    rows = [row for row in test.get("events") or () if isinstance(row, Mapping)]
    spoken = {str(value) for row in rows for value in row.values()} | {str(value) for value in test.get("watch") or ()}
    expected = tuple(key for key in rule.expected if all(str(part) in spoken for part in key))
    return msgspec.structs.replace(rule, expected=expected)


def described(finding: Finding) -> dict[str, Any]:
    """A finding in the words of `expect`."""
    return {
        "opened": show_duration(finding.opened - START),
        "closed": None if finding.closed is None else show_duration(finding.closed - START),
        "evidence": finding.evidence, "count": finding.count, "value": finding.value, "key": finding.key,
        "steps": finding.bound, "ended": finding.ended, "corrections": finding.corrections,
    }


def _clock(source: str, offset: int, clock: Micros) -> ClockRow:
    return ClockRow(source, 0, 1, offset, CLOCK_ROW, clock, clock)


