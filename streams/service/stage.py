"""A stage: the folds over those partitions of one topic that this worker owns.

Deliver, then check: an entry at or below the fold's offset is skipped, a gap is filled by reading
the log itself. Then, in this order: outputs acknowledged, (now and then) state acknowledged,
input acknowledged. The state of a partition lies in the same partition of a compacted topic; every
row says behind which input offset it stands, and of several rows of a key the highest wins, so
that neither a snapshot cut short nor a worker that woke too late can do harm.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from streams.logs import Log, LogError, Outgoing

SNAPSHOT_EVERY_S = 0.7
STALL_S = 2.0
AT = "at"


class Fold(Protocol):
    """A pure fold over one partition; `offset` is that of the last entry folded (-1: none)."""

    offset: int

    def step(self, offset: int, value: bytes) -> list[Outgoing]:
        """Fold one entry; what is to be sent."""

    def changed(self) -> dict[bytes, bytes | None]:
        """State rows that changed since the last call; None for what is gone."""

    def restore(self, rows: Mapping[bytes, bytes]) -> None:
        """Take over the rows of an earlier run."""


class Part:
    """One owned partition: its fold, when its state was last kept, when it last moved.

    It is not `sound` while outputs or state are on their way: where that fails, the fold is ahead of what others
    have seen, and its state must never be kept again.
    """

    def __init__(self, partition: int, fold: Fold) -> None:
        self.partition, self.fold = partition, fold
        self.kept = self.at = fold.offset
        self.kept_at = self.moved_at = time.monotonic()
        self.sound = True


class Stage:
    """See the module. All work happens under one lock; what fails ends the worker."""

    def __init__(self, role: str, log: Log, topic: str, state_topic: str, make: Callable[[int], Fold]) -> None:
        self.role, self.log, self.topic, self.state_topic = role, log, topic, state_topic
        self.make = make
        self.parts: dict[int, Part] = {}
        self.gaps_filled = 0
        self._lock = asyncio.Lock()

    async def assign(self, partitions: Iterable[int]) -> None:
        """Restore what is newly ours and catch up with what the log holds by now."""
        async with self._lock:
            for partition in partitions:
                if partition not in self.parts:
                    fold = self.make(partition)
                    fold.restore(await read_state(self.log, self.state_topic, partition))
                    self.parts[partition] = Part(partition, fold)
                    await self._catch_up(self.parts[partition], None)

    async def revoke(self, partitions: Iterable[int]) -> None:
        """Keep the state of what is ours no longer, and forget it."""
        async with self._lock:
            for partition in partitions:
                part = self.parts.pop(partition, None)
                if part is not None:
                    await self._keep(part)

    async def take(self, partition: int, entries: Sequence[tuple[int, bytes]]) -> None:
        """Fold delivered entries of an owned partition, in order of offset."""
        async with self._lock:
            part = self.parts.get(partition)
            if part is None:
                return  # revoked meanwhile: its new owner reads on from the kept state
            for run in runs_of(entries):
                if run[0][0] > part.fold.offset + 1:
                    self.gaps_filled += 1
                    await self._catch_up(part, run[0][0])
                await self._fold(part, [entry for entry in run if entry[0] > part.fold.offset])

    async def tend(self) -> None:
        """Keep the state of partitions whose last snapshot is old enough; read what was never delivered."""
        async with self._lock:
            for part in list(self.parts.values()):
                await self._keep_due(part)
                if part.at != part.fold.offset:
                    part.at, part.moved_at = part.fold.offset, time.monotonic()
                elif time.monotonic() - part.moved_at >= STALL_S:
                    part.moved_at = time.monotonic()
                    if await self.log.end_offset(self.topic, part.partition) > part.fold.offset + 1:
                        self.gaps_filled += 1
                        await self._catch_up(part, None)

    async def lag(self) -> dict[int, int]:
        """Entries not yet folded, by owned partition."""
        return {number: await self.log.end_offset(self.topic, number) - 1 - part.fold.offset
                for number, part in list(self.parts.items())}

    async def _catch_up(self, part: Part, stop: int | None) -> None:
        start = part.fold.offset + 1
        oldest = await self.log.start_offset(self.topic, part.partition)
        if start == 0 and part.kept == -1 and oldest > 0:
            part.fold.offset = part.kept = oldest - 1  # no state at all: it begins with what there is
            start = oldest
        if start < oldest:
            raise LogError(
                f"{self.topic}/{part.partition}: the state stands at {start} but the log begins at {oldest}; "
                "the outage was longer than the topic's retention")
        async for batch in self.log.read(self.topic, part.partition, start, stop):
            await self._fold(part, [(entry.offset, entry.value or b"") for entry in batch])
            await self._keep_due(part)
        if stop is not None and part.fold.offset + 1 < stop:
            raise LogError(f"{self.topic}/{part.partition}: {part.fold.offset + 1} to {stop} are not in the log")

    async def _fold(self, part: Part, entries: Sequence[tuple[int, bytes]]) -> None:
        if not part.sound:
            raise LogError(f"{self.topic}/{part.partition}: outputs or state were not sent; a new worker must go on")
        outputs: list[Outgoing] = []
        part.sound = False
        for offset, value in entries:
            if offset != part.fold.offset + 1:
                raise LogError(f"{self.topic}/{part.partition}: {offset} came after {part.fold.offset}")
            outputs += part.fold.step(offset, value)
        if outputs:
            await self.log.append(outputs)
        part.sound = True

    async def _keep_due(self, part: Part) -> None:
        if time.monotonic() - part.kept_at >= SNAPSHOT_EVERY_S:
            await self._keep(part)

    async def _keep(self, part: Part) -> None:
        part.kept_at = time.monotonic()
        if part.kept == part.fold.offset or not part.sound:
            return
        part.sound = False
        await keep_state(self.log, self.state_topic, part.partition, part.fold.offset, part.fold.changed())
        part.sound = True
        part.kept = part.fold.offset


def runs_of(entries: Sequence[tuple[int, bytes]]) -> Iterator[list[tuple[int, bytes]]]:
    """Delivered entries cut wherever the next offset does not follow; one delivery may span a rebalance."""
    run: list[tuple[int, bytes]] = []
    for entry in entries:
        if run and entry[0] != run[-1][0] + 1:
            yield run
            run = []
        run.append(entry)
    if run:
        yield run


async def keep_state(log: Log, topic: str, partition: int, offset: int, rows: Mapping[bytes, bytes | None]) -> None:
    """Append state rows that stand behind an input offset; returns once they are acknowledged."""
    at = ((AT, str(offset).encode()),)
    await log.append([Outgoing(topic, partition, key, value, at) for key, value in rows.items()])


async def read_state(log: Log, topic: str, partition: int, prefix: bytes = b"") -> dict[bytes, bytes]:
    """The state rows of a partition: of each key the one with the highest offset, the later if equal."""
    best: dict[bytes, tuple[int, bytes | None]] = {}
    async for batch in log.read(topic, partition):
        for entry in batch:
            key = entry.key or b""
            if not key.startswith(prefix):
                continue
            at = int(dict(entry.headers).get(AT, b"-1"))
            if key not in best or at >= best[key][0]:
                best[key] = (at, entry.value)
    return {key[len(prefix):]: value for key, (_, value) in best.items() if value is not None}
