"""Sources, registers and lists: what their documents say, with the files beside them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from typing import Any

from streams.conditions import Expression, Scope
from streams.rulefile import codes
from streams.rulefile.codes import Report
from streams.rulefile.documents import MappingDraft, TimeDraft
from streams.rulefile.expressions import Expressions, Names
from streams.rulefile.fields import Values
from streams.rulefile.reading import decode
from streams.rulefile.scalars import Passage, a, advise
from streams.rulefile.selection import branch_of, fits
from streams.rulefile.spots import FileText, Spot
from streams.rulefile.tables import TableReader, read_lines
from streams.rules import City, EventType, RecordMapping, Register, Source, TimeMapping

LATITUDES = frozenset(("double", "int", "uint", "dyn"))


class Beside:
    """The files beside the documents: name below the rules' folder -> bytes. `root` is the folder's name."""

    def __init__(self, files: Mapping[str, bytes], root: str, report: Report) -> None:
        self.files, self.root, self.report = files, root, report

    def open(self, near: str, name: str, spot: Spot) -> FileText | None:
        """A file by its name as seen from the file `near`; None, and a problem, if there is none."""
        path = posixpath.normpath(posixpath.join(posixpath.dirname(near), name))
        content = self.files.get(path)
        if content is None:
            alike = [one for one in self.files if posixpath.splitext(one)[1] == posixpath.splitext(path)[1]]
            self.report.add(
                codes.NO_FILE, spot, f"there is no file `{path}` under the rules", advise(path, alike, "there are")
            )
            return None
        return decode(f"{self.root}{path}", content, self.report)


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
            f"the key `{key}` is {a(fields[key].type)}",
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
    if "file" not in values:
        return tuple(values.get("values", ()))
    file = beside.open(path, values["file"], values.spot("file"))
    return () if file is None else read_lines(file)


class SourceReader:
    """Makes sources of their documents."""

    def __init__(self, names: Names, expressions: Expressions, city: City, report: Report) -> None:
        self.names, self.expressions, self.city, self.report = names, expressions, city, report

    def read(self, values: Values) -> Source | None:
        """The source; None if its mapping is wrong."""
        before, zone = self.report.faults, values.get("zone", self.city.zone)
        draft = values.get("event")
        if not isinstance(draft, MappingDraft):
            return None
        mapping = self._mapping(draft, self.names.record(values.get("format", "json"), zone), zone)
        self._check_silence(values)
        if mapping is None or not values.sound or self.report.faults > before:
            return None
        source = Source(
            id=values["id"],
            topic=values["topic"],
            format=values["format"],
            mapping=mapping,
            title=values.get("title", ""),
            zone=zone,
            open=values.get("open", False),
            **{name: values[name] for name in ("disorder", "lateness", "idle", "silence", "skew") if name in values},
        )
        self._check_fields(source, draft)
        return source

    def _check_silence(self, values: Values) -> None:
        for name in ("silence", "idle"):
            if values.get(name) == 0:
                self.report.add(
                    codes.OUT_OF_RANGE,
                    values.spot(name),
                    f"`{name}` must be longer than zero",
                    "write a longer time, or off",
                )

    def _mapping(self, draft: MappingDraft, scope: Scope, zone: str) -> RecordMapping | None:
        parts = {
            name: self.expressions.compile(passage, scope, None if name == "id" else "string")
            for name, passage in draft.parts.items()
        }
        times = {name: self._time(one, scope, zone) for name, one in draft.times.items()}
        place = {name: self._place_part(name, passage, scope) for name, passage in draft.place.items()}
        fields = {name: self.expressions.compile(passage, scope) for name, passage in draft.fields.items()}
        identity, kind, time = parts.get("id"), parts.get("type"), times.get("time")
        if identity is None or kind is None or time is None:
            return None
        return RecordMapping(
            identity, kind, time, times.get("received"), parts.get("severity"), _sound(place), _sound(fields)
        )

    def _place_part(self, name: str, passage: Passage, scope: Scope) -> Expression | None:
        if name not in ("lat", "lon"):
            return self.expressions.compile(passage, scope, "string")
        found = self.expressions.compile(passage, scope)
        if found is not None and found.type not in LATITUDES:
            self.report.add(
                codes.CEL_RESULT,
                passage.spot,
                f"`{name}` must be a number, and this is {a(found.type)}",
                f"write double({passage.text})",
            )
        return found

    def _time(self, draft: TimeDraft, scope: Scope, zone: str) -> TimeMapping | None:
        value = self.expressions.compile(draft.value, scope)
        return None if value is None else TimeMapping(value, draft.format, draft.zone or zone, draft.otherwise)

    def _check_fields(self, source: Source, draft: MappingDraft) -> None:
        """Types that nobody declares are refused; a field that no type has would be dropped at every event."""
        if source.open:
            return
        branch = branch_of(*source.mapping.type.prefix)
        types = [one for name, one in self.names.event_types.items() if fits(branch, name)]
        if not types:
            self.report.add(
                codes.SENDS_NOTHING,
                draft.parts["type"].spot,
                f"no event type is declared that {source.id} can send (`{branch}`)",
            )
            return
        known = {name for one in types for name in one.fields}
        for name, passage in draft.fields.items():
            if name not in known:
                self.report.add(
                    codes.UNKNOWN_FIELD,
                    passage.spot,
                    f"no event type that {source.id} sends has a field `{name}`",
                    advise(name, known, "their fields are"),
                )


def _sound(parts: Mapping[str, Expression | None]) -> dict[str, Expression]:
    return {name: part for name, part in parts.items() if part is not None}


def check_registers(event_types: Iterable[tuple[EventType, Values]], registers: Iterable[str], report: Report) -> None:
    """A field that names a register must name one that exists."""
    known = tuple(registers)
    for event_type, values in event_types:
        for field in event_type.fields.values():
            if field.register and field.register not in known:
                report.add(
                    codes.UNKNOWN_REGISTER,
                    values.spot("fields") if not (spot := _register_spot(values, field.name)) else spot,
                    f"there is no register `{field.register}`",
                    advise(field.register, known, "the registers are"),
                )


def _register_spot(values: Values, field: str) -> Spot | None:
    node: Any = values.node.get("fields")
    for name in (field, "register"):
        node = node.get(name) if hasattr(node, "get") else None
    return None if node is None else node.spot
