"""How each feed of the made-up city writes an event, and how it writes when something is wrong.

One `Feed` a source: its file, how events become bytes, how slow it is. `FLAWS` names every sort of
dirt with the reason by which ingest must refuse it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import orjson

from streams.clocks import SECOND, moment, rfc3339, zone_of
from streams.reasons import DeadReason
from streams.records import Event, Micros, Place
from streams.tools.simulate.city import ZONE

COLUMNS = (
    "call_no",
    "received",
    "happened",
    "title",
    "address",
    "street",
    "district",
    "lat",
    "lon",
    "priority",
    "desk",
    "answer_s",
    "caller",
)
YEAR_2099: Micros = 4_085_971_200 * SECOND
TOO_LARGE = 1_100_000  # bytes; one such record a day is enough
_LOCAL = "%Y-%m-%d %H:%M:%S"

Row = dict[str, Any]


class Feed(msgspec.Struct, frozen=True):
    """A source. `slowness` shrinks the real feed's delays; `tick` is how fine its times are."""

    source: str
    file: str
    slowness: float
    tick: Micros
    row: Callable[[Event], Row]
    time_field: str
    stamp: Callable[[Micros], Any]
    flaws: tuple[str, ...]

    @property
    def is_csv(self) -> bool:
        """Whether its file is CSV; the others hold one JSON object a line."""
        return self.file.endswith(".csv")

    @property
    def head(self) -> bytes:
        """The file's first line, empty for JSON."""
        return _csv_line(COLUMNS) + b"\n" if self.is_csv else b""

    def spell(self, event: Event) -> bytes:
        """The record as it arrives: one line, without its end."""
        return self._bytes(self.row(event))

    def spoil(self, event: Event, flaw: str) -> bytes:
        """A record like the event's, but with a flaw; its id is its own."""
        row = self.row(msgspec.structs.replace(event, id=f"{event.id}-x"))
        if flaw in ROW_FLAWS:
            ROW_FLAWS[flaw](self, row)
            return self._bytes(row)
        return BYTE_FLAWS[flaw](self._bytes(row))

    def _bytes(self, row: Row) -> bytes:
        return _csv_line(row.get(name, "") for name in COLUMNS) if self.is_csv else orjson.dumps(row)


def _csv_line(fields: Any) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(fields)
    return text.getvalue().encode()


def _local(time: Micros) -> str:
    return moment(time, zone_of(ZONE)).strftime(_LOCAL)


def _ms(time: Micros) -> int:
    return time // 1_000


def _with_zone(time: Micros) -> str:
    return moment(time, zone_of(ZONE)).isoformat(timespec="seconds")


def _place(place: Place | None) -> Row:
    if place is None:
        return {}
    named = {"lat": place.lat, "lon": place.lon, "district": place.district, "address": place.address}
    return {name: value for name, value in named.items() if value is not None}


def _call(event: Event) -> Row:
    place = {"lat": "", "lon": "", "district": "", **_place(event.place)}
    if place["lat"] != "":
        place |= {"lat": f"{place['lat']:.6f}", "lon": f"{place['lon']:.6f}"}
    return {
        **place,
        **event.fields,
        "call_no": event.id,
        "received": _local(event.received),
        "happened": _local(event.time),
    }


def _plain(event: Event) -> Row:
    return {
        "no": event.id,
        "event": event.type.partition(".")[2],
        "at": _ms(event.time),
        "received": _ms(event.received),
        **_place(event.place),
        **event.fields,
    }


def _dispatch(event: Event) -> Row:
    return {
        "no": event.id,
        "status": event.type.partition(".")[2],
        "at": _with_zone(event.time),
        "received": _ms(event.received),
        **event.fields,
    }


def _sensor(event: Event) -> Row:
    place = _place(event.place)
    return {
        "id": event.id,
        "kind": event.type.partition(".")[2],
        "device": event.fields["device"],
        "ts": _ms(event.time),
        "received": _ms(event.received),
        "pos": [place["lat"], place["lon"]],
        "district": place["district"],
        "reading": {name: value for name, value in event.fields.items() if name != "device"},
    }


def _request(event: Event) -> Row:
    return {
        "specversion": "1.0",
        "id": event.id,
        "source": "/yulan/hotline",
        "type": event.type.partition(".")[2],
        "time": rfc3339(event.time),
        "datacontenttype": "application/json",
        "receivedtime": rfc3339(event.received),
        "data": {**event.fields, **_place(event.place)},
    }


def _camera(event: Event) -> Row:
    return {
        "id": event.id,
        "finding": event.type.partition(".")[2],
        "ts": _ms(event.time),
        "received": _ms(event.received),
        **_place(event.place),
        **event.fields,
    }


def _drop(*names: str) -> Callable[[Feed, Row], None]:
    def spoil(feed: Feed, row: Row) -> None:
        for name in names:
            row.pop(name, None)

    return spoil


def _no_time(feed: Feed, row: Row) -> None:
    row.pop(feed.time_field)


def _no_clock(feed: Feed, row: Row) -> None:
    row[feed.time_field] = "half past"


def _far_future(feed: Feed, row: Row) -> None:
    row[feed.time_field] = feed.stamp(YEAR_2099)


