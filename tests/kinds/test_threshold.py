"""The kind `threshold` against its oracle, and its edges by name."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import AFTER_ALL, DAY, HOUR, MINUTE, parse_rfc3339
from streams.kinds import threshold
from streams.records import Member
from streams.specs import Measure, Test, Window
from tests.folds import fold, member
from tests.kinds.threshold_cases import KINDS, OPS, cases, compiled, told
from tests.oracle.threshold import Case, Told, episodes


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data(), clock=st.none() | st.integers(0, 60))
def test_the_fold_is_what_the_oracle_says(kind: str, data: st.DataObject, clock: int | None) -> None:
    case = data.draw(cases(kind))
    until = AFTER_ALL if clock is None else case.members[0].time + clock
    case = replace(case, members=tuple(one for one in case.members if one.time < until))
    expected = episodes(case, until)
    assert told(fold(compiled(case), case.members, until)) == expected
    # the same without ever making a measure anew, to the type and the last bit
    assert repr(told(fold(compiled(case), case.members, until, restart=False))) == repr(expected)


LOCAL = [ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Africa/Cairo")]
CHANGES = [  # the evening before
    "2024-03-09T20:00:00Z", "2024-11-02T20:00:00Z", "2024-04-06T06:00:00Z", "2024-04-25T12:00:00Z",
    "2024-10-31T12:00:00Z",
]
SPANS = [HOUR // 2, HOUR, 5 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY]


@given(data=st.data())
def test_on_days_of_another_length_the_fold_is_what_the_oracle_says(data: st.DataObject) -> None:
    size, hop = data.draw(st.tuples(st.sampled_from(SPANS), st.sampled_from(SPANS)))
    window = Window("tumbling", size) if hop >= size else Window("hopping", size, hop)
    origin = parse_rfc3339(data.draw(st.sampled_from(CHANGES)))
    steps = data.draw(st.lists(st.sampled_from([0, 1, 2, 5, 11, 24, 49]), max_size=8))
    members = tuple(member(time, f"e{i}", value=i) for i, time in enumerate(
        accumulate((step * HOUR // 2 for step in steps), initial=origin)))
    case = Case(window, data.draw(st.sampled_from([Measure(), Measure("avg", "x")])),
                Test(data.draw(st.sampled_from(OPS)), data.draw(st.integers(0, 4))), members,
                zone=data.draw(st.sampled_from(LOCAL)))
    assert told(fold(compiled(case), members)) == episodes(case)


# ---- edges by name

COUNT = Measure()


def ran(case: Case) -> list[Told]:
    """The episodes; fold and oracle agree on them."""
    found = told(fold(compiled(case), case.members))
    assert found == episodes(case)
    return found


def spans(case: Case) -> list[tuple[int, int | None]]:
    return [(one.opened, one.closed) for one in ran(case)]


def at(*times: int, values: Any = None) -> tuple[Member, ...]:
    values = values or [None] * len(times)
    return tuple(member(time, f"e{i}", value=value)
                 for i, (time, value) in enumerate(zip(times, values, strict=True)))


def sliding(size: int, op: str, value: float, members: tuple[Member, ...], measure: Measure = COUNT,
            **options: Any) -> Case:
    return Case(Window("sliding", size), measure, Test(op, value), members, **options)


def test_an_event_leaves_a_sliding_window_before_the_event_of_that_instant() -> None:
    assert spans(sliding(10, "gte", 2, at(0, 10))) == []
    assert spans(sliding(10, "gte", 2, at(0, 9))) == [(9, 10)]


def test_events_of_one_instant_all_count() -> None:
    assert ran(sliding(10, "gte", 3, at(5, 5, 5))) == [Told(5, 15, 3, "", ["e0", "e1", "e2"])]


def test_what_leaves_at_one_instant_leaves_at_once() -> None:
    """From two events to none: the count was never one again."""
    assert spans(sliding(10, "eq", 1, at(0, 1, 1))) == [(0, 1)]


def test_for_is_over_after_its_last_instant() -> None:
    assert spans(sliding(5, "gte", 1, at(0), wait=5)) == []
    assert spans(sliding(6, "gte", 1, at(0), wait=5)) == [(5, 6)]


def test_for_is_counted_anew_after_a_gap() -> None:
    assert spans(sliding(4, "gte", 1, at(0, 4, 8), wait=5)) == []
    assert spans(sliding(4, "gte", 1, at(0, 3, 6), wait=5)) == [(5, 10)]


def test_keep_firing_for_bridges_a_gap_up_to_its_last_instant() -> None:
    assert spans(sliding(5, "gte", 1, at(0, 8), keep=3)) == [(0, 16)]
    assert spans(sliding(5, "gte", 1, at(0, 9), keep=3)) == [(0, 8), (9, 17)]


def test_with_recovery_only_recovery_ends() -> None:
    case = sliding(10, "gte", 3, at(0, 1, 2, 11, 11, 14))
    assert spans(case) == [(2, 10), (11, 12), (14, 21)]
    assert spans(replace(case, recovery=Test("lt", 2))) == [(2, 11), (11, 21)]
    assert spans(replace(case, recovery=Test("lt", 1))) == [(2, 24)]


def test_recovery_is_not_asked_for_while_for_runs() -> None:
    assert spans(sliding(10, "gte", 2, at(0, 1, 10, 12), wait=8, recovery=Test("eq", 0))) == [(9, 22)]
    assert spans(sliding(9, "gte", 2, at(0, 1, 12), wait=8, recovery=Test("eq", 0))) == []


def test_nothing_counts_zero_and_stays_judged() -> None:
    """A rule for too little keeps what it found until enough come again."""
    assert spans(sliding(10, "lt", 2, at(0, 5, 30, 31))) == [(0, 5), (10, 31), (40, None)]
    assert compiled(sliding(10, "lt", 2, ())).value(compiled(sliding(10, "lt", 2, ())).start((), 0), 0) == 0


def test_an_absent_value_is_not_false() -> None:
    """Nothing is averaged from 5 to 8: `for` runs on, and is over at the next value."""
    avg = Measure("avg", "x")
    assert spans(sliding(5, "gt", 1, at(0, 8, values=[2, 2]), avg, wait=6)) == [(8, 13)]
    assert spans(sliding(5, "gt", 1, at(0, 8, values=[2, 1]), avg, wait=6)) == []
    assert spans(sliding(5, "gt", 1, at(0, 10, values=[2, 2]), avg)) == [(0, 15)]


def test_a_value_absent_for_too_long_ends_the_episode_when_it_went() -> None:
    avg = Measure("avg", "x")
    assert ran(sliding(5, "gt", 1, at(0, 11, values=[2, 2]), avg)) == [
        Told(0, 5, 2.0, "no_data", ["e0"]), Told(11, 16, 2.0, "no_data", ["e1"])]
    assert spans(sliding(5, "gt", 1, at(0, 11, values=[2, 2]), avg, keep=6)) == [(0, 16)]
    assert spans(sliding(5, "gt", 1, at(0, 12, values=[2, 2]), avg, wait=6)) == []


def test_a_window_with_events_is_judged_before_the_value_is_given_up() -> None:
    """[12, 18) is empty, one event has no slope: until 24 nothing comes back. But [24, 30) has begun then."""
    slope = Measure("slope", "x")
    case = Case(Window("tumbling", 6), slope, Test("gt", -1), at(6, 7, 18, 24, 25, values=[0] * 5))
    assert ran(case) == [Told(12, 36, 0.0, "no_data", ["e0", "e1", "e3", "e4"])]
    assert spans(replace(case, members=case.members[:3])) == [(12, 18)]


def test_too_few_events_have_no_value() -> None:
    assert spans(sliding(10, "lt", 3, at(0, 1, 30, 31), min_events=2)) == [(1, 10), (31, 40)]


def test_evidence_is_the_window_at_first_and_then_each_event_that_holds() -> None:
    found = ran(sliding(10, "gte", 2, at(0, 5, 8, 30, 31), keep=16))
    assert found == [Told(5, 56, 3, "", ["e0", "e1", "e2", "e4"])]


def test_the_facts_are_those_of_the_newest_event() -> None:
    members = [member(0, "e0", street="A"), member(1, "e1", street="B"), member(12, "e2", street="C")]
    (found,) = fold(compiled(sliding(10, "gte", 2, ())), members)
    assert (found.facts, found.last, found.count) == ({"street": "B"}, "e1", 2)


@pytest.mark.parametrize("window", [
    Window("sliding", 40), Window("hopping", 40, 7), Window("tumbling", 40), Window("session", gap=3, max=60)])
@pytest.mark.parametrize("measure", [Measure(), Measure("avg", "x"), Measure("max", "x")])
@pytest.mark.parametrize("restart", [True, False])
def test_many_events_come_and_go(window: Window, measure: Measure, restart: bool) -> None:
    times = list(accumulate((i * i * 7 % 11 % 5 for i in range(150)), initial=0))
    members = at(*times, values=[i * i * 37 % 101 / 50 for i in range(len(times))])
    case = Case(window, measure, Test("gte", {"count": 25, "avg": 0.9, "max": 1.8}[measure.name]), members)
    expected = episodes(case)
    assert expected
    assert told(fold(compiled(case), members, restart=restart)) == expected


def test_three_callers_of_the_example() -> None:
    members = at(0, 10 * MINUTE, 119 * MINUTE, values=["a", "b", "c"])
    case = sliding(2 * HOUR, "gte", 3, members, Measure("distinct", "caller"), keep=30 * MINUTE)
    assert ran(case) == [Told(119 * MINUTE, 150 * MINUTE, 3, "", ["e0", "e1", "e2"])]
    same = at(0, MINUTE, 2 * MINUTE, values=["a", "a", "a"])
    assert ran(replace(case, members=same)) == []


def test_a_tumbling_window_is_judged_at_its_end() -> None:
    case = Case(Window("tumbling", 10), Measure("avg", "x"), Test("gt", 1), at(3, 5, 13, 24, values=[2, 4, 9, 0]))
    assert ran(case) == [Told(10, 30, 9.0, "", ["e0", "e1", "e2"])]


def test_a_tumbling_window_that_more_events_only_help_is_judged_at_each() -> None:
    case = Case(Window("tumbling", 10), Measure(), Test("gte", 2), at(3, 5, 6, 10, 19, 20))
    assert ran(case) == [Told(5, 10, 3, "", ["e0", "e1", "e2"]), Told(19, 20, 2, "", ["e3", "e4"])]


def test_recovery_of_a_tumbling_window_is_judged_on_whole_windows() -> None:
    case = Case(Window("tumbling", 10), Measure(), Test("gte", 3), at(1, 2, 3, 11, 12, 21), Test("lt", 2))
    assert ran(case) == [Told(3, 30, 3, "", ["e0", "e1", "e2"])]


def test_an_event_at_the_edge_belongs_to_the_next_tumbling_window() -> None:
    case = Case(Window("tumbling", 10), Measure(), Test("eq", 1), at(0, 10, 11))
    assert spans(case) == [(10, 20)]


def test_hopping_windows_overlap() -> None:
    """[-6, 4), [-2, 8) and [2, 12) hold two or three of them, [6, 16) none."""
    case = Case(Window("hopping", 10, 4), Measure("sum", "x"), Test("gte", 2), at(1, 3, 5, values=[1, 1, 1]))
    assert ran(case) == [Told(4, 16, 3, "", ["e0", "e1", "e2"])]
    count = replace(case, measure=Measure())
    assert ran(count) == [Told(3, 12, 3, "", ["e0", "e1", "e2"])]


def test_a_gap_ends_a_session_and_max_cuts_it() -> None:
    def sessions(*times: int, longest: int | None = None) -> list[tuple[int, int | None]]:
        window = Window("session", gap=5, max=longest)
        return spans(Case(window, Measure(), Test("gte", 3), at(*times)))

    assert sessions(0, 5, 10) == [(10, 15)]
    assert sessions(0, 6, 11) == []
    assert sessions(0, 5, 10, longest=10) == []
    assert sessions(0, 5, 9, 10, longest=10) == [(9, 10)]
    assert sessions(0, 5, 9, 10, 11, 12, longest=10) == [(9, 10), (12, 17)]


def test_an_event_between_two_sessions_makes_them_one() -> None:
    case = Case(Window("session", gap=5), Measure("sum", "x"), Test("gte", 3), at(0, 10, values=[1, 2]))
    assert spans(case) == []
    assert ran(replace(case, members=at(0, 5, 10, values=[1, 1, 1]))) == [
        Told(15, 15, 3, "no_data", ["e0", "e1", "e2"])]


def test_an_hour_of_the_long_day_is_an_hour() -> None:
    """In New York the clocks went back at 06:00 UTC: from 05:00 and 06:00 it was one o'clock twice."""
    first = parse_rfc3339("2024-11-03T05:10:00Z")
    case = Case(Window("tumbling", HOUR), Measure(), Test("gte", 2), at(first, first + HOUR),
                zone=ZoneInfo("America/New_York"))
    assert spans(case) == []
    day = replace(case, window=Window("tumbling", DAY), condition=Test("gte", 3), members=at(
        parse_rfc3339("2024-11-03T04:00:00Z"), first, parse_rfc3339("2024-11-04T04:59:59Z")))
    assert spans(day) == [(parse_rfc3339("2024-11-04T04:59:59Z"), parse_rfc3339("2024-11-04T05:00:00Z"))]


