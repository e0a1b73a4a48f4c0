"""Register and list files: CSV cells with their places, and what a cell of each type means."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from streams.clocks import duration, parse_rfc3339
from streams.records import Place
from streams.rulefile import codes
from streams.rulefile.codes import Report
from streams.rulefile.scalars import a_or_an, advise, duration_hint, nearest
from streams.rulefile.spots import FileText, Spot
from streams.rules import FieldType

SHOWN_AT_MOST = 20
Row = dict[str, Any]
_CELL = re.compile(r'"((?:[^"]|"")*)"(?=[,\r\n]|\Z)|([^,\r\n]*)')


class Cell(msgspec.Struct, frozen=True):
    """One cell: its text without quotes, and where it stands."""

    text: str
    start: int
    end: int


def cells(text: str) -> Iterator[list[Cell]]:
    """The rows of a CSV text that are not blank. A quote that never ends is left in the cell's text."""
    row: list[Cell] = []
    at, size = 0, len(text)
    while at < size or row:
        found = _CELL.match(text, at)
        assert found is not None, "an empty cell always matches"
        quoted = found[1]
        row.append(Cell(found[2] if quoted is None else quoted.replace('""', '"'), at, found.end()))
        at = found.end()
        if text[at : at + 1] == ",":
            at += 1
            if at < size:
                continue
            row.append(Cell("", at, at))
        at += 2 if text.startswith("\r\n", at) else 1
        if len(row) > 1 or row[0].text.strip():
            yield row
        row = []


class _Columns:
    """Where each field of a register stands in its file."""

    def __init__(self, header: list[Cell], fields: Mapping[str, FieldType]) -> None:
        self.names = [cell.text.strip() for cell in header]
        self.of: dict[str, tuple[int, ...]] = {}
        places = [name for name, field in fields.items() if field.type == "place"]
        for name in fields:
            pairs = [(f"{name}.lat", f"{name}.lon")] if name in places else []
            pairs += [("lat", "lon")] if places == [name] else []
            for columns in [(name,), *pairs]:
                if all(column in self.names for column in columns):
                    self.of[name] = tuple(self.names.index(column) for column in columns)
                    break


