"""The one thread that writes the embedded log: what waits is stored in one transaction, then answered.

An operation is a function of the `Turn` (the transaction in hand). It must raise its LogError, if any, before
it writes: then it alone fails. Anything else that goes wrong rolls the whole turn back and fails all of it.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeAlias

from streams.logs import AppendFailed, LogError
from streams.logs.catalogue import Catalogue, PartRow
from streams.logs.chunks import Row, pack, runs
from streams.logs.schema import place

Operation: TypeAlias = Callable[["Turn"], Any]
Asked: TypeAlias = tuple[Operation, "Future[Any]"]

TURN_MAX = 256  # operations in one transaction: bounds how long the first of them waits


class Turn:
    """One transaction. Rows appended by several operations to one partition become one run."""

    def __init__(self, connection: sqlite3.Connection, catalogue: Catalogue) -> None:
        self.connection = connection
        self.catalogue = catalogue
        self._rows: dict[int, list[Row]] = {}
        self._grown: dict[int, PartRow] = {}
        self._next: dict[int, int] = {}

    def append(self, part: PartRow, rows: Sequence[tuple[int, bytes | None, bytes | None, Any]]) -> int:
        """Add rows (time, key, value, headers) at the end of a partition; the offset of the first."""
        first = self._next.get(part.id, part.next)
        waiting = self._rows.setdefault(part.id, [])
        waiting.extend([(first + at, *row) for at, row in enumerate(rows)])
        self._grown[part.id] = part
        self._next[part.id] = first + len(rows)
        return first

    def finish(self) -> None:
        """Write what was appended. Before COMMIT."""
        for log, rows in self._rows.items():
            insert_runs(self.connection, log, rows)
        ends = [(self._next[log], log) for log in self._grown]
        self.connection.executemany("UPDATE log SET next = ? WHERE id = ?", ends)

    def settle(self) -> bool:
        """After COMMIT: show the new ends to readers; whether any partition grew."""
        for log, part in self._grown.items():
            part.next = self._next[log]
        return bool(self._grown)


def insert_runs(connection: sqlite3.Connection, log: int, rows: list[Row]) -> None:
    """Store rows of one partition as runs."""
    packed = [pack(run) for run in runs(rows)]
    stored = [(place(log, last), first, newest, n, s, k, v) for first, last, newest, n, s, k, v in packed]
    connection.executemany("INSERT INTO chunk VALUES (?, ?, ?, ?, ?, ?, ?)", stored)


class Writer:
    """Owns the writing connection and its thread."""

    def __init__(self, connection: sqlite3.Connection, catalogue: Catalogue, grown: Callable[[], None]) -> None:
        self._connection = connection
        self._catalogue = catalogue
        self._grown = grown
        self._asked: queue.SimpleQueue[Asked | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def ask(self, operation: Operation) -> Future[Any]:
        """Have the operation done in one of the next turns; its answer comes after the commit."""
        future: Future[Any] = Future()
        self._asked.put((operation, future))
        return future

    def stop(self) -> None:
        """Do what was asked so far, then end the thread."""
        self._asked.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (batch := self._take()) is not None:
            live = [asked for asked in batch if asked[1].set_running_or_notify_cancel()]
            if live:
                self._turn(live)

    def _take(self) -> list[Asked] | None:
        first = self._asked.get()
        if first is None:
            return None
        batch = [first]
        while len(batch) < TURN_MAX:
            try:
                more = self._asked.get_nowait()
            except queue.Empty:
                break
            if more is None:
                self._asked.put(None)  # to be found again by the next take
                break
            batch.append(more)
        return batch

    def _turn(self, batch: list[Asked]) -> None:
        turn = Turn(self._connection, self._catalogue)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            answers = [_answer(operation, turn) for operation, _ in batch]
            turn.finish()
            self._connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - the thread must live on; every caller is told
            self._undo(batch, error)
            return
        grown = turn.settle()
        for (_, future), (value, refusal) in zip(batch, answers, strict=True):
            future.set_exception(refusal) if refusal is not None else future.set_result(value)
        if grown:
            self._grown()

    def _undo(self, batch: list[Asked], error: Exception) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._catalogue.load(self._connection)
        told = AppendFailed(f"the log could not be written: {error}")
        told.__cause__ = error
        for _, future in batch:
            future.set_exception(told)


def _answer(operation: Operation, turn: Turn) -> tuple[Any, LogError | None]:
    try:
        return operation(turn), None
    except LogError as refusal:
        return None, refusal
