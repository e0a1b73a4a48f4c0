"""What is wrong because time passed: told by `check`, as of a day, and a warning to a service that starts."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from streams.cli import main
from streams.commands import expired
from streams.rulefile import load
from tests.rulefile.cities import CITY

EXPIRING = """window: 10m
exceptions:
  - {name: works, where: place.district == "west", expires: 2026-01-31, reason: new quay, owner: roads}
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    shutil.copytree(CITY, folder)
    file = folder / "detect" / "rules.yaml"
    file.write_text(file.read_text().replace("window: 10m\n", EXPIRING, 1))
    return folder


@pytest.mark.parametrize(("today", "code"), [("2026-01-30", 0), ("2026-01-31", 1), ("tomorrow", 2)])
def test_check_tells_what_has_expired_as_of_a_day(
        rules: Path, today: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--rules", str(rules), "--quiet", "--today", today]) == code
    assert ("TOC100: the exception `works` has expired" in capsys.readouterr().out) == (code == 1)


def test_a_service_goes_on_and_warns(rules: Path) -> None:
    bundle = load(rules)
    midnight = datetime(2026, 1, 31, 5, tzinfo=UTC)  # in New York
    assert list(expired(bundle, midnight)) == [
        "the exception `works` of crash-series has expired; its owner is roads"]
    assert not list(expired(bundle, datetime(2026, 1, 31, 4, 59, tzinfo=UTC)))
