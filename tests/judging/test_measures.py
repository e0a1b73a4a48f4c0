"""Measures depend on what is in the window and on nothing else, to the last bit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import HOUR, MINUTE
from streams.conditions.values import UInt
from streams.judging.measures import Extent, always, extent, measured_by, never, overlap, usable
from streams.records import Member
from streams.specs import OPERATORS, Measure, Test
from tests.folds import member
from tests.oracle.threshold import measured

NUMBERS = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.floats(-1e300, 1e300), st.sampled_from([0.1, 0.2, 0.3, 1e16, -1e16, 5e-324, 2**53, 2**53 + 1, float(2**53)]))
ANYTHING = st.one_of(st.text(max_size=2), st.booleans(), st.integers(-1, 2), st.sampled_from([0.0, 1.0, 0.5]))
OF_NUMBERS = [Measure(name, "x") for name in ("sum", "avg", "min", "max", "slope", "spread")] + [
    Measure("percentile", "x", percent) for percent in (50, 75, 99)]
OF_OTHERS = [(Measure("distinct", "x"), ANYTHING), (Measure("ratio", "x"), st.booleans())]


@st.composite
def histories(draw: st.DrawFn) -> tuple[Measure, list[tuple[bool, Member]]]:
    """A measure and what comes and goes: (True, the newest) or (False, the oldest)."""
    measure, values = draw(st.sampled_from([*((one, NUMBERS) for one in OF_NUMBERS), *OF_OTHERS]))
    moves: list[tuple[bool, Member]] = []
    inside: list[Member] = []
    time = draw(st.sampled_from([0, 1_700_000_000_000_000]))
    for comes in draw(st.lists(st.sampled_from([True, True, False]), max_size=20)):
        if comes:
            time += draw(st.sampled_from([0, 1, 1_000_000, HOUR]))
            inside.append(member(time, f"e{len(moves)}", value=draw(values)))
            moves.append((True, inside[-1]))
        elif inside:
            moves.append((False, inside.pop(0)))
    return measure, moves


@given(histories())
def test_what_has_left_leaves_no_trace(history: tuple[Measure, list[tuple[bool, Member]]]) -> None:
    measure, moves = history
    begin = measured_by(measure)
    assert begin is not None
    kept, inside = begin(), []
    for comes, one in moves:
        if comes:
            kept.add(one)
            inside.append(one)
        else:
            kept.drop(one)
            inside.pop(0)
        assert repr(kept.value()) == repr(measured(measure, tuple(inside)))


def value_of(measure: Measure, *values: Any, step: int = MINUTE) -> Any:
    begin = measured_by(measure)
    assert begin is not None
    found = begin()
    for i, value in enumerate(values):
        found.add(member(i * step, f"e{i}", value=value))
    return found.value()


@pytest.mark.parametrize(("measure", "values", "expected"), [
    (Measure("sum"), (1, 2), 3),
    (Measure("sum"), (0.1,) * 10, 1.0),
    (Measure("sum"), (1e16, 1, -1e16), 1.0),
    (Measure("sum"), (1e308, 1e308), float("inf")),
    (Measure("sum"), (-1e308, -1e308), -float("inf")),
    (Measure("sum"), (2**63 - 1, 1), 2.0**63),
    (Measure("avg"), (1, 2), 1.5),
    (Measure("max"), (3, 1, 2), 3),
    (Measure("spread"), (3, 1, 2), 2),
    (Measure("spread"), (0.25, 2.0), 1.75),
    (Measure("spread"), (2**63 - 1, -2**63), 2.0**64),
    (Measure("percentile", "x", 50), (4, 1, 3, 2), 2.5),
    (Measure("percentile", "x", 90), (1, 2, 3, 4), 3.7),
    (Measure("percentile", "x", 99), (7,), 7.0),
    (Measure("slope"), (1, 2, 3), 60.0),
    (Measure("slope", per=MINUTE), (1, 2, 3), 1.0),
    (Measure("slope"), (1,), None),
    (Measure("ratio"), (True, False, True, True), 0.75),
    (Measure("distinct"), (True, 1, 1.0, "1"), 3),
    (Measure("distinct"), ([1, 2], [1, 2], [2, 1], {"a": 1}), 3),
])
def test_what_is_measured(measure: Measure, values: tuple[Any, ...], expected: Any) -> None:
    found = value_of(measure, *values)
    assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize(("name", "nothing"), [("sum", 0), ("distinct", 0), ("avg", None), ("max", None),
                                               ("slope", None), ("ratio", None), ("spread", None), ("deviation", None)])
def test_what_nothing_measures(name: str, nothing: int | None) -> None:
    assert value_of(Measure(name)) == nothing


def test_a_slope_of_one_instant_is_none() -> None:
    assert value_of(Measure("slope"), 1, 2, step=0) is None


def test_which_values_count() -> None:
    nan, inf = float("nan"), float("inf")
    assert usable(Measure()) is None
    for name, good, bad in (("avg", (1, 0.5, UInt(2)), (nan, inf, True, "1", None, [])),
                            ("ratio", (True, False), (1, 0.0, "true", None)),
                            ("distinct", ("a", inf, [], 0), (nan, None))):
        counts = usable(Measure(name))
        assert counts is not None
        assert (all(map(counts, good)), any(map(counts, bad))) == (True, False)


TESTS = st.builds(Test, st.sampled_from(sorted(OPERATORS)), st.sampled_from([-1, 0, 0.5, 1, 2, 2.5, 3]))
EXTENTS = st.sampled_from([Extent(), Extent(0, None, whole=True), Extent(1, None, whole=True), Extent(0, 1)])


def values_in(one: Extent) -> list[float]:
    """Enough of the values of an extent to tell any two tests with the bounds above apart."""
    tried = [value / 4 for value in range(-20, 41)]
    return [value for value in tried if (one.low is None or value >= one.low)
            and (one.high is None or value <= one.high) and (not one.whole or value == int(value))]


@given(TESTS, TESTS, EXTENTS)
def test_what_can_never_or_always_pass(one: Test, other: Test, possible: Extent) -> None:
    values = values_in(possible)
    assert never(one, possible) is not any(map(one.holds, values))
    assert always(one, possible) is all(map(one.holds, values))
    assert overlap(one, other, possible) is any(one.holds(value) and other.holds(value) for value in values)


def test_which_values_can_be_measured() -> None:
    assert extent(Measure(), 2) == Extent(2, None, whole=True)
    assert extent(Measure("distinct"), 2) == Extent(1, None, whole=True)
    assert extent(Measure("ratio"), 1) == Extent(0, 1)
    assert extent(Measure("avg"), 1) == Extent()
