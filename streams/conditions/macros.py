"""Macros: named expressions with parameters, put in place of their calls in a checked tree.

The body of a macro is checked where it is used, with the names that are known there and its parameters;
so one macro serves events of many types. Each argument stands wherever its parameter is named: a call is
as if its text had been written out. The variables of a body's own `exists` and its like get new names,
so that they never hide what an argument means.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

import msgspec

from streams.conditions.checked import Call, Ident, ListOf, Macro, MapOf, Node, Select, Used, walk

CALL = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\s*\(")


class Definition(msgspec.Struct, frozen=True):
    """A macro: its parameters with their type texts, its text, and where a line and column of it stand, in words.

    `broken`: it is wrong in itself, which is told already.
    """

    name: str
    parameters: Mapping[str, str]
    text: str
    place: Callable[[int, int], str] = "line {}, column {}".format
    broken: bool = False

    @property
    def signature(self) -> str:
        """How it is called: `near_school(at: place)`."""
        return f"{self.name}({', '.join(f'{name}: {kind}' for name, kind in self.parameters.items())})"


def calls(tree: Node, names: Iterable[str]) -> list[Call]:
    """The calls of these macros, in the order of the tree."""
    known = frozenset(names)
    return [node for node in walk(tree) if isinstance(node, Call) and not node.member and node.function in known]


def may_call(text: str, names: Mapping[str, Definition]) -> bool:
    """Whether a text may hold a call of one of these; quick."""
    return any(found in names for found in CALL.findall(text))


Bodies: TypeAlias = Mapping[str, tuple[Definition, Node]]
Given: TypeAlias = Mapping[str, "Node | str"]


def expanded(tree: Node, bodies: Bodies, prefix: str) -> Node:
    """The tree with each call of a macro replaced by its body, which stands in a `Used`.

    `prefix` is what the checker puts before the names of the scope, parameters among them.
    """
    return _Expander(bodies, prefix).node(tree, {}, rename=False)


class _Expander:
    """Copies trees. `given` maps names to what stands in their place: an argument, or a new name."""

    def __init__(self, bodies: Bodies, prefix: str) -> None:
        self.bodies, self.prefix = bodies, prefix
        self.renamed = 0

    def node(self, node: Node, given: Given, rename: bool) -> Node:
        if isinstance(node, Ident):
            return self._ident(node, given)
        if isinstance(node, Call):
            return self._call(node, given, rename)
        if isinstance(node, Select):
            return msgspec.structs.replace(node, operand=self.node(node.operand, given, rename))
        if isinstance(node, ListOf):
            return msgspec.structs.replace(node, elements=[self.node(one, given, rename) for one in node.elements])
        if isinstance(node, MapOf):
            entries = [(self.node(key, given, rename), self.node(value, given, rename)) for key, value in node.entries]
            return msgspec.structs.replace(node, entries=entries)
        return self._macro(node, given, rename) if isinstance(node, Macro) else node

    def _ident(self, node: Ident, given: Given) -> Node:
        found = given.get(node.name)
        if isinstance(found, str):
            return msgspec.structs.replace(node, name=found)
        return node if found is None else found

    def _call(self, node: Call, given: Given, rename: bool) -> Node:
        args = [self.node(one, given, rename) for one in node.args]
        if node.member or node.function not in self.bodies:
            return msgspec.structs.replace(node, args=args)
        definition, body = self.bodies[node.function]
        names = [self.prefix + name for name in definition.parameters]
        inner = self.node(body, dict(zip(names, args, strict=True)), rename=True)
        return Used(offset=node.offset, type=node.type, name=node.function, body=inner)

    def _macro(self, node: Macro, given: Given, rename: bool) -> Node:
        """`all`, `exists` and their like; a variable of a body gets a name that nothing else has."""
        name = node.variable
        if rename:
            self.renamed += 1
            name = f"{name}#{self.renamed}"
        inner = {**given, node.variable: name}
        return msgspec.structs.replace(
            node, range=self.node(node.range, given, rename), variable=name,
            body=None if node.body is None else self.node(node.body, inner, rename),
            transform=None if node.transform is None else self.node(node.transform, inner, rename),
        )
