"""Sources: how the records of a feed become events, and what would be refused or dropped on the way."""

from __future__ import annotations

from collections.abc import Mapping

from streams.conditions import Expression, Scope
from streams.rulefile import codes
from streams.rulefile.codes import Report
from streams.rulefile.documents import MappingDraft, TimeDraft
from streams.rulefile.expressions import Expressions, Names
from streams.rulefile.fields import Values
from streams.rulefile.scalars import a_or_an, advise
from streams.rulefile.selection import branch_of, fits
from streams.rules import City, EventType, RecordMapping, Source, TimeMapping

PLACE_TYPES = {"lat": "double", "lon": "double", "district": "string", "cell": "string", "address": "string"}
PART_TYPES = {"id": "string|int", "type": "string", "severity": "string"}
NUMERIC_FORMATS = ("epoch_s", "epoch_ms")
NUMERIC_TYPES = ("int", "uint", "double", "string", "dyn")
TEXT_TYPES = ("string", "dyn")
PLAIN = ("disorder", "lateness", "idle", "silence", "skew", "title", "open")


class SourceReader:
    """Makes sources of their documents."""

    def __init__(self, names: Names, expressions: Expressions, city: City, report: Report) -> None:
        self.names, self.expressions, self.city, self.report = names, expressions, city, report
        self._topics: dict[str, Values] = {}

    def read(self, values: Values) -> Source | None:
        """The source; None if anything about it is wrong."""
        before, zone = self.report.faults, values.get("zone", self.city.zone)
        self._check_topic(values)
        draft = values.get("event")
        if not isinstance(draft, MappingDraft):
            return None
        mapping = self._mapping(draft, self.names.record(values.get("format", "json"), zone), zone)
        for name in ("silence", "idle"):
            if values.get(name) == 0:
                text = f"`{name}` must be longer than zero"
                self.report.add(codes.OUT_OF_RANGE, values.spot(name), text, "write a longer time, or off")
        if mapping is None or not values.sound or self.report.faults > before:
            return None
        plain = {name: values[name] for name in PLAIN if name in values}
        source = Source(
            id=values["id"], topic=values["topic"], format=values["format"], mapping=mapping, zone=zone, **plain
        )
        self._check_types(source, draft)
        return source

    def _check_topic(self, values: Values) -> None:
        """Whose a record is, is told by the topic that it comes from."""
        topic = values.get("topic")
        first = self._topics.setdefault(topic, values) if topic else values
        if first is not values:
            spot = first.spot("topic")
            line, _ = spot.file.position(spot.start)
            text = f"source `{first.get('id', '')}` reads `{topic}` already, in {spot.file.name}:{line}"
            self.report.add(codes.SHARED_TOPIC, values.spot("topic"), text)

    def _mapping(self, draft: MappingDraft, scope: Scope, zone: str) -> RecordMapping | None:
        compiled = self.expressions.compile
        parts = {name: compiled(one, scope, PART_TYPES[name]) for name, one in draft.parts.items()}
        times = {name: self._time(one, scope, zone) for name, one in draft.times.items()}
        place = {name: compiled(one, scope, PLACE_TYPES[name]) for name, one in draft.place.items()}
        fields = {name: compiled(one, scope) for name, one in draft.fields.items()}
        identity, kind, time = parts.get("id"), parts.get("type"), times.get("time")
        if identity is None or kind is None or time is None:
            return None
        return RecordMapping(
            identity, kind, time, times.get("received"), parts.get("severity"), _sound(place), _sound(fields)
        )

    def _time(self, draft: TimeDraft, scope: Scope, zone: str) -> TimeMapping | None:
        value = self.expressions.compile(draft.value, scope)
        if value is None:
            return None
        if value.type not in (NUMERIC_TYPES if draft.format in NUMERIC_FORMATS else TEXT_TYPES):
            text = f"the time format {draft.format} reads a text, and this is {a_or_an(value.type)}"
            hint = "give the record's own text, and its `format`"
            if value.type in NUMERIC_TYPES:
                hint = "say `format: epoch_s` or `format: epoch_ms`"
            self.report.add(codes.CEL_RESULT, draft.value.spot, text, hint)
        return TimeMapping(value, draft.format, draft.zone or zone, draft.otherwise)

    def _check_types(self, source: Source, draft: MappingDraft) -> None:
        """Events of types that nobody declares would be refused, unless the source is open."""
        prefix, exact = source.mapping.type.prefix
        branch = branch_of(prefix, exact)
        types = [one for name, one in self.names.event_types.items() if fits(branch, name)]
        if not source.open and not types:
            text = f"no event type is declared that {source.id} can send (`{branch}`)"
            self.report.add(codes.SENDS_NOTHING, draft.parts["type"].spot, text)
        elif not source.open:
            self._check_fields(source, draft, types)
        if prefix:
            self._check_required(source, draft, types)

    def _check_fields(self, source: Source, draft: MappingDraft, types: list[EventType]) -> None:
        """A field that no type has would be dropped at every event."""
        known = {name for one in types for name in one.fields}
        for name, passage in draft.fields.items():
            if name not in known:
                text = f"no event type that {source.id} sends has a field `{name}`"
                hint = advise(name, known, "their fields are")
                self.report.add(codes.UNKNOWN_FIELD, passage.spot, text, hint)

    def _check_required(self, source: Source, draft: MappingDraft, types: list[EventType]) -> None:
        """Events of a type whose required field is not mapped would be refused."""
        for one in types:
            missing = [name for name, field in one.fields.items() if field.required and name not in draft.fields]
            if missing:
                text = f"every {one.id} would be refused: it requires {', '.join(missing)}"
                hint = "map the field under `fields`, or declare it without `required`"
                self.report.add(codes.SENDS_NOTHING, draft.parts["type"].spot, text, hint)


def _sound(parts: Mapping[str, Expression | None]) -> dict[str, Expression]:
    return {name: part for name, part in parts.items() if part is not None}
