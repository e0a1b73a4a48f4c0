"""The tests of rule files: what they may say, and that a failing one says in words what differs and where."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import HOUR, MINUTE, parse_rfc3339
from streams.places import distance
from streams.rulefile import load
from streams.rules import Bundle
from streams.tools.ruletest import Result, run_folder, run_tests
from streams.tools.timeline import START, Misread, Setting, away, setting_of, timeline

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
kind: register
id: roads
key: road
file: roads.csv
fields: {road: string, every: duration}
---
kind: list
id: closed
values: [Gate]
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


def written(folder: Path, rules: str) -> Path:
    """The city with these rules."""
    (folder / "city.yaml").write_text(CITY + rules)
    (folder / "roads.csv").write_text("road,every\nRing,10m\nGate,20m\n")
    return folder


def ran(folder: Path, expected: str, rule: str = RULE) -> Result:
    """The one test, with these lines at its end."""
    written(folder, rule + expected)
    [result] = run_folder(folder)
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
    ("watch: [Ring]", "it expects nothing; write `expect_none: true` if nothing must be found"),
    ("expected: []", "a test has no `expected`; it has name, start, origin, registers, lists, events, watch, silent"),
    ("expect_none: false", "`expect_none` can only be true; write `expect:` with the list of what is found"),
    ("expect_none: true\n    expect: []", "a test has either `expect` or `expect_none`"),
    ("expect: [{}]\n    late: 3", "`late` is a list of the numbers of events"),
    ("expect: [{}]\n    start: soon", "`start` is 'soon'; write 2026-01-05T08:00 or 2026-01-05T08:00:00Z"),
    ("expect: [{}]\n    origin: here", "`origin`: `place` is [latitude, longitude]"),
    ("expect: [{}]\n    origin: {district: west}", "`origin` is [latitude, longitude]"),
    ("expect: [{}]\n    registers: [roads]", "`registers` is a mapping such as {sensors: [{device: d1}]}"),
    ("expect: [{}]\n    registers: {road: []}", "there is no register `road`; there are roads"),
    ("expect: [{}]\n    registers: {roads: x}", "the rows of `roads` are a list: [{road: ...}]"),
    ("expect: [{}]\n    registers: {roads: [x]}", "row 1 of `roads`: write {road: ..., and its other columns}"),
    ("expect: [{}]\n    registers: {roads: [{raod: x}]}", "row 1 of `roads`: there is no column `raod`; there"),
    ("expect: [{}]\n    registers: {roads: [{every: 1m}]}", "row 1 of `roads`: it does not say `road`"),
    ("expect: [{}]\n    registers: {roads: [{road: a, every: x}]}", "row 1 of `roads`: `every` is 'x'"),
    ("expect: [{}]\n    registers: {roads: [{road: a}, {road: a}]}", "row 2 of `roads`: its key stands above already"),
    ("expect: [{}]\n    lists: {closed: {}}", "the list `closed` is a list of values: [a, b]"),
    ("expect: [{}]\n    lists: {close: []}", "there is no list `close`; there are closed"),
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
    ("{at: 4m, event: call.crash, raod: Ring}", "event 2: `call.crash` has no field `raod`; did you mean `road`?"),
    ("{at: 4m, event: call.crash, lanes: many}", "event 2: ingest would refuse it: `lanes` is 'many' and not of type"),
    ("{at: 4m, event: call.crash, sort: tank}", "event 2: ingest would refuse it: `sort` is none of car, bus"),
    ("{at: 4m, event: call.crash, place: [1]}", "event 2: `place` is [latitude, longitude]"),
    ("{at: 4m, event: call.crash, place: {town: x}}", "event 2: a place has no `town`; it has lat, lon, district"),
    ("{at: 4m, event: call.crash, place: {north: 80}}", "event 2: '80' is not a length; write for example 80m or"),
    ("{at: 4m, event: call.crash, place: {lat: 1, north: 80m}}", "event 2: a place says either `lat` and `lon` or"),
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
    [result] = run_folder(written(tmp_path, rule + "    expect: []\n"))
    assert result.problems == ["the test cannot be read: `events` is a list: - {at: 0s, event: ...}"]


def test_a_test_without_events_is_one(tmp_path: Path) -> None:
    rule = RULE[:RULE.index("    events:")]
    folder = written(tmp_path, rule + "    expect: []\n")
    assert [result.problems for result in run_folder(folder)] == [[]]


def test_tests_may_stand_in_a_file_of_their_own(tmp_path: Path) -> None:
    written(tmp_path, RULE + "    expect: [{}]\n")
    (tmp_path / "crashes.test.yaml").write_text("tests:\n  - name: nothing\n    expect: [{}]\n")
    first, second = run_tests(load(tmp_path))
    assert first.problems == []
    assert (second.name, second.problems) == ("nothing", ["episode missing: "])
    assert second.places == [f"{tmp_path}/crashes.test.yaml:3"]
    assert run_tests(load(tmp_path), ["another"]) == []


def test_expect_none_is_the_empty_list(tmp_path: Path) -> None:
    assert problems(tmp_path, "expect_none: true") == [
        "episode not expected: opened 4m, closed 10m, evidence 2, value 2, key road Ring"]


def test_what_differs_is_kept_side_by_side(tmp_path: Path) -> None:
    [one] = ran(tmp_path, "    expect: [{opened: 5m}]\n    alerts: [{}]\n").compared
    assert (one.word, one.expected, [told["opened"] for told in one.found]) == ("expect", [{"opened": "5m"}], ["4m"])


# ---- stragglers: `disorder` of calls is 1m, `lateness` 1h


def straggler(folder: Path, arrives: str, expected: str) -> Result:
    late = f"{{at: 0s, event: call.crash, road: Ring, arrives: {arrives}}}"
    return ran(folder, f"    {expected}\n", RULE.replace("{at: 0s, event: call.crash, road: Ring}", late))


@pytest.mark.parametrize("arrives", ["5m", "61m"])
def test_a_straggler_counts_until_lateness_is_over(arrives: str, tmp_path: Path) -> None:
    assert straggler(tmp_path, arrives, "expect: [{opened: 4m, closed: 10m}]").problems == []


def test_what_comes_too_late_is_put_aside_and_told(tmp_path: Path) -> None:
    result = straggler(tmp_path, "61.5m", "expect: [{opened: 4m}]")
    assert result.problems == ["episode missing: opened 4m"]
    assert result.notes == ["too late, and put aside, is event 1"]


def test_a_test_may_say_what_comes_too_late(tmp_path: Path) -> None:
    assert straggler(tmp_path, "62m", "expect: []\n    late: [1]") .problems == []
    assert straggler(tmp_path, "62m", "expect: []\n    late: []").problems == [
        "too late, and put aside, is event 1; expected none"]
    assert straggler(tmp_path, "2m", "expect: [{}]\n    late: [1]").problems == [
        "too late, and put aside, are the events none; expected 1"]


# ---- registers and lists of a test's own


LISTED = """\
kind: match
id: closed-road
event: call.crash
where: road in lists.closed
by: road
severity: minor
owner: test
tests:
  - name: the real list
    events: [{at: 0s, event: call.crash, road: Gate}, {at: 1m, event: call.crash, road: Ring}]
    expect: [{key.road: Gate}]
  - name: a list of its own
    lists: {closed: [Ring]}
    events: [{at: 0s, event: call.crash, road: Gate}, {at: 1m, event: call.crash, road: Ring}]
    expect: [{key.road: Ring}]
