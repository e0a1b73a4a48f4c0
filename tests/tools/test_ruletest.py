"""The tests of rule files: what they may say, and that a failing one says in words what differs and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.clocks import HOUR, MINUTE
from streams.rulefile import load
from streams.rules import Bundle
from streams.tools.ruletest import Result, run_tests
from streams.tools.timeline import START, timeline

CITY = """\
kind: event_type
id: call.crash
fields: {road: {type: string, required: true}, lanes: int, speed: double, sort: {type: string, enum: [car, bus]}}
---
kind: event_type
id: call.cleared
fields: {road: string}
---
kind: source
id: calls
topic: city.calls
format: json
disorder: 1m
event:
  id: record.id
  type: "'call.' + string(record.type)"
  time: record.time
  fields: {road: record.road, lanes: record.lanes, speed: record.speed, sort: record.sort}
---
kind: source
id: other
topic: city.other
format: json
event: {id: record.id, type: "'other.thing'", time: record.time}
---
"""
RULE = """\
kind: threshold
id: crashes
title: Crashes
event: call.crash
by: road
window: 10m
condition: {gte: 2}
severity: severe
owner: test
alert: {title: "Crashes on {{ key.road }}"}
dispatch: {to: police}
tests:
  - name: two
    events:
      - {at: 0s, event: call.crash, road: Ring}
      - {at: 4m, event: call.crash, road: Ring}
"""
LINE = CITY.count("\n") + RULE.count("\n")  # of the last event


def ran(folder: Path, expected: str, rule: str = RULE) -> Result:
    """The one test, with these lines at its end."""
    (folder / "city.yaml").write_text(CITY + rule + expected)
    [result] = run_tests(load(folder))
    assert result.place == f"{folder}/city.yaml:{LINE - 3}"
    assert len(result.places) == len(result.problems)
    return result


def problems(folder: Path, expected: str, rule: str = RULE) -> list[str]:
    return ran(folder, f"    {expected}\n", rule).problems


@pytest.mark.parametrize("expected", [
    "expect: [{opened: 4m, closed: 10m, evidence: 2}]",
    "expect: [{opened: 240s, closed: 10m, evidence: [1, 2], value: 2, key: {road: Ring}, corrections: 0}]",
    "expect: [{key.road: Ring, count: 2}]",
    "expect: [{key: Ring}]",
    "expect: [{}]",
    "alerts: [{state: resolved, title: Crashes on Ring, opened: 4m, closed: 10m, evidence: 2, key.road: Ring}]",
    "dispatches: [{state: requested, to: police}]",
])
def test_what_holds_has_no_problems(expected: str, tmp_path: Path) -> None:
    assert problems(tmp_path, expected) == []


@pytest.mark.parametrize(("expected", "told"), [
    ("expect: []", "episode not expected: opened 4m, closed 10m, evidence 2, value 2, key road Ring"),
    ("expect: [{opened: 4m}, {opened: 9m, key.road: Ring}]", "episode missing: opened 9m, key.road Ring"),
    ("expect: [{opened: 5m}]", "episode 1: opened is 4m, expected 5m"),
    ("expect: [{closed: null}]", "episode 1: closed is 10m, expected none"),
    ("expect: [{evidence: 3}]", "episode 1: evidence is 2, expected 3"),
    ("expect: [{evidence: [2, 1]}]", "episode 1: evidence is ['1', '2'], expected [2, 1]"),
    ("expect: [{key.road: Bridge}]", "episode 1: key.road is Ring, expected Bridge"),
    ("expect: [{key.way: Ring}]", "episode 1: key.way is none, expected Ring"),
    ("expect: [{key: {road: Bridge}}]", "episode 1: key is road Ring, expected road Bridge"),
    ("alerts: []", ("alert not expected: state resolved, title Crashes on Ring, opened 4m, closed 10m, evidence 2, "
                    "value 2, key road Ring")),
    ("alerts: [{state: firing}]", "alert 1: state is resolved, expected firing"),
    ("dispatches: [{to: fire}]", "dispatch 1: to is police, expected fire"),
    ("dispatches: [{}, {to: fire}]", "dispatch missing: to fire"),
])
def test_what_differs_is_said_in_words(expected: str, told: str, tmp_path: Path) -> None:
    assert problems(tmp_path, expected) == [told]


@pytest.mark.parametrize(("expected", "told"), [
    ("expect: [{colour: red}]", "an expected episode knows no 'colour'; there are closed, corrections, count"),
    ("alerts: [{colour: red}]", "an expected alert knows no 'colour'; there are category, cause"),
    ("expect: [{opened: soon}]", "episode 1: opened: 'soon' is not a duration; write for example 90s"),
    ("expect: none", "`expect` is a list; write [] for none"),
    ("expect:", "`expect` is a list; write [] for none"),
    ("expect: [5m]", "episode 1 of `expect` is a mapping such as {opened: 5m}"),
    ("watch: [Ring]", "it expects nothing; write `expect: []` if nothing must be found"),
    ("expected: []", "a test has no `expected`; it has name, events, watch, expect, alerts, dispatches"),
])
def test_an_expectation_that_makes_no_sense_is_said_in_words(expected: str, told: str, tmp_path: Path) -> None:
    [problem] = problems(tmp_path, expected)
    assert problem.startswith("the test cannot be read: ")
    assert told in problem


@pytest.mark.parametrize(("event", "told"), [
    ("{at: 4, event: call.crash, road: Ring}", "event 2: '4' is not a duration"),
    ("{event: call.crash, road: Ring}", "event 2: it does not say `at`"),
    ("{at: 4m, road: Ring}", "event 2: it does not say `event`"),
    ("call.crash", "event 2: write {at: 0s, event: ..."),
    ("{at: 4m, arrives: 3m, event: call.crash, road: Ring}", "event 2: it arrives before it happens"),
    ("{at: 4m, event: call.crahs, road: Ring}", "event 2: the event type `call.crahs` is not declared"),
    ("{at: 4m, event: other.thing}", "event 2: no source of this rule can send `other.thing`"),
    ("{at: 4m, event: call.crash, source: other}", "event 2: `other` is no source of this rule; there are calls"),
    ("{at: 4m, event: call.crash, raod: Ring}", "event 2: `call.crash` has no field `raod`; it has road, lanes"),
    ("{at: 4m, event: call.crash, lanes: many}", "event 2: ingest would refuse it: `lanes` is 'many' and not of type"),
    ("{at: 4m, event: call.crash, sort: tank}", "event 2: ingest would refuse it: `sort` is none of car, bus"),
    ("{at: 4m, event: call.crash, place: [1]}", "event 2: `place` is [latitude, longitude]"),
    ("{at: 4m, event: call.crash, place: {town: x}}", "event 2: a place has no `town`; it has lat, lon, district"),
    ("{at: 4m, event: call.crash, place: [x, y]}", "event 2: could not convert"),
])
def test_an_event_that_makes_no_sense_is_said_in_words(event: str, told: str, tmp_path: Path) -> None:
    rule = RULE.replace("{at: 4m, event: call.crash, road: Ring}", event)
    result = ran(tmp_path, "    expect: []\n", rule)
    [problem] = result.problems
    assert problem.startswith("the test cannot be read: ")
    assert told in problem
    assert result.places == [f"{tmp_path}/city.yaml:{LINE}"]


def test_each_difference_says_where_it_belongs(tmp_path: Path) -> None:
    result = ran(tmp_path, """\
    expect:
      - {opened: 5m,
         closed: 10m}
      - {opened: 9m}
    alerts:
      - {state: resolved}
    dispatches: []
