"""The kind `threshold` against its oracle, and its edges by name."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import AFTER_ALL, DAY, HOUR, MINUTE, parse_rfc3339
from streams.episodes import HoldOptions
from streams.kinds import Frontier, threshold
from streams.specs import Measure, Test, Window
from tests.folds import fold, member
from tests.oracle.threshold import Case, Told, episodes

UTC = ZoneInfo("UTC")
NEW_YORK = ZoneInfo("America/New_York")
OPS = ("gt", "gte", "lt", "lte", "eq", "neq")
INTS = st.integers(-3, 6)
FLOATS = st.one_of(INTS, st.sampled_from([0.1, 0.2, 0.3, -0.7, 1e16, -1e16, 1e-9, 2.5]))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "count": st.none(), "distinct": st.sampled_from(["a", "b", "c", 1, True, 2.0]), "ratio": st.booleans(),
}
BOUNDS: dict[str, st.SearchStrategy[Any]] = {
    "count": st.integers(0, 5), "distinct": st.integers(0, 4), "ratio": st.sampled_from([0.0, 0.5, 0.7, 1.0]),
}
MEASURES = [
    Measure(), Measure("distinct", "x"), Measure("sum", "x"), Measure("avg", "x"), Measure("min", "x"),
    Measure("max", "x"), Measure("percentile", "x", 50), Measure("percentile", "x", 90), Measure("slope", "x", per=3),
    Measure("ratio", "x"),
]


def windows(kind: str) -> st.SearchStrategy[Window]:
    if kind == "session":
        gap = st.integers(1, 6)
        return st.builds(lambda g, more: Window("session", gap=g, max=None if more is None else g + more),
                         gap, st.none() | st.integers(1, 9))
    size = st.integers(1, 12)
    if kind == "hopping":
        return st.builds(lambda hop, more: Window("hopping", hop + more, hop), st.integers(1, 7), st.integers(0, 7))
    return st.builds(lambda s: Window(kind, s), size)


@st.composite
def cases(draw: st.DrawFn, kind: str) -> Case:
    measure = draw(st.sampled_from(MEASURES))
    values = VALUES[measure.name] if measure.name in VALUES else draw(st.sampled_from([INTS, FLOATS]))
    tests = st.builds(Test, st.sampled_from(OPS), BOUNDS.get(measure.name, st.integers(-2, 6)))
    origin = draw(st.sampled_from([0, DAY - 17]))
    times = sorted(draw(st.lists(st.integers(0, 40), max_size=12)))
    members = tuple(member(origin + t, f"e{i}", value=draw(values)) for i, t in enumerate(times))
    return Case(draw(windows(kind)), measure, draw(tests), members, draw(st.none() | tests), draw(st.integers(0, 3)),
                draw(st.integers(0, 9)), draw(st.integers(0, 9)))


def told_by_fold(case: Case, until: int = AFTER_ALL, restart: bool = True) -> list[Told]:
    found = fold(detector(case), case.members, until, restart=restart)
    return [Told(one.opened, one.closed, one.value, one.ended, one.evidence) for one in found]


def detector(case: Case) -> threshold.Threshold:
    spec = {"window": case.window, "measure": case.measure, "condition": case.condition, "recovery": case.recovery,
            "min_events": case.min_events}
    return threshold.compile_rule(spec, HoldOptions(case.wait, case.keep), case.zone)


@pytest.mark.parametrize("kind", ["sliding", "tumbling", "hopping", "session"])
@given(data=st.data())
def test_fold_is_what_the_oracle_says(kind: str, data: st.DataObject) -> None:
    case = data.draw(cases(kind))
    expected = episodes(case)
    assert told_by_fold(case) == expected
    assert repr(told_by_fold(case, restart=False)) == repr(expected)
