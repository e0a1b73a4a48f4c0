"""Findings and the frames of `tocsin.respond`: what detect tells respond. Plain data.

A finding is the news about one episode. What is sent again after a crash carries the same mark
(sender, partition, offset, row), so a reader that holds the last mark of each sender counts it once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import msgspec

from streams.actions import Action
from streams.records import BYTES_AT_MOST, Micros, cut_by_bytes
from streams.vitals import Usual

OPENED = "opened"
UPDATED = "updated"
CLOSED = "closed"
RETRACTED = "retracted"


class Finding(msgspec.Struct, frozen=True, array_like=True):
    """The news that an episode opened, changed, closed or was retracted; always its whole content.

    `id` stays the same for the episode's life, `sequence` grows by one with each change told.
    `closed` is None while it is open and equals `opened` for an episode of an instant. `evidence`
    lists the first ids of `count` events; `bound` names them by step. `at` is the event time at
    which this was concluded. `cause` is, for a retraction or a correction, the id of the event
    that caused it, or a reason; `merged_into` the finding that took a retracted one's evidence.
    `shadow` says that the rule is only observed. `since`: of a silence, when something was last heard.
    """

    id: str
    sequence: int
    change: str
    rule: str
    logic: str
    key: dict[str, Any]
    opened: Micros
    closed: Micros | None
    value: Any
    evidence: list[str]
    count: int
    bound: dict[str, list[str]] | None = None
    facts: dict[str, Any] = {}
    ended: str = ""
    corrections: int = 0
    at: Micros = 0
    cause: str = ""
    merged_into: str = ""
    shadow: bool = False
    since: Micros | None = None


class FindingRow(msgspec.Struct, frozen=True, array_like=True, tag="finding"):
    """A finding as it stands in `tocsin.respond`; the first four say where its sender made it.

    `sender` is the stage ("detect"); `partition` and `offset` are those of the record that the
    sender was folding; `row` counts what that record gave rise to. They grow together.
    """

    sender: str
    partition: int
    offset: int
    row: int
    finding: Finding


class Reading(msgspec.Struct, frozen=True, array_like=True):
    """What an indicator measured for a key over the window that ended at `at`; told again where that changes.

    `sequence` grows by one with each time it is told. `count` is of how many events; `value` is None where there is
    none, of an indicator with `top` a list of `streams.vitals.Entry`. `since`: from when on the status is this one.
    `concluded` is the event time at which this was told, `cause` the id of the event that changed it. `gone`: there is
    no such reading after all. `usual` is what it was held against, None without a baseline.
    """

    indicator: str
    logic: str
    key: dict[str, Any]
    at: Micros
    value: Any
    count: int
    status: str
    since: Micros
    sequence: int = 1
    concluded: Micros = 0
    cause: str = ""
    gone: bool = False
    usual: Usual | None = None


class ReadingRow(msgspec.Struct, frozen=True, array_like=True, tag="reading"):
    """A reading as it stands in `tocsin.respond`; the first four as in `FindingRow`."""

    sender: str
    partition: int
    offset: int
    row: int
    reading: Reading


class TickRow(msgspec.Struct, frozen=True, array_like=True, tag="tick"):
    """The wall time, written by the shell so that a replay sees the same."""

    at: Micros


class ActionRow(msgspec.Struct, frozen=True, array_like=True, tag="action"):
    """What somebody did, as it came in on `tocsin.feedback`; the same one may come again."""

    action: Action


Row: TypeAlias = FindingRow | ReadingRow | TickRow | ActionRow


class ResponseFrame(msgspec.Struct, frozen=True, array_like=True, tag="respond.1"):
    """One record of `tocsin.respond`. The tag carries the version; fields may be added at the end."""

    rows: list[Row]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(ResponseFrame)


def frames(rows: Sequence[FindingRow | ReadingRow]) -> Iterator[bytes]:
    """Rows as frames of about `BYTES_AT_MOST`; their marks stay as they are."""
    for part in cut_by_bytes(rows, BYTES_AT_MOST):
        yield encode(ResponseFrame(list(part)))


def encode(frame: ResponseFrame) -> bytes:
    """The frame as bytes (msgpack); the same frame gives the same bytes."""
    return _encoder.encode(frame)


def decode(value: bytes) -> ResponseFrame:
    """The frame of these bytes; msgspec.DecodeError or ValidationError if they are none."""
    return _decoder.decode(value)
