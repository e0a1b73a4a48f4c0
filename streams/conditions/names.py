"""What the names in an expression mean: variables of its scope, chains of selects, lists that are known."""

from __future__ import annotations

from typing import Any

from streams.conditions import values
from streams.conditions.checked import Const, Ident, ListOf, Node, Select, Used
from streams.conditions.scope import Scope, Variable
from streams.conditions.values import UInt


class Resolver:
    """Which variable a node means. `bound` maps macro variables to Python names."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.bound: dict[str, str] = {}

    def path(self, node: Node) -> str | None:
        """The declared path of a name or a chain of selects, if it is one."""
        if isinstance(node, Used):
            return self.path(node.body)
        if isinstance(node, Ident):
            return None if node.name in self.bound else self._named(node, node.name)
        if not isinstance(node, Select) or node.test:
            return None
        return self._named(node, dotted(node)) or self.part(node)

    def part(self, node: Select) -> str | None:
        """The declared path of `operand.field`, also under `has`."""
        above = self.path(node.operand)
        path = f"{above}.{node.field}"
        return path if above is not None and self.variable(path) is not None else None

    def _named(self, node: Node, name: str | None) -> str | None:
        if node.reference:
            path = node.reference.removeprefix(self.scope.prefix).removeprefix(".")
            return path if self.variable(path) is not None else None
        return self._unchecked(name) if name and node.type == "dyn" else None

    def _unchecked(self, name: str) -> str | None:
        """As CEL resolves a name: in the container, then in those around it."""
        if name.partition(".")[0] in self.bound:
            return None
        container = "" if name.startswith(".") else self.scope.container
        while container:
            if f"{container}.{name}" in self.scope.declared:
                return f"{container}.{name}"
            container = container.rpartition(".")[0]
        name = name.removeprefix(".")
        return name if name in self.scope.declared else None

    def variable(self, path: str) -> Variable | None:
        """The variable of a path; in an open scope any name is one."""
        found = self.scope.paths.get(path)
        if found is None and self.scope.open is not None:
            name = path.removeprefix("event.")
            if "." not in name and name not in values.TYPE_NAMES:
                return Variable("dyn", self.scope.open.entry(name), name)
        return found


def dotted(node: Node) -> str | None:
    """`a.b.c` as text, if the node is such a chain."""
    if isinstance(node, Ident):
        return node.name
    if isinstance(node, Select) and not node.test:
        above = dotted(node.operand)
        return f"{above}.{node.field}" if above else None
    return None


def constant_list(node: Node, names: Resolver) -> list[Any] | None:
    """The values of a list that is known when compiling: of literals, or a list document."""
    if isinstance(node, Used):
        return constant_list(node.body, names)
    if isinstance(node, ListOf) and all(isinstance(one, Const) for one in node.elements):
        return [UInt(one.value) if one.type == "uint" else one.value for one in node.elements
                if isinstance(one, Const)]
    path = names.path(node)
    variable = None if path is None else names.variable(path)
    if variable is not None and not variable.access.root:
        return list(variable.access.constant)
    return None
