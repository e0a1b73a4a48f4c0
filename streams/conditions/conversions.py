"""CEL's conversions: int(), uint(), double(), string(), bool(), bytes(), timestamp(), duration()."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any, NoReturn

from streams.conditions.runtime import (
    INT_MAX,
    INT_MIN,
    UINT_MAX,
    checked_int,
    checked_timestamp,
    checked_uint,
    no_overload,
)
from streams.conditions.times import parse_duration, parse_timestamp, show_duration, show_timestamp
from streams.conditions.values import NANOS, Duration, EvalError, Failure, Timestamp, UInt

_INT = re.compile(r"[+-]?\d+", re.ASCII)
_UINT = re.compile(r"\d+", re.ASCII)
_DOUBLE = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf(?:inity)?|nan)", re.ASCII | re.IGNORECASE)
_TRUE, _FALSE = ("1", "t", "T", "true", "TRUE", "True"), ("0", "f", "F", "false", "FALSE", "False")


def _unreadable(value: str, name: str) -> NoReturn:
    shown = value if len(value) <= 40 else value[:37] + "..."
    raise EvalError(Failure.BAD_VALUE, f"{shown!r} is not {name}")


def to_int(value: Any) -> int:
    """`int(x)`: doubles are cut off toward zero, instants give seconds since the epoch."""
    kind = type(value)
    if kind is int:
        return int(value)
    if kind is UInt:
        return checked_int(int(value))
    if kind is float:
        return _cut(value, INT_MIN, INT_MAX, "int")
    if kind is str:
        return checked_int(int(value)) if _INT.fullmatch(value) else _unreadable(value, "an int")
    if kind is Timestamp:
        return int(value) // NANOS
    no_overload("int", value)


def _cut(value: float, lowest: int, highest: int, name: str) -> int:
    """A double without its fraction; the ends of the range themselves cannot be told apart and are refused."""
    if (lowest < value or value == lowest == 0) and value < highest:
        return int(value)
    raise EvalError(Failure.OVERFLOW, f"the double does not fit into {name}")


def to_uint(value: Any) -> UInt:
    """`uint(x)`."""
    kind = type(value)
    if kind is UInt:
        return UInt(value)
    if kind is int:
        return checked_uint(value)
    if kind is float:
        return UInt(_cut(value, 0, UINT_MAX, "uint"))
    if kind is str:
        return checked_uint(int(value)) if _UINT.fullmatch(value) else _unreadable(value, "a uint")
    no_overload("uint", value)


def to_double(value: Any) -> float:
    """`double(x)`."""
    kind = type(value)
    if kind is float or kind is int or kind is UInt:
        return float(value)
    if kind is str:
        return float(value) if _DOUBLE.fullmatch(value) else _unreadable(value, "a double")
    no_overload("double", value)


def to_bool(value: Any) -> bool:
    """`bool(x)`."""
    if type(value) is bool:
        return value
    if type(value) is str:
        return value in _TRUE or (value not in _FALSE and _unreadable(value, "true or false"))
    no_overload("bool", value)


def to_bytes(value: Any) -> bytes:
    """`bytes(x)`."""
    if type(value) is bytes:
        return value
    if type(value) is str:
        return value.encode("utf-8", "surrogatepass")
    no_overload("bytes", value)


def show_double(value: float) -> str:
    """The shortest text that reads back as the same double; from a million on with an exponent."""
    if not math.isfinite(value):
        return repr(value)
    _, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    first = len(digits) - 1 + int(exponent)
    if value and (first < -4 or first >= 6):
        return f"{value:.{len(digits) - 1}e}"
    return repr(value).removesuffix(".0")


def to_string(value: Any) -> str:
    """`string(x)`."""
    kind = type(value)
    if kind is str:
        return str(value)
    if kind is bool:
        return "true" if value else "false"
    if kind is int or kind is UInt:
        return str(int(value))
    if kind is float:
        return show_double(value)
    if kind is Timestamp:
        return show_timestamp(value)
    if kind is Duration:
        return show_duration(value)
    if kind is bytes:
        try:
            return str(value, "utf-8")
        except UnicodeDecodeError:
            raise EvalError(Failure.BAD_VALUE, "the bytes are not UTF-8") from None
    no_overload("string", value)


def to_timestamp(value: Any) -> Timestamp:
    """`timestamp(x)`: of RFC 3339 text, or of seconds since the epoch."""
    if type(value) is Timestamp:
        return value
    if type(value) is str:
        return parse_timestamp(value)
    if type(value) is int:
        return checked_timestamp(value * NANOS)
    no_overload("timestamp", value)


def to_duration(value: Any) -> Duration:
    """`duration(x)`: of text such as `1h30m`."""
    if type(value) is Duration:
        return value
    if type(value) is str:
        return parse_duration(value)
    no_overload("duration", value)
