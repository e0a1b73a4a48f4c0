"""Parameters of macros and templates: their names, types and defaults."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from streams.kinds import Field
from streams.rulefile import codes, scalars
from streams.rulefile.codes import Report
from streams.rulefile.documents import RESERVED
from streams.rulefile.fields import read_fields
from streams.rulefile.nodes import Mapping, Node, Scalar, describe
from streams.rulefile.scalars import Bad

MACRO_TYPES = ("string", "int", "double", "bool", "duration", "timestamp", "place", "list", "map", "dyn")
TEMPLATE_TYPES = ("string", "int", "double", "bool", "duration", "expression")
PARAMETER_FIELDS = (
    Field("type", "string", "its type", default="string", values=TEMPLATE_TYPES),
    Field("default", "node", "its value where an instance gives none"),
    Field("description", "string", "what it says"),
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Parameter(msgspec.Struct, frozen=True):
    """A parameter; `default` is the node that stands for it where it is not given."""

    name: str
    type: str
    key: Scalar
    default: Node | None = None


def read_macro_parameters(node: Node, field: Field, report: Report) -> tuple[Parameter, ...]:
    """`{at: timestamp, limit: double}`."""
    return _parameters(node, report, MACRO_TYPES, long=False)


def read_template_parameters(node: Node, field: Field, report: Report) -> tuple[Parameter, ...]:
    """`{device: string, level_cm: {type: double, default: 30}}`."""
    return _parameters(node, report, TEMPLATE_TYPES, long=True)


def _parameters(node: Node, report: Report, types: Sequence[str], long: bool) -> tuple[Parameter, ...]:
    if not isinstance(node, Mapping):
        told = f"{describe(node)} stands where parameters belong"
        raise Bad(codes.WRONG_TYPE, node.spot, told, "write a mapping: name: string")
    found = []
    for name, (key, value) in node.pairs.items():
        try:
            if name in RESERVED or not _NAME.fullmatch(name):
                hint = "use letters, digits and `_`, beginning with a letter, and no word of the language"
                raise Bad(codes.BAD_ID, key.spot, f"{name!r} cannot be a parameter", hint)
            found.append(_parameter(key, value, report, types, long))
        except Bad as bad:
            bad.tell(report)
    return tuple(found)


def _parameter(key: Scalar, node: Node, report: Report, types: Sequence[str], long: bool) -> Parameter:
    kinds = msgspec.structs.replace(PARAMETER_FIELDS[0], values=tuple(types))
    if isinstance(node, Scalar) or not long:
        return Parameter(key.text, scalars.read_string(node, kinds, report), key)
    values = read_fields(node, PARAMETER_FIELDS, READERS, report, "a parameter")
    return Parameter(key.text, values.get("type", "string"), key, values.get("default"))


def read_node(node: Node, field: Field, report: Report) -> Any:
    """Whatever stands there, to be read later."""
    return node


READERS: dict[str, scalars.Reader] = {
    "string": scalars.read_string,
    "node": read_node,
    "macro_parameters": read_macro_parameters,
    "template_parameters": read_template_parameters,
}
