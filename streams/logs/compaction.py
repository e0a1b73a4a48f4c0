"""Compaction and retention of the embedded log, in short turns so that appends go on between them.

A compacted partition is looked through once as many entries came as were kept the last time (so the work per
append stays constant): the keys of all its runs are read by the reading thread, without their values; then
the runs that hold something superseded are written anew, a few in a turn. A deletion (value None) stays
readable for `tombstone` µs, so that a reader in the middle of the partition does not miss it.

Retention takes whole runs from the front once their newest entry is too old, and moves `start`.
"""

from __future__ import annotations

import sqlite3
from functools import partial
from typing import TYPE_CHECKING

from streams.logs.catalogue import PartRow
from streams.logs.chunks import Row, keyed, unpack
from streams.logs.schema import TOP, place
from streams.logs.writer import Turn, insert_runs

if TYPE_CHECKING:
    from streams.logs.sqlite import SqliteLog

RUNS_A_TURN = 16
DIRTY_SHARE = 1.0  # a look is due when so many entries are new, measured by those kept the last time,
DIRTY_LEAST = 1000  # and at least so many


async def compact_all(log: SqliteLog, now: int, tombstone: int) -> int:
    """Every topic; how many entries went. 0 if somebody else is at it."""
    store = log.store
    if not store.compacting.acquire(blocking=False):
        return 0
    try:
        return await _each(log, now, tombstone)
    finally:
        store.compacting.release()


async def _each(log: SqliteLog, now: int, tombstone: int) -> int:
    catalogue = log.store.catalogue
    gone = 0
    for part in list(catalogue.parts.values()):
        spec = catalogue.specs[part.topic]
        if spec.retention is not None:
            gone += await _retain(log, part, now - spec.retention)
        if spec.compacted:
            gone += await _compact(log, part, now - tombstone)
    return gone


async def _retain(log: SqliteLog, part: PartRow, oldest: int) -> int:
    gone = 0
    while step := await log.write(lambda turn: _retain_step(turn, part, oldest)):
        gone += step
    return gone


def _retain_step(turn: Turn, part: PartRow, oldest: int) -> int:
    rows = turn.connection.execute(
        "SELECT id, newest, count FROM chunk WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?",
        (place(part.id, 0), place(part.id, TOP), RUNS_A_TURN),
    ).fetchall()
    old = []
    for id_, newest, count in rows:
        if newest >= oldest:
            break
        old.append((id_, count))
    if old:
        turn.connection.executemany("DELETE FROM chunk WHERE id = ?", [(id_,) for id_, _ in old])
        part.start = (old[-1][0] & TOP) + 1
        turn.connection.execute("UPDATE log SET start = ? WHERE id = ?", (part.start, part.id))
    return sum(count for _, count in old)


async def _compact(log: SqliteLog, part: PartRow, tombstones_before: int) -> int:
    end = part.next
    upto, kept = await log.query(_last_time, part.id)
    if end - upto < max(kept * DIRTY_SHARE, DIRTY_LEAST):
        return 0
    runs, stale, left = await log.query(_stale, part.id, end, tombstones_before)
    for at in range(0, len(runs), RUNS_A_TURN):
        some = runs[at : at + RUNS_A_TURN]
        if not stale.keys().isdisjoint(some):
            await log.write(partial(_rewrite, log=part.id, runs=some, stale=stale))
    await log.write(lambda turn: _remember(turn, part.id, end, left))
    return sum(len(offsets) for offsets in stale.values())


def _last_time(connection: sqlite3.Connection, log: int) -> tuple[int, int]:
    row = connection.execute("SELECT upto, kept FROM compaction WHERE log = ?", (log,)).fetchone()
    return row or (0, 0)


def _stale(
    connection: sqlite3.Connection, log: int, end: int, tombstones_before: int
) -> tuple[list[int], dict[int, set[int]], int]:
    """All runs before `end`; of each that has some, the offsets that may go; how many entries stay."""
    newest: dict[bytes | None, tuple[int, int, bool]] = {}  # run, offset, whether even it may go
    runs: list[int] = []
    stale: dict[int, set[int]] = {}
    asked = (place(log, 0), place(log, end - 1))
    found = "SELECT id, spans, keys FROM chunk WHERE id BETWEEN ? AND ? ORDER BY id"
    for run, spans, keys in connection.execute(found, asked):
        runs.append(run)
        for offset, time, key, has_value in keyed(spans, keys):
            older = newest.get(key)
            if older is not None:
                stale.setdefault(older[0], set()).add(older[1])
            newest[key] = (run, offset, not has_value and time < tombstones_before)
    dead = [(run, offset) for run, offset, may_go in newest.values() if may_go]
    for run, offset in dead:
        stale.setdefault(run, set()).add(offset)
    return runs, stale, len(newest) - len(dead)


def _rewrite(turn: Turn, log: int, runs: list[int], stale: dict[int, set[int]]) -> None:
    """Write these neighbouring runs anew without their stale offsets; small ones grow together."""
    kept: list[Row] = []
    for run in runs:
        row = turn.connection.execute("SELECT spans, keys, vals FROM chunk WHERE id = ?", (run,)).fetchone()
        gone = stale.get(run, set())
        kept += [entry for entry in unpack(*row) if entry[0] not in gone]
        turn.connection.execute("DELETE FROM chunk WHERE id = ?", (run,))
    insert_runs(turn.connection, log, kept)


def _remember(turn: Turn, log: int, upto: int, kept: int) -> None:
    turn.connection.execute("INSERT OR REPLACE INTO compaction VALUES (?, ?, ?)", (log, upto, kept))
