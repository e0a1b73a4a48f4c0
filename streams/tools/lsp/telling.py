"""Problems as an editor takes them: a stretch of a line, how grave it is, what is wrong and what to do.

Lines and columns count from 0 here, columns in the units that the client counts in; `units` says how many of them a
text has. A line ends where the protocol says, which knows fewer ends of a line than Unicode does.
"""

from __future__ import annotations

import re
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


def line_starts(text: str) -> list[int]:
    """Where each line of a text begins."""
    return [0, *(found.end() for found in _LINE.finditer(text))]


def position_of(text: str, offset: int, units: Units) -> tuple[int, int]:
    """Line and column of an offset."""
    starts = line_starts(text[:offset])
    return len(starts) - 1, units(text[starts[-1] : offset])


def offset_at(text: str, line: int, column: int, units: Units) -> int:
    """The offset of a line and column; what lies behind the end of a line is its end."""
    starts = line_starts(text)
    if line >= len(starts):
        return len(text)
    found = _LINE.search(text, starts[line])
    at, end = starts[line], len(text) if found is None else found.start()
    while at < end and column > 0:
        column -= units(text[at])
        at += 1
    return at


def range_of(text: str, start: int, end: int, units: Units) -> Range:
    """The stretch between two offsets."""
    return Range(*position_of(text, start, units), *position_of(text, end, units))


def spot_of(text: str, problem: Problem) -> tuple[int, int]:
    """From where to where in a file's text a problem is shown."""
    starts = FileText(problem.file, text).starts
    start = min(len(text), starts[min(problem.line, len(starts)) - 1] + problem.column - 1)
    return start, min(len(text), start + problem.length)


def diagnostics(problems: Iterable[Problem], texts: Mapping[str, str], units: Units) -> dict[str, list[Diagnostic]]:
    """The problems of each file; `texts` are the files' by the names that problems have."""
    found: dict[str, list[Diagnostic]] = {}
    for problem in problems:
        text = texts.get(problem.file, "")
        told = f"{problem.message}\ndo: {problem.hint}" if problem.hint else problem.message
        place = range_of(text, *spot_of(text, problem), units)
        found.setdefault(problem.file, []).append(Diagnostic(place, LEVELS[problem.gravity], problem.code, told))
    return found


def at_offset(problems: Iterable[Problem], text: str, offset: int) -> list[Problem]:
    """The problems that are shown where an offset is."""
    return [one for one in problems if (spot := spot_of(text, one)) and spot[0] <= offset <= spot[1]]
