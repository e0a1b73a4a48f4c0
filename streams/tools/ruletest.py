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

from streams.clocks import DAY, duration, parse_rfc3339, show_duration
from streams.engine import Engine
from streams.findings import RETRACTED, Finding, FindingRow, ResponseFrame
from streams.frames import CLOCK_ROW, VERSION, ClockRow, MemberRow, WorkFrame, WorkRow
from streams.records import Event, Micros, Place
from streams.respond import Respond
from streams.route import Router
from streams.rules import Bundle, Rule

START = parse_rfc3339("2026-01-05T00:00:00Z")
OWN_WORDS = ("at", "arrives", "event", "place", "severity", "source")


class Result(msgspec.Struct, frozen=True):
    """How one test went: no problems, or what differs in words."""

    rule: str
    name: str
    problems: list[str]


class Arrival(msgspec.Struct, frozen=True):
    """An event of a time line and when it arrives, µs."""

    at: Micros
    event: Event


def run_tests(bundle: Bundle, only: Iterable[str] | None = None) -> list[Result]:
    """Every test of the rules named (default: all), in the order of the files."""
    wanted = None if only is None else frozenset(only)
    return [run_test(bundle, rule, test.value) for rule in bundle.rules.values() if wanted is None or rule.id in wanted
            for test in rule.tests]


def run_test(bundle: Bundle, rule: Rule, test: Mapping[str, Any]) -> Result:
    """One test of one rule."""
    name = str(test.get("name", "unnamed"))
    try:
        rule = watching(rule, test)
        made = alone(bundle, rule)
        told = play(made, rule, timeline(bundle, rule, test.get("events", ())))
        problems = differences("episode", [described(one) for one in final(told)], test.get("expect", ()))
        if "alerts" in test or "dispatches" in test:
            alerts, dispatches = answers(made, told)
            problems += differences("alert", alerts, test.get("alerts", alerts))
            problems += differences("dispatch", dispatches, test.get("dispatches", dispatches))
        return Result(rule.id, name, problems)
    except (ValueError, KeyError, TypeError) as error:
        return Result(rule.id, name, [f"the test cannot be read: {error}"])


def alone(bundle: Bundle, rule: Rule) -> Bundle:
    """The bundle with this rule only."""
    return msgspec.structs.replace(bundle, rules={rule.id: rule})


def timeline(bundle: Bundle, rule: Rule, events: Sequence[Mapping[str, Any]]) -> list[Arrival]:
    """The events in order of arrival; ids are their numbers from 1."""
    arrivals = []
    for number, row in enumerate(events, 1):
        at = START + duration(str(row["at"]))
        arrives = START + duration(str(row["arrives"])) if "arrives" in row else at
        source = row.get("source") or _source_for(bundle, rule, str(row["event"]))
        fields = {name: _typed(bundle, str(row["event"]), name, value)
                  for name, value in row.items() if name not in OWN_WORDS}
        arrivals.append((arrives, number, str(source), at, row, fields))
    arrivals.sort(key=lambda entry: entry[:2])
    return [
        Arrival(arrives, Event(str(number), source, str(row["event"]), at, arrives, place_of(row.get("place")),
                               row.get("severity"), fields, 0, offset))
        for offset, (arrives, number, source, at, row, fields) in enumerate(arrivals)
    ]


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
    return sorted(kept, key=lambda finding: (finding.opened, str(finding.key), finding.id))


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
    spoken = {str(value) for row in test.get("events", ()) for value in row.values()}
    spoken |= {str(value) for value in test.get("watch", ())}
    expected = tuple(key for key in rule.expected if all(str(part) in spoken for part in key))
    return msgspec.structs.replace(rule, expected=expected)


def differences(what: str, found: Sequence[Mapping[str, Any]], expected: Sequence[Mapping[str, Any]]) -> list[str]:
    """What differs from the complete list that was expected, in words; empty if nothing does."""
    problems = []
    for number, (told, wanted) in enumerate(zip(found, expected, strict=False), 1):
        for name, value in wanted.items():
            if name not in told:
                raise ValueError(f"an expected {what} knows no {name!r}; there are {', '.join(sorted(told))}")
            if not _equal(name, told[name], value):
                problems.append(f"{what} {number}: {name} is {told[name]}, expected {value}")
    problems += [f"{what} not expected: {dict(told)}" for told in found[len(expected):]]
    problems += [f"{what} missing: {dict(wanted)}" for wanted in expected[len(found):]]
    return problems


def described(finding: Finding) -> dict[str, Any]:
    """A finding in the words of `expect`."""
    return {
        "opened": show_duration(finding.opened - START),
        "closed": None if finding.closed is None else show_duration(finding.closed - START),
        "evidence": finding.count, "value": finding.value, "key": finding.key, "corrections": finding.corrections,
    }


def place_of(given: Any) -> Place | None:
    """`[lat, lon]`, or a mapping with lat, lon, district, cell, address."""
    if given is None:
        return None
    if isinstance(given, Mapping):
        return Place(**given)
    lat, lon = given
    return Place(float(lat), float(lon))


def _equal(name: str, told: Any, wanted: Any) -> bool:
    if name in ("opened", "closed"):
        if told is None or wanted is None:
            return told is None and wanted is None
        return duration(str(told)) == duration(str(wanted))
    if name == "key":
        return all(str(told.get(part)) == str(value) for part, value in dict(wanted).items())
    return bool(told == wanted)


def _source_for(bundle: Bundle, rule: Rule, event_type: str) -> str:
    """A source of the rule's that can send this type."""
    names = [name for name in sorted(rule.sources) if bundle.sources[name].may_emit(event_type)]
    if not names:
        raise ValueError(f"no source of this rule can send {event_type!r}")
    return names[0]


def _typed(bundle: Bundle, event_type: str, name: str, value: Any) -> Any:
    declared = bundle.event_types.get(event_type)
    field = None if declared is None else declared.fields.get(name)
    if field is not None and field.type == "double" and isinstance(value, int):
        return float(value)
    return value


def _clock(source: str, offset: int, clock: Micros) -> ClockRow:
    return ClockRow(source, 0, 1, offset, CLOCK_ROW, clock, clock)


