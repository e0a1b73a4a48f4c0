"""Letters to the process that writes an embedded log, from others: a small SQLite file beside it.

Another process leaves entries here; the writing one appends them to the log and then takes them away. What it appended
and could not take away before it died is appended again: letters are for entries that may come twice.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from streams.logs import LogError, Outgoing

SUFFIX = ".letters"
TAKEN_AT_MOST = 200
TABLE = "CREATE TABLE IF NOT EXISTS letter (id INTEGER PRIMARY KEY, entry BLOB NOT NULL)"
_packer, _unpacker = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Outgoing)


def post(log: Path, entries: Sequence[Outgoing]) -> None:
    """Leave entries for the process that writes the log; they are stored when this returns. Raises LogError."""
    try:
        with _opened(log) as letters:
            letters.execute(TABLE)
            letters.executemany("INSERT INTO letter (entry) VALUES (?)", [(_packer.encode(one),) for one in entries])
    except sqlite3.Error as error:
        raise LogError(f"nothing can be left for the writer of {log}: {error}") from error


def waiting(log: Path) -> list[tuple[int, Outgoing]]:
    """The oldest letters, each with its number."""
    if not _beside(log).exists():
        return []
    with _opened(log) as letters:
        rows = letters.execute("SELECT id, entry FROM letter ORDER BY id LIMIT ?", (TAKEN_AT_MOST,)).fetchall()
    return [(number, _unpacker.decode(entry)) for number, entry in rows]


def take_away(log: Path, numbers: Sequence[int]) -> None:
    """These are in the log now."""
    with _opened(log) as letters:
        letters.executemany("DELETE FROM letter WHERE id = ?", [(number,) for number in numbers])


@contextlib.contextmanager
def _opened(log: Path) -> Iterator[sqlite3.Connection]:
    """One transaction, durable when it ends."""
    with contextlib.closing(sqlite3.connect(_beside(log), timeout=10)) as letters, letters:
        letters.execute("PRAGMA synchronous = FULL")
        yield letters


def _beside(log: Path) -> Path:
    return log.with_name(log.name + SUFFIX)
