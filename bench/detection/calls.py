"""The shipped rules about what is unusual, on seven weeks of real calls: what they find beside what they may.

Two storms are in these weeks: what is found in them is no false alarm. Of the rest no more may be found than the rules
allow: the probability that each bin may have, times the bins that are judged, which are those after a rule has learnt.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bench.workload import ROOT, shared
from streams.clocks import DAY, HOUR, moment, parse_rfc3339
from streams.findings import RETRACTED, Finding
from streams.kinds.parts.exceedance import WARMING
from streams.records import Micros
from streams.rulefile import load, workshop
from streams.rules import Rule
from streams.specs import Learning, Rarity
from streams.tools.backtest import Backtest
from streams.tools.backtesting.command import chosen
from streams.unusual.baselines import ENOUGH, SEASONS

CALLS, SOURCE = "data/montco911/911_2015-12-10_2016-01-31.csv.gz", "montco911"
STORMS = tuple((parse_rfc3339(begin), parse_rfc3339(end)) for begin, end in (
    ("2016-01-12T13:00:00-05:00", "2016-01-13T01:00:00-05:00"),   # a snow squall
    ("2016-01-22T13:00:00-05:00", "2016-01-24T19:00:00-05:00")))  # the blizzard


class Watch(NamedTuple):
    """A rule about what is unusual: how long it is judged by (µs), how many alarms that allows, what it found."""

    rule: Rule
    judged: Micros
    allowed: float
    found: Sequence[Finding]

    @property
    def stormy(self) -> list[Finding]:
        """What it found in the storms."""
        return [one for one in self.found if any(begin <= one.opened < end for begin, end in STORMS)]

    @property
    def others(self) -> list[Finding]:
        """What else it found."""
        return [one for one in self.found if one not in self.stormy]


def at_hand() -> bool:
    """Whether the real calls are there."""
    return (shared() / CALLS).is_file()


def unusual(rules: Sequence[Rule]) -> list[Rule]:
    """The rules that hold what comes against what is normal, of any kind."""
    return [rule for rule in rules if isinstance(rule.spec.get("condition"), Rarity)]


@cache
def watches() -> list[Watch]:
    """Each shipped rule about what is unusual that the calls can feed, and what it found once it had learnt."""
    rules = [rule for rule in unusual(list(load(ROOT / "rules").rules.values())) if SOURCE in rule.sources]
    one = Backtest(chosen(workshop(ROOT / "rules"), [rule.id for rule in rules]), [(SOURCE, shared() / CALLS)],
                   finish=True)
    findings = [finding for finding in one.final() if finding.change != RETRACTED and WARMING not in finding.facts]
    first, last = one.seen
    assert first is not None
    assert last is not None
    return [Watch(rule, (judged := max(0, last - first - learning(rule))), allowed(rule, judged),
                  [finding for finding in findings if finding.rule == rule.id]) for rule in rules]


def size_of(rule: Rule) -> Micros:
    """How long a bin of a rule is."""
    return int(rule.spec.get("bin") or getattr(rule.spec.get("window"), "size", None) or HOUR)


def learning(rule: Rule) -> Micros:
    """How long a rule learns before it is believed."""
    asked = rule.spec["baseline"]
    assert isinstance(asked, Learning)
    enough = ENOUGH[asked.season] if asked.min_samples is None else asked.min_samples
    return enough * max(size_of(rule), SEASONS[asked.season])


def allowed(rule: Rule, judged: Micros) -> float:
    """How many alarms a rule may give in that time, all its keys together."""
    rarity, size = rule.spec["condition"], size_of(rule)
    assert isinstance(rarity, Rarity)
    return rarity.bound(size) * (judged / size) * rarity.series


def rows() -> tuple[list[str], list[str]]:
    """The lines of two tables: the rules with their budgets, and all that they found."""
    budgets = [f"| {one.rule.id} | {one.rule.spec['condition'].series} | {one.judged / DAY:.0f} | {one.allowed:.1f} "
               f"| {len(one.found)} | {len(one.stormy)} |" for one in watches()]
    zone = ZoneInfo(load(ROOT / "rules").sources[SOURCE].zone)
    found = sorted((one for watch in watches() for one in watch.found), key=lambda one: (one.opened, one.rule))
    return budgets, [_line(one, zone) for one in found]


def _line(one: Finding, zone: ZoneInfo) -> str:
    key, facts = " ".join(map(str, one.key.values())), one.facts
    return (f"| {moment(one.opened, zone):%Y-%m-%d %H:%M} | {one.rule} | {key} | {one.value} "
            f"| {facts.get('expected')} ({facts.get('low')}–{facts.get('high')}) | {facts.get('recurrence', '')} |")
