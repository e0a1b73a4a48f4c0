"""Kind `sequence` against its oracle, and the cases that its definition names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, note
from hypothesis import strategies as st

from streams.clocks import AFTER_ALL
from streams.judging.episodes import Episode, HoldOptions
from streams.kinds import Frontier, sequence
from streams.records import Member
from streams.specs import Step
from tests.folds import fold, member, through_bytes
from tests.oracle.sequence import oracle

Case = tuple[tuple[Step, ...], dict[str, Any], list[Member]]
UTC = ZoneInfo("UTC")
A, B, C = Step("a", 0), Step("b", 1), Step("c", 2)
NOT_B = Step("b", 1, negated=True)


def rule(*steps: Step, keep: int = 0, **spec: Any) -> sequence.Sequence:
    found = sequence.compile_rule({"steps": steps, "limit": 10**6, **spec}, HoldOptions(keep=keep), UTC)
    assert isinstance(found, sequence.Sequence)
    return found


def timeline(text: str) -> list[Member]:
    """`a0 b5 ab5 -7`: events that fit steps a, b, both, none, at these times; ids count from 1."""
    found = []
    for number, word in enumerate(text.split(), 1):
        letters, time = word.rstrip("0123456789"), word.lstrip("abcdefg-")
        found.append(member(int(time), str(number), sum(1 << "abcdefg".index(x) for x in letters.strip("-"))))
    return found


def told(detector: sequence.Sequence, text: str, until: int = AFTER_ALL) -> list[str]:
    """Each match as `time: ids`, for example `5: 1 2`."""
    return [f"{one.opened}: {' '.join(one.evidence)}" for one in fold(detector, timeline(text), until)]


def after(detector: sequence.Sequence, text: str) -> sequence.SequenceState:
    """The state after a timeline, the clock standing at its last event."""
    state = detector.start(("k",), 0)
    for one in timeline(text):
        detector.advance(state, one.time)
        detector.on_event(state, one)
    return state


def under_way(detector: sequence.Sequence, text: str) -> list[list[str]]:
    """The ids of the events of each partial after a timeline."""
    return [[one.id for one in partial.members] for partial in after(detector, text).partials]


def found(episodes: Sequence[Episode]) -> list[tuple[int, dict[str, list[str]]]]:
    return [(one.opened, one.bound or {}) for one in episodes]


# The oracle


@st.composite
def step(draw: st.DrawFn, index: int, negated: bool, ordered: bool, strict: bool) -> Step:
    name, own = "abcdef"[index], st.none() | st.integers(0 if strict else 1, 4)
    if negated:
        return Step(name, index, True, strict=ordered and strict and draw(st.booleans()), within=draw(own))
    low = draw(st.sampled_from([1, 1, 1, 2]))
    high = draw(st.sampled_from([low, low, low + 1, None]))
    optional = draw(st.sampled_from([False, False, True]))
    if not ordered:
        return Step(name, index, False, low, high, optional=optional)
    if not strict:
        return Step(name, index, False, low, high, optional=optional, within=draw(own) if index else None)
    return Step(name, index, False, low, high, draw(st.booleans()), optional, draw(own),
                draw(st.sampled_from([None, False, True])))


@st.composite
def patterns(draw: st.DrawFn, nots: bool, strict: bool, most: int = 4) -> tuple[tuple[Step, ...], dict[str, Any]]:
    ordered = draw(st.sampled_from([True, True, False]))
    negated = st.booleans() if nots else st.just(False)
    kinds = draw(st.lists(negated, min_size=1, max_size=most).filter(lambda some: not all(some)))
    steps = tuple(draw(step(index, one, ordered, strict)) for index, one in enumerate(kinds))
    return steps, {"ordered": ordered, "within": draw(st.none() | st.integers(0 if strict else 4, 8)),
                   "until": nots and draw(st.sampled_from([False, False, True])),
                   "select": draw(st.sampled_from(sequence.SELECTS))}


@st.composite
def members(draw: st.DrawFn, bits: int, most: int = 9) -> list[Member]:
    one_role = st.integers(0, bits - 1).map(lambda bit: 1 << bit)
    some, time = [], 0
    for number, gap in enumerate(draw(st.lists(st.sampled_from([0, 0, 1, 1, 2, 3]), max_size=most))):
        time += gap
        some.append(member(time, str(number), draw(one_role | one_role | st.integers(0, 2**bits - 1))))
    return some


@st.composite
def cases(draw: st.DrawFn, nots: bool = True, strict: bool = True) -> Case:
    steps, spec = draw(patterns(nots, strict))
    return steps, spec, draw(members(len(steps) + spec["until"]))


def show(case: Case) -> None:
    steps, spec, events = case
    for one in steps:
        note(repr(one))
    note(f"{spec} {[(e.time, e.id, bin(e.roles)) for e in events]}")


@given(cases())
def test_fold_is_the_oracle(case: Case) -> None:
    show(case)
    steps, spec, events = case
    episodes = fold(rule(*steps, **spec), events)
    assert found(episodes) == oracle(steps, events, **spec)
    assert all(one.closed == one.opened and one.value == one.count for one in episodes)


@given(cases(), st.integers(0, 30))
def test_what_is_concluded_by_a_clock_is_the_oracle_of_that_clock(case: Case, after: int) -> None:
    show(case)
    steps, spec, events = case
    now = max((one.time for one in events), default=0) + after
    assert found(fold(rule(*steps, **spec), events, now)) == oracle(steps, events, now=now, **spec)


@given(cases())
def test_the_cut_of_time_does_not_matter(case: Case) -> None:
    steps, spec, events = case
    detector = rule(*steps, **spec)
    state, last = detector.start(("k",), 0), max((one.time for one in events), default=0)
    for moment in range(last + 20):
        assert (due := detector.due(state)) is None or due >= moment
        before = through_bytes(detector, state)
        detector.advance(state, moment)
        assert due == moment or before == state, "without a due time nothing changes"
        for one in events:
            if one.time == moment:
                detector.on_event(state, one)
    assert found(state.hold.episodes) == oracle(steps, events, **spec)


@given(cases(strict=False))
def test_a_rule_without_problems_is_bounded_and_becomes_empty(case: Case) -> None:
    steps, spec, events = case
    assume(not sequence.problems({**spec, "steps": steps}))
    detector = rule(*steps, **spec)
    state, last = detector.start(("k",), 0), 0
    for one in events:
        detector.advance(state, one.time)
        detector.on_event(state, one)
        last = one.time
    assert detector.horizon < AFTER_ALL
    detector.advance(state, last + detector.horizon + 1)
    assert detector.empty(state)
    assert detector.due(state) is None


@given(cases(nots=False, strict=False), st.data())
def test_no_straggler_undoes_what_is_told_at_once(case: Case, data: st.DataObject) -> None:
    show(case)
    steps, spec, events = case
    detector = rule(*steps, **spec)
    assume(detector.frontier is Frontier.HEAD and events)
    straggler = data.draw(st.sampled_from(events))
    before = fold(detector, [one for one in events if one is not straggler])
    assert len(fold(detector, events)) >= len(before)


@given(cases(strict=False), st.data())
def test_events_that_fit_nothing_matter_only_to_strict_steps(case: Case, data: st.DataObject) -> None:
    steps, spec, events = case
    times = data.draw(st.lists(st.integers(0, 15), max_size=3))
    others = [member(time, f"{100 + index}", 0) for index, time in enumerate(times)]
    detector = rule(*steps, **spec)
    assert fold(detector, [*events, *others]) == fold(detector, events)


# Order and time


def test_equal_times_keep_the_order_of_the_log() -> None:
    assert told(rule(A, B, within=5), "a3 b3") == ["3: 1 2"]
    assert told(rule(A, B, within=5), "b3 a3") == []


def test_one_event_never_fills_two_steps() -> None:
    assert told(rule(A, B, within=5), "ab1") == []
    assert told(rule(A, B, within=5), "ab1 ab2") == ["2: 1 2"]
    assert told(rule(A, B, within=5, ordered=False), "ab1 c2 ab3") == ["3: 1 3"]


def test_within_is_inclusive() -> None:
    assert told(rule(A, B, within=5), "a1 b6") == ["6: 1 2"]
    assert told(rule(A, B, within=5), "a1 b7") == []


def test_a_steps_own_within_counts_from_the_step_before() -> None:
    own = Step("c", 2, within=2)
    assert told(rule(A, B, own, within=9), "a0 b7 c9") == ["9: 1 2 3"]
    assert told(rule(A, B, own, within=9), "a0 b6 c9") == []


def test_own_within_counts_to_every_repeat() -> None:
    own = Step("b", 1, min_count=3, max_count=3, within=3)
    assert told(rule(A, own, within=9), "a0 b1 b2 b3") == ["3: 1 2 3 4"]
    assert told(rule(A, own, within=9), "a0 b1 b2 b4") == []


def test_what_came_too_late_for_its_last_way_is_given_up_at_once() -> None:
    assert under_way(rule(Step("a", 0, max_count=2), Step("b", 1, within=1)), "a0 a2") == [["1", "2"], ["2"]]


# What must not happen


def test_a_trailing_not_concludes_at_its_deadline_once_the_clock_is_beyond() -> None:
    assert told(rule(A, NOT_B, within=5), "a1", until=6) == []
    assert told(rule(A, NOT_B, within=5), "a1", until=7) == ["6: 1"]


def test_an_answer_at_the_deadline_still_counts() -> None:
    assert told(rule(A, NOT_B, within=5), "a1 b6") == []
    assert told(rule(A, NOT_B, within=5), "a1 b7") == ["6: 1"]


def test_a_trailing_not_with_its_own_within_counts_from_the_step_before() -> None:
    detector = rule(A, B, Step("c", 2, negated=True, within=3), within=10)
    assert told(detector, "a0 b8") == ["11: 1 2"]
    assert told(detector, "a0 b8 c11") == []


def test_a_not_between_undoes_only_what_it_falls_into() -> None:
    detector = rule(A, NOT_B, C, within=9, select="each")
    assert told(detector, "a1 b2 a3 c4") == ["4: 3 4"]


def test_a_not_at_the_instant_of_the_step_after_it_wins() -> None:
    assert told(rule(A, NOT_B, C, within=9), "a1 bc2") == []


def test_a_not_around_an_optional_step_closes_only_the_way_across() -> None:
    detector = rule(A, Step("b", 1, optional=True), Step("c", 2, negated=True), Step("d", 3), within=9)
    assert told(detector, "a1 c2 d3") == []
    assert told(detector, "a1 c2 b3 d4") == ["4: 1 3 4"]


def test_a_way_that_closes_may_let_a_match_end_later() -> None:
    steps = (A, Step("b", 1, optional=True), Step("c", 2, negated=True, within=2))
    assert told(rule(*steps, within=9, select="each"), "a0 c0 a1 c1 a6 a7", until=10) == ["8: 5", "9: 6"]


def test_a_leading_not_looks_back_inclusive() -> None:
    quiet = Step("a", 0, negated=True)
    assert told(rule(quiet, B, within=5), "a1 b6") == []
    assert told(rule(quiet, B, within=5), "a1 b7") == ["7: 2"]
    assert told(rule(quiet, B, within=5), "ab7") == ["7: 1"]


def test_a_leading_not_is_remembered_as_long_as_it_matters() -> None:
    detector = rule(Step("a", 0, negated=True), B, within=5)
    state = after(detector, "a1")
    assert (detector.due(state), detector.empty(state)) == (7, False)
    detector.advance(state, 7)
    assert (detector.due(state), detector.empty(state)) == (None, True)


def test_a_strict_leading_not_looks_at_the_event_before_only() -> None:
    quiet = Step("a", 0, negated=True, strict=True)
    assert told(rule(quiet, B, within=5), "a1 b2") == []
    assert told(rule(quiet, B, within=5), "a1 -2 b3") == ["3: 3"]


def test_a_strict_not_looks_at_the_next_event_only() -> None:
    next_not = Step("b", 1, negated=True, strict=True)
    assert told(rule(A, next_not, C, within=9), "a1 b2 c3") == []
    assert told(rule(A, next_not, C, within=9), "a1 -2 b3 c4") == ["4: 1 4"]


def test_a_strict_not_after_repeats_looks_past_the_last_one_only() -> None:
    steps = (Step("a", 0, min_count=2, max_count=2), Step("b", 1, negated=True, strict=True), C)
    assert told(rule(*steps, within=9), "a1 b2 a3 c4") == ["4: 1 3 4"]
    assert told(rule(*steps, within=9), "a1 a2 b3 c4") == []


def test_a_not_amid_unordered_steps_no_longer_matters_once_all_are_there() -> None:
    steps = (A, NOT_B, C, Step("d", 3, negated=True))
    assert told(rule(*steps, within=5, ordered=False), "c1 a2 b3") == ["6: 1 2"]
    assert told(rule(*steps, within=5, ordered=False), "c1 b2 a3") == []
    assert told(rule(*steps, within=5, ordered=False), "c1 a2 d3") == []


def test_until_is_looked_at_before_the_steps() -> None:
    assert told(rule(A, B, within=9, until=True), "a1 bc2") == []
    assert told(rule(A, NOT_B, within=9, until=True), "a1 c5") == []
    assert told(rule(A, B, within=9, until=True), "a1 ac2 b3") == ["3: 2 3"]


# Repeats, missing and strict steps


def test_strict_is_the_very_next_event() -> None:
    strict = Step("b", 1, strict=True)
    assert told(rule(A, strict, within=9), "a1 b2") == ["2: 1 2"]
    assert told(rule(A, strict, within=9), "a1 -2 b3") == []
    assert told(rule(A, strict, within=9), "a1 a2 b3") == ["3: 2 3"]


def test_a_count_is_told_at_its_minimum() -> None:
    assert told(rule(A, Step("b", 1, min_count=2, max_count=4), within=9), "a1 b2 b3 b4") == ["3: 1 2 3"]


def test_of_equal_ends_the_longest_counts() -> None:
    some = Step("b", 1, min_count=1, max_count=None)
    assert told(rule(A, some, C, within=9), "a1 b2 b3 c4") == ["4: 1 2 3 4"]


def test_an_optional_step_may_be_missing() -> None:
    detector = rule(A, Step("b", 1, optional=True), C, within=9)
    assert told(detector, "a1 c2") == ["2: 1 2"]
    assert told(detector, "a1 b2 c3") == ["3: 1 2 3"]


def test_unordered_steps_come_in_any_order() -> None:
    detector = rule(A, B, C, within=5, ordered=False)
    assert told(detector, "c1 a2 b6") == ["6: 1 2 3"]
    assert told(detector, "c1 a2 b7") == []


# Which matches count


def test_first_keeps_the_earliest_start() -> None:
    assert told(rule(A, NOT_B, within=5), "a1 a3 b7") == ["6: 1"]
    assert told(rule(A, B, within=5), "a1 a2 b3 b4") == ["3: 1 3"]


def test_first_uses_up_starts_to_the_last_event_of_the_match_also_by_time() -> None:
    detector = rule(A, B, Step("c", 2, negated=True), within=5)
    assert told(detector, "a1 a2 b3") == ["6: 1 3"]
    assert told(detector, "a1 b2 a3 b4") == ["6: 1 2", "8: 3 4"]


def test_last_lets_a_newer_start_push_the_deadline() -> None:
    assert told(rule(A, NOT_B, within=5, select="last"), "a1 a3 a7") == ["12: 3"]


def test_last_keeps_one_start_a_step() -> None:
    assert told(rule(A, B, C, within=99, select="last"), "a1 a2 b3 a4 b5 c6") == ["6: 4 5 6"]


def test_last_lets_the_newest_start_win_a_place() -> None:
    steps = (Step("a", 0, min_count=2, max_count=3, within=4), B, Step("c", 2, negated=True))
    for within in (9, 3):
        assert told(rule(*steps, within=within, select="last"), "a1 a1 a1 b1") == [f"{1 + within}: 2 3 4"]


def test_last_uses_up_the_events_of_a_match() -> None:
    next_not = Step("c", 2, negated=True, strict=True)
    detector = rule(A, Step("b", 1, max_count=2, optional=True), next_not, Step("d", 3), within=9, select="last")
    assert told(detector, "a1 b2 c3 d4 b5 d6") == ["4: 1 4"]
    assert told(rule(A, Step("b", 1), within=9, select="last"), "a1 ab2 b3") == ["2: 1 2"]


def test_each_tells_every_start_once() -> None:
    assert told(rule(A, B, within=9, select="each"), "a1 a2 b3 b4") == ["3: 1 3", "3: 2 3"]
    some = Step("b", 1, min_count=1, max_count=None)
    assert told(rule(A, some, within=9, select="each"), "a1 b2 b3") == ["2: 1 2"]


def test_all_lets_one_rain_gauge_serve_every_cover() -> None:
    detector = rule(A, B, within=15, ordered=False, select="all")
    assert told(detector, "a1 b2 b3 a4") == ["2: 1 2", "3: 1 3", "4: 2 4", "4: 3 4"]


def test_all_goes_on_after_a_deadline_that_time_concluded() -> None:
    detector = rule(Step("a", 0, max_count=2), Step("b", 1, negated=True, within=2), within=9, select="all")
    assert told(detector, "a0 a4") == ["2: 1", "6: 1 2", "6: 2"]


def test_the_oldest_start_is_dropped_beyond_the_limit_and_counted() -> None:
    state = after(rule(A, B, within=9, select="each", limit=2), "a1 a2 a3 a4 b5")
    assert [one.evidence for one in state.hold.episodes] == [["3", "5"], ["4", "5"]]
    assert state.dropped == 2


def test_beyond_the_limit_the_start_counts_not_the_end() -> None:
    pair = Step("a", 0, min_count=2, max_count=2, optional=True)
    assert under_way(rule(pair, B, Step("c", 2, within=1), limit=1), "a1 b2") == [["2"]]
    assert under_way(rule(A, B, C, Step("d", 3), within=9, limit=2), "a1 b1 a1 c1 a1") == [["3"], ["5"]]


# What is told


def test_facts_are_the_newest_ones_and_those_of_each_step() -> None:
    events = [member(1, "1", 1, floor=3), member(2, "2", 2, unit="x"), member(3, "3", 2, unit="y"),
              member(4, "4", 4, by="z")]
    twice = Step("b", 1, min_count=2, max_count=2)
    [episode] = fold(rule(A, twice, C, within=9), events)
    assert episode.facts == {"by": "z", "a": {"floor": 3}, "b": {"unit": "y"}, "c": {"by": "z"}}
    assert episode.bound == {"a": ["1"], "b": ["2", "3"], "c": ["4"]}


def test_keep_firing_joins_matches_and_takes_each_event_once() -> None:
    [episode] = fold(rule(A, B, within=9, select="each", keep=5), timeline("a1 a2 b3 a4 b8"))
    assert (episode.opened, episode.closed) == (3, 13)
    assert (episode.evidence, episode.count) == (["1", "3", "2", "4", "5"], 5)
    assert episode.bound == {"a": ["4"], "b": ["5"]}


@pytest.mark.parametrize(("detector", "frontier"), [
    (rule(A, B, within=9), Frontier.HEAD),
    (rule(A, B, within=9, ordered=False), Frontier.HEAD),
    (rule(A, Step("b", 1, within=5)), Frontier.HEAD),
    (rule(A, B, Step("c", 2, within=5), within=9), Frontier.CLOCK),
    (rule(A, NOT_B, within=9), Frontier.CLOCK),
    (rule(A, Step("b", 1, strict=True), within=9), Frontier.CLOCK),
    (rule(A, B, within=9, until=True), Frontier.CLOCK),
])
def test_the_frontier_says_what_can_be_undone(detector: sequence.Sequence, frontier: Frontier) -> None:
    assert detector.frontier is frontier
    assert detector.why


def test_the_horizon_reaches_from_what_a_not_saw_to_the_deadline() -> None:
    steps = (Step("a", 0, negated=True, within=20), B, Step("c", 2, negated=True, within=7))
    assert rule(*steps, within=5, keep=2).horizon == 20 + 5 + 7 + 2
    assert rule(A, B).horizon == AFTER_ALL


# Mistakes


@pytest.mark.parametrize(("spec", "field", "part"), [
    ({"steps": (NOT_B,), "within": 5}, "steps", "nothing begins"),
    ({"steps": (A, A), "within": 5}, "steps", "two steps"),
    ({"steps": (A, Step("b", 1, within=9)), "within": 5}, "steps", "longer than the whole"),
    ({"steps": (A, Step("b", 1, negated=True, min_count=2, max_count=2)), "within": 5}, "steps", "counted"),
    ({"steps": (Step("a", 0, strict=True), B), "within": 5}, "steps", "it is the first"),
    ({"steps": (A, Step("b", 1, strict=True)), "within": 5, "ordered": False}, "steps", "no step stands"),
    ({"steps": (A, Step("b", 1, within=2)), "within": 5, "ordered": False}, "steps", "no step stands before"),
    ({"steps": (Step("a", 0, within=2), B), "within": 5}, "steps", "no step stands before"),
    ({"steps": (A, Step("b", 1, optional=True)), "within": 5}, "steps", "nothing waits for it"),
    ({"steps": (Step("a", 0, optional=True),), "within": 5}, "steps", "every step is optional"),
    ({"steps": (A, NOT_B)}, "within", "how long `b`"),
    ({"steps": (Step("a", 0, negated=True), B)}, "within", "how long `a`"),
    ({"steps": (A, B)}, "within", "under way"),
    ({"steps": (A, Step("b", 1, within=2), C)}, "within", "under way"),
    ({"steps": (Step("a", 0, min_count=2, max_count=2),)}, "within", "under way"),
    ({"steps": (A, B), "within": 0}, "within", "longer than zero"),
])
def test_mistakes_are_named(spec: dict[str, Any], field: str, part: str) -> None:
    [(named, what, todo)] = sequence.problems(spec)
    assert named == field
    assert part in what
    assert todo


@pytest.mark.parametrize("spec", [
    {"steps": (A, B), "within": 5},
    {"steps": (A,)},
    {"steps": (A, NOT_B), "within": 5, "until": True},
    {"steps": (A, Step("b", 1, negated=True, within=5))},
    {"steps": (A, Step("b", 1, within=5), Step("c", 2, negated=True, within=20))},
    {"steps": (A, Step("b", 1, negated=True, within=20)), "within": 5},
    {"steps": (Step("a", 0, negated=True, within=20), B, C), "within": 5},
    {"steps": (A, B, C), "within": 5, "ordered": False, "select": "all"},
    {"steps": ()},
])
def test_what_is_right_has_no_problems(spec: dict[str, Any]) -> None:
    assert sequence.problems(spec) == []
