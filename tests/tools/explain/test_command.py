"""The command: what it is asked, what it answers, and what it cannot answer."""

from __future__ import annotations

import re
from pathlib import Path

import orjson
import pytest

from streams.cli import main
from tests.tools.test_cli import RULES, reading

ANSWER = "It did not fire for device d1: 1 of 2 events in 10m"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Rules with a test, and a file of records."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "all.yaml").write_text(RULES + TEST)
    rows = [reading(0, 0), reading(5, 5), reading(30, 30)]
    (tmp_path / "records.jsonl").write_bytes(b"\n".join(map(orjson.dumps, rows)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TOCSIN_BROKER", raising=False)
    return tmp_path


TEST = """  - name: too far apart
    events:
      - {at: 0s, event: sensor.gas, device: d, level: 30}
      - {at: 10m7s, event: sensor.gas, device: d, level: 30}
    expect: []
"""
FILE = ["explain", "--input", "sensors=records.jsonl"]


def test_it_answers_for_a_file(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*FILE, "--rule", "gas", "--key", "device=d1", "--at", "2026-03-02T08:06"]) == 0
    assert capsys.readouterr().out.startswith("It fired for device d1 at 08:05:00 until 08:10:00: 2 events in 10m,")
    assert main([*FILE, "--rule", "gas", "--at", "2026-03-02T08:31:00Z", "--json"]) == 0
    told = orjson.loads(capsys.readouterr().out)
    assert (told["verdict"]["fired"], told["verdict"]["reason"]) == (False, "window_short")
    assert told["funnel"]["records that could be for it"] == 1


def test_it_says_how_many_events_it_leaves_out(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [reading(minute, minute) for minute in range(25)]
    Path("records.jsonl").write_bytes(b"\n".join(map(orjson.dumps, rows)))
    assert main([*FILE, "--rule", "gas"]) == 0
    out = capsys.readouterr().out
    assert out.count("  taken") == 20
    assert "and 5 more, later ones" in out
    assert main([*FILE, "--rule", "gas", "--json"]) == 0
    assert orjson.loads(capsys.readouterr().out)["events_left_out"] == 5


def test_it_reads_what_is_no_text_for_what_it_may_be_about(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [orjson.dumps(reading(0, 0)), b'{"device": "d1", "x": "\xff"}', b'{"device": "d2", "x": "\xff"}']
    Path("records.jsonl").write_bytes(b"\n".join(rows))
    assert main([*FILE, "--rule", "gas", "--key", "device=d1"]) == 0
    out = capsys.readouterr().out
    assert "perhaps it is the record at row 1 of sensors, which became a dead letter (not_utf8)" in out
    assert "1 record of its sources became a dead letter; nothing in it names what it asks for" in out


def test_it_answers_for_a_test(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--test", "too far apart"]) == 0
    verdict = "It did not fire for device d: 1 of 2 events in 10m; the second came 7s after the window."
    assert capsys.readouterr().out.splitlines()[0] == verdict
    assert main(["explain", "--test", "two", "--rule", "gas", "--at", "2m"]) == 0
    assert capsys.readouterr().out.startswith("It fired for device d at 1m until 10m: 2 events in 10m")


def test_it_finds_a_finding_of_the_backtest(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backtest", "--input", "sensors=records.jsonl"]) == 0
    [found] = [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert main([*FILE, "--finding", found["finding"]]) == 0
    out = capsys.readouterr().out
    assert out.startswith("It fired for device d1 at 08:05:00 until 08:10:00: 2 events in 10m,")
    assert found["finding"] in out
    assert re.search(r"^rule +gas \(threshold; rules/\w+\.yaml:\d+\)$", out, re.MULTILINE)
    assert re.search(r"^asked +at 2026-03-02 08:05:00, looked at", out, re.MULTILINE)


CLUSTER = """---
kind: threshold
id: cluster
event: sensor.gas
near: 100m
window: 1h
condition: {gte: 2}
severity: minor
owner: gas
"""


@pytest.mark.parametrize(("words", "text"), [
    (["--rule", "gas", "--near", "1,2"],
     "--near asks about a place, and the key of this rule is none: it has no `near`"),
    (["--rule", "cluster", "--near", "here"], "--near 'here': write degrees north and east, such as 31.23,121.47"),
    (["--rule", "cluster", "--near", "99,2"], "--near '99,2': write degrees north and east, such as 31.23,121.47"),
    (["--rule", "cluster", "--near", "1,2", "--key", "cell=89754a932c3ffff"],
     "give --near or --key cell=, not both"),
    (["--rule", "cluster", "--key", "cell=west"],
     "--key cell='west': write a cell of H3 of resolution 9, as this rule's findings have it, or --near LAT,LON"),
    (["--rule", "cluster", "--key", "district=west"],
     "--key 'district=west': the parts of this rule's key are cell; --near LAT,LON asks about a place"),
])
def test_what_is_no_place_is_said(home: Path, capsys: pytest.CaptureFixture[str], words: list[str], text: str
                                  ) -> None:
    (home / "rules" / "cluster.yaml").write_text(CLUSTER)
    assert main([*FILE, *words]) == 2
    assert capsys.readouterr().err == f"tocsin explain: {text}\n"


def test_it_tells_which_place_it_is_asked_about(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "rules" / "cluster.yaml").write_text(CLUSTER)
    assert main([*FILE, "--rule", "cluster", "--near", "1.5,2"]) == 0
    assert "place     within 100 m of 1.5, 2" in capsys.readouterr().out


@pytest.mark.parametrize(("words", "text"), [
    ([*FILE], "say which rule: --rule RULE, or --finding ID"),
    ([*FILE, "--rule", "gass"], "no rule 'gass'; did you mean `gas`?"),
    ([*FILE, "--rule", "gas", "--key", "d1"], "--key 'd1': write NAME=VALUE"),
    ([*FILE, "--rule", "gas", "--key", "lift=d1"], "--key 'lift=d1': the parts of this rule's key are device"),
    ([*FILE, "--rule", "gas", "--at", "noon"], "--at 'noon': write 2026-03-02T08:15:00Z, or without Z a time of UTC"),
    ([*FILE, "--finding", "abc"], "no finding and no alert abc is known here"),
    ([*FILE, "--test", "two"], "give --input or --test, not both"),
    (["explain", "--test", "three"], "no test is called 'three'; `tocsin test --verbose` lists them"),
    (["explain", "--test", "two", "--finding", "abc"], "the test has no finding abc"),
])
def test_what_it_cannot_answer_is_said(home: Path, capsys: pytest.CaptureFixture[str], words: list[str], text: str
                                       ) -> None:
    assert main(words) == 2
    assert capsys.readouterr().err == f"tocsin explain: {text}\n"
