"""What follows from judged values: condition, recovery, absence."""

from __future__ import annotations

from typing import Any

from streams.judging.episodes import Hold, HoldOptions
from streams.judging.judge import Judge
from streams.kinds.threshold import ThresholdState
from streams.specs import Test
from tests.folds import member


def judged(judge: Judge, *values: tuple[int, Any]) -> ThresholdState:
    """The state after values at given times, with no event in the window."""
    state = ThresholdState(Hold())
    for time, value in values:
        state.hold.advance(judge.options, time)
        judge.judge(state, time, value, ())
    return state


def spans(state: ThresholdState) -> list[tuple[int, int | None]]:
    return [(one.opened, one.closed) for one in state.hold.episodes]


def test_without_recovery_the_condition_ends_what_it_opened() -> None:
    judge = Judge(Test("gt", 5), None, HoldOptions(), 10)
    assert spans(judged(judge, (1, 6), (2, 9), (3, 5))) == [(1, 3)]


def test_between_condition_and_recovery_nothing_changes() -> None:
    judge = Judge(Test("gt", 5), Test("lt", 3), HoldOptions(), 10)
    assert spans(judged(judge, (0, 4), (1, 6), (2, 4), (3, 2))) == [(1, 3)]


def test_what_meets_both_goes_on() -> None:
    judge = Judge(Test("gt", 5), Test("lt", 9), HoldOptions(), 10)
    assert spans(judged(judge, (1, 6), (2, 7), (3, 4))) == [(1, 3)]


def test_an_absent_value_opens_and_ends_nothing() -> None:
    state = judged(Judge(Test("gt", 5), None, HoldOptions(), 10), (0, None), (1, 6), (2, None))
    assert (spans(state), state.absent) == ([(1, None)], 2)


def test_absence_is_only_noted_while_something_waits_for_a_value() -> None:
    assert judged(Judge(Test("gt", 5), None, HoldOptions(), 10), (0, None)).absent is None


def test_after_its_patience_it_gives_up() -> None:
    judge = Judge(Test("gt", 5), None, HoldOptions(keep=4), 3)
    state = judged(judge, (1, 6), (2, None), (3, None))
    assert judge.gives_up(state) == 6
    judge.give_up(state)
    assert (spans(state), state.hold.episodes[0].ended, state.absent) == ([(1, 2)], "no_data", None)


def test_a_gap_that_is_bridged_is_not_waited_for() -> None:
    judge = Judge(Test("gt", 5), None, HoldOptions(keep=4), 3)
    state = judged(judge, (1, 6), (2, 0), (3, None))
    assert judge.gives_up(state) is None
    judge.wait(state, 7)
    assert (spans(state), state.absent) == ([(1, 6)], None)


def test_the_peak_follows_the_condition() -> None:
    for op, expected in (("gt", 9), ("lte", 1), ("neq", 4)):
        judge = Judge(Test(op, {"gt": 0, "lte": 10, "neq": 0}[op]), None, HoldOptions(), 10)
        assert judged(judge, (1, 4), (2, 9), (3, 1), (4, 4)).hold.episodes[0].value == expected


def test_the_events_in_the_window_are_the_first_evidence() -> None:
    judge, state = Judge(Test("gt", 5), None, HoldOptions(), 10), ThresholdState(Hold())
    state.members, state.head = [member(0, "e0"), member(1, "e1"), member(2, "e2")], 1
    judge.judge(state, 2, 6, (member(2, "e2"),))
    judge.judge(state, 3, 6, (member(3, "e3"),))
    assert state.hold.episodes[0].evidence == ["e1", "e2", "e3"]
