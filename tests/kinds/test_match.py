"""The kind `match` against its oracle, and its edges by name."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import AFTER_ALL
from streams.episodes import Episode, HoldOptions
from streams.kinds import Frontier, match
from streams.records import Member
from tests.folds import fold, member
from tests.oracle.match import Told, episodes

UTC = ZoneInfo("UTC")


def rule(keep: int = 0) -> match.Match:
    return match.compile_rule({}, HoldOptions(keep=keep), UTC)


def told(found: list[Episode]) -> list[Told]:
    return [(one.opened, one.closed, one.evidence) for one in found]


def at(*times: int) -> list[Member]:
    return [member(time, f"e{number}") for number, time in enumerate(times)]


@given(st.lists(st.integers(0, 40), max_size=12), st.integers(0, 9), st.integers(0, 60))
def test_fold_is_what_the_oracle_says(times: list[int], keep: int, until: int) -> None:
    members = at(*sorted(times))
    assert told(fold(rule(keep), members)) == episodes(members, keep)
    end = max([until, *times])
    assert told(fold(rule(keep), members, end)) == episodes(members, keep, end)


def test_each_event_is_an_instant() -> None:
    assert told(fold(rule(), at(5, 5, 9))) == [(5, 5, ["e0"]), (5, 5, ["e1"]), (9, 9, ["e2"])]


def test_an_event_exactly_at_the_end_of_keep_firing_for_still_joins() -> None:
    assert told(fold(rule(10), at(0, 10))) == [(0, 20, ["e0", "e1"])]
    assert told(fold(rule(10), at(0, 11))) == [(0, 10, ["e0"]), (11, 21, ["e1"])]


def test_it_is_open_until_time_is_beyond_the_deadline() -> None:
    assert told(fold(rule(10), at(0), 10)) == [(0, None, ["e0"])]
    assert told(fold(rule(10), at(0), 11)) == [(0, 10, ["e0"])]


def test_it_concludes_at_once_and_its_state_ends_empty() -> None:
    one = rule(10)
    assert one.frontier is Frontier.HEAD
    state = one.start(("k",), 0)
    one.on_event(state, at(3)[0])
    assert not one.empty(state)
    one.advance(state, AFTER_ALL)
    assert one.empty(state)
    assert one.due(state) is None


def test_the_newest_event_s_facts_stand_in_the_episode() -> None:
    [found] = fold(rule(10), [member(0, "1", street="a"), member(5, "2", street="b")])
    assert found.facts == {"street": "b"}
