"""Which probability a history asks for: as many findings as the budget allows, and not one more."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import DAY, HOUR
from streams.kinds.parts.exceedance import COMMONEST
from streams.records import KeyValues
from streams.tools.calibrating.choosing import Budget, History, choose, history_of, ladder, nominal_of
from streams.tools.calibrating.recording import Bin, Page

MONTH = 30 * DAY


def history(keys: dict[KeyValues, list[float]]) -> History:
    hours = max(len(one) for one in keys.values())
    return History({key: [(at * HOUR, p) for at, p in enumerate(one)] for key, one in keys.items()}, HOUR,
                   sum(map(len, keys.values())), hours * HOUR)


def runs(one: list[float], p: float) -> int:
    """The slow way: how many stretches of hours are rarer."""
    return sum(b < p and not a < p for a, b in zip([1.0, *one], one, strict=False))


rare = st.sampled_from([1.0, 0.5, 0.02]) | st.floats(1e-9, 0.06)


@given(st.lists(st.lists(rare, min_size=40, max_size=40), min_size=1, max_size=3), st.floats(0.5, 200))
def test_the_history_has_just_as_many_findings_as_the_budget_allows(lists: list[list[float]], alarms: float) -> None:
    keys: dict[KeyValues, list[float]] = {(str(at),): one for at, one in enumerate(lists)}
    past, budget = history(keys), Budget(alarms, MONTH)
    found = choose(past, budget)
    assert past.findings(found.p) == sum(runs(one, found.p) for one in lists) <= found.allowed or found.capped
    assert found.allowed == math.floor(alarms * 40 * HOUR / MONTH)
    assert found.nominal == pytest.approx(min(COMMONEST, alarms / (720 * len(lists))))
    if found.capped:
        assert found.nominal * 0.9 < found.p <= found.nominal
    elif found.p < COMMONEST * 0.99:  # the next that is rarer would be one too many
        assert any(past.findings(math.nextafter(p, 1)) > found.allowed
                   for one in lists for p in one if found.p <= p < found.p * 1.2)


def test_hours_that_follow_each_other_are_one_finding() -> None:
    past = history({("a",): [1e-4, 1e-5, 0.5, 1e-4], ("b",): [1e-4, 0.5, 0.5, 0.5]})
    assert [past.findings(p) for p in (1e-2, 5e-5, 1e-6)] == [3, 1, 0]
    assert past.share(1e-2) == 4 / 8


def test_what_was_known_and_what_was_not_believed_is_not_judged() -> None:
    bins = {at * HOUR: Bin(1, 1e-6, at >= 2) for at in range(10)}
    page = Page(bins)
    past = history_of({("a",): page}, HOUR, 0, 10 * HOUR, [(4 * HOUR, 6 * HOUR)])
    assert [begin // HOUR for begin, _ in past.keys["a",]] == [2, 3, 6, 7, 8, 9]
    assert (past.total, past.span) == (6, 6 * HOUR)
    assert nominal_of(past, Budget(1, 60 * HOUR)) == pytest.approx(1 / 60)


def test_the_ladder_shows_what_is_marked_among_round_numbers() -> None:
    steps = ladder(history({(): [1.0]}), [2.5e-4, 1.1e-5])
    assert steps == sorted(steps, reverse=True)
    assert {2.5e-4, 1.1e-5, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 1e-6} <= set(steps)
    assert max(steps) <= COMMONEST
