"""Rows that are kept as bytes, as the state topic does."""

from __future__ import annotations

from typing import Any

import msgspec

from streams.records import Micros
from streams.respond.notifying import Group, Notice, Quieting, Storm

TYPES: dict[str, Any] = {"notice": Notice, "group": Group, "storm": Storm, "silence": Quieting}


class Rows:
    """Rows of notifications, taken down as bytes when they are put: what is changed and not put is lost."""

    def __init__(self, kept: dict[str, bytes] | None = None) -> None:
        self.notices: dict[str, Notice] = {}
        self.groups: dict[str, Group] = {}
        self.storms: dict[str, Storm] = {}
        self.silences: dict[str, Quieting] = {}
        self.kept = dict(sorted((kept or {}).items()))
        self._tables: dict[str, dict[str, Any]] = {
            "notice": self.notices, "group": self.groups, "storm": self.storms, "silence": self.silences}
        for name, row in self.kept.items():
            table, _, id = name.partition("/")
            self._tables[table][id] = msgspec.msgpack.decode(row, type=TYPES[table])

    def put(self, table: str, name: str, row: Any) -> None:
        self._tables[table][name] = row
        self.kept[f"{table}/{name}"] = msgspec.msgpack.encode(row)

    def drop(self, table: str, name: str) -> None:
        del self._tables[table][name]
        del self.kept[f"{table}/{name}"]

    def forget(self, now: Micros) -> None:
        """What has come to its end is forgotten."""
        for table, rows in self._tables.items():
            for name in [name for name, row in rows.items() if row.forget is not None and row.forget < now]:
                self.drop(table, name)
