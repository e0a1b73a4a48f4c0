"""The text of one rule file, and where a stretch of it stands: offsets to lines and columns."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

import msgspec


class FileText:
    """A file's name as people know it and its text. Offsets count code points from 0."""

    __slots__ = ("end", "name", "starts", "text")

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.end = len(text.rstrip())
        # The same idea of a line as `Problem.render` has, so that the caret lands on the right one.
        self.starts = [0, *accumulate(len(line) for line in text.splitlines(keepends=True))][:-1] or [0]

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1; what lies behind the last visible character is shown there."""
        offset = min(offset, self.end)
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def spot(self, start: int, end: int | None = None) -> Spot:
        """The stretch from `start` to before `end` (one character if not given)."""
        return Spot(self, start, start + 1 if end is None else end)


class Spot(msgspec.Struct, frozen=True):
    """A stretch of a file: from offset `start` to before offset `end`."""

    file: FileText
    start: int
    end: int

    @property
    def length(self) -> int:
        """How many characters of its first line it covers; at least 1."""
        line, _ = self.file.position(self.start)
        starts = self.file.starts
        last = starts[line] - 1 if line < len(starts) else self.file.end
        return max(1, min(self.end, last) - self.start)
