"""Rows of cases and operators as the fold keeps them: put, dropped, and taken over through bytes."""

from __future__ import annotations

from typing import Any

import msgspec

from streams.respond.cases.state import Case
from streams.respond.operating.state import Operator


class Kept:
    """The two tables that the tests of cases and of operators look at."""

    def __init__(self) -> None:
        self.cases: dict[str, Case] = {}
        self.operators: dict[str, Operator] = {}

    def put(self, table: str, name: str, row: Any) -> None:
        """Remember a row."""
        self._table(table)[name] = row

    def drop(self, table: str, name: str) -> None:
        """Forget a row."""
        del self._table(table)[name]

    def reopened(self) -> Kept:
        """What another process finds that starts from these rows."""
        other = Kept()
        other.cases = {name: _again(row) for name, row in self.cases.items()}
        other.operators = {name: _again(row) for name, row in self.operators.items()}
        return other

    def _table(self, table: str) -> dict[str, Any]:
        tables: dict[str, dict[str, Any]] = {"case": self.cases, "operator": self.operators}
        return tables[table]


def _again(row: Any) -> Any:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(row), type=type(row))
