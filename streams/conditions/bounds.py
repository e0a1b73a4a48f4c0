"""What the checker lets pass and we do not: size, patterns and literals that cannot work, sure slips."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec

from streams.conditions import functions, mistakes, times
from streams.conditions.checked import Call, Const, ListOf, Macro, Message, Node, Select, walk
from streams.conditions.mistakes import ExpressionProblem, at, friendly, nearest, nearest_hint
from streams.conditions.names import Resolver
from streams.conditions.scope import Scope
from streams.conditions.values import EvalError

_PATTERNS = ("matches", "extract")
_ORDER = ("_<_", "_<=_", "_>_", "_>=_")


def found_in(tree: Node, text: str, scope: Scope, parameters: Iterable[str] = ()) -> list[ExpressionProblem]:
    """All problems of a checked tree; `parameters` are names that hide those of the scope."""
    bounds = _Bounds(text, scope)
    bounds.names.bound = {scope.prefix + name: name for name in parameters}
    values = [msgspec.structs.replace(one, sort="value") for one in bounds.found(tree)]
    return values + list(bounds.zones(tree))


def too_large(tree: Node, text: str, scope: Scope) -> list[ExpressionProblem]:
    """Whether a tree, with macros in their places, is larger than a condition may be."""
    return [msgspec.structs.replace(one, sort="size") for one in _Bounds(text, scope).size(tree)]


class _Bounds:
    def __init__(self, text: str, scope: Scope) -> None:
        self.text, self.scope = text, scope
        self.names = Resolver(scope)

    def found(self, tree: Node) -> Iterator[ExpressionProblem]:
        yield from self.whole(tree, None)
        for node in walk(tree):
            if isinstance(node, Message):
                yield at(self.text, node.offset, f"`{node.name}` cannot be made here", "write a map: {'key': value}")
            elif isinstance(node, Call):
                yield from self.call(node)

    def size(self, tree: Node) -> Iterator[ExpressionProblem]:
        """Too large: of a tree with macros in their places."""
        limits, count, depth = self.scope.limits, sum(1 for _ in walk(tree)), nesting(tree)
        if count > limits.nodes:
            yield at(self.text, 0, f"the expression has {count} parts, {limits.nodes} are allowed",
                     "put long choices into a list document: x in lists.name", len(self.text))
        if depth > limits.nesting:
            yield at(self.text, 0, f"all, exists, map and filter stand {depth} deep in each other,"
                     f" {limits.nesting} are allowed", "", len(self.text))

    def whole(self, node: Node, above: Node | None) -> Iterator[ExpressionProblem]:
        """Events and rows are no values: only their fields are."""
        kind = node.type.removeprefix("message:tocsin.")
        structure = kind.startswith(("step_", "register_")) or kind == "event"
        if structure and kind != node.type and not isinstance(above, Select):
            register = self.scope.register_called(kind)
            label = "an event" if register is None else f"a row of register {register}"
            start = node.offset if register is None else self.text.rfind("register", 0, node.offset + 1)
            yield at(self.text, start, f"{label} is no value", "name one of its fields: .field")
        for child in node.children():
            yield from self.whole(child, node)

    def call(self, node: Call) -> Iterator[ExpressionProblem]:
        last = node.args[-1] if node.args else None
        literal = last.value if isinstance(last, Const) and isinstance(last.value, str) else None
        if node.function in _PATTERNS:
            yield from self.pattern(node, literal)
        elif last is not None and literal is not None:
            if node.function == "timestamp":
                yield from self.tried(last, times.parse_timestamp, literal, 'write "2026-01-31T08:00:00Z"')
            elif node.function == "duration":
                units = "units are h, m, s, ms, us, ns; a day is 24h"
                yield from self.tried(last, times.parse_duration, literal, units)
            elif node.function in times.ACCESSORS and node.member and len(node.args) == 2:
                yield from self.tried(last, times.zone_named, literal, "")
        yield from self.slips(node)

    def tried(self, node: Node, read: Callable[[str], object], literal: str, hint: str) -> Iterator[ExpressionProblem]:
        try:
            read(literal)
        except EvalError as error:
            yield at(self.text, node.offset, str(error), hint, len(literal) + 2)

    def pattern(self, node: Call, literal: str | None) -> Iterator[ExpressionProblem]:
        where = node.args[-1].offset
        if literal is None:
            if self.scope.limits.literal_patterns:
                yield at(self.text, where, f"the pattern of {node.function} must be a literal",
                         "so that it can be checked now; write r'pattern'")
            return
        hint = "look-around and back-references do not exist in RE2"
        problems = list(self.tried(node.args[-1], functions.pattern, literal, hint))
        yield from problems
        if node.function == "extract" and not problems and not functions.pattern(literal).groups:
            yield at(self.text, where, "extract gives the pattern's first group, this pattern has none",
                     "put brackets around what you want: r'no (\\d+)'", len(literal) + 2)

    def zones(self, tree: Node) -> Iterator[ExpressionProblem]:
        """Zones that are not there."""
        for node in walk(tree):
            if isinstance(node, Call) and node.function == "in_zone" and node.args:
                yield from self.zone(node.args[-1])

    def zone(self, named: Node) -> Iterator[ExpressionProblem]:
        where = named.offset
        literal = named.value if isinstance(named, Const) and isinstance(named.value, str) else None
        if not self.scope.zones:
            yield at(self.text, where, "no zones are declared, so in_zone has nothing to look in")
        elif literal is None:
            yield at(self.text, where, "in_zone takes the name of a zone in quotes")
        elif literal not in self.scope.zones:
            yield at(self.text, where, f"there is no zone {literal!r}", nearest_hint(literal, self.scope.zones),
                     len(literal) + 2)

    def slips(self, node: Call) -> Iterator[ExpressionProblem]:
        """Comparisons that the types allow and that cannot be meant."""
        if node.function in _ORDER and any(self.is_severity(one) for one in node.args):
            yield at(self.text, node.offset, "words of severity have no order as texts",
                     'write severity in ["severe", "extreme"]', len(node.function.strip("_")))
        elif node.function in ("_==_", "_!=_"):
            for one, other in (node.args, reversed(node.args)):
                yield from self.known_value(one, other)
        elif node.function == "@in" and isinstance(node.args[1], ListOf):
            for other in node.args[1].elements:
                yield from self.known_value(node.args[0], other)

    def is_severity(self, node: Node) -> bool:
        path = self.names.path(node)
        return path is not None and node.type == "string" and path.rpartition(".")[2] == "severity"

    def known_value(self, node: Node, other: Node) -> Iterator[ExpressionProblem]:
        """A literal that a closed field can never have."""
        path = self.names.path(node) if isinstance(other, Const) else None
        values = () if path is None else self.scope.values.get(path.removeprefix("event."), ())
        if values and isinstance(other, Const) and other.value not in values:
            close = nearest(str(other.value), map(str, values))
            hint = f'did you mean "{close}"?' if close else f"it is one of {', '.join(map(str, values[:12]))}"
            yield at(self.text, other.offset, f"`{path}` is never {other.value!r}", hint, len(repr(other.value)))


def nesting(node: Node) -> int:
    """How deep macros stand in each other."""
    below = max((nesting(child) for child in node.children()), default=0)
    return below + isinstance(node, Macro)


def unexpected(tree: Node, text: str, expect: str) -> list[ExpressionProblem]:
    """The problem of a value of another type than wanted, if it is one."""
    wanted, kind = expect.split("|"), friendly(tree.type)
    if kind in ("dyn", *wanted) or (kind == "int" and "double" in wanted):
        return []
    if "bool" in wanted:
        shown = text if len(text) <= 20 and "\n" not in text else "x"
        example = {"string": '"text"', "timestamp": "time", "duration": 'duration("10m")'}.get(kind, "1")
        told = f"a condition is true or false, this is of type {kind}"
        hint = f"compare it, for example {shown} == {example}"
    else:
        told, hint = f"this is of type {kind}, {' or '.join(wanted)} is wanted", ""
        if wanted == ["string"]:
            hint = f"write string({text})" if len(text) <= 20 else "write string(...) around it"
        elif kind == "string" and wanted[0] in ("int", "double"):
            hint = f"write {wanted[0]}({text})" if len(text) <= 20 else f"write {wanted[0]}(...) around it"
    problem = mistakes.at(text, 0, told, hint, len(text.partition(chr(10))[0]))
    return [msgspec.structs.replace(problem, sort="result")]
