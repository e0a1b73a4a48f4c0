"""What is unusual in real data: shipped rules within their budget, gaps that are only gaps, the Numenta benchmark."""

from __future__ import annotations

import pytest

from bench.detection import air, calls, nab
from bench.detection.scoring import PROFILES, best
from tests.conftest import needs_shared

pytestmark = pytest.mark.real


@needs_shared("data/montco911")
def test_all_shipped_rules_about_what_is_unusual_together_find_no_more_than_they_may() -> None:
    """Their budgets, over the time they are judged by; what was found in the storms is no false alarm."""
    watches = calls.watches()
    assert {"vehicles-disabled-unusual", "ambulance-calls-unusual"} <= {one.rule.id for one in watches}
    assert all(one.judged > 0 for one in watches)
    others = [(one.rule.id, finding.key, finding.opened) for one in watches for finding in one.others]
    assert len(others) <= sum(one.allowed for one in watches), others


@needs_shared("data/montco911")
def test_the_blizzard_is_told_with_what_was_seen_and_expected() -> None:
    vehicles = next(one for one in calls.watches() if one.rule.id == "vehicles-disabled-unusual")
    assert any(one.value >= 30 and one.facts["expected"] < 3 for one in vehicles.stormy)


@needs_shared("data/london_air")
def test_real_gaps_of_a_sensor_are_found_as_missing_and_as_nothing_else() -> None:
    findings = air.backtest(air.year())
    for pollutant in air.POLLUTANTS:
        counts = air.in_gaps(findings, pollutant)
        assert counts["missing"] == counts["gaps"] > 5
        assert counts["above"] == counts["below"] == counts["stuck"] == 0
        _, otherwise = air.false_alarms(findings, pollutant)
        assert otherwise < 1.5 * 2 * 1000 / 365  # a rule above and one below, 2 a month each; a month has 730 hours


@needs_shared("data/nab")
def test_a_plain_baseline_is_no_worse_than_a_moving_z_score_on_the_numenta_benchmark() -> None:
    way = nab.WAYS[0]
    found = [nab.alarms(sensor, [way]) for sensor in nab.sensors()]
    corpus = [sensor.labelled for sensor in nab.sensors()]
    scores = [list(nab.gaussian(sensor.values)) for sensor in nab.sensors()]
    for profile, (_, score) in zip(PROFILES, nab.ours(way, found), strict=True):
        assert score > max(50.0, best(corpus, scores, profile)[1])
