"""Reading a mapping by a table of fields: unknown ones, missing ones, and what each value means."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Mapping as Table
from typing import Any

from streams.kinds import Field
from streams.rulefile import codes
from streams.rulefile.codes import Report
from streams.rulefile.nodes import Mapping, Node, Scalar, describe
from streams.rulefile.scalars import Bad, Reader, Told, advise, nearest
from streams.rulefile.spots import Spot

NAMED_AT_MOST = 8


class Values:
    """The fields of one mapping that could be read, and where each stands."""

    __slots__ = ("node", "read", "sound")

    def __init__(self, node: Mapping) -> None:
        self.node = node
        self.read: dict[str, Any] = {}
        self.sound = True

    def __contains__(self, name: str) -> bool:
        return name in self.read

    def __getitem__(self, name: str) -> Any:
        return self.read[name]

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a field, or the default where it is absent or wrong."""
        return self.read.get(name, default)

    def spot(self, name: str = "") -> Spot:
        """Where a field's value stands; the beginning of the mapping if it does not."""
        node = self.node.get(name)
        return self.node.spot if node is None else node.spot

    def key_spot(self, name: str) -> Spot:
        """Where a field's name stands."""
        pair = self.node.pairs.get(name)
        return self.node.spot if pair is None else pair[0].spot


def read_fields(
    node: Node,
    table: Iterable[Field],
    readers: Table[str, Reader],
    report: Report,
    what: str,
    foreign: Table[str, str] | None = None,
) -> Values:
    """The fields of a mapping.

    `what` names the mapping for sentences (`a source`). `foreign` are known names that do not belong
    here, each with the advice to give. `Values.sound` is False if any problem was reported.
    """
    if not isinstance(node, Mapping):
        raise Bad(
            codes.WRONG_TYPE,
            node.spot,
            f"{describe(node)} stands where {what} belongs",
            f"write a mapping, with fields such as {_some(table)}",
        )
    values, known = Values(node), {field.name: field for field in table}
    meant: set[str] = set()
    for name, (key, value) in node.pairs.items():
        field = known.get(name)
        if field is None:
            values.sound = False
            meant.add(_unknown(name, key, known, report, what, foreign or {}))
        else:
            _read(values, field, key, value, readers, report)
    _missing(values, known, report, what, meant)
    return values


def _some(table: Iterable[Field]) -> str:
    """The first names of a table, those that must be there before the others."""
    names = [field.name for field in sorted(table, key=lambda field: not field.required)]
    return ", ".join(names[:NAMED_AT_MOST]) + (", ..." if len(names) > NAMED_AT_MOST else "")


def _missing(values: Values, known: Table[str, Field], report: Report, what: str, meant: set[str]) -> None:
    """What must be there and is not.

    Not told of fields that were `meant` and misspelt, nor where a field that is not supported yet may
    be there in their place.
    """
    given = values.node.pairs
    later = any(field.type == "later" and name in given for name, field in known.items())
    for name, field in known.items():
        if field.required and name not in given and field.instead not in given:
            values.sound = False
            if name not in meant and not later:
                doc = re.split(r"[.:;] ", field.doc)[0]
                report.add(codes.MISSING_FIELD, values.spot(), f"{what} needs `{name}`", f"add `{name}`: {doc}")


def _read(values: Values, field: Field, key: Scalar, node: Node, readers: Table[str, Reader], report: Report) -> None:
    if field.type == "later":
        values.sound = False
        report.add(codes.NOT_SUPPORTED, key.spot, f"`{field.name}` is not supported yet")
        return
    before = report.faults
    try:
        values.read[field.name] = readers[field.type](node, field, report)
    except Told:
        values.sound = False
    except Bad as bad:
        bad.tell(report)
    if report.faults > before:
        values.sound = False


def _unknown(
    name: str, key: Scalar, known: Table[str, Field], report: Report, what: str, foreign: Table[str, str]
) -> str:
    """Report a field that is not known here; gives the known one that may be meant."""
    if name in foreign:
        report.add(codes.NOT_FOR_KIND, key.spot, f"`{name}` does not belong to {what}", foreign[name])
        return ""
    names = [field.name for field in known.values() if field.type != "later"]
    report.add(codes.UNKNOWN_FIELD, key.spot, f"{what} has no field `{name}`", advise(name, names, "it has the fields"))
    return nearest(name, names)