class TableReader:
    """Reads the rows of one register file; at most `SHOWN_AT_MOST` problems, then their number."""

    def __init__(self, file: FileText, key: str, fields: Mapping[str, FieldType], report: Report) -> None:
        self.file, self.key, self.fields, self.report = file, key, fields, report
        self.rows: dict[Any, Row] = {}
        self.lines: dict[Any, int] = {}
        self.wrong = 0

    def read(self) -> dict[Any, Row]:
        """The rows by key."""
        lines = cells(self.file.text)
        header = next(lines, None)
        if header is None:
            self.report.add(codes.BAD_COLUMN, self.file.spot(0), "the file has no line with the names of its columns")
            return {}
        columns = _Columns(header, self.fields)
        if self._fits(columns, header):
            for line in lines:
                self._row(line, columns)
        if self.wrong > SHOWN_AT_MOST:
            self.report.add(
                codes.BAD_ROW, self.file.spot(0), f"{self.wrong - SHOWN_AT_MOST} more problems in this file"
            )
        return self.rows

    def _fits(self, columns: _Columns, header: list[Cell]) -> bool:
        twice = [name for name in columns.names if columns.names.count(name) > 1 and name in self.fields]
        missing = [name for name in self.fields if name not in columns.of]
        spot = Spot(self.file, header[0].start, header[-1].end)
        for name in dict.fromkeys(twice):
            self.report.add(codes.BAD_COLUMN, spot, f"two columns are called `{name}`", "rename one of the two")
        for name in missing:
            self.report.add(
                codes.BAD_COLUMN,
                spot,
                f"there is no column for the field `{name}`",
                _column_advice(name, [column for column in columns.names if column not in self.fields]),
            )
        return not twice and not missing

    def _wrong(self, code: codes.Code, start: int, end: int, text: str, hint: str = "") -> None:
        self.wrong += 1
        if self.wrong <= SHOWN_AT_MOST:
            self.report.add(code, Spot(self.file, start, max(end, start + 1)), text, hint)

    def _row(self, line: list[Cell], columns: _Columns) -> None:
        if len(line) != len(columns.names):
            self._wrong(
                codes.BAD_ROW,
                line[0].start,
                line[-1].end,
                f"the row has {len(line)} cells, the header has {len(columns.names)}",
                "put quotes around a cell that holds a comma or a line break"
                if len(line) > len(columns.names)
                else "write a comma for each cell that is empty, too",
            )
            return
        row: Row = {}
        for name, field in self.fields.items():
            self._cell(row, field, [line[index] for index in columns.of[name]])
        key = row.get(self.key)
        if key is None:
            return
        if key in self.rows:
            self._wrong(
                codes.DUPLICATE_ROW,
                line[0].start,
                line[-1].end,
                f"the key {key!r} stands already in line {self.lines[key]}",
            )
            return
        self.rows[key], self.lines[key] = row, self.file.position(line[0].start)[0]

    def _cell(self, row: Row, field: FieldType, parts: list[Cell]) -> None:
        text = " ".join(part.text.strip() for part in parts).strip()
        start, end = parts[0].start, parts[-1].end
        if not text:
            if field.name == self.key or field.required:
                self._wrong(
                    codes.BAD_ROW,
                    start,
                    end,
                    f"`{field.name}` is empty",
                    "fill in the cell or remove the row",
                )
            return
        try:
            value = CELL_TYPES[field.type](text)
        except (ValueError, OverflowError):
            self._wrong(
                codes.BAD_ROW,
                start,
                end,
                f"`{field.name}`: {text[:40]!r} is not {a_or_an(field.type)}",
                (duration_hint(text) if field.type == "duration" else "") or CELL_ADVICE.get(field.type, ""),
            )
            return
        if field.values and value not in field.values:
            self._wrong(
                codes.BAD_ROW,
                start,
                end,
                f"`{field.name}`: {text[:40]!r} is none of its values",
                advise(text, field.values),
            )
            return
        row[field.name] = value


def _column_advice(name: str, spare: list[str]) -> str:
    """What to do where a field has no column, by the columns that are no field's."""
    near = nearest(name, spare)
    return f"rename the column `{near}` to `{name}`" if near else f"add the column `{name}`"


def read_lines(file: FileText) -> Iterator[tuple[str, Spot]]:
    """A list file: one value a line, with its place; blank lines and lines that begin with # do not count."""
    at = 0
    for whole in file.text.splitlines(keepends=True):
        line = whole.strip()
        if line and not line.startswith("#"):
            start = at + whole.index(line)
            yield line, file.spot(start, start + len(line))
        at += len(whole)


def _int(text: str) -> int:
    if not re.fullmatch(r"[-+]?\d{1,19}", text) or not -(2**63) <= int(text) < 2**63:
        raise ValueError(text)
    return int(text)


def _double(text: str) -> float:
    if "_" in text or not math.isfinite(float(text)):
        raise ValueError(text)
    return float(text)


def _bool(text: str) -> bool:
    if text.lower() not in ("true", "1", "yes", "false", "0", "no"):
        raise ValueError(text)
    return text.lower() in ("true", "1", "yes")


def _place(text: str) -> Place:
    lat, lon = (_double(part) for part in re.split(r"[\s,;]+", text))
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise ValueError(text)
    return Place(lat, lon)


CELL_TYPES: dict[str, Callable[[str], Any]] = {
    "string": str,
    "int": _int,
    "double": _double,
    "bool": _bool,
    "duration": duration,
    "timestamp": parse_rfc3339,
    "place": _place,
}
CELL_ADVICE = {
    "duration": "write for example 90s, 10m, 2h, 7d, 8w",
    "timestamp": "write for example 2026-01-31T08:00:00Z",
    "place": "write latitude and longitude: 40.12 -75.34",
    "bool": "write true or false",
}