def test_values_that_are_no_numbers_do_not_come() -> None:
    case = sliding(10, "gte", 3, at(0, 1, 2, values=[2, 3, 4]), Measure("sum", "x"))
    others = [member(1, f"e{3 + i}", value=value) for i, value in enumerate([float("nan"), "five", None, True])]
    assert told(fold(compiled(case), (*case.members, *others))) == ran(case)


def test_the_value_can_be_looked_at() -> None:
    detector = compiled(sliding(10, "gte", 99, ()))
    state = detector.start(("k",), 0)
    for one in at(0, 5, 9):
        detector.on_event(state, one)
    assert [detector.value(state, now) for now in (9, 10, 19)] == [3, 2, 0]


# ---- what an author is told


@pytest.mark.parametrize(("spec", "field", "wrong"), [
    ({"window": Window("hopping", 5, 6)}, "window", "longer than `size`"),
    ({"window": Window("sliding", 0)}, "window", "longer than zero"),
    ({"window": Window("tumbling", 36 * HOUR)}, "window", "whole days"),
    ({"window": Window("session", gap=9)}, "window", "for ever"),
    ({"window": Window("session", gap=9, max=9)}, "window", "not longer than `gap`"),
    ({"condition": Test("lt", 0)}, "condition", "`count lt 0` can never hold"),
    ({"condition": Test("gte", 0)}, "condition", "`count gte 0` always holds"),
    ({"condition": Test("gte", 3), "min_events": 4}, "condition", "always holds"),
    ({"condition": Test("eq", 2.5)}, "condition", "can never hold"),
    ({"measure": Measure("ratio", "x"), "condition": Test("gt", 1)}, "condition", "can never hold"),
    ({"measure": Measure("distinct", "x"), "condition": Test("lt", 1), "min_events": 1}, "condition", "never"),
    ({"condition": Test("gte", 3), "recovery": Test("gte", 2)}, "recovery", "both"),
    ({"condition": Test("gte", 3), "recovery": Test("lt", 4)}, "recovery", "both"),
    ({"condition": Test("gte", 3), "recovery": Test("lt", 0)}, "recovery", "can never hold"),
    ({"condition": Test("gte", 3), "recovery": Test("eq", 1)}, "recovery", "might never end"),
    ({"min_events": -1}, "min_events", "negative"),
])
def test_contradictions_are_named(spec: dict[str, Any], field: str, wrong: str) -> None:
    found = threshold.problems({"window": Window("sliding", 9), "condition": Test("gte", 3), **spec})
    assert [(one[0], wrong in one[1]) for one in found] == [(field, True)]
    assert all(len(one[2]) > 10 for one in found)


