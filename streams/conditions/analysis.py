"""What an expression is known to need or to give before it is ever run: paths, equalities, prefix, size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from streams.conditions.checked import Call, Const, Macro, Node, Select, Used
from streams.conditions.names import Resolver, constant_list

Equalities = Mapping[str, frozenset[Any]]
_EXACT = 2**53
_INDEXABLE = frozenset({"string", "int", "bool", "uint", "double", "dyn"})


class Reading:
    """A tree, read with the names of its scope."""

    def __init__(self, names: Resolver) -> None:
        self.names = names

    def path(self, node: Node) -> str | None:
        """What the expression is said to read there."""
        found = self.names.path(node)
        if found is None and isinstance(node, Select) and node.test:
            found = self.names.part(node)
        variable = None if found is None else self.names.variable(found)
        return None if variable is None else variable.path or found

    def paths(self, node: Node) -> Iterator[str]:
        """All that is read below a node; the longest path stands for its beginnings."""
        path = self.path(node)
        if path is not None:
            yield path
            return
        outer = self.names.bound
        for child in node.children():
            if isinstance(node, Macro) and child is not node.range:
                self.names.bound = {**outer, node.variable: node.variable}
            yield from self.paths(child)
        self.names.bound = outer

    def equalities(self, node: Node) -> dict[str, frozenset[Any]]:
        """path -> values of which one must be there if the node is to be true."""
        if isinstance(node, Used):
            return self.equalities(node.body)
        if isinstance(node, Call):
            if node.function == "_&&_":
                return _and(self.equalities(node.args[0]), self.equalities(node.args[1]))
            if node.function == "_||_":
                return _or(self.equalities(node.args[0]), self.equalities(node.args[1]))
            if node.function == "_==_":
                return self._equal(*node.args) or self._equal(*reversed(node.args))
            if node.function == "@in":
                return self._in(*node.args)
            if node.function == "!_" and node.args[0].type == "bool":
                return self._is(node.args[0], False)
        return self._is(node, True) if node.type == "bool" else {}

    def decided(self, node: Node) -> str:
        """The path of a text of which an equality is the whole condition, so that a look-up decides it; else ""."""
        if isinstance(node, Used):
            return self.decided(node.body)
        if isinstance(node, Call) and node.function in ("_==_", "@in") and node.type == "bool":
            texts = all(one.type in ("string", "list(string)") for one in node.args)
            return next(iter(self.equalities(node)), "") if texts else ""
        return ""

    def _is(self, node: Node, value: bool) -> dict[str, frozenset[Any]]:
        path = None if isinstance(node, Select) and node.test else self.path(node)
        return {} if path is None else {path: frozenset([value])}

    def _indexable(self, node: Node) -> str | None:
        variable_path = self.names.path(node)
        if variable_path is None or node.type not in _INDEXABLE:
            return None
        variable = self.names.variable(variable_path)
        return self.path(node) if variable is not None and variable.access.root else None

    def _equal(self, node: Node, other: Node) -> dict[str, frozenset[Any]]:
        path = self._indexable(node)
        if path is None or not isinstance(other, Const) or not _indexed(other.value):
            return {}
        return {path: frozenset([other.value])}

    def _in(self, node: Node, holder: Node) -> dict[str, frozenset[Any]]:
        path = self._indexable(node)
        values = constant_list(holder, self.names)
        if path is None or values is None or not all(map(_indexed, values)):
            return {}
        return {path: frozenset(values)}


def _indexed(value: Any) -> bool:
    """Whether Python's hash finds what CEL's `==` does: not for numbers that a double cannot tell apart."""
    return isinstance(value, str | bool) or (isinstance(value, int | float) and abs(value) < _EXACT)


def _and(left: Equalities, right: Equalities) -> dict[str, frozenset[Any]]:
    both = {**left, **right}
    return {path: left[path] & right[path] if path in left and path in right else both[path] for path in both}


def _or(left: Equalities, right: Equalities) -> dict[str, frozenset[Any]]:
    return {path: left[path] | right[path] for path in left if path in right}


def prefix(node: Node) -> tuple[str, bool]:
    """How the text of a string expression begins, and whether that is all of it."""
    if isinstance(node, Used):
        return prefix(node.body)
    if isinstance(node, Const) and isinstance(node.value, str):
        return node.value, True
    if isinstance(node, Call) and node.function == "_+_" and node.type == "string":
        first, whole = prefix(node.args[0])
        if not whole:
            return first, False
        second, whole = prefix(node.args[1])
        return first + second, whole
    if isinstance(node, Call) and node.function == "_?_:_":
        return _common(prefix(node.args[1]), prefix(node.args[2]))
    return "", False


def _common(one: tuple[str, bool], other: tuple[str, bool]) -> tuple[str, bool]:
    if one == other:
        return one
    length = 0
    while length < min(len(one[0]), len(other[0])) and one[0][length] == other[0][length]:
        length += 1
    return one[0][:length], False