"""
SILENT = """\
kind: absence
id: road-silent
event: call.crash
by: road
every: register("roads", road).every
expect: {register: roads}
severity: minor
owner: test
tests:
  - name: of the real register only what is spoken of
    events: [{at: 1m, event: call.crash, road: Ring}]
    expect: [{opened: 11m, key.road: Ring}]
  - name: of its own all rows
    registers: {roads: [{road: Ring, every: 5m}, {road: New, every: 30m}]}
    events: [{at: 1m, event: call.crash, road: Ring}]
    expect: [{opened: 6m, key.road: Ring}, {opened: 30m, key.road: New}]
"""


@pytest.mark.parametrize("rule", [LISTED, SILENT])
def test_registers_and_lists_may_be_a_test_s_own(rule: str, tmp_path: Path) -> None:
    assert [result.problems for result in run_folder(written(tmp_path, rule))] == [[], []]


HUSHED = """
kind: absence
id: quiet
title: A road is quiet
event: call.crash
by: road
every: 10m
severity: minor
owner: test
tests:
  - name: nothing is known while the feed is silent
    silent: {calls: [5m, 40m]}
    events: [{at: 1m, event: call.crash, road: Ring}]
    expect: [{opened: 50m, key.road: Ring}]
  - name: for ever
    silent: {calls: [5m]}
    events: [{at: 1m, event: call.crash, road: Ring}]
    expect_none: true
