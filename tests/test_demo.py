"""`make demo`, as a newcomer runs it: on a day of the made-up city, and on a real day."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, needs_shared, shared

DAY = "data/montco911/911_blizzard_day_2016-01-23.csv"


def demo(folder: Path, *words: str) -> str:
    """What the demo prints; it works in a folder of its own."""
    command = [sys.executable, "-m", "streams.demo", "--rules", str(ROOT / "rules"), *words]
    home = {"PYTHONPATH": str(ROOT), "PATH": ""}
    done = subprocess.run(command, cwd=folder, env=home, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_day_of_the_made_up_city_gives_alerts_and_dispatches(tmp_path: Path) -> None:
    text = demo(tmp_path)
    assert "records came in: " in text
    for word in ("Alerts", "Dispatches", "lift-alarm-unanswered", "fire-brigade", "chlorine-leak"):
        assert word in text
    counts = [int(word) for word in text.rsplit("records came in: ", 1)[1].replace(",", " ").split() if word.isdigit()]
    total = int(text.rsplit(" records came in", 1)[0].rsplit("\n", 1)[1].strip())
    assert total == sum(counts) > 20_000
    assert all(counts)  # events, late, duplicates and dead letters, some of each


@pytest.mark.slow
@pytest.mark.real
@needs_shared(DAY)
def test_a_real_day_is_accounted_for(tmp_path: Path) -> None:
    text = demo(tmp_path, "--data", str(shared() / DAY), "--source", "montco911")
    assert "913 records came in: 913 event, 0 late, 0 duplicate, 0 dead." in text
    assert "disabled-vehicles-surge" in text
