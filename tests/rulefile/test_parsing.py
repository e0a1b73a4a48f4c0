"""The quick parser and the careful one give the same nodes and the same problems, whatever the text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.problems import Problem
from streams.rulefile import parsing, reading
from streams.rulefile.codes import Report
from streams.rulefile.nodes import Listing, Node, Scalar
from streams.rulefile.spots import FileText
from tests.conftest import ROOT
from tests.rulefile.test_mutations import broken

FILES = sorted(path for folder in ("rules", "tests/problems", "tests/scenarios", "bench/rules")
               for path in (ROOT / folder).rglob("*") if path.suffix in (".yaml", ".yml", ".geojson"))
PIECES = [
    "a: ", "b: |\n", "c: >-\n", "d: |2\n", "e: |+\n", "\n", "  ", "    ", "# c\n", "#", "x y", "- ", "--- ", "---\n",
    "...\n",
    "'q'", '"z"', "\n  ", "\n    ", "[", "]", "{", "}", ", ", ": ", "é", "😀", "?", " ", "x\n", "  x\n", "    y\n",
    "x #y\n", "\\n", "''", "k:v", "a:\n", "? a\n: b\n", "&a ", "*a", "!t ", "\t", "\r\n",
]


def plain(node: Node) -> Any:
    """A node with all its places."""
    if isinstance(node, Scalar):
        return ("scalar", node.start, node.end, node.text, node.style, node.tag)
    if isinstance(node, Listing):
        return ("list", node.start, node.end, [plain(entry) for entry in node.entries])
    return ("mapping", node.start, node.end, [(plain(key), plain(value)) for key, value in node.pairs.values()])


def read(text: str) -> tuple[list[Any], list[Problem]]:
    report = Report()
    return [plain(node) for node in reading.documents(FileText("a.yaml", text), report)], report.problems


def both(text: str) -> tuple[Any, Any]:
    """What is read of a text by the quick parser where it may, and by the careful one."""
    with pytest.MonkeyPatch.context() as patch:
        quick = read(text)
        patch.setattr(reading, "events_of", parsing.careful)
        return quick, read(text)


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(ROOT)) for path in FILES])
def test_every_file_is_read_alike(path: Path) -> None:
    quick, careful = both(path.read_bytes().decode("utf-8-sig", "replace"))
    assert quick == careful


@given(broken())
def test_a_broken_file_is_read_alike(case: tuple[str, bytes]) -> None:
    quick, careful = both(case[1].decode("utf-8", "replace"))
    assert quick == careful


@given(st.lists(st.sampled_from(PIECES), max_size=16).map("".join)
       | st.text(alphabet="[]{}-:?&*!|>'\"%@`# \nab1,<.", max_size=40))
@example("a: |\n  \n    x\n")
@example(">\n#")
@example("e: |+\n...\n...\n")
@example('[ "a":{b, c: d}]')
def test_any_text_is_read_alike(text: str) -> None:
    quick, careful = both(text)
    assert quick == careful


def test_rule_files_are_read_quickly() -> None:
    """An accident in the choice would not show in what is read, only in how long it takes."""
    texts = {path: path.read_text() for path in (ROOT / "rules").rglob("*.yaml")}
    assert [str(path) for path, text in texts.items() if not isinstance(parsing.events_of(text), list)] == []
