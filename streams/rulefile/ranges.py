"""The range of a field, `range: [0, 300]`: how it is read, and `impossible()`, which tells what no instrument can read.

`impossible()` is a macro that nobody writes: of the events that may come where it is called it says that some reading
lies outside the range that its event type declares.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from streams.conditions import Definition
from streams.kinds import Field
from streams.rulefile import codes, scalars
from streams.rulefile.codes import Report
from streams.rulefile.fields import Values
from streams.rulefile.nodes import Listing, Node, describe
from streams.rulefile.scalars import Bad
from streams.rules import EventType

IMPOSSIBLE = "impossible"
NUMERIC = ("int", "double")


def read_range(node: Node, field: Field, report: Report) -> tuple[float, float]:
    """`[0, 300]`: the least and the greatest that can be."""
    if not isinstance(node, Listing) or len(node.entries) != 2:
        raise Bad(codes.BAD_RANGE, node.spot, f"{describe(node)} is not a range", "write for example [0, 300]")
    low, high = (scalars.read_number(entry, field, report) for entry in node.entries)
    if not low < high:
        raise Bad(codes.BAD_RANGE, node.spot, f"nothing is from {low} to {high}", "write the lesser number first")
    return low, high


def range_of(kind: str, values: Values) -> tuple[float, float] | None:
    """The range of a field of this type, as written; only numbers have one."""
    found: tuple[float, float] | None = values.get("range")
    if found is not None and kind not in NUMERIC:
        raise Bad(codes.BAD_RANGE, values.key_spot("range"), f"only numbers have a range, and this is a {kind}",
                  "remove `range`, or say `type: double`")
    return found


def impossible(types: Iterable[EventType], open: bool) -> Definition:
    """The macro for events of these types; `open`: others may come too."""
    by_name: dict[str, dict[tuple[float, float] | None, list[str]]] = {}
    for one in types:
        for name, field in one.fields.items():
            by_name.setdefault(name, {}).setdefault(field.range, []).append(one.id)
    clauses = [_outside(name, range, its_types if open or len(ranges) > 1 else ())
               for name, ranges in by_name.items() for range, its_types in ranges.items() if range is not None]
    return Definition(IMPOSSIBLE, {}, " || ".join(clauses) or "false", "the declared ranges, {}:{}".format)


def _outside(name: str, range: tuple[float, float], types: Iterable[str]) -> str:
    value = f"event.{name}"
    named = ", ".join(f'"{one}"' for one in types)
    guard = f"event.type in [{named}] && " if named else ""
    return f"({guard}has({value}) && ({value} < {range[0]!r} || {value} > {range[1]!r}))"


def ranges_of(types: Iterable[EventType]) -> Mapping[str, tuple[float, float]]:
    """The ranges of the fields that have one wherever they are declared."""
    found: dict[str, list[tuple[float, float] | None]] = {}
    for one in types:
        for name, field in one.fields.items():
            found.setdefault(name, []).append(field.range)
    return {name: (min(one[0] for one in each if one), max(one[1] for one in each if one))
            for name, each in found.items() if None not in each}
