"""What is unusual in seven weeks of real calls, by the rules that come with Tocsin: the blizzard, and little else."""

from __future__ import annotations

import pytest

from streams.clocks import parse_rfc3339
from streams.findings import RETRACTED, Finding
from streams.kinds.parts.exceedance import WARMING
from streams.rulefile import workshop
from streams.tools.backtest import Backtest
from streams.tools.backtesting.command import chosen
from tests.conftest import ROOT, needs_shared, shared
from tests.real.montco import CALLS

pytestmark = [pytest.mark.real, needs_shared("data/montco911")]

VEHICLES, AMBULANCES = "vehicles-disabled-unusual", "ambulance-calls-unusual"
WEATHER = (  # the snow squall of 12 January and the blizzard of 22 to 24 January 2016
    ("2016-01-12T13:00:00-05:00", "2016-01-13T01:00:00-05:00"),
    ("2016-01-22T13:00:00-05:00", "2016-01-24T19:00:00-05:00"))


@pytest.fixture(scope="module")
def findings() -> list[Finding]:
    """All findings of both rules."""
    bundle = chosen(workshop(ROOT / "rules"), [VEHICLES, AMBULANCES])
    one = Backtest(bundle, [("montco911", shared() / CALLS)], finish=True)
    return [finding for finding in one.final() if finding.change != RETRACTED]


def test_the_blizzard_is_found_on_its_morning_with_what_was_expected(findings: list[Finding]) -> None:
    begin, noon = parse_rfc3339("2016-01-23T00:00:00-05:00"), parse_rfc3339("2016-01-23T12:00:00-05:00")
    morning = [one for one in findings if one.rule == VEHICLES and begin <= one.opened < noon]
    worst = max(morning, key=lambda one: float(one.value))
    assert worst.value >= 30
    assert worst.facts["expected"] < 3
    assert worst.facts["high"] <= 8
    assert worst.facts["p"] < 1e-5
    assert worst.facts["recurrence"] == "more than 10 years"
    assert worst.facts["during"] == "20:00–21:00"  # by the clocks of the rule's city; there it was 7 in the morning
    assert WARMING not in worst.facts


def test_the_rest_is_no_more_than_the_budget_allows(findings: list[Finding]) -> None:
    """Three weeks are judged after four of learning: two a month for each rule."""
    spans = [(parse_rfc3339(begin), parse_rfc3339(end)) for begin, end in WEATHER]
    others = [one for one in findings
              if WARMING not in one.facts and not any(begin <= one.opened < end for begin, end in spans)]
    for rule in (VEHICLES, AMBULANCES):
        assert sum(one.rule == rule for one in others) <= 2


def test_a_silent_feed_is_not_found_as_few_calls_nor_what_follows_as_many(findings: list[Finding]) -> None:
    after = [one for one in findings if one.rule == AMBULANCES and one.facts["expected"] == 0]
    assert after == []
