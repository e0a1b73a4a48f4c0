"""Rules that read findings which change while they last: their place, their value, their end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import MINUTE
from tests.composed import CUTS, PLANS, TURNS, Spot, final, folded, made, told

EXPECTED = """
{kind: threshold, id: drift, event: a, by: k, window: 10m, condition: {gte: 2}, owner: o}
---
{kind: absence, id: never, rule: drift, by: k, every: 25m, expect: {register: ks}, owner: o}
"""


@given(PLANS, CUTS, CUTS, st.integers(1, 3), TURNS)
def test_what_was_never_found_counts_from_the_first_event(plan: list[Spot], cuts: list[bool], others: list[bool],
                                                          partitions: int, choose: list[int]) -> None:
    late = told(folded(made(EXPECTED), plan, "late", cuts, partitions, choose))
    assert final(late) == final(told(folded(made(EXPECTED), plan, "time", others)))
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
