"""What is wrong with a test is told by `check` too, at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.cli import main
from streams.findings import OPENED, Finding
from streams.rulefile import load
from streams.tools.ruletest import described
from streams.tools.testing.mistakes import EPISODE, mistakes
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
    told = capsys.readouterr().out
    assert "warning TOC091: crashes: two: a test has no `expected`; it has name, start" in told
    assert "    expected: []\n" in told


def test_all_mistakes_of_a_test_are_told_each_at_its_place(tmp_path: Path) -> None:
    events = RULE.replace("at: 4m, event: call.crash", "att: 4m, at: 4m, event: call.crash, place: {nord: 3m}")
    assert events != RULE
    folder = written(tmp_path, events + "    expect: [{openned: 5m, value: 2}, {closed: soon}]\n    tets: 1\n")
    found = mistakes(load(folder))
    text = (tmp_path / "city.yaml").read_text().splitlines()
    told = [(one.message.removeprefix("crashes: two: ").split(";")[0], text[one.line - 1][one.column - 1 :][:4])
            for one in found]
    assert [one for one, _ in told] == [
        "event 2: `call.crash` has no field `att`", "event 2: a place has no `nord`",
        "episode 1 knows no `openned`", "episode 2: 'soon' is not a duration", "a test has no `tets`"]
    assert [at for _, at in told] == ["4m, ", "3m},", "5m, ", "soon", "1"]


def test_what_is_told_of_an_episode_can_be_expected() -> None:
    episode = Finding("f", 1, OPENED, "r", "l", {}, 0, None, 1, ["1"], 1)
    assert set(described(episode)) == set(EPISODE)
