"""`tocsin backtest --vitals`: readings and roll-ups in place of findings, whatever rules stand beside them."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from streams.cli import main
from tests.tools.test_cli import BACKTEST, RULES, lines, reading

INDICATOR = """
---
kind: indicator
id: readings
event: sensor.gas
every: 10m
bands: {amber: 3, red: 9}
owner: gas
"""
COMPOSITE = """
---
kind: match
id: again
rule: gas
owner: gas
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules").mkdir()
    rows = [reading(0, 0), reading(5, 5), reading(7, 7), reading(31, 31)]
    (tmp_path / "records.jsonl").write_bytes(b"\n".join(map(orjson.dumps, rows)))
    return tmp_path


@pytest.mark.parametrize("more", ["", COMPOSITE])
def test_it_prints_the_last_word_on_each_reading_and_every_turn_of_a_roll_up(
        home: Path, capsys: pytest.CaptureFixture[str], more: str) -> None:
    (home / "rules" / "all.yaml").write_text(RULES + INDICATOR + more)
    assert main([*BACKTEST, "--finish", "--vitals"]) == 0
    told = lines(capsys.readouterr().out)
    assert [(one["data"]["end"][11:16], one["data"]["value"], one["data"]["status"]) for one in told
            if one["type"] == "tocsin.vital.reading"] == [
        ("08:10", 3, "amber"), ("08:20", 0, "green"), ("08:40", 1, "green"), ("08:50", 0, "green")]
    turns = [one["data"]["status"] for one in told if one["type"] == "tocsin.vital.rollup"]
    assert turns[-1] == "green"


@pytest.mark.parametrize(("named", "told"), [("readings", 4), ("gas", 4), ("another", 0)])
def test_indicators_can_be_named(home: Path, capsys: pytest.CaptureFixture[str], named: str, told: int) -> None:
    another = INDICATOR.replace("id: readings", "id: another").replace("sensor.gas", "sensor.gas\nwhere: level < 0.0")
    (home / "rules" / "all.yaml").write_text(RULES + INDICATOR + another)
    assert main([*BACKTEST, "--finish", "--vitals", "--rule", named]) == 0
    found = [one for one in lines(capsys.readouterr().out) if one["type"] == "tocsin.vital.reading"]
    assert len(found) == told


@pytest.mark.parametrize(("words", "said"), [
    (["--log", "--vitals"], "--log or --vitals"), (["--vitals", "--jobs", "2"], "--vitals takes"),
    (["--vitals", "--diff", "rules"], "--vitals goes neither")])
def test_what_does_not_go_with_it_is_said(home: Path, capsys: pytest.CaptureFixture[str], words: list[str],
                                          said: str) -> None:
    (home / "rules" / "all.yaml").write_text(RULES + INDICATOR)
    assert main([*BACKTEST, *words]) == 2
    assert said in capsys.readouterr().err
