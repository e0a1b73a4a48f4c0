"""Rules with a baseline in the engine: order, cuts, partitions, restarts, edits, and sources that fall silent."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bench.detection.keys import measure
from streams.clocks import HOUR, MINUTE
from streams.detect.domains import SIFT_AT_LEAST, Domain
from streams.detect.keys import Key
from streams.findings import RETRACTED
from streams.judging.episodes import HoldOptions
from streams.kinds.match import Match
from tests.composed import CUTS, PLANS, TURNS, City, Spot, final, folded, frames, told
from tests.test_outages import made

RULES = """
{kind: threshold, id: few, event: a, by: k, window: {type: tumbling, size: 5m}, owner: o,
 baseline: {season: none, memory: 2d, min_samples: 1}, condition: {below: {p: 0.05}}}
---
{kind: threshold, id: many, event: [a, b], by: k, window: {type: tumbling, size: 5m}, owner: o,
 baseline: {season: none, memory: 2d, min_samples: 1}, condition: {above: {p: 0.05}}}
"""


@given(PLANS.filter(bool), CUTS, st.integers(2, 4), TURNS)
def test_order_and_partitions_change_nothing_and_in_order_nothing_is_retracted(
        plan: list[Spot], cuts: list[bool], partitions: int, choose: list[int]) -> None:
    in_order = told(folded(made(RULES), plan, "time", cuts))
    assert [one for one in in_order if one.change == RETRACTED] == []
    assert final(told(folded(made(RULES), plan, "late", cuts, partitions, choose))) == final(in_order)


def test_a_silent_source_is_found_and_not_that_little_comes_of_each_key() -> None:
    steady = [Spot(at, "a", k, "n", 0) for at in range(60) for k in "xxxy" if k == "x" or at % 3 == 0]
    found = {name: {one.rule for one in told(folded(made(RULES, silence), steady))} for name, silence in
             (("heard", "12m"), ("off", "off"))}
    assert found["heard"] == {"source-silent.s"}
    assert "few" in found["off"]


BUSY = [Spot(at, "a", k, "n", at * 7 % 20) for at in range(60) for k in "xy"
        for _ in range((4 if at in (40, 41, 55) else 1) if k == "x" else at < 30)]
"""x is steady, and twice too much; y stops after half an hour."""


def test_a_restart_gives_the_same_bytes() -> None:
    plain, again = (folded(made(RULES), BUSY, "late", (False, True), 2, (0, 1, 1), often) for often in (0, 1))
    assert {one.rule for one in told(plain)} == {"few", "many", "source-silent.s"}
    assert (again.sent, again.told) == (plain.sent, plain.told)


def test_what_was_learnt_stays_where_an_edit_does_not_touch_it() -> None:
    edited = RULES.replace("id: many,", "id: many, title: A crowd, severity: severe, status: test,")
    edited = edited.replace("id: few, event: a, by: k, window: {type: tumbling, size: 5m}",
                            "id: few, event: a, by: k, window: {type: tumbling, size: 10m}")
    city = City(made(RULES), frames(made(RULES), BUSY, "time", (True,), 1))
    for _ in range(len(city.logs[0]) // 2):
        city.step(0)
    city.bundle = made(edited)
    city.restart(0)
    city.run((0,))
    plain = [one for one in final(told(folded(made(RULES), BUSY))) if one[0] == "many"]
    assert plain
    assert [one for one in final(told(city)) if one[0] == "many"] == plain
    assert "few" in {one[0] for one in final(told(folded(made(RULES), BUSY)))}
    assert "few" not in {one[0] for one in final(told(city))}  # its bins are others now, so it learns anew


def test_a_key_is_kept_in_less_than_two_kilobytes() -> None:
    assert measure(12, 2)["most_bytes_kept"] < 2000


def test_calls_that_will_not_be_made_are_not_kept() -> None:
    domain = Domain(frozenset("s"), HOUR)
    key = Key("r", Match(HoldOptions()), (), b"k", 0)
    for hour in range(10 * SIFT_AT_LEAST):
        key.wake = 10**15 + hour  # as after a call, when nothing waits before it is forgotten
        domain.arm(key, hour * MINUTE)
    assert len(domain.heap) <= SIFT_AT_LEAST + 1
    assert domain.heap[-1][0] == key.wake
