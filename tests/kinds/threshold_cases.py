"""Made-up `threshold` rules with a history, for the tests of their meaning and of their promises."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from hypothesis import strategies as st

from streams.clocks import DAY
from streams.judging.episodes import EVIDENCE_LIMIT, Episode, HoldOptions
from streams.kinds import threshold
from streams.specs import Measure, Test, Window
from tests.folds import member
from tests.oracle.threshold import Case, Told

KINDS = ("sliding", "tumbling", "hopping", "session")
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
    Measure("max", "x"), Measure("percentile", "x", 50), Measure("percentile", "x", 90),
    Measure("slope", "x", per=3), Measure("ratio", "x"), Measure("spread", "x"),
]
STEPS = st.sampled_from([0, 0, 1, 1, 1, 2, 2, 3, 4, 6, 9, 14])
WAITS = st.sampled_from([0, 0, 0, 1, 2, 3, 5, 9])


def windows(kind: str) -> st.SearchStrategy[Window]:
    few = st.integers(1, 7)
    if kind == "session":
        return st.builds(lambda gap, more: Window("session", gap=gap, max=more and gap + more), few, st.none() | few)
    if kind == "hopping":
        return st.builds(lambda hop, more: Window("hopping", hop + more, hop), few, st.integers(0, 7))
    return st.builds(lambda size: Window(kind, size), st.integers(1, 12))


@st.composite
def cases(draw: st.DrawFn, kind: str, measures: list[Measure] = MEASURES, ops: tuple[str, ...] = OPS) -> Case:
    measure = draw(st.sampled_from(measures))
    values = VALUES[measure.name] if measure.name in VALUES else draw(st.sampled_from([INTS, FLOATS]))
    bounds = BOUNDS.get(measure.name, st.integers(-2, 6))
    recoveries = st.none() | st.builds(Test, st.sampled_from(OPS), bounds)
    origin = draw(st.sampled_from([0, DAY - 17]))
    times = accumulate(draw(st.lists(STEPS, max_size=14)), initial=origin)
    members = tuple(member(time, f"e{i}", value=draw(values)) for i, time in enumerate(times))
    return Case(draw(windows(kind)), measure, draw(st.builds(Test, st.sampled_from(ops), bounds)), members,
                draw(recoveries), draw(st.sampled_from([0, 0, 1, 2, 3])), draw(WAITS), draw(WAITS))


def compiled(case: Case) -> threshold.Threshold:
    spec = {"window": case.window, "measure": case.measure, "condition": case.condition,
            "recovery": case.recovery, "min_events": case.min_events}
    found = threshold.compile_rule(spec, HoldOptions(case.wait, case.keep), case.zone)
    assert isinstance(found, threshold.Threshold)
    return found


def told(found: list[Episode]) -> list[Told]:
    """Episodes as the oracle tells them; their other fields agree with those."""
    for one in found:
        assert len(one.evidence) == min(one.count, EVIDENCE_LIMIT)
        assert one.count > EVIDENCE_LIMIT or one.last == (one.evidence or [""])[-1]
    return [Told(one.opened, one.closed, one.value, one.ended, one.evidence) for one in found]
