"""The made-up time line of a rule's test: its events, as ingest would take them.

Fields get their declared types. A field that ingest would leave out, or a value that it would refuse,
is a mistake of the test: else a rule could pass its test and behave otherwise in service. Fields that a
type requires may be left out where the rule does not read them; personal ones stay as they are written.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import msgspec

from streams.clocks import duration, parse_rfc3339
from streams.composites import feeds
from streams.ingest.mapping import COERCE
from streams.places import EARTH_RADIUS_M
from streams.records import Event, Micros, Place
from streams.rules import Bundle, EventType, FieldType, Rule
from streams.tools.asking import local_instant
from streams.tools.testing import words

START = parse_rfc3339("2026-01-05T00:00:00Z")
ORIGIN = (0.0, 0.0)
OWN_WORDS = tuple(field.name for field in words.EVENT)
PLACE_WORDS = Place.__struct_fields__
AWAY_WORDS = ("north", "east")
METRES_A_DEGREE = math.radians(EARTH_RADIUS_M)
_LENGTH = re.compile(r"([-+]?\d+(?:\.\d+)?)(m|km)")


class Misread(Exception):
    """A part of a test makes no sense; the text says which and why, `path` leads to it in the test."""

    def __init__(self, text: str, *path: str | int) -> None:
        super().__init__(text)
        self.path = path


class Misfit(ValueError):
    """A field of an event makes no sense; the text says which and why, `path` leads to it in the event."""

    def __init__(self, text: str, *path: str | int) -> None:
        super().__init__(text)
        self.path = path


class Setting(msgspec.Struct, frozen=True):
    """When and where a time line begins: µs, and (latitude, longitude) in degrees."""

    start: Micros = START
    origin: tuple[float, float] = ORIGIN


class Arrival(msgspec.Struct, frozen=True):
    """An event of a time line and when it arrives, µs."""

    at: Micros
    event: Event


def setting_of(test: Mapping[str, Any], zone: str) -> Setting:
    """The `start` and `origin` of a test. `zone` is that of local times. Raises Misread."""
    return Setting(_start(test["start"], zone) if "start" in test else START,
                   _origin(test["origin"]) if "origin" in test else ORIGIN)


def timeline(bundle: Bundle, rule: Rule, events: Any, setting: Setting | None = None) -> list[Arrival]:
    """The events in order of arrival; ids are their numbers from 1. Raises Misread."""
    if not isinstance(events, Sequence) or isinstance(events, str):
        raise Misread("`events` is a list: - {at: 0s, event: ...}", "events")
    where = setting or Setting()
    arrivals = [arrival(bundle, rule, number, row, where) for number, row in enumerate(events, 1)]
    arrivals.sort(key=lambda one: one.at)
    return [msgspec.structs.replace(one, event=msgspec.structs.replace(one.event, offset=offset))
            for offset, one in enumerate(arrivals)]


def too_late(bundle: Bundle, one: Arrival) -> bool:
    """Whether ingest would put it aside: all feeds of a test are awake and tell of everything until `disorder` ago."""
    source = bundle.sources[one.event.source]
    return one.event.time < one.at - source.disorder - source.lateness


def _start(given: Any, zone: str) -> Micros:
    """An instant, or a local date or time in the city's zone."""
    try:
        return local_instant(str(given), zone)
    except ValueError:
        raise Misread(f"`start` is {given!r}; write 2026-01-05T08:00 or 2026-01-05T08:00:00Z", "start") from None


def _origin(given: Any) -> tuple[float, float]:
    try:
        place = place_of(given)
    except ValueError as error:
        raise Misread(f"`origin`: {error}", "origin") from error
    if place is None or place.lat is None or place.lon is None:
        raise Misread("`origin` is [latitude, longitude]", "origin")
    return place.lat, place.lon


def arrival(bundle: Bundle, rule: Rule, number: int, row: Any, where: Setting) -> Arrival:
    """The event with this number, from 1. Raises Misread."""
    try:
        if not isinstance(row, Mapping):
            raise ValueError("write {at: 0s, event: ..., and its fields}")
        for name in ("at", "event"):
            if name not in row:
                raise ValueError(f"it does not say `{name}`")
        at = where.start + _span(row, "at")
        arrives = where.start + _span(row, "arrives") if "arrives" in row else at
        if arrives < at:
            raise Misfit("it arrives before it happens", "arrives")
        return Arrival(arrives, _event(bundle, rule, str(number), row, (at, arrives), where))
    except ValueError as error:
        path = error.path if isinstance(error, Misfit) else ()
        raise Misread(f"event {number}: {error}", "events", number - 1, *path) from error


def _span(row: Mapping[str, Any], name: str) -> Micros:
    try:
        return duration(str(row[name]))
    except ValueError as error:
        raise Misfit(str(error), name) from error


