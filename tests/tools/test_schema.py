"""The schema of rule files: what loads fits it, what it can tell to be wrong does not, and nothing is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest

from streams.cli import main
from streams.kinds import Field, all_kinds
from streams.problems import Gravity, Problem
from streams.rulefile import assembling, common, read_directory
from streams.rulefile.codes import Report
from streams.rulefile.nodes import Node, plain
from streams.rulefile.readers import READERS
from streams.rulefile.reading import documents
from streams.rulefile.spots import FileText
from streams.tools import shapes, timeline
from streams.tools.expectations import MAIN_WORDS
from streams.tools.schema import DRAFT, about, schema_of, tables
from streams.tools.shapes import Anything, Either, Many, Named, Table, shape_of
from streams.tools.testing import words
from tests.conftest import ROOT, needs_shared, shared
from tests.rulefile.test_problems import CASES, found_in

SCHEMA = schema_of()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
TOLD = frozenset(
    "TOC010 TOC012 TOC013 TOC014 TOC015 TOC016 TOC017 TOC019 TOC020 TOC050 TOC051 TOC052 TOC056 TOC102 TOC107".split())
"""Codes that a schema can tell by the text of one document."""
BEYOND = (  # what of these it cannot tell, since it takes another document or the sum of two values
    ("TOC051", "longer than"), ("TOC051", "fill a day"), ("TOC050", "baseline"), ("TOC052", "read nearby"),
    ("TOC050", "one bin in"),
    ("TOC017", "begins the rules that sources"), ("TOC017", "there is a function"),
    ("TOC107", "has no matches under way"), ("TOC102", " in lists."), ("TOC013", "no event type that"),
)
READ = [path for path in CASES if path.suffix == ".yaml"]
FENCE = re.compile(r"^```yaml\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def nodes_of(text: str, name: str = "rules.yaml") -> list[Node]:
    return list(documents(FileText(name, text), Report()))


def faults(node: Node) -> list[str]:
    """What the schema says of a document."""
    return [f"{'/'.join(map(str, one.absolute_path))}: {one.message}" for one in VALIDATOR.iter_errors(plain(node))]


def shipped() -> Iterator[tuple[str, Node]]:
    files, _ = read_directory(ROOT / "rules")
    for path, content in files.items():
        if path.endswith(".yaml"):
            yield from ((path, node) for node in nodes_of(content.decode(), path))


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == DRAFT
    for kind in tables():
        jsonschema.Draft202012Validator.check_schema(schema_of(kind))


def test_every_shipped_document_fits() -> None:
    found = {path: told for path, node in shipped() if (told := faults(node))}
    assert found == {}
    assert len(list(shipped())) > 60


def test_an_editor_that_knows_draft_07_only_reads_it_alike() -> None:
    older = jsonschema.Draft7Validator({**SCHEMA, "$schema": "http://json-schema.org/draft-07/schema#"})
    assert [path for path, node in shipped() if not older.is_valid(plain(node))] == []
    assert older.is_valid(threshold())
    assert not older.is_valid(threshold(windows="1h"))
    assert not older.is_valid(threshold(window={"type": "tumbling"}))


def test_every_document_of_the_manual_fits() -> None:
    written = FENCE.findall((ROOT / "rules" / "README.md").read_text())
    assert len(written) > 20
    assert [told for text in written for node in nodes_of(text) if (told := faults(node))] == []


def test_every_scenario_fits() -> None:
    for path in (ROOT / "tests" / "scenarios").glob("*.yaml"):
        for node in nodes_of(path.read_text(), path.name):
            value = plain(node)
            if value.get("kind") in tables():
                assert faults(node) == [], path.name


@needs_shared("rules-by-example.md")
def test_the_examples_that_this_version_reads_fit() -> None:
    """Documents and fields of later versions are refused, as `check` refuses them."""
    seen = 0
    for text in FENCE.findall((shared() / "rules-by-example.md").read_text()):
        for node in nodes_of(text):
            value = plain(node)
            later = value["kind"] in assembling.LATER
            seen += not later
            assert later or faults(node) == [], value["id"]
    assert seen > 8


def test_what_a_later_version_reads_is_let_be() -> None:
    assert VALIDATOR.is_valid({"kind": "place", "id": "a", "whatever": 1})
    assert not VALIDATOR.is_valid({"kind": "riddle", "id": "a"})


@pytest.mark.parametrize("case", READ, ids=[path.stem for path in READ])
def test_of_wrong_files_it_refuses_what_it_can_tell_and_nothing_that_is_right(case: Path) -> None:
    try:
        text = case.read_text("utf-8-sig")
    except UnicodeDecodeError:
        return  # no editor shows it as text
    file = FileText(case.name, text)
    problems = [one for one in found_in(case) if one.file == case.name]
    nodes = list(documents(file, Report()))
    starts = [file.position(node.start)[0] for node in nodes]
    for node, first, end in zip(nodes, starts, [*starts, 10**6][1:], strict=True):
        mine = [one for one in problems if first <= one.line < end]
        told = faults(node)
        if not any(one.gravity in (Gravity.BUG, Gravity.FATAL) for one in mine):
            assert told == [], f"line {first}"
        if any(one.code in TOLD and not beyond(one) for one in mine):
            assert told, f"line {first}: {[one.render() for one in mine]}"


def beyond(problem: Problem) -> bool:
    return any(problem.code == code and text in problem.message for code, text in BEYOND)


def test_every_field_stands_in_it_with_its_doc() -> None:
    parts = SCHEMA["$defs"]
    for kind in all_kinds():
        for field in common.fields_of(kind):
            if field.type != "later":
                assert parts[kind]["properties"][field.name]["description"] == about(field.doc), (kind, field.name)
        assert parts[kind]["description"].startswith((all_kinds()[kind].__doc__ or "").splitlines()[0].rstrip("."))
    for kind, fields in assembling.TABLES.items():
        assert parts[kind]["properties"].keys() == {field.name for field in fields}
    for table in every_table():
        for field in table.fields:
            assert parts[table.name]["properties"][field.name]["description"] == about(field.doc)


def every_table() -> list[Table]:
    """All tables that can be reached from documents."""
    waiting: list[Any] = [*tables().values()]
    seen: dict[str, Table] = {}
    while waiting:
        shape = waiting.pop()
        if isinstance(shape, Table):
            assert seen.get(shape.name, shape) == shape, f"two tables are called {shape.name}"
            waiting += [shape_of(field) for field in shape.fields] if shape.name not in seen else []
            seen[shape.name] = shape
        elif isinstance(shape, Either):
            waiting += shape.of
        elif isinstance(shape, Named | Many):
            waiting.append(shape.of)
    return list(seen.values())


def test_every_type_of_field_has_a_shape() -> None:
    missing = {field.type for table in every_table() for field in table.fields if field.type not in shapes.SHAPES}
    assert missing == set(), "give it a line in SHAPES of streams/tools/shapes.py"
    assert set(READERS) - {"later"} <= set(shapes.SHAPES), "the same"
    assert set(shapes.ABOUT) == {*assembling.TABLES, "tests"}, "say in ABOUT of streams/tools/shapes.py what it is"
    assert shape_of(Field("x", "a type that nobody knows", "")) == Anything()


def test_a_template_takes_placeholders_and_a_rule_does_not() -> None:
    rule: dict[str, Any] = {"kind": "threshold", "event": "a.b", "window": "$w", "condition": {"gte": "$n"}}
    rule["severity"] = "$s"
    template: dict[str, Any] = {"kind": "template", "id": "t", "instances": [{"id": "a"}], "rule": rule}
    assert VALIDATOR.is_valid(template)
    assert not VALIDATOR.is_valid({**rule, "id": "t"})
    assert not VALIDATOR.is_valid({**template, "rule": {**rule, "windows": "1h"}})
    assert not VALIDATOR.is_valid({**template, "rule": {**rule, "id": "t"}})


def test_a_file_of_tests_needs_no_kind() -> None:
    case = {"name": "a", "events": [{"at": "0s", "event": "a.b", "level": 3}], "expect_none": True}
    assert VALIDATOR.is_valid({"tests": [case]})
    assert not VALIDATOR.is_valid({"tests": [{**case, "expects": []}]})
    assert not VALIDATOR.is_valid({"tests": [{**case, "events": [{"event": "a.b"}]}]})


def test_the_words_of_tests_are_those_that_the_tests_know() -> None:
    places = {*timeline.PLACE_WORDS, *timeline.AWAY_WORDS}
    assert {field.name for field in words.PLACE} == places
    own = {field.name for field in (*words.EPISODE, *words.READING)}
    answers = {"state", "title", "to", "alert", "of", "reason", "firing", "over", "by"}  # as the response tells them
    assert set(MAIN_WORDS) - answers <= own


@pytest.mark.parametrize(("window", "right"), [
    ("10m", True), ("1h30m", True), (10, False), ("10", False), ("ten minutes", False),
    ({"size": "1h"}, True), ({"type": "tumbling", "size": "1h"}, True), ({"type": "tumbling"}, False),
    ({"type": "session", "gap": "1m", "max": "6h"}, True), ({"type": "session", "size": "1m"}, False),
    ({"type": "hopping", "size": "1h", "hop": "5m"}, True), ({"type": "hopping", "size": "1h"}, False),
    ({"hop": "1m", "size": "1h"}, False), ({"type": "rolling", "size": "1h"}, False), ({}, False), (None, False),
])
def test_windows(window: Any, right: bool) -> None:
    assert VALIDATOR.is_valid(threshold(window=window)) == right


@pytest.mark.parametrize(("changed", "right"), [
    ({}, True), ({"condition": {"gte": 3, "lt": 5}}, False), ({"condition": {}}, False), ({"condition": 3}, False),
    ({"measure": "count"}, True), ({"measure": {"p90": "seconds"}}, True), ({"measure": {"p49": "seconds"}}, False),
    ({"measure": {"slope": "level", "per": "1h"}}, True), ({"measure": "median"}, False),
    ({"severity": "severe"}, True), ({"severity": "sever"}, False),
    ({"severity": "value > 3 ? 'severe' : 'minor'"}, True),
    ({"event": ["a.b", "c.*"]}, True), ({"event": []}, False), ({"rule": "other"}, False), ({"near": "100m"}, True),
    ({"near": 100}, False), ({"for": "1m"}, True), ({"for": 60}, False), ({"limit": 20}, True),
    ({"limit": {"alerts": 3}}, False), ({"limit": {"alerts": 3, "per": "1h"}}, True), ({"every": "1h"}, False),
    ({"schedule": {"days": "mon-fri", "from": "07:00", "to": "19:00"}}, True),
    ({"schedule": {"days": "monday"}}, False),
    ({"schedule": [{"from": "22:00"}, {"days": ["sat", "sun"]}]}, True), ({"schedule": {"from": 7}}, False),
    ({"alert": {"category": "Fire"}}, True), ({"alert": {"category": "fire"}}, False), ({"title": 5}, True),
    ({"title": None}, False), ({"where": True}, True), ({"where": ["a"]}, False), ({"id": "a b"}, False),
])
def test_fields_of_a_rule(changed: Mapping[str, Any], right: bool) -> None:
    assert VALIDATOR.is_valid({**threshold(), **changed}) == right


def threshold(**changed: Any) -> dict[str, Any]:
    return {"kind": "threshold", "id": "a", "event": "a.b", "window": "1h", "condition": {"gte": 3}, **changed}


def test_the_command_prints_it(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["schema"]) == 0
    printed = orjson.loads(capfdbinary.readouterr().out)
    assert printed.pop("$comment").startswith("tocsin ")
    assert printed == SCHEMA
    assert main(["schema", "override"]) == 0
    assert orjson.loads(capfdbinary.readouterr().out)["title"] == "Tocsin: override"
    assert main(["schema", "overide"]) == 2
    assert b"did you mean `override`?" in capfdbinary.readouterr().err
