"""What is unusual in seven weeks of real calls: the blizzard is found on its morning, and little else."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from streams.clocks import parse_rfc3339
from streams.findings import Finding
from streams.kinds.parts.exceedance import WARMING
from tests.conftest import needs_shared
from tests.real.montco import backtest

pytestmark = [pytest.mark.real, needs_shared("data/montco911")]

RULE = """
kind: threshold
id: {id}
title: {id} above normal
event: call.*
where: '{where}'
{by}window: {{type: tumbling, size: 1h}}
baseline: {{season: hour_of_week, memory: 8w}}
condition: {{above: {{budget: 2/month, series: {series}}}}}
min_events: 5
owner: test
"""
RULES = (
    RULE.format(id="vehicles", where='title == "Traffic: DISABLED VEHICLE -"', by="", series=1)
    + "\n\n" + RULE.format(id="ambulances", where='category == "EMS"', by="by: place.district\n", series=68)
)
WEATHER = (  # the snow squall of 12 January and the blizzard of 22 to 24 January 2016
    ("2016-01-12T18:00:00Z", "2016-01-13T06:00:00Z"), ("2016-01-22T18:00:00Z", "2016-01-25T00:00:00Z"))


@cache
def found(directory: Path) -> list[Finding]:
    """All findings of both rules; the feed's silences at the end of the file are not waited for."""
    return backtest(directory, RULES)[0]


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> list[Finding]:
    return found(tmp_path_factory.mktemp("unusual"))


def test_the_blizzard_is_found_on_its_morning_with_what_was_expected(findings: list[Finding]) -> None:
    begin, noon = parse_rfc3339("2016-01-23T00:00:00Z"), parse_rfc3339("2016-01-23T12:00:00Z")
    morning = [one for one in findings if one.rule == "vehicles" and begin <= one.opened < noon]
    worst = max(morning, key=lambda one: float(one.value))
    assert worst.value >= 30
    assert worst.facts["expected"] < 3
    assert worst.facts["high"] <= 8
    assert worst.facts["p"] < 1e-5
    assert worst.facts["recurrence"] == "more than 10 years"
    assert worst.facts["during"] == "07:00–08:00"
    assert WARMING not in worst.facts


def test_the_rest_is_no_more_than_the_budget_allows(findings: list[Finding]) -> None:
    """Three weeks are judged after four of learning: two a month for each rule."""
    spans = [(parse_rfc3339(begin), parse_rfc3339(end)) for begin, end in WEATHER]
    others = [one for one in findings
              if WARMING not in one.facts and not any(begin <= one.opened < end for begin, end in spans)]
    for rule in ("vehicles", "ambulances"):
        assert sum(one.rule == rule for one in others) <= 2


def test_a_silent_feed_is_not_found_as_few_calls_nor_what_follows_as_many(findings: list[Finding]) -> None:
    after = [one for one in findings if one.rule == "ambulances" and one.facts["expected"] == 0]
    assert after == []
