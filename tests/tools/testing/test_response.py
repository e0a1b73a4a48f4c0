"""Tests of the response: those that ship pass, and what is wrong with one is told at its place."""

from __future__ import annotations

import pytest

from streams.rulefile import check_files
from streams.tools.ruletest import Result
from streams.tools.testing import response
from tests.conftest import shipped

CITY = """
kind: city
id: town
---
kind: event_type
id: fire
fields: {street: string}
---
kind: source
id: calls
topic: calls
format: json
event: {id: record.id, type: "'fire'", time: record.time, fields: {street: record.street}}
---
kind: threshold
id: fires
title: Fires
owner: brigade
event: fire
by: street
window: 1h
condition: {gte: 3}
severity: severe
dispatch: {to: engine}
---
kind: receiver
id: watch
channels: [{type: cap}]
---
kind: route
id: all
receiver: watch
group_wait: 10s
---
kind: response_test
id: t
tests:
  - name: one
    steps:
"""


def played(text: str) -> Result:
    """The one test of a city, its `steps` and lists as given, each line indented by four."""
    lines = [f"{' ' * (6 if line.startswith('-') else 4)}{line}\n" for line in text.splitlines()]
    written = CITY + "".join(lines)
    bundle, problems = check_files({"t.yaml": written.encode()})
    assert bundle is not None, [one.render() for one in problems]
    (found,) = response.results(bundle)
    return found


def test_those_that_ship_pass() -> None:
    found = list(response.results(shipped()))
    assert len(found) >= 5
    assert [(one.name, one.problems) for one in found if one.problems] == []


def test_what_is_notified_is_compared_as_a_whole() -> None:
    text = "- {at: 0s, fires: a, rule: fires, key: {street: Elm}}\nnotifications: [{at: 10s, to: watch, firing: [a]}]"
    assert played(text).problems == []
    assert played(text.replace("10s", "11s")).problems == ["notification 1: at is 10s, expected 11s"]
    assert played(text[:text.index("[{at: 10s")] + "[]").problems == [
        "notification not expected: at 10s, to watch, reason first, firing ['a'], title Fires"]


def test_a_case_that_nobody_takes_is_late() -> None:
    text = "- {at: 0s, fires: a, rule: fires, key: {street: Elm}}\ncases: [{of: a, state: dispatched, unit: engine}]"
    assert played(text).problems == []
    assert played(text.replace("unit: engine", "unit: other")).problems == [
        "case 1: unit is engine, expected other"]


def test_what_is_refused_and_should_not_be_is_told() -> None:
    text = "- {at: 0s, fires: a, rule: fires, key: {street: Elm}}\n- {at: 1m, do: case.close, of: a, role: supervisor}"
    found = played(f"{text}\ncases: [{{of: a, state: dispatched}}]")
    assert found.problems == [
        "step 2 was refused: it is dispatched, and to close it must be verified"]
    assert found.places == ["t.yaml:41"]
    assert played(f"{text}\nrefused: true\ncases: [{{of: a, state: dispatched}}]").problems == []


@pytest.mark.parametrize(("steps", "text"), [
    ("- {at: 0s, fires: a, rule: fire}", "there is no rule 'fire'; did you mean `fires`?"),
    ("- {at: 0s, ends: a}", "no alert 'a' has fired by then"),
    ("- {at: soon, fires: a}", "'soon' is not a duration after the start"),
    ("- {fires: a}", "a step is a mapping with `at`"),
    ("- {at: 0s}", "a step has one of fires, changes, ends, mistaken, do"),
    ("- {at: 0s, fires: a, rule: fires, kee: 1}", "a step has no `kee`"),
])
def test_what_makes_no_sense_is_told_in_words(steps: str, text: str) -> None:
    (problem,) = played(f"{steps}\nnotifications: []").problems
    assert problem.startswith("the test cannot be read: ")
    assert text in problem
