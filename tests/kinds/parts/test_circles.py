"""Kinds with `near` against their oracles: one cell, with centres of its own and neighbours' events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st

from streams.clocks import AFTER_ALL
from streams.judging.episodes import Episode, HoldOptions
from streams.kinds import Detector, Frontier, Identity, match, sequence, threshold
from streams.kinds.parts.circles import MatchCircles
from streams.places import distance
from streams.records import Member, Position
from streams.specs import Measure, Step, Test, Window
from tests.folds import fold, fold_forgetting, fold_often, member
from tests.kinds.test_sequence import UTC
from tests.kinds.test_sequence import cases as sequence_cases
from tests.kinds.threshold_cases import cases as threshold_cases
from tests.oracle import near
from tests.oracle.threshold import Case, Told

RADIUS = 100.0
PLACES = [(0.0, 0.0), (0.0, 0.0006), (0.0, 0.0012), (0.0007, 0.0006), (0.0, 0.0021)]
positions = st.builds(
    lambda place, own: Position(place[0], place[1], own), st.sampled_from(PLACES), st.sampled_from([True, True, False]))


def close(one: Member, other: Member) -> bool:
    a, b = one.position, other.position
    assert a is not None
    assert b is not None
    return distance(a.lat, a.lon, b.lat, b.lon) <= RADIUS


def test_the_places_are_near_their_neighbours_only() -> None:
    seen = [[distance(*a, *b) <= RADIUS for b in PLACES] for a in PLACES]
    assert seen == [[True, True, False, False, False], [True, True, True, True, False],
                    [False, True, True, False, False], [False, True, False, True, False],
                    [False, False, False, False, True]]


@st.composite
def placed(draw: st.DrawFn, members: list[Member]) -> list[Member]:
    return [msgspec.structs.replace(one, position=draw(positions)) for one in members]


def clocks(members: list[Member]) -> st.SearchStrategy[int]:
    last = members[-1].time if members else 0
    return st.just(AFTER_ALL) | st.integers(0, 40).map(lambda more: last - 10 + more)


def rows(found: Sequence[Episode | Told]) -> list[tuple[Any, ...]]:
    ends = ((one, AFTER_ALL if one.closed is None else one.closed) for one in found)
    return sorted((one.opened, closed, repr(one.value), one.ended, one.evidence) for one, closed in ends)


@st.composite
def circles(draw: st.DrawFn) -> Case:
    case = draw(threshold_cases("sliding"))
    assume(not threshold.problems(spec_of(case)))
    return replace(case, members=tuple(draw(placed(list(case.members)))))


def spec_of(case: Case) -> dict[str, Any]:
    return {"window": case.window, "measure": case.measure, "condition": case.condition, "recovery": case.recovery,
            "min_events": case.min_events, "near": RADIUS}


def threshold_of(case: Case) -> Detector:
    return threshold.compile_rule(spec_of(case), HoldOptions(case.wait, case.keep), case.zone)


DEVIATION = Measure("deviation", "x")


@st.composite
def deviating(draw: st.DrawFn) -> Case:
    """Readings at five places within one circle, and one beside it."""
    places = [*((0.0, 0.0001 * at) for at in range(5)), PLACES[-1]]
    case = draw(threshold_cases("sliding", [DEVIATION], ("gt", "gte", "lt")))
    rows = draw(st.lists(st.tuples(
        st.sampled_from([0, 1, 1, 2]), st.integers(0, 5), st.sampled_from([1, 2, 2, 7, 0.5])), min_size=6, max_size=14))
    times = accumulate(gap for gap, _, _ in rows)
    members = [msgspec.structs.replace(member(time, f"e{at}", value=value), position=Position(*places[place], True))
               for at, (time, (_, place, value)) in enumerate(zip(times, rows, strict=True))]
    case = replace(case, members=tuple(members), window=Window("sliding", draw(st.integers(6, 12))), min_events=0)
    assume(not threshold.problems(spec_of(case)))
    return case


@given(circles() | deviating(), st.data())
def test_threshold_is_what_the_oracle_says(case: Case, data: st.DataObject) -> None:
    until = data.draw(clocks(list(case.members)))
    case = replace(case, members=tuple(one for one in case.members if one.time < until))
    expected = rows(near.circles(case, close, until))
    assert rows(fold(threshold_of(case), case.members, until)) == expected
    assert rows(fold(threshold_of(case), case.members, until, restart=False)) == expected


@given(circles() | deviating())
def test_threshold_keeps_what_a_detector_promises(case: Case) -> None:
    detector = threshold_of(case)
    assert rows(fold_often(detector, case.members).hold.episodes) == rows(fold(detector, case.members))
    assert rows(fold_forgetting(detector, case.members)) == rows(fold(detector, case.members))


runs = st.lists(st.tuples(st.integers(0, 3), positions), max_size=10)
keeps = st.sampled_from([1, 2, 4])


def matches_of(plan: list[tuple[int, Position]]) -> list[Member]:
    found, time = [], 0
    for number, (gap, position) in enumerate(plan):
        time += gap
        found.append(msgspec.structs.replace(member(time, str(number)), position=position))
    return found


@given(runs, keeps, st.data())
def test_match_is_what_the_oracle_says(plan: list[tuple[int, Position]], keep: int, data: st.DataObject) -> None:
    members = matches_of(plan)
    until = data.draw(clocks(members))
    members = [one for one in members if one.time < until]
    detector = match.compile_rule({"near": RADIUS}, HoldOptions(9, keep), UTC)
    assert isinstance(detector, MatchCircles)
    expected = [(run.opened, run.closed or AFTER_ALL, list(run.evidence))
                for run in near.runs(members, keep, close, until)]
    for restart in (True, False):
        found = fold(detector, members, until, restart=restart)
        assert sorted((one.opened, one.closed or AFTER_ALL, one.evidence) for one in found) == sorted(expected)
    assert rows(fold_often(detector, members, until).hold.episodes) == rows(found)
    assert rows(fold_forgetting(detector, members)) == rows(fold(detector, members))


@given(runs, keeps)
def test_every_match_is_in_an_episode_and_what_is_near_shares_one(plan: list[tuple[int, Position]], keep: int) -> None:
    members = [msgspec.structs.replace(one, position=Position(one.position.lat, one.position.lon, True))
               for one in matches_of(plan) if one.position is not None]
    found = fold(match.compile_rule({"near": RADIUS}, HoldOptions(keep=keep), UTC), members)
    assert {id for one in found for id in one.evidence} == {one.id for one in members}
    linked = {one.id: {one.id} for one in members}
    for episode in found:
        together = set().union(*(linked[id] for id in episode.evidence))
        linked |= dict.fromkeys(together, together)
    for one in members:
        for other in members:
            if close(one, other) and abs(one.time - other.time) <= keep:
                assert other.id in linked[one.id]


SequenceCase = tuple[tuple[Step, ...], dict[str, Any], list[Member]]


@st.composite
def gatherings(draw: st.DrawFn) -> tuple[SequenceCase, int]:
    steps, spec, members = draw(sequence_cases())
    good = [index for index, step in enumerate(steps) if not step.negated and not step.optional]
    assume(good)
    around = draw(st.sampled_from(good))
    return (steps, spec, draw(placed(members))), around


def sequence_of(steps: tuple[Step, ...], spec: dict[str, Any], around: int, keep: int = 0, **context: Any) -> Detector:
    named = {"steps": steps, "limit": 10**6, **spec, "near": RADIUS, "around": steps[around].name}
    return sequence.compile_rule(named, HoldOptions(keep=keep), UTC, **context)


def bound(found: list[Episode]) -> list[tuple[int, dict[str, list[str]]]]:
    return sorted(((one.opened, one.bound or {}) for one in found), key=repr)


@given(gatherings(), st.data())
def test_sequence_is_what_the_oracle_says(one: tuple[SequenceCase, int], data: st.DataObject) -> None:
    (steps, spec, members), around = one
    until = data.draw(clocks(members))
    members = [one for one in members if one.time < until]
    told = (steps, spec["ordered"], spec["within"], spec["until"], spec["select"], until)
    expected = sorted(near.matches(members, around, close, told), key=repr)
    detector = sequence_of(steps, spec, around)
    assert bound(fold(detector, members, until)) == expected
    assert bound(fold(detector, members, until, restart=False)) == expected


@given(gatherings(), st.sampled_from([0, 2]))
def test_sequence_keeps_what_a_detector_promises(one: tuple[SequenceCase, int], keep: int) -> None:
    (steps, spec, members), around = one
    detector = sequence_of(steps, {**spec, "within": spec["within"] or 8}, around, keep)
    assert rows(fold_often(detector, members).hold.episodes) == rows(fold(detector, members))
    assert rows(fold_forgetting(detector, members)) == rows(fold(detector, members))


# ---- edges by name


def at(time: int, id: str, place: int, roles: int = 1, own: bool = True, things: tuple[str, ...] = (),
       **more: Any) -> Member:
    lat, lon = PLACES[place]
    return msgspec.structs.replace(member(time, id, roles, **more), position=Position(lat, lon, own, things))


def thing(time: int, id: str, name: str, place: int = 0) -> Member:
    return at(time, id, place, 2, things=(name,))


RAIN, COVER = Step("rain", 0), Step("cover", 1)
OPEN = {"ordered": False, "within": 15, "select": "all"}


def test_the_key_of_a_match_is_the_thing_that_a_step_says() -> None:
    detector = sequence_of((RAIN, COVER), OPEN, 1, things=[("cover.device", 1)])
    found = fold(detector, [at(0, "1", 1), thing(1, "2", "c1"), thing(2, "3", "c2", 2), thing(3, "4", "c3", 4)])
    assert [(one.opened, one.key, one.evidence) for one in found] == [
        (1, {"cover.device": "c1"}, ["1", "2"]), (2, {"cover.device": "c2"}, ["1", "3"])]


def test_keep_firing_for_joins_the_matches_of_one_thing() -> None:
    detector = sequence_of((RAIN, COVER), OPEN, 1, keep=5, things=[("cover.device", 1)])
    members = [at(0, "1", 1), thing(1, "2", "c1"), thing(2, "3", "c2"), thing(4, "4", "c1"), thing(30, "5", "c1")]
    found = fold(detector, members)
    assert [(one.key, one.opened, one.closed, one.evidence) for one in found] == [
        ({"cover.device": "c1"}, 1, 9, ["1", "2", "4"]), ({"cover.device": "c2"}, 2, 7, ["1", "3"])]


def test_without_things_it_joins_the_matches_of_one_circle() -> None:
    members = [at(0, "1", 1), at(1, "2", 0, 2), at(2, "3", 1), at(3, "4", 0, 2)]
    found = fold(sequence_of((RAIN, COVER), OPEN, 1, keep=5), members)
    assert sorted((one.opened, one.closed, one.evidence) for one in found) == [
        (1, 7, ["1", "2", "3"]), (3, 8, ["1", "4", "3"])]


def test_what_is_measured_is_in_the_circle_of_the_newest_event() -> None:
    spec = {"window": Window("sliding", 10), "measure": Measure("distinct", "x"), "condition": Test("gte", 2)}
    detector = threshold.compile_rule({**spec, "near": RADIUS}, HoldOptions(), UTC)
    members = [at(0, "1", 0, value="a"), at(1, "2", 1, value="b"), at(2, "3", 2, value="c"),
               at(3, "4", 0, value="a", own=False)]
    assert [(one.opened, one.closed, one.evidence) for one in fold(detector, members)] == [
        (1, 10, ["1", "2"]), (2, 11, ["2", "3"])]
    assert detector.frontier is Frontier.HEAD
    assert detector.identity is Identity.EVIDENCE


def test_a_sensor_that_reads_otherwise_than_those_around_it() -> None:
    """Five stations within the circle; one of them is stuck at what it read before the smog."""
    spec = {"window": Window("sliding", 200), "measure": DEVIATION, "condition": Test("gt", 60), "near": 5000.0}
    detector = threshold.compile_rule(spec, HoldOptions(), UTC)
    rows = [[31, 28, 35, 30, 29], [29, 31, 29, 36, 33], [140, 151, 29, 133, 148], [150, 139, 29, 151, 160],
            [145, 150, 29, 148, 155]]
    members = [msgspec.structs.replace(member(60 * hour + at, f"e{5 * hour + at}", value=value),
                                       position=Position(*PLACES[at], True))
               for hour, row in enumerate(rows) for at, value in enumerate(row)]
    found = fold(detector, members, AFTER_ALL)
    assert [(one.opened, one.last, one.value) for one in found] == [(242, "e22", 121.5)]
    assert len(found[0].evidence) == 18
