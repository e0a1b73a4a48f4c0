"""Ranges of readings: `impossible()` is true of just those events of which a reading lies outside its range."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.records import Event
from streams.rulefile import check_files
from streams.rules import FieldType, Rule

FIELDS = ("a", "b", "c")
ranges = st.sampled_from([None, None, (0, 10), (0, 10), (-2.5, 4)])
values = st.none() | st.integers(-4, 12) | st.floats(-4, 12)
declared = st.fixed_dictionaries({
    f"x.{one}": st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, ranges)) for one in "pq"})


def written(types: dict[str, dict[str, Any]], rule: str, open: bool = False) -> dict[str, bytes]:
    fields = {name: ", ".join(f"{field}: {{type: double{'' if one is None else f', range: {list(one)}'}}}"
                              for field, one in its.items()) for name, its in types.items()}
    documents = [f"kind: event_type\nid: {name}\nfields: {{{text}}}\n" for name, text in fields.items()]
    source = ("kind: source\nid: s\ntopic: t\nformat: json\n"
              f"open: {'true' if open else 'false'}\nevent: {{id: record.id, type: record.type, time: record.time}}\n")
    return {"rules.yaml": "---\n".join([*documents, source, rule]).encode()}


def loaded(types: dict[str, dict[str, Any]], where: str, open: bool = False) -> Rule:
    bundle, problems = check_files(written(types, f"kind: match\nid: one\nevent: x.*\nwhere: {where}\n", open))
    assert bundle is not None, [problem.render() for problem in problems]
    return bundle.rules["one"]


@given(declared, st.sampled_from(["x.p", "x.q", "x.other"]),
       st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, values)), st.booleans())
def test_it_is_true_of_what_lies_outside(types: dict[str, dict[str, Any]], type: str, found: dict[str, Any],
                                         open: bool) -> None:
    where = loaded(types, "impossible()", open).selectors[0].where
    assert where is not None
    fields = {name: value for name, value in found.items() if value is not None}
    limits = types.get(type, {})
    wanted = any(limits.get(name) is not None and not limits[name][0] <= value <= limits[name][1]
                 for name, value in fields.items())
    known = type != "x.other" or open
    if known and fields.keys() <= (limits.keys() if not open else fields.keys()):
        assert bool(where(Event("1", "s", type, 0, 0, None, None, fields, 0, 0))) is wanted


def test_who_writes_what_it_means_may_go_on_with_it() -> None:
    rule = loaded({"x.p": {"a": (0, 10)}}, "'!impossible() && a > 3'")
    where = rule.selectors[0].where
    assert where is not None
    assert [bool(where(Event("1", "s", "x.p", 0, 0, None, None, {"a": value}, 0, 0)))
            for value in (2, 4, 11)] == [False, True, False]


def test_a_column_of_a_register_has_no_range() -> None:
    text = b"kind: register\nid: r\nkey: k\nfile: r.csv\ncolumns: {k: string, n: {type: int, range: [0, 1]}}\n"
    _, problems = check_files({"r.yaml": text, "r.csv": b"k,n\na,1\n"})
    assert [problem.code for problem in problems if problem.code == "TOC013"] == ["TOC013"]


def test_a_field_knows_its_range() -> None:
    bundle, _ = check_files(written({"x.p": {"a": (0, 10)}}, "kind: match\nid: one\nevent: x.p\nwhere: a > 1\n"))
    assert bundle is not None
    assert bundle.event_types["x.p"].fields["a"] == FieldType("a", "double", range=(0, 10))
