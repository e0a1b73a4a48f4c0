"""Reading whole topics of the embedded log with commit: a group of one member, which gets every partition."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from streams.logs import Bulk, CommitRefused, Entry, LogError, OnParts, Part
from streams.logs.catalogue import PartRow
from streams.logs.reading import fetch
from streams.logs.store import Store

if TYPE_CHECKING:
    from streams.logs.sqlite import SqliteLog


class SqliteBulk(Bulk):
    """See `Bulk`. A second member of the same group in this process is an error, as nothing is shared out."""

    def __init__(
        self,
        log: SqliteLog,
        group: str,
        topics: Sequence[str],
        on_revoked: OnParts | None,
        on_assigned: OnParts | None,
    ) -> None:
        self._log, self._group, self._topics = log, group, list(topics)
        self._on_revoked, self._on_assigned = on_revoked, on_assigned
        self._parts: dict[Part, PartRow] = {}
        self._at: dict[Part, int] = {}
        self._ahead: dict[Part, list[Entry]] = {}
        self._store: Store | None = None
        self._first = 0  # which partition is served first: they take turns

    async def start(self) -> None:
        """See `Bulk`."""
        catalogue = self._log.store.catalogue
        parts = [(topic, p) for topic in self._topics for p in range(catalogue.spec(topic).partitions)]
        committed = await self._log.committed(self._group)
        self._store = self._log.store
        self._store.join(self._group)
        self._parts = {part: catalogue.part(*part) for part in sorted(parts)}
        self._at = {part: max(row.start, committed.get(part, 0)) for part, row in self._parts.items()}
        if self._on_assigned is not None:
            await self._on_assigned(self.assignment())

    async def stop(self) -> None:
        """See `Bulk`."""
        store, self._store = self._store, None
        if store is None:
            return
        if self._on_revoked is not None:
            await self._on_revoked(self.assignment())
        self._parts, self._at, self._ahead = {}, {}, {}
        store.leave(self._group)

    async def getmany(self, max_records: int = 2000, timeout_s: float = 0.1) -> dict[Part, list[Entry]]:
        """See `Bulk`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while True:
            grown = self._log.growth()
            found = await self._take(max_records)
            left = deadline - loop.time()
            if found or left <= 0:
                return found
            await self._log.wait(grown, left)

    async def _take(self, max_records: int) -> dict[Part, list[Entry]]:
        await self._fill(max_records)
        waiting = [part for part in self._parts if self._ahead.get(part)]
        self._first += 1
        turn = self._first % len(waiting) if waiting else 0
        found: dict[Part, list[Entry]] = {}
        for part in waiting[turn:] + waiting[:turn]:
            if max_records <= 0:
                break
            ahead = self._ahead[part]
            found[part], self._ahead[part] = ahead[:max_records], ahead[max_records:]
            max_records -= len(found[part])
        return found

    async def _fill(self, max_records: int) -> None:
        """Read on where nothing is waiting. `_at` is where reading stands, ahead of what was given."""
        wanted = [
            (part, row, self._at[part], row.next)
            for part, row in self._parts.items()
            if self._at[part] < row.next and not self._ahead.get(part)
        ]
        if not wanted or any(self._ahead.values()):
            return
        for part, start, batch, at in await self._log.query(_fetch_all, wanted, max_records):
            if self._at.get(part) == start:  # nobody sought meanwhile
                self._ahead[part], self._at[part] = batch, at

    async def commit(self, offsets: Mapping[Part, int]) -> None:
        """See `Bulk`."""
        strange = sorted(part for part in offsets if part not in self._parts)
        if strange:
            raise CommitRefused(f"group {self._group!r}: commit for partitions that are not ours: {strange}")
        await self._log.set_committed(self._group, offsets)

    async def committed(self, topic: str, partition: int) -> int | None:
        """See `Bulk`."""
        return (await self._log.committed(self._group)).get((topic, partition))

    def assignment(self) -> list[Part]:
        """See `Bulk`."""
        return list(self._parts)

    def position(self, topic: str, partition: int) -> int | None:
        """See `Bulk`."""
        ahead = self._ahead.get((topic, partition))
        return ahead[0].offset if ahead else self._at.get((topic, partition))

    async def seek(self, topic: str, partition: int, offset: int) -> None:
        """See `Bulk`."""
        part = (topic, partition)
        if part not in self._parts:
            raise LogError(f"group {self._group!r}: seek in a partition that is not ours: {part}")
        self._at[part] = max(offset, self._parts[part].start)
        self._ahead.pop(part, None)

    def at_end(self, topic: str, partition: int) -> bool:
        """See `Bulk`."""
        part = (topic, partition)
        return part in self._parts and not self._ahead.get(part) and self._at[part] >= self._parts[part].next


def _fetch_all(
    connection: sqlite3.Connection, wanted: list[tuple[Part, PartRow, int, int]], limit: int
) -> list[tuple[Part, int, list[Entry], int]]:
    """Of each partition up to its share of `limit` (and the rest of the run that reaches it)."""
    share = max(1, limit // len(wanted))
    found: list[tuple[Part, int, list[Entry], int]] = []
    for part, row, start, stop in wanted:
        batch: Any
        batch, at = fetch(connection, row, start, stop, share)
        found.append((part, start, batch, at))
    return found
