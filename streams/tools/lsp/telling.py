"""Problems as an editor takes them: a stretch of a line, how grave it is, what is wrong and what to do.

Lines and columns count from 0 here, columns in the units that the client counts in; `units` says how many of them a
text has. A line ends where the protocol says, which knows fewer ends of a line than Unicode does.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping

import msgspec

from streams.problems import Gravity, Problem
from streams.rulefile.spots import FileText

Units = Callable[[str], int]
_LINE = re.compile(r"\r\n|\n|\r")
LEVELS = {Gravity.FATAL: 1, Gravity.BUG: 1, Gravity.WARNING: 2, Gravity.INFO: 4}
"""The protocol's severities: error, warning, hint. A remark is a hint: a list of mistakes is not to be full of them."""


class Range(msgspec.Struct, frozen=True):
    """From a line and column to before another."""

    line: int
    column: int
    end_line: int
    end_column: int


class Diagnostic(msgspec.Struct, frozen=True):
    """One problem as an editor shows it."""

    range: Range
    level: int
    code: str
    text: str


class Lines:
    """The lines of a text as the protocol counts them, and as problems do."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = [0, *(found.end() for found in _LINE.finditer(text))]
        self.of_problems = FileText("", text).starts

    def position(self, offset: int, units: Units) -> tuple[int, int]:
        """Line and column of an offset."""
        line = bisect_right(self.starts, offset) - 1
        return line, units(self.text[self.starts[line] : offset])

    def range(self, start: int, end: int, units: Units) -> Range:
        """The stretch between two offsets."""
        return Range(*self.position(start, units), *self.position(end, units))

    def offset(self, line: int, column: int, units: Units) -> int:
        """The offset of a line and column; what lies behind the end of a line is its end."""
        if line >= len(self.starts):
            return len(self.text)
        at = self.starts[line]
        found = _LINE.search(self.text, at)
        end = len(self.text) if found is None else found.start()
        while at < end and column > 0:
            column -= units(self.text[at])
            at += 1
        return at

    def reach(self, problem: Problem) -> tuple[int, int]:
        """From where to where a problem is shown."""
        line = min(problem.line, len(self.of_problems)) - 1
        start = min(len(self.text), self.of_problems[line] + problem.column - 1)
        return start, min(len(self.text), start + problem.length)


def diagnostics(problems: Iterable[Problem], texts: Mapping[str, str], units: Units) -> dict[str, list[Diagnostic]]:
    """The problems of each file; `texts` are the files' by the names that problems have."""
    lines: dict[str, Lines] = {}
    found: dict[str, list[Diagnostic]] = {}
    for problem in problems:
        name = problem.file
        of_file = lines.get(name) or lines.setdefault(name, Lines(texts.get(name, "")))
        told = f"{problem.message}\ndo: {problem.hint}" if problem.hint else problem.message
        place = of_file.range(*of_file.reach(problem), units)
        found.setdefault(name, []).append(Diagnostic(place, LEVELS[problem.gravity], problem.code, told))
    return found


def at_offset(problems: Iterable[Problem], text: str, offset: int) -> list[Problem]:
    """The problems of a file that are shown where an offset is."""
    lines = Lines(text)
    reaches = ((one, *lines.reach(one)) for one in problems)
    return [one for one, start, end in reaches if start <= offset <= end]