@pytest.mark.parametrize("spec", [
    {"window": Window("sliding", 9), "condition": Test("gte", 3), "recovery": Test("lt", 3)},
    {"window": Window("sliding", 9), "condition": Test("lt", 1)},
    {"window": Window("tumbling", 7 * DAY), "condition": Test("gt", 1)},
    {"window": Window("hopping", 9, 9), "measure": Measure("avg", "x"), "condition": Test("lt", -0.5)},
    {"window": Window("session", gap=5, max=9), "condition": Test("gte", 3), "recovery": Test("eq", 1)},
    {"window": Window("sliding", 9)},
])
def test_what_is_sound_is_not_complained_about(spec: dict[str, Any]) -> None:
    assert threshold.problems(spec) == []


@pytest.mark.parametrize("clock", range(10, 20))
def test_an_absent_value_is_given_up_only_beyond_the_window_that_ran(clock: int) -> None:
    values = [(-4, 0), (-4, 1), (10, 0)]
    members = tuple(Member(DAY + at, "s", 0, number, f"e{number}", 1, value)
                    for number, (at, value) in enumerate(values) if at < clock)
    case = Case(Window("hopping", size=7, hop=3), Measure("sum", "x"), Test("gt", 0), members, None, 2, 0, 0,
                ZoneInfo("UTC"))
    assert told(fold(compiled(case), members, DAY + clock)) == episodes(case, DAY + clock)
