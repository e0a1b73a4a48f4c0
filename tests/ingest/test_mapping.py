"""From records to events: times in zones and formats, typed fields, places, what is refused."""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import DAY, HOUR, MINUTE, SECOND, parse_rfc3339
from streams.conditions import compile_expression, record_scope
from streams.frames import VERSION, AcceptedRow, EventsFrame, decode_events, encode
from streams.ingest.mapping import COERCE, Mapper, Refusal
from streams.reasons import DeadReason
from streams.records import Event, Place
from streams.rules import Bundle, City, EventType, FieldType, RecordMapping, Source, TimeMapping

SCOPE = record_scope("json")
NOON = parse_rfc3339("2026-07-01T12:00:00Z")


def expression(text: str) -> Any:
    return compile_expression(text, SCOPE)


def mapper(format: str = "rfc3339", zone: str = "UTC", otherwise: str = "", fields: dict[str, FieldType] | None = None,
           open: bool = False, place: dict[str, str] | None = None, received: bool = False) -> Mapper:
    declared = fields or {}
    mapping = RecordMapping(
        expression("record.id"), expression("record.type"),
        TimeMapping(expression("record.time"), format, zone, otherwise),
        TimeMapping(expression("record.came")) if received else None,
        place={name: expression(text) for name, text in (place or {}).items()},
        fields={name: expression(f"record.{name}") for name in declared})
    source = Source("s", "city.s", "json", mapping, open=open)
    return Mapper(Bundle("b", City(), {"a": EventType("a", fields=declared)}, {"s": source}, {}, {}, {}), source)


def event(made: Mapper, stamp: int | None = None, **record: Any) -> Event:
    return made.event({"id": "1", "type": "a", "time": "2026-07-01T12:00:00Z", **record}, 0, stamp, 0, 0)


def refusal(made: Mapper, stamp: int | None = None, **record: Any) -> DeadReason:
    with pytest.raises(Refusal) as refused:
        event(made, stamp, **record)
    assert refused.value.text
    return refused.value.reason


