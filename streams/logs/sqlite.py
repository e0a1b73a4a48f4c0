"""The embedded home: a `Log` in one SQLite file. Two threads wait for the disk (store.py), the loop never.

Groups have one member here: the one process that writes the file gets all partitions.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from streams.logs import (
    MAX_ENTRY_BYTES,
    Entry,
    Log,
    LogError,
    OnParts,
    Outgoing,
    Part,
    TopicSpec,
    WrongPartitions,
    letters,
)
from streams.logs.bulk import SqliteBulk
from streams.logs.catalogue import PartRow
from streams.logs.compaction import compact_all
from streams.logs.limits import check_size, check_spec
from streams.logs.reading import BATCH_RECORDS, fetch, fetch_each
from streams.logs.store import Store, acquire, release
from streams.logs.writer import Turn

POLL_S = 0.2  # how often a reader in another process looks for growth

_Row = tuple[int, bytes | None, bytes | None, Any]


class SqliteLog(Log):
    """See `Log`.

    Settings: `read_only` (for other processes than the writing one); `sync` ("full" or "normal", see store.py;
    None: as it is open here already, else "full"); `max_entry_bytes`; `tombstone_s` (how long a deletion stays
    readable in a compacted topic).
    """

    def __init__(
        self,
        path: str | Path,
        *,
        read_only: bool = False,
        sync: str | None = None,
        max_entry_bytes: int = MAX_ENTRY_BYTES,
        tombstone_s: float = 3600.0,
    ) -> None:
        if sync not in (None, "full", "normal"):
            raise ValueError(f'sync is "full" or "normal", not {sync!r}')
        self._path, self._read_only, self._sync = Path(path), read_only, sync
        self._max_entry_bytes, self._tombstone = max_entry_bytes, round(tombstone_s * 1e6)
        self._store: Store | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._grown = asyncio.Event()
        self._turns = itertools.count()

    @property
    def store(self) -> Store:
        """The open file. Raises LogError before `start` and after `stop`."""
        if self._store is None:
            raise LogError(f"the log {self._path} is not open")
        return self._store

    async def start(self) -> None:
        """See `Log`."""
        if self._store is None:
            self._loop = asyncio.get_running_loop()
            try:
                self._store = await asyncio.to_thread(acquire, self._path, self._read_only, self._sync)
            except (OSError, sqlite3.Error) as error:
                raise LogError(f"the log {self._path} cannot be opened: {error}") from error
            self._store.listen(self._told)

    async def stop(self) -> None:
        """See `Log`."""
        store, self._store = self._store, None
        if store is not None:
            store.unlisten(self._told)
            await asyncio.to_thread(release, store)

    def _told(self) -> None:
        # From the writing thread. The loop may be closing: then nobody waits on it any more.
        with contextlib.suppress(RuntimeError):
            assert self._loop is not None
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()

    async def write(self, operation: Callable[[Turn], Any]) -> Any:
        """One operation of the writing thread."""
        return await asyncio.wrap_future(self.store.write(operation))

    async def query(self, function: Callable[..., Any], *args: Any) -> Any:
        """One question in the reading thread: function(connection, *args)."""
        return await asyncio.wrap_future(self.store.query(function, *args))

    async def refresh(self) -> None:
        """Learn what another process has written; nothing to do where we write ourselves."""
        if self.store.read_only:
            await self.query(self.store.catalogue.load)

    async def wait(self, grown: asyncio.Event, timeout_s: float | None) -> None:
        """Until the log grew (`grown` = what `growth` gave before looking), or the time is over."""
        if self.store.read_only:
            await asyncio.sleep(POLL_S if timeout_s is None else min(POLL_S, timeout_s))
            await self.refresh()
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(grown.wait(), timeout_s)

    def growth(self) -> asyncio.Event:
        """Set at the next growth of the log."""
        return self._grown

    async def create(self, topics: Sequence[TopicSpec]) -> None:
        """See `Log`."""
        for spec in topics:
            check_spec(spec)
        await self.write(lambda turn: _create(turn, topics))

    async def topics(self) -> dict[str, int]:
        """See `Log`."""
        await self.refresh()
        return {name: spec.partitions for name, spec in self.store.catalogue.specs.items()}

    async def partitions(self, topic: str) -> int:
        """See `Log`."""
        await self.refresh()
        return self.store.catalogue.spec(topic).partitions

    async def append(self, entries: Sequence[Outgoing]) -> list[tuple[int, int]]:
        """See `Log`."""
        if not entries:
            return []
        now = time.time_ns() // 1000
        where = [self.placed(entry) for entry in entries]
        groups: dict[Part, list[_Row]] = {}
        for part, entry in zip(where, entries, strict=True):
            stamp = (now if entry.timestamp is None else entry.timestamp) // 1000 * 1000
            groups.setdefault(part, []).append((stamp, entry.key, entry.value, entry.headers))
        firsts: dict[Part, int] = await self.write(lambda turn: _append(turn, groups))
        counters = {part: itertools.count(first) for part, first in firsts.items()}
        return [(part[1], next(counters[part])) for part in where]

    async def post(self, entries: Sequence[Outgoing]) -> None:
        """See `Log`. Where the file is open for reading only they are letters: see letters.py."""
        if not self.store.read_only:
            await self.append(entries)
            return
        await self.refresh()
        for entry in entries:
            self.placed(entry)
        await asyncio.to_thread(letters.post, self._path, entries)

    async def collect(self) -> int:
        """See `Log`."""
        found = await asyncio.to_thread(letters.waiting, self._path)
        if found:
            await self.append([entry for _, entry in found])
            await asyncio.to_thread(letters.take_away, self._path, [number for number, _ in found])
        return len(found)

    def placed(self, entry: Outgoing) -> Part:
        """Where the entry would go. Raises what `append` would: UnknownTopic, EntryTooLarge, LogError."""
        check_size(entry, self._max_entry_bytes)
        spec = self.store.catalogue.spec(entry.topic)
        if entry.key is None and spec.compacted:
            raise LogError(f"an entry without a key for the compacted topic {entry.topic!r}")
        part = (entry.topic, self._partition(entry, spec.partitions))
        self.store.catalogue.part(*part)
        return part

    def _partition(self, entry: Outgoing, count: int) -> int:
        if entry.partition is not None:
            return entry.partition
        if entry.key is None:
            return next(self._turns) % count
        from aiokafka.partitioner import murmur2  # noqa: PLC0415 - heavy, and seldom needed

        return int(murmur2(entry.key) & 0x7FFFFFFF) % count

    async def read(
        self, topic: str, partition: int, start: int = 0, stop: int | None = None
    ) -> AsyncIterator[list[Entry]]:
        """See `Log`."""
        part = await self.part(topic, partition)
        end = part.next if stop is None else min(stop, part.next)
        at = max(start, part.start)
        while at < end:
            batch, at = await self.query(fetch, part, at, end, BATCH_RECORDS)
            if batch:
                yield batch

    async def next_of(self, at: Mapping[Part, int], limit: int) -> dict[Part, list[Entry]]:
        """What stands from these offsets on, `limit` entries in all; no key where nothing does."""
        part = self.store.catalogue.part
        wanted = [(where, part(*where), start) for where, start in at.items()]
        wanted = [(where, row, start) for where, row, start in wanted if start < row.next]
        found: dict[Part, list[Entry]] = await self.query(fetch_each, wanted, limit) if wanted else {}
        return found

    async def follow(self, topic: str, partition: int, start: int) -> AsyncIterator[list[Entry]]:
        """See `Log`."""
        at = start
        while True:
            grown = self.growth()
            end = (await self.part(topic, partition)).next
            if at < end:
                async for batch in self.read(topic, partition, at, end):
                    yield batch
                at = end
            else:
                await self.wait(grown, None)

    async def part(self, topic: str, partition: int) -> PartRow:
        """Where the partition begins and ends. Raises UnknownTopic."""
        await self.refresh()
        return self.store.catalogue.part(topic, partition)

    async def start_offset(self, topic: str, partition: int) -> int:
        """See `Log`."""
        return (await self.part(topic, partition)).start

    async def end_offset(self, topic: str, partition: int) -> int:
        """See `Log`."""
        return (await self.part(topic, partition)).next

    async def committed(self, group: str) -> dict[Part, int]:
        """See `Log`."""
        found: dict[Part, int] = await self.query(_committed, group)
        return found

    async def set_committed(self, group: str, offsets: Mapping[Part, int]) -> None:
        """See `Log`."""
        for topic, partition in offsets:
            self.store.catalogue.part(topic, partition)
        rows = [(group, topic, partition, offset) for (topic, partition), offset in offsets.items()]
        await self.write(lambda turn: _commit(turn, rows))

    def bulk(
        self,
        group: str,
        topics: Sequence[str],
        on_revoked: OnParts | None = None,
        on_assigned: OnParts | None = None,
    ) -> SqliteBulk:
        """See `Log`."""
        return SqliteBulk(self, group, topics, on_revoked, on_assigned)

    async def compact(self) -> int:
        """See `Log`."""
        return await compact_all(self, time.time_ns() // 1000, self._tombstone)


def _create(turn: Turn, topics: Sequence[TopicSpec]) -> None:
    topics = [spec for spec in topics if spec.ours or spec.name not in turn.catalogue.specs]
    for spec in topics:
        there = turn.catalogue.specs.get(spec.name)
        if there is not None and there.partitions != spec.partitions:
            count = there.partitions
            raise WrongPartitions(f"topic {spec.name!r} has {count} partitions, not {spec.partitions}")
    for spec in topics:
        _create_one(turn, spec)
    turn.catalogue.load(turn.connection)


def _create_one(turn: Turn, spec: TopicSpec) -> None:
    turn.connection.execute(
        "INSERT INTO topic VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE"
        " SET compacted = excluded.compacted, retention = excluded.retention",
        (spec.name, spec.partitions, spec.compacted, spec.retention),
    )
    rows = [(spec.name, partition) for partition in range(spec.partitions)]
    turn.connection.executemany(
        "INSERT INTO log (topic, partition, start, next) VALUES (?, ?, 0, 0) ON CONFLICT DO NOTHING", rows
    )


def _append(turn: Turn, groups: dict[Part, list[_Row]]) -> dict[Part, int]:
    parts = [(turn.catalogue.part(*where), rows) for where, rows in groups.items()]
    return {(part.topic, part.partition): turn.append(part, rows) for part, rows in parts}


def _commit(turn: Turn, rows: list[tuple[str, str, int, int]]) -> None:
    turn.connection.executemany("INSERT OR REPLACE INTO committed VALUES (?, ?, ?, ?)", rows)


def _committed(connection: sqlite3.Connection, group: str) -> dict[Part, int]:
    rows = connection.execute("SELECT topic, partition, next FROM committed WHERE grp = ?", (group,))
    return {(topic, partition): offset for topic, partition, offset in rows.fetchall()}
