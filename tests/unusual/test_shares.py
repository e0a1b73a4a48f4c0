"""Shares of what is frequent, against all that ever came, remembered exactly."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.unusual.shares import Shares

PERIODS = st.lists(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 9)), max_size=12)


@given(PERIODS, st.integers(1, 9), st.sampled_from([1.0, 0.9, 0.5]))
def test_what_is_known_of_a_thing_is_never_less_than_the_truth_nor_much_more(
        periods: list[dict[str, int]], capacity: int, keep: float) -> None:
    shares, truth = Shares(), Counter[str]()
    for period in periods:
        truth = Counter({name: keep * value for name, value in truth.items()})
        truth.update(period)
        shares.learn(period, keep, capacity)
    assert shares.total == pytest.approx(sum(truth.values()))
    assert len(shares.kept) <= capacity
    for name in "abcdefgh":
        over = shares.sum_of(name) - truth[name]
        assert -0.011 * len(periods) <= over <= shares.total / capacity + 1e-9
        assert 0 <= shares.share(name) <= 1


def test_where_all_is_kept_all_is_exact_and_what_is_old_is_forgotten() -> None:
    shares = Shares()
    shares.learn({"a": 8, "b": 2}, 0.5, 10)
    shares.learn({"a": 1}, 0.5, 10)
    assert (shares.sum_of("a"), shares.sum_of("b"), shares.sum_of("c")) == (5, 1, 0)
    assert shares.share("a") == pytest.approx(5 / 6)
    for _ in range(20):
        shares.fade(0.5)
    assert shares.kept == {}
