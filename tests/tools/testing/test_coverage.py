"""Which clauses tests decide both ways."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.rulefile import workshop
from streams.tools.testing.choice import chosen_by
from streams.tools.testing.coverage import Covered, coverage

RULES = """\
kind: event_type
id: sensor.gas
fields: {{device: string, level: double, indoors: bool}}
---
kind: source
id: sensors
topic: city.sensors
format: json
event: {{id: record.id, type: "'sensor.gas'", time: record.time}}
---
kind: list
id: ours
values: [a, b]
---
kind: match
id: gas
event: sensor.gas
where: {where}
severity: minor
owner: test
tests:
{tests}
"""
BOTH = 'level >= 20 && device in lists.ours'


def covered(folder: Path, where: str, *tests: str) -> list[tuple[str, bool, bool]]:
    written = "".join(f"  - {{name: {number}, {test}, expect_none: true}}\n" for number, test in enumerate(tests))
    (folder / "rules.yaml").write_text(RULES.format(where=where, tests=written or "  []"))
    shop = workshop(folder)
    found = coverage(shop.bundle, shop.bundle.rules.values(), chosen_by([], ""), shop.rebuild)
    return [(one.text, one.as_true, one.as_false) for one in found]


def event(**fields: object) -> str:
    told = ", ".join(f"{name}: {str(value).lower()}" for name, value in fields.items())
    return f"{{at: 0s, event: sensor.gas{', ' if told else ''}{told}}}"


def test_one_event_may_decide_nothing(tmp_path: Path) -> None:
    found = covered(tmp_path, BOTH, f"events: [{event(level=5, device='c')}]")
    assert found == [("level >= 20", False, False), ("device in lists.ours", False, False)]


def test_three_events_decide_two_clauses(tmp_path: Path) -> None:
    events = [event(level=30, device="a"), event(level=5, device="a"), event(level=30, device="c")]
    for upto, wanted in ((1, [(True, False), (True, False)]), (2, [(True, True), (True, False)]),
                         (3, [(True, True), (True, True)])):
        found = covered(tmp_path, BOTH, f"events: [{', '.join(events[:upto])}]")
        assert [one[1:] for one in found] == wanted


def test_the_lists_are_those_of_the_test(tmp_path: Path) -> None:
    found = covered(tmp_path, BOTH, f"lists: {{ours: [c]}}, events: [{event(level=30, device='c')}]",
                    f"events: [{event(level=30, device='c')}]")
    assert found[1] == ("device in lists.ours", True, True)


def test_a_clause_that_fails_decides_nothing(tmp_path: Path) -> None:
    found = covered(tmp_path, BOTH, f"events: [{event(device='a')}]")
    assert found == [("level >= 20", False, False), ("device in lists.ours", False, False)]


def test_rules_without_tests_and_tests_that_cannot_be_read_decide_nothing(tmp_path: Path) -> None:
    assert covered(tmp_path, "indoors")[0] == ("indoors", False, False)
    assert covered(tmp_path, "indoors", "events: nothing")[0] == ("indoors", False, False)


def test_not_and_or_are_looked_into(tmp_path: Path) -> None:
    where = '"!(level >= 20.0 || indoors)"'
    events = [event(level=5, indoors=False), event(level=30, indoors=False), event(level=5, indoors=True)]
    assert covered(tmp_path, where, f"events: [{', '.join(events)}]") == [
        ("level >= 20.0", True, True), ("indoors", True, True)]


@pytest.mark.parametrize(("ways", "lacks"), [
    ((True, True), ""), ((True, False), "is never what it fails by"), ((False, True), "is never what it holds by"),
    ((False, False), "decides nothing")])
def test_what_is_lacking_is_said_in_words(ways: tuple[bool, bool], lacks: str) -> None:
    assert Covered("r", 0, "c", *ways).lacks == lacks


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=4))
def test_a_pair_of_clauses_is_covered_by_what_flips_it(
        tmp_path_factory: pytest.TempPathFactory, shown: list[tuple[bool, bool]]) -> None:
    events = [event(level=30 if high else 5, indoors=inside) for high, inside in shown]
    found = covered(tmp_path_factory.mktemp("covered"), "level >= 20 && indoors", f"events: [{', '.join(events)}]")
    holds, low, outside = ((True, True) in shown, (False, True) in shown, (True, False) in shown)
    assert [one[1:] for one in found] == [(holds, low), (holds, outside)]


OVERRIDE = """\
---
kind: override
id: west-gas
rule: gas
district: west
set: {severity: severe}
reason: a school
tests:
  - name: high
    events: [{at: 0s, event: sensor.gas, level: 30, place: {district: west}}]
    expect: [{}]
  - name: low, and high elsewhere
    events:
      - {at: 0s, event: sensor.gas, level: 5, place: {district: west}}
      - {at: 0s, event: sensor.gas, level: 30, place: {district: east}}
      - {at: 0s, event: sensor.gas, level: 30}
    expect_none: true
