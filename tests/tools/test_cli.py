"""The command: exit codes, formats and errors in words."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from streams.cli import main
from streams.logs import kafka_admin
from tests.conftest import ROOT

RULES = """
kind: city
name: test
zone: UTC
---
kind: event_type
id: sensor.gas
fields: {device: {type: string, required: true}, level: double}
---
kind: source
id: sensors
topic: city.sensors
format: json
disorder: 1m
lateness: 1h
event:
  id: record.id
  type: "'sensor.gas'"
  time: record.time
  received: record.came
  fields: {device: record.device, level: record.level}
---
kind: threshold
id: gas
event: sensor.gas
where: level >= 20
by: device
window: 10m
condition: {gte: 2}
severity: severe
owner: gas
tests:
  - name: two
    events:
      - {at: 0s, event: sensor.gas, device: d, level: 30}
      - {at: 1m, event: sensor.gas, device: d, level: 30}
    expect: [{opened: 1m, evidence: 2}]
"""
FINAL = ["finding", "rule", "key", "state", "opened_at", "closed_at", "evidence", "value", "corrections"]
LOGGED = [*FINAL, "change", "sequence", "at", "cause", "merged_into"]


def reading(minute: int, came: int, level: float = 25.0) -> dict[str, Any]:
    return {"id": f"r{minute}", "time": f"2026-03-02T08:{minute:02}:00Z", "came": f"2026-03-02T08:{came:02}:00Z",
            "device": "d1", "level": level}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with rules, a file of records (one comes late, one is bad) and nothing else."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "all.yaml").write_text(RULES)
    rows = [reading(0, 0), reading(5, 5), reading(30, 31), reading(3, 40)]
    lines = [orjson.dumps(row) for row in rows]
    (tmp_path / "records.jsonl").write_bytes(b"\n".join([*lines, b"{bad", b""]))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TOCSIN_BROKER", raising=False)
    return tmp_path


def lines(text: str) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in text.splitlines()]


BACKTEST = ["backtest", "--input", "sensors=records.jsonl"]


def test_a_backtest_prints_one_json_line_a_finding(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*BACKTEST, "--finish"]) == 0
    out, err = capsys.readouterr()
    [found] = lines(out)
    assert list(found) == FINAL
    assert (found["rule"], found["key"], found["state"]) == ("gas", {"device": "d1"}, "closed")
    assert found["opened_at"] == "2026-03-02T08:03:00.000000Z"
    assert found["closed_at"] == "2026-03-02T08:13:00.000000Z"
    assert (found["evidence"], found["value"], found["corrections"]) == (["r0", "r3", "r5"], 3, 1)
    assert "records: 5" in err
    assert "dead: 1" in err


def test_the_order_of_time_gives_the_same_finding_without_a_correction(
        home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*BACKTEST, "--finish", "--order", "time", "--json"]) == 0
    out, err = capsys.readouterr()
    [found] = lines(out)
    assert (found["opened_at"], found["corrections"]) == ("2026-03-02T08:03:00.000000Z", 0)
    summary = orjson.loads(err)
    assert {name: summary[name] for name in ("records", "event", "late", "duplicate", "dead")} == {
        "records": 5, "event": 4, "late": 0, "duplicate": 0, "dead": 1}


def test_the_log_of_a_backtest_is_every_emission_in_order(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*BACKTEST, "--log"]) == 0
    told = lines(capsys.readouterr().out)
    assert [one["sequence"] for one in told] == list(range(1, len(told) + 1))
    assert told[0]["change"] == "opened"
    assert [list(one) for one in told] == [LOGGED] * len(told)
    assert told[-1]["cause"] == "r3"


SILENT = RULES.replace("threshold", "absence").replace("where: level >= 20", "every: 10m").partition("window:")[0] + (
    "severity: minor\nowner: gas\n")


def test_a_retracted_finding_is_told_as_such(home: Path, capsys: pytest.CaptureFixture[str],
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.tools.replay.BATCH", 1)  # a clock stands at the end of each batch
    (home / "rules" / "all.yaml").write_text(SILENT)
    rows = [reading(0, 0), reading(19, 19), reading(10, 20)]
    (home / "records.jsonl").write_bytes(b"\n".join(map(orjson.dumps, rows)))
    assert main(BACKTEST) == 0
    [gone] = lines(capsys.readouterr().out)
    assert (gone["state"], gone["evidence"], gone["value"]) == ("retracted", ["r0"], None)
    assert main([*BACKTEST, "--log"]) == 0
    told = lines(capsys.readouterr().out)
    assert [(one["change"], one["state"], one["sequence"], one["cause"]) for one in told] == [
        ("opened", "open", 1, ""), ("retracted", "retracted", 2, "r10")]
    assert {one["finding"] for one in told} == {gone["finding"]}
    assert main([*BACKTEST, "--order", "time"]) == 0
    assert capsys.readouterr().out == ""


def test_findings_stand_in_order_and_their_times_to_the_microsecond(
        home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{**reading(minute, minute), "device": device, "time": f"2026-03-02T08:{minute:02}:00.000001Z"}
            for minute, device in [(0, "Z"), (1, "Z"), (1, "ä"), (2, "ä"), (40, "Z"), (41, "Z")]]
    lines_ = [orjson.dumps({**row, "id": f"r{number}"}) for number, row in enumerate(rows)]
    (home / "records.jsonl").write_bytes(b"\n".join(lines_))
    assert main([*BACKTEST, "--finish"]) == 0
    found = lines(capsys.readouterr().out)
    assert [(one["opened_at"], one["key"]["device"]) for one in found] == [
        ("2026-03-02T08:01:00.000001Z", "Z"), ("2026-03-02T08:02:00.000001Z", "ä"),
        ("2026-03-02T08:41:00.000001Z", "Z")]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", one[name])
               for one in found for name in ("opened_at", "closed_at"))


def test_two_files_are_read_as_they_came(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = RULES.partition("---\nkind: source")[2].partition("---\nkind: threshold")[0]
    other = "---\nkind: source" + other.replace("id: sensors", "id: others").replace("city.sensors", "city.others")
    (home / "rules" / "others.yaml").write_text(other)
    (home / "records.jsonl").write_bytes(orjson.dumps(reading(0, 0)) + b"\n" + orjson.dumps(reading(30, 30)))
    (home / "others.jsonl").write_bytes(orjson.dumps(reading(5, 5)) + b"\n" + orjson.dumps(reading(33, 33)))
    assert main([*BACKTEST, "--input", "others=others.jsonl", "--finish"]) == 0
    out, err = capsys.readouterr()
    assert [one["evidence"] for one in lines(out)] == [["r0", "r5"], ["r30", "r33"]]
    assert "records: 4" in err


def test_what_nobody_reads_any_more_is_no_failure(home: Path) -> None:
    rows = [{**reading(minute % 60, minute % 60), "id": f"r{minute}", "device": f"d{minute // 2}"}
            for minute in range(6000)]
    (home / "records.jsonl").write_bytes(b"\n".join(map(orjson.dumps, rows)))
    words = f"{sys.executable} -m streams.cli {' '.join(BACKTEST)} --log | head -1"
    done = subprocess.run(words, shell=True, cwd=home, capture_output=True, text=True, check=False,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


def test_without_finish_time_stops_at_the_last_event(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "records.jsonl").write_bytes(b"\n".join(orjson.dumps(reading(m, m)) for m in (0, 5)))
    assert main(BACKTEST) == 0
    [found] = lines(capsys.readouterr().out)
    assert (found["state"], found["closed_at"]) == ("open", None)


def test_check_says_what_is_wrong_and_exits_with_1(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0
    assert "0 mistakes" in capsys.readouterr().err
    path = home / "rules" / "all.yaml"
    path.write_text(RULES.replace("level >= 20", "levle >= 20").replace("window: 10m", "window: ten"))
    assert main(["check", "--json"]) == 1
    found = lines(capsys.readouterr().out)
    assert {one["code"] for one in found if one["gravity"] == "bug"} == {"TOC015", "TOC032"}
    assert all(one["line"] and one["column"] and one["message"] for one in found)
    assert main(["check", "--quiet"]) == 1
    out, err = capsys.readouterr()
    assert "rules/all.yaml:26:8" in out  # so that it can be piped
    assert "^" in out
    assert err == "2 mistakes, 0 remarks\n"


def test_rules_are_listed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "list"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split() == [
        "gas", "threshold", "severe", "gas", "stable", "rules/all.yaml:23"]
    assert main(["rules", "list", "--json"]) == 0
    assert lines(capsys.readouterr().out)[-1]["owner"] == "gas"
    assert main(["rules", "show"]) == 2
    assert "name the rule to show; `tocsin rules list` names all" in capsys.readouterr().err


def test_test_runs_the_tests_of_the_rules(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test"]) == 0
    assert "1 passed, 0 failed" in capsys.readouterr().out
    path = home / "rules" / "all.yaml"
    path.write_text(RULES.replace("opened: 1m", "opened: 2m"))
    assert main(["test", "gas"]) == 1
    told = capsys.readouterr().out
    assert "FAILED gas: two (rules/all.yaml:33)" in told
    assert "  rules/all.yaml:37: episode 1: opened is 1m, expected 2m" in told
    assert "0 passed, 1 failed" in told
    assert main(["test", "--json"]) == 1
    [row] = lines(capsys.readouterr().out)
    assert row == {"rule": "gas", "test": "two", "place": "rules/all.yaml:33", "notes": [],
                   "problems": ["episode 1: opened is 1m, expected 2m"], "places": ["rules/all.yaml:37"]}


def test_tests_are_chosen_by_rule_and_by_words(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "rules" / "more.yaml").write_text(RULES[RULES.index("kind: threshold"):].replace("id: gas", "id: more"))
    for words, told in [([], "2 passed"), (["--rule", "gas"], "1 passed"), (["gas", "--rule", "more"], "2 passed"),
                        (["-k", "more and two"], "1 passed"), (["-k", "not more", "-v"], "gas: two PASSED [100%]")]:
        assert main(["test", *words]) == 0
        assert told in capsys.readouterr().out
    assert main(["test", "-k", "nobody"]) == 2
    assert "-k 'nobody' fits no test" in capsys.readouterr().err


def test_a_run_tells_what_is_untested_and_writes_junit(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", "--junit", "out/tests.xml"]) == 0
    assert "no negative test: gas (rules/all.yaml:23)" in capsys.readouterr().out
    assert b'<testcase classname="gas" name="two"' in (home / "out" / "tests.xml").read_bytes()


def test_clauses_that_no_test_decides_both_ways_are_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", "--coverage"]) == 0
    told = capsys.readouterr().out
    assert "not decided both ways: gas: `level >= 20` is never what it fails by\n0 of 1 clauses are decided" in told
    assert main(["test", "--coverage", "--json"]) == 0
    assert lines(capsys.readouterr().out)[-1] == {
        "rule": "gas", "selector": 0, "text": "level >= 20", "as_true": True, "as_false": False,
        "exception": ""}


def test_tests_run_again_when_a_file_changes(home: Path, capsys: pytest.CaptureFixture[str],
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [RULES.replace("opened: 1m", "opened: 2m"), RULES.replace("level >= 20", "level >="), RULES]

    class Stop:
        """In place of the pause: the file changes; after the last change it ends."""

        def wait(self, pause: float) -> bool:
            if not texts:
                return True
            (home / "rules" / "all.yaml").write_text(texts.pop(0))
            return False

    monkeypatch.setattr("threading.Event", Stop)
    assert main(["test", "--watch"]) == 0
    out, err = capsys.readouterr()
    assert [line.strip("= ").partition(" in ")[0] for line in out.splitlines() if "passed" in line] == [
        "1 passed, 0 failed", "0 passed, 1 failed", "1 passed, 0 failed"]
    assert "the expression ends too early" in err
    assert err.count("rules has changed") == 3


def test_load_and_tail_over_the_embedded_log(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["load", "records.jsonl", "--source", "sensors", "--json"]) == 0
    assert lines(capsys.readouterr().out) == [{"records": 5, "source": "sensors", "topic": "city.sensors"}]
    assert main(["tail", "city.sensors"]) == 0
    told = sorted(lines(capsys.readouterr().out), key=lambda one: str(one["value"]))
    assert len(told) == 5
    assert {one["partition"] for one in told} <= {0, 1, 2, 3}
    assert {"topic", "partition", "offset", "at", "key", "value"} == told[0].keys()


def test_duplicates_are_told_whatever_the_number_of_partitions(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [reading(minute, minute) for minute in (0, 1, 2, 3, 4, 5, 6, 7)]
    (home / "records.jsonl").write_bytes(b"\n".join(orjson.dumps(row) for row in rows + rows[::2]))
    assert main(["load", "records.jsonl", "--source", "sensors"]) == 0
    capsys.readouterr()
    assert main(["tail", "city.sensors"]) == 0
    homes: dict[str, set[int]] = {}
    for one in lines(capsys.readouterr().out):
        homes.setdefault(one["value"]["id"], set()).add(one["partition"])
    assert len(homes) == 8
    assert all(len(places) == 1 for places in homes.values())


def test_load_at_a_pace_keeps_the_pace(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "records.jsonl").write_bytes(b"\n".join(orjson.dumps(reading(m, m)) for m in (0, 1, 2)))
    assert main(["load", "records.jsonl", "--source", "sensors", "--speed", "600x"]) == 0
    assert main(["tail", "city.sensors"]) == 0
    stamps = sorted(one["at"] for one in lines(capsys.readouterr().out.partition("\n")[2]))
    assert len(set(stamps)) == 3


def test_simulate_writes_files(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "city", "--days", "0.2", "--json"]) == 0
    made = orjson.loads(capsys.readouterr().out)
    assert made["total"] > 1000
    assert (home / "city" / "truth.json").is_file()


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version", "--json"]) == 0
    assert lines(capsys.readouterr().out)[0]["version"].count(".") == 2


@pytest.mark.parametrize(("words", "told"), [
    (["backtest", "--input", "nobody=records.jsonl"], "no source 'nobody'; there are sensors"),
    (["backtest", "--input", "sensors=nothing.jsonl"], "nothing.jsonl is not a file"),
    (["backtest", "--input", "sensors"], "write SOURCE=FILE"),
    (["backtest", "--rules", "nowhere", "--input", "a=b"], "nowhere is not a directory"),
    (["backtest"], "give either --input SOURCE=FILE, as often as needed, or --broker URL"),
    ([*BACKTEST, "--broker", "embedded:///x.db"], "give either --input SOURCE=FILE, as often as needed, or"),
    ([*BACKTEST, "--jobs", "0"], "--jobs must be at least 1"),
    ([*BACKTEST, "--log", "--jobs", "2"], "--log takes findings in order, and so --jobs 1"),
    ([*BACKTEST, "--alerts", "--jobs", "2"], "--alerts takes findings in order, and so --jobs 1"),
    ([*BACKTEST, "--alerts", "--log"], "give --log or --alerts, not both"),
    ([*BACKTEST, "--log", "--report", "x.html"], "--log goes neither with --diff nor with --report"),
    ([*BACKTEST, "--diff", "a", "b", "c"], "--diff takes OLD, or OLD and NEW"),
    ([*BACKTEST, "--diff", "nowhere"], "--diff nowhere: neither a folder nor a revision: rules has no revision"),
    ([*BACKTEST, "--from", "monday"], "--from 'monday': write 2026-03-02, 2026-03-02T08:00 or"),
    ([*BACKTEST, "--rule", "nobody"], "no rule 'nobody'; "),
    (["backtest", "--broker", "embedded:///nowhere/x.db"], "there is no log at"),
    (["load", "records.jsonl", "--source", "sensors", "--speed", "fast"], "write 60x or max"),
    (["load", "records.jsonl", "--source", "sensors", "--broker", "here"], "write embedded:///"),
    (["check", "--rules", "empty"], "there is no rule file (*.yaml) in empty"),
    (["test", "--rules", "empty"], "there is no rule file (*.yaml) in empty"),
    (["run", "--port", "70000"], "--port from 0 to 65535"),
    (["run", "--partitions", "0"], "--partitions must be at least 1"),
    (["test", "nothing"], "no rule 'nothing'; "),
    (["tail", "nowhere"], "a worker or `tocsin load` makes one"),
    (["explain", "--rule", "hot"], "--input SOURCE=FILE looks into files"),
    (["load", "records.jsonl", "--source", "nobody"], "no source 'nobody'; there are sensors"),
    (["load", "nothing.jsonl", "--source", "sensors"], "nothing.jsonl is not a file"),
    (["load", "records.jsonl", "--source", "sensors", "--speed", "nan"], "write 60x or max"),
    (["load", "records.jsonl", "--source", "sensors", "--speed", "0x"], "write 60x or max"),
    (["load", "records.jsonl", "--source", "sensors", "--speed=-1x"], "write 60x or max"),
    (["load", "records.jsonl", "--source", "sensors", "--partitions", "0"], "at least one partition"),
    (["load", "records.jsonl", "--source", "sensors", "--broker", "embedded:///"], "write embedded:///path/of/file.db"),
    (["load", "records.jsonl", "--source", "sensors", "--broker", "kafka://"], "write embedded:///path/of/file.db"),
    (["load", "records.jsonl", "--source", "sensors", "--broker", "embedded:///proc/no/x.db"], "cannot be opened"),
    (["load", "broken.jsonl.gz", "--source", "sensors"], "broken.jsonl.gz: it cannot be unpacked"),
    (["backtest", "--input", "sensors=broken.jsonl.gz"], "broken.jsonl.gz: it cannot be unpacked"),
    (["backtest", "--input", "sensors=rules"], "rules is not a file"),
    (["check", "--rules", "records.jsonl"], "records.jsonl is not a directory"),
    (["run", "--rules", "nowhere"], "nowhere is not a directory"),
    (["simulate", "records.jsonl", "--days", "0.01"], "records.jsonl: File exists"),
    (["simulate", "city", "--scale", "nan"], "greater than zero"),
    (["simulate", "city", "--days", "inf"], "greater than zero"),
    (["simulate", "city", "--start", "monday"], "not a date"),
    (["simulate", "city", "--days", "-1"], "greater than zero"),
])
def test_what_cannot_be_done_is_said_in_words(home: Path, words: list[str], told: str,
                                              capsys: pytest.CaptureFixture[str]) -> None:
    (home / "broken.jsonl.gz").write_bytes(b"no gzip at all")
    (home / "empty").mkdir()
    assert main(words) == 2
    err = capsys.readouterr().err
    assert told in err
    assert "Traceback" not in err


def test_run_says_in_words_why_it_cannot_start(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["run", "--port", port]) == 2
    assert f"port {port} is taken" in capsys.readouterr().err
    assert main(["run", "--port", "0", "--partitions", "3"]) == 1
    assert "topic 'tocsin.work' has 4 partitions, not 3" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "code"), [
    (["run", "--port", "0"], 1), (["load", "records.jsonl", "--source", "sensors"], 2), (["tail", "alerts"], 2)])
def test_where_no_broker_answers_that_is_said_soon(home: Path, capsys: pytest.CaptureFixture[str], code: int,
                                                   words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert kafka_admin.CONNECT_S <= 5
    monkeypatch.setattr(kafka_admin, "CONNECT_S", 0.3)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{deaf.getsockname()[1]}"
        assert main([*words, "--broker", f"kafka://{address}"]) == code
    told = capsys.readouterr().err
    assert f"no Kafka answered at {address} within 0.3 s; is it running, is that its address?" in told
    assert "ERROR" not in told


def test_broken_rules_stop_a_backtest_with_their_mistakes(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "rules" / "all.yaml").write_text(RULES.replace("level >= 20", "level >="))
    assert main(BACKTEST) == 2
    err = capsys.readouterr().err
    assert "the expression ends too early" in err
    assert "nothing was started" in err


@pytest.mark.parametrize("words", [[], ["nothing"], ["load"], ["run", "--role", "king"]])
def test_wrong_usage_exits_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "usage: tocsin" in capsys.readouterr().err


def test_a_word_too_many_is_told_with_the_usage_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["backtest", "calls.csv"])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert "[--input SOURCE=FILE]" in told
    assert "tocsin backtest: error: unrecognized arguments: calls.csv" in told


def test_the_command_in_a_process_of_its_own(home: Path) -> None:
    """What the fixed interface says of exit codes, and of which stream is for whom."""
    def ran(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "streams.cli", *words], cwd=home, capture_output=True, text=True,
                              check=False, env={**os.environ, "PYTHONPATH": str(ROOT)})

    fine = ran(*BACKTEST, "--finish")
    assert (fine.returncode, len(fine.stdout.splitlines())) == (0, 1)
    assert "records: 5" in fine.stderr
    (home / "rules" / "all.yaml").write_text(RULES.replace("opened: 1m", "opened: 2m"))
    assert ran("test").returncode == 1
    wrong = ran("backtest", "--input", "sensors=nothing")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr == "tocsin backtest: nothing is not a file\n"


def test_help_is_there_for_every_command() -> None:
    words = [sys.executable, "-m", "streams.cli"]
    top = subprocess.run([*words, "--help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "Exit codes" in top
    for name in ("run", "load", "tail", "check", "test", "backtest", "simulate", "version"):
        assert name in top
        with pytest.raises(SystemExit) as ended:
            main([name, "--help"])
        assert ended.value.code == 0
