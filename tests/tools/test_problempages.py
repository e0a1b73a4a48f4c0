"""The page about problem codes: every code has an example, and what is called right is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from streams.problems import Gravity, Problem
from streams.rulefile import CODES, check_files
from streams.rulefile.meanings import MEANINGS
from streams.tools.problempages import CASES, Mend, lines_of, mends, pages
from tests.rulefile.test_problems import RULES_BESIDE, TODAY, base

ELSEWHERE = {"TOC007", "TOC019", "TOC091", "TOC200"}
"""Not of a file; of fields to come; of tests, which are read with the bundle; of a district's folder."""
STOPPING = (Gravity.FATAL, Gravity.BUG)


def found(mend: Mend, mended: bool) -> list[Problem]:
    """The problems of a case, before or after it is mended."""
    case = CASES / f"{mend.case}.yaml"
    beside = {path.name: path.read_bytes() for path in CASES.glob(f"{case.stem}.*") if path.suffix in RULES_BESIDE}
    if mended:
        text = beside[mend.name].decode("utf-8", "replace")
        assert mend.wrong in text, f"{mend.name} has no {mend.wrong!r}"
        beside[mend.name] = mend.mended(text).encode()
    return check_files({**base(), **beside}, today=TODAY)[1]


def test_every_code_is_explained_and_has_an_example() -> None:
    """To be added: a sentence in streams/rulefile/meanings.py, a line in tests/problems/manual/mends.yaml."""
    assert set(CODES) - set(MEANINGS) == set()
    assert set(CODES) - set(mends()) - ELSEWHERE == set()


@pytest.mark.parametrize(("code", "mend"), [(code, mend) for code, mend in mends().items() if not mend.said])
def test_what_is_called_right_is(code: str, mend: Mend) -> None:
    before, after = found(mend, mended=False), found(mend, mended=True)
    number = [Counter(problem.code for problem in problems)[code] for problems in (before, after)]
    assert number[1] < number[0]
    known = {problem.message for problem in before}
    text = (CASES / mend.name).read_bytes().decode("utf-8", "replace")
    lines = range(*lines_of(mend.mended(text), mend.right))
    mistakes = [one for one in after if one.gravity in STOPPING and one.message not in known]
    assert [one.render() for one in mistakes if one.file == mend.name and one.line in lines] == []


def test_the_page_has_a_section_a_code() -> None:
    text = pages()
    assert [line.removeprefix("### ") for line in text.splitlines() if line.startswith("### ")] == sorted(CODES)


def test_no_line_is_wider_than_a_screen(tmp_path: Path) -> None:
    assert [line for block in pages().split("```")[1::2] for line in block.splitlines() if len(line) > 110] == []
