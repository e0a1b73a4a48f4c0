"""load: a file's records onto a source's topic, at once or at a pace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from zlib import crc32

from streams.ingest.intake import Intake, Record
from streams.ingest.route import Router
from streams.logs import Log, Outgoing, TopicSpec
from streams.rules import Bundle, Source
from streams.tools.replay import read_records

BATCH = 1000


async def load(log: Log, bundle: Bundle, source: Source, path: Path, speed: float | None, partitions: int,
               progress: Callable[[int], None] = lambda number: None) -> int:
    """Append every record of a file; how many. `speed` 60 plays an hour in a minute, None at once."""
    if source.topic not in await log.topics():
        await log.create([TopicSpec(source.topic, partitions)])
    count = await log.partitions(source.topic)
    probe = Intake(bundle, source, Router(bundle))
    number = 0
    for batch in _paced(bundle, source, path, speed):
        await _wait_until(batch[0][0])
        await log.append([_outgoing(probe, record, count) for _, record in batch])
        number += len(batch)
        progress(len(batch))
    return number


def _outgoing(probe: Intake, record: Record, partitions: int) -> Outgoing:
    """Records of one id go to one partition, where ingest can tell a duplicate."""
    event = probe.probe(record) if partitions > 1 else None
    partition = crc32(event.id.encode()) % partitions if event is not None else record.row % partitions
    headers = tuple(sorted(record.headers.items()))
    return Outgoing(probe.source.topic, partition, None, record.value, headers)


def _paced(bundle: Bundle, source: Source, path: Path, speed: float | None) -> Iterator[list[tuple[float, Record]]]:
    """Batches with the moment (monotonic seconds) when they are due."""
    records = read_records(source, path)
    if speed is None:
        while batch := list(islice(records, BATCH)):
            yield [(0.0, record) for record in batch]
        return
    probe = Intake(bundle, source, Router(bundle))
    begin, first = time.monotonic(), None
    for record in records:
        event = probe.probe(record)
        if event is not None and first is None:
            first = event.received
        lead = 0.0 if event is None or first is None else (event.received - first) / 1e6 / speed
        yield [(begin + lead, record)]


async def _wait_until(due: float) -> None:
    delay = due - time.monotonic()
    if delay > 0:
        await asyncio.sleep(delay)
