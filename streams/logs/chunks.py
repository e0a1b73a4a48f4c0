"""How entries lie in the embedded log's file: runs of neighbours in one row, not one row an entry.

Why runs: Python's sqlite3 lets go of the interpreter's lock at every row, and a thread that wants it back
while another computes waits up to 5 ms for it. Rows of single entries were measured at 3 ms each to write
and 1.3 ms to read beside a busy event loop; a run of a thousand costs the same as one.

A run is three columns: `spans` (JSON, one list an entry: offset, time, where its key and value stand and how
long they are, its headers), `keys` and `vals` (bytes end to end). Plain SQL can take it apart: see the view
`entries` in `store.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

import msgspec

from streams.logs import Entry, Headers
from streams.records import Micros

Row: TypeAlias = tuple[int, Micros, bytes | None, bytes | None, Headers]
"""Offset, time, key, value, headers."""

Chunk: TypeAlias = tuple[int, int, Micros, int, str, bytes, bytes]
"""First offset, last offset, newest time, count, spans, keys, vals."""

Span: TypeAlias = tuple[int, Micros, int, int, int, int, list[tuple[str, str]] | None]

MAX_ROWS = 1000
MAX_BYTES = 512 * 1024
NOTHING = -1  # the length of a key or value that is None

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[Span]).decode


def runs(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Cut rows into runs of at most MAX_ROWS, ended once MAX_BYTES are reached."""
    run: list[Row] = []
    size = 0
    for row in rows:
        run.append(row)
        size += len(row[2] or b"") + len(row[3] or b"")
        if len(run) == MAX_ROWS or size >= MAX_BYTES:
            yield run
            run, size = [], 0
    if run:
        yield run


def pack(rows: list[Row]) -> Chunk:
    """One run as it is stored. `rows` is not empty and in the order of offsets."""
    spans: list[tuple[object, ...]] = []
    key_at = value_at = 0
    for offset, time, key, value, headers in rows:
        key_len = NOTHING if key is None else len(key)
        value_len = NOTHING if value is None else len(value)
        names = [(name, content.hex()) for name, content in headers] if headers else None
        spans.append((offset, time, key_at, key_len, value_at, value_len, names))
        key_at += max(0, key_len)
        value_at += max(0, value_len)
    keys = b"".join([row[2] for row in rows if row[2] is not None])
    values = b"".join([row[3] for row in rows if row[3] is not None])
    newest = max(row[1] for row in rows)
    return (rows[0][0], rows[-1][0], newest, len(rows), _encode(spans).decode("ascii"), keys, values)


def unpack(spans: str, keys: bytes, values: bytes) -> list[Row]:
    """The rows of one run."""
    return [
        (
            offset,
            time,
            None if key_len < 0 else keys[key_at : key_at + key_len],
            None if value_len < 0 else values[value_at : value_at + value_len],
            _headers(names) if names else (),
        )
        for offset, time, key_at, key_len, value_at, value_len, names in _decode(spans)
    ]


def entries(topic: str, partition: int, chunk: tuple[str, bytes, bytes], start: int, stop: int) -> list[Entry]:
    """The entries of one run (spans, keys, vals) with start <= offset < stop."""
    spans, keys, values = chunk
    return [
        Entry(
            topic,
            partition,
            offset,
            time,
            None if key_len < 0 else keys[key_at : key_at + key_len],
            None if value_len < 0 else values[value_at : value_at + value_len],
            _headers(names) if names else (),
        )
        for offset, time, key_at, key_len, value_at, value_len, names in _decode(spans)
        if start <= offset < stop
    ]


def keyed(spans: str, keys: bytes) -> list[tuple[int, Micros, bytes | None, bool]]:
    """Offset, time, key, whether it has a value: what compaction must know, without reading the values."""
    return [
        (offset, time, None if key_len < 0 else keys[key_at : key_at + key_len], value_len >= 0)
        for offset, time, key_at, key_len, _, value_len, _ in _decode(spans)
    ]


def _headers(names: list[tuple[str, str]]) -> Headers:
    return tuple((name, bytes.fromhex(content)) for name, content in names)
