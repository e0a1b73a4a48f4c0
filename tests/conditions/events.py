"""Events, event types and registers for the tests of conditions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.conditions import EvalError, Expression, ExpressionProblems, Scope, compile_expression
from streams.records import Event, Place

TIME = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z


@dataclass(frozen=True)
class Type:
    """An event type as conditions want it."""

    id: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Closed:
    """A declared field with its values."""

    type: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rows:
    """A register."""

    key: str
    fields: Mapping[str, Any]
    rows: Mapping[Any, Mapping[str, Any]] = field(default_factory=dict)


ACCIDENT = Type("traffic.accident", {
    "lane": "string", "injured": "int", "speed": "double", "closed": "bool", "tags": "list", "extra": "map",
    "reported": "timestamp", "lasted": "duration", "camera": "place", "state": Closed("string", ("open", "closed")),
})
MANHOLE = Type("sensor.manhole", {"device": "string", "tilt_deg": "double"})
GAS = Type("sensor.gas", {"device": "string", "speed": "string"})
SENSORS = Rows(
    "device",
    {"device": "string", "report_interval": "duration", "team": "string", "place": "place", "limit": "double",
     "since": "timestamp"},
    {"m1": {"device": "m1", "report_interval": 600_000_000, "team": "north", "place": [1.0, 2.0], "limit": 4.5,
            "since": TIME},
     "m2": {"device": "m2", "team": ""}},
)


def event(type: str = "traffic.accident", place: Place | None = None, severity: str | None = None, **fields: Any
          ) -> Event:
    """An event of 2026-01-01."""
    return Event("e1", "feed", type, TIME, TIME + 1_000_000, place, severity, fields, 0, 7)


def value(text: str, scope: Scope, *args: Any) -> Any:
    """What a text gives."""
    return compile_expression(text, scope)(*args)


def reason(text: str, scope: Scope, *args: Any) -> str:
    """Why a text fails."""
    try:
        found = compile_expression(text, scope)(*args)
    except EvalError as error:
        return error.reason
    raise AssertionError(f"{text} gives {found!r}")


def told(text: str, scope: Scope, expect: str | None = None) -> list[str]:
    """The problems of a text, each as `line:column message | hint`."""
    try:
        found: Expression = compile_expression(text, scope, expect)
    except ExpressionProblems as error:
        return [f"{one.line}:{one.column} {one.message} | {one.hint}" for one in error.problems]
    raise AssertionError(f"{text} is right: {found}")
