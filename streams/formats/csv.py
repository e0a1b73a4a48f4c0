"""CSV: a record is one data row of a file (RFC 4180, UTF-8, separated by commas).

On the topic a log entry holds the row's own text, and two headers say what a row alone cannot:
`columns` (the file's header row as it was written) and `row` (the 0-based number of the data row).
`split_records` cuts a file into such rows; a quoted field may hold line ends.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Protocol

from streams.formats.contract import BOM, LIMIT, FormatError, Headers, check_size, utf8
from streams.reasons import DeadReason

COLUMNS = "columns"
ROW = "row"
HEADER_ROW = -1
"""The row number that `split_records` gives a file's header row."""

csv.field_size_limit(LIMIT)  # Python's own limit is an eighth of what a record may have


class Readable(Protocol):
    """A file open for reading bytes."""

    def readline(self, size: int, /) -> bytes:
        """The next line with its end, at most `size` bytes of it; empty at the end of the file."""


def decode(value: bytes, headers: Headers) -> dict[str, Any]:
    """{column: text}; FormatError too_large, not_utf8 or not_csv (also: other columns than the header's)."""
    check_size(value)
    written = headers.get(COLUMNS)
    if written is None:
        raise _refused(f"the log entry has no header `{COLUMNS}`, so the names of the columns are unknown")
    names = _columns(written)
    fields = _fields(utf8(value))
    if len(fields) != len(names):
        raise _refused(f"the row has {len(fields)} fields, the header {len(names)} columns")
    return dict(zip(names, fields, strict=True))


def row_number(headers: Headers) -> int | None:
    """The 0-based number of the data row; None where the log entry does not say."""
    written = headers.get(ROW)
    if written is None:
        return None
    if not written.isdigit():
        raise _refused(f"the header `{ROW}` is not a number")
    return int(written)


def record_headers(columns: bytes, row: int) -> dict[str, bytes]:
    """The headers of a data row's log entry; `columns` is the file's header row as written."""
    return {COLUMNS: columns, ROW: str(row).encode()}


def split_records(stream: Readable) -> Iterator[tuple[int, bytes]]:
    """A file's rows as they are written, without line end: the header row as -1, then 0, 1 and so on.

    Empty lines do not count. A quote that is never closed costs one row and not the rest of the
    file: where no row ends within the limit, its first line is given alone, for `decode` to refuse.
    """
    row = HEADER_ROW
    for lines in _joined(_lines(stream)):
        text = lines.removesuffix(b"\n").removesuffix(b"\r")
        if text:
            yield row, text
            row += 1


def _refused(text: str) -> FormatError:
    return FormatError(DeadReason.NOT_CSV, text)


def _fields(text: str) -> list[str]:
    """The fields of one row."""
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error as error:
        raise _refused(str(error)) from None
    if not rows or not rows[0]:
        raise _refused("the row is empty")
    return rows[0]


@lru_cache(maxsize=256)
def _columns(written: bytes) -> tuple[str, ...]:
    """The names in a header row; each must be there once."""
    names = _fields(utf8(written.removeprefix(BOM)))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise _refused(f"the header names {', '.join(map(repr, twice))} more than once")
    return tuple(names)


def _lines(stream: Readable) -> Iterator[bytes]:
    """The lines of a file; of a line beyond the limit only its beginning, which is still too large."""
    first = True
    while line := stream.readline(LIMIT + 1):
        rest = line
        while len(rest) > LIMIT and not rest.endswith(b"\n"):
            rest = stream.readline(LIMIT + 1)
        yield line.removeprefix(BOM) if first else line
        first = False


def _joined(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Lines put together where a quoted field goes on in the next one."""
    ahead: deque[bytes] = deque()
    while (line := _next(ahead, lines)) is not None:
        if b'"' in line and _open_after(line, opened=False):
            yield b"".join(_closing(line, ahead, lines))
        else:
            yield line


def _next(ahead: deque[bytes], lines: Iterator[bytes]) -> bytes | None:
    return ahead.popleft() if ahead else next(lines, None)


def _closing(first: bytes, ahead: deque[bytes], lines: Iterator[bytes]) -> list[bytes]:
    """The lines up to where the quote closes; if it does not, only the first, the others wait in `ahead`."""
    taken, size = [first], len(first)
    while size <= LIMIT and (line := _next(ahead, lines)) is not None:
        taken.append(line)
        size += len(line)
        if not _open_after(line, opened=True):
            return taken
    ahead.extendleft(reversed(taken[1:]))
    return [first]


def _open_after(line: bytes, *, opened: bool) -> bool:
    """Whether a quoted field is open at the line's end; `opened` tells whether one was at its beginning.

    As in `csv.reader`, a quote opens a field only as its first character.
    """
    at = 0
    while True:
        if not opened and line[at : at + 1] == b'"':
            opened, at = True, at + 1
        if opened:
            at = line.find(b'"', at) + 1
            if at == 0:
                return True
            if line[at : at + 1] == b'"':
                at += 1
                continue
            opened = False
        at = line.find(b",", at) + 1
        if at == 0:
            return False
