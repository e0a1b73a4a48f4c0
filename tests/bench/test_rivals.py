"""The detectors that ours is measured against find what others have published of them."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from scipy import optimize, stats

from bench.detection import farrington
from bench.detection.rivals import c3, moving

# Cases of Salmonella Newport in Germany by week (SurvStat@RKI 2.0, as in R's surveillance::salmNewport): those of 2004
# to 2010, and of 2011 and 2012 with the weeks at which R's package alarms (alpha 0.001 for EARS; Farrington b=3, w=3,
# alpha=0.01), as the tests of the Python package epysurv have them.
BEFORE = """
0 0 2 2 1 0 1 1 2 5 1 1 0 0 1 0 3 3 3 1 3 1 1 0 1 3 0 1 1 1 3 1 0 3 3 3 3 2 4 2 3 6 2 3 2 2 3 1 1 0 4 2
1 3 1 2 2 1 1 1 1 5 2 3 1 0 2 3 3 3 0 3 1 2 7 4 3 3 10 7 6 3 2 0 4 3 5 7 8 3 9 5 2 3 0 4 1 1 1 1 4 2 1 1
1 1 2 1 1 3 3 2 1 3 1 1 1 4 1 2 2 1 3 3 4 4 3 7 2 3 6 7 8 4 1 3 5 7 3 5 6 2 8 1 5 7 1 4 2 3 4 9 7 3 4 6
4 2 2 5 5 5 1 2 0 3 2 3 4 5 5 1 1 1 1 2 4 2 3 3 6 7 0 0 3 5 4 0 2 0 1 7 6 5 3 5 1 2 4 3 3 3 4 4 13 6 2 1 1
2 0 1 1 4 3 0 1 0 0 4 1 1 2 2 2 3 0 4 2 3 3 1 2 3 3 3 2 2 8 8 2 5 3 2 4 1 3 3 4 1 5 6 5 3 3 1 2 4 1 4 0
4 0 3 2 0 0 1 1 0 1 2 2 0 1 0 1 6 2 1 5 1 2 1 0 5 0 0 3 1 2 4 3 2 3 6 4 3 2 2 2 4 7 7 3 3 1 6 1 1 1 0 0
0 1 1 2 3 1 3 1 1 1 1 0 3 1 1 1 1 1 1 0 2 2 1 2 2 2 3 3 1 2 0 3 1 3 1 2 1 2 0 0 4 3 3 5 3 1 1 1 3 3 1 2
"""
SINCE = """
1 0 3 3 3 1 0 0 0 1 3 0 2 2 3 3 0 3 2 1 2 1 1 0 3 1 2 0 0 2 5 2 0 3 6 1 2 1 2 0 2 0 3 9 41 45 17 3 3 5 11 5
4 5 2 6 3 0 5 3 3 4 1 1 3 0 0 1 1 2 2 0 1 0 2 4 1 6 3 3 0 3 6 1 5 1 2 3 7 2 7 3 2 4 8 1 2 4 3 2 4 3 0 0 1
"""
FIRST = date(2004, 1, 5)
CASES = [int(one) for one in (BEFORE + SINCE).split()]
BEGIN = len(BEFORE.split())
OF_C1 = "2011-08-01 2011-10-31 2011-11-07 2012-06-11 2012-06-25"
OF_C2 = OF_C1 + " 2011-11-14 2011-11-21"
OF_C3 = "2011-11-14 2011-11-21 2011-11-28 2011-12-05 2012-07-02 2012-07-09"
OF_FARRINGTON = ("2011-11-07 2011-11-14 2011-11-21 2011-12-19 2012-01-23 2012-02-13 2012-06-25 2012-09-10 "
                 "2012-09-24")


def weeks(text: str) -> set[date]:
    return {date.fromisoformat(one) for one in text.split()}


def week(at: int) -> date:
    return FIRST + timedelta(weeks=at)


@pytest.mark.parametrize(("scores", "published"), [(moving(7), OF_C1), (moving(7, 2), OF_C2), (c3((1, 2)), OF_C3)])
def test_ears_alarms_in_the_weeks_at_which_r_alarms(scores, published) -> None:  # type: ignore[no-untyped-def]
    bound = stats.norm.ppf(0.999)
    found = {week(at) for at, score in enumerate(scores(CASES)) if at >= BEGIN and score > bound}
    assert found == weeks(published)


def test_the_bound_of_c1_is_that_of_the_tests_of_r() -> None:
    """`surveillance`'s test of earsC has the first four bounds of 2011 at alpha 0.05."""
    published = [3.278854, 3.278854, 3.436517, 3.855617]
    for at, bound in enumerate(published, start=BEGIN):
        mean = sum(CASES[at - 7:at]) / 7
        *_, deviations = moving(7)([*CASES[:at], 100])
        assert mean + stats.norm.ppf(0.95) * (100 - mean) / deviations == pytest.approx(bound, abs=1e-6)


