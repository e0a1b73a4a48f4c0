"""The documents beside rules: city, event types, sources, registers, lists; each with its table of fields."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Mapping as Table
from datetime import datetime
from typing import Any

import msgspec

from streams.clocks import HOUR, MINUTE, SECOND
from streams.kinds import Field
from streams.rulefile import codes, scalars
from streams.rulefile.codes import Report
from streams.rulefile.fields import Values, read_fields
from streams.rulefile.nodes import Listing, Mapping, Node, Scalar, describe
from streams.rulefile.ranges import range_of, read_range
from streams.rulefile.scalars import Bad, Passage, Reader, Told, a_or_an, advise
from streams.rulefile.structures import READERS as RULE_READERS
from streams.rules import City, EventType, FieldType

FIELD_TYPES = ("string", "int", "double", "bool", "duration", "timestamp", "place", "list", "map", "dyn")
LIST_TYPES = ("string", "int", "double", "bool")
COLUMN_TYPES = ("string", "int", "double", "bool", "duration", "timestamp", "place")
FORMATS = ("json", "csv", "cloudevents", "cap")
TIME_FORMATS = ("rfc3339", "epoch_s", "epoch_ms")
EVENT_PARTS = ("id", "source", "type", "time", "received", "severity", "place")
RESERVED = frozenset(
    "as break const continue else false for function if import in let loop package namespace null"
    " return true var void while event record row lists".split()
)
_TYPE_ID = re.compile(r"[a-z0-9][a-z0-9_]*(\.[a-z0-9][a-z0-9_]*)*")

KIND = Field("kind", "string", "what the document is", required=True)
ID = Field("id", "id", "its name, by which other documents call it", required=True)
TITLE = Field("title", "string", "what people call it", default="")

CITY_FIELDS = (
    KIND,
    Field("id", "id", "the city's short name"),
    TITLE,
    Field("name", "string", "the city's name", default="city"),
    Field("zone", "zone", "the time zone of its days and of local texts", default="UTC"),
    Field("districts", "districts", "the names of its districts, or {file, name}: GeoJSON that draws them", default=()),
)
DISTRICTS_FIELDS = (
    Field("file", "text", "the GeoJSON file, from here; where two meet, the first of it has the place", required=True),
    Field("name", "string", "the property that holds a district's name; `id` or `name` if not given", default=""),
)
EVENT_TYPE_FIELDS = (
    KIND,
    Field("id", "type_id", "a dotted name: traffic.accident", required=True),
    TITLE,
    Field("description", "string", "what happened when such an event comes"),
    Field("fields", "field_types", "the fields of such an event", default={}),
)
FIELD_FIELDS = (
    Field("type", "string", "its type", default="string", values=FIELD_TYPES),
    Field("required", "boolean", "an event without it is refused", default=False),
    Field("personal", "boolean", "only a keyed hash of it is kept", default=False),
    Field("enum", "strings", "the only values it may have", default=()),
    Field("unit", "string", "the unit of a number", default=""),
    Field("register", "string", "the register whose key it is", default=""),
    Field("range", "range", "of a number, the least and the greatest that can be: [0, 300]; what lies outside is a "
          "fault of the instrument, see `impossible()`"),
    Field("description", "string", "what it says"),
)
COLUMN_FIELDS = tuple(
    msgspec.structs.replace(field, values=COLUMN_TYPES) if field.name == "type" else field
    for field in FIELD_FIELDS
    if field.name not in ("personal", "register", "range")
)
SOURCE_FIELDS = (
    KIND,
    ID,
    TITLE,
    Field("description", "string", "where it comes from"),
    Field("owner", "string", "who looks after the feed"),
    Field("topic", "string", "the topic that holds its records", required=True),
    Field("format", "string", "how its records are written", required=True, values=FORMATS),
    Field("zone", "zone", "the time zone of its local times; the city's if not given"),
    Field(
        "disorder",
        "duration",
        "how long to wait before concluding that something did not happen",
        default=30 * SECOND,
    ),
    Field("lateness", "duration", "how long afterwards an event still corrects what was concluded", default=HOUR),
    Field(
        "idle",
        "duration_or_off",
        "after how long without records its clock follows the wall clock, or off",
        default=MINUTE,
    ),
    Field("silence", "duration_or_off", "after how long its own silence is a finding", default=None),
    Field("skew", "duration", "how far in the future of its receipt an event may lie", default=5 * MINUTE),
    Field("open", "boolean", "types that are not declared are accepted", default=False),
    Field("event", "mapping", "how a record becomes an event", required=True),
)
MAPPING_FIELDS = (
    Field("id", "cel", "what makes a record the same when it comes again", required=True),
    Field("type", "cel", "the event type", required=True),
    Field("time", "time", "when it happened: an expression, or {value, format, zone, else}", required=True),
    Field("received", "time", "when the record came, if the record itself says so"),
    Field("severity", "cel", "info, minor, moderate, severe or extreme"),
    Field("place", "place", "where: {lat, lon, district, cell, address}"),
    Field("fields", "expressions", "each field's expression by its name", default={}),
)
TIME_FIELDS = (
    Field("value", "cel", "the expression", required=True),
    Field(
        "format",
        "time_format",
        "rfc3339, epoch_s, epoch_ms, or strptime's spelling: %Y-%m-%d %H:%M:%S",
        default="rfc3339",
    ),
    Field("zone", "zone", "the time zone of local times; the source's if not given"),
    Field(
        "else",
        "string",
        "`received`: the time of receipt where this one is missing or unreadable",
        default="",
        values=("received",),
    ),
)
PLACE_FIELDS = tuple(
    Field(name, "cel", f"the {what}")
    for name, what in (
        ("lat", "latitude in degrees"),
        ("lon", "longitude in degrees"),
        ("district", "district"),
        ("cell", "cell of the map"),
        ("address", "address"),
    )
)
REGISTER_FIELDS = (
    KIND,
    ID,
    TITLE,
    Field("description", "string", "what stands in it"),
    Field("owner", "string", "who looks after it"),
    Field("key", "string", "the column that names a row", required=True),
    Field("fields", "columns", "the columns and their types", required=True),
    Field("file", "string", "its CSV file, from here; <id>.csv if not given"),
)
LIST_FIELDS = (
    KIND,
    Field("id", "name", "its name: `lists.<id>` in expressions", required=True),
    TITLE,
    Field("description", "string", "what stands in it"),
    Field("owner", "string", "who looks after it"),
    Field("type", "string", "the type of its values; if not given what they look like, and texts in a file",
          values=LIST_TYPES),
    Field("values", "list_values", "the values"),
    Field("file", "string", "a text file with one value a line, from here"),
)


class DistrictsDraft(msgspec.Struct, frozen=True):
    """Where a city's districts are drawn: a file, and the property that names them ("": the usual ones)."""

    file: Passage
    name: str = ""


