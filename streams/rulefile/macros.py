"""Macros: expressions with a name, for use in every other expression: `where: at_night(time)`.

A macro is checked where it is used, with the names that are known there. What is wrong with its text in
itself (syntax, circles, names of functions) is told once, where it stands; so is what would be wrong with
one that nothing uses yet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

import msgspec

from streams.conditions import (
    Definition,
    ExpressionProblems,
    called_macros,
    is_function,
    macro_problems,
)
from streams.kinds import Field
from streams.rulefile import codes
from streams.rulefile.codes import Report
from streams.rulefile.documents import KIND, RESERVED, TITLE
from streams.rulefile.embedded import offset_of, spot_in
from streams.rulefile.expressions import Expressions, Names
from streams.rulefile.fields import Values
from streams.rulefile.parameters import Parameter
from streams.rulefile.ranges import IMPOSSIBLE
from streams.rulefile.scalars import Passage

MACRO_FIELDS = (
    KIND,
    Field("id", "name", "its name, by which expressions call it", required=True),
    TITLE,
    Field("description", "string", "what it is true of"),
    Field("owner", "string", "who looks after it"),
    Field("parameters", "macro_parameters", "what a call gives it: a type for each name", default=()),
    Field("expression", "cel", "the expression; it may name its parameters and all that is known where it is used",
          required=True),
)


class Macros:
    """The macros of a folder. `definitions` are those that can be called."""

    def __init__(self, documents: Iterable[Values], report: Report) -> None:
        self.report = report
        self.passages: dict[str, Passage] = {}
        self.definitions: dict[str, Definition] = {}
        for values in documents:
            self._take(values)
        self._without_circles()

    def _take(self, values: Values) -> None:
        name, passage = values.get("id", ""), values.get("expression")
        if name and (is_function(name) or name in (*RESERVED, IMPOSSIBLE)):
            text = f"`{name}` is a word of CEL's own" if name in RESERVED else f"there is a function `{name}` already"
            self.report.add(codes.BAD_ID, values.spot("id"), text, "choose another name")
            return
        if not name or not isinstance(passage, Passage):
            return
        parameters: tuple[Parameter, ...] = values.get("parameters", ())
        for parameter in parameters:
            if not re.search(rf"\b{parameter.name}\b", passage.text):
                told = f"`{name}` does not use its parameter `{parameter.name}`"
                self.report.add(codes.UNUSED_PARAMETER, parameter.key.spot, told)
        self.passages[name] = passage
        kinds = {parameter.name: parameter.type for parameter in parameters}
        self.definitions[name] = Definition(name, kinds, passage.text, _placer(passage))

    def _without_circles(self) -> None:
        """Drop what is no expression, and circles; each is told once."""
        reads: dict[str, list[str]] = {}
        for name, definition in list(self.definitions.items()):
            try:
                reads[name] = called_macros(definition.text, self.definitions)
            except ExpressionProblems as error:
                Expressions(self.report).tell_all(self.passages[name], error.problems)
                self._break(name)
        for name in self.definitions:
            circle = _circle(name, reads)
            if circle:
                text = f"a circle of macros: {' calls '.join(circle)}"
                self.report.add(codes.MACRO_CYCLE, self.passages[name].spot, text)
                reads[name] = []
                self._break(name)

    def _break(self, name: str) -> None:
        self.definitions[name] = msgspec.structs.replace(self.definitions[name], broken=True)

    def check_unused(self, names: Names, used: Iterable[str], open: bool) -> None:
        """Check those that nothing calls, where any event may come; what fits a source's records is right too."""
        records = [names.record(format, names.zone) for format in ("json", "csv")]
        scopes = [names.event(names.event_types, open), *records]
        for name in self.definitions.keys() - set(used):
            found = [macro_problems(name, scope) for scope in scopes]
            if all(found) and not self.definitions[name].broken:
                Expressions(self.report).tell_all(self.passages[name], found[0])


def used_by(text: str, definitions: Mapping[str, Definition]) -> dict[str, Definition]:
    """The macros that texts may call, directly or through others, by name in order."""
    found: dict[str, Definition] = {}
    waiting = [text]
    while waiting:
        for name in re.findall(r"([A-Za-z_]\w*)\s*\(", waiting.pop()):
            if name in definitions and name not in found:
                found[name] = definitions[name]
                waiting.append(definitions[name].text)
    return dict(sorted(found.items()))


def _placer(passage: Passage) -> Callable[[int, int], str]:
    """Where a line and column of a passage stand: `rules/macros.yaml:3:14`."""

    def place(line: int, column: int) -> str:
        spot = spot_in(passage.node, offset_of(passage.text, line, column))
        return "{}:{}:{}".format(spot.file.name, *spot.file.position(spot.start))

    return place


def _circle(name: str, reads: Mapping[str, list[str]]) -> list[str]:
    """The way from a macro back to itself, if there is one."""
    waiting = [[name]]
    seen: set[str] = set()
    while waiting:
        path = waiting.pop(0)
        for other in reads.get(path[-1], ()):
            if other == name:
                return [*path, name]
            if other not in seen:
                seen.add(other)
                waiting.append([*path, other])
    return []
