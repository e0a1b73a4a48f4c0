"""`tocsin backtest` beyond the lines that it prints: differences, pages, noise, spans, several jobs, the log."""

from __future__ import annotations

import subprocess
from pathlib import Path

import orjson
import pytest

from streams.cli import main
from tests.tools.test_cli import BACKTEST, RULES, lines, reading

LATER = {**reading(50, 50), "device": "d2"}, {**reading(52, 52), "device": "d2"}


@pytest.fixture
def versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Besides the rules a stricter version, older in git; and readings of which it finds less."""
    monkeypatch.chdir(tmp_path)
    home = tmp_path
    (home / "rules").mkdir()
    rows = [reading(0, 0), reading(5, 5), reading(7, 7), *LATER]
    (home / "records.jsonl").write_bytes(b"\n".join(map(orjson.dumps, rows)))
    (home / "strict").mkdir()
    (home / "strict" / "all.yaml").write_text(RULES.replace("gte: 2", "gte: 3"))
    own = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    (home / "rules" / "all.yaml").write_text(RULES.replace("gte: 2", "gte: 3"))
    for words in (["init", "-q"], ["add", "rules"], [*own, "commit", "-q", "-m", "strict"]):
        subprocess.run(["git", *words], cwd=home, check=True, capture_output=True)
    (home / "rules" / "all.yaml").write_text(RULES)
    return home


@pytest.mark.parametrize("version", [["strict"], ["HEAD"], ["strict", "rules"], ["HEAD", "rules"]])
def test_a_difference_is_told_between_folders_and_revisions(versions: Path, version: list[str],
                                                            capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*BACKTEST, "--finish", "--json", "--diff", *version]) == 0
    out, err = capsys.readouterr()
    assert [(one["difference"], one["key"], one["parts"]) for one in lines(out)] == [
        ("changed", {"device": "d1"}, ["opened", "closed"]), ("added", {"device": "d2"}, [])]
    assert {tuple(one["reasons"]) for one in lines(out)} == {("condition.gte: 3 → 2",)}
    summary = orjson.loads(err)
    assert (summary["added"], summary["removed"], summary["changed"]) == (1, 0, 1)
    assert (summary["old"]["name"], summary["new"]["name"]) == (version[0], "rules")


def test_a_difference_is_told_to_people(versions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*BACKTEST, "--finish", "--diff", "strict"]) == 0
    told = capsys.readouterr().out
    assert "gas\n  because condition.gte: 3 → 2\n  1 added, 0 removed, 1 changed\n" in told
    assert "  + 2026-03-02 08:52:00 to 09:00:00  d2  value 2, 2 events\n" in told
    assert main([*BACKTEST, "--finish", "--diff", "rules"]) == 0
    assert capsys.readouterr().out.endswith("no finding differs\n")


def test_rules_that_do_not_load_are_told_by_their_version(versions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (versions / "strict" / "all.yaml").write_text(RULES.replace("level >= 20", "level >="))
    assert main([*BACKTEST, "--diff", "strict"]) == 2
    assert "strict/all.yaml:26:" in capsys.readouterr().err


def test_a_page_and_the_noise_are_told_beside_the_lines(versions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*BACKTEST, "--finish", "--report", "page.html", "--jobs", "2"]) == 0
    out, err = capsys.readouterr()
    assert len(lines(out)) == 2
    assert "2 findings on 1 day, 2.0 a day\n  2026-03-02 2 ███" in err
    assert "the page is page.html" in err
    assert "<h1>Backtest of rules</h1>" in (versions / "page.html").read_text()
    assert main([*BACKTEST, "--finish", "--json"]) == 0
    assert orjson.loads(capsys.readouterr().err)["noise"]["rules"][0]["top"] == [["d1", 1], ["d2", 1]]


def test_alerts_are_what_respond_makes_of_the_findings(versions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rule = RULES[RULES.index("kind: threshold"):].replace("id: gas", "id: tried") + "status: experimental\n"
    (versions / "rules" / "more.yaml").write_text(rule)
    assert main([*BACKTEST, "--finish", "--alerts"]) == 0
    out, err = capsys.readouterr()
    assert [(one["topic"], one["type"], one["data"]["rule"], one["data"]["count"]) for one in lines(out)] == [
        ("alerts", "tocsin.alert.resolved", "gas", 3), ("shadow", "tocsin.alert.resolved", "tried", 3),
        ("alerts", "tocsin.alert.resolved", "gas", 2), ("shadow", "tocsin.alert.resolved", "tried", 2)]
    assert "records: 5" in err


def test_findings_are_those_of_the_time_and_the_rules_asked_for(versions: Path,
                                                                capsys: pytest.CaptureFixture[str]) -> None:
    (versions / "rules" / "more.yaml").write_text(RULES[RULES.index("kind: threshold"):].replace("id: gas", "id: more"))
    for words, number in [([], 4), (["--rule", "gas"], 2), (["--from", "2026-03-02T08:30"], 2),
                          (["--to", "2026-03-02T08:30:00Z", "--rule", "more"], 1), (["--from", "2026-03-03"], 0)]:
        assert main([*BACKTEST, "--finish", *words]) == 0
        assert len(lines(capsys.readouterr().out)) == number, words
