"""Tests of indicators: what they list, and what is said where it differs or does not fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.rulefile import check_files
from streams.tools.ruletest import Result, run_tests
from streams.tools.testing.mistakes import mistakes

CITY = """\
kind: event_type
id: call.crash
fields: {road: string}
---
kind: source
id: calls
topic: city.calls
format: json
disorder: 1m
event: {id: record.id, type: "'call.crash'", time: record.time, fields: {road: record.road}}
---
"""
INDICATOR = """\
kind: indicator
id: crashes
event: call.crash
by: road
every: 15m
bands: {amber: 2, red: 3}
owner: police
"""
RULE = """\
kind: threshold
id: crashes
event: call.crash
by: road
window: 15m
condition: {gte: 2}
owner: police
"""
EVENTS = """\
tests:
  - name: three
    events:
      - {at: 1m, event: call.crash, road: Elm}
      - {at: 14m, event: call.crash, road: Elm, arrives: 20m}
      - {at: 3m, event: call.crash, road: Oak}
"""


def of(document: str, expected: str) -> Result:
    made, problems = check_files({"a.yaml": (CITY + document + EVENTS + expected).encode()})
    assert made is not None, problems
    [result] = run_tests(made)
    return result


OF_RULES = """\
kind: threshold
id: many
event: call.crash
by: road
window: 10m
condition: {gte: 2}
owner: police
---
kind: indicator
id: roads-in-trouble
rule: many
every: 15m
window: 1h
open: true
bands: {amber: 1, red: 2}
owner: police
tests:
  - name: what is open at the end of a period, whatever became of it later
    events:
      - {at: 10m, event: call.crash, road: Elm}
      - {at: 12m, event: call.crash, road: Elm}
      - {at: 12m, event: call.crash, road: Oak}
      - {at: 13m, event: call.crash, road: Oak}
      - {at: 14m, event: call.crash, road: Oak}
      - {at: 26m, event: call.crash, road: Ash}
      - {at: 28m, event: call.crash, road: Ash}
    readings:
      - {at: 15m, value: 2, status: red, events: 2}
      - {at: 30m, value: 1, status: amber, events: 3}
      - {at: 45m, value: 0, status: green, events: 3}
      - {at: 1h, value: 0}
      - {at: 75m, value: 0, events: 1}
      - {at: 90m, value: 0, events: 0}
---
kind: indicator
id: troubles
rule: [many]
by: road
every: 1h
measure: {max: value}
bands: {amber: 2, red: 9}
owner: police
tests:
  - name: how bad it became
    events:
      - {at: 12m, event: call.crash, road: Oak}
      - {at: 13m, event: call.crash, road: Oak}
      - {at: 14m, event: call.crash, road: Oak}
    readings:
      - {at: 1h, key: Oak, value: 3, status: amber}
      - {at: 2h, key: Oak, value: null, status: unknown}
"""


ALIVE = """\
kind: indicator
id: alive
event: call.crash
by: place.district
every: 15m
of: {register: roads, within: speaks, grace: 5m}
good: high
bands: {amber: 0.9, red: 0.6}
owner: police
tests:
  - name: two roads of the west, of which one falls silent, and a road that nobody knows
    events:
      - {at: 1m, event: call.crash, road: Elm, place: {district: west}}
      - {at: 2m, event: call.crash, road: Ash, place: {district: west}}
      - {at: 3m, event: call.crash, road: Pit, place: {district: west}}
      - {at: 20m, event: call.crash, road: Elm, place: {district: west}}
      - {at: 40m, event: call.crash, road: Elm, place: {district: west}}
    readings:
      - {at: 15m, value: null, status: unknown, key: west}
      - {at: 30m, value: 0.5, status: red, events: 1}
      - {at: 45m, value: 0.5, status: red}
      - {at: 1h, value: 0.5}
      - {at: 75m, value: 0.0, status: red, events: 0}
"""
ROADS = b"{kind: register, id: roads, key: road, fields: {road: string, speaks: duration, district: string}}"


def test_the_rows_of_a_register_that_were_heard_of_in_time_are_measured() -> None:
    rows = b"road,speaks,district\nElm,15m,west\nAsh,10m,west\nOak,1h,east\n"
    made, problems = check_files({"a.yaml": (CITY + ALIVE).encode(), "roads.yaml": ROADS, "roads.csv": rows})
    assert made is not None, problems
    assert [one.problems for one in run_tests(made)] == [[]]


def test_findings_of_rules_are_measured_and_those_that_are_open_counted() -> None:
    made, problems = check_files({"a.yaml": (CITY + OF_RULES).encode()})
    assert made is not None, problems
    assert [one.problems for one in run_tests(made)] == [[], []]


def test_the_list_is_complete_and_in_order_of_time_and_key() -> None:
    right = """\
    readings:
      - {at: 15m, key: Elm, value: 2, status: amber, since: 15m, events: 2}
      - {at: 15m, key: {road: Oak}, value: 1, status: green}
      - {at: 30m, key.road: Elm, value: 0, status: green, since: 30m}
      - {at: 30m, key.road: Oak, since: 15m}
"""
    assert of(INDICATOR, right).problems == []
    fewer = "\n".join(right.splitlines()[:-1]).replace("value: 2", "value: 3") + "\n"
    assert of(INDICATOR, fewer).problems == [
        "reading 1: value is 2, expected 3",
        "reading not expected: at 30m, status green, value 0, key road Oak"]


@pytest.mark.parametrize(("document", "expected", "told"), [
    (INDICATOR, "    expect: []\n", "an indicator finds nothing; write `readings:`"),
    (RULE, "    readings: []\n", "a rule has no readings"),
    (INDICATOR, "    readings: 3\n", "`readings` is a list; write [] for none"),
    (INDICATOR, "    readings: [{sort: 1}]\n", "an expected reading knows no 'sort'"),
    (INDICATOR, "    readings: []\n    lists: {}\n    registers: {roads: []}\n", "there is no register `roads`"),
])
def test_what_does_not_fit_is_said(document: str, expected: str, told: str) -> None:
    [problem] = of(document, expected).problems
    assert told in problem


def test_check_tells_it_too() -> None:
    made, _ = check_files({"a.yaml": (CITY + INDICATOR + EVENTS + "    expect: []\n").encode()})
    assert made is not None
    assert [one.message for one in mistakes(made)] == ["crashes: three: an indicator finds nothing; write `readings:`"]


def test_they_may_stand_in_a_file_of_their_own_and_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from streams.cli import main
    (tmp_path / "a.yaml").write_text(CITY + INDICATOR + "where: road != \"Pit\"\n")
    beside = "kind: tests\n" + EVENTS + """\
    readings:
      - {at: 15m, key: Elm, value: 2}
      - {at: 15m, key: Oak, value: 1}
      - {at: 30m, key: Elm}
      - {at: 30m, key: Oak}
"""
    (tmp_path / "crashes.test.yaml").write_text(beside)
    assert main(["test", "--rules", str(tmp_path), "crashes", "--coverage"]) == 0
    assert "is never what it fails by" in capsys.readouterr().out
    assert main(["test", "--rules", str(tmp_path), "crash"]) == 2
    assert "did you mean `crashes`" in capsys.readouterr().err


def test_the_command_runs_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from streams.cli import main
    (tmp_path / "a.yaml").write_text(CITY + INDICATOR + EVENTS + "    readings: []\n")
    assert main(["test", "--rules", str(tmp_path)]) == 1
    told = capsys.readouterr()
    assert "reading not expected: at 15m" in told.out + told.err
    assert "1 failed" in told.out + told.err
