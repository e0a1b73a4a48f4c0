"""The kind `match` against its oracle, and its edges by name."""

from __future__ import annotations

from itertools import accumulate
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import AFTER_ALL
from streams.judging.episodes import EVIDENCE_LIMIT, Episode, HoldOptions
from streams.kinds import Frontier, Identity, match
from streams.records import Member
from tests.folds import fold, fold_forgetting, fold_often, member
from tests.oracle.match import Told, episodes

UTC = ZoneInfo("UTC")
keeps = st.sampled_from([0, 0, 1, 2, 3, 6])
clocks = st.just(AFTER_ALL) | st.integers(0, 40)
histories = st.lists(st.sampled_from([0, 0, 1, 1, 2, 3, 4, 7]), max_size=12).map(
    lambda steps: tuple(member(time, f"e{i}", n=i) for i, time in enumerate(accumulate(steps))))


def compiled(keep: int = 0, wait: int = 0) -> match.Match:
    found = match.compile_rule({}, HoldOptions(wait, keep), UTC)
    assert isinstance(found, match.Match)
    return found


def told(found: list[Episode]) -> list[Told]:
    """Episodes as the oracle tells them; their other fields agree with those."""
    for one in found:
        assert (one.count, one.last, one.facts) == (len(one.evidence), one.evidence[-1], {"n": int(one.last[1:])})
        assert (one.value, one.bound, one.ended) == (None, None, "")
    return [Told(one.opened, one.closed, one.evidence) for one in found]


@given(histories, keeps, clocks)
def test_the_fold_is_what_the_oracle_says(members: tuple[Member, ...], keep: int, until: int) -> None:
    known = tuple(one for one in members if one.time < until)
    expected = episodes(known, keep, until)
    assert told(fold(compiled(keep), known, until)) == expected
    assert told(fold(compiled(keep), known, until, restart=False)) == expected


@given(histories, keeps, st.integers(1, 9))
def test_for_means_nothing_to_an_instant(members: tuple[Member, ...], keep: int, wait: int) -> None:
    assert fold(compiled(keep, wait), members) == fold(compiled(keep), members)


@given(histories, keeps)
def test_when_time_is_told_changes_no_byte(members: tuple[Member, ...], keep: int) -> None:
    often = fold_often(compiled(keep), members)
    assert often.hold.episodes == fold(compiled(keep), members, restart=False)
    assert compiled(keep).empty(often)
    assert compiled(keep).due(often) is None


@given(histories, keeps)
def test_an_empty_key_may_be_forgotten(members: tuple[Member, ...], keep: int) -> None:
    assert fold_forgetting(compiled(keep), members) == fold(compiled(keep), members)


@given(histories, keeps, st.integers(0, 40), st.integers(0, 11))
def test_no_straggler_undoes_that_an_event_was_worth_a_finding(
        members: tuple[Member, ...], keep: int, until: int, gone: int) -> None:
    without = members[:gone] + members[gone + 1:]
    old = {id for one in fold(compiled(keep), without, until) for id in one.evidence}
    assert old <= {id for one in fold(compiled(keep), members, until) for id in one.evidence}


# ---- edges by name


def spans(*times: int, keep: int = 0) -> list[tuple[int, int | None]]:
    return [(one.opened, one.closed) for one in fold(compiled(keep), [member(t, f"e{i}") for i, t in enumerate(times)])]


def test_an_episode_is_the_instant_of_its_event() -> None:
    assert spans(5) == [(5, 5)]
    assert spans(5, 5, 7) == [(5, 5), (5, 5), (7, 7)]


def test_keep_firing_for_joins_what_follows_up_to_its_last_instant() -> None:
    assert spans(0, 10, keep=10) == [(0, 20)]
    assert spans(0, 11, keep=10) == [(0, 10), (11, 21)]
    assert spans(0, 9, 18, 27, keep=10) == [(0, 37)]


def test_with_keep_firing_for_an_episode_is_open_until_it_is_over() -> None:
    event = [member(0, "e0")]
    assert [one.closed for one in fold(compiled(10), event, until=10)] == [None]
    assert [one.closed for one in fold(compiled(10), event, until=11)] == [10]


def test_evidence_names_the_first_and_counts_all() -> None:
    many = [member(i, f"e{i}") for i in range(EVIDENCE_LIMIT + 30)]
    [one] = fold(compiled(keep=1), many)
    assert one.evidence == [f"e{i}" for i in range(EVIDENCE_LIMIT)]
    assert (one.count, one.last, one.opened, one.closed) == (EVIDENCE_LIMIT + 30, "e129", 0, 130)


def test_the_facts_are_those_of_the_newest_event_that_has_some() -> None:
    [one] = fold(compiled(keep=9), [member(0, "e0", a=1), member(1, "e1", b=2), member(2, "e2")])
    assert one.facts == {"b": 2}


def test_what_the_engine_asks_of_it() -> None:
    detector = compiled(keep=7)
    assert (detector.frontier, detector.identity, detector.horizon) == (Frontier.HEAD, Identity.EVIDENCE, 7)
    assert detector.empty(detector.start(("k",), 0))
    assert msgspec.msgpack.encode(detector.start(("k",), 0)) == msgspec.msgpack.encode(detector.start(("j",), 99))
    assert match.problems({}) == []
