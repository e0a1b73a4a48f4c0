"""What is silent explains what it is made of: one finding at the highest level, whatever order, cut and partitions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import DAY, MINUTE
from streams.findings import RETRACTED, Finding
from streams.frames import decode_work
from streams.rulefile import check_files
from streams.rules import Bundle
from tests.composed import CUTS, EVENTS, PLANS, TURNS, Spot, final, folded, told
from tests.folds import member
from tests.oracle.absence import Case, Told, episodes

RULES = """
{kind: absence, id: cabinet, event: a, by: 'register("ks", k).g', every: 8m, expect: {register: ks}, owner: o}
---
{kind: absence, id: device, event: [a, b], by: k, every: 'register("ks", k).every', expect: {register: ks},
 part_of: cabinet, owner: o}
---
{kind: absence, id: seat, event: a, by: [k, place.district], every: 2m, forget_after: 25m, part_of: device, owner: o}
---
{kind: absence, id: still, event: a, by: k, every: 4m, changes: place.district, part_of: device, owner: o}
---
{kind: absence, id: line, event: b, every: 6m, forget_after: 2h, owner: o}
---
{kind: absence, id: caller, event: a, by: k, every: 4m, for: 1m, part_of: line, owner: o}
---
{kind: threshold, id: several, rule: [device, seat, cabinet], window: 30m, condition: {gte: 2}, owner: o}
"""
SMALL = RULES.partition("---\n{kind: absence, id: still")[0]
REGISTER = b"{kind: register, id: ks, key: k, fields: {k: string, g: string, every: duration}}\n"
GROUPS, EVERY = {"x": "1", "y": "1", "z": "2"}, {"x": 3, "y": 2, "z": 3}
SILENCE = 12 * MINUTE
Outages: TypeAlias = list[tuple[int, int | None]]
SOME = PLANS.filter(bool)
FEW = SOME.map(lambda plan: plan[:8])


@cache
def made(rules: str = RULES, silence: str = "12m") -> Bundle:
    """The bundle of these rules, over a source that can be silent."""
    rows = "".join(f"{k},{g},{EVERY[k]}m\n" for k, g in GROUPS.items())
    events = EVENTS.replace("lateness: 30m\n", f"lateness: 30m\nsilence: {silence}\n")
    files = {"rules.yaml": (events + rules).encode(), "ks.yaml": REGISTER, "ks.csv": b"k,g,every\n" + rows.encode()}
    bundle, problems = check_files(files)
    assert bundle is not None, [problem.render() for problem in problems]
    return bundle


class Slowly:
    """What must be found, from the top: the source, then what it is made of, each with the outages above it."""

    def __init__(self, plan: Sequence[Spot]) -> None:
        self.events = list(enumerate(sorted(plan, key=lambda spot: spot.at)))
        self.first = min(spot.at for spot in plan) * MINUTE
        self.found: dict[tuple[str, str], list[Told]] = {}
        source = self.silences("source-silent.s", "s", SILENCE, "ab", {}, [])
        cabinets = {g: self.silences("cabinet", g, 8 * MINUTE, "a", {"k": [k for k in GROUPS if GROUPS[k] == g]},
                                     source, register=True) for g in ("1", "2")}
        line = self.silences("line", "", 6 * MINUTE, "b", {}, source, forget=120)
        for k, g in GROUPS.items():
            over = [*source, *cabinets[g]]
            over += self.silences("device", k, EVERY[k] * MINUTE, "ab", {"k": k}, over, register=True)
            for district in "nw":
                self.silences("seat", f"{k} {district}", 2 * MINUTE, "a", {"k": k, "district": district}, over,
                              forget=25)
            self.silences("still", k, 4 * MINUTE, "a", {"k": k}, over, changes=True)
            self.silences("caller", k, 4 * MINUTE, "a", {"k": k}, [*source, *line], wait=MINUTE)

    def silences(self, rule: str, key: str, every: int, types: str, where: dict[str, Any], outages: Outages,
                 register: bool = False, forget: int = 0, wait: int = 0, changes: bool = False) -> Outages:
        mine = [(number, spot) for number, spot in self.events
                if spot.type in types and all(getattr(spot, name) in value for name, value in where.items())]
        if changes:
            mine = [one for at, one in enumerate(mine) if not at or mine[at - 1][1].district != one[1].district]
        members = tuple(member(spot.at * MINUTE, str(number)) for number, spot in mine)
        case = Case(every, members, forget_after=forget * MINUTE or 30 * DAY, register=register, wait=wait,
                    start=self.first, outages=tuple(outages))
        told = self.found[rule, key] = episodes(case, 20 * DAY)
        return [(one.opened - every - wait, None if one.ended else one.closed) for one in told]

    @property
    def final(self) -> set[Any]:
        return {(rule, key, one.opened, one.closed, one.ended, tuple(one.evidence))
                for (rule, key), told in self.found.items() for one in told}


def finally_told(found: list[Finding]) -> set[Any]:
    """The last word on each finding that was not retracted; what time alone ended weeks later is still open."""
    last = {finding.id: finding for finding in found if finding.rule != "several"}
    return {(one.rule, " ".join(map(str, one.key.values())), one.opened, one.closed, one.ended, tuple(one.evidence))
            for one in last.values() if one.change != RETRACTED}


@given(SOME, CUTS, st.integers(1, 3), TURNS)
def test_what_is_found_is_what_the_oracle_says(plan: list[Spot], cuts: list[bool], partitions: int,
                                               choose: list[int]) -> None:
    assert finally_told(told(folded(made(), plan, "late", cuts, partitions, choose))) == Slowly(plan).final


@given(SOME, CUTS, st.integers(2, 4), TURNS)
def test_order_and_partitions_change_nothing(plan: list[Spot], cuts: list[bool], partitions: int,
                                             choose: list[int]) -> None:
    several = final(told(folded(made(), plan, "late", cuts, partitions, choose)))
    assert several == final(told(folded(made(), plan)))


@given(SOME, CUTS)
def test_in_order_nothing_is_retracted(plan: list[Spot], cuts: list[bool]) -> None:
    """But of who counts findings at once: those of devices wait for the fate of what the devices are part of."""
    found = told(folded(made(), plan, "time", cuts))
    assert not [finding for finding in found if finding.change == RETRACTED and finding.rule != "several"]


@given(FEW, CUTS, st.integers(1, 3), TURNS, st.integers(1, 4))
def test_a_restart_gives_the_same_bytes(plan: list[Spot], cuts: list[bool], partitions: int, choose: list[int],
                                        restart: int) -> None:
    plain, again = (folded(made(SMALL), plan, "late", cuts, partitions, choose, often) for often in (0, restart))
    assert again.sent == plain.sent
    assert again.told == plain.told


@given(FEW, CUTS, st.integers(1, 2), TURNS, st.integers(2, 5), CUTS)
def test_a_crash_and_what_is_sent_twice_change_nothing(plan: list[Spot], cuts: list[bool], partitions: int,
                                                       choose: list[int], keep: int, crashes: list[bool]) -> None:
    plain = folded(made(SMALL), plan, "late", cuts, partitions, choose)
    again = folded(made(SMALL), plan, "late", cuts, partitions, choose, keep, crashes)
    assert final(told(again)) == final(told(plain))
    before = told(plain)
    for partition, frame in [one for sent in plain.sent for one in sent]:
        plain.logs[partition].append(decode_work(frame))
    plain.run(choose)
    assert told(plain) == before


DEVICES = """
{kind: absence, id: device, event: a, by: k, every: 5m, owner: o}
"""


def test_a_silent_feed_of_500_devices_is_one_finding_and_who_stays_silent_is_found_after_it() -> None:
    numbers = range(500)
    plan = [Spot(at, "a", f"d{number}", "n", 0) for at in (0, 4, 40, 44, 48, 52) for number in numbers
            if number != 7 or at <= 4]
    found = [one for one in told(folded(made(DEVICES), plan, partitions=3)) if one.opened < 55 * MINUTE]
    shown = [(one.rule, one.key, one.since, one.opened, one.change) for one in found]
    assert shown == [
        ("source-silent.s", {"source": "s"}, 4 * MINUTE, 16 * MINUTE, "opened"),
        ("source-silent.s", {"source": "s"}, 4 * MINUTE, 16 * MINUTE, "closed"),
        ("device", {"k": "d7"}, 40 * MINUTE, 45 * MINUTE, "opened"),
    ]
    assert found[1].closed == 40 * MINUTE


def test_what_was_silent_before_its_feed_fell_silent_stays_so_until_it_reports() -> None:
    plan = [Spot(at, "a", k, "n", 0) for k, times in {"x": (0, 30), "y": (0, 4, 8, 30, 34)}.items() for at in times]
    last = {(one.rule, one.id): (one.opened // MINUTE, (one.closed or 0) // MINUTE)
            for one in told(folded(made(DEVICES), plan))}
    assert sorted((rule, span) for (rule, _), span in last.items()) == [
        ("device", (5, 30)), ("source-silent.s", (20, 30)), ("source-silent.s", (46, 0))]
