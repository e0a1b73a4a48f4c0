"""What is said of what stands at the cursor, and where it is declared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.kinds import all_kinds
from streams.rulefile.codes import CODES
from streams.rulefile.common import fields_of
from streams.tools.lsp.defining import definition
from streams.tools.lsp.folder import Folder
from streams.tools.lsp.hovering import code_page, hover
from streams.tools.lsp.telling import at_offset
from streams.tools.schema import about
from tests.conftest import ROOT
from tests.tools.lsp.files import check, cut, written

GAS = "kind: threshold\nid: a\nevent: sensor.gas\n"
LIFT = """\
kind: list
id: other
values: [x]
---
kind: sequence
id: s
by: incident
within: 5m
steps:
  - {name: alarm, event: lift.trapped}
  - {name: answer, not: {event: sensor.gas}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return check(written(tmp_path_factory.mktemp("rules"))).folder


def said(folder: Folder, text: str, path: str = "detect/new.yaml") -> str:
    return hover(folder, path, *cut(text))


def declared(folder: Folder, text: str, path: str = "detect/new.yaml") -> str:
    """`file:line: what stands there` of the definition."""
    whole, offset = cut(text)
    spot = definition(folder, path, whole, offset)
    if spot is None:
        return ""
    return f"{spot.file.name}:{spot.file.position(spot.start)[0]}: {spot.file.text[spot.start:spot.end]}"


@pytest.mark.parametrize("kind", sorted(all_kinds()))
def test_of_a_kind_and_its_fields_what_the_manual_says(folder: Folder, kind: str) -> None:
    doc = (all_kinds()[kind].__doc__ or "").strip()
    assert said(folder, f"kind: {kind[:2]}|{kind[2:]}\n") == f"**{kind}**\n\n{doc}"
    for field in fields_of(kind):
        if field.type != "later" and field.name != "kind":
            assert about(field.doc) in said(folder, f"kind: {kind}\n{field.name}|: x\n")


def test_of_a_field_whether_it_is_needed_its_default_and_its_values(folder: Folder) -> None:
    assert said(folder, "kind: threshold\nwin|dow: 10m").startswith("**window** (required)\n\nOver which span")
    told = said(folder, "kind: threshold\nstat|us: stable")
    assert "default `stable`" in told
    assert "One of `experimental`, `test`, `stable`, `deprecated`." in told
    assert "default `4w2d`" in said(folder, "kind: absence\nforget_a|fter: 1d")
    assert said(folder, GAS + "window: {ho|p: 1m}") == "**hop**\n\nHow far a hopping window moves each time."


@pytest.mark.parametrize(("text", "words"), [
    ("where: pp|m >= 20.0", "**ppm**: double\n\nUnit ppm; a field of sensor.gas."),
    ("where: sub|stance == 'x'", "Which gas; a field of sensor.gas; one of chlorine, methane."),
    ("where: dev|ice == 'x'", "a key of the register sensors"),
    ("where: event.pp|m > 1.0", "**ppm**: double"),
    ("where: place.dis|trict == 'x'", "**place.district**: string"),
    ("where: pl|ace.district == 'x'", "**place**: place"),
    ("where: ti|me == received", "**time**: timestamp\n\nWhen it happened; every event has it."),
    ("where: device in lists.known|_leaks", "Leaks that are known: d1, d2"),
    ("where: stro|ng(ppm)", "`strong(level: double)`\n\nA reading that matters: `level >= 20.0`."),
    ("where: loc|al(time).getHours() > 3", "`local(time)`\n\nThe local time of the city."),
    ("where: register('sens|ors', device).team == 'x'", "**sensors** (register)\n\n- `device`: string"),
    ("where: register('sensors', device).te|am == 'x'", "**team**: string\n\nA column of the register sensors."),
    ("where: 'ppm' == 'pp|m'", ""),
    ("where: unkno|wn > 3", ""),
    ('alert: {title: "Gas at {{ de|vice }}"}', "**device**: string"),
    ('alert: {title: "Gas at {{ cou|nt }}"}', "How many events prove it."),
    ('alert: {title: "Gas at dev|ice {{ ppm }}"}', ""),
])
def test_of_a_name_in_an_expression_its_type_and_what_it_is(folder: Folder, text: str, words: str) -> None:
    told = said(folder, GAS + text)
    assert words in told
    assert bool(told) == bool(words)


def test_of_what_a_value_names_what_it_is(folder: Folder) -> None:
    told = said(folder, "kind: match\nevent: sensor|.gas")
    assert told.startswith("**sensor.gas** (event_type): A gas reading\n\nWhat a detector measured.")
    assert "- `ppm`: double; unit ppm" in told
    assert said(folder, "kind: match\nrule: gas-o|ften") == "**gas-often** (threshold): Gas, again and again"
    assert "report_interval" in said(folder, "kind: absence\nexpect: {register: sen|sors}")
    assert said(folder, "kind: match\nevent: sensor|.wind") == ""


def test_in_tests(folder: Folder) -> None:
    head = GAS + "tests:\n  - events:\n      - {"
    assert said(folder, head + "a|t: 0s}").startswith("**at** (required)")
    assert said(folder, head + "at: 0s, event: sensor.gas, pp|m: 3}").startswith("**ppm**: double")
    assert said(folder, "tests:\n  - expect|: []", "a.test.yaml").startswith("**expect**")


def test_of_a_code_its_page() -> None:
    assert all(code.title in code_page(code.code) and code.do in code_page(code.code) for code in CODES.values())
    assert code_page("TOC999") == ""


def test_a_problem_is_told_where_it_is_shown(tmp_path_factory: pytest.TempPathFactory) -> None:
    text, offset = cut(GAS + "window: 10|\ncondition: {gte: 3}\n")
    found = check(written(tmp_path_factory.mktemp("rules")), {"detect/new.yaml": text})
    problems = [one for one in found.problems if one.file == "detect/new.yaml"]
    told = hover(found.folder, "detect/new.yaml", text, offset, at_offset(problems, text, offset))
    assert told == code_page("TOC015")
    assert at_offset(problems, text, offset - len("window: 10")) == []


@pytest.mark.parametrize(("text", "place"), [
    ("kind: match\nevent: sensor|.gas\n", "events.yaml:2: sensor.gas"),
    ("kind: match\nrule: gas-|often\n", "detect/gas.yaml:2: gas-often"),
    ("kind: absence\nexpect: {register: sens|ors}\n", "registers/sensors.yaml:2: sensors"),
    (GAS + "where: pp|m > 3.0\n", "events.yaml:8: ppm"),
    (GAS + "where: device in lists.kno|wn_leaks\n", "lists.yaml:2: known_leaks"),
    (GAS + "where: str|ong(ppm)\n", "lists.yaml:7: strong"),
    (GAS + "where: register('sen|sors', device).team == 'x'\n", "registers/sensors.yaml:2: sensors"),
    (GAS + "where: register('sensors', device).te|am == 'x'\n", "registers/sensors.yaml:4: team"),
    (GAS + "schedule: {calendar: lists.known|_leaks, holidays: only}\n", "lists.yaml:2: known_leaks"),
    (GAS + "alert: {title: '{{ pp|m }}'}\n", "events.yaml:8: ppm"),
    (LIFT + "near: 1km\naround: al|arm\n", ":10: alarm"),
    (LIFT + "exceptions: [{name: a, where: ala|rm.lift == 'x'}]\n", ":10: alarm"),
    (LIFT + "exceptions: [{name: a, where: alarm.li|ft == 'x'}]\n", "events.yaml:17: lift"),
    (GAS + "tests: [{events: [{at: 0s, event: sensor.gas, pp|m: 3}]}]\n", "events.yaml:8: ppm"),
    (GAS + "tests: [{events: [{at: 0s, event: sensor|.gas}]}]\n", "events.yaml:2: sensor.gas"),
    (GAS + "where: time > received && pla|ce.lat > 3.0\n", ""),
    (GAS + "window: 1|0m\n", ""),
    (GAS + "\n|\n", ""),
])
def test_where_it_is_declared(folder: Folder, text: str, place: str) -> None:
    assert declared(folder, text) == place


@given(data=st.data())
def test_nowhere_in_any_file_does_it_fail(folder: Folder, data: st.DataObject) -> None:
    paths = sorted((ROOT / "rules").rglob("*.yaml"))
    text = data.draw(st.sampled_from(paths)).read_text()[:4000]
    offset = data.draw(st.integers(0, len(text)))
    hover(folder, "detect/any.yaml", text, offset)
    definition(folder, "detect/any.yaml", text, offset)