def references(at: int, back: int = 3, around: int = 3) -> list[int]:
    """The weeks around the same day of the last years, moved to the nearest Monday."""
    found: list[int] = []
    for years in range(1, back + 1):
        day = week(at).replace(year=week(at).year - years)
        middle = round((day - FIRST).days / 7)
        found += range(middle - around, middle + around + 1)
    return found


def test_farrington_alarms_in_the_weeks_at_which_r_alarms() -> None:
    at = range(BEGIN, len(CASES))
    places = np.array([references(one) for one in at])
    counts = np.asarray(CASES, dtype=np.float64)
    foretold = farrington.foretell(counts[places], (places - np.array(at)[:, None]) / 1.0)
    above = foretold.above(counts[BEGIN:]) > stats.norm.ppf(0.995)
    found = {week(one) for one, alarm in zip(at, above & farrington.enough(CASES)[BEGIN:], strict=True) if alarm}
    assert found == weeks(OF_FARRINGTON)


def test_farrington_bounds_are_those_of_the_tests_of_r() -> None:
    """`surveillance`'s test of the threshold: 5 foretold with an error of 0.2, no scatter beyond chance, 8 counted."""
    mean, scatter, error = np.array([5.0]), np.array([1.0]), np.array([0.2])
    foretold = farrington.Foretold(mean, farrington.deviation_of(mean, scatter, error))
    z = stats.norm.ppf(1 - 0.05)
    assert foretold.bound(-z)[0] == pytest.approx(1.8084477, abs=1e-6)
    assert foretold.bound(z)[0] == pytest.approx(9.1154825, abs=1e-6)
    assert 1 - stats.norm.cdf(foretold.above(np.array([8.0])))[0] == pytest.approx(0.1094727, abs=1e-6)


def test_the_regression_is_the_one_of_most_likelihood() -> None:
    chance = np.random.default_rng(1)
    times = np.tile(np.arange(-24.0, 0.0), (3, 1)) / 8
    counts = chance.poisson(np.exp(1.0 + 0.3 * times)).astype(float)
    weights = chance.uniform(0.5, 1.5, counts.shape)
    found = farrington.fit(counts, times, weights, trend=True)
    for row in range(3):
        def loss(line, row=row):  # type: ignore[no-untyped-def]
            eta = line[0] + line[1] * times[row]
            return float((weights[row] * (np.exp(eta) - counts[row] * eta)).sum())
        best = optimize.minimize(loss, [0.0, 0.0], tol=1e-10)
        assert [found.level[row], found.rise[row]] == pytest.approx(best.x, abs=1e-4)
        design = np.stack([np.ones(24), times[row]])
        inverse = np.linalg.inv((design * weights[row] * np.exp(best.x @ design)) @ design.T)
        assert [one[row] for one in found.covariance] == pytest.approx(inverse.ravel()[[0, 1, 3]], rel=1e-3)
    flat = farrington.fit(counts, times, weights, trend=False)
    assert np.exp(flat.level) == pytest.approx((weights * counts).sum(axis=1) / weights.sum(axis=1))
