"""CEL's operators for values of any type: what the generated code calls where plain Python would differ."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

from streams.conditions.values import (
    Duration,
    EvalError,
    Failure,
    Timestamp,
    TypeName,
    UInt,
    failure,
    key_in,
    key_out,
)
from streams.records import Place

INT_MIN, INT_MAX, UINT_MAX = -(2**63), 2**63 - 1, 2**64 - 1
TIMESTAMP_MIN, TIMESTAMP_MAX = -62_135_596_800 * 10**9, 253_402_300_800 * 10**9 - 1
DURATION_MAX = 315_576_000_000 * 10**9
_ORDERED = (bool, int, UInt, float, str, bytes, Timestamp, Duration)
_NUMBERS = (int, UInt, float)

_NAMES: dict[type, str] = {
    bool: "bool", int: "int", UInt: "uint", float: "double", str: "string", bytes: "bytes", type(None): "null_type",
    list: "list", tuple: "list", dict: "map", Timestamp: "google.protobuf.Timestamp",
    Duration: "google.protobuf.Duration", TypeName: "type", Place: "place",
}


def type_name(value: Any) -> str:
    """What `type(value)` is called in CEL."""
    return _NAMES.get(type(value), "map" if isinstance(value, Mapping) else type(value).__name__)


def type_of(value: Any) -> TypeName:
    """CEL's `type(value)`."""
    return TypeName(type_name(value))


def no_overload(name: str, *args: Any) -> NoReturn:
    """The operator or function does not take values of these types."""
    raise EvalError(Failure.WRONG_TYPE, f"{name} does not take {', '.join(map(type_name, args))}")


# Ranges


def checked_int(value: int) -> int:
    """The int, if it fits into 64 bits."""
    if INT_MIN <= value <= INT_MAX:
        return value
    raise EvalError(Failure.OVERFLOW, "the int does not fit into 64 bits")


def checked_uint(value: int) -> UInt:
    """The uint, if it fits into 64 bits."""
    if 0 <= value <= UINT_MAX:
        return UInt(value)
    raise EvalError(Failure.OVERFLOW, "the uint does not fit into 64 bits")


def checked_timestamp(nanos: int) -> Timestamp:
    """The instant, if its year is 1 to 9999."""
    if TIMESTAMP_MIN <= nanos <= TIMESTAMP_MAX:
        return Timestamp(nanos)
    raise EvalError(Failure.OVERFLOW, "the timestamp leaves the years 1 to 9999")


def checked_duration(nanos: int) -> Duration:
    """The span, if CEL can hold it (about 10,000 years)."""
    if -DURATION_MAX <= nanos <= DURATION_MAX:
        return Duration(nanos)
    raise EvalError(Failure.OVERFLOW, "the duration is out of range")


def checked_span(nanos: int) -> Duration:
    """What arithmetic gives must fit into 64 bits of nanoseconds, about 292 years."""
    return Duration(checked_int(nanos))


# Arithmetic


def add(a: Any, b: Any) -> Any:
    """`a + b`."""
    kinds = (type(a), type(b))
    if kinds == (int, int):
        return checked_int(a + b)
    if kinds in ((float, float), (str, str), (bytes, bytes)):
        return a + b
    if kinds == (UInt, UInt):
        return checked_uint(int(a) + int(b))
    if kinds in ((Timestamp, Duration), (Duration, Timestamp)):
        return checked_timestamp(int(a) + int(b))
    if kinds == (Duration, Duration):
        return checked_span(int(a) + int(b))
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return [*a, *b]
    return _mixed("+", a, b, lambda x, y: x + y)


def _mixed(name: str, a: Any, b: Any, operation: Callable[[float, float], float]) -> float:
    """Arithmetic of a double and an int, which we promote where CEL would refuse."""
    if {type(a), type(b)} == {float, int}:
        return operation(float(a), float(b))
    no_overload(name, a, b)


def subtract(a: Any, b: Any) -> Any:
    """`a - b`."""
    kinds = (type(a), type(b))
    if kinds == (int, int):
        return checked_int(a - b)
    if kinds == (float, float):
        return a - b
    if kinds == (UInt, UInt):
        return checked_uint(int(a) - int(b))
    if kinds == (Timestamp, Duration):
        return checked_timestamp(int(a) - int(b))
    if kinds in ((Timestamp, Timestamp), (Duration, Duration)):
        return checked_span(int(a) - int(b))
    return _mixed("-", a, b, lambda x, y: x - y)


def multiply(a: Any, b: Any) -> Any:
    """`a * b`."""
    kinds = (type(a), type(b))
    if kinds == (int, int):
        return checked_int(a * b)
    if kinds == (float, float):
        return a * b
    if kinds == (UInt, UInt):
        return checked_uint(int(a) * int(b))
    return _mixed("*", a, b, lambda x, y: x * y)


