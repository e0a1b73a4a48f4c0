"""The folds over files: what backtest, test and explain have in common. No log, no service."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from streams.clocks import BEFORE_ALL, DAY
from streams.composites import reach_of
from streams.detect.engine import Engine
from streams.findings import Finding
from streams.frames import VERSION, WorkFrame
from streams.ingest.intake import DeadLetter, Intake, Record, Taken, summary
from streams.ingest.route import Router
from streams.records import Micros
from streams.rules import Bundle, Source
from streams.tools.arrivals import stamped
from streams.tools.files import read_file

BATCH = 500
DEAD_KEPT = 1000


class Replay:
    """All stages up to the findings, in memory, for some sources of a bundle, one partition each.

    `now` is the wall, after which nothing can have happened; None leaves that out.
    """

    def __init__(self, bundle: Bundle, sources: Iterable[str], wall_is_received: bool = False,
                 now: Micros | None = None) -> None:
        self.bundle = bundle
        self.router = Router(bundle)
        self.intakes = {
            name: Intake(bundle, bundle.sources[name], self.router, wall_is_received=wall_is_received, now=now)
            for name in sources
        }
        self.engine = Engine(bundle, sources=self.intakes)
        self.detect: Callable[[WorkFrame], list[Finding]] = self.engine.step_through
        self.dead: list[DeadLetter] = []

    def take(self, source: str, records: Iterable[Record]) -> list[Finding]:
        """Fold a batch of one source's records."""
        return self.pass_on(self.intakes[source].take(records))

    def finish(self, beyond: bool) -> list[Finding]:
        """Let the clocks go to the last event, or `beyond` it to where nothing waits any more."""
        return [finding for taken in self.rest(beyond) for finding in self.pass_on(taken)]

    def rest(self, beyond: bool) -> Iterator[Taken]:
        """What `finish` hands on to detect."""
        head = self.head
        if head > BEFORE_ALL:
            end = head + self.reach() if beyond else head
            yield from (intake.finish(end) for intake in self.intakes.values())

    @property
    def head(self) -> Micros:
        """The time of the newest event."""
        return max((intake.head for intake in self.intakes.values()), default=BEFORE_ALL)

    @property
    def clock(self) -> Micros:
        """How far time has come in all sources."""
        return min((intake.clock for intake in self.intakes.values()), default=BEFORE_ALL)

    def reach(self) -> Micros:
        """How long after the last event something can still follow from it."""
        return reach_over(self.bundle)

    def pass_on(self, taken: Taken) -> list[Finding]:
        """Hand what ingest made on to detect."""
        self.dead += taken.dead[: DEAD_KEPT - len(self.dead)]
        return self.detect(WorkFrame(VERSION, self.bundle.id, taken.work[0]))

    def summary(self) -> dict[str, Any]:
        """Records by fate, dead letters by reason, what routing could not use."""
        fates: Counter[str] = Counter()
        reasons: Counter[str] = Counter()
        for intake in self.intakes.values():
            fates.update(intake.counts)
            reasons.update(intake.dead_reasons)
        routers = (self.router, self.engine.onward.router)
        routed: Counter[str] = Counter()
        for router in routers:
            for (reason, _), number in router.counts.items():
                routed[reason] += number
        exceptions = sum((router.guardian.exceptions for router in routers), Counter())
        excepted = {f"{reason} {rule}: {name}": number for (reason, rule, name), number in sorted(exceptions.items())}
        return {**summary(fates), "dead_reasons": _plain(reasons), "routing": _plain(routed), "exceptions": excepted}


def reach_over(bundle: Bundle) -> Micros:
    """How long after an event something can still follow from it, by any rule."""
    horizon = max((reach_of(bundle, rule) for rule in bundle.folded), default=0)
    lateness = max((source.lateness for source in bundle.sources.values()), default=0)
    return horizon + lateness + DAY


def _plain(counts: Counter[str]) -> dict[str, int]:
    """Counts by plain words, in their order."""
    return {str(reason): number for reason, number in sorted(counts.items())}


def batches(bundle: Bundle, inputs: Sequence[tuple[str, Path]], order: str,
            now: Micros | None = None) -> Iterator[tuple[str, list[Record]]]:
    """The records of all inputs in batches of one source: in order of arrival, or of event time."""
    sources = bundle.sources
    feeds = [(name, stamped(bundle, sources[name], read_records(sources[name], path), now)) for name, path in inputs]
    if order == "arrival" and len(feeds) == 1:
        stream: Iterator[tuple[str, Record]] = ((feeds[0][0], record) for record in feeds[0][1])
    else:
        stream = _merged(bundle, feeds, order, now)
    for name, run in groupby(stream, key=lambda pair: pair[0]):
        records = (record for _, record in run)
        while batch := list(islice(records, BATCH)):
            yield name, batch


def read_records(source: Source, path: Path) -> Iterator[Record]:
    """A file's records as they would stand on the source's topic; the offset is the data row."""
    for row, (value, headers) in enumerate(read_file(source.format, path)):
        yield Record(row, None, value, headers)


def _merged(bundle: Bundle, feeds: Sequence[tuple[str, Iterator[Record]]],
            order: str, now: Micros | None) -> Iterator[tuple[str, Record]]:
    """By time of receipt, file by file as they came; or all sorted by event time."""
    probes = {name: Intake(bundle, bundle.sources[name], Router(bundle), now=now) for name, _ in feeds}
    keyed = [[(_when(probes[name], record, order), index, record.offset, name, record) for record in records]
             for index, (name, records) in enumerate(feeds)]
    if order == "time":
        for one in keyed:
            one.sort(key=lambda entry: entry[:3])
    offsets: Counter[str] = Counter()
    for _, _, _, name, record in heapq.merge(*keyed, key=lambda entry: entry[:3]):
        yield name, Record(offsets[name], record.stamp, record.value, record.headers)
        offsets[name] += 1


def _when(probe: Intake, record: Record, order: str) -> Micros:
    """The time a record is sorted by; one that cannot be understood stays where it stands."""
    event = probe.probe(record)
    if event is None:
        return BEFORE_ALL
    return event.time if order == "time" else event.received
