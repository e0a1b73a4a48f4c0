"""`tocsin calibrate` from the command line: what it says, what it writes, and that rules begin with it."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from bench.detection.series import poisson
from streams.cli import main
from streams.clocks import HOUR, rfc3339
from streams.kinds.parts.exceedance import Exceedance
from streams.rulefile import check, load
from streams.tools.playing import untaught
from tests.unusual.test_profiles import LEVELS, MONDAY, usual

RULES = """\
kind: city
name: town
zone: UTC
---
kind: event_type
id: call.ems
---
kind: source
id: calls
topic: calls
format: json
event: {id: record.id, type: "'call.ems'", time: record.time, place: {district: record.district}}
---
kind: threshold
id: unusual            # a comment that stays
title: Unusual
owner: ems
event: call.ems
by: place.district
window: {type: tumbling, size: 1h}
baseline: {season: hour_of_week, memory: 4w, min_samples: 2}
condition: {above: {budget: 20/month, series: 3}}   # this one too
min_events: 2
---
kind: threshold
id: rising
title: Rising
owner: ems
event: call.ems
window: {type: tumbling, size: 1h}
baseline: {season: none}
condition: {rise: {by: 30%, over: 6h}}
---
kind: match
id: plain
title: Plain
owner: ems
event: call.ems
"""
WEEKS = 4


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Calls of three districts over five weeks."""
    lines, chance = [], Random("calls")
    for hour in range(WEEKS * 168):
        times = [(MONDAY + hour * HOUR + round(chance.random() * HOUR), key) for (key,), level in LEVELS.items()
                 for _ in range(poisson(chance, level * usual(hour)))]
        lines += [{"time": rfc3339(time), "district": key} for time, key in sorted(times)]
    path = tmp_path_factory.mktemp("calls") / "calls.json"
    path.write_text("".join(json.dumps({"id": f"c{at}", **line}) + "\n" for at, line in enumerate(lines)))
    return path


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    (tmp_path / "rules.yaml").write_text(RULES)
    return tmp_path


def calibrate(rules: Path, records: Path, *more: str, rule: str = "unusual") -> int:
    return main(["calibrate", rule, "--rules", str(rules), "--input", f"calls={records}", *more])


def test_it_says_what_it_chose_with_both_numbers_and_draws_the_trade(
        rules: Path, records: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert calibrate(rules, records, "--report", str(tmp_path / "page.html")) == 0
    told = capsys.readouterr().out
    assert "of 3 keys were judged, over 14 days after learning" in told
    assert "budget: 20 a month of all keys together; nominal p 0.0094; in fact 0.0" in told
    assert "chosen: p 0.0" in told
    assert told.count("\n  0.0") >= 4
    assert "█" in told
    assert "condition: {above: {p: 0.0" in told
    assert (rules / "rules.yaml").read_text() == RULES
    page = (tmp_path / "page.html").read_text()
    assert page.count("<rect") >= 4
    assert "http" not in page.replace("http-equiv", "")


def test_it_writes_the_condition_and_what_keys_begin_with_and_the_same_bytes_again(
        rules: Path, records: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logic = load(rules).rules["unusual"].logic
    assert calibrate(rules, records, "--write", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["findings"] <= told["allowed"] == 9
    assert told["p_nominal"] == pytest.approx(20 / 720 / 3, rel=0.03)
    changed = RULES.replace("{above: {budget: 20/month, series: 3}}", told["condition"])
    assert (rules / "rules.yaml").read_text() == changed
    document = (rules / "baselines" / "unusual.yaml").read_bytes()
    assert document.count(b"\n  - [") == 7 + 3

    (rules / "rules.yaml").write_text(RULES)  # calibrated once more, over what it wrote: nothing is another
    assert calibrate(rules, records, "--write") == 0
    assert (rules / "rules.yaml").read_text() == changed
    assert (rules / "baselines" / "unusual.yaml").read_bytes() == document

    (rules / "rules.yaml").write_text(RULES)
    assert_taught(rules, logic)


def assert_taught(rules: Path, logic: str) -> None:
    """A rule begins with what was written, and its logic stays."""
    bundle, problems = check(rules)
    assert bundle is not None
    assert [one.code for one in problems if one.file.endswith("unusual.yaml")] == []
    rule = bundle.rules["unusual"]
    detector = rule.detector
    assert isinstance(detector, Exceedance)
    assert rule.logic == logic
    for key, level in LEVELS.items():
        learnt = detector.start(key, MONDAY).learnt
        assert not detector.baseline.warming(learnt)
        assert detector.baseline.outlook(learnt, MONDAY + 12 * HOUR).mean == pytest.approx(level * usual(12), rel=0.3)
    tested = untaught(rule).detector
    assert isinstance(tested, Exceedance)
    assert tested.baseline.warming(tested.start(("c",), MONDAY).learnt)  # in a rule's tests nothing was learnt before


@pytest.mark.parametrize(("rule", "more", "text"), [
    ("plain", (), "plain has no condition `above` or `below` a baseline"),
    ("rising", (), "rising has no condition `above` or `below` a baseline"),
    ("unusal", (), "no rule 'unusal'; did you mean `unusual`?"),
    ("unusual", ("--budget", "often"), "--budget 'often': write for example 2/month"),
    ("unusual", ("--known", "2026-01-08"), "--known '2026-01-08': write from when to when"),
    ("unusual", ("--known", "2026-01-08/2026-01-07"), "it ends before it begins"),
    ("unusual", ("--known", "2026-01-08/2026-01-10", "--known", "2026-01-09/2026-01-11"), "overlap"),
    ("unusual", ("--to", "2026-01-12"), "the past is too short to judge by; of each key 336 windows are learnt first"),
    ("unusual", ("--broker", "embedded:///nowhere.db"), "give either --input"),
])
def test_what_makes_no_sense_is_said(rule: str, more: tuple[str, ...], text: str, rules: Path, records: Path,
                                     capsys: pytest.CaptureFixture[str]) -> None:
    short = records.with_name("short.json")
    short.write_text("".join(records.read_text().splitlines(keepends=True)[:200]))
    assert calibrate(rules, short, *more, rule=rule) == 2
    assert text in capsys.readouterr().err