def divide_double(a: float, b: float) -> float:
    """IEEE division: by zero gives an infinity or NaN."""
    if b:
        return a / b
    if not a or math.isnan(a) or math.isnan(b):
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1.0, b)


def _quotient(a: int, b: int) -> int:
    if b == 0:
        raise EvalError(Failure.DIVISION_BY_ZERO, "division by zero")
    found = abs(a) // abs(b)
    return found if (a < 0) == (b < 0) else -found


def divide(a: Any, b: Any) -> Any:
    """`a / b`; integers truncate toward zero."""
    kinds = (type(a), type(b))
    if kinds == (int, int):
        return checked_int(_quotient(a, b))
    if kinds == (UInt, UInt):
        return checked_uint(_quotient(int(a), int(b)))
    if kinds == (float, float):
        return divide_double(a, b)
    return _mixed("/", a, b, divide_double)


def modulo(a: Any, b: Any) -> Any:
    """`a % b`: the sign is that of `a`."""
    kinds = (type(a), type(b))
    if kinds not in ((int, int), (UInt, UInt)):
        no_overload("%", a, b)
    quotient = _quotient(int(a), int(b))
    if kinds == (int, int):
        checked_int(quotient)
        return a - b * quotient
    return UInt(int(a) - int(b) * quotient)


def negate(a: Any) -> Any:
    """`-a`."""
    if type(a) is int:
        return checked_int(-a)
    if type(a) is float:
        return -a
    no_overload("-", a)


# Comparison


def equal(a: Any, b: Any) -> bool:
    """`a == b` across types: numbers by value, else values of different types are different."""
    left, right = type(a), type(b)
    if left is right and left in _ORDERED:
        return bool(a == b)
    if left in _NUMBERS and right in _NUMBERS:
        a, b = _alike(a, b)
        return bool(a == b)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(equal, a, b))
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return len(a) == len(b) and all(key in b and equal(value, b[key]) for key, value in a.items())
    return left is right and bool(a == b)


def _alike(a: Any, b: Any) -> tuple[Any, Any]:
    """Two numbers as CEL compares them: beside a double every number is one."""
    return (float(a), float(b)) if type(a) is float or type(b) is float else (int(a), int(b))


def unequal(a: Any, b: Any) -> bool:
    """`a != b`."""
    return not equal(a, b)


def _comparable(name: str, a: Any, b: Any) -> tuple[Any, Any]:
    left, right = type(a), type(b)
    if left is right and left in _ORDERED:
        return a, b
    if left in _NUMBERS and right in _NUMBERS:
        return _alike(a, b)
    no_overload(name, a, b)


def less(a: Any, b: Any) -> bool:
    """`a < b`."""
    a, b = _comparable("<", a, b)
    return bool(a < b)


def less_equal(a: Any, b: Any) -> bool:
    """`a <= b`."""
    a, b = _comparable("<=", a, b)
    return bool(a <= b)


def greater(a: Any, b: Any) -> bool:
    """`a > b`."""
    a, b = _comparable(">", a, b)
    return bool(a > b)


def greater_equal(a: Any, b: Any) -> bool:
    """`a >= b`."""
    a, b = _comparable(">=", a, b)
    return bool(a >= b)


def within(value: Any, holder: Any) -> bool:
    """`value in holder`: an element of a list, a key of a map."""
    if isinstance(holder, Mapping):
        return _has_key(holder, value)
    if isinstance(holder, list | tuple):
        return any(equal(value, one) for one in holder)
    no_overload("in", value, holder)


def _has_key(holder: Mapping[Any, Any], key: Any) -> bool:
    return type(key) in (bool, int, UInt, float, str) and key_in(key) in holder


# Logic


def boolean(value: Any) -> bool:
    """The value, if it is true or false."""
    if value is True or value is False:
        return value
    no_overload("a condition", value)


def _truth(branch: Callable[[], Any]) -> bool | EvalError:
    """What a branch says, or how it failed. A wrong type at run time is a failure like any other."""
    try:
        return boolean(branch())
    except Exception as error:  # noqa: BLE001  any failure may be absorbed
        return failure(error)


def both(left: Callable[[], Any], right: Callable[[], Any]) -> bool:
    """`left && right`: false if either is, whatever the other says or fails with."""
    first = _truth(left)
    if first is False:
        return False
    second = _truth(right)
    if second is False:
        return False
    return _settled(first, second)


def either(left: Callable[[], Any], right: Callable[[], Any]) -> bool:
    """`left || right`: true if either is, whatever the other says or fails with."""
    first = _truth(left)
    if first is True:
        return True
    second = _truth(right)
    if second is True:
        return True
    return _settled(first, second)


