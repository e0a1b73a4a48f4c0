"""A rule with a baseline, from its file: the sentence it says by itself, its holidays, what is a change of logic."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.clocks import DAY, HOUR, parse_rfc3339
from streams.kinds.parts.exceedance import Exceedance
from streams.kinds.parts.shifts import Shifted
from streams.rulefile import check
from streams.rules import Bundle
from streams.specs import Learning, Rarity, Trend
from streams.texts import text_of
from tests.conftest import shipped

BASE = """
kind: city
name: town
zone: UTC
---
kind: list
id: quiet
values: ["2026-12-25"]
---
kind: event_type
id: call.ems
---
kind: source
id: calls
topic: calls
format: json
event: {{id: record.id, type: "'call.ems'", time: record.time, place: {{district: record.district}}}}
---
kind: threshold
id: unusual
title: Unusual
event: call.ems
by: [place.district, severity]
window: {{type: tumbling, size: 1h}}
{rest}
"""
PLAIN = "baseline: {season: hour_of_week}\ncondition: {above: {budget: 2/month}}"


def loaded(directory: Path, rest: str, days: str = "", by: str = "[place.district, severity]") -> Bundle:
    text = BASE.format(rest=rest).replace("[place.district, severity]", by)
    (directory / "rules.yaml").write_text(text.replace("2026-12-25", days or "2026-12-25"))
    bundle, problems = check(directory)
    assert bundle is not None, problems
    return bundle


FACTS = {"expected": 4, "low": 2, "high": 8, "during": "06:00–07:00", "recurrence": "3 years", "p": 1e-4}


@pytest.mark.parametrize(("by", "text"), [
    ("place.district", "17 events in Norristown 06:00–07:00, normally 4 (2–8); "),
    ("[place.district, severity]", "17 events in Norristown, severe, 06:00–07:00, normally 4 (2–8); ")])
def test_it_says_what_came_and_what_is_normal_by_itself(by: str, text: str, tmp_path: Path) -> None:
    rule = loaded(tmp_path, PLAIN, by=by).rules["unusual"]
    key = {"place.district": "Norristown", "severity": "severe"}
    told = text_of(rule.alert.summary).render({"value": 17, "key": key, **FACTS})
    assert told == f"{text}as much as this about once in 3 years"


@pytest.mark.parametrize(("name", "text"), [
    ("ambulance-calls-unusual",
     "17 calls in Norristown 06:00–07:00, normally 4 (2–8); as much as this about once in 3 years."),
    ("vehicles-disabled-unusual",
     "17 vehicles 06:00–07:00, normally 4 (2–8); as much as this about once in 3 years. The last one in Norristown.")])
def test_what_comes_along_says_it_as_people_do(name: str, text: str) -> None:
    rule = shipped().rules[name]
    place = {"place": {"district": "Norristown"}}
    assert text_of(rule.alert.summary).render({"value": 17, "key": place, **FACTS, **place}) == text


SHIFT = {"expected": 178, "percent": 29, "change": 52, "since": "02:00", "delay": "14 hours"}


@pytest.mark.parametrize(("rest", "text"), [
    ("rise: {by: 30%, over: 6h}", "29 % more than normal in Norristown since 02:00: 230 events, 178 expected"),
    ("fall: {by: 30%, over: 6h}", "29 % fewer than normal in Norristown since 02:00: 230 events, 178 expected"),
    ("fall: {by: 20, over: 6h}", "52 less than normal in Norristown since 02:00: 230 on average, 178 expected")])
def test_it_says_since_when_there_is_more_by_itself(rest: str, text: str, tmp_path: Path) -> None:
    measure = "measure: {avg: place.lat}\n" if "20" in rest else ""
    made = loaded(tmp_path, f"{measure}baseline: {{}}\ncondition: {{{rest}}}", by="place.district")
    rule = made.rules["unusual"]
    assert isinstance(rule.detector, Shifted)
    assert text_of(rule.alert.summary).render({"value": 230, "key": {"place.district": "Norristown"}, **SHIFT}) == text


def test_a_rise_has_a_budget_though_none_is_written(tmp_path: Path) -> None:
    rules = [loaded(tmp_path, f"baseline: {{}}\ncondition: {{rise: {{by: 30%, over: 6h{more}}}}}").rules["unusual"]
             for more in ("", ", budget: 1/month", ", recurrence: 30d")]
    trends = [rule.spec["condition"] for rule in rules]
    assert trends[0] == trends[1] == Trend("rise", alarms=1.0, per=30 * DAY, by=0.3, share=True, over=6 * HOUR)
    assert trends[2].bound(HOUR) == pytest.approx(trends[0].bound(HOUR))
    assert rules[0].logic == rules[1].logic != rules[2].logic


def test_what_its_author_says_stands(tmp_path: Path) -> None:
    made = loaded(tmp_path, f"{PLAIN}\nalert: {{summary: 'normally {{{{ expected }}}}'}}")
    assert made.rules["unusual"].alert.summary == "normally {{ expected }}"
    assert "expected" not in made.rules["unusual"].facts


def test_what_is_not_written_has_its_default(tmp_path: Path) -> None:
    spec = loaded(tmp_path, "baseline: {}\ncondition: {below: {recurrence: 30d}}").rules["unusual"].spec
    assert spec["baseline"] == Learning("hour_of_week", 56 * DAY)
    assert spec["condition"] == Rarity("below", recurrence=30 * DAY)


@pytest.mark.parametrize("days", ["2026-12-25", "2026-12-26"])
def test_holidays_come_from_a_list_and_its_days_are_no_logic(tmp_path: Path, days: str) -> None:
    rest = PLAIN.replace("hour_of_week", "hour_of_week, holidays: lists.quiet")
    rule = loaded(tmp_path, rest, days).rules["unusual"]
    assert isinstance(rule.detector, Exceedance)
    assert rule.detector.holidays == {parse_rfc3339(f"{days}T00:00:00Z") // DAY}
    assert rule.logic == loaded(tmp_path, rest).rules["unusual"].logic
    assert rule.logic != loaded(tmp_path, PLAIN).rules["unusual"].logic


@pytest.mark.parametrize("rest", [
    "baseline: {season: hour_of_day}\ncondition: {above: {budget: 2/month}}",
    "baseline: {memory: 4w}\ncondition: {above: {budget: 2/month}}",
    "baseline: {}\ncondition: {above: {budget: 2/month, series: 3}}",
    "baseline: {}\ncondition: {below: {budget: 2/month}}"])
def test_what_is_learnt_or_asked_otherwise_is_another_logic(tmp_path: Path, rest: str) -> None:
    assert loaded(tmp_path, rest).rules["unusual"].logic != loaded(tmp_path, PLAIN).rules["unusual"].logic