def _event(bundle: Bundle, rule: Rule, id: str, row: Mapping[str, Any], times: tuple[Micros, Micros],
           where: Setting) -> Event:
    kind = str(row["event"])
    source = _source(bundle, rule, kind, row.get("source"))
    declared = bundle.event_types.get(kind)
    if declared is None and not bundle.sources[source].open:
        raise Misfit(f"the event type `{kind}` is not declared", "event")
    given = {name: value for name, value in row.items() if name not in OWN_WORDS and value is not None}
    fields = given if declared is None else _typed(declared, given)
    severity = None if row.get("severity") is None else str(row["severity"])
    place = _place(row.get("place"), where.origin)
    place = None if place is None else bundle.located(place)
    return Event(id, source, kind, *times, place, severity, fields, 0, 0)


def _place(given: Any, origin: tuple[float, float]) -> Place | None:
    try:
        return place_of(given, origin)
    except ValueError as error:
        raise Misfit(str(error), "place", *(error.path if isinstance(error, Misfit) else ())) from error


def _source(bundle: Bundle, rule: Rule, event_type: str, named: Any) -> str:
    """The source named, else one of the rule's that can send this type."""
    sources = feeds(bundle, rule)
    if named is not None:
        if str(named) not in sources:
            raise Misfit(f"`{named}` is no source of this rule; there are {', '.join(sorted(sources))}", "source")
        return str(named)
    names = [name for name in sorted(sources) if bundle.sources[name].may_emit(event_type)]
    if not names:
        raise Misfit(f"no source of this rule can send `{event_type}`", "event")
    return names[0]


def _typed(declared: EventType, given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with their declared types, as ingest gives them."""
    unknown = [name for name in given if name not in declared.fields]
    if unknown:
        fields, near = declared.fields, get_close_matches(unknown[0], declared.fields, 1)
        meant = f"; did you mean `{near[0]}`?" if near else f"; it has {', '.join(fields) or 'none'}"
        raise Misfit(f"`{declared.id}` has no field `{unknown[0]}`{meant}", unknown[0])
    return {name: _field(declared.fields[name], value) for name, value in given.items()
            if value != "" or declared.fields[name].type == "string"}


def _field(field: FieldType, value: Any) -> Any:
    try:
        return typed(field, value)
    except ValueError as error:
        raise Misfit(f"ingest would refuse it: {error}", field.name) from error


def typed(field: FieldType, value: Any) -> Any:
    """A value in its declared type; ValueError, in words, if it is none of it."""
    try:
        found = COERCE[field.type](value)
    except (ValueError, TypeError, OverflowError):
        raise ValueError(f"`{field.name}` is {value!r} and not of type {field.type}") from None
    if field.values and found not in field.values:
        raise ValueError(f"`{field.name}` is none of {', '.join(map(str, field.values))}")
    return found


def place_of(given: Any, origin: tuple[float, float] = ORIGIN) -> Place | None:
    """A place as a test writes it; ValueError, in words, if it is none.

    `[lat, lon]` in degrees and `{north: 80m, east: 30m}` count from the origin; a mapping with `lat` and `lon` is
    where it says. Beside either may stand district, cell and address.
    """
    if given is None:
        return None
    if isinstance(given, Mapping):
        return _described(given, origin)
    if not isinstance(given, Sequence) or isinstance(given, str) or len(given) != 2:
        raise ValueError("`place` is [latitude, longitude], or a mapping such as {north: 80m, district: west}")
    return Place(origin[0] + float(given[0]), origin[1] + float(given[1]))


def _described(given: Mapping[str, Any], origin: tuple[float, float]) -> Place:
    unknown = [name for name in given if name not in (*PLACE_WORDS, *AWAY_WORDS)]
    if unknown:
        raise Misfit(f"a place has no `{unknown[0]}`; it has {', '.join((*PLACE_WORDS, *AWAY_WORDS))}", unknown[0])
    parts: dict[str, Any] = {name: float(value) if name in ("lat", "lon") else str(value)
                             for name, value in given.items() if name in PLACE_WORDS}
    if any(name in given for name in AWAY_WORDS):
        if "lat" in parts or "lon" in parts:
            raise ValueError("a place says either `lat` and `lon` or `north` and `east`")
        north, east = (metres(str(given.get(name, "0m"))) for name in AWAY_WORDS)
        parts["lat"], parts["lon"] = away(origin, north, east)
    return Place(**parts)


def metres(text: str) -> float:
    """`80m`, `-1.5km` as metres; ValueError if it is none."""
    found = _LENGTH.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a length; write for example 80m or 1.5km, -80m for the other way")
    return float(found[1]) * (1000 if found[2] == "km" else 1)


def away(origin: tuple[float, float], north: float, east: float) -> tuple[float, float]:
    """Latitude and longitude of what lies so many metres north and east of the origin."""
    lat = origin[0] + north / METRES_A_DEGREE
    return lat, origin[1] + east / (METRES_A_DEGREE * math.cos(math.radians(lat)))