@pytest.mark.parametrize(("format", "zone", "written", "time"), [
    ("rfc3339", "UTC", "2026-07-01T12:00:00.000001Z", NOON + 1),
    ("rfc3339", "UTC", "2026-07-01T20:00:00+08:00", NOON),
    ("epoch_s", "UTC", NOON // SECOND, NOON),
    ("epoch_s", "UTC", 0.5, SECOND // 2),
    ("epoch_ms", "UTC", NOON // 1000 + 7, NOON + 7000),
    ("epoch_ms", "UTC", str(NOON // 1000), NOON),
    ("%Y-%m-%d %H:%M:%S", "Asia/Shanghai", "2026-07-01 20:00:00", NOON),
    ("%d.%m.%Y %H:%M", "Europe/Berlin", "01.07.2026 14:00", NOON),
    ("%Y-%m-%d %H:%M:%S", "America/New_York", "2026-03-08 03:30:00", parse_rfc3339("2026-03-08T07:30:00Z")),
    ("%Y-%m-%d %H:%M:%S", "America/New_York", "2026-11-01 01:30:00", parse_rfc3339("2026-11-01T05:30:00Z")),
])
def test_times(format: str, zone: str, written: Any, time: int) -> None:
    assert event(mapper(format, zone), time=written).time == time


@pytest.mark.parametrize("written", ["yesterday", "2026-07-01T12:00:00", "2026-13-01T00:00:00Z", 7, [1]])
def test_a_time_that_cannot_be_read(written: Any) -> None:
    assert refusal(mapper(), time=written) is DeadReason.BAD_TIME


def test_a_missing_time_may_be_that_of_receipt() -> None:
    made = mapper(otherwise="received")
    assert event(made, NOON, time="").time == NOON
    assert event(made, NOON, time="soon").time == NOON
    assert refusal(mapper(), NOON, time=None) is DeadReason.MISSING_TIME
    assert refusal(made, None, time="") is DeadReason.MISSING_TIME


def test_the_time_of_receipt() -> None:
    assert event(mapper(), NOON + MINUTE).received == NOON + MINUTE
    assert event(mapper()).received == NOON  # a file that does not tell
    made = mapper(received=True)
    assert event(made, NOON + HOUR, came="2026-07-01T12:00:09Z").received == NOON + 9 * SECOND
    assert event(made, NOON + HOUR).received == NOON + HOUR


def test_an_event_from_the_future_of_its_receipt() -> None:
    assert event(mapper(), NOON - 5 * MINUTE).time == NOON
    assert refusal(mapper(), NOON - 5 * MINUTE - 1) is DeadReason.TIME_IN_FUTURE


@pytest.mark.parametrize(("type", "written", "typed"), [
    ("string", "x", "x"), ("string", "", ""), ("string", 7, "7"),
    ("int", 7, 7), ("int", "7", 7), ("int", 7.0, 7), ("int", "", None),
    ("double", 7, 7.0), ("double", "7.5", 7.5),
    ("bool", True, True), ("bool", "yes", True), ("bool", "False", False),
    ("duration", "90s", 90 * SECOND), ("duration", "1d", DAY), ("timestamp", "2026-07-01T12:00:00Z", NOON),
    ("list", [1, "a"], [1, "a"]), ("map", {"a": 1}, {"a": 1}), ("dyn", {"a": [1]}, {"a": [1]}),
    ("place", "1.5 2", Place(1.5, 2.0)), ("place", [1.5, 2], Place(1.5, 2.0)), ("place", "1.5, 2", Place(1.5, 2.0)),
    ("string", 7.5, "7.5"), ("int", " 7 ", 7), ("double", "", None), ("bool", "NO", False),
    ("timestamp", "", None), ("place", "", None), ("string", None, None),
])
def test_fields_get_their_declared_type(type: str, written: Any, typed: Any) -> None:
    found = event(mapper(fields={"f": FieldType("f", type)}), f=written)
    assert found.fields == ({} if typed is None else {"f": typed})


@pytest.mark.parametrize(("type", "written"), [
    ("string", {"a": 1}), ("string", True), ("int", "x"), ("int", 7.5), ("int", True), ("int", 2**63), ("double", "x"),
    ("double", False), ("bool", "maybe"), ("bool", 2), ("duration", "soon"), ("duration", 5), ("timestamp", "noon"),
    ("list", "x"), ("map", [1]), ("place", "1"), ("place", "91 0"), ("place", 5), ("place", [1, 2, 3]),
    ("place", {"lat": 1, "lon": 2}), ("double", "nan"), ("double", "-inf"), ("double", float("inf")),
    ("double", "1_0"), ("int", "1_0"), ("int", "1e3"), ("int", float("nan")), ("duration", "-5m"), ("timestamp", NOON),
])
def test_a_wrong_type_is_refused(type: str, written: Any) -> None:
    assert refusal(mapper(fields={"f": FieldType("f", type)}), f=written) is DeadReason.WRONG_TYPE


def test_enumerated_and_required_fields() -> None:
    made = mapper(fields={"f": FieldType("f", "string", required=True, values=("x", "y"))})
    assert event(made, f="x").fields == {"f": "x"}
    assert refusal(made, f="z") is DeadReason.WRONG_TYPE
    assert refusal(made, f="") is DeadReason.MISSING_FIELD  # how a CSV file says that there is none
    assert refusal(made) is DeadReason.MISSING_FIELD


def test_types_that_are_not_declared() -> None:
    assert refusal(mapper(), type="b") is DeadReason.UNKNOWN_TYPE
    assert event(mapper(open=True, fields={"f": FieldType("f", "int")}), type="b", f="x").fields == {"f": "x"}


@pytest.mark.parametrize(("record", "place"), [
    ({"lat": 1.5, "lon": 2, "d": "north", "a": "Ring 1"}, Place(1.5, 2.0, "north", None, "Ring 1")),
    ({"lat": "1.5", "lon": "2"}, Place(1.5, 2.0)),
    ({"lat": "x", "lon": 2, "d": "north"}, Place(None, None, "north")),
    ({"lat": 91, "lon": 2}, None), ({"lat": 1}, None), ({"d": ""}, None), ({}, None),
    ({"lat": "nan", "lon": 2}, None), ({"d": 5, "a": ["x"]}, Place(None, None, "5")), ({"d": {"name": "north"}}, None),
    ({"lat": 0, "lon": 0}, Place(0, 0)),
])
def test_places(record: dict[str, Any], place: Place | None) -> None:
    made = mapper(place={"lat": "record.lat", "lon": "record.lon", "district": "record.d", "address": "record.a"})
    assert event(made, **record).place == place


def test_a_severity_is_a_text_or_nothing() -> None:
    made = whole("rfc3339")
    said = {"severe": "severe", "": None, 5: None}
    assert {value: event(made, severity=value).severity for value in said} == said
    assert [event(made, severity=value).severity for value in (["severe"], {"a": 1}, None, True)] == [None] * 4


def test_personal_fields_are_told_apart_and_not_told() -> None:
    made = mapper(fields={"f": FieldType("f", "string", personal=True)})
    keyed = Mapper(Bundle("b", City(), made.types, {}, {}, {}, {}), made.source, b"secret")
    one, same, other = (event(keyed, f=name).fields["f"] for name in ("Li", "Li", "Wu"))
    assert one == same != other
    assert "Li" not in one
    assert event(made, f="Li").fields["f"] != one  # another key, another hash


@pytest.mark.parametrize("text", ["type(record.k)", "[type(record.k)]", "{'a': type(record.k)}"])
def test_a_value_that_no_log_can_hold_is_refused(text: str) -> None:
    declared = {name: FieldType(name, name) for name in ("dyn", "list", "map")}
    mapping = RecordMapping(expression("record.id"), expression("record.type"), TimeMapping(expression("record.time")),
                            fields={name: expression(text) for name in declared})
    for types in ({}, {"a": EventType("a", fields=declared)}):
        made = Mapper(Bundle("b", City(), types, {}, {}, {}, {}), Source("s", "t", "json", mapping, open=True))
        with pytest.raises(Refusal):
            event(made, k=1)


@cache
def whole(format: str) -> Mapper:
    """A mapping of every part, and a field of every type."""
    declared = {name: FieldType(name, name) for name in COERCE}
    time = TimeMapping(expression("record.time"), format, "Europe/Berlin")
    mapping = RecordMapping(
        expression("record.id"), expression("record.type"), time, TimeMapping(expression("record.came"), format),
        expression("record.severity"),
        {name: expression(f"record.{name}") for name in ("lat", "lon", "district", "address", "cell")},
        {name: expression(f'record["{name}"]') for name in declared})
    source = Source("s", "city.s", "json", mapping, open=True)
    return Mapper(Bundle("b", City(), {"a": EventType("a", fields=declared)}, {"s": source}, {}, {}, {}), source)


texts = st.text(max_size=8) | st.sampled_from(["", "nan", "1e400", "7", "2026-07-01T12:00:00Z", "a", "90s", "1 2"])
numbers = st.integers(-2**63, 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
anything = st.recursive(st.none() | st.booleans() | numbers | texts, lambda inner: st.lists(inner, max_size=3) |
                        st.dictionaries(st.text(max_size=3), inner, max_size=3), max_leaves=4)
PARTS = ("id", "type", "time", "came", "severity", "lat", "lon", "district", "address", "cell", *COERCE)
records = st.dictionaries(st.sampled_from(PARTS), anything)


@given(records, st.sampled_from(["rfc3339", "epoch_s", "epoch_ms", "%Y-%m-%d", "%H"]), st.none() | st.just(NOON),
       st.booleans())
def test_any_json_becomes_an_event_that_can_be_sent_or_is_refused(record: Any, format: str, stamp: int | None,
                                                                  near: bool) -> None:
    if near:  # so that more of them get past the first check
        record = {"id": "1", "type": "a", "time": NOON // 1000 if format == "epoch_ms" else "2026-07-01T12:00:00Z",
                  **{name: value for name, value in record.items() if name not in ("id", "type", "time")}}
    record = orjson.loads(orjson.dumps(record, option=orjson.OPT_PASSTHROUGH_SUBCLASS))
    try:
        found = whole(format).event(record, 0, stamp, 0, 0)
    except Refusal:
        return
    frame = EventsFrame(VERSION, [AcceptedRow(0, 0, found)])
    assert decode_events(encode(frame)).rows[0].event.id == found.id
