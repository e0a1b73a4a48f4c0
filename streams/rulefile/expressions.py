"""Expressions in rule files: what they may name, compiled once each, mistakes at their place in the file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from streams.conditions import (
    Expression,
    ExpressionProblem,
    ExpressionProblems,
    Scope,
    compile_expression,
    event_scope,
    key_scope,
    record_scope,
)
from streams.rulefile import codes
from streams.rulefile.codes import Code, Report
from streams.rulefile.embedded import offset_of, spot_in
from streams.rulefile.scalars import Passage
from streams.rules import EventType, Register

_SORTS: tuple[tuple[re.Pattern[str], Code], ...] = (
    (re.compile(r"[Ss]yntax|expected|unexpected"), codes.CEL_SYNTAX),
)


class Names:
    """What the documents beside rules declare, and the scopes made of it."""

    def __init__(
        self,
        event_types: Mapping[str, EventType],
        registers: Mapping[str, Register],
        lists: Mapping[str, tuple[Any, ...]],
        zone: str,
    ) -> None:
        self.event_types, self.registers, self.lists, self.zone = event_types, registers, lists, zone
        self._scopes: dict[Any, Scope] = {}

    def event(self, types: Iterable[str], open: bool) -> Scope:
        """For events of these declared types; `open`: and of undeclared ones."""
        key = ("event", tuple(sorted(set(types))), open)
        if key not in self._scopes:
            self._scopes[key] = event_scope(
                [self.event_types[name] for name in key[1]],
                open=open,
                lists=self.lists,
                registers=self.registers,
                zone=self.zone,
                known=list(self.event_types.values()),
            )
        return self._scopes[key]

    def record(self, format: str, zone: str) -> Scope:
        """For the mapping of a source."""
        key = ("record", format, zone)
        if key not in self._scopes:
            self._scopes[key] = record_scope(format, lists=self.lists, registers=self.registers, zone=zone)
        return self._scopes[key]

    def key(self, names: Mapping[str, str]) -> Scope:
        """For what depends on a key alone: path of a part -> its type."""
        key = ("key", tuple(names.items()))
        if key not in self._scopes:
            self._scopes[key] = key_scope(names, lists=self.lists, registers=self.registers, zone=self.zone)
        return self._scopes[key]


class Expressions:
    """Compiles each text once for each scope."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self._known: dict[tuple[int, str, str | None], Expression | list[ExpressionProblem]] = {}

    def compile(self, passage: Passage, scope: Scope, expect: str | None = None) -> Expression | None:
        """The expression; None, and its problems at their places, if it is wrong."""
        known = self._compiled(passage.text, scope, expect)
        if not isinstance(known, list):
            return known
        for problem in known:
            self._tell(passage, problem)
        return None

    def quiet(self, text: str, scope: Scope) -> Expression | None:
        """The expression of a text that is known to be right as far as it can be; None otherwise."""
        known = self._compiled(text, scope, None)
        return None if isinstance(known, list) else known

    def _compiled(self, text: str, scope: Scope, expect: str | None) -> Expression | list[ExpressionProblem]:
        key = (id(scope), text, expect)
        if key not in self._known:
            try:
                self._known[key] = compile_expression(text, scope, expect)
            except ExpressionProblems as found:
                self._known[key] = found.problems
        return self._known[key]

    def _tell(self, passage: Passage, problem: ExpressionProblem) -> None:
        start = offset_of(passage.text, problem.line, problem.column)
        spot = spot_in(passage.node, start, start + problem.length)
        self.report.add(_sort(problem), spot, problem.message, problem.hint)


def _sort(problem: ExpressionProblem) -> Code:
    """The code of an expression's problem."""
    return next((code for pattern, code in _SORTS if pattern.search(problem.message)), codes.CEL_TYPE)
