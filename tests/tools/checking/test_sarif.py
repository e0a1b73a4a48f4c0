"""SARIF: what the schema requires, and what forges rely on."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from streams import cli
from streams.rulefile import CODES, examine
from streams.tools.checking.sarif import PRINT, sarif

TODAY = date(2026, 7, 1)
RULES = """\
kind: event_type
id: sensor.rain
fields: {device: string, mm: double}
---
kind: source
id: feed
topic: t
format: json
event: {id: record.id, type: record.type, time: record.time}
---
kind: match
id: heavy
event: sensor.rain
where: mm > 30.0
# tocsin: snooze TOC070 until 2027-01-01: nobody knows yet
---
kind: match
# tocsin: snooze TOC070 until 2027-01-01: nobody knows yet
id: light
event: sensor.rain
where: mm < 1.0
"""


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my rules").mkdir()
    (tmp_path / "my rules" / "a.yaml").write_text(RULES)
    return tmp_path / "my rules"


def run_of(rules: Path) -> dict[str, Any]:
    """The one run, as JSON has it."""
    found = examine(Path(rules.name), TODAY)
    log = json.loads(json.dumps(sarif(found, "1.2.3", Path.cwd(), rules)))
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-schema-2.1.0.json")
    [run] = log["runs"]
    assert isinstance(run, dict)
    return run


def prints(rules: Path) -> dict[tuple[str, int], str]:
    return {(one["ruleId"], number): one["partialFingerprints"][PRINT]
            for number, one in enumerate(run_of(rules)["results"])}


def test_it_has_what_the_schema_requires(rules: Path) -> None:
    run = run_of(rules)
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["semanticVersion"]) == ("tocsin", "1.2.3")
    assert [rule["id"] for rule in driver["rules"]] == sorted(CODES)
    for rule in driver["rules"]:
        for part in ("shortDescription", "fullDescription", "help"):
            assert rule[part]["text"]
        assert rule["help"]["markdown"]
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note")
        assert "helpUri" not in rule
    assert run["columnKind"] == "unicodeCodePoints"
    assert run["originalUriBaseIds"]["SRCROOT"]["uri"] == f"{Path.cwd().as_uri()}/"
    assert run["results"]
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        assert result["level"] in ("error", "warning", "note")
        [location] = result["locations"]
        place, region = (location["physicalLocation"][part] for part in ("artifactLocation", "region"))
        assert place == {"uri": "my%20rules/a.yaml", "uriBaseId": "SRCROOT"}
        assert region["startLine"] >= 1
        assert 1 <= region["startColumn"] < region["endColumn"]


def test_what_is_put_off_is_there_with_its_reason(rules: Path) -> None:
    off = [one for one in run_of(rules)["results"] if "suppressions" in one]
    assert [one["ruleId"] for one in off] == ["TOC070"]
    assert off[0]["suppressions"] == [{"kind": "inSource", "justification": "until 2027-01-01: nobody knows yet"}]


def test_a_fingerprint_stays_when_lines_move(rules: Path) -> None:
    before = prints(rules)
    assert len(set(before.values())) == len(before)
    (rules / "a.yaml").write_text("# a comment\n\n" + RULES.replace("---\nkind: match\nid: heavy", """\
---
kind: match
id: new
event: sensor.rain
owner: me
---
kind: match
title: Heavy rain
id: heavy"""))
    after = prints(rules)
    assert set(before.values()) <= set(after.values())
    assert len(after) > len(before)


def test_the_help_leads_to_the_page_of_the_manual(rules: Path) -> None:
    (rules / "problems.md").write_text("# Problems\n")
    links = {rule["id"]: rule["helpUri"] for rule in run_of(rules)["tool"]["driver"]["rules"]}
    assert links["TOC013"] == f"{(rules / 'problems.md').resolve().as_uri()}#toc013"


def test_a_file_elsewhere_has_its_whole_address(rules: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    found = examine(rules, TODAY)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    result = sarif(found, "1", elsewhere, rules)["runs"][0]["results"][0]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": (rules / "a.yaml").as_uri()}


def test_the_command_tells_all_three_formats(rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["check", "--rules", rules.name, "--today", TODAY.isoformat()]
    assert cli.main([*words, "--format", "sarif"]) == 0
    assert len(json.loads(capsys.readouterr().out)["runs"]) == 1
    assert cli.main([*words, "--format", "json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert cli.main([*words, "--json"]) == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == rows
    assert "TOC073" in {row["code"] for row in rows}
    assert cli.main(words) == 0
    assert f"0 mistakes, {len(rows)} remarks, 1 snoozed" in capsys.readouterr().err
