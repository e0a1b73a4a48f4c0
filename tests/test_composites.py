"""Rules that read rules keep the engine's promises: order of arrival, partitions, cuts and restarts change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import DAY, MINUTE
from streams.composites import feeds, origin, reach_of
from streams.engine import Engine
from streams.findings import RETRACTED, Finding
from streams.frames import CLOCK_ROW, VERSION, ClockRow, MemberRow, WorkFrame, WorkRow, decode_work, encode
from streams.records import Event, Place
from streams.route import Router, partition_of
from streams.rulefile import check_files
from streams.rules import Bundle

RULES = """
kind: city
name: here
---
kind: event_type
id: a
fields: {k: string, n: int}
---
kind: event_type
id: b
fields: {k: string}
---
kind: source
id: s
topic: city.s
format: json
disorder: 0s
lateness: 30m
event: {id: record.id, type: record.type, time: record.time, fields: {k: record.k, n: record.n}}
---
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


@cache
def bundle() -> Bundle:
    made, problems = check_files({"rules.yaml": RULES.encode()})
    assert made is not None, [problem.render() for problem in problems]
    return made


class Spot(msgspec.Struct, frozen=True):
    """One event: minute, type, key, district, minutes until it arrives."""

    at: int
    type: str
    k: str
    district: str
    delay: int


PLANS = st.lists(st.builds(
    Spot, at=st.integers(0, 60), type=st.sampled_from("aaab"), k=st.sampled_from("xy"),
    district=st.sampled_from("nw"), delay=st.integers(0, 29)), max_size=16)


def frames(plan: Sequence[Spot], order: str, cuts: Sequence[bool], partitions: int) -> list[list[WorkFrame]]:
    """What ingest would send to each partition. Equal times are ordered by the number of their event."""
    router = Router(bundle())
    numbered = list(enumerate(sorted(plan, key=lambda spot: spot.at)))
    coming = sorted(numbered, key=lambda pair: pair[1].at + (pair[1].delay if order == "late" else 0))
    logs: list[list[WorkFrame]] = [[] for _ in range(partitions)]
    rows: list[list[WorkRow]] = [[] for _ in range(partitions)]
    clock, times = 0, {number: spot.at * MINUTE for number, spot in numbered}
    for offset, (number, spot) in enumerate(coming):
        event = Event(str(number), "s", spot.type, times[number], 0, Place(district=spot.district), None,
                      {"k": spot.k, "n": 1}, 0, number)
        for row, (ref, key, member) in enumerate(router.route(event)):
            rows[partition_of(ref, key, partitions)].append(MemberRow(row, ref, key, member))
        clock = max(clock, times[number])
        if cuts[offset % len(cuts)]:
            _flush(logs, rows, offset, clock)
    _flush(logs, rows, len(coming), clock)
    _flush(logs, rows, len(coming) + 1, clock + max(reach_of(bundle(), one) for one in bundle().rules.values()) + DAY)
    return logs


def _flush(logs: list[list[WorkFrame]], rows: list[list[WorkRow]], offset: int, clock: int) -> None:
    # members stand before their clock; their marks must not depend on the order of arrival
    stamp = ClockRow("s", 1, 1, offset, CLOCK_ROW, clock, clock)
    for log, mine in zip(logs, rows, strict=True):
        log.append(WorkFrame(VERSION, "b", [*mine, stamp]))
        mine.clear()


class City:
    """Engines for all partitions, each with its log, to which any of them appends."""

    def __init__(self, logs: list[list[WorkFrame]]) -> None:
        self.logs = [[decode_work(encode(frame)) for frame in log] for log in logs]
        self.engines = [Engine(bundle(), number, len(logs)) for number in range(len(logs))]
        self.told: list[list[Finding]] = [[] for _ in logs]
        self.sent: list[list[tuple[int, bytes]]] = [[] for _ in logs]
        self.kept: list[dict[bytes, bytes]] = [{} for _ in logs]

    def run(self, choose: Sequence[int], restart: int = 0) -> list[Finding]:
        """Fold until nothing is left; `choose` says which partition comes next, every `restart`-th time anew."""
        turn = 0
        while ready := [n for n, engine in enumerate(self.engines) if engine.offset + 1 < len(self.logs[n])]:
            number = ready[choose[turn % len(choose)] % len(ready)]
            turn += 1
            if restart and turn % restart == 0:
                self.restart(number)
            self.step(number)
        return [finding for told in self.told for finding in told]

    def step(self, number: int) -> None:
        engine = self.engines[number]
        offset = engine.offset + 1
        found = engine.step(offset, self.logs[number][offset])
        self.told[number] += found
        for partition, rows in engine.onward.rows.items():
            frame = encode(WorkFrame(VERSION, "b", rows))
            self.sent[number].append((partition, frame))
            self.logs[partition].append(decode_work(frame))

    def restart(self, number: int) -> None:
        """The state goes through its bytes."""
        for name, value in self.engines[number].changed().items():
            if value is None:
                self.kept[number].pop(name, None)
            else:
                self.kept[number][name] = value
        fresh = Engine(bundle(), number, len(self.logs))
        fresh.restore(self.kept[number])
        self.engines[number] = fresh


