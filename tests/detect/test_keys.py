"""One key: settling in parts, refolds after it, and how much it keeps."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import AFTER_ALL
from streams.detect import keys
from streams.detect.engine import Engine
from streams.detect.keys import SETTLE_AT_LEAST, Key
from streams.findings import Finding
from streams.judging.episodes import HoldOptions
from streams.kinds import Detector, sequence, threshold
from streams.kinds.absence import Absence
from streams.kinds.match import Match
from streams.records import Member
from streams.specs import Measure, Step, Test, Window
from tests.cities import END, Spot, bundle, final, frames
from tests.detect.test_engine import keep
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


def averaging() -> Detector:
    spec = {"window": Window("session", gap=9, max=50), "measure": Measure("avg", "x"), "condition": Test("gt", 2),
            "recovery": Test("lt", 1), "min_events": 2}
    return threshold.compile_rule(spec, HoldOptions(wait=2), UTC)


def following() -> Detector:
    steps = (Step("a", 0, max_count=None), Step("b", 1, optional=True), Step("c", 2))
    spec = {"steps": steps, "within": 30, "select": "first", "limit": 1000, "ordered": True, "until": False}
    return sequence.compile_rule(spec, HoldOptions(keep=11), UTC)


def silent() -> Detector:
    return Absence(HoldOptions(wait=1, keep=4), lambda key: 6, 1, 15, register=False)


def matching() -> Detector:
    return Match(HoldOptions(keep=4))


KINDS = [counting, waiting, averaging, following, silent, matching]


def stream(dice: random.Random, count: int, delay: int) -> list[Spot]:
    """Events of one key, on average three apart and now and then with a pause, each up to `delay` late."""
    time, found = 0, []
    for _ in range(count):
        time += dice.choice([0, 1, 2, 2, 3, 4, 4, 25 if dice.random() < 0.2 else 2])
        found.append(Spot(time, "a", dice.randint(1, 7), dice.randint(0, 4), 0, dice.randint(0, delay)))
    return found


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 10**6))
def test_a_disordered_stream_settled_in_small_parts_is_the_plain_fold(kind: Any, seed: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "SETTLE_AT_LEAST", 5)
        check_stream(kind, random.Random(seed), 70, 40, lateness=30)


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_stream_settled_in_parts_is_the_plain_fold(kind: Any) -> None:
    most = check_stream(kind, random.Random(7), 400, 60, LATENESS)
    assert most < 250  # it has settled on the way


def check_stream(kind: Any, dice: random.Random, count: int, delay: int, lateness: int) -> int:
    """Fold a stream with restarts now and then, compare; the largest number of events that a key held."""
    city = bundle({"one": kind()}, disorder=delay // 3, lateness=lateness)
    log, accepted = frames(city, stream(dice, count, delay), lambda n: dice.random() < 0.5, partitions=1)
    engine, rows, found, most = Engine(city), dict[bytes, bytes](), list[Finding](), 0
    for offset, frame in enumerate(log):
        found += engine.step(offset, frame)
        most = max([most, *(len(key.events) for live in engine._live.values() for key in live.keys.values())])
        if dice.random() < 0.1:
            keep(rows, engine)
            engine = Engine(city)
            engine.restore(rows)
    expected = fold(kind(), [member for _, member in accepted], END, ("a",), restart=False)
    assert [row[2:] for row in final(found)] == sorted(
        (one.opened, -1 if one.closed is None else one.closed, repr(one.value), tuple(one.evidence))
        for one in expected)
    told: Counter[str] = Counter()
    for one in found:  # what is settled keeps its finding: nobody is told twice, nothing is skipped
        told[one.id] += 1
        assert one.sequence == told[one.id]
    assert engine.open_keys == 0
    return most


@given(st.integers(0, 10**6), st.integers(1, 40))
def test_a_key_keeps_what_can_still_change_and_little_more(seed: int, apart: int) -> None:
    """At most about twice the events of `lateness`: to settle waits for enough to be worth it."""
    dice = random.Random(seed)
    city = bundle({"one": counting()}, disorder=0, lateness=LATENESS)
    plan = [Spot(number * apart + dice.randint(0, apart), "a", 1, None, 0, 0) for number in range(400)]
    log, _ = frames(city, plan, lambda n: True, partitions=1)
    engine = Engine(city)
    for offset, frame in enumerate(log):
        engine.step(offset, frame)
        for live in engine._live.values():
            for key in live.keys.values():
                fresh = sum(one.time >= key.events[-1].time - LATENESS for one in key.events)
                assert len(key.events) <= 2 * (fresh + LATENESS // apart + SETTLE_AT_LEAST)


def test_what_is_over_long_ago_leaves_nothing() -> None:
    key = made(counting())
    key.take(member(5, "a"), 0)
    key.advance(1000)
    assert not key.settle(5)
    assert key.settle(900)


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


def test_what_happened_at_the_horizon_can_still_change() -> None:
    key = made(matching())
    key.take(member(5, "a"), 100)
    key.advance(100)
    assert [one.closed for one in key.head.hold.episodes] == [9]
    assert not key.settle(10)  # at 10 the episode was over
    assert key.settle(11)


def test_an_event_at_the_time_of_what_time_has_done_comes_after_it() -> None:
    key = made(matching())
    key.take(member(5, "a"), 0)
    key.advance(10)
    assert key.done == 10
    assert not key.take(member(10, "b"), 10)
    assert key.take(member(9, "c"), 10)
