"""A made-up source for tests of the engine: events in order of arrival, clocks, frames, any cut.

It decides lateness as ingest does, so that what reaches the engine is what ingest would accept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from hypothesis import strategies as st

from streams.clocks import AFTER_ALL, BEFORE_ALL, DAY
from streams.detect.engine import Engine
from streams.findings import RETRACTED, Finding
from streams.frames import CLOCK_ROW, VERSION, ClockRow, MemberRow, WorkFrame, WorkRow
from streams.kinds import Detector
from streams.records import Member
from streams.rules import Bundle, City, RecordMapping, Rule, Source, TimeMapping

END = 10 * DAY


class Spot(msgspec.Struct, frozen=True):
    """One event of a plan: when, for which key, fitting which selectors, with what value."""

    time: int
    key: str
    roles: int
    value: Any
    partition: int
    delay: int


def spots(roles: int = 1, values: st.SearchStrategy[Any] | None = None, most: int = 14, span: int = 60,
          delay: int = 30) -> st.SearchStrategy[list[Spot]]:
    """Plans of up to `most` events over `span` µs, each arriving up to `delay` µs after its time."""
    spot = st.builds(
        Spot, time=st.integers(0, span), key=st.sampled_from(["a", "b"]), roles=st.integers(1, (1 << roles) - 1),
        value=values if values is not None else st.none(), partition=st.integers(0, 1), delay=st.integers(0, delay))
    return st.lists(spot, max_size=most)


def source(disorder: int, lateness: int) -> Source:
    """A source with the two numbers that matter here."""
    nothing: Any = None
    mapping = RecordMapping(nothing, nothing, TimeMapping(nothing))
    return Source("s", "city.s", "json", mapping, disorder=disorder, lateness=lateness, idle=None)


def bundle(detectors: dict[str, Detector], disorder: int, lateness: int, **rule: Any) -> Bundle:
    """A bundle of one rule a detector, all over the one source, keyed by `k`."""
    rules = {name: Rule(name, "test", name, (), ("k",), detector, "logic", frozenset(["s"]), **rule)
             for name, detector in detectors.items()}
    return Bundle("b", City(), {}, {"s": source(disorder, lateness)}, {}, {}, rules)


def arrive(plan: Sequence[Spot], partitions: int = 2) -> list[tuple[int, Member, str]]:
    """(partition, member, key) in order of arrival; offsets count within a partition.

    The order among equal times is by partition and offset; `partitions=1` puts all into one.
    """
    coming = sorted(plan, key=lambda spot: spot.time + spot.delay)
    offsets = [0, 0]
    arrived = []
    for spot in coming:
        partition = spot.partition % partitions
        offset = offsets[partition]
        offsets[partition] += 1
        member = Member(spot.time, "s", partition, offset, f"{partition}-{offset}", spot.roles, spot.value, None)
        arrived.append((partition, member, spot.key))
    return arrived


class Feed:
    """One partition's clock, as ingest keeps it. `accepted` are the members that were not late."""

    def __init__(self, source: Source, partition: int, partitions: int) -> None:
        self.source, self.partition, self.partitions = source, partition, partitions
        self.clock = BEFORE_ALL
        self.offset, self.row = -1, CLOCK_ROW
        self.accepted: list[tuple[str, Member]] = []

    def rows(self, arrived: Sequence[tuple[Member, str]], refs: Sequence[str]) -> list[WorkRow]:
        """The rows of a batch, the clock last."""
        rows: list[WorkRow] = []
        for member, key in arrived:
            self.offset, self.row = member.offset, CLOCK_ROW
            if member.time < self.clock - self.source.lateness:
                continue
            self.accepted.append((key, member))
            rows += [MemberRow(number, ref, (key,), member) for number, ref in enumerate(refs)]
            self.clock = max(self.clock, member.time - self.source.disorder)
        return [*rows, self.stamp()]

    def end(self, clock: int = END) -> list[WorkRow]:
        """Nothing more will come."""
        self.clock = max(self.clock, clock)
        self.row += 1
        return [self.stamp()]

    def stamp(self) -> ClockRow:
        """The clock as it stands."""
        first = min((member.time for _, member in self.accepted), default=AFTER_ALL)
        return ClockRow("s", self.partition, self.partitions, self.offset, self.row, self.clock, self.clock, first)


def frames(bundle: Bundle, plan: Sequence[Spot], cut: Callable[[int], bool], partitions: int = 2,
           choose: Callable[[list[int]], int] = lambda ready: ready[0],
           ) -> tuple[list[WorkFrame], list[tuple[str, Member]]]:
    """The plan as frames, with all accepted (key, member).

    `cut(n)` says whether a frame ends after the n-th record; `choose` which partition's next frame
    the log takes, of those that have one.
    """
    refs = [rule.ref for rule in bundle.folded]
    feeds = [Feed(bundle.sources["s"], number, partitions) for number in range(partitions)]
    queues: list[list[WorkFrame]] = [[] for _ in feeds]
    waiting: list[list[tuple[Member, str]]] = [[] for _ in feeds]
    for number, (partition, member, key) in enumerate(arrive(plan, partitions)):
        waiting[partition].append((member, key))
        if cut(number):
            queues[partition].append(_frame(feeds[partition].rows(waiting[partition], refs)))
            waiting[partition] = []
    for feed, rest, queue in zip(feeds, waiting, queues, strict=True):
        queue.append(_frame(feed.rows(rest, refs)))
        queue.append(_frame(feed.end()))
    log = []
    while ready := [number for number, queue in enumerate(queues) if queue]:
        log.append(queues[choose(ready)].pop(0))
    return log, [one for feed in feeds for one in feed.accepted]


def _frame(rows: list[WorkRow]) -> WorkFrame:
    return WorkFrame(VERSION, "b", rows)


def run(engine: Engine, log: Sequence[WorkFrame], start: int = 0) -> list[Finding]:
    """All findings of a log of frames."""
    found: list[Finding] = []
    for offset, frame in enumerate(log[start:], start):
        found += engine.step(offset, frame)
    return found


def last_word(findings: Sequence[Finding]) -> dict[str, Finding]:
    """The newest finding of each id."""
    return {finding.id: finding for finding in findings}


def final(findings: Sequence[Finding]) -> list[tuple[Any, ...]]:
    """The set that everything is compared by: final episodes that were not retracted."""
    return sorted(
        (f.rule, str(f.key), f.opened, -1 if f.closed is None else f.closed, repr(f.value), tuple(f.evidence))
        for f in last_word(findings).values() if f.change != RETRACTED)
