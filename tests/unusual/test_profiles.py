"""A key that begins with what others were like knows at once what one that learnt for weeks knows."""

from __future__ import annotations

from functools import cache
from random import Random
from zoneinfo import ZoneInfo

import pytest

from bench.detection.series import HOURS_A_WEEK, poisson
from streams.clocks import HOUR, WEEK, parse_rfc3339
from streams.records import KeyValues
from streams.unusual.baselines import Counts, Learnt, Season
from streams.unusual.profiles import Profile

WEEKLY = Season("hour_of_week", HOUR, ZoneInfo("UTC"))
MONDAY = parse_rfc3339("2026-01-05T00:00:00Z")
LEVELS = {("a",): 0.2, ("b",): 1.0, ("c",): 6.0}
HISTORY = 6 * HOURS_A_WEEK


def usual(hour: int) -> float:
    """Three times as much by day as by night, half as much at weekends."""
    return (1.5 if 8 <= hour % 24 < 20 else 0.5) * (1.0 if hour % HOURS_A_WEEK < 120 else 0.5)


def counts(key: KeyValues, hours: range, level: float) -> list[int]:
    chance = Random(f"{key} {hours}")
    return [poisson(chance, level * usual(hour)) for hour in hours]


def taught(baseline: Counts, learnt: Learnt, key: KeyValues, hours: range, level: float) -> Learnt:
    for hour, count in zip(hours, counts(key, hours, level), strict=True):
        baseline.learn(learnt, MONDAY + hour * HOUR, count)
    return learnt


@cache
def profile() -> Profile:
    plain, hours = Counts(WEEKLY, 8 * WEEK), range(HISTORY)
    learnt = {key: taught(plain, plain.begin(), key, hours, level) for key, level in LEVELS.items()}
    return plain.profile_of(learnt, {key: sum(counts(key, hours, level)) for key, level in LEVELS.items()}, HISTORY)


def test_the_curve_and_the_levels_are_those_of_the_history() -> None:
    found = profile()
    assert found.bins == HISTORY
    assert len(found.curve) == HOURS_A_WEEK
    assert sum(found.curve) / HOURS_A_WEEK == pytest.approx(1.0, abs=1e-3)
    for hour in (3, 12, 123, 132):
        assert found.curve[hour] == pytest.approx(usual(hour) / (0.857), rel=0.25)
    for key, level in LEVELS.items():
        assert found.levels[key] == pytest.approx(level * 0.857, rel=0.15)
    assert found.others == found.levels["b",]  # the middle one
    assert found.scatter < 0.05


@pytest.mark.parametrize("key", LEVELS)
def test_a_known_key_is_believed_at_once(key: KeyValues) -> None:
    known = Counts(WEEKLY, 8 * WEEK, profile=profile())
    learnt = known.begin(key)
    assert not known.warming(learnt)
    for hour in (3, 12, 132):
        outlook = known.outlook(learnt, MONDAY + hour * HOUR)
        assert outlook.mean == pytest.approx(LEVELS[key] * usual(hour), rel=0.25)
        assert 1 / outlook.spread == pytest.approx(profile().scatter, abs=0.02)


@pytest.mark.parametrize("level", [0.1, 5.0])
def test_an_unknown_key_has_the_curve_and_finds_its_level_within_some_twenty_events(level: float) -> None:
    known = Counts(WEEKLY, 8 * WEEK, profile=profile())
    learnt = known.begin(("new",))
    assert known.warming(learnt)
    assert not known.warming(taught(known, learnt, ("new",), range(24), level))
    taught(known, learnt, ("new",), range(24, 168), level)
    night, noon = (known.outlook(learnt, MONDAY + hour * HOUR).mean for hour in (3, 12))
    assert noon == pytest.approx(level * usual(12), rel=0.6)
    assert noon / night == pytest.approx(3.0, rel=0.3)


def test_what_comes_replaces_what_was_held_for_normal() -> None:
    known = Counts(WEEKLY, 8 * WEEK, profile=profile())
    learnt = known.begin(("a",))
    for hour in range(12 * HOURS_A_WEEK):
        known.learn(learnt, MONDAY + hour * HOUR, 4)
    assert known.outlook(learnt, MONDAY).mean == pytest.approx(4.0, rel=0.15)
