"""Files of records: cut as they would stand on a topic, one entry a record."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, cast

from streams.formats import csv
from streams.formats.contract import LIMIT

RecordText = tuple[bytes, Mapping[str, bytes]]


def read_file(format_name: str, path: Path) -> Iterator[RecordText]:
    """(value, headers) of each record of a file, `.gz` or not: rows of a CSV file, alerts of CAP, else lines.

    The header `row` is the 0-based data row. Of a record beyond the limit only the beginning is given,
    which is still too large. Raises OSError, also for a `.gz` file that is none or ends too early.
    """
    with open_bytes(path) as stream:
        try:
            yield from CUTTERS.get(format_name, _lines)(stream)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise OSError(None, f"it cannot be unpacked: {error}", str(path)) from error


def open_bytes(path: Path) -> IO[bytes]:
    """The file's bytes, unpacked if its name ends in `.gz`."""
    return cast("IO[bytes]", gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def _csv_rows(stream: IO[bytes]) -> Iterator[RecordText]:
    columns = b""
    for row, text in csv.split_records(stream):
        if row == csv.HEADER_ROW:
            columns = text
        else:
            yield text, csv.record_headers(columns, row)


def _alerts(stream: IO[bytes]) -> Iterator[RecordText]:
    """XML documents one after the other, each from its `<?xml` on; without one the file is a single document."""
    row, text = 0, b""
    while line := stream.readline(LIMIT + 1):
        if line.lstrip().startswith(b"<?xml") and text.strip():
            yield text, {csv.ROW: str(row).encode()}
            row, text = row + 1, b""
        text = (text + line.lstrip() if not text else text + line)[: LIMIT + 1]
    if text.strip():
        yield text, {csv.ROW: str(row).encode()}


def _lines(stream: IO[bytes]) -> Iterator[RecordText]:
    row = 0
    while line := stream.readline(LIMIT + 1):
        rest = line
        while len(rest) > LIMIT and not rest.endswith(b"\n"):
            rest = stream.readline(LIMIT + 1)
        text = line.rstrip(b"\r\n")
        if text:
            yield text, {csv.ROW: str(row).encode()}
            row += 1


CUTTERS: Mapping[str, Callable[[IO[bytes]], Iterator[RecordText]]] = {"csv": _csv_rows, "cap": _alerts}
"""How a file is cut into records, where that is not by lines."""
