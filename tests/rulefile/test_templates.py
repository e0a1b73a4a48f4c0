"""Templates: many rules of one, with typed values; what is wrong points into the template."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import HOUR, MINUTE
from streams.rulefile.embedded import offsets
from streams.rulefile.filling import Filled, Given
from streams.rulefile.nodes import Scalar
from streams.rulefile.spots import FileText
from streams.specs import Test, Window
from tests.rulefile.derived import event, made, told, wanted

TEMPLATE = """
kind: template
id: high
parameters:
  device: string
  limit: {type: double, default: 25}
  every: {type: duration, default: 5m}
  team: {type: string, default: nobody}
instances: {register: gauges}
rule:
  kind: threshold
  title: $device is high
  event: level
  by: device
  where: device == $device && cm >= $limit
  window: $every
  condition: {gte: 3}
  owner: ${team}_team
  tests: [{events: [{at: 0s, event: level, device: $device, cm: $limit}], expect: []}]
"""


def test_each_row_of_a_register_is_a_rule() -> None:
    rules = made(TEMPLATE).rules
    assert sorted(rules) == ["high.G-1", "high.G-2", "high.G-3"]
    first, second, third = (rules[f"high.{name}"] for name in ("G-1", "G-2", "G-3"))
    assert (first.title, second.owner, third.owner) == ("G 1 is high", "b_team", "nobody_team")
    assert (first.spec["window"], third.spec["window"]) == (
        Window("sliding", 10 * MINUTE), Window("sliding", 5 * MINUTE))
    assert second.spec["condition"] == Test("gte", 3)
    assert second.tests[0].value["events"] == [{"at": "0s", "event": "level", "device": "G-2", "cm": 40.5}]
    assert wanted(made(TEMPLATE), event("level", device="G-2", cm=40.5)) == ["high.G-2"]
    assert wanted(made(TEMPLATE), event("level", device="G-2", cm=40.4)) == []
    assert wanted(made(TEMPLATE), event("level", device="G 1", cm=30.0)) == ["high.G-1"]


def test_an_instance_is_indexed_by_its_value() -> None:
    where = made(TEMPLATE).rules["high.G-2"].selectors[0].where
    assert where is not None
    assert where.equalities == {"device": frozenset({"G-2"})}


def test_a_row_without_a_value_and_without_default_is_told() -> None:
    without = TEMPLATE.replace("{type: duration, default: 5m}", "duration")
    problems = [one for one in told(without) if one.gravity == "bug"]
    assert [(one.code, one.line, one.message) for one in problems] == [
        ("TOC082", 9, "the row 'G-3' of gauges has no `every`")]


def test_what_all_instances_share_is_told_once() -> None:
    problems = [one for one in told(TEMPLATE.replace("cm >=", "cn >=")) if one.gravity == "bug"]
    assert [(one.code, one.line, one.column, one.message) for one in problems] == [
        ("TOC032", 15, 31, "no event type has a field `cn`")]


def test_what_one_instance_has_names_it() -> None:
    problems = told(TEMPLATE.replace("window: $every", "window: {type: $team, size: 1h}"))
    named = [(one.line, one.message) for one in problems if one.code == "TOC016"]
    assert named == [
        (16, "`type` is 'a', which is none of its values (instance G-1)"),
        (16, "`type` is 'b', which is none of its values (instance G-2)"),
        (16, "`type` is 'nobody', which is none of its values (instance G-3)")]


def test_an_instance_and_a_rule_of_one_id_are_told() -> None:
    rule = "---\nkind: match\nid: high.G-2\nevent: level\n"
    assert [(one.code, one.message) for one in told(TEMPLATE + rule) if one.gravity == "bug"] == [
        ("TOC018", "there is a rule of this id already, in rules.yaml:21 (instance G-2)")]


def test_tests_beside_a_template_are_those_of_each_instance() -> None:
    beside = "rule: high\ntests: [{name: beside, events: [], expect: []}]\n"
    rules = made(TEMPLATE, **{"high.test": beside}).rules
    assert [len(rule.tests) for rule in rules.values()] == [2, 2, 2]


def test_who_names_a_template_reads_all_its_instances() -> None:
    composite = "---\nkind: threshold\nid: many\nrule: high\nby: device\nwindow: 1h\ncondition: {gte: 2}\n"
    rules = made(TEMPLATE + composite).rules
    assert rules["many"].bases == ("high.G-1", "high.G-2", "high.G-3")
    assert rules["many"].spec["window"] == Window("sliding", HOUR)


def filled(text: str, **values: tuple[str, str]) -> Filled:
    file = FileText("f", text)
    return Filled(Scalar(file, 0, len(text), text, ""), {name: Given(*pair) for name, pair in values.items()})


@pytest.mark.parametrize(("text", "kind", "value", "plain", "expression"), [
    ("$a", "int", "30", 30, "30"),
    ("$a", "string", "30", "30", '"30"'),
    ("a == $a", "string", 'say "x"', 'a == say "x"', 'a == "say \\"x\\""'),
    ("a == 'to $a'", "string", "o'clock", "a == 'to o'clock'", "a == 'to o\\'clock'"),
    ("a == r'$a'", "string", "\\d", "a == r'\\d'", "a == r'\\d'"),
    ("a > $a", "double", "30", "a > 30", "a > 30.0"),
    ("a > $a", "double", "-1.5", "a > -1.5", "a > (-1.5)"),
    ("a > ${a}b", "int", "3", "a > 3b", "a > 3b"),
    ("a && $a", "expression", "b || c", "a && b || c", "a && (b || c)"),
    ("$a", "expression", "b || c", "b || c", "b || c"),
    ("time - $a < time", "duration", "90s", "time - 90s < time", 'time - duration("90000000us") < time'),
    ("$$a costs 5$", "int", "1", "$a costs 5$", "$a costs 5$"),
    ("$a", "bool", "true", True, "true"),
])
def test_placeholders_stand_for_values(text: str, kind: str, value: str, plain: object, expression: str) -> None:
    node = filled(text, a=(kind, value))
    assert node.value == plain
    assert node.expression.text == expression


PARTS = st.lists(st.sampled_from(["$a", "${b}", "$$", "x", " ", "é"]), min_size=1)


@given(PARTS, st.text(max_size=4), st.text(max_size=4))
def test_every_character_knows_where_it_came_from(parts: list[str], one: str, other: str) -> None:
    text = " ".join(parts)
    node = filled(text, a=("string", one), b=("string", other))
    for scalar in (node, node.expression):
        places = offsets(scalar)
        assert len(places) == len(scalar.text) + 1
        assert places == sorted(places)
        assert all(0 <= place <= len(text) for place in places)
        for char, place in zip(scalar.text, places, strict=False):
            if char == "é" and "é" not in one + other:
                assert text[place] == "é"


def test_a_template_of_many_loads_once_for_each() -> None:
    many = "".join(f"  - {{id: n{number}, device: d{number}}}\n" for number in range(50))
    rules = made(TEMPLATE.replace("{register: gauges}", "\n" + many.rstrip())).rules
    assert len(rules) == 50
    assert len({rule.logic for rule in rules.values()}) == 50
