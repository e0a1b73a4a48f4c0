"""The lifecycle times of real fire calls, given as feedback, make the stages and breaches that the file tells."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from streams.actions import Action, Refusal
from streams.clocks import MINUTE, SECOND, micros
from streams.policy import Deadlines, Policy
from streams.records import Micros
from streams.respond.cases.life import About, CaseNews, Cases
from streams.respond.cases.state import Case
from tests.conftest import needs_shared, shared
from tests.kept import Kept

pytestmark = [pytest.mark.real, needs_shared("data/sf_fire")]

COLUMNS = {"depart": "Response DtTm", "arrive": "On Scene DtTm", "dispose": "Available DtTm"}
STAGE_OF = {"depart": "en_route", "arrive": "on_scene", "dispose": "disposed"}
WITHIN = {"en_route": 140 * SECOND, "on_scene": 8 * MINUTE, "disposed": 60 * MINUTE}
POLICY = Policy(deadlines=(Deadlines("nfpa", WITHIN),))


def moment(text: str) -> Micros | None:
    """The file's local times; which zone is of no matter to what lies between them."""
    return micros(datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=UTC)) if text else None


def responses(folder: Path) -> dict[str, dict[str, Micros]]:
    """By unit response the times of its stages: those that were dispatched and arrived, in an order that can be."""
    found = {}
    for path in sorted(folder.glob("*.csv.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                times = {name: moment(row[column]) for name, column in {"dispatch": "Dispatch DtTm", **COLUMNS}.items()}
                known = {name: at for name, at in times.items() if at is not None}
                if "dispatch" in known and "arrive" in known and list(known.values()) == sorted(known.values()):
                    found[row["RowID"]] = known
    return found


def replayed(known: dict[str, dict[str, Micros]]) -> tuple[dict[str, Case], list[CaseNews]]:
    """All of them through one fold, in order of time, with the clock between them."""
    kept, told = Kept(), list[CaseNews]()
    cases = Cases(POLICY, kept)
    steps = sorted((at, number, name, row) for row, times in known.items()
                   for number, (name, at) in enumerate(times.items()))
    for at, _, name, row in steps:
        told += cases.advance(at)
        if name == "dispatch":
            told += cases.born(About(row, row, {}, at, unit=row), at)
            continue
        case = cases.of_alert(row)
        assert case is not None
        found = cases.act(Action(f"{row}/{name}", at, row, ("unit",), f"case.{name}", case.id, details={"code": "1"}))
        assert not isinstance(found, Refusal), (row, name, found)
        told += found
    return {case.alert: case for case in kept.cases.values()}, told


def late(times: dict[str, Micros], end: Micros) -> set[str]:
    """Directly: the stages that neither they nor one beyond them reached in time; `end` is the last time of all."""
    reached: Micros = end
    found = set()
    for name in reversed(STAGE_OF):
        reached = min(reached, times.get(name, end))
        if reached - times["dispatch"] > WITHIN[STAGE_OF[name]]:
            found.add(STAGE_OF[name])
    return found


def test_stages_and_breaches_are_those_of_the_file() -> None:
    known = responses(shared() / "data" / "sf_fire")
    end = max(at for times in known.values() for at in times.values())
    cases, told = replayed(known)
    assert len(known) > 2000
    expected = {row: late(times, end) for row, times in known.items()}
    for row, times in known.items():
        case = cases[row]
        for name, stage in STAGE_OF.items():
            if name in times:
                assert case.stages[stage] - case.began == times[name] - times["dispatch"]
        assert set(case.missed) == expected[row]
    overdue = Counter(news.stage for news in told if news.change == "overdue")
    print(f"{len(known)} unit responses; late: {dict(overdue)}")
    assert overdue == Counter(stage for stages in expected.values() for stage in stages)
    assert all(overdue[stage] > 0 for stage in WITHIN)
