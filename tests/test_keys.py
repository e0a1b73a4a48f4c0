"""One key: settling in parts, refolds after it, and how much it keeps."""

from __future__ import annotations

import random
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import AFTER_ALL
from streams.episodes import HoldOptions
from streams.keys import SETTLE_AT_LEAST, Key
from streams.kinds import Detector, sequence, threshold
from streams.records import Member
from streams.specs import Measure, Step, Test, Window
from tests.folds import fold, member

UTC = ZoneInfo("UTC")
LATENESS = 200


def counting() -> Detector:
    spec = {"window": Window("sliding", 20), "measure": Measure(), "condition": Test("gte", 3), "recovery": None,
            "min_events": 0}
    return threshold.compile_rule(spec, HoldOptions(keep=5), UTC)


def waiting() -> Detector:
    steps = (Step("a", 0), Step("b", 1, negated=True))
    spec = {"steps": steps, "within": 15, "select": "each", "limit": 1000, "ordered": True, "until": False}
    return sequence.compile_rule(spec, HoldOptions(), UTC)


def made(detector: Detector) -> Key:
    key = Key("r@x", detector, ("k",), b"name", 0)
    key.wake = AFTER_ALL
    return key


def told(episodes: list[Any]) -> list[tuple[Any, ...]]:
    return [(one.opened, one.closed, one.value, one.evidence) for one in episodes]


@given(st.integers(0, 10**6), st.sampled_from([counting, waiting]))
def test_a_long_and_disordered_stream_settled_in_parts_is_the_plain_fold(seed: int, kind: Any) -> None:
    dice, detector = random.Random(seed), kind()
    members = [member(number * 3 + dice.randint(0, 2), f"e{number}", dice.choice([1, 1, 2])) for number in range(260)]
    arriving = sorted(members, key=lambda one: one.time + dice.randint(0, 60))
    key, settled, clock, most = made(detector), [], 0, 0
    seen: list[Any] = []
    for one in arriving:
        if key.take(one, clock):
            key.refold(clock)
        clock = max(clock, one.time - 30)
        key.advance(clock)
        most = max(most, len(key.events))
        before = [episode for episode in key.head.hold.episodes if episode.closed is not None]
        key.settle(clock - LATENESS)
        kept = {id(episode) for episode in key.head.hold.episodes}
        settled += [episode for episode in before if id(episode) not in kept]
    key.advance(10**6)
    seen = [*settled, *key.head.hold.episodes]
    assert told(seen) == told(fold(detector, members, 10**6, restart=False))
    assert most < 260 - SETTLE_AT_LEAST  # it has settled on the way
    assert key.settle(10**7)


def test_what_is_over_long_ago_leaves_nothing() -> None:
    key = made(counting())
    key.take(member(5, "a"), 0)
    key.advance(1000)
    assert not key.settle(5)
    assert key.settle(900)
    assert (key.events, key.folded) == ([], 0)


def test_it_asks_to_be_called_for_what_waits() -> None:
    key = made(waiting())
    key.take(member(10, "a", 1), 5)
    assert key.folded == 0  # the rule waits for the clock
    assert key.due(LATENESS) == 11
    key.advance(12)
    assert key.folded == 1
    assert key.due(LATENESS) == 10 + 15 + 1  # the deadline of the `not`
    key.advance(26)
    assert [one.opened for one in key.head.hold.episodes] == [25]
    assert key.due(LATENESS) == 26 + LATENESS + 1  # to settle


def test_an_event_behind_what_time_has_done_asks_for_a_refold() -> None:
    key = made(waiting())
    key.take(member(10, "a", 1), 5)
    key.advance(40)
    assert [one.opened for one in key.head.hold.episodes] == [25]
    assert key.take(Member(20, "s", 0, 9, "b", 2), 40)
    before = key.refold(40)
    assert [one.opened for one in before] == [25]
    assert key.head.hold.episodes == []
