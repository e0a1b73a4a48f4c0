"""Values that Python has no type of its own for, and the failure of an expression.

Inside an expression: bool, int, float (double), str, bytes, None, list, dict stand for themselves;
uint, timestamp and duration are marked integers. Outside (events, results) instants and spans are
plain integers of microseconds; `Expression` converts at both ends.
"""

from __future__ import annotations

import enum
from typing import Any

NANOS = 1_000_000_000


class EvalError(Exception):
    """An expression failed for these values. `reason` is short and from a closed list (`Failure`)."""

    def __init__(self, reason: Failure, detail: str) -> None:
        super().__init__(detail)
        self.reason: str = reason


class Failure(enum.StrEnum):
    """Why an expression fails at run time: a label in metrics."""

    MISSING = "missing"  # no such field, key, row or list index
    WRONG_TYPE = "wrong_type"  # the operator or function does not take values of these types
    OVERFLOW = "overflow"  # a number, instant or span left its range
    DIVISION_BY_ZERO = "division_by_zero"
    BAD_VALUE = "bad_value"  # a text that is no number, instant, pattern, zone ...
    NO_MATCH = "no_match"  # extract() found nothing


class UInt(int):
    """A CEL uint: 0 .. 2^64 - 1."""

    __slots__ = ()


class Timestamp(int):
    """An instant: nanoseconds since the Unix epoch, UTC, years 1 to 9999."""

    __slots__ = ()


class Duration(int):
    """A span: signed nanoseconds."""

    __slots__ = ()


class BoolKey(enum.Enum):
    """true and false as keys of a map: Python holds `True` and `1` for the same key, CEL does not."""

    FALSE = False
    TRUE = True


class TypeName:
    """A type as a value: what `type(x)` gives. Equal by name."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TypeName) and self.name == other.name

    def __hash__(self) -> int:
        return hash((TypeName, self.name))

    def __repr__(self) -> str:
        return self.name


def failure(error: Exception) -> EvalError:
    """What an exception out of the generated code means. Only an access to a value raises plain ones."""
    if isinstance(error, EvalError):
        return error
    if isinstance(error, KeyError):
        return EvalError(Failure.MISSING, f"{error.args[0]} is absent")
    if isinstance(error, AttributeError):
        return EvalError(Failure.MISSING, f"{error.name} is absent")
    return EvalError(Failure.WRONG_TYPE, f"{type(error).__name__}: {error}")


def key_in(key: Any) -> Any:
    """A map key as our dicts hold it."""
    return BoolKey(key) if key is True or key is False else key


def key_out(key: Any) -> Any:
    """A dict's key as an expression sees it."""
    return key.value if type(key) is BoolKey else key


TYPE_NAMES = frozenset({
    "bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type", "type", "dyn",
    "google.protobuf.Timestamp", "google.protobuf.Duration",
})
