"""CSV files: the cells that Python's csv sees, each with its place; and what a cell may say."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.records import Place
from streams.rulefile import check_files
from streams.rulefile.codes import Report
from streams.rulefile.spots import FileText
from streams.rulefile.tables import SHOWN_AT_MOST, TableReader, cells, read_lines
from streams.rules import FieldType

ROWS = st.lists(st.lists(st.text('ab",\n\r é', max_size=6), min_size=1, max_size=4), max_size=5)


@given(ROWS, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_cells_are_those_of_csv(rows: list[list[str]], ending: str, trailing: bool) -> None:
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator=ending).writerows(rows)
    text = written.getvalue() if trailing else written.getvalue().removesuffix(ending)
    expected = [row for row in csv.reader(io.StringIO(text, newline="")) if len(row) > 1 or (row and row[0].strip())]
    found = list(cells(text))
    assert [[cell.text for cell in row] for row in found] == expected
    for row in found:
        for cell in row:
            raw = text[cell.start:cell.end]
            assert cell.text == (raw[1:-1].replace('""', '"') if raw.startswith('"') else raw)


@given(st.text('ab",\n\r', max_size=30))
def test_any_text_ends(text: str) -> None:
    assert sum(len(row) for row in cells(text)) <= len(text) + 1


def read(text: str, **types: str) -> tuple[dict[object, dict[str, object]], list[str]]:
    """The rows of a register whose key is `id`, and the texts of the problems."""
    report = Report()
    fields = {name: FieldType(name, kind) for name, kind in {"id": "string", **types}.items()}
    rows = TableReader(FileText("r.csv", text), "id", fields, report).read()
    return rows, [f"{problem.line}:{problem.column} {problem.message}" for problem in report.problems]


@pytest.mark.parametrize(("kind", "text", "value"), [
    ("int", "12", 12), ("int", "-3", -3), ("double", "1e3", 1000.0), ("bool", "Yes", True), ("bool", "0", False),
    ("duration", "1h30m", 5_400_000_000), ("timestamp", "1970-01-01T00:00:01Z", 1_000_000),
    ("place", "40.1 -75.2", Place(40.1, -75.2)), ("place", '"40.1, -75.2"', Place(40.1, -75.2)),
])
def test_a_cell_becomes_a_value(kind: str, text: str, value: object) -> None:
    assert read(f"id,x\na,{text}", x=kind) == ({"a": {"id": "a", "x": value}}, [])
    assert read(f"x,id\n{text},a\n", x=kind) == ({"a": {"id": "a", "x": value}}, [])


@pytest.mark.parametrize(("kind", "text"), [
    ("int", "1_000"), ("int", "1.0"), ("int", "99999999999999999999"), ("double", "nan"), ("double", "1_0"),
    ("double", "1e999"), ("bool", "maybe"), ("duration", "10"), ("timestamp", "2026-01-01T00:00:00"),
    ("place", "91 0"), ("place", "1"), ("place", "1 2 3"), ("place", "0 181"),
])
def test_a_cell_that_is_none(kind: str, text: str) -> None:
    _, problems = read(f"id,x\na,{text}\n", x=kind)
    assert len(problems) == 1
    assert problems[0].startswith("2:3 `x`: ")


def test_a_place_may_stand_in_two_columns() -> None:
    assert read("lat,id,lon\n1,a,2\n", at="place")[0]["a"]["at"] == Place(1, 2)
    assert read("at.lat,id,at.lon\n1,a,2\n", at="place")[0]["a"]["at"] == Place(1, 2)
    assert read("id,at.lat,at.lon\na,,\n", at="place") == ({"a": {"id": "a"}}, [])


def test_many_wrong_rows_are_counted_not_listed() -> None:
    _, problems = read("id,x\n" + "".join(f"a{n},b\n" for n in range(100)), x="int")
    assert len(problems) == SHOWN_AT_MOST + 1
    assert any("80 more problems" in text for text in problems)


def test_the_header_must_fit() -> None:
    assert "no column for the field `x`" in read("id,y\n", x="int")[1][0]
    assert "two columns are called `x`" in read("id,x,x\n", x="int")[1][0]
    assert "no line with the names" in read("", x="int")[1][0]


def test_a_list_file_has_one_value_a_line() -> None:
    file = FileText("l", "# roads\nA1 \n\n  A2\nA1\n")
    found = [(text, *file.position(spot.start), spot.length) for text, spot in read_lines(file)]
    assert found == [("A1", 2, 1, 2), ("A2", 4, 3, 2), ("A1", 5, 1, 2)]


def test_the_values_of_a_list_have_a_type() -> None:
    documents = b"""
kind: list
id: zips
type: string
values: [19401, 019402]
---
kind: list
id: numbers
type: int
file: numbers.txt
---
kind: list
id: plain
values: [19401, 2.5]
---
kind: list
id: nothing
values: []
"""
    bundle, _ = check_files({"lists.yaml": documents, "numbers.txt": b"7\n# eight\n8\n7\n"})
    assert bundle is not None
    assert bundle.lists == {"zips": ("19401", "019402"), "numbers": (7, 8), "plain": (19401, 2.5), "nothing": ()}
    _, problems = check_files({"lists.yaml": documents, "numbers.txt": b"7\n  seven\n"})
    assert [(one.code, one.file, one.line, one.column) for one in problems] == [("TOC060", "numbers.txt", 2, 3)]
