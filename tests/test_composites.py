"""Rules that read rules keep the engine's promises: order of arrival, partitions, cuts and restarts change nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.composites import feeds, origin
from streams.detect.onward import Onward
from streams.findings import RETRACTED
from streams.frames import VersionRow, decode_work
from streams.judging.episodes import Episode
from tests.composed import CUTS, GATHERED, MOVING, PLANS, TURNS, Spot, final, folded, made, told

RULES = """
{kind: threshold, id: pair, event: a, by: [place.district, k], window: 10m, condition: {gte: 2}, owner: o}
---
{kind: sequence, id: unanswered, by: k, within: 5m, steps: [{name: a, event: a}, {name: b, not: {event: b}}], owner: o}
---
{kind: threshold, id: busy, rule: pair, by: place.district, window: 40m, measure: {distinct: k}, condition: {gte: 2},
 owner: o}
---
{kind: threshold, id: large, rule: pair, where: count >= 3, by: k, window: 20m, condition: {gte: 1}, owner: o}
---
{kind: sequence, id: after, by: k, within: 20m, owner: o,
 steps: [{name: u, rule: unanswered}, {name: p, rule: pair}, {name: none, not: {event: b}}]}
---
{kind: match, id: top, rule: [busy, large, after], owner: o}
---
{kind: absence, id: quiet, rule: pair, by: place.district, every: 30m, forget_after: 2h, owner: o}
"""
any_rules = pytest.mark.parametrize("rules", [RULES, MOVING, GATHERED], ids=["standing", "moving", "gathered"])


@any_rules
@given(PLANS, CUTS, CUTS)
def test_the_order_of_arrival_changes_nothing(rules: str, plan: list[Spot], cuts: list[bool],
                                              others: list[bool]) -> None:
    city = made(rules)
    assert final(told(folded(city, plan, "late", cuts))) == final(told(folded(city, plan, "time", others)))


@any_rules
@given(PLANS, CUTS, st.integers(2, 4), TURNS)
def test_the_number_of_partitions_changes_nothing(rules: str, plan: list[Spot], cuts: list[bool], partitions: int,
                                                  choose: list[int]) -> None:
    several = folded(made(rules), plan, "late", cuts, partitions, choose)
    assert final(told(several)) == final(told(folded(made(rules), plan)))


@any_rules
@given(PLANS, CUTS, st.integers(1, 3), TURNS, st.integers(1, 4))
def test_a_restart_gives_the_same_bytes(rules: str, plan: list[Spot], cuts: list[bool], partitions: int,
                                        choose: list[int], restart: int) -> None:
    plain, again = (folded(made(rules), plan, "late", cuts, partitions, choose, often) for often in (0, restart))
    assert again.sent == plain.sent
    assert again.told == plain.told


@given(PLANS, CUTS, st.integers(1, 3), TURNS, st.integers(2, 5), CUTS)
def test_a_crash_before_the_state_is_kept_changes_nothing(plan: list[Spot], cuts: list[bool], partitions: int,
                                                          choose: list[int], keep: int, crashes: list[bool]) -> None:
    plain = folded(made(RULES), plan, "late", cuts, partitions, choose)
    again = folded(made(RULES), plan, "late", cuts, partitions, choose, keep, crashes)
    assert final(told(again)) == final(told(plain))


@given(PLANS, CUTS, st.integers(1, 3), TURNS)
def test_what_is_sent_twice_counts_once(plan: list[Spot], cuts: list[bool], partitions: int,
                                        choose: list[int]) -> None:
    city = folded(made(RULES), plan, "late", cuts, partitions, choose)
    before = told(city)
    for partition, frame in [one for sent in city.sent for one in sent]:
        city.logs[partition].append(decode_work(frame))
    city.run(choose)
    assert told(city) == before


@given(PLANS, CUTS)
def test_in_order_nothing_is_retracted(plan: list[Spot], cuts: list[bool]) -> None:
    assert not [finding for finding in told(folded(made(RULES), plan, "time", cuts)) if finding.change == RETRACTED]


@any_rules
@given(PLANS, CUTS, st.integers(1, 3), TURNS)
def test_the_state_ends_empty(rules: str, plan: list[Spot], cuts: list[bool], partitions: int,
                              choose: list[int]) -> None:
    city = folded(made(rules), plan, "late", cuts, partitions, choose)
    assert [engine.open_keys for engine in city.engines] == [0] * partitions


def test_what_a_restored_state_tells_goes_with_the_next_frame_that_can_be_read() -> None:
    onward = Onward(made(RULES), 0, 1)
    onward.start(5, {"pair": (0, 0)})
    onward.tell(made(RULES).rules["pair"], ("n", "x"), Episode(0, finding="f", value=2), False, 0)
    onward.start(6, {"pair": (0, 0)})  # the one at 5 was poison
    onward.finish({"pair": (0, 0)})
    assert {row.rule.partition("@")[0] for row in onward.rows[0] if isinstance(row, VersionRow)} == {
        "after", "busy", "quiet"}
    onward.start(7, {"pair": (0, 0)})
    assert not onward.rows


def test_what_feeds_a_rule_is_what_feeds_its_bases() -> None:
    assert feeds(made(RULES), made(RULES).rules["top"]) == {"s"}
    assert made(RULES).rules["top"].sources == frozenset()
    assert made(RULES).rules["after"].sources == {"s"}
    assert origin("pair") == "rule:pair"
