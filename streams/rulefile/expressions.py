"""Expressions in rule files: what they may name, compiled once each, mistakes at their place in the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from typing import Any, TypeAlias

from streams.conditions import (
    Definition,
    Expression,
    ExpressionProblem,
    ExpressionProblems,
    Scope,
    compile_expression,
    event_scope,
    key_scope,
    macros_called,
    record_scope,
)
from streams.rulefile import codes
from streams.rulefile.codes import Report
from streams.rulefile.embedded import offset_of, spot_in
from streams.rulefile.ranges import IMPOSSIBLE, impossible, ranges_of
from streams.rulefile.scalars import Passage
from streams.rules import EventType, Register
from streams.zones import Districts, Zone

_CODES = {
    "syntax": codes.CEL_SYNTAX,
    "name": codes.CEL_UNKNOWN,
    "type": codes.CEL_TYPE,
    "result": codes.CEL_RESULT,
    "value": codes.CEL_VALUE,
    "size": codes.CEL_LIMIT,
    "macro": codes.MACRO_MISFIT,
}
Known: TypeAlias = dict[tuple[int, str, str | None], Expression | list[ExpressionProblem]]


class Names:
    """What the documents beside rules declare, and the scopes made of it."""

    def __init__(
        self,
        event_types: Mapping[str, EventType],
        registers: Mapping[str, Register],
        lists: Mapping[str, tuple[Any, ...]],
        zone: str,
        zones: Mapping[str, Zone] | None = None,
        macros: Mapping[str, Definition] | None = None,
        districts: Districts | None = None,
    ) -> None:
        self.event_types = dict(event_types)  # and, as rules are built, their findings
        self.registers, self.lists, self.zone, self.zones = registers, lists, zone, zones or {}
        self.macros, self.districts = macros or {}, districts
        self._scopes: dict[Any, Scope] = {}

    def over(self, registers: Mapping[str, Register], lists: Mapping[str, tuple[Any, ...]]) -> Names:
        """The same names with other registers and lists."""
        found = copy(self)
        found.event_types = dict(self.event_types)
        found.registers, found.lists, found._scopes = registers, lists, {}
        return found

    def event(self, types: Iterable[str], open: bool, called: str = "") -> Scope:
        """For events of these declared types; `open`: and of undeclared ones. `called`: a name for the event."""
        key = ("event", tuple(sorted(set(types))), open, called)
        if key not in self._scopes:
            self._scopes[key] = event_scope(
                [self.event_types[name] for name in key[1]],
                open=open,
                lists=self.lists,
                registers=self.registers,
                zones=self.zones,
                zone=self.zone,
                known=list(self.event_types.values()),
                called=called,
            )
            types_of = [self.event_types[name] for name in key[1]]
            self._scopes[key].macros = {**self.macros, IMPOSSIBLE: impossible(types_of, open)}
            self._scopes[key].ranges = {} if open else ranges_of(types_of)
        return self._scopes[key]

    def called(self) -> frozenset[str]:
        """The macros that were called so far."""
        return frozenset().union(*map(macros_called, self._scopes.values()))

    def holders(self, field: str) -> list[str]:
        """The event types that have a field of this name."""
        return [name for name, one in self.event_types.items() if field in one.fields]

    def record(self, format: str, zone: str) -> Scope:
        """For the mapping of a source."""
        key = ("record", format, zone)
        if key not in self._scopes:
            self._scopes[key] = record_scope(
                format, lists=self.lists, registers=self.registers, zones=self.zones, zone=zone
            )
            self._scopes[key].macros = self.macros
        return self._scopes[key]

    def key(self, names: Mapping[str, str]) -> Scope:
        """For what depends on a key alone: path of a part -> its type."""
        key = ("key", tuple(names.items()))
        if key not in self._scopes:
            self._scopes[key] = key_scope(
                names, lists=self.lists, registers=self.registers, zones=self.zones, zone=self.zone
            )
            self._scopes[key].macros = self.macros
        return self._scopes[key]


class Expressions:
    """Compiles each text once for each scope."""

    def __init__(self, report: Report, known: Known | None = None) -> None:
        self.report = report
        self.known: Known = {} if known is None else known

    def reporting(self, report: Report) -> Expressions:
        """The same, telling its problems to another report."""
        return Expressions(report, self.known)

    def compile(self, passage: Passage, scope: Scope, expect: str | None = None) -> Expression | None:
        """The expression; None, and its problems at their places, if it is wrong."""
        known = self._compiled(passage.text, scope, expect)
        if not isinstance(known, list):
            return known
        self.tell_all(passage, known)
        return None

    def tell_all(self, passage: Passage, problems: Iterable[ExpressionProblem]) -> None:
        """Report what is wrong with an expression, each at its place."""
        for problem in problems:
            self._tell(passage, problem)

    def quiet(self, text: str, scope: Scope) -> Expression | None:
        """The expression of a text that is known to be right as far as it can be; None otherwise."""
        known = self._compiled(text, scope, None)
        return None if isinstance(known, list) else known

    def _compiled(self, text: str, scope: Scope, expect: str | None) -> Expression | list[ExpressionProblem]:
        key = (id(scope), text, expect)
        if key not in self.known:
            try:
                self.known[key] = compile_expression(text, scope, expect)
            except ExpressionProblems as found:
                self.known[key] = found.problems
        return self.known[key]

    def _tell(self, passage: Passage, problem: ExpressionProblem) -> None:
        if problem.sort == "told":
            self.report.spoil()
            return
        start = offset_of(passage.text, problem.line, problem.column)
        spot = spot_in(passage.node, start, start + problem.length)
        self.report.add(_CODES[problem.sort], spot, problem.message, problem.hint)


def said_type(type: str) -> str:
    """A checked type in the words of rule files."""
    if type.startswith("message:tocsin.register_"):
        return "row of a register"
    return type.removeprefix("message:tocsin.")
