"""The tails agree with scipy's, and the quantiles with their tails."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from streams.unusual.baselines import SPREAD_LEAST
from streams.unusual.tails import at_least, at_most, none_at_all, quantile, rare_from, t_above, t_quantile

means = st.floats(1e-3, 1e4)
sizes = st.floats(0.05, 1 / SPREAD_LEAST)
counts = st.integers(0, 2000)


@given(counts, means, sizes)
def test_tails_of_the_negative_binomial_are_scipys(count: int, mean: float, size: float) -> None:
    found = stats.nbinom(size, size / (size + mean))
    assert at_least(count, mean, size) == pytest.approx(float(found.sf(count - 1)), rel=1e-7, abs=1e-13)
    assert at_most(count, mean, size) == pytest.approx(float(found.cdf(count)), rel=1e-7, abs=1e-13)
    assert none_at_all(mean, size) == pytest.approx(float(found.logpmf(0)), rel=1e-9)


@given(counts, means, sizes)
def test_what_is_above_and_what_is_below_make_one(count: int, mean: float, size: float) -> None:
    assert at_least(count, mean, size) + at_most(count - 1, mean, size) == pytest.approx(1.0, abs=1e-9)


@given(st.floats(1e-6, 0.05), means, sizes)
def test_a_rare_count_is_the_least_one(p: float, mean: float, size: float) -> None:
    rare = rare_from(p, mean, size)
    assert at_least(rare, mean, size) < p <= at_least(rare - 1, mean, size)


@given(st.floats(0.01, 0.99), means, sizes)
def test_a_quantile_is_the_least_count_that_is_enough(p: float, mean: float, size: float) -> None:
    found = quantile(p, mean, size)
    assert at_most(found, mean, size) >= p - 1e-9
    assert found == 0 or at_most(found - 1, mean, size) < p + 1e-9


@given(st.floats(-50, 50), st.floats(1, 200))
def test_tails_of_t_are_scipys(value: float, freedom: float) -> None:
    assert t_above(value, freedom) == pytest.approx(float(stats.t(freedom).sf(value)), rel=1e-7, abs=1e-15)


@given(st.floats(0.001, 0.999), st.floats(1, 200))
def test_quantiles_of_t_are_scipys(p: float, freedom: float) -> None:
    assert t_quantile(p, freedom) == pytest.approx(float(stats.t(freedom).ppf(p)), rel=1e-6, abs=1e-8)


def test_where_nothing_is_expected_nothing_may_come() -> None:
    assert at_least(0, 0.0, 1.0) == at_most(0, 0.0, 1.0) == 1.0
    assert at_least(1, 0.0, 1.0) == at_most(-1, 1.0, 1.0) == 0.0
    assert not math.isnan(at_least(1, 1e-12, 1000.0))
