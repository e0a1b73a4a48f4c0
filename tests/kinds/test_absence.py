"""The kind `absence` against its oracle, and its edges by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import AFTER_ALL, BEFORE_ALL, DAY, HOUR, MINUTE, moment
from streams.judging.episodes import Episode, HoldOptions
from streams.kinds import Frontier, Identity, absence
from streams.outages import Outage
from streams.records import KeyValues, Member, Micros
from streams.schedules import Duty, Schedule
from streams.specs import Expect
from tests.folds import fold, fold_forgetting, fold_often, member
from tests.oracle.absence import Case, Told, episodes

UTC = ZoneInfo("UTC")
steps = st.lists(st.sampled_from([0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 20, 33]), max_size=9)
histories = st.tuples(st.sampled_from([-30, 0, 0, 3]), steps).map(
    lambda drawn: tuple(member(time, f"e{i}", n=i) for i, time in enumerate(accumulate(drawn[1], initial=drawn[0]))))
cases = st.builds(
    Case, every=st.sampled_from([None, 1, 3, 5, 5]), members=histories | st.just(()),
    grace=st.sampled_from([0, 0, 1, 2]), forget_after=st.sampled_from([1, 5, 6, 8, 15, 1000]),
    register=st.booleans(), wait=st.sampled_from([0, 0, 0, 1, 3, 6]), keep=st.sampled_from([0, 0, 0, 1, 4, 9, 20]),
    start=st.just(0))
clocks = st.just(AFTER_ALL) | st.integers(0, 90)


def compiled(case: Case) -> absence.Absence:
    return absence.Absence(HoldOptions(case.wait, case.keep), lambda key: case.every, case.grace, case.forget_after,
                           case.register)


def folded(case: Case, until: int = AFTER_ALL, restart: bool = True) -> list[Episode]:
    return fold(compiled(case), case.members, until, start=case.start, restart=restart)


def told(found: list[Episode]) -> list[Told]:
    """Episodes as the oracle tells them; their other fields agree with those."""
    for one in found:
        assert (one.count, one.last) == (len(one.evidence), one.evidence[-1] if one.evidence else "")
        assert one.since is not None
        since = moment(one.since).replace(microsecond=0, tzinfo=None).isoformat(" ")
        assert one.facts == ({"n": int(one.last[1:])} if one.last else {}) | {"since": since}
        assert (one.value, one.bound) == (None, None)
    return [Told(one.opened, one.closed, one.ended, one.evidence) for one in found]


@given(cases, clocks)
def test_the_fold_is_what_the_oracle_says(case: Case, until: int) -> None:
    case = replace(case, members=tuple(one for one in case.members if one.time < until))
    expected = episodes(case, until)
    assert told(folded(case, until)) == expected
    assert told(folded(case, until, restart=False)) == expected


@given(cases)
def test_when_time_is_told_changes_no_byte(case: Case) -> None:
    often = fold_often(compiled(case), case.members, start=case.start)
    assert often.hold.episodes == folded(case, restart=False)
    assert compiled(case).due(often) is None
    # nothing is left but, perhaps, the silence of what a register expects
    assert compiled(case).empty(often) or case.register


@given(cases)
def test_an_empty_key_may_be_forgotten(case: Case) -> None:
    assert fold_forgetting(compiled(case), case.members, start=case.start) == folded(case)


@given(cases, st.integers(1, 10**15))
def test_a_shift_shifts(case: Case, by: int) -> None:
    moved = replace(case, start=case.start + by, members=tuple(
        member(one.time + by, one.id, **(one.facts or {})) for one in case.members))
    assert told(folded(moved)) == [
        Told(one.opened + by, None if one.closed is None else one.closed + by, one.ended, one.evidence)
        for one in told(folded(case))]


# ---- edges by name


def ran(case: Case) -> list[Told]:
    """The episodes; fold and oracle agree on them."""
    found = told(folded(case))
    assert found == episodes(case)
    return found


def heard(*times: int, **options: Any) -> Case:
    """An entity that should report every 10, and when it did."""
    return Case(10, tuple(member(time, f"e{i}", n=i) for i, time in enumerate(times)), **options)


def spans(case: Case) -> list[tuple[int, int | None]]:
    return [(one.opened, one.closed) for one in ran(case)]


def test_an_event_exactly_at_the_deadline_counts() -> None:
    assert spans(heard(0, 10, 20, register=True)) == [(30, None)]
    assert spans(heard(0, 11, register=True)) == [(10, 11), (21, None)]


def test_the_deadline_is_over_once_the_clock_is_beyond_it() -> None:
    case = heard(0)
    assert folded(case, until=10) == []
    assert told(folded(case, until=11)) == [Told(10, None, "", ["e0"])] == episodes(case, 11)


def test_grace_is_time_that_it_may_be_late() -> None:
    assert spans(heard(0, 13, 26, grace=3, register=True)) == [(39, None)]
    assert spans(heard(0, 14, grace=3, register=True)) == [(13, 14), (27, None)]


def test_what_was_never_heard_of_counts_from_the_switch() -> None:
    assert ran(heard(start=100, register=True)) == [Told(110, None, "", [])]
    assert ran(heard(115, start=100, register=True)) == [Told(110, 115, "", []), Told(125, None, "", ["e0"])]
    assert ran(heard(start=100)) == []


def test_a_report_from_before_the_switch_that_comes_late_counts_from_itself() -> None:
    assert ran(heard(95, start=100, register=True)) == [Told(105, None, "", ["e0"])]


def test_a_key_that_is_only_met_is_not_watched_from_before_all_time() -> None:
    detector = compiled(heard(register=True))
    assert detector.due(detector.start(("k",), BEFORE_ALL)) is None
    assert detector.due(detector.start(("k",), 1)) == 12


def test_a_key_without_an_interval_is_not_watched() -> None:
    assert ran(Case(None, heard(0, 50).members, register=True)) == []


def test_it_is_forgotten_after_its_last_instant() -> None:
    assert ran(heard(0, forget_after=30)) == [Told(10, 30, "forgotten", ["e0"])]
    assert ran(heard(0, 30, forget_after=30)) == [Told(10, 30, "", ["e0"]), Told(40, 60, "forgotten", ["e1"])]


def test_what_was_forgotten_is_watched_again_once_it_reports() -> None:
    assert ran(heard(0, 31, forget_after=30)) == [
        Told(10, 30, "forgotten", ["e0"]), Told(41, 61, "forgotten", ["e1"])]


def test_it_is_not_forgotten_before_its_silence_is_told() -> None:
    assert ran(heard(0, forget_after=3)) == [Told(10, 11, "forgotten", ["e0"])]
    assert ran(heard(0, forget_after=10, wait=5)) == [Told(15, 16, "forgotten", ["e0"])]


def test_what_a_register_expects_is_never_forgotten() -> None:
    assert ran(heard(0, forget_after=30, register=True)) == [Told(10, None, "", ["e0"])]


def test_for_is_over_after_its_last_instant() -> None:
    assert spans(heard(0, 15, register=True, wait=5)) == [(30, None)]
    assert spans(heard(0, 16, register=True, wait=5)) == [(15, 16), (31, None)]


def test_keep_firing_for_bridges_a_short_time_of_reports() -> None:
    assert ran(heard(0, 15, register=True, keep=10)) == [Told(10, None, "", ["e0", "e1"])]
    assert ran(heard(0, 15, register=True, keep=9)) == [Told(10, 24, "", ["e0"]), Told(25, None, "", ["e1"])]
    assert ran(heard(0, 15, 40, forget_after=40, keep=10)) == [Told(10, 80, "forgotten", ["e0", "e1", "e2"])]


def test_a_bridged_silence_need_not_wait_for_for_again() -> None:
    case = heard(0, 17, 30, 40, register=True, wait=6)
    assert spans(case) == [(16, 17), (56, None)]
    assert ran(replace(case, keep=10)) == [Told(16, 40, "", ["e0", "e1"]), Told(56, None, "", ["e3"])]


# ---- as rulefile makes it


def made(options: HoldOptions | None = None, **spec: Any) -> absence.Absence:
    return absence.compile_rule({"every": HOUR, **spec}, options or HoldOptions(), UTC, every=lambda key: HOUR)


def test_who_is_expected_and_when_one_is_forgotten() -> None:
    assert (made().register, made().forget_after) == (False, 30 * DAY)
    assert made(forget_after=2 * DAY).forget_after == 2 * DAY
    assert made(expect=Expect(seen_within=7 * DAY)).forget_after == 7 * DAY
    assert made(expect=Expect(register="sensors")).register
    assert made(grace=MINUTE).grace == MINUTE


def test_how_long_something_can_follow() -> None:
    assert made(HoldOptions(wait=2, keep=3), grace=4).horizon == HOUR + 9
    assert made(every='register("r", device).interval', forget_after=DAY).horizon == DAY


def test_what_the_engine_asks_of_it() -> None:
    assert (made().frontier, made().identity) == (Frontier.CLOCK, Identity.TIME)
    assert "clock" in made().why
    assert made().empty(made().start(("k",), 0))


@pytest.mark.parametrize(("spec", "field"), [
    ({"every": 0}, "every"),
    ({"every": HOUR, "forget_after": MINUTE}, "forget_after"),
    ({"every": HOUR, "forget_after": HOUR}, "forget_after"),
    ({"every": HOUR, "grace": MINUTE, "forget_after": HOUR + MINUTE}, "forget_after"),
    ({"every": 31 * DAY}, "forget_after"),
    ({"every": HOUR, "expect": Expect(seen_within=MINUTE)}, "expect.seen_within"),
])
def test_contradictions_are_told(spec: dict[str, Any], field: str) -> None:
    assert [where for where, _, _ in absence.problems(spec)] == [field]


@pytest.mark.parametrize("spec", [
    {"every": HOUR}, {"every": HOUR, "grace": MINUTE, "forget_after": HOUR + 2 * MINUTE},
    {"every": 31 * DAY, "expect": Expect(register="sensors")}, {"every": 'register("r", device).interval'},
    {"every": HOUR, "expect": Expect(seen_within=2 * HOUR)},
])
def test_what_contradicts_nothing_passes(spec: dict[str, Any]) -> None:
    assert absence.problems(spec) == []


def test_another_interval_holds_from_then_on_and_judges_anew_what_is_open() -> None:
    before, after = heard_by(lambda key: 10), heard_by(lambda key: 40)
    state = fold_often(before, [member(0, "e0")], 20)
    assert state.hold.open is not None
    assert not before.renew(state, ("k",))
    assert after.renew(state, ("k",))
    assert not after.renew(state, ("k",))
    assert (state.every, state.hold.open, after.due(state)) == (40, None, 41)
    assert heard_by(lambda key: None).renew(state, ("k",))
    assert after.empty(state)


def test_another_interval_leaves_an_ended_silence_to_its_bridge() -> None:
    before, after = heard_by(lambda key: 10, keep=5), heard_by(lambda key: 40, keep=5)
    state = fold_often(before, [member(0, "e0"), member(20, "e1")], 21)
    assert after.renew(state, ("k",))
    after.advance(state, 30)
    assert [(one.opened, one.closed) for one in state.hold.episodes] == [(10, 25)]


def heard_by(every: Callable[[KeyValues], Micros | None], keep: Micros = 0) -> absence.Absence:
    """A rule that watches what a register expects."""
    return absence.Absence(HoldOptions(keep=keep), every, 0, 10**9, register=True)


# ---- part of something that is silent itself

spans_of_outages = st.lists(st.integers(1, 30), max_size=6).map(lambda steps: tuple(accumulate(steps))).map(
    lambda ends: tuple(zip(ends[::2], (*ends[1::2], None), strict=False)))


def told_of(outages: tuple[tuple[int, int | None], ...], source: str = "") -> list[Member]:
    """What a key is told of outages above."""
    found = []
    for number, (begins, ends) in enumerate(outages):
        one = Outage(f"o{number}", "rule:up/fate", "", (), begins, ends, source=source)
        found += [member for _, member in one.members if member is not None]
    return found


def heard_at(time: int) -> Member:
    """An event, called after its time."""
    return member(time, f"e{time}", n=time)


@given(cases, spans_of_outages, clocks)
def test_while_what_is_above_is_silent_nothing_is_known(case: Case, outages: tuple[tuple[int, int | None], ...],
                                                        until: int) -> None:
    known = tuple(one for one in case.members if one.time < until)
    case = replace(case, members=known, keep=0, outages=outages)
    members = [*known, *(one for one in told_of(outages) if one.time < until)]
    found = fold(compiled(case), members, until, start=case.start)
    assert told(found) == episodes(case, until)
    assert fold_often(compiled(case), members, until, start=case.start).hold.episodes == found


def test_after_an_outage_the_deadline_is_counted_from_its_end() -> None:
    rule = compiled(heard(register=True))
    outage = told_of(((4, 30),))
    assert told(fold(rule, [heard_at(0), *outage])) == [Told(40, None, "", ["e0"])]
    assert told(fold(rule, [heard_at(0), *outage, heard_at(35), heard_at(44)], until=54)) == []


def test_what_is_open_when_an_outage_begins_stays_open_until_the_entity_reports() -> None:
    rule = compiled(heard(register=True))
    members = [heard_at(0), *told_of(((15, 30),)), heard_at(70)]
    assert told(fold(rule, members, until=75)) == [Told(10, 70, "", ["e0"])]


def test_what_is_above_and_was_forgotten_leaves_what_is_below_unknown_until_it_reports() -> None:
    lost = Outage("o", "rule:up/fate", "", (), 4, 30, lost=True)
    outage = [one for _, one in lost.members if one is not None]
    for register in (True, False):
        rule = compiled(heard(register=register))
        assert told(fold(rule, [heard_at(0), *outage])) == []
        assert told(fold(rule, [heard_at(0), *outage, heard_at(50)], 70)) == [Told(60, None, "", ["e50"])]


def test_a_silent_source_hides_only_what_was_last_heard_of_from_there() -> None:
    rule = compiled(heard(register=True))
    for source, expected in (("s", []), ("other", [Told(10, None, "", ["e0"])])):
        assert told(fold(rule, [heard_at(0), *told_of(((0, None),), source)])) == expected
        assert told(fold(rule, told_of(((0, None),), source))) == []  # it might be from any of them


def test_it_tells_what_hides_it_and_from_when_a_silence_of_it_may_yet_begin() -> None:
    rule = compiled(heard(register=True))
    for outages, undecided, hides in (((), 3, {}), (((5, None),), None, {"rule:up/fate": 5})):
        state = fold_often(rule, [member(3, "e0"), *told_of(outages)], 8)
        watched = rule.explain(state, 8).watched
        assert watched is not None
        assert (rule.undecided(state), watched.above) == (undecided, hides)
    assert rule.undecided(fold_often(rule, [member(3, "e0")], 20)) is None  # it is told


# ---- speaks, and says nothing new


def changing(*values: Any, every: int = 10) -> list[Told]:
    """One event every four; only what is new counts."""
    rule = absence.Absence(HoldOptions(), lambda key: every, 0, 10**9, True, changes=True)
    members = [member(4 * at, f"e{at}", value=value, n=at) for at, value in enumerate(values)]
    return told(fold(rule, members, until=4 * len(values)))


def test_who_repeats_itself_does_not_report() -> None:
    assert changing(1, 1, 1, 1, 1) == [Told(10, None, "", ["e0"])]
    assert changing(1, 2, 2, 2, 2, 3) == [Told(14, 20, "", ["e1"])]
    assert changing(1, 2, 1, 2, 1, 2) == []
    assert changing(*[float("nan")] * 5) == [Told(10, None, "", ["e0"])]
    assert changing(*[[1, "a"]] * 5) == [Told(10, None, "", ["e0"])]


@given(st.lists(st.integers(0, 2), max_size=12))
def test_only_changes_count(values: list[int]) -> None:
    new = [at for at, value in enumerate(values) if at == 0 or value != values[at - 1]]
    case = Case(10, tuple(member(4 * at, f"e{at}", n=at) for at in new), register=True)
    assert changing(*values) == episodes(case, 4 * len(values))


# ---- on duty, and excused


def on_duty(schedule: Schedule | None = None, excused: int = BEFORE_ALL) -> absence.Absence:
    """Every hour; `excused` until then."""
    return absence.Absence(HoldOptions(), lambda key: HOUR, 0, 30 * DAY, True, HOUR, schedule,
                           (lambda key: excused) if excused > BEFORE_ALL else None)


def opened(rule: absence.Absence, *times: int, until: int) -> list[int]:
    members = [member(time, f"e{number}") for number, time in enumerate(times)]
    return [one.opened for one in fold(rule, members, until)]


def test_off_duty_time_is_no_silence() -> None:
    by_day = Schedule([Duty(begin=8 * 60, end=18 * 60)])
    assert opened(on_duty(by_day), 17 * HOUR + 30 * MINUTE, until=2 * DAY) == [
        9 * HOUR, DAY + 8 * HOUR + 30 * MINUTE]  # never heard of until the first report
    assert opened(on_duty(by_day), 7 * HOUR, 17 * HOUR, 23 * HOUR, until=DAY + 9 * HOUR) == [8 * HOUR + HOUR, 18 * HOUR]


def test_with_duty_at_all_times_a_schedule_changes_nothing() -> None:
    for times in ((), (HOUR,), (3 * HOUR, 3 * HOUR + 1), (DAY, 2 * DAY)):
        assert opened(on_duty(Schedule([Duty()])), *times, until=3 * DAY) == opened(on_duty(), *times, until=3 * DAY)


def test_who_is_excused_counts_as_seen_until_then() -> None:
    assert opened(on_duty(excused=5 * HOUR), until=DAY) == [6 * HOUR]
    assert opened(on_duty(excused=5 * HOUR), HOUR, until=DAY) == [6 * HOUR]
    assert opened(on_duty(excused=5 * HOUR), 7 * HOUR, until=DAY) == [6 * HOUR, 8 * HOUR]
    assert opened(on_duty(excused=5 * HOUR), until=6 * HOUR) == []


def test_a_rule_that_is_never_on_duty_again_finds_nothing_and_forgets_in_time() -> None:
    never = Schedule([Duty(holidays="only", calendar=frozenset([0]))])
    rule = absence.Absence(HoldOptions(), lambda key: HOUR, 0, 2 * DAY, False, HOUR, never)
    state = fold_often(rule, [member(3 * DAY, "e1")])
    assert state.hold.episodes == []
    assert rule.empty(state)


@given(cases, st.sampled_from([0, 3, 17, 60]))
def test_an_excuse_that_is_over_changes_nothing(case: Case, span: int) -> None:
    """One that ended before the watch began."""
    rule = compiled(case)
    rule.excused = lambda key: case.start - 100 - span
    assert told(fold(rule, case.members, start=case.start)) == told(folded(case))
