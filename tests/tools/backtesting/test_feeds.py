"""Feeds that were not given to a backtest, and inputs that are hardly of their source: both are said."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from streams.cli import main
from tests.tools.test_cli import BACKTEST, RULES, lines, reading

CREWS = """
---
kind: event_type
id: crew.accepted
fields: {device: string}
---
kind: source
id: crews
topic: city.crews
format: json
event: {id: record.id, type: "'crew.accepted'", time: record.time, fields: {device: record.device}}
---
kind: sequence
id: unattended
by: device
steps:
  - {name: read, event: sensor.gas}
  - {name: accepted, not: {event: crew.accepted}, within: 10m}
---
kind: sequence
id: attended
by: device
within: 1h
steps:
  - {name: read, event: sensor.gas}
  - {name: accepted, event: crew.accepted}
---
kind: match
id: worse
rule: unattended
by: device
---
kind: match
id: busy
event: crew.accepted
"""
CREW = {"id": "c1", "time": "2026-03-02T08:06:00Z", "device": "d1"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the rules of sensors, and their records."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "all.yaml").write_text(RULES)
    (tmp_path / "records.jsonl").write_bytes(b"\n".join(orjson.dumps(reading(at, at)) for at in (0, 5, 30)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TOCSIN_BROKER", raising=False)
    return tmp_path


def test_rules_that_miss_a_feed_are_named_with_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "rules" / "more.yaml").write_text(CREWS.removeprefix("\n---\n"))
    assert main([*BACKTEST, "--finish"]) == 0
    told = capsys.readouterr().err
    assert ("warning: unattended, worse may find what was not so: they read crews too, of which nothing was given; "
            "give --input crews=FILE") in told
    assert "warning: attended can find nothing: it reads crews too" in told
    assert "busy may" not in told
    for words in (["--json"], ["--json", "--log"], ["--json", "--diff", "rules"]):
        assert main([*BACKTEST, "--finish", *words]) == 0
        assert orjson.loads(capsys.readouterr().err.splitlines()[-1])["not_given"] == [
            {"rule": "unattended", "sources": ["crews"], "invents": True},
            {"rule": "worse", "sources": ["crews"], "invents": True},
            {"rule": "attended", "sources": ["crews"], "invents": False}]


def test_where_every_feed_is_there_nothing_is_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "rules" / "more.yaml").write_text(CREWS.removeprefix("\n---\n"))
    (home / "crews.jsonl").write_bytes(orjson.dumps(CREW))
    assert main([*BACKTEST, "--input", "crews=crews.jsonl", "--finish"]) == 0
    assert "warning" not in capsys.readouterr().err
    (home / "rules" / "more.yaml").unlink()
    assert main([*BACKTEST, "--finish", "--json"]) == 0
    assert orjson.loads(capsys.readouterr().err)["not_given"] == []


def test_a_file_of_which_no_record_is_understood_is_no_success(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "records.jsonl").write_bytes(b"\n".join(orjson.dumps({**CREW, "id": None}) for _ in range(20)))
    assert main([*BACKTEST, "--finish"]) == 1
    out, err = capsys.readouterr()
    assert lines(out) == []
    assert "warning: 20 of 20 records of sensors are dead letters; is this a file of that source?\n" in err
    assert "first row 0: " in err
    assert '{"id":null' in err


def test_a_few_that_are_understood_are_told_beside_many_that_are_not(home: Path,
                                                                     capsys: pytest.CaptureFixture[str]) -> None:
    good = (home / "records.jsonl").read_bytes().splitlines()[0]
    (home / "records.jsonl").write_bytes(b"\n".join([good, *[b"{bad"] * 20]))
    assert main([*BACKTEST, "--finish"]) == 0
    assert "warning: 20 of 21 records of sensors are dead letters" in capsys.readouterr().err
    (home / "records.jsonl").write_bytes(b"\n".join([good, b"{bad"]))
    assert main([*BACKTEST, "--finish"]) == 0
    assert "warning" not in capsys.readouterr().err

