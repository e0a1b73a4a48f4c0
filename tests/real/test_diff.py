"""`backtest --diff` on the seven real weeks: it names exactly the findings that differ between two plain backtests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from streams.cli import main
from tests.conftest import needs_shared, shared
from tests.real.montco import CALLS, write_rules

pytestmark = [pytest.mark.real, needs_shared("data/montco911")]
RULES = """
kind: threshold
id: crashes
title: Crashes in a township
event: call.*
where: 'title == "Traffic: VEHICLE ACCIDENT -"'
by: place.district
window: {window}
condition: {{gte: {number}}}
severity: minor
owner: test

kind: threshold
id: alarms
title: Fire alarms in a township
event: call.*
where: 'title == "Fire: FIRE ALARM"'
by: place.district
window: 1h
condition: {{gte: 3}}
severity: minor
owner: test

kind: absence
id: silent
title: No call for half a day
event: call.*
by: place.district
every: 12h
severity: minor
owner: test
"""
CONTENT = ("rule", "state", "opened_at", "closed_at", "value")


def content(line: dict[str, Any]) -> tuple[Any, ...]:
    """What a finding says; its id belongs to the rule's logic."""
    return (*(line[name] for name in CONTENT), orjson.dumps(line["key"]), tuple(line["evidence"]))


def told(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    assert main(["backtest", "--input", f"calls={shared() / CALLS}", "--finish", "--json", *words]) == 0
    return [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(("window", "number", "reason"), [
    ("30m", 4, "condition.gte: 5 → 4"),
    ("20m", 5, "window: 30m → 20m"),
])
def test_exactly_the_findings_that_differ_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], window: str,
                                                    number: int, reason: str) -> None:
    old = write_rules(tmp_path / "old", RULES.format(window="30m", number=5))
    new = write_rules(tmp_path / "new", RULES.format(window=window, number=number))
    before, after = ({content(line) for line in told(capsys, "--rules", str(side)) if line["state"] != "retracted"}
                     for side in (old, new))
    differences = told(capsys, "--rules", str(new), "--diff", str(old), "--jobs", "2")
    assert len(before) > 1000
    assert len(differences) > 10

    gone = [content(one["old"]) for one in differences if one["old"] is not None]
    come = [content(one["new"]) for one in differences if one["new"] is not None]
    assert (len(gone), len(come)) == (len(set(gone)), len(set(come)))
    assert (set(gone), set(come)) == (before - after, after - before)
    assert {one["rule"] for one in differences} == {"crashes"}
    assert {tuple(one["reasons"]) for one in differences} == {(reason,)}

    sides = {"added": (True, False), "removed": (False, True), "changed": (False, False)}
    for one in differences:
        assert (one["old"] is None, one["new"] is None) == sides[one["difference"]]
        assert one["district"] == one["key"]["place.district"]
    if number == 4:  # fewer are asked for: what is new peaked at four, what was there lasts at least as long
        assert {one["new"]["value"] for one in differences if one["difference"] == "added"} == {4}
        for one in differences:
            if one["difference"] == "changed":
                assert one["new"]["opened_at"] <= one["old"]["opened_at"]
                assert one["new"]["closed_at"] >= one["old"]["closed_at"]
