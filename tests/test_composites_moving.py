"""Rules that read findings which change while they last: their place, their value, their end."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import MINUTE
from streams.rules import Bundle
from tests.composed import CUTS, PLANS, TURNS, Spot, final, folded, made, told

RULES = """
{kind: threshold, id: drift, event: a, by: k, window: 10m, condition: {gte: 2}, owner: o}
---
{kind: threshold, id: spot, event: a, near: 50m, window: 10m, condition: {gte: 2}, owner: o}
---
{kind: match, id: run, event: b, by: k, keep_firing_for: 8m, owner: o}
---
{kind: threshold, id: close-by, rule: [drift, spot], near: 60m, window: 20m, condition: {gte: 2}, owner: o}
---
{kind: threshold, id: here, rule: drift, by: place.district, window: 20m, condition: {gte: 1}, owner: o}
---
{kind: match, id: lasting, rule: [drift, run], where: has(event.closed) && closed - time >= duration("12m"), owner: o}
---
{kind: threshold, id: grown, rule: drift, where: value >= 4.0, by: k, window: 20m, condition: {gte: 1}, owner: o}
---
{kind: sequence, id: both, by: k, within: 20m, steps: [{name: d, rule: drift}, {name: r, rule: run}], owner: o}
---
{kind: match, id: any, rule: [close-by, here, both], keep_firing_for: 5m, near: 100m, owner: o}
"""


@cache
def bundle() -> Bundle:
    return made(RULES)


EXPECTED = """
{kind: threshold, id: drift, event: a, by: k, window: 10m, condition: {gte: 2}, owner: o}
---
{kind: absence, id: never, rule: drift, by: k, every: 25m, expect: {register: ks}, owner: o}
"""


@cache
def expected() -> Bundle:
    return made(EXPECTED)


@given(PLANS, CUTS, CUTS, st.integers(1, 3), TURNS)
def test_what_was_never_found_counts_from_the_first_event(plan: list[Spot], cuts: list[bool], others: list[bool],
                                                          partitions: int, choose: list[int]) -> None:
    late = told(folded(expected(), plan, "late", cuts, partitions, choose))
    assert final(late) == final(told(folded(expected(), plan, "time", others)))
    opened = {one.opened for one in late if one.rule == "never" and one.key == {"k": "z"}}
    assert opened == ({(min(spot.at for spot in plan) + 25) * MINUTE} if plan else opened)


LONG = """
{kind: threshold, id: jam, event: a, by: k, window: 10m, condition: {gte: 2}, owner: o}
---
{kind: match, id: long, rule: jam, where: has(event.closed) && closed - time >= duration("3h"), by: k, owner: o}
---
{kind: match, id: big, rule: jam, where: count >= 40, by: k, owner: o}
---
{kind: threshold, id: any, rule: [long, big], window: 5m, condition: {gte: 1}, owner: o}
"""


@pytest.mark.parametrize("cuts", [[True], [False], [False, False, True]])
def test_what_a_finding_becomes_after_hours_is_not_too_late(cuts: list[bool]) -> None:
    plan = [Spot(at=4 * number, type="a", k="x", district="n", delay=0) for number in range(60)]
    city = folded(made(LONG), plan, cuts=cuts)
    assert {one[:3] for one in final(told(city))} == {
        (rule, key, 4 * MINUTE) for rule, key in (("jam", "{'k': 'x'}"), ("long", "{'k': 'x'}"),
                                                 ("big", "{'k': 'x'}"), ("any", "{}"))}
    assert not city.engines[0].counts["older_than_settled"]


@given(PLANS, CUTS, CUTS)
def test_the_order_of_arrival_changes_nothing(plan: list[Spot], cuts: list[bool], others: list[bool]) -> None:
    assert final(told(folded(bundle(), plan, "late", cuts))) == final(told(folded(bundle(), plan, "time", others)))


@given(PLANS, CUTS, st.integers(2, 4), TURNS)
def test_the_number_of_partitions_changes_nothing(plan: list[Spot], cuts: list[bool], partitions: int,
                                                  choose: list[int]) -> None:
    assert final(told(folded(bundle(), plan, "late", cuts, partitions, choose))) == final(told(folded(bundle(), plan)))


@given(PLANS, CUTS, st.integers(1, 3), TURNS, st.integers(1, 4))
def test_a_restart_gives_the_same_bytes(plan: list[Spot], cuts: list[bool], partitions: int, choose: list[int],
                                        restart: int) -> None:
    plain, again = (folded(bundle(), plan, "late", cuts, partitions, choose, often) for often in (0, restart))
    assert again.sent == plain.sent
    assert again.told == plain.told


@given(PLANS, CUTS, st.integers(1, 3), TURNS)
def test_the_state_ends_empty(plan: list[Spot], cuts: list[bool], partitions: int, choose: list[int]) -> None:
    assert not any(one.open_keys for one in folded(bundle(), plan, "late", cuts, partitions, choose).engines)