class TimeDraft(msgspec.Struct, frozen=True):
    """A time as written."""

    value: Passage
    format: str = "rfc3339"
    zone: str | None = None
    otherwise: str = ""


class MappingDraft(msgspec.Struct, frozen=True):
    """The `event:` of a source as written; a part is None where it is missing or wrong."""

    parts: Table[str, Passage]
    times: Table[str, TimeDraft]
    place: Table[str, Passage]
    fields: Table[str, Passage]


def read_type_id(node: Node, field: Field, report: Report) -> str:
    """A dotted name in lower case."""
    text = scalars.scalar(node, "an event type's name").text
    if not _TYPE_ID.fullmatch(text):
        raise Bad(
            codes.BAD_ID,
            node.spot,
            f"{describe(node)} cannot be an event type's name",
            "use lower-case letters, digits and `_`, in parts joined by `.`: traffic.accident",
        )
    return text


def read_field_types(node: Node, field: Field, report: Report) -> dict[str, FieldType]:
    """The fields of an event type."""
    return _field_types(node, FIELD_FIELDS, report, EVENT_PARTS)


def read_columns(node: Node, field: Field, report: Report) -> dict[str, FieldType]:
    """The columns of a register."""
    return _field_types(node, COLUMN_FIELDS, report, ())


def _field_types(node: Node, table: Iterable[Field], report: Report, taken: Iterable[str]) -> dict[str, FieldType]:
    if not isinstance(node, Mapping):
        raise Bad(
            codes.WRONG_TYPE,
            node.spot,
            f"{describe(node)} stands where the fields belong",
            "write a mapping: name: {type: string}",
        )
    found = {}
    for name, (key, value) in node.pairs.items():
        try:
            _check_field_name(key, taken)
            found[name] = FieldType(name, "dyn")  # known, so that what uses it is not wrong as well
            found[name] = _field_type(name, value, table, report)
        except Bad as bad:
            bad.tell(report)
    return found


def _check_field_name(key: Scalar, taken: Iterable[str]) -> None:
    if key.text in taken:
        raise Bad(codes.BAD_ID, key.spot, f"every event has a part `{key.text}` already", "choose another name")
    if key.text in RESERVED or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key.text):
        raise Bad(
            codes.BAD_ID,
            key.spot,
            f"{key.text!r} cannot be a name in expressions",
            "use letters, digits and `_`, beginning with a letter, and no word of the language",
        )


def _field_type(name: str, node: Node, table: Iterable[Field], report: Report) -> FieldType:
    if isinstance(node, Scalar):  # `floor: int` is short for `floor: {type: int}`
        kind = next(field for field in table if field.name == "type")
        return FieldType(name, scalars.read_string(node, kind, report))
    values = read_fields(node, table, READERS, report, "a field")
    kind_text = values.get("type", "string") if "type" in values or "type" not in values.node.pairs else "dyn"
    allowed = tuple(_typed_choice(text, kind_text, values) for text in values.get("enum", ()))
    return FieldType(
        name,
        kind_text,
        values.get("required", False),
        values.get("personal", False),
        allowed,
        values.get("unit", ""),
        values.get("register", ""),
        range_of(kind_text, values),
    )


