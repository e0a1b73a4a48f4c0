"""An author's mistake: where it stands, what is wrong, what to do. The one way to print it."""

from __future__ import annotations

import enum
from collections.abc import Sequence

import msgspec


class Gravity(enum.StrEnum):
    """How bad a problem is: `fatal` and `bug` stop a load, the others do not."""

    FATAL = "fatal"
    BUG = "bug"
    WARNING = "warning"
    INFO = "info"


class Problem(msgspec.Struct, frozen=True, order=True):
    """One mistake in one file. Lines and columns count from 1; `length` is in characters."""

    file: str
    line: int
    column: int
    code: str
    message: str
    hint: str = ""
    gravity: Gravity = Gravity.BUG
    length: int = 1

    def render(self, text: str | None = None) -> str:
        """The problem as people read it, with the line and a caret if the file's text is given."""
        return self.shown(text.splitlines() if text is not None else ())

    def shown(self, lines: Sequence[str]) -> str:
        """The same for the lines of the file's text, so that a large file is cut once for all its problems."""
        head = f"{self.file}:{self.line}:{self.column}: {self.gravity.value} {self.code}: {self.message}"
        parts = [head]
        if 0 < self.line <= len(lines):
            number = str(self.line)
            caret = " " * (self.column - 1) + "^" * max(1, self.length)
            parts += [f"  {number} | {lines[self.line - 1]}", f"  {' ' * len(number)} | {caret}"]
        if self.hint:
            parts.append(f"  do: {self.hint}")
        return "\n".join(parts)


class Problems(Exception):
    """All the mistakes found at once."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(f"{len(problems)} problem(s)")
        self.problems = sorted(problems)
