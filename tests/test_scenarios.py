"""The scenarios: time lines with the complete list of findings, alerts and dispatches that follow."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from streams.tools.ruletest import Result, run_folder
from tests.conftest import ROOT

HOME = ROOT / "tests" / "scenarios"
NAMES = sorted(path.stem for path in HOME.glob("*.yaml") if path.stem != "base")


def results(folder: Path, text: str) -> list[Result]:
    for shared in (HOME / "base.yaml", HOME / "meters.csv"):
        shutil.copy(shared, folder)
    (folder / "rules.yaml").write_text(text)
    return run_folder(folder)


@pytest.mark.parametrize("name", NAMES)
def test_scenario(name: str, tmp_path: Path) -> None:
    found = results(tmp_path, (HOME / f"{name}.yaml").read_text())
    assert len(found) > 1
    assert [f"{one.rule}, {one.name}: {problem}" for one in found for problem in one.problems] == []


@pytest.mark.parametrize(("right", "wrong", "told"), [
    ("closed: 75m, evidence: 3", "closed: 76m, evidence: 3", "episode 1: closed is 1h15m, expected 76m"),
    (", {opened: 46m, closed: 76m, evidence: 1}", "", "episode not expected: "),
    (", {state: requested, to: police}]", "]", "dispatch not expected: "),
    ("[{opened: 0s}, {opened: 3h}]", "[{opened: 0s}, {opened: 3h}, {opened: 4h}]", "alert missing: "),
    ("severity: moderate}", "colour: red}", "the test cannot be read: an expected alert knows no 'colour'"),
])
def test_a_scenario_that_does_not_hold_says_what_differs(right: str, wrong: str, told: str, tmp_path: Path) -> None:
    text = (HOME / "match.yaml").read_text()
    assert right in text
    problems = [problem for one in results(tmp_path, text.replace(right, wrong)) for problem in one.problems]
    assert [problem for problem in problems if problem.startswith(told)], problems
