"""Reading a range of one partition of the embedded log, in the reading thread."""

from __future__ import annotations

import contextlib
import sqlite3

from streams.logs import Entry, Part
from streams.logs.catalogue import PartRow
from streams.logs.chunks import entries
from streams.logs.schema import TOP, place

BATCH_RECORDS = 5000
BATCH_BYTES = 8 * 1024 * 1024


def fetch(connection: sqlite3.Connection, part: PartRow, start: int, stop: int, limit: int) -> tuple[list[Entry], int]:
    """At least `limit` entries from [start, stop), or what there is; and where to go on."""
    asked = (place(part.id, start), place(part.id, TOP))
    cursor = connection.execute(
        "SELECT first, id, spans, keys, vals FROM chunk WHERE id BETWEEN ? AND ? ORDER BY id", asked
    )
    batch: list[Entry] = []
    size = 0
    with contextlib.closing(cursor):
        for first, id_, *chunk in cursor:
            if first >= stop:
                break
            batch += entries(part.topic, part.partition, tuple(chunk), start, stop)
            size += len(chunk[2])
            if len(batch) >= limit or size >= BATCH_BYTES:
                return batch, min(stop, (id_ & TOP) + 1)
    return batch, stop


def fetch_each(
    connection: sqlite3.Connection, wanted: list[tuple[Part, PartRow, int]], limit: int
) -> dict[Part, list[Entry]]:
    """Of each partition from its offset on its share of `limit`, exactly cut."""
    share = max(1, limit // len(wanted))
    found = {}
    for where, row, start in wanted:
        batch, _ = fetch(connection, row, start, row.next, share)
        if batch:
            found[where] = batch[:share]
    return found
