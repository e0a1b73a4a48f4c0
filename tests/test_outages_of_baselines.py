"""While a source is silent nobody finds that little came, and nobody learns it: whatever order, cut and partitions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.findings import RETRACTED
from tests.composed import CUTS, PLANS, TURNS, Spot, final, folded, told
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
