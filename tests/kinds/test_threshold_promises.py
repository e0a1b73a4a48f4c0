"""What the engine relies on in the kind `threshold`: when time is told, what may be forgotten, what is final."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import AFTER_ALL
from streams.kinds import Frontier, threshold
from streams.specs import Measure, Test, Window
from tests.folds import fold, member, through_bytes
from tests.kinds.threshold_cases import KINDS, cases, compiled, told
from tests.oracle.threshold import Case, episodes


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_when_time_is_told_changes_no_byte(kind: str, data: st.DataObject) -> None:
    case = data.draw(cases(kind))
    detector = compiled(case)
    once, often = detector.start(("k",), 0), detector.start(("k",), 0)
    for one in case.members:
        detector.advance(once, one.time)
        tick(detector, often, one.time)
        detector.on_event(once, one)
        detector.on_event(often, one)
        assert msgspec.msgpack.encode(once) == msgspec.msgpack.encode(often)
    detector.advance(once, AFTER_ALL)
    tick(detector, often, AFTER_ALL)
    assert msgspec.msgpack.encode(once) == msgspec.msgpack.encode(often)
    # in the end nothing is left but, perhaps, an episode that holds on nothing
    assert (once.due, once.members) == (None, [])
    assert detector.empty(once) or once.hold.open is not None


def tick(detector: threshold.Threshold, state: threshold.ThresholdState, now: int) -> None:
    """Tell time at every due moment and the one before it: that changes nothing and time moves."""
    due = detector.due(state)
    while due is not None and due <= now:
        before = msgspec.msgpack.encode(state)
        detector.advance(state, due - 1)
        assert msgspec.msgpack.encode(state) == before
        detector.advance(state, due)
        last, due = due, detector.due(state)
        assert due is None or due > last


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_an_empty_key_may_be_forgotten(kind: str, data: st.DataObject) -> None:
    case = data.draw(cases(kind))
    detector, state, closed = compiled(case), None, []
    for one in (*case.members, None):
        state = detector.start(("k",), 0) if state is None else through_bytes(detector, state)
        detector.advance(state, one.time if one else AFTER_ALL)
        if detector.empty(state):
            closed += state.hold.episodes
            state = detector.start(("k",), 0)
        if one:
            detector.on_event(state, one)
    assert state is not None
    assert told(closed + state.hold.episodes) == episodes(case)


REACHING = [Measure(), Measure("distinct", "x"), Measure("max", "x")]


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data(), place=st.integers(0, 14))
def test_no_straggler_undoes_an_opening_that_did_not_wait(kind: str, data: st.DataObject, place: int) -> None:
    case = data.draw(cases(kind, REACHING, ("gt", "gte")) | cases(kind, [Measure("min", "x")], ("lt", "lte")))
    if compiled(case).frontier is Frontier.CLOCK:
        return
    place %= len(case.members)
    without = case.members[:place] + case.members[place + 1:]
    for old in fold(compiled(case), without):
        assert any(new.opened <= old.opened and (new.closed is None or new.closed >= old.opened)
                   for new in fold(compiled(case), case.members))


def test_a_straggler_can_break_what_a_missing_value_did_not() -> None:
    """Without the second event `for` runs from 0 on; with it there is a value in between that fails."""
    rule = Case(Window("sliding", 1), Measure("min", "x"), Test("lt", 0), (), wait=1)
    members = [member(0, "e0", value=-1), member(1, "e1", value=0), member(1, "e2", value=-1)]
    assert [one.opened for one in fold(compiled(rule), [members[0], members[2]])] == [1]
    assert fold(compiled(rule), members) == []
    assert compiled(rule).frontier is Frontier.CLOCK
    assert compiled(replace(rule, wait=0)).frontier is Frontier.HEAD
    assert compiled(replace(rule, measure=Measure(), condition=Test("gt", 0))).frontier is Frontier.HEAD


@pytest.mark.parametrize(("measure", "op", "window", "frontier"), [
    (Measure(), "gte", Window("sliding", 9), Frontier.HEAD),
    (Measure(), "lt", Window("sliding", 9), Frontier.CLOCK),
    (Measure("distinct", "x"), "gt", Window("tumbling", 9), Frontier.HEAD),
    (Measure("max", "x"), "gte", Window("hopping", 9, 3), Frontier.HEAD),
    (Measure("max", "x"), "lt", Window("hopping", 9, 3), Frontier.CLOCK),
    (Measure("min", "x"), "lte", Window("session", gap=9), Frontier.HEAD),
    (Measure(), "gte", Window("session", gap=9, max=99), Frontier.CLOCK),
    (Measure("sum", "x"), "gte", Window("sliding", 9), Frontier.CLOCK),
    (Measure("avg", "x"), "gt", Window("tumbling", 9), Frontier.CLOCK),
])
def test_which_rules_wait_for_the_clock(measure: Measure, op: str, window: Window, frontier: Frontier) -> None:
    detector = compiled(Case(window, measure, Test(op, 3), ()))
    assert detector.frontier is frontier
    assert ("cannot undo" in detector.why) is (frontier is Frontier.HEAD)
