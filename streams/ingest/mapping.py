"""How a record becomes an event: a source's expressions, declared types, and what is refused why."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from math import isfinite
from typing import Any

import msgspec

from streams.clocks import duration, micros, parse_rfc3339, zone_of
from streams.conditions import EvalError, Expression, together
from streams.reasons import DeadReason
from streams.records import Event, Micros, Place
from streams.rules import Bundle, FieldType, Source, TimeMapping

EARLIEST, LATEST = parse_rfc3339("1900-01-01T00:00:00Z"), parse_rfc3339("2200-01-01T00:00:00Z")
TYPES_AT_MOST = 10_000  # whose plan is kept; an open source may name any number
NAME_AT_MOST = 1000  # characters of an id or a type
RecordFields = Mapping[str, Any]
_packer = msgspec.msgpack.Encoder()
_SEPARATORS = re.compile(r"[\s,;]+")
TRUE, FALSE = ("true", "1", "yes"), ("false", "0", "no")


class Refusal(Exception):
    """The record cannot become an event; `reason` is from the closed list, `text` for people."""

    def __init__(self, reason: DeadReason, text: str) -> None:
        super().__init__(text)
        self.reason, self.text = reason, text


PLAIN_TEXT = FieldType("", "string")
FIRST_PLACE = 3  # id, type and time come first among the values read
ONE_VALUE = (str, float, bool)
ANYTHING = ("dyn", "list", "map")


class FieldPlan(msgspec.Struct, frozen=True):
    """For one event type: name, place among the values and care of each field, and what must be there.

    The care is None where the value stays as it is, PLAIN_TEXT where a text needs none.
    """

    parts: Sequence[tuple[str, int, FieldType | None]]
    declared: Mapping[str, FieldType]
    required: tuple[str, ...]

    def missing(self, fields: Mapping[str, Any]) -> list[str]:
        """The required fields that are not there."""
        return [name for name in self.required if name not in fields]


class Mapper:
    """The mapping of one source, ready to use. `personal_key` hashes personal fields."""

    def __init__(self, bundle: Bundle, source: Source, personal_key: bytes = b"") -> None:
        self.source, self.types = source, bundle.event_types
        self.districts = bundle.districts
        self.personal_key = personal_key
        self.mapping = source.mapping
        mapping = source.mapping
        self._read = together([mapping.id, mapping.type, mapping.time.value, *mapping.place.values(),
                               *mapping.fields.values()])
        self._place_names = tuple(mapping.place)
        self._first_field = FIRST_PLACE + len(mapping.place)
        self._plans: dict[str, FieldPlan] = {}
        self.time = _time_reader(mapping.time)
        received = mapping.received
        self.received = None if received is None else _time_reader(received)

    def received_at(self, record: RecordFields, row: int, stamp: Micros | None) -> Micros | None:
        """When the record came: by the source's `received`, else by the log's time stamp, if there is one."""
        mapping = self.mapping.received
        if mapping is None or self.received is None:
            return stamp
        try:
            told = self.received(mapping.value(record, row))
        except (EvalError, ValueError, OverflowError, TypeError):
            return stamp
        return told if stamp is None else min(told, stamp)  # nothing is received after it stood in the log

    def event(self, record: RecordFields, row: int, stamp: Micros | None, partition: int, offset: int) -> Event:
        """The event; raises Refusal."""
        received = stamp if self.received is None else self.received_at(record, row, stamp)
        values = self._read(record, row)
        identity, event_type = values[0], values[1]
        if type(identity) is not str or not 0 < len(identity) <= NAME_AT_MOST:
            identity = self._named(identity, self.mapping.id, record, row, DeadReason.MISSING_ID, "id")
        if type(event_type) is not str or not 0 < len(event_type) <= NAME_AT_MOST:
            event_type = self._named(event_type, self.mapping.type, record, row, DeadReason.MAPPING_FAILED, "type")
        time = self._time(values[2], record, row, received)
        if not EARLIEST <= time < LATEST:
            raise Refusal(DeadReason.BAD_TIME, "the event's time is not between the years 1900 and 2200")
        if received is None:
            received = time  # a file that does not tell when its records came
        elif time > received + self.source.skew:
            raise Refusal(DeadReason.TIME_IN_FUTURE, "the event's time lies in the future of its receipt")
        return Event(
            identity, self.source.id, event_type, time, received, self._place(values) if self._place_names else None,
            None if self.mapping.severity is None else self._severity(record, row), self._fields(event_type, values),
            partition, offset)

    def _named(self, value: Any, expression: Expression, record: RecordFields, row: int, reason: DeadReason,
               name: str) -> str:
        """A name that is no plain text, as one; what is none is refused with what its expression says."""
        if value is None:
            try:
                value = expression(record, row)
            except EvalError as error:
                raise Refusal(reason, f"`{name}`: {error}") from error
        if value is None or value == "":
            raise Refusal(reason, f"`{name}` is empty")
        text = str(value)
        if len(text) > NAME_AT_MOST:
            raise Refusal(DeadReason.TOO_LONG, f"`{name}` has more than {NAME_AT_MOST} characters")
        return text

    def _time(self, value: Any, record: RecordFields, row: int, received: Micros | None) -> Micros:
        mapping = self.mapping.time
        try:
            if value is None:
                value = mapping.value(record, row)  # what failed says why
            if value is None or value == "":
                raise Refusal(DeadReason.MISSING_TIME, "`time` is empty")
            return self.time(value)
        except Refusal:
            if mapping.otherwise != "received" or received is None:
                raise
        except EvalError as error:
            if mapping.otherwise != "received" or received is None:
                raise Refusal(DeadReason.MISSING_TIME, f"`time`: {error}") from error
        except (ValueError, OverflowError, TypeError) as error:
            if mapping.otherwise != "received" or received is None:
                raise Refusal(DeadReason.BAD_TIME, f"`time`: {error}") from error
        return received

    def _severity(self, record: RecordFields, row: int) -> str | None:
        """The severity if it is a text; whatever else the record holds there says nothing."""
        assert self.mapping.severity is not None
        try:
            value = self.mapping.severity(record, row)
        except EvalError:
            return None
        return value if isinstance(value, str) and value else None

    def _place(self, values: tuple[Any, ...]) -> Place | None:
        named = zip(self._place_names, values[FIRST_PLACE:self._first_field], strict=True)
        known = {name: value for name, value in named if value is not None and value != ""}
        if not known:
            return None
        at = _coordinates(known.pop("lat", None), known.pop("lon", None))
        texts = {name: str(value) for name, value in known.items() if isinstance(value, str | int | float)}
        if not at and not texts:
            return None
        lat, lon = at or (None, None)
        district = texts.get("district")
        if district is None and self.districts is not None and lat is not None and lon is not None:
            district = self.districts.at(lat, lon)
        return Place(lat, lon, district, texts.get("cell"), texts.get("address"))

    def _fields(self, event_type: str, values: tuple[Any, ...]) -> dict[str, Any]:
        plan = self._plans.get(event_type)
        if plan is None:
            if len(self._plans) >= TYPES_AT_MOST:
                self._plans.clear()
            plan = self._plans[event_type] = self._plan(event_type)
        fields: dict[str, Any] = {}
        for name, place, field in plan.parts:
            value = values[place]
            if field is PLAIN_TEXT and type(value) is str:
                fields[name] = value
            elif value is not None:
                self._put(fields, plan.declared[name] if field is PLAIN_TEXT else field, name, value)
        for name in plan.required:
            if name not in fields:
                raise Refusal(DeadReason.MISSING_FIELD, f"{event_type} requires {', '.join(plan.missing(fields))}")
        return fields

    def _plan(self, event_type: str) -> FieldPlan:
        """What to do for the fields of a type; worked out once."""
        declared = self.types.get(event_type)
        placed = [(name, place) for place, name in enumerate(self.mapping.fields, self._first_field)]
        if declared is None:
            if not self.source.open:
                raise Refusal(DeadReason.UNKNOWN_TYPE, f"event type {event_type!r} is not declared")
            return FieldPlan([(name, place, None) for name, place in placed], {}, ())
        parts = [(name, place, _step(declared.fields[name])) for name, place in placed if name in declared.fields]
        required = tuple(name for name, field in declared.fields.items() if field.required)
        return FieldPlan(parts, declared.fields, required)

    def _put(self, fields: dict[str, Any], field: FieldType | None, name: str, value: Any) -> None:
        """Put the value of a declared field into its type; what may be anything must be what a log can hold."""
        if field is None or field.type in ANYTHING:
            _check_storable(name, value)
        if field is None:
            fields[name] = value
            return
        if value == "" and (field.type != "string" or field.values):
            return
        try:
            typed = COERCE[field.type](value)
        except (ValueError, TypeError, OverflowError):
            text = f"field `{field.name}`: {_short(value)} is not a {field.type}"
            raise Refusal(DeadReason.WRONG_TYPE, text) from None
        if field.values and typed not in field.values:
            text = f"field `{field.name}`: {_short(value)} is none of {', '.join(field.values)}"
            raise Refusal(DeadReason.WRONG_TYPE, text)
        fields[field.name] = self._hidden(typed) if field.personal else typed

    def _hidden(self, value: Any) -> str:
        """A keyed hash, so that equal persons stay equal and nobody is named."""
        return blake2b(str(value).encode(), digest_size=12, key=self.personal_key[:64]).hexdigest()


def _step(field: FieldType) -> FieldType:
    """The field, or PLAIN_TEXT where a text needs no more care than being one."""
    plain = field.type == "string" and not field.personal and not field.values
    return PLAIN_TEXT if plain else field


def _check_storable(name: str, value: Any) -> None:
    """Refuse what our logs cannot hold: an expression may give what is no value, such as a type."""
    if type(value) in ONE_VALUE:
        return
    try:
        _packer.encode(value)
    except (TypeError, ValueError, OverflowError):
        text = f"field `{name}`: {_short(value)} is no value that can be kept"
        raise Refusal(DeadReason.MAPPING_FAILED, text) from None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _time_reader(mapping: TimeMapping) -> Callable[[Any], Micros]:
    """A function from the expression's value to µs; ValueError if it cannot be read."""
    if mapping.format == "epoch_s":
        return lambda value: round(float(value) * 1_000_000)
    if mapping.format == "epoch_ms":
        return lambda value: round(float(value) * 1_000) if isinstance(value, float) else int(value) * 1_000
    if mapping.format == "rfc3339":
        return lambda value: parse_rfc3339(str(value))
    zone = UTC if mapping.zone == "UTC" else zone_of(mapping.zone)
    return lambda value: _read_local(str(value), mapping.format, zone)