def _no_number(feed: Feed, row: Row) -> None:
    """Text where a number belongs, in a field that the event type declares."""
    if feed.source in ("sensors", "meters"):
        row["reading"] = dict.fromkeys(row["reading"], "ERR")
    elif feed.source == "lifts":
        row |= {"event": "trapped", "incident": row["no"], "floor": "ground"}
    elif feed.source == "cameras":
        row |= {"finding": "smoke", "street": "?", "confidence": "high"}
    else:
        row["priority"] = "urgent"


def _no_type(feed: Feed, row: Row) -> None:
    name = {
        "calls": "title",
        "lifts": "event",
        "dispatch": "status",
        "sensors": "kind",
        "meters": "kind",
        "hotline": "type",
        "cameras": "finding",
    }.get(feed.source, "event")
    row[name] = "Test: UNICORN" if feed.is_csv else "unicorn"


def _cut(line: bytes) -> bytes:
    return line[: len(line) // 2]


def _first_columns(line: bytes) -> bytes:
    """Cut before any quote, so that the rest of a file keeps its meaning."""
    return b",".join(line.split(b",")[:3])


def _latin(line: bytes) -> bytes:
    """A byte that no UTF-8 text holds, in the middle."""
    return line[: len(line) // 2] + b"\xff" + line[len(line) // 2 :]


ROW_FLAWS: Mapping[str, Callable[[Feed, Row], None]] = {
    "no id": _drop("no", "id", "call_no"),
    "no time": _no_time,
    "time is no time": _no_clock,
    "year 2099": _far_future,
    "text for a number": _no_number,
    "unknown type": _no_type,
    "no device": _drop("device"),
    "no incident": _drop("incident"),
}
BYTE_FLAWS: Mapping[str, Callable[[bytes], bytes]] = {
    "cut off": _cut,
    "columns missing": _first_columns,
    "not UTF-8": _latin,
    "a list": lambda line: b"[" + line + b"]",
    "nested too deep": lambda line: line[:-1] + b',"x":' + b"[" * 80 + b"]" * 80 + b"}",
    "a column too many": lambda line: line + b",",
    "huge": lambda line: line[:-1] + b',"dump":"' + b"0" * TOO_LARGE + b'"}',
}
_JSON = (
    "cut off",
    "not UTF-8",
    "a list",
    "nested too deep",
    "no time",
    "time is no time",
    "year 2099",
    "unknown type",
)
FEEDS: Mapping[str, Feed] = {
    feed.source: feed
    for feed in (
        Feed(
            "calls",
            "calls.csv",
            1.0,
            SECOND,
            _call,
            "happened",
            _local,
            (
                "columns missing",
                "not UTF-8",
                "a column too many",
                "no id",
                "no time",
                "time is no time",
                "year 2099",
                "text for a number",
                "unknown type",
            ),
        ),
        Feed("lifts", "lifts.jsonl", 0.02, 1_000, _plain, "at", _ms, (*_JSON, "no id", "text for a number")),
        Feed(
            "dispatch",
            "dispatch.jsonl",
            0.05,
            SECOND,
            _dispatch,
            "at",
            _with_zone,
            (*_JSON, "no id", "no incident"),
        ),
        *(
            Feed(
                name,
                f"{name}.jsonl",
                0.02,
                1_000,
                _sensor,
                "ts",
                _ms,
                (*_JSON, "no id", "text for a number", "no device"),
            )
            for name in ("sensors", "meters")
        ),
        Feed("hotline", "hotline.jsonl", 0.5, SECOND, _request, "time", rfc3339, (*_JSON, "no id")),
        *(
            Feed(name, f"{name}.jsonl", 0.02, 1_000, _plain, "at", _ms, (*_JSON, "no id", "no device"))
            for name in ("signals", "grid", "buildings")
        ),
        Feed("reports", "reports.jsonl", 1.0, 1_000, _plain, "at", _ms, (*_JSON, "no id")),
        Feed(
            "cameras",
            "cameras.jsonl",
            0.01,
            1_000,
            _camera,
            "ts",
            _ms,
            (*_JSON, "no id", "text for a number"),
        ),
    )
}


def reason(feed: Feed, flaw: str) -> DeadReason:
    """Why ingest must refuse a record with this flaw."""
    if flaw == "no id" and feed.source == "hotline":
        return DeadReason.NOT_CLOUDEVENT
    return {
        "cut off": DeadReason.NOT_JSON,
        "columns missing": DeadReason.NOT_CSV,
        "not UTF-8": DeadReason.NOT_UTF8,
        "a list": DeadReason.NOT_AN_OBJECT,
        "nested too deep": DeadReason.TOO_DEEP,
        "a column too many": DeadReason.NOT_CSV,
        "huge": DeadReason.TOO_LARGE,
        "no id": DeadReason.MISSING_ID,
        "no time": DeadReason.MISSING_TIME,
        "time is no time": DeadReason.BAD_TIME,
        "year 2099": DeadReason.TIME_IN_FUTURE,
        "text for a number": DeadReason.WRONG_TYPE,
        "unknown type": DeadReason.UNKNOWN_TYPE,
        "no device": DeadReason.MISSING_FIELD,
        "no incident": DeadReason.MISSING_FIELD,
    }[flaw]
