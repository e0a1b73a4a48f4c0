"""load: a file's records onto a source's topic, at once or at a pace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from streams.ingest import Intake, Record
from streams.logs import Log, Outgoing, TopicSpec
from streams.route import Router
from streams.rules import Bundle, Source
from streams.tools.replay import read_records

BATCH = 1000


async def load(log: Log, bundle: Bundle, source: Source, path: Path, speed: float | None, partitions: int,
               progress: Callable[[int], None] = lambda number: None) -> int:
    """Append every record of a file; how many. `speed` 60 plays an hour in a minute, None at once."""
    if source.topic not in await log.topics():
        await log.create([TopicSpec(source.topic, partitions)])
    count = await log.partitions(source.topic)
    number = 0
    for batch in _paced(bundle, source, path, speed):
        await _wait_until(batch[0][0])
        await log.append([_outgoing(source, record, count) for _, record in batch])
        number += len(batch)
        progress(len(batch))
    return number


def _outgoing(source: Source, record: Record, partitions: int) -> Outgoing:
    """Rows go round the partitions, so that a partition's rows keep their order."""
    return Outgoing(source.topic, record.row % partitions, None, record.value, tuple(sorted(record.headers.items())))


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