""")
    assert [place.rpartition(":")[2] for place in result.places] == [str(LINE + n) for n in (2, 4, 7)]


def test_events_are_a_list(tmp_path: Path) -> None:
    rule = RULE[:RULE.index("    events:")] + "    events: none\n"
    (tmp_path / "city.yaml").write_text(CITY + rule + "    expect: []\n")
    [result] = run_tests(load(tmp_path))
    assert result.problems == ["the test cannot be read: `events` is a list: - {at: 0s, event: ...}"]


def test_a_test_without_events_is_one(tmp_path: Path) -> None:
    rule = RULE[:RULE.index("    events:")]
    (tmp_path / "city.yaml").write_text(CITY + rule + "    expect: []\n")
    assert [result.problems for result in run_tests(load(tmp_path))] == [[]]


def test_tests_may_stand_in_a_file_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "city.yaml").write_text(CITY + RULE + "    expect: [{}]\n")
    (tmp_path / "crashes.test.yaml").write_text("tests:\n  - name: nothing\n    expect: [{}]\n")
    first, second = run_tests(load(tmp_path))
    assert first.problems == []
    assert (second.name, second.problems) == ("nothing", ["episode missing: "])
    assert second.places == [f"{tmp_path}/crashes.test.yaml:3"]
    assert run_tests(load(tmp_path), ["another"]) == []


# ---- the time line


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("rules")
    (folder / "city.yaml").write_text(CITY + RULE + "    expect: []\n")
    return load(folder)


def test_fields_get_their_declared_types(bundle: Bundle) -> None:
    row = {"at": "0s", "event": "call.crash", "road": 12, "lanes": "3", "speed": 50, "sort": None}
    [one] = timeline(bundle, bundle.rules["crashes"], [row])
    assert one.event.fields == {"road": "12", "lanes": 3, "speed": 50.0}
    assert isinstance(one.event.fields["speed"], float)
    assert (one.event.id, one.event.source, one.event.time, one.event.offset) == ("1", "calls", START, 0)


def test_events_stand_in_order_of_arrival_and_keep_their_numbers(bundle: Bundle) -> None:
    rows = [{"at": "1m", "event": "call.crash", "arrives": "2h"}, {"at": "1h", "event": "call.crash"},
            {"at": "1h", "event": "call.cleared", "severity": "minor", "place": {"lat": 1, "district": 7}}]
    arrivals = timeline(bundle, bundle.rules["crashes"], rows)
    assert [(one.event.id, one.event.offset) for one in arrivals] == [("2", 0), ("3", 1), ("1", 2)]
    assert [one.at - START for one in arrivals] == [HOUR, HOUR, 2 * HOUR]
    assert (arrivals[2].event.time - START, arrivals[2].event.received - START) == (MINUTE, 2 * HOUR)
    place = arrivals[1].event.place
    assert place is not None
    assert (place.lat, place.lon, place.district, arrivals[1].event.severity) == (1.0, None, "7", "minor")
