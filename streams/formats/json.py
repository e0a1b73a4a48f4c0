"""JSON: one object a record (RFC 8259, UTF-8).

Where a name occurs twice, the last one counts; `strict` refuses it, for what people send to be acted upon. NaN,
infinities and numbers too large for a double are refused; integers beyond 64 bits become doubles. A byte order mark
is skipped.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

from streams.formats.contract import BOM, MAX_DEPTH, FormatError, Headers, check_size, utf8
from streams.reasons import DeadReason


def decode(value: bytes, headers: Headers) -> dict[str, Any]:
    """The object; headers say nothing here. FormatError as for `parse`, or not_an_object."""
    return as_object(parse(value))


def parse(value: bytes) -> Any:
    """Any JSON value within the limits; FormatError too_large, not_utf8, not_json or too_deep."""
    check_size(value)
    try:
        found = orjson.loads(value.removeprefix(BOM))
    except orjson.JSONDecodeError as error:
        raise _explained(value, error) from None
    if value.count(b"{") + value.count(b"[") > MAX_DEPTH and _deeper(found, MAX_DEPTH):
        raise FormatError(DeadReason.TOO_DEEP, f"nested deeper than {MAX_DEPTH}")
    return found


def strict(value: bytes) -> Any:
    """As `parse`, and FormatError not_json where a name stands twice in an object: who knows which one was meant."""
    found = parse(value)
    if _twice(value):
        raise FormatError(DeadReason.NOT_JSON, "a name stands twice in one object")
    return found


def as_object(found: Any) -> dict[str, Any]:
    """The value, if it is an object; FormatError not_an_object otherwise."""
    if not isinstance(found, dict):
        raise FormatError(DeadReason.NOT_AN_OBJECT, f"the JSON value is {_named(found)}, not an object")
    return found


def _explained(value: bytes, error: orjson.JSONDecodeError) -> FormatError:
    """What is wrong, told by its first cause: text that is not UTF-8 cannot be JSON."""
    try:
        utf8(value)
    except FormatError as known:
        return known
    if any(word in str(error).lower() for word in ("depth", "recursion", "allocate")):
        return FormatError(DeadReason.TOO_DEEP, f"nested deeper than {MAX_DEPTH}")
    return FormatError(DeadReason.NOT_JSON, str(error))


def _deeper(found: Any, limit: int) -> bool:
    """Whether objects and arrays are nested deeper than `limit`, looked at level by level."""
    level = [found] if isinstance(found, dict | list) else []
    for _ in range(limit):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def _twice(value: bytes) -> bool:
    """Whether an object of a text that is known to be JSON, and not deep, has a name twice."""
    lengths: list[bool] = []

    def counted(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        lengths.append(len(made) < len(pairs))
        return made

    json.loads(value.removeprefix(BOM), object_pairs_hook=counted, parse_int=str, parse_float=str)
    return any(lengths)


def _named(found: Any) -> str:
    """What JSON calls a value that is no object."""
    if found is None or isinstance(found, bool):
        return {None: "null", True: "true", False: "false"}[found]
    return "an array" if isinstance(found, list) else "a string" if isinstance(found, str) else "a number"
