"""What the tests of backtests share: a folder with the rules and a day of the gas sensors, and its bundle."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.rulefile import load
from streams.rules import Bundle
from tests.sensors import readings, write_readings, write_rules


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`rules/` and `records.jsonl`."""
    home = tmp_path_factory.mktemp("sensors")
    write_rules(home / "rules")
    write_readings(home / "records.jsonl", readings())
    return home


@pytest.fixture(scope="module")
def bundle(folder: Path) -> Bundle:
    """The bundle of the folder's rules."""
    return load(folder / "rules")
