"""Frames: many rows in one log entry between our own stages, because every log costs per entry.

A row carries where its sender stood when it wrote it (`offset` in the source's partition, `row`
within that offset). A reader keeps the highest such mark a sender and drops what is not above it:
what a sender repeats after a crash counts once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from streams.clocks import AFTER_ALL
from streams.records import BYTES_AT_MOST, Event, KeyValues, Member, Micros, cut_by_bytes

VERSION = 1
CLOCK_ROW = 1_000_000  # clock rows stand behind all rows of their offset


class MemberRow(msgspec.Struct, frozen=True, array_like=True, tag="m", gc=False):
    """An event for one key of one rule. `rule` is the rule's reference (id and logic hash)."""

    row: int
    rule: str
    key: KeyValues
    member: Member


class VersionRow(msgspec.Struct, frozen=True, array_like=True, tag="v", gc=False):
    """A finding as an event for one key of a composite rule, in place of what was told of it before.

    `source` is `rule:<id>`, `partition` that of the detect stage that found it; `offset` and `row` grow
    together there. `finding` is its id; without a `member` it is no event of this key any more.
    """

    source: str
    partition: int
    offset: int
    row: int
    rule: str
    key: KeyValues
    finding: str
    member: Member | None


class ClockRow(msgspec.Struct, frozen=True, array_like=True, tag="c", gc=False):
    """How far event time has come in one of the `partitions` of a source.

    `head` is the newest accepted event's time, `first` the earliest (after all time: none, or not known), `clock`
    how far conclusions may be drawn. For the findings of a rule the source is `rule:<id>`, the partition one of
    `tocsin.work`, and `first` that of the events which the rule reads.
    """

    source: str
    partition: int
    partitions: int
    offset: int
    row: int
    clock: Micros
    head: Micros
    first: Micros = AFTER_ALL


WorkRow: TypeAlias = MemberRow | VersionRow | ClockRow


class WorkFrame(msgspec.Struct, frozen=True, array_like=True):
    """What ingest sends to one partition of `tocsin.work`; `bundle` is the id it routed by."""

    version: int
    bundle: str
    rows: list[WorkRow]


class AcceptedRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An accepted event and the clock of its source partition when it was accepted."""

    row: int
    clock: Micros
    event: Event


class EventsFrame(msgspec.Struct, frozen=True, array_like=True):
    """What ingest sends to `tocsin.events`."""

    version: int
    rows: list[AcceptedRow]


ROWS_AT_MOST = 1000
_packer = msgspec.msgpack.Encoder()
_work = msgspec.msgpack.Decoder(WorkFrame)
_events = msgspec.msgpack.Decoder(EventsFrame)


def work_frames(bundle: str, rows: list[WorkRow]) -> Iterator[bytes]:
    """Rows as frames of about `ROWS_AT_MOST`, each of which ends with a clock, the mark of its sender."""
    start = 0
    for end, row in enumerate(rows, 1):
        if end == len(rows) or (end - start >= ROWS_AT_MOST and type(row) is ClockRow):
            yield encode(WorkFrame(VERSION, bundle, rows[start:end]))
            start = end


def events_frames(rows: list[AcceptedRow]) -> Iterator[bytes]:
    """Accepted events as frames of about `BYTES_AT_MOST`."""
    for part in cut_by_bytes(rows, BYTES_AT_MOST):
        yield encode(EventsFrame(VERSION, part))


def encode(frame: WorkFrame | EventsFrame) -> bytes:
    """A frame's bytes."""
    return _packer.encode(frame)


def decode_work(value: bytes) -> WorkFrame:
    """The frame of `tocsin.work`; ValueError if the bytes are none of this version."""
    frame = _work.decode(value)
    _check_version(frame.version)
    return frame


def decode_events(value: bytes) -> EventsFrame:
    """The frame of `tocsin.events`; ValueError if the bytes are none of this version."""
    frame = _events.decode(value)
    _check_version(frame.version)
    return frame


def _check_version(version: int) -> None:
    if version != VERSION:
        raise ValueError(f"frame version {version}, this program reads {VERSION}")
