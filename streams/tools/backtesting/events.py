"""A range of `tocsin.events` as what a backtest folds.

What stands there was decided: each event was accepted, and beside it stands the clock of its source
partition at that moment. Both are read back and not decided again; what came too late, or twice, or could
not be understood stands elsewhere. Partitions are read side by side, the event first that came first.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from typing import Any

import msgspec

from streams.clocks import AFTER_ALL, BEFORE_ALL, HOUR
from streams.frames import CLOCK_ROW, AcceptedRow, ClockRow, MemberRow, WorkRow, decode_events
from streams.ingest.intake import Taken
from streams.logs import Log
from streams.records import Event, Micros, Place
from streams.rules import Bundle
from streams.tools.replay import BATCH, Replay

SLACK = HOUR
"""How much later than it happened an event may seem to have been written down: clocks of machines differ."""

BEFORE_MEMBERS = -1  # a clock's row that comes before those of its offset
SourcePart = tuple[str, int]


class Survey(msgspec.Struct):
    """What a range holds: how many events of which source partitions, and where in each partition it begins."""

    starts: dict[int, int] = {}
    parts: dict[SourcePart, int] = {}

    @property
    def total(self) -> int:
        """How many events."""
        return sum(self.parts.values())


class EventLog:
    """`tocsin.events` of a deployment, from the event time `since` on. `open_log` gives the log, not yet started."""

    def __init__(self, open_log: Callable[[], Log], topic: str, since: Micros = BEFORE_ALL) -> None:
        self._open, self.topic, self.since = open_log, topic, since

    def survey(self) -> Survey:
        """Look at all of it once, so that no clock waits for a partition that says nothing. Raises LogError."""
        found = Survey({}, {})
        marks: dict[SourcePart, int] = {}
        with asyncio.Runner() as runner:
            runner.run(self._survey(found, marks))
        return found

    def rows(self, survey: Survey) -> Generator[list[AcceptedRow], None, None]:
        """The events in batches, each event once. Raises LogError."""
        with asyncio.Runner() as runner:
            log = self._open()
            runner.run(log.start())
            stream = self._merged(log, survey)
            try:
                while batch := runner.run(_next(stream)):
                    yield batch
            finally:
                runner.run(stream.aclose())
                runner.run(log.stop())

    async def _survey(self, found: Survey, marks: dict[SourcePart, int]) -> None:
        log = self._open()
        await log.start()
        try:
            for partition in range(await log.partitions(self.topic)):
                start = found.starts[partition] = await self._begin(log, partition)
                async for row in self._partition(log, partition, start, marks):
                    part = (row.event.source, row.event.partition)
                    found.parts[part] = found.parts.get(part, 0) + 1
        finally:
            await log.stop()

    async def _begin(self, log: Log, partition: int) -> int:
        """The first offset that can hold an event of the range: nothing is written before it happens."""
        low, high = await log.start_offset(self.topic, partition), await log.end_offset(self.topic, partition)
        while low < high:
            middle = (low + high) // 2
            written = await self._written(log, partition, middle)
            if written is None or written >= self.since - SLACK:
                high = middle
            else:
                low = middle + 1
        return low

    async def _written(self, log: Log, partition: int, offset: int) -> Micros | None:
        """When the entry at an offset was written; None if there is none."""
        async for batch in log.read(self.topic, partition, offset, offset + 1):
            for entry in batch:
                return entry.timestamp
        return None

    async def _partition(self, log: Log, partition: int, start: int,
                         marks: dict[SourcePart, int]) -> AsyncGenerator[AcceptedRow, None]:
        """The events of one partition; what was sent again after a crash counts once."""
        async for batch in log.read(self.topic, partition, start):
            for entry in batch:
                for row in decode_events(entry.value or b"").rows:
                    part, offset = (row.event.source, row.event.partition), row.event.offset
                    if offset <= marks.get(part, -1):
                        continue
                    marks[part] = offset
                    if row.event.time >= self.since:
                        yield row

    async def _merged(self, log: Log, survey: Survey) -> AsyncGenerator[list[AcceptedRow], None]:
        """All partitions by time of receipt."""
        marks: dict[SourcePart, int] = {}
        streams = [self._partition(log, partition, start, marks) for partition, start in survey.starts.items()]
        heads: list[tuple[Micros, int, AcceptedRow]] = []
        batch: list[AcceptedRow] = []
        try:
            for number, stream in enumerate(streams):
                await _push(heads, number, stream)
            while heads:
                _, number, row = heapq.heappop(heads)
                batch.append(row)
                await _push(heads, number, streams[number])
                if len(batch) >= BATCH:
                    yield batch
                    batch = []
            if batch:
                yield batch
        finally:
            for stream in streams:
                await stream.aclose()


class EventsReplay(Replay):
    """A replay of accepted events: routed by the rules as they are now, with the clocks that stood beside them."""

    def __init__(self, bundle: Bundle, survey: Survey) -> None:
        super().__init__(bundle, sorted({source for source, _ in survey.parts if source in bundle.sources}))
        self.parts = sorted(part for part in survey.parts if part[0] in self.intakes)
        self.partitions = Counter(source for source, _ in self.parts)
        self.events = self.strangers = 0
        self._head: Micros = BEFORE_ALL
        self._clocks = dict.fromkeys(self.parts, BEFORE_ALL)
        self._firsts = dict.fromkeys(self.parts, AFTER_ALL)
        self._offsets = dict.fromkeys(self.parts, -1)
        self._places = {name: [field.name for field in kind.fields.values() if field.type == "place"]
                        for name, kind in bundle.event_types.items()}

    def accepted(self, rows: list[AcceptedRow]) -> Taken:
        """A batch of events for detect, with the clocks that stood beside the last of each source partition."""
        work: list[WorkRow] = []
        touched: dict[SourcePart, None] = {}
        for row in rows:
            part = (row.event.source, row.event.partition)
            if part not in self._clocks:
                self.strangers += 1
                continue
            event = self._restored(row.event)
            self._firsts[part] = min(self._firsts[part], event.time)
            if self._clocks[part] == BEFORE_ALL and row.clock > BEFORE_ALL:  # what is expected counts from here
                self._clocks[part], self._offsets[part] = row.clock, event.offset
                work.append(self._clock_row(part, BEFORE_MEMBERS))
            work += [MemberRow(number, *wanted) for number, wanted in enumerate(self.router.route(event))]
            touched[part] = None
            self.events += 1
            self._head = max(self._head, event.time)
            self._clocks[part], self._offsets[part] = max(self._clocks[part], row.clock), event.offset
        return Taken([], {0: [*work, *(self._clock_row(part, CLOCK_ROW) for part in touched)]}, [], [])

    def rest(self, beyond: bool) -> Iterator[Taken]:
        """Let the clocks go to the last event, or `beyond` it."""
        if self._head > BEFORE_ALL:
            self._clocks = dict.fromkeys(self.parts, self._head + self.reach() if beyond else self._head)
            yield Taken([], {0: [self._clock_row(part, CLOCK_ROW + 1) for part in self.parts]}, [], [])

    @property
    def head(self) -> Micros:
        """The time of the newest event."""
        return self._head

    @property
    def clock(self) -> Micros:
        """How far time has come in all source partitions."""
        return min(self._clocks.values(), default=BEFORE_ALL)

    def summary(self) -> dict[str, Any]:
        """How many events; how many of them of sources that the rules do not have; what routing could not use."""
        return {"events": self.events, "of_unknown_sources": self.strangers, "routing": super().summary()["routing"]}

    def _clock_row(self, part: SourcePart, row: int) -> ClockRow:
        source, partition = part
        return ClockRow(source, partition, self.partitions[source], self._offsets[part], row, self._clocks[part],
                        self._head, self._firsts[part])

    def _restored(self, event: Event) -> Event:
        """The event with its places as places: frames keep them as plain lists."""
        names = self._places.get(event.type)
        if not names:
            return event
        places = {name: Place(*event.fields[name]) for name in names if isinstance(event.fields.get(name), list)}
        return msgspec.structs.replace(event, fields={**event.fields, **places})


async def _push(heads: list[tuple[Micros, int, AcceptedRow]], number: int, stream: AsyncIterator[AcceptedRow]) -> None:
    row = await anext(stream, None)
    if row is not None:
        heapq.heappush(heads, (row.event.received, number, row))


async def _next(stream: AsyncIterator[list[AcceptedRow]]) -> list[AcceptedRow]:
    return await anext(stream, [])