"""


def hushed(folder: Path, silent: str = "{calls: [5m, 40m]}", noticed: bool = True) -> Path:
    """The rule with what its first test says of silent feeds; with or without `silence:` of the source."""
    text = written(folder, HUSHED.replace("{calls: [5m, 40m]}", silent)).joinpath("city.yaml").read_text()
    watched = text.replace("topic: city.calls\n", "topic: city.calls\nsilence: 15m\n")
    (folder / "city.yaml").write_text(watched if noticed else text)
    return folder


def test_a_feed_may_be_silent(tmp_path: Path) -> None:
    assert [result.problems for result in run_folder(hushed(tmp_path))] == [[], []]


@pytest.mark.parametrize(("silent", "said"), [
    ("{calls: [5m, 4m]}", "`silent` of `calls` is [20m, 2h]: after when, until when; [20m] for ever"),
    ("{calls: soon}", "`silent` of `calls` is [20m, 2h]: after when, until when; [20m] for ever"),
    ("{calls: [30s]}", "event 1 is of `calls`, and that is silent then"),
    ("{other: [5m]}", "the rule does not listen to `other`; it listens to calls"),
    ("[calls]", "`silent` is a mapping such as {sensors: [20m, 2h]}"),
])
def test_what_makes_no_sense_of_silent_feeds_is_told(silent: str, said: str, tmp_path: Path) -> None:
    first, _ = run_folder(hushed(tmp_path, silent))
    assert first.problems == [f"the test cannot be read: {said}"]


def test_only_a_source_that_is_watched_can_be_silent(tmp_path: Path) -> None:
    first, _ = run_folder(hushed(tmp_path, noticed=False))
    assert first.problems == ["the test cannot be read: the source `calls` has no `silence`, so nobody would notice"]


def test_without_the_rule_files_they_cannot_be(tmp_path: Path) -> None:
    _, second = run_tests(load(written(tmp_path, LISTED)))
    assert second.problems == [
        "the test cannot be read: its registers and lists need the rule files, which are not at hand here"]


def test_a_rule_that_does_not_fit_them_says_why(tmp_path: Path) -> None:
    _, second = run_folder(written(tmp_path, LISTED.replace("closed: [Ring]", "closed: [1, 2]")))
    assert second.problems[0].startswith("the test cannot be read: the rule does not fit the test's registers and lis")
    assert second.places == [f"{tmp_path}/city.yaml:{CITY.count(chr(10)) + 12}"]


# ---- the time line


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("rules")
    return load(written(folder, RULE + "    expect: []\n"))


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


@pytest.mark.parametrize(("start", "zone", "instant"), [
    ("2026-03-29T08:00", "Europe/Berlin", "2026-03-29T06:00:00Z"),
    ("2026-03-29 00:30", "Europe/Berlin", "2026-03-28T23:30:00Z"),
    ("2026-03-29", "Asia/Shanghai", "2026-03-28T16:00:00Z"),
    ("2026-03-29T08:00:00Z", "Europe/Berlin", "2026-03-29T08:00:00Z"),
])
def test_a_test_may_begin_at_a_time_of_its_own(start: str, zone: str, instant: str) -> None:
    assert setting_of({"start": start}, zone) == Setting(parse_rfc3339(instant), (0.0, 0.0))


def test_episodes_count_from_the_start_of_the_test(tmp_path: Path) -> None:
    expected = "start: 2026-07-01T12:00\n    expect: [{opened: 4m}]\n    alerts: [{opened: 4m, closed: 10m}]"
    assert problems(tmp_path, expected) == []


def test_places_count_from_the_origin(bundle: Bundle) -> None:
    row = {"at": "0s", "event": "call.crash"}
    places = [[0, 0.0003], {"north": "80m", "east": "-1.5km", "district": "west"}, {"lat": 1, "lon": 2}]
    rule, setting = bundle.rules["crashes"], setting_of({"origin": [31.0, 118.0]}, "UTC")
    found = [one.event.place for one in timeline(bundle, rule, [{**row, "place": one} for one in places], setting)]
    [near, away_, plain] = [(place.lat, place.lon, place.district) for place in found if place is not None]
    assert near == (31.0, 118.0003, None)
    assert away_ == (*away((31.0, 118.0), 80, -1500), "west")
    assert plain == (1.0, 2.0, None)


@given(st.floats(-75, 75), st.floats(-179, 179), st.floats(-5000, 5000), st.floats(-5000, 5000))
def test_what_lies_so_far_away_lies_so_far_away(lat: float, lon: float, north: float, east: float) -> None:
    there = away((lat, lon), north, east)
    assert distance(lat, lon, there[0], lon) == pytest.approx(abs(north), abs=1e-3)
    assert distance(there[0], lon, *there) == pytest.approx(abs(east), abs=1e-2)


def test_a_test_that_cannot_be_read_raises_with_the_path(bundle: Bundle) -> None:
    with pytest.raises(Misread) as error:
        setting_of({"start": 5}, "UTC")
    assert error.value.path == ("start",)
