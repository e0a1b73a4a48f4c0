"""The kind `absence` against its oracle, and its edges by name."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import AFTER_ALL, BEFORE_ALL, DAY
from streams.episodes import Episode, HoldOptions
from streams.kinds import Frontier, absence
from streams.kinds.absence import Absence
from streams.records import Member
from streams.specs import Expect
from tests.folds import fold, member
from tests.oracle.absence import Terms, Told, episodes

UTC = ZoneInfo("UTC")


def rule(terms: Terms) -> Absence:
    return Absence(HoldOptions(terms.wait, terms.keep), lambda key: terms.every, terms.grace, terms.forget,
                   register=terms.registered)


def told(found: list[Episode]) -> list[Told]:
    return [(one.opened, one.closed, one.evidence, one.ended) for one in found]


def at(*times: int) -> list[Member]:
    return [member(time, f"e{number}") for number, time in enumerate(times)]


def said(terms: Terms, members: list[Member], until: int = AFTER_ALL) -> list[Told]:
    start = BEFORE_ALL if terms.start is None else terms.start
    return told(fold(rule(terms), members, until, start=start))


terms = st.builds(Terms, every=st.integers(1, 8), grace=st.integers(0, 3), forget=st.integers(0, 40),
                  start=st.none() | st.just(0), wait=st.sampled_from([0, 0, 4]), keep=st.sampled_from([0, 0, 5]))


@given(terms, st.lists(st.integers(0, 60), max_size=8), st.integers(0, 120))
def test_fold_is_what_the_oracle_says(terms: Terms, times: list[int], until: int) -> None:
    members = at(*sorted(times))
    assert said(terms, members) == episodes(members, terms)
    end = max([until, *times])
    assert said(terms, members, end) == episodes(members, terms, end)


def test_an_event_at_the_deadline_counts() -> None:
    assert said(Terms(10), at(0, 10), 15) == []
    assert said(Terms(10), at(0, 11), 15) == [(10, 11, ["e0"], "")]


def test_it_opens_once_time_is_beyond_the_deadline() -> None:
    assert said(Terms(10), at(0), 10) == []
    assert said(Terms(10), at(0), 11) == [(10, None, ["e0"], "")]


def test_grace_is_added_to_every() -> None:
    assert said(Terms(10, grace=5), at(0, 15), 16) == []
    assert said(Terms(10, grace=5), at(0), 16) == [(15, None, ["e0"], "")]


def test_what_a_register_expects_counts_from_the_switch_and_is_never_forgotten() -> None:
    assert said(Terms(10, forget=20, start=3), [], 10**9) == [(13, None, [], "")]
    assert said(Terms(10, start=3), at(40), 45) == [(13, 40, [], "")]


def test_what_was_only_met_is_forgotten() -> None:
    assert said(Terms(10, forget=30), at(0)) == [(10, 31, ["e0"], "forgotten")]


def test_what_has_no_interval_is_not_watched() -> None:
    one = Absence(HoldOptions(), lambda key: None, 0, DAY, register=True)
    assert fold(one, at(0, 5), start=0) == []


def test_it_waits_for_the_clock_and_reads_its_fields() -> None:
    spec = {"every": 10, "grace": 2, "forget_after": 50, "expect": Expect(seen_within=40)}
    one = absence.compile_rule(spec, HoldOptions(wait=3), UTC, every=lambda key: 10)
    assert one.frontier is Frontier.CLOCK
    assert (one.grace, one.forget_after, one.register, one.horizon) == (2, 40, False, 15)


def test_contradictions_are_named() -> None:
    assert [field for field, _, _ in absence.problems({"every": 0})] == ["every"]
    assert [field for field, _, _ in absence.problems({"every": 20, "forget_after": 10})] == ["forget_after"]
    assert absence.problems({"every": 20, "forget_after": 30}) == []