def _read_local(text: str, pattern: str, zone: Any) -> Micros:
    """Wall-clock text; of an hour that comes twice the first is meant."""
    if pattern == ISO and len(text) == 19:
        found = datetime.fromisoformat(text)
    else:
        found = datetime.strptime(text, pattern)  # noqa: DTZ007 - the zone comes next
    return micros(found if found.tzinfo is not None else found.replace(tzinfo=zone))


ISO = "%Y-%m-%d %H:%M:%S"


def _as_string(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return str(value)


def _as_int(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError
    number = int(value)
    if (isinstance(value, float) and number != value) or (isinstance(value, str) and "_" in value):
        raise ValueError
    if not -(2**63) <= number < 2**63:
        raise ValueError
    return number


def _as_double(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError
    number = float(value)
    if not isfinite(number) or (isinstance(value, str) and "_" in value):
        raise ValueError
    return number


def _as_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in TRUE + FALSE:
        return value.lower() in TRUE
    raise TypeError


def _as_list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _as_map(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _as_place(value: Any) -> Place:
    lat, lon = _SEPARATORS.split(value.strip()) if isinstance(value, str) else value
    at = _coordinates(lat, lon)
    if not at:
        raise ValueError
    return Place(*at)


def _coordinates(lat: Any, lon: Any) -> tuple[float, float] | tuple[()]:
    """Both in degrees, or nothing where either is missing or none."""
    try:
        at = float(lat), float(lon)
    except (TypeError, ValueError, OverflowError):
        return ()
    return at if -90 <= at[0] <= 90 and -180 <= at[1] <= 180 else ()


COERCE: dict[str, Callable[[Any], Any]] = {
    "string": _as_string, "int": _as_int, "double": _as_double, "bool": _as_bool, "list": _as_list,
    "map": _as_map, "dyn": lambda value: value, "place": _as_place,
    "duration": duration, "timestamp": parse_rfc3339,
}
