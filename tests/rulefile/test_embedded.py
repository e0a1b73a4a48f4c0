"""Every character of an expression is found again in the YAML file, however the scalar is written."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from streams.rulefile.codes import Report
from streams.rulefile.embedded import offset_of, offsets, spot_in
from streams.rulefile.nodes import Mapping, Scalar
from streams.rulefile.reading import documents
from streams.rulefile.spots import FileText

# Letters stand for what YAML takes as it is; the rest is what quoting and folding do something about.
CHARACTERS = "abcXYZ&|=<>()'\"\\#é😀:,[]{} "
LINES = st.lists(st.text(CHARACTERS, min_size=1, max_size=12), min_size=1, max_size=4)


def scalar_of(text: str) -> Scalar | None:
    """The value of `k` in a YAML text that holds nothing else; None if it is no scalar."""
    report = Report()
    roots = list(documents(FileText("f", text), report))
    node = roots[0].get("k") if roots and isinstance(roots[0], Mapping) and not report.problems else None
    return node if isinstance(node, Scalar) else None


def literal(lines: list[str]) -> str:
    return "k: |  # an expression\n" + "".join(f"    {line}\n" for line in lines)


def folded(lines: list[str]) -> str:
    return "k: &anchor >-\n" + "".join(f"  {line}\n" for line in lines)


def single(lines: list[str]) -> str:
    return "k: '" + "\n   ".join(line.replace("'", "''") for line in lines) + "'\n"


def escaped(text: str) -> str:
    """As JSON does it, but for characters beyond the first 65,536, which YAML escapes whole."""
    return json.dumps(text)[1:-1].replace("\\ud83d\\ude00", "\\U0001F600")


def double(lines: list[str]) -> str:
    return f'k: "{escaped(chr(10).join(lines))}"\n'


def double_continued(lines: list[str]) -> str:
    return 'k: !!str "' + "\\\n     ".join(map(escaped, lines)) + '"\n'


def plain(lines: list[str]) -> str:
    return "k: " + "\n  ".join(lines) + "\n"


@given(LINES, st.sampled_from([literal, folded, single, double, double_continued, plain]))
def test_each_visible_character_is_found(lines: list[str], write: object) -> None:
    assert callable(write)
    text = write(lines)
    node = scalar_of(text)
    if node is None:  # such a text cannot be written plainly
        return
    places = offsets(node)
    assert len(places) == len(node.text) + 1
    assert places == sorted(places)
    for char, place in zip(node.text, places, strict=False):
        if char.isspace():
            continue
        found = text[place]
        if found == "\\" and node.style == '"':
            assert text.startswith(escaped(char), place)
        else:
            assert found == char


def test_a_spot_covers_what_it_says() -> None:
    text = "k: 'it''s == x'\n"
    node = scalar_of(text)
    assert node is not None
    spot = spot_in(node, node.text.index("=="), node.text.index("==") + 2)
    assert text[spot.start:spot.end] == "=="


def test_the_end_is_shown_behind_what_is_visible() -> None:
    text = "k: |\n  a >\n\nj: 1\n"
    node = scalar_of(text)
    assert node is not None
    assert node.file.position(spot_in(node, len(node.text)).start) == (2, 6)


def test_lines_and_columns_of_an_expression() -> None:
    assert offset_of("ab\ncd", 1, 1) == 0
    assert offset_of("ab\ncd", 2, 2) == 4
    assert offset_of("ab\ncd", 9, 9) == 5
