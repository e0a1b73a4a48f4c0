"""A made-up city whose rules read rules: events, what ingest sends, engines that send each other their findings."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec
from hypothesis import strategies as st

from streams.clocks import AFTER_ALL, DAY, MINUTE
from streams.composites import FOLLOWED, reach_of
from streams.detect.engine import Engine
from streams.findings import RETRACTED, Finding
from streams.frames import CLOCK_ROW, VERSION, ClockRow, MemberRow, WorkFrame, WorkRow, decode_work, encode
from streams.ingest.route import Router, partition_of
from streams.records import Event, Place
from streams.rulefile import check_files
from streams.rules import Bundle

EVENTS = """
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
event:
  id: record.id
  type: record.type
  time: record.time
  place: {lat: record.lat, lon: record.lon}
  fields: {k: record.k, n: record.n}
---
"""
REGISTER = b"{kind: register, id: ks, key: k, fields: {k: string}}\n"
PLACES = {"n": Place(0.0, 0.0, "n"), "w": Place(0.0, 0.0008, "w")}  # 89 m apart


MOVING = """
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
"""Rules that read findings which change while they last: their place, their value, their end."""


GATHERED = """
{kind: hotspot, id: hot, event: a, cell: 11, radius_max: 100m, window: 10m, bin: 5m, min_events: 2, owner: o,
 baseline: {season: none, memory: 2d, min_samples: 2}, condition: {above: {p: 0.05}}, keep_firing_for: 7m}
---
{kind: threshold, id: pair, event: a, by: [place.district, k], window: 10m, condition: {gte: 2}, owner: o}
---
{kind: hotspot, id: pairs, rule: pair, by: k, cell: 11, radius_max: 100m, window: 5m, bin: 5m, min_events: 1, owner: o,
 baseline: {season: none, memory: 2d, min_samples: 1}, condition: {above: {p: 0.05}}}
---
{kind: match, id: seen, rule: [hot, pairs], owner: o}
"""
"""Rules whose events are counted by cells of the map first."""


@cache
def made(rules: str) -> Bundle:
    """The bundle of these rules, over the events of the city; its register `ks` knows x, y and z."""
    files = {"rules.yaml": (EVENTS + rules).encode(), "ks.yaml": REGISTER, "ks.csv": b"k\nx\ny\nz\n"}
    bundle, problems = check_files(files)
    assert bundle is not None, [problem.render() for problem in problems]
    return bundle


CRASHES = 60  # turns, after which nothing crashes any more


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


def frames(bundle: Bundle, plan: Sequence[Spot], order: str, cuts: Sequence[bool],
           partitions: int) -> list[list[WorkFrame]]:
    """What ingest would send to each partition. Equal times are ordered by the number of their event."""
    router = Router(bundle)
    numbered = list(enumerate(sorted(plan, key=lambda spot: spot.at)))
    coming = sorted(numbered, key=lambda pair: pair[1].at + (pair[1].delay if order == "late" else 0))
    logs: list[list[WorkFrame]] = [[] for _ in range(partitions)]
    rows: list[list[WorkRow]] = [[] for _ in range(partitions)]
    clock, first, times = 0, AFTER_ALL, {number: spot.at * MINUTE for number, spot in numbered}
    for offset, (number, spot) in enumerate(coming):
        event = Event(str(number), "s", spot.type, times[number], 0, PLACES[spot.district], None,
                      {"k": spot.k, "n": 1}, 0, number)
        for row, (ref, key, member) in enumerate(router.route(event)):
            rows[partition_of(ref, key, partitions)].append(MemberRow(row, ref, key, member))
        clock, first = max(clock, times[number]), min(first, times[number])
        if cuts[offset % len(cuts)]:
            _flush(logs, rows, offset, clock, first)
    end = clock + 3 * max(FOLLOWED, *(reach_of(bundle, one) for one in bundle.rules.values())) + DAY
    _flush(logs, rows, len(coming), clock, first)
    _flush(logs, rows, len(coming) + 1, end, first)
    return logs


