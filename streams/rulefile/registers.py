"""Registers and lists: what their documents say, with the files beside them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from typing import Any

from streams.rulefile import codes
from streams.rulefile.codes import Report
from streams.rulefile.fields import Values
from streams.rulefile.nodes import Scalar, below
from streams.rulefile.reading import decode
from streams.rulefile.scalars import a_or_an, advise
from streams.rulefile.spots import FileText, Spot
from streams.rulefile.tables import CELL_TYPES, SHOWN_AT_MOST, TableReader, read_lines
from streams.rules import EventType, FieldType, Register


class Beside:
    """The files beside the documents: name below the rules' folder -> bytes. `root` is the folder's name."""

    def __init__(self, files: Mapping[str, bytes], root: str, report: Report) -> None:
        self.files, self.root, self.report = files, root, report

    def open(self, near: str, name: str, spot: Spot) -> FileText | None:
        """A file by its name as seen from the file `near`; None, and a problem, if there is none."""
        path = self.path(near, name, spot)
        return None if path is None else decode(f"{self.root}{path}", self.files[path], self.report)

    def path(self, near: str, name: str, spot: Spot) -> str | None:
        """Its path below the folder; None, and a problem, if there is no such file."""
        path = posixpath.normpath(posixpath.join(posixpath.dirname(near), name))
        if path not in self.files:
            alike = [one for one in self.files if posixpath.splitext(one)[1] == posixpath.splitext(path)[1]]
            self.report.add(
                codes.NO_FILE, spot, f"there is no file `{path}` under the rules", advise(path, alike, "there are")
            )
            return None
        return path


def read_register(values: Values, path: str, beside: Beside, report: Report) -> Register:
    """A register with its rows; what is wrong leaves it without rows."""
    name, fields, key = values["id"], values.get("fields", {}), values.get("key", "")
    if values.sound and key not in fields:
        report.add(
            codes.BAD_COLUMN,
            values.spot("key"),
            f"the key `{key}` is not among the fields",
            advise(key, fields, "the fields are"),
        )
        return Register(name, key, fields, {})
    if values.sound and fields[key].type not in ("string", "int"):
        report.add(
            codes.BAD_COLUMN,
            values.spot("key"),
            f"the key `{key}` is {a_or_an(fields[key].type)}",
            "make it a string or an int",
        )
        return Register(name, key, fields, {})
    file = beside.open(path, values.get("file", f"{name}.csv"), values.spot("file" if "file" in values else "id"))
    rows: Mapping[Any, Mapping[str, Any]] = {}
    if file is not None and values.sound:
        rows = TableReader(file, key, fields, report).read()
    return Register(name, key, fields, rows)


def read_list(values: Values, path: str, beside: Beside, report: Report) -> tuple[Any, ...]:
    """The values of a list."""
    if ("values" in values.node.pairs) == ("file" in values.node.pairs):
        report.add(
            codes.CONTRADICTION,
            values.spot(),
            "a list has either `values` or `file`",
            "write values: [a, b, c], or file: names.txt",
        )
        return ()
    kind: str | None = values.get("type")
    if "file" not in values:
        written: tuple[Scalar, ...] = values.get("values", ())
        texts = [(one.text, one.spot) for one in written]
        return tuple(one.value for one in written) if kind is None else _typed(texts, kind, report)
    file = beside.open(path, values["file"], values.spot("file"))
    return () if file is None else _typed(read_lines(file), kind or "string", report)


def _typed(texts: Iterable[tuple[str, Spot]], kind: str, report: Report) -> tuple[Any, ...]:
    """The values of a list in their type, each once; at most `SHOWN_AT_MOST` problems."""
    found: dict[Any, None] = {}
    wrong = 0
    for text, spot in texts:
        try:
            found[CELL_TYPES[kind](text)] = None
        except (ValueError, OverflowError):
            wrong += 1
            if wrong <= SHOWN_AT_MOST:
                told = f"{text[:40]!r} is not {a_or_an(kind)}"
                report.add(codes.BAD_ROW, spot, told, "correct the value, or the list's `type`")
    return tuple(found)


def check_registers(
    event_types: Iterable[tuple[EventType, Values]], registers: Mapping[str, Register], report: Report
) -> None:
    """A field that names a register holds its key: the register must exist and have a key of that type."""
    for event_type, values in event_types:
        for field in event_type.fields.values():
            if field.register:
                _check_register(field, values, registers, report)


def _check_register(field: FieldType, values: Values, registers: Mapping[str, Register], report: Report) -> None:
    register = registers.get(field.register)
    spot = below(values.node, ("fields", field.name, "register")).spot
    if register is None:
        text = f"there is no register `{field.register}`"
        report.add(codes.UNKNOWN_REGISTER, spot, text, advise(field.register, registers, "the registers are"))
        return
    key = register.fields.get(register.key)
    if key is not None and "dyn" not in (key.type, field.type) and key.type != field.type:
        text = f"`{field.name}` is {a_or_an(field.type)}, and the key of {register.id} {a_or_an(key.type)}"
        report.add(codes.BAD_KEY, spot, text, "give both the same type")
