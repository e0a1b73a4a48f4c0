"""The scoring rule of the Numenta benchmark gives the scores that its repository holds, and has its properties."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.detection.scoring import PROFILES, Labelled, best, in_proportion, score, sigmoid, worths

STANDARD = PROFILES[0]
SPEED, OCCUPANCY = Labelled(2500, ((2261, 2499),)), Labelled(2380, ((1645, 1883),))  # rows and windows of the corpus
TRAVEL, NOISE, JUMPS = Labelled(2162, ((438, 654),)), Labelled(4032, ()), Labelled(4032, ((2787, 3189),))
CORPUS = (SPEED, OCCUPANCY, TRAVEL, NOISE, JUMPS)


@pytest.mark.parametrize(("position", "value"), [
    (-1.0, 0.98661), (-0.5, 0.84828), (0.0, 0.0), (1.0, -0.98661), (3.0, -1.0)])
def test_the_sigmoid_is_the_published_one(position: float, value: float) -> None:
    assert sigmoid(position) == pytest.approx(value, abs=1e-5)


@pytest.mark.parametrize(("series", "published"), [
    (SPEED, 0.8426220017559383),    # Etsy Skyline, three alarms in the window and none outside
    (TRAVEL, 0.568159134461),       # Numenta HTM, one alarm in the window
    (JUMPS, 0.760614306128),        # Twitter ADVec, eight alarms in the window
])
def test_published_scores_of_one_window_are_those_of_one_of_its_rows(series: Labelled, published: float) -> None:
    (left, right), = series.windows
    assert sum(math.isclose(score(series, [row], STANDARD), published, abs_tol=1e-11)
               for row in range(left, right + 1)) == 1


def test_published_scores_of_false_alarms() -> None:
    assert score(NOISE, range(700, 708), STANDARD) == pytest.approx(-0.88)  # Twitter ADVec: eight
    assert score(NOISE, range(700, 712), STANDARD) == pytest.approx(-1.32)  # Bayesian change point: twelve
    behind = [score(TRAVEL, [row], STANDARD) for row in range(655, TRAVEL.rows)]
    assert sum(math.isclose(one, -1.1097565965686436, abs_tol=1e-13) for one in behind) == 1  # the same: one behind


@pytest.mark.parametrize(("series", "inside", "outside"), [
    (SPEED, 239, 1886), (OCCUPANCY, 239, 1784), (TRAVEL, 217, 1621), (NOISE, 0, 3428), (JUMPS, 403, 3025)])
def test_as_many_rows_are_judged_as_published(series: Labelled, inside: int, outside: int) -> None:
    judged = worths(series)[series.first:]
    assert sum(one.window is not None for one in judged) == inside
    assert sum(one.window is None for one in judged) == outside


@pytest.mark.parametrize("profile", PROFILES, ids=lambda one: one.name)
def test_silence_is_0_and_perfection_100(profile) -> None:  # type: ignore[no-untyped-def]
    silence = sum(score(series, [], profile) for series in CORPUS)
    perfection = sum(score(series, [left for left, _ in series.windows], profile) for series in CORPUS)
    assert in_proportion(silence, CORPUS, profile) == pytest.approx(0.0)
    assert in_proportion(perfection, CORPUS, profile) == pytest.approx(100.0)


SMALL = Labelled(40, ((10, 15), (25, 32)))


@given(alarms=st.sets(st.integers(6, 39)), row=st.integers(6, 39))
def test_an_alarm_more_helps_in_a_window_and_costs_outside(alarms: set[int], row: int) -> None:
    before, after = score(SMALL, alarms - {row}, STANDARD), score(SMALL, alarms | {row}, STANDARD)
    assert after >= before if worths(SMALL)[row].window is not None else after < before


@given(values=st.lists(st.integers(0, 5), min_size=40, max_size=40))
def test_the_best_bound_is_that_of_trying_all(values: list[int]) -> None:
    for profile in PROFILES:
        bound, most = best([SMALL], [values], profile)
        tried = {one: score(SMALL, [row for row, value in enumerate(values) if value >= one], profile)
                 for one in [*set(values), math.inf]}
        assert most == pytest.approx(in_proportion(max(tried.values()), [SMALL], profile))
        assert tried[bound] == pytest.approx(max(tried.values()))
