"""What travels between stages: events, rows, findings. Plain frozen data; knows nothing.

Times are integers: microseconds since the Unix epoch, UTC. Durations are microseconds too.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from math import isfinite
from typing import Any, TypeAlias, TypeVar

import msgspec

Micros: TypeAlias = int
Order: TypeAlias = tuple[int, str, int, int]
KeyValues: TypeAlias = tuple[Any, ...]
Row = TypeVar("Row")

KEY_AT_MOST = 1000  # characters of a key's part
BYTES_AT_MOST = 1 << 20  # of a frame, about: one entry of a log
COMPRESS_FROM = 65_536  # bytes of a row of state
ZLIB = b"\xc1z"  # no msgpack begins with 0xc1
_packer = msgspec.msgpack.Encoder()


class Place(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where something happened. Degrees (WGS 84); every part may be missing."""

    lat: float | None = None
    lon: float | None = None
    district: str | None = None
    cell: str | None = None
    address: str | None = None


class Event(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One thing that happened or was measured, accepted by ingest.

    `fields` hold values of the types that the event type declares; `partition` and `offset`
    tell where in the source's topic the record stood.
    """

    id: str
    source: str
    type: str
    time: Micros
    received: Micros
    place: Place | None
    severity: str | None
    fields: dict[str, Any]
    partition: int
    offset: int

    @property
    def order(self) -> Order:
        """The one order of events: among equal times the log's order stands."""
        return (self.time, self.source, self.partition, self.offset)


class Position(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where an event was, for a key of a rule with `near`, which is a cell of the map.

    `own`: the cell owns the place; only there it can be the centre of a circle. `things` are what the event
    says of the parts of the key that are things, in their order; None where it says nothing of one.
    """

    lat: float
    lon: float
    own: bool
    things: KeyValues = ()


class Member(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one key of one rule keeps of an event.

    `roles` is a bit set: bit i says that the event fits selector i of the rule. `value` is what
    the rule measures (None: nothing). `facts` are the values that the rule's texts read, by path.
    `position` is there for rules with `near`.
    """

    time: Micros
    source: str
    partition: int
    offset: int
    id: str
    roles: int = 1
    value: Any = None
    facts: dict[str, Any] | None = None
    position: Position | None = None

    @property
    def order(self) -> Order:
        """See `Event.order`."""
        return (self.time, self.source, self.partition, self.offset)


def key_part(value: Any) -> Any:
    """A part of a key: a text, an integer, or a number with a fraction; None for what can be none.

    Equal values are one key in every partition: 1.0 is 1, true is the text "true".
    """
    kind = type(value)
    if kind is str:
        return value if 0 < len(value) <= KEY_AT_MOST else None
    if kind is bool:
        return "true" if value else "false"
    if kind is float:
        if isfinite(value):
            whole = value.is_integer() and -(2**63) <= value < 2**64  # as far as frames hold integers
            return int(value) if whole else value
        return None
    return value if kind is int else None


def cut_by_bytes(rows: Iterable[Row], at_most: int) -> Iterator[list[Row]]:
    """Rows in their order as parts, each closed by the row that brings it to `at_most` bytes of msgpack."""
    part: list[Row] = []
    size = 0
    for row in rows:
        size += len(_packer.encode(row))
        part.append(row)
        if size >= at_most:
            yield part
            part, size = [], 0
    if part:
        yield part


def packed(row: bytes, least: int = COMPRESS_FROM) -> bytes:
    """A row of state as bytes; one of at least so many compressed, because an entry of a log has a limit."""
    return row if len(row) < least else ZLIB + zlib.compress(row, 1)


def unpacked(value: bytes) -> bytes:
    """What `packed` was given."""
    return zlib.decompress(value[len(ZLIB):]) if value.startswith(ZLIB) else value
