"""What is wrong with a test is told by `check` too, at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.cli import main
from streams.rulefile import load
from streams.tools.testing.mistakes import mistakes
from tests.tools.test_ruletest import CITY, RULE, written

FIRST = CITY.count("\n") + RULE[:RULE.index("  - name: two")].count("\n") + 1


@pytest.mark.parametrize(("before", "after", "expected", "line", "told"), [
    ("", "", "expect: [{}]", 0, ""),
    ("", "", "expected: [{}]", 4, "a test has no `expected`"),
    ("", "", "watch: [a]", 0, "it expects nothing"),
    ("", "", "expect: [5m]", 4, "episode 1 of `expect` is a mapping"),
    ("", "", "alerts: none", 4, "`alerts` is a list"),
    ("", "", "expect: [{}]\n    lists: {open: []}", 5, "there is no list `open`"),
    ("at: 4m", "at: 4", "expect: [{}]", 3, "event 2: '4' is not a duration"),
    ("at: 4m, event: call.crash", "at: 4m, event: call.crahs", "expect: [{}]", 3, "event 2: the event type"),
])
def test_each_is_told_at_its_place(tmp_path: Path, before: str, after: str, expected: str, line: int,
                                   told: str) -> None:
    folder = written(tmp_path, RULE.replace(before, after) + f"    {expected}\n")
    found = mistakes(load(folder))
    if not told:
        assert found == []
        return
    [problem] = found
    assert (problem.code, problem.gravity, problem.file) == ("TOC091", "warning", f"{tmp_path}/city.yaml")
    assert problem.message.startswith(f"crashes: two: {told}")
    assert problem.line == FIRST + line


def test_check_tells_it_as_a_remark(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(tmp_path, RULE + "    expected: []\n")
    assert main(["check", "--rules", str(tmp_path)]) == 0
    told = capsys.readouterr().err
    assert "warning TOC091: crashes: two: a test has no `expected`; it has name, start" in told
    assert "    expected: []\n" in told
