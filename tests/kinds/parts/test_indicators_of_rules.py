"""Indicators that measure findings: any order, cut, partitions and restart, and what the findings themselves say."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import HOUR, MINUTE
from streams.findings import Reading
from streams.rules import Bundle
from tests.composed import CUTS, PLANS, TURNS, City, Spot, final, frames, made

RULES = """
{kind: threshold, id: pair, event: a, by: [place.district, k], window: 10m, condition: {gte: 2}, owner: o}
---
{kind: match, id: run, event: b, by: k, keep_firing_for: 8m, owner: o}
---
{kind: indicator, id: open, rule: [pair, run], every: 15m, window: 1h, open: true, bands: {amber: 1, red: 2}, owner: o}
---
{kind: indicator, id: paired, rule: [pair, run], every: 15m, window: 30m, measure: {ratio: type == "rule:pair"},
 good: high, bands: {amber: 0.5, red: 0}, owner: o}
---
{kind: indicator, id: worst, rule: pair, by: place.district, every: 15m, measure: {max: value},
 bands: {amber: 3, red: 4}, baseline: {season: none, memory: 2d}, owner: o}
"""


class Reads(City):
    """A city that keeps what its indicators tell."""

    def __init__(self, bundle: Bundle, plan: list[Spot], order: str, cuts: list[bool], partitions: int = 1) -> None:
        super().__init__(bundle, frames(bundle, plan, order, cuts, partitions))
        self.read: dict[tuple[str, str, int], Reading] = {}

    def step(self, number: int) -> None:
        super().step(number)
        self.read.update({(one.indicator, str(one.key), one.at): one for one in self.engines[number].readings})

    @property
    def last(self) -> dict[Any, Any]:
        """The last word on each reading."""
        return {name: (one.value, one.count, one.status, one.since, one.usual)
                for name, one in self.read.items() if not one.gone}


@given(PLANS, CUTS, CUTS, st.integers(1, 3), TURNS, st.integers(0, 3))
def test_order_cuts_partitions_and_restarts_change_nothing(
        plan: list[Spot], cuts: list[bool], others: list[bool], partitions: int, choose: list[int], often: int) -> None:
    one = Reads(made(RULES), plan, "time", others)
    one.run([0])
    several = Reads(made(RULES), plan, "late", cuts, partitions)
    several.run(choose, often)
    assert several.last == one.last


@given(PLANS, CUTS)
def test_what_is_open_at_the_end_of_a_period_is_what_findings_say(plan: list[Spot], cuts: list[bool]) -> None:
    city = Reads(made(RULES), plan, "late", cuts)
    found = [(opened, closed, rule) for rule, _, opened, closed, *_ in final(city.run([0]))]
    shown = {at: value for (name, _, at), (value, *_) in city.last.items() if name == "open"}
    assert shown == {at: sum(at - HOUR <= opened < at <= (at if closed is None else closed)
                             for opened, closed, _ in found) for at in shown}
    assert bool(shown) == bool(found)
    for (indicator, _, at), (value, *_) in city.last.items():
        rules = [rule for opened, _, rule in found if at - 30 * MINUTE <= opened < at]
        if indicator == "paired":
            assert value == (rules.count("pair") / len(rules) if rules else None)
