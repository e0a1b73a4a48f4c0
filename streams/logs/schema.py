"""The tables of the embedded log's file, the view for people, and how a connection is set up."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from streams.logs import LogError

VERSION = 1

# A chunk's id is its partition's number and its last offset, so that one b-tree holds every partition as one
# ascending range, and the run that contains an offset is the first one at or after it.
OFFSET_BITS = 40
TOP = (1 << OFFSET_BITS) - 1

TABLES = """
CREATE TABLE topic (
    name TEXT PRIMARY KEY, partitions INTEGER NOT NULL, compacted INTEGER NOT NULL, retention INTEGER
) WITHOUT ROWID;
CREATE TABLE log (
    id INTEGER PRIMARY KEY, topic TEXT NOT NULL, partition INTEGER NOT NULL,
    start INTEGER NOT NULL, next INTEGER NOT NULL, UNIQUE (topic, partition)
);
CREATE TABLE chunk (
    id INTEGER PRIMARY KEY, first INTEGER NOT NULL, newest INTEGER NOT NULL, count INTEGER NOT NULL,
    spans TEXT NOT NULL, keys BLOB NOT NULL, vals BLOB NOT NULL
);
CREATE TABLE committed (
    grp TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, next INTEGER NOT NULL,
    PRIMARY KEY (grp, topic, partition)
) WITHOUT ROWID;
CREATE TABLE compaction (log INTEGER PRIMARY KEY, upto INTEGER NOT NULL, kept INTEGER NOT NULL);
CREATE VIEW entries AS
SELECT log.topic, log.partition, json_extract(span.value, '$[0]') AS offset,
       strftime('%Y-%m-%dT%H:%M:%fZ', json_extract(span.value, '$[1]') / 1e6, 'unixepoch') AS time,
       CASE WHEN json_extract(span.value, '$[3]') >= 0 THEN CAST(substr(chunk.keys,
           json_extract(span.value, '$[2]') + 1, json_extract(span.value, '$[3]')) AS TEXT) END AS key,
       CASE WHEN json_extract(span.value, '$[5]') >= 0 THEN CAST(substr(chunk.vals,
           json_extract(span.value, '$[4]') + 1, json_extract(span.value, '$[5]')) AS TEXT) END AS value,
       json_extract(span.value, '$[6]') AS headers_hex
FROM log JOIN chunk ON chunk.id BETWEEN log.id << 40 AND (log.id << 40) + 0xFFFFFFFFFF,
     json_each(chunk.spans) AS span;
"""


def place(log: int, offset: int) -> int:
    """The id of a chunk of this partition whose last offset is `offset`."""
    return (log << OFFSET_BITS) | offset


def connect(path: Path, read_only: bool, sync: str) -> sqlite3.Connection:
    """A connection for one thread at a time. `sync`: "full" or "normal"."""
    address = f"{path.as_uri()}?mode={'ro' if read_only else 'rwc'}"
    connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False, timeout=30)
    if not read_only:
        connection.execute("PRAGMA page_size = 8192")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {sync.upper()}")
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        connection.execute("PRAGMA journal_size_limit = 67108864")
    return connection


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables in a new file; refuse a file of another program or version."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    strange = connection.execute("SELECT name FROM sqlite_master LIMIT 1").fetchone()
    if version == 0 and strange is None:
        connection.executescript(f"BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;")
    elif version != VERSION:
        raise LogError(f"{path} is no log of this version (it says {version}, this program writes {VERSION})")