"""


def test_what_districts_add_is_nobodys_to_decide(tmp_path: Path) -> None:
    tests = "".join(f"  - {{name: {level}, events: [{event(level=level)}], expect_none: true}}\n" for level in (5, 30))
    (tmp_path / "rules.yaml").write_text(RULES.format(where="level >= 20", tests=tests) + OVERRIDE)
    shop = workshop(tmp_path)
    found = coverage(shop.bundle, shop.bundle.rules.values(), chosen_by([], ""), shop.rebuild)
    assert [(one.rule, one.text, one.lacks) for one in found] == [
        ("gas", "level >= 20", ""), ("gas@west", "level >= 20", "")]


EXCEPTED = """\
kind: city
name: test
zone: UTC
---
kind: event_type
id: sensor.gas
fields: {device: string, level: double, indoors: bool}
---
kind: source
id: sensors
topic: city.sensors
format: json
event: {id: record.id, type: "'sensor.gas'", time: record.time, fields: {device: record.device}}
---
"""
NOTED = "{name: works, where: %s, expires: 2099-01-01, owner: gas, reason: they dig}"
SEEN = """\
kind: match
id: gas
event: sensor.gas
by: device
exceptions: [%s]
tests:
  - name: one and another
    events: [{at: 0s, event: sensor.gas, device: a%s}]
    expect_none: true
"""
QUIET = """\
kind: absence
id: gas
event: sensor.gas
by: device
every: 10m
exceptions: [%s]
tests:
  - name: two
    events:
      - {at: 0s, event: sensor.gas, device: a}
      - {at: 0s, event: sensor.gas, device: %s}
    expect_none: true
"""
STEPS = """\
kind: sequence
id: gas
by: device
within: 5m
steps: [{name: first, event: sensor.gas}, {name: next, event: sensor.gas}]
exceptions: [%s]
tests:
  - name: two
    events: [{at: 0s, event: sensor.gas, device: a}, {at: 1m, event: sensor.gas, device: b}]
    expect_none: true
"""


def excepted(folder: Path, rule: str) -> list[tuple[str, str, bool, bool]]:
    (folder / "rules.yaml").write_text(EXCEPTED + rule + "severity: minor\nowner: test\n")
    shop = workshop(folder)
    found = coverage(shop.bundle, shop.bundle.rules.values(), chosen_by([], ""), shop.rebuild)
    return [(one.exception, one.text, one.as_true, one.as_false) for one in found]


def test_exceptions_have_clauses_too(tmp_path: Path) -> None:
    one = NOTED % "device == 'a' && indoors"
    assert excepted(tmp_path, SEEN % (one, ", indoors: true")) == [
        ("works", "device == 'a'", True, False), ("works", "indoors", True, False)]


def test_exceptions_of_an_absence_rule_are_decided_by_keys(tmp_path: Path) -> None:
    for other, both in (("b", True), ("a", False)):
        assert excepted(tmp_path, QUIET % (NOTED % "device == 'a'", other)) == [
            ("works", "device == 'a'", True, both)]


def test_an_exception_that_all_steps_have_is_one(tmp_path: Path) -> None:
    assert excepted(tmp_path, STEPS % (NOTED % "device == 'a'")) == [("works", "device == 'a'", True, True)]