def final(told: Sequence[Finding]) -> set[Any]:
    """The last word on each finding; a finding among the evidence stands for its rule, key and opening."""
    last = {finding.id: finding for finding in told}
    named = {one.id: (one.rule, str(one.key), one.opened) for one in last.values()}
    return {(one.rule, str(one.key), one.opened, one.closed, one.value,
             tuple(sorted(str(named.get(id, id)) for id in one.evidence)))
            for one in last.values() if one.change != RETRACTED}


def folded(plan: Sequence[Spot], order: str = "time", cuts: Sequence[bool] = (True,), partitions: int = 1,
           choose: Sequence[int] = (0,), restart: int = 0) -> City:
    city = City(frames(plan, order, cuts, partitions))
    city.run(choose, restart)
    return city


def told(city: City) -> list[Finding]:
    return [finding for told in city.told for finding in told]


CUTS = st.lists(st.booleans(), min_size=1, max_size=8)
TURNS = st.lists(st.integers(0, 3), min_size=1, max_size=12)


@given(PLANS, CUTS, CUTS)
def test_the_order_of_arrival_changes_nothing(plan: list[Spot], cuts: list[bool], others: list[bool]) -> None:
    assert final(told(folded(plan, "late", cuts))) == final(told(folded(plan, "time", others)))


@given(PLANS, CUTS, st.integers(2, 4), TURNS)
def test_the_number_of_partitions_changes_nothing(plan: list[Spot], cuts: list[bool], partitions: int,
                                                  choose: list[int]) -> None:
    assert final(told(folded(plan, "late", cuts, partitions, choose))) == final(told(folded(plan)))


@given(PLANS, CUTS, st.integers(1, 3), TURNS, st.integers(1, 4))
def test_a_restart_gives_the_same_bytes(plan: list[Spot], cuts: list[bool], partitions: int, choose: list[int],
                                        restart: int) -> None:
    plain, again = (folded(plan, "late", cuts, partitions, choose, often) for often in (0, restart))
    assert again.sent == plain.sent
    assert again.told == plain.told


@given(PLANS, CUTS, st.integers(1, 3), TURNS)
def test_what_is_sent_twice_counts_once(plan: list[Spot], cuts: list[bool], partitions: int,
                                        choose: list[int]) -> None:
    city = folded(plan, "late", cuts, partitions, choose)
    before = told(city)
    for partition, frame in [one for sent in city.sent for one in sent]:
        city.logs[partition].append(decode_work(frame))
    city.run(choose)
    assert told(city) == before


@given(PLANS, CUTS)
def test_in_order_nothing_is_retracted(plan: list[Spot], cuts: list[bool]) -> None:
    assert not [finding for finding in told(folded(plan, "time", cuts)) if finding.change == RETRACTED]


@given(PLANS, CUTS, st.integers(1, 3), TURNS)
def test_the_state_ends_empty(plan: list[Spot], cuts: list[bool], partitions: int, choose: list[int]) -> None:
    assert [engine.open_keys for engine in folded(plan, "late", cuts, partitions, choose).engines] == [0] * partitions


def test_what_feeds_a_rule_is_what_feeds_its_bases() -> None:
    assert feeds(bundle(), bundle().rules["top"]) == {"s"}
    assert bundle().rules["top"].sources == frozenset()
    assert bundle().rules["after"].sources == {"s"}
    assert origin("pair") == "rule:pair"
