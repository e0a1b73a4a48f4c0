"""What was put aside, as structs: events that came too late, and dead letters; see `contents`."""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class Spot(msgspec.Struct):
    """Where an event was, as far as it is known.

    lat: Latitude in degrees (WGS 84).
    lon: Longitude in degrees (WGS 84).
    district: The district.
    cell: The cell of the map.
    address: The address in words.
    """

    lat: float | None
    lon: float | None
    district: str | None
    cell: str | None
    address: str | None


class Accepted(msgspec.Struct):
    """An event, as its source's mapping made it of a record.

    id: Its id, by its source.
    source: The source.
    type: Its type.
    time: When it happened, in microseconds since 1970, UTC.
    received: When it came, likewise.
    place: Where it was; null if unknown.
    severity: How bad it says it is; null if it does not.
    fields: Its fields.
    partition: The partition of the source's topic.
    offset: Where in that it stood.
    """

    id: str
    source: str
    type: str
    time: int
    received: int
    place: Spot | None
    severity: str | None
    fields: dict[str, Any]
    partition: int
    offset: int


class Late(msgspec.Struct):
    """An event that came more than its source's `lateness` behind the clock.

    clock: How far the clock had come, in microseconds since 1970, UTC.
    event: The event.
    """

    clock: int
    event: Accepted


class DeadLetter(msgspec.Struct):
    """A record that could not be understood; of an entry of Tocsin's own topics only what has no default.

    reason: Why: a reason of the manual.
    problem: What was wrong, in words.
    topic: The topic that it stood on.
    partition: The partition.
    offset: Where in that.
    size: How many bytes it has.
    source: Its source.
    row: The row of the file that it was loaded from, else its offset.
    received_at: When it came; null if nobody knows.
    record: The record, or the first part of a large one.
    encoding: Whether that is text or base64.
    receiver: Of a notification that was not delivered: whom it was for.
    channel: By which channel.
    """

    reason: str
    problem: str
    topic: str
    partition: int
    offset: int
    size: int
    source: str | msgspec.UnsetType = msgspec.UNSET
    row: int | msgspec.UnsetType = msgspec.UNSET
    received_at: str | msgspec.UnsetType | None = msgspec.UNSET
    record: str | msgspec.UnsetType = msgspec.UNSET
    encoding: Literal["text", "base64"] | msgspec.UnsetType = msgspec.UNSET
    receiver: str | msgspec.UnsetType = msgspec.UNSET
    channel: str | msgspec.UnsetType = msgspec.UNSET
