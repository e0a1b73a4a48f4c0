"""The least counts for a bar, by themselves and from the table."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from streams.unusual.bars import Steps, least_for, score
from streams.unusual.dice import tail
from streams.unusual.scanning import NOTHING


@given(st.floats(0.01, 40), st.floats(0.0001, 200))
def test_the_least_count_for_a_bar_is_the_smallest_that_reaches_it(bar: float, expected: float) -> None:
    found = least_for(bar, expected)
    assert score(found, expected) >= bar
    assert score(found - 1, expected) < bar


@given(st.integers(1, 40), st.floats(0.01, 30))
def test_a_count_itself_is_the_least_for_its_own_score(count: int, expected: float) -> None:
    assume(count > expected and score(count, expected) > NOTHING)
    assert least_for(score(count, expected), expected) == count
    assert Steps(score(count, expected), 1, expected).least_at(expected) <= count


@given(st.floats(1, 40), st.integers(1, 4), st.lists(st.floats(0.0001, 900), min_size=1, max_size=5))
def test_the_table_tells_the_same_and_nearly_the_same_probability(bar: float, least: int,
                                                                  expected: list[float]) -> None:
    steps = Steps(bar, least, max(expected))
    for one in expected:
        need, probable = steps.at(one)
        assert need == steps.least_at(one)
        assert need == max(least, least_for(bar, one)) or score(need, one) == pytest.approx(bar, abs=1e-6)
        assert probable == pytest.approx(tail(need, one), rel=0.05)
