"""Which Python function stands behind each function and operator of CEL, for values of any type."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from streams.conditions import conversions, formatting, functions, runtime, strings, times

OPERATORS: dict[str, Callable[..., Any]] = {
    "_+_": runtime.add, "_-_": runtime.subtract, "_*_": runtime.multiply, "_/_": runtime.divide,
    "_%_": runtime.modulo, "-_": runtime.negate, "_==_": runtime.equal, "_!=_": runtime.unequal,
    "_<_": runtime.less, "_<=_": runtime.less_equal, "_>_": runtime.greater, "_>=_": runtime.greater_equal,
    "@in": runtime.within, "_[_]": runtime.index,
}


def dyn(value: Any) -> Any:
    """`dyn(x)`: the value itself; only the checker forgets its type."""
    return value


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "size": runtime.size, "type": runtime.type_of, "dyn": dyn, "int": conversions.to_int,
    "uint": conversions.to_uint, "double": conversions.to_double, "string": conversions.to_string,
    "bool": conversions.to_bool, "bytes": conversions.to_bytes, "timestamp": conversions.to_timestamp,
    "duration": conversions.to_duration, "matches": functions.matches, "distance": functions.distance,
    "extract": functions.extract, "slug": functions.slug, "strings.quote": strings.quote,
}


def _accessor(name: str) -> Callable[..., Any]:
    read = partial(times.part, name)
    read.__name__ = name  # type: ignore[attr-defined]
    return read


METHODS: dict[str, Callable[..., Any]] = {
    "size": runtime.size, "matches": functions.matches, "startsWith": strings.starts_with,
    "endsWith": strings.ends_with, "contains": strings.contains, "charAt": strings.char_at,
    "indexOf": strings.index_of, "lastIndexOf": strings.last_index_of, "join": strings.join,
    "lowerAscii": strings.lower_ascii, "upperAscii": strings.upper_ascii, "replace": strings.replace,
    "split": strings.split, "substring": strings.substring, "trim": strings.trim,
    "reverse": strings.reverse, "format": formatting.format_text, **{name: _accessor(name) for name in times.ACCESSORS},
}