def _typed_choice(text: str, kind: str, values: Values) -> Any:
    """A value of an enum in the field's type."""
    try:
        return {"int": int, "double": float}.get(kind, str)(text)
    except ValueError:
        raise Bad(codes.WRONG_TYPE, values.spot("enum"), f"{text!r} in `enum` is not {a_or_an(kind)}") from None


def read_mapping(node: Node, field: Field, report: Report) -> MappingDraft:
    """The `event:` of a source."""
    values = read_fields(node, MAPPING_FIELDS, READERS, report, "`event`")
    parts = {name: values[name] for name in ("id", "type", "severity") if name in values}
    times = {name: values[name] for name in ("time", "received") if name in values}
    return MappingDraft(parts, times, values.get("place", {}), values.get("fields", {}))


def read_time(node: Node, field: Field, report: Report) -> TimeDraft:
    """An expression, or `{value, format, zone, else}`."""
    if isinstance(node, Scalar):
        return TimeDraft(scalars.read_cel(node, field, report))
    values = read_fields(node, TIME_FIELDS, READERS, report, f"`{field.name}`")
    if "value" not in values:
        raise Told
    return TimeDraft(values["value"], values.get("format", "rfc3339"), values.get("zone"), values.get("else", ""))


def read_time_format(node: Node, field: Field, report: Report) -> str:
    """One of `TIME_FORMATS` or strptime's spelling."""
    text = scalars.scalar(node, "a time format").text
    if text in TIME_FORMATS:
        return text
    if "%" not in text:
        raise Bad(
            codes.NOT_A_CHOICE,
            node.spot,
            f"{describe(node)} is not a time format",
            advise(text, (*TIME_FORMATS, "%Y-%m-%d %H:%M:%S")),
        )
    try:
        datetime.strptime("", text)  # noqa: DTZ007 - only to learn whether the spelling is known
    except ValueError as error:
        if "bad directive" in str(error) or "stray" in str(error):
            raise Bad(
                codes.NOT_A_CHOICE,
                node.spot,
                f"{describe(node)} is not a time format: {error}",
                "use strptime's spelling, for example %Y-%m-%d %H:%M:%S",
            ) from None
    except re.error:
        raise Bad(codes.NOT_A_CHOICE, node.spot, f"{describe(node)} names one part of a time twice") from None
    return text


def read_place(node: Node, field: Field, report: Report) -> dict[str, Passage]:
    """`{lat, lon, district, cell, address}`."""
    values = read_fields(node, PLACE_FIELDS, READERS, report, "`place`")
    for one, other in (("lat", "lon"), ("lon", "lat")):
        if one in values.node.pairs and other not in values.node.pairs:
            raise Bad(codes.MISSING_FIELD, values.key_spot(one), f"`{one}` needs `{other}` beside it")
    return dict(values.read)


def read_expressions(node: Node, field: Field, report: Report) -> dict[str, Passage]:
    """Name: expression."""
    if not isinstance(node, Mapping):
        raise Bad(
            codes.WRONG_TYPE,
            node.spot,
            f"{describe(node)} stands where the fields belong",
            "write a mapping: name: expression",
        )
    found = {}
    for name, (_, value) in node.pairs.items():
        try:
            found[name] = scalars.read_cel(value, field, report)
        except Bad as bad:
            bad.tell(report)
    return found


def read_districts(node: Node, field: Field, report: Report) -> tuple[str, ...] | DistrictsDraft:
    """Names, or `{file, name}`."""
    if not isinstance(node, Mapping):
        return scalars.read_strings(node, field, report)
    values = read_fields(node, DISTRICTS_FIELDS, READERS, report, "`districts`")
    if "file" not in values:
        raise Told
    return DistrictsDraft(values["file"], values.get("name", ""))


def read_list_values(node: Node, field: Field, report: Report) -> tuple[Scalar, ...]:
    """Texts, numbers or truth values, as they are written."""
    if not isinstance(node, Listing):
        raise Bad(codes.WRONG_TYPE, node.spot, f"{describe(node)} stands where a list belongs", "write [a, b, c]")
    return tuple(scalars.scalar(entry, "a single value") for entry in node.entries)


READERS: dict[str, Reader] = {
    **RULE_READERS,
    "type_id": read_type_id,
    "field_types": read_field_types,
    "columns": read_columns,
    "mapping": read_mapping,
    "time": read_time,
    "time_format": read_time_format,
    "place": read_place,
    "expressions": read_expressions,
    "list_values": read_list_values,
    "districts": read_districts,
    "range": read_range,
}


def read_city(values: Values, drawn: tuple[str, ...] = ()) -> City:
    """`rules/city.yaml`; `drawn` are the names of districts that a file draws."""
    districts = values.get("districts", ())
    named = drawn if isinstance(districts, DistrictsDraft) else districts
    return City(values.get("name", "city"), values.get("zone", "UTC"), named)


def read_event_type(values: Values) -> EventType:
    """An event type; a field that is wrong is of dynamic type."""
    return EventType(values["id"], values.get("title", ""), values.get("fields", {}))
