"""CEL's `format`: `"%s at %.1f mm".format([name, rain])`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from streams.conditions.conversions import show_double, to_string
from streams.conditions.runtime import no_overload, type_name
from streams.conditions.values import EvalError, Failure, TypeName, UInt, key_out

_CLAUSE = re.compile(r"%(?:\.(\d+))?(.?)", re.DOTALL)
_WHOLE = (int, UInt)


def format_text(text: Any, values: Any) -> str:
    """The text with each clause replaced by the value of its turn."""
    if type(text) is not str or not isinstance(values, list | tuple):
        no_overload("format", text, values)
    waiting = iter(enumerate(values))

    def replaced(found: re.Match[str]) -> str:
        precision, letter = found.groups()
        if letter == "%" and precision is None:
            return "%"
        clause = _CLAUSES.get(letter)
        if clause is None:
            raise EvalError(Failure.BAD_VALUE, f"format has no clause %{letter}")
        turn = next(waiting, None)
        if turn is None:
            raise EvalError(Failure.MISSING, "format has more clauses than values")
        return clause(turn[1], 6 if precision is None else int(precision))

    return _CLAUSE.sub(replaced, text)


def _refuse(letter: str, value: Any) -> EvalError:
    return EvalError(Failure.WRONG_TYPE, f"%{letter} does not take {type_name(value)}")


def _special(value: float) -> str:
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


def _shown(value: Any, precision: int = 6) -> str:
    """`%s`: any value as people read it."""
    kind = type(value)
    if value is None:
        return "null"
    if kind is float:
        return show_double(value) if math.isfinite(value) else _special(value)
    if kind is TypeName:
        return str(value.name)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, Mapping):
        pairs = sorted((_shown(key_out(key)), _shown(one)) for key, one in value.items())
        return "{" + ", ".join(f"{key}: {one}" for key, one in pairs) + "}"
    try:
        return to_string(value)
    except EvalError:
        raise _refuse("s", value) from None


def _decimal(value: Any, precision: int) -> str:
    if type(value) in _WHOLE:
        return str(int(value))
    if type(value) is float and not math.isfinite(value):
        return _special(value)
    raise _refuse("d", value)


def _float(letter: str) -> Callable[[Any, int], str]:
    def shown(value: Any, precision: int) -> str:
        if type(value) not in (*_WHOLE, float):
            raise _refuse(letter, value)
        number = float(value)
        return f"{number:.{precision}{letter}}" if math.isfinite(number) else _special(number)

    return shown


def _binary(value: Any, precision: int) -> str:
    if type(value) is bool or type(value) in _WHOLE:
        return f"{int(value):b}"
    raise _refuse("b", value)


def _octal(value: Any, precision: int) -> str:
    if type(value) in _WHOLE:
        return f"{int(value):o}"
    raise _refuse("o", value)


def _hexadecimal(value: Any, precision: int) -> str:
    if type(value) in _WHOLE:
        return f"{int(value):x}"
    if type(value) is str:
        return value.encode().hex()
    if type(value) is bytes:
        return value.hex()
    raise _refuse("x", value)


_CLAUSES: dict[str, Callable[[Any, int], str]] = {
    "s": _shown, "d": _decimal, "f": _float("f"), "e": _float("e"), "b": _binary, "o": _octal,
    "x": _hexadecimal, "X": lambda value, precision: _hexadecimal(value, precision).upper(),
}
