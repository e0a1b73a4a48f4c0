"""The cases of the Common Expression Language: each text is compiled and run as a rule's condition is."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from streams.conditions import Access, EvalError, ExpressionProblems, Limits, Scope, Variable, compile_expression
from streams.conditions.runtime import type_name
from streams.conditions.times import parse_duration, parse_timestamp
from streams.conditions.values import TypeName, UInt, key_in, key_out
from tests.conformance.cases import cases, first
from tests.conformance.counts import Counts

OFFERED = {"string_ext"}  # suites of extensions that conditions have
LIMITS = Limits(nodes=5000, nesting=10, literal_patterns=False)  # ours are tested by themselves
READ: dict[str, Callable[[Any], Any]] = {
    "int": int, "uint": lambda text: UInt(int(text)), "double": float, "string": str, "bool": bool,
    "bytes": base64.b64decode, "null": lambda _: None, "timestamp": parse_timestamp, "duration": parse_duration,
    "type": TypeName, "list": lambda values: [untagged(one) for one in values],
    "map": lambda pairs: {key_in(untagged(key)): untagged(one) for key, one in pairs},
}


def fits(path: Path) -> bool:
    """Whether a file holds CEL cases."""
    return {"expr", "expect", "type_env"} <= set(first(path))


def run(path: Path) -> Counts:
    """All cases of a file, or of all files in a folder."""
    counts = Counts()
    files = sorted(path.glob("*.jsonl*")) if path.is_dir() else [path]
    for case in (one for file in files for one in cases(file)):
        reason = apart(case)
        why = "" if reason else wrong(case)
        counts.add(case["suite"], case["id"], not reason and not why, reason, why)
    return counts


def apart(case: Mapping[str, Any]) -> str:
    """Why a case is not for us; empty if it is."""
    if case["needs_proto"]:
        return "protobuf messages are no values here"
    if case["needs_ext"] and case["suite"] not in OFFERED:
        return "extension not offered"
    if any("overloads" in one for one in case["type_env"]):
        return "functions are declared by Tocsin alone"
    return ""


def untagged(value: Mapping[str, Any]) -> Any:
    """A tagged value as expressions hold it."""
    ((tag, inner),) = value.items()
    return READ[tag](inner)


def wrong(case: Mapping[str, Any]) -> str:
    """How a case comes out otherwise than expected; empty if it does not."""
    expect = case["expect"]
    try:
        value, kind = evaluate(case)
    except (EvalError, ExpressionProblems) as error:
        return "" if expect.get("error") else f"{case['expr']!r} fails: {error}"
    if expect.get("error"):
        return f"{case['expr']!r} gives {value!r}, an error is expected"
    if "type" in expect and expect["type"] != kind:
        return f"{case['expr']!r} has the type {kind}, expected {expect['type']}"
    if "value" in expect and not same(value, untagged(expect["value"])):
        return f"{case['expr']!r} gives {value!r}, expected {expect['value']}"
    return ""


def evaluate(case: Mapping[str, Any]) -> tuple[Any, str]:
    """The value (None of a case that is only checked) and its checked type."""
    expression = compile_expression(case["expr"], scope_of(case), checked=not case["disable_check"], outside=False)
    if case["check_only"]:
        return None, expression.type
    given = {name: untagged(value) for name, value in case["bindings"].items()}
    return expression(given), expression.type


def scope_of(case: Mapping[str, Any]) -> Scope:
    """A scope of the case's variables, found in a mapping."""
    variables = {
        one["name"]: Variable(one["type"], Access("given").entry(one["name"]), stored=False)
        for one in case["type_env"]
    }
    return Scope(variables, ["given"], limits=LIMITS, container=case["container"])


def same(value: Any, expected: Any) -> bool:
    """Equal in type and value, all the way down."""
    if isinstance(value, Mapping) and isinstance(expected, Mapping):
        return len(value) == len(expected) and all(
            any(same(key_out(key), key_out(other)) and same(one, expected[other]) for other in expected)
            for key, one in value.items()
        )
    if type_name(value) != type_name(expected):
        return False
    if isinstance(value, list | tuple):
        return len(value) == len(expected) and all(map(same, value, expected))
    if isinstance(value, float):
        return bool(value == expected and math.copysign(1, value) == math.copysign(1, expected)) or (
            math.isnan(value) and math.isnan(expected))
    return bool(value == expected)


