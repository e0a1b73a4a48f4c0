"""The made-up time line of a rule's test: its events, as ingest would take them.

Fields get their declared types. A field that ingest would leave out, or a value that it would refuse,
is a mistake of the test: else a rule could pass its test and behave otherwise in service. Fields that a
type requires may be left out where the rule does not read them; personal ones stay as they are written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from streams.clocks import duration, parse_rfc3339
from streams.mapping import COERCE
from streams.records import Event, Micros, Place
from streams.rules import Bundle, EventType, FieldType, Rule

START = parse_rfc3339("2026-01-05T00:00:00Z")
OWN_WORDS = ("at", "arrives", "event", "place", "severity", "source")
PLACE_WORDS = Place.__struct_fields__


class Misread(Exception):
    """A part of a test makes no sense; the text says which and why, `path` leads to it in the test."""

    def __init__(self, text: str, *path: str | int) -> None:
        super().__init__(text)
        self.path = path


class Arrival(msgspec.Struct, frozen=True):
    """An event of a time line and when it arrives, µs."""

    at: Micros
    event: Event


def timeline(bundle: Bundle, rule: Rule, events: Any) -> list[Arrival]:
    """The events in order of arrival; ids are their numbers from 1. Raises Misread."""
    if not isinstance(events, Sequence) or isinstance(events, str):
        raise Misread("`events` is a list: - {at: 0s, event: ...}", "events")
    arrivals = [_arrival(bundle, rule, number, row) for number, row in enumerate(events, 1)]
    arrivals.sort(key=lambda one: one.at)
    return [msgspec.structs.replace(one, event=msgspec.structs.replace(one.event, offset=offset))
            for offset, one in enumerate(arrivals)]


def _arrival(bundle: Bundle, rule: Rule, number: int, row: Any) -> Arrival:
    try:
        if not isinstance(row, Mapping):
            raise ValueError("write {at: 0s, event: ..., and its fields}")
        for name in ("at", "event"):
            if name not in row:
                raise ValueError(f"it does not say `{name}`")
        at = START + duration(str(row["at"]))
        arrives = START + duration(str(row["arrives"])) if "arrives" in row else at
        if arrives < at:
            raise ValueError("it arrives before it happens")
        return Arrival(arrives, _event(bundle, rule, str(number), row, at, arrives))
    except ValueError as error:
        raise Misread(f"event {number}: {error}", "events", number - 1) from error


def _event(bundle: Bundle, rule: Rule, id: str, row: Mapping[str, Any], at: Micros, received: Micros) -> Event:
    kind = str(row["event"])
    source = _source(bundle, rule, kind, row.get("source"))
    declared = bundle.event_types.get(kind)
    if declared is None and not bundle.sources[source].open:
        raise ValueError(f"the event type `{kind}` is not declared")
    given = {name: value for name, value in row.items() if name not in OWN_WORDS and value is not None}
    fields = given if declared is None else _typed(declared, given)
    severity = None if row.get("severity") is None else str(row["severity"])
    return Event(id, source, kind, at, received, place_of(row.get("place")), severity, fields, 0, 0)


def _source(bundle: Bundle, rule: Rule, event_type: str, named: Any) -> str:
    """The source named, else one of the rule's that can send this type."""
    if named is not None:
        if str(named) not in rule.sources:
            raise ValueError(f"`{named}` is no source of this rule; there are {', '.join(sorted(rule.sources))}")
        return str(named)
    names = [name for name in sorted(rule.sources) if bundle.sources[name].may_emit(event_type)]
    if not names:
        raise ValueError(f"no source of this rule can send `{event_type}`")
    return names[0]


def _typed(declared: EventType, given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with their declared types, as ingest gives them."""
    unknown = [name for name in given if name not in declared.fields]
    if unknown:
        raise ValueError(f"`{declared.id}` has no field `{unknown[0]}`; it has {', '.join(declared.fields) or 'none'}")
    return {name: _value(declared.fields[name], value) for name, value in given.items()
            if value != "" or declared.fields[name].type == "string"}


def _value(field: FieldType, value: Any) -> Any:
    try:
        typed = COERCE[field.type](value)
    except (ValueError, TypeError, OverflowError):
        raise ValueError(f"ingest would refuse it: `{field.name}` is {value!r} and not of type {field.type}") from None
    if field.values and typed not in field.values:
        raise ValueError(f"ingest would refuse it: `{field.name}` is none of {', '.join(field.values)}")
    return typed


def place_of(given: Any) -> Place | None:
    """`[lat, lon]`, or a mapping with lat, lon, district, cell, address. ValueError if it is neither."""
    if given is None:
        return None
    if isinstance(given, Mapping):
        unknown = [name for name in given if name not in PLACE_WORDS]
        if unknown:
            raise ValueError(f"a place has no `{unknown[0]}`; it has {', '.join(PLACE_WORDS)}")
        parts: dict[str, Any] = {name: float(value) if name in ("lat", "lon") else str(value)
                                 for name, value in given.items()}
        return Place(**parts)
    if not isinstance(given, Sequence) or isinstance(given, str) or len(given) != 2:
        raise ValueError("`place` is [latitude, longitude], or a mapping such as {district: west}")
    return Place(float(given[0]), float(given[1]))