def _flush(logs: list[list[WorkFrame]], rows: list[list[WorkRow]], offset: int, clock: int, first: int) -> None:
    # members stand before their clock; their marks must not depend on the order of arrival
    stamp = ClockRow("s", 1, 1, offset, CLOCK_ROW, clock, clock, first)
    for log, mine in zip(logs, rows, strict=True):
        log.append(WorkFrame(VERSION, "b", [*mine, stamp]))
        mine.clear()


class City:
    """Engines for all partitions, each with its log, to which any of them appends."""

    def __init__(self, bundle: Bundle, logs: list[list[WorkFrame]]) -> None:
        self.bundle = bundle
        self.logs = [[decode_work(encode(frame)) for frame in log] for log in logs]
        self.engines = [Engine(bundle, number, len(logs)) for number in range(len(logs))]
        self.told: list[list[Finding]] = [[] for _ in logs]
        self.sent: list[list[tuple[int, bytes]]] = [[] for _ in logs]
        self.made: list[list[tuple[list[Finding], list[tuple[int, bytes]]]]] = [[] for _ in logs]
        self.kept: list[dict[bytes, bytes]] = [{} for _ in logs]

    def run(self, choose: Sequence[int], restart: int = 0, crashes: Sequence[bool] = (False,)) -> list[Finding]:
        """Fold until nothing is left; `choose` says which partition comes next, every `restart`-th time anew.

        Where `crashes` says so a partition goes back to the state that it kept last, and what it sent comes twice.
        """
        turn = 0
        while ready := [n for n, engine in enumerate(self.engines) if engine.offset + 1 < len(self.logs[n])]:
            number = ready[choose[turn % len(choose)] % len(ready)]
            turn += 1
            if restart and turn % restart == 0:
                self.restart(number)
            if turn < CRASHES and crashes[turn % len(crashes)]:
                self.begin(number)
            self.step(number)
        return [finding for told in self.told for finding in told]

    def step(self, number: int) -> None:
        engine = self.engines[number]
        offset = engine.offset + 1
        found = engine.step(offset, self.logs[number][offset])
        made = [(partition, encode(WorkFrame(VERSION, "b", rows))) for partition, rows in engine.onward.rows.items()]
        if offset < len(self.made[number]):
            assert self.made[number][offset] == (found, made), "folded again it gives other bytes"
        else:
            self.made[number].append((found, made))
            self.told[number] += found
            self.sent[number] += made
        for partition, frame in made:
            self.logs[partition].append(decode_work(frame))

    def begin(self, number: int) -> None:
        """An engine with the state that was kept last."""
        fresh = Engine(self.bundle, number, len(self.logs))
        fresh.restore(self.kept[number])
        self.engines[number] = fresh

    def restart(self, number: int) -> None:
        """The state goes through its bytes."""
        for name, value in self.engines[number].changed().items():
            if value is None:
                self.kept[number].pop(name, None)
            else:
                self.kept[number][name] = value
        self.begin(number)


def final(told: Sequence[Finding]) -> set[Any]:
    """The last word on each finding; a finding among the evidence stands for its rule, key and opening."""
    last = {finding.id: finding for finding in told}
    named = {one.id: (one.rule, str(one.key), one.opened) for one in last.values()}
    return {(one.rule, str(one.key), one.opened, one.closed, one.value,
             tuple(sorted(str(named.get(id, id)) for id in one.evidence)))
            for one in last.values() if one.change != RETRACTED}


def folded(bundle: Bundle, plan: Sequence[Spot], order: str = "time", cuts: Sequence[bool] = (True,),
           partitions: int = 1, choose: Sequence[int] = (0,), restart: int = 0,
           crashes: Sequence[bool] = (False,)) -> City:
    city = City(bundle, frames(bundle, plan, order, cuts, partitions))
    city.run(choose, restart, crashes)
    return city


def told(city: City) -> list[Finding]:
    return [finding for told in city.told for finding in told]


CUTS = st.lists(st.booleans(), min_size=1, max_size=8)
TURNS = st.lists(st.integers(0, 3), min_size=1, max_size=12)
