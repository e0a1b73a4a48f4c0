"""Each wrong file in tests/problems gives exactly the text beside it; UPDATE=1 writes the texts anew."""

from __future__ import annotations

import os
import re
from datetime import date
from pathlib import Path

import pytest

from streams.problems import Problem
from streams.rulefile import CODES, check_files

FOLDER = Path(__file__).resolve().parent.parent / "problems"
CASES = sorted(path for path in FOLDER.iterdir() if path.suffix in (".yaml", ".yml"))
TODAY = date(2026, 7, 1)
RULES_BESIDE = (".yaml", ".yml", ".csv", ".geojson")


def base() -> dict[str, bytes]:
    """What the cases may refer to."""
    files = {f"base/{path.name}": path.read_bytes() for path in (FOLDER / "base").iterdir()}
    return {**files, "runbooks/crashes.md": b""}


def found_in(case: Path) -> list[Problem]:
    """The problems of a case's own files; it is read together with the base and the CSV of its name."""
    beside = {path.name: path.read_bytes() for path in FOLDER.glob(f"{case.stem}.*") if path.suffix in RULES_BESIDE}
    _, problems = check_files({**base(), **beside}, today=TODAY)
    told = [problem for problem in problems if not problem.file.startswith("base/")]
    assert {problem.code for problem in problems if problem not in told} <= {"TOC121"}  # not every case uses all of it
    return told


def rendered(problems: list[Problem]) -> str:
    """What an author sees."""
    texts = {problem.file: (FOLDER / problem.file).read_bytes().decode("utf-8", "replace") for problem in problems}
    return "".join(problem.render(texts[problem.file]) + "\n" for problem in problems)


def test_the_base_is_right() -> None:
    bundle, problems = check_files(base())
    assert bundle is not None, rendered(problems)


@pytest.mark.parametrize("case", CASES, ids=[path.stem for path in CASES])
def test_its_author_sees(case: Path) -> None:
    expected = case.with_suffix(".expected")
    seen = rendered(found_in(case))
    if os.environ.get("UPDATE"):
        expected.write_text(seen, "utf-8")
    assert seen == (expected.read_text("utf-8") if expected.exists() else "")
    assert seen, "a case shows a problem"


def test_one_file_with_six_mistakes_tells_all_six() -> None:
    text = (FOLDER / "six-mistakes.expected").read_text("utf-8")
    heads = re.findall(r"^six-mistakes\.yaml:(\d+):(\d+): bug (TOC\d{3})", text, re.MULTILINE)
    assert len(heads) == 6
    assert len({code for _, _, code in heads}) == 6
    assert text.count("^") >= 6
    assert text.count("\n  do: ") == 6


def test_every_code_has_a_case() -> None:
    """A code that no case shows is either dead or untried."""
    texts = [case.with_suffix(".expected").read_text("utf-8") for case in CASES]
    shown = {code for text in texts for code in re.findall(r"TOC\d{3}", text)}
    assert set(CODES) - shown == {"TOC007", "TOC091", "TOC200"}  # see test_bundle, test_mistakes, responding
