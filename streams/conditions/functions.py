"""Functions of our own beside CEL's: places, registers' rows, texts of feeds, regular expressions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import re2

from streams import places
from streams.conditions.runtime import no_overload
from streams.conditions.scope import ZoneLike
from streams.conditions.values import EvalError, Failure
from streams.records import Place

_GAP = re.compile(r"[\W_]+")


def slug(text: Any) -> str:
    """A text of a feed as a dotted name: "Traffic: VEHICLE ACCIDENT -" gives `traffic.vehicle_accident`.

    Split at `:`; in each part lower case, runs of other than letters and digits become `_`, trimmed;
    parts that are empty then fall out; joined with `.`.
    """
    if type(text) is not str:
        no_overload("slug", text)
    parts = (_GAP.sub("_", part.lower()).strip("_") for part in text.split(":"))
    return ".".join(part for part in parts if part)


@lru_cache(maxsize=1024)
def pattern(text: str) -> Any:
    """A regular expression, compiled; one that RE2 refuses is an EvalError."""
    options = re2.Options()
    options.log_errors = False
    try:  # as bytes, which RE2 takes for UTF-8: no positions need to be told in characters
        return re2.compile(text.encode(), options)
    except re2.error as error:
        told = error.args[0] if error.args else "?"
        told = told.decode() if isinstance(told, bytes) else str(told)
        raise EvalError(Failure.BAD_VALUE, f"RE2 refuses the pattern {text!r}: {told}") from None


def searcher(text: str) -> Callable[[str], bool]:
    """What tells whether a pattern is found anywhere in a string."""
    search = pattern(text).search
    return lambda value: search(value.encode()) is not None


def matches(text: Any, expression: Any) -> bool:
    """`text.matches(re)`: whether RE2 finds the pattern anywhere in the text."""
    if type(text) is not str or type(expression) is not str:
        no_overload("matches", text, expression)
    return pattern(expression).search(text.encode()) is not None


def extract(text: Any, expression: Any) -> str:
    """The first group of the first place where the pattern is found."""
    if type(text) is not str or type(expression) is not str:
        no_overload("extract", text, expression)
    found = pattern(expression).search(text.encode())
    group = found.group(1) if found is not None and found.re.groups else None
    if group is None:
        raise EvalError(Failure.NO_MATCH, f"extract found nothing for {expression!r}")
    return str(group, "utf-8")


def place_of(value: Any) -> Place:
    """A place as a Place: also `[lat, lon]` as events' fields and kept facts hold it."""
    if isinstance(value, Place):
        return value
    if isinstance(value, Mapping):
        return Place(**{name: value.get(name) for name in Place.__struct_fields__})
    if isinstance(value, Sequence) and not isinstance(value, str) and 2 <= len(value) <= 5:
        return Place(*value)
    no_overload("a place", value)


def place_part(value: Any, name: str) -> Any:
    """`place.lat` and its like."""
    found = getattr(place_of(value), name)
    if found is None:
        raise EvalError(Failure.MISSING, f"the place has no {name}")
    return found


def has_place_part(value: Any, name: str) -> bool:
    """`has(place.lat)` and its like."""
    return getattr(place_of(value), name) is not None


def _point(value: Any) -> tuple[float, float]:
    found = place_of(value)
    if found.lat is None or found.lon is None:
        raise EvalError(Failure.MISSING, "the place has no lat and lon")
    return found.lat, found.lon


def distance(a: Any, b: Any) -> float:
    """Metres between two places on the sphere (haversine)."""
    return places.distance(*_point(a), *_point(b))


def in_zone(zone: ZoneLike, place: Any) -> bool:
    """Whether a place lies inside a zone or on its border."""
    return zone.covers(*_point(place))


def row(rows: Mapping[Any, Mapping[str, Any]], register: str, key: Any) -> Mapping[str, Any]:
    """A register's row by its key."""
    found = rows.get(key)
    if found is None:
        raise EvalError(Failure.MISSING, f"register {register} has no row {key!r}")
    return found


def cell_of(row: Mapping[str, Any], name: str) -> Any:
    """A row's field; an empty one is absent."""
    found = row.get(name)
    if found is None or found == "":
        raise EvalError(Failure.MISSING, f"the register's row has no {name}")
    return found


def has_cell(row: Mapping[str, Any], name: str) -> bool:
    """`has(register("r", k).field)`."""
    return row.get(name) not in (None, "")