def _settled(first: bool | EvalError, second: bool | EvalError) -> bool:
    for one in (first, second):
        if isinstance(one, EvalError):
            raise one
    return bool(second)


def every(values: Any, test: Callable[[Any], Any]) -> bool:
    """`values.all(x, test)`, absorbing failures as `&&` does."""
    return _any_is(False, values, test) is None


def some(values: Any, test: Callable[[Any], Any]) -> bool:
    """`values.exists(x, test)`, absorbing failures as `||` does."""
    return _any_is(True, values, test) is not None


def _any_is(wanted: bool, values: Any, test: Callable[[Any], Any]) -> bool | None:
    failed: EvalError | None = None
    for value in elements(values):
        found = _truth(lambda value=value: test(value))  # type: ignore[misc]
        if isinstance(found, EvalError):
            failed = failed or found
        elif found is wanted:
            return wanted
    if failed is not None:
        raise failed
    return None


# Structures


def elements(value: Any) -> Iterable[Any]:
    """What a macro goes over: the elements of a list, the keys of a map."""
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, Mapping):
        return [key_out(key) for key in value]
    no_overload("a macro", value)


def make_map(*pairs: tuple[Any, Any]) -> dict[Any, Any]:
    """`{k: v}`; a key given twice is an error."""
    made: dict[Any, Any] = {}
    for key, value in pairs:
        if type(key) not in (bool, int, UInt, str):
            raise EvalError(Failure.WRONG_TYPE, f"a map's key cannot be {type_name(key)}")
        held = key_in(key)
        if held in made:
            raise EvalError(Failure.BAD_VALUE, f"the key {key!r} stands twice in a map")
        made[held] = value
    return made


def index(holder: Any, key: Any) -> Any:
    """`holder[key]`."""
    if isinstance(holder, list | tuple):
        return _element(holder, key)
    if isinstance(holder, Mapping):
        if _has_key(holder, key):
            return holder[key_in(key)]
        raise EvalError(Failure.MISSING, f"no such key: {key!r}")
    no_overload("[]", holder, key)


def _element(holder: list[Any] | tuple[Any, ...], key: Any) -> Any:
    if type(key) not in _NUMBERS or key != int(key):
        no_overload("[]", holder, key)
    if 0 <= key < len(holder):
        return holder[int(key)]
    raise EvalError(Failure.MISSING, f"the list has no element {int(key)}")


def select(holder: Any, name: str) -> Any:
    """`holder.name`."""
    if isinstance(holder, Mapping):
        if name in holder:
            return holder[name]
        raise EvalError(Failure.MISSING, f"no such key: {name}")
    if isinstance(holder, Place):
        return given(getattr(holder, name), name)
    no_overload(f".{name}", holder)


def has(holder: Any, name: str) -> bool:
    """`has(holder.name)`."""
    if isinstance(holder, Mapping):
        return name in holder
    if isinstance(holder, Place):
        return getattr(holder, name) is not None
    no_overload(f"has(.{name})", holder)


def size(value: Any) -> int:
    """Code points, bytes, elements or entries."""
    if isinstance(value, str | bytes | list | tuple | Mapping):
        return len(value)
    no_overload("size", value)


# Ends: from events to values, from values to results


def given(value: Any, path: str) -> Any:
    """The value, if there is one."""
    if value is None:
        raise EvalError(Failure.MISSING, f"{path} is absent")
    return value


def present(get: Callable[[], Any]) -> bool:
    """Whether there is a value behind an access."""
    try:
        return get() is not None
    except (KeyError, AttributeError, TypeError, EvalError):
        return False


def timestamp_in(micros: int) -> Timestamp:
    """Microseconds of an event as an instant."""
    return Timestamp(micros * 1000)


def duration_in(micros: int) -> Duration:
    """Microseconds of an event as a span."""
    return Duration(micros * 1000)


def micros_out(nanos: int) -> int:
    """An instant or span in microseconds."""
    return int(nanos) // 1000


def outside(value: Any) -> Any:
    """A result as the world outside holds it: spans and instants in microseconds, plain ints, plain keys."""
    kind = type(value)
    if kind is str or kind is int or kind is float:  # most values, so they come first
        return value
    if kind is Timestamp or kind is Duration:
        return int(value) // 1000
    if kind is UInt:
        return int(value)
    if kind is list or kind is tuple:
        return [outside(one) for one in value]
    if isinstance(value, Mapping):
        return {key_out(key): outside(one) for key, one in value.items()}
    return value


def nothing(name: str) -> NoReturn:
    """A name or function that means nothing, met at run time (only where nothing was checked)."""
    raise EvalError(Failure.MISSING, f"nothing is called {name}")
