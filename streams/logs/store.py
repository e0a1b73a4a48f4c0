"""The embedded log's open file: one per path in a process, shared by all who open it there.

Durability. WAL with synchronous=FULL: an acknowledged append was written and flushed to the disk, so it
survives kill -9 and a power cut. What waits while a flush runs goes into the next one together. With the
setting sync="normal" nothing is flushed at an append: kill -9 still loses nothing (the bytes are with the
kernel), a power cut may lose the last seconds; the file stays whole in both.

One process writes a file, guarded by a lock on `<file>.lock`, which the kernel opens when the process dies.
Others may read it at the same time (`read_only=True`).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, TypeVar

from streams.logs import LogError, LogLocked
from streams.logs.catalogue import Catalogue
from streams.logs.schema import connect, prepare
from streams.logs.writer import Operation, Writer

T = TypeVar("T")

_open: dict[tuple[Path, bool], Store] = {}
_guard = threading.Lock()


def acquire(path: Path, read_only: bool, sync: str | None) -> Store:
    """The open file at this path; opened by the first who asks. Each call needs one `release`."""
    path = path.resolve()
    with _guard:
        store = _open.get((path, False)) or _open.get((path, read_only))
        if store is None:
            store = _open[(path, read_only)] = Store(path, read_only, sync or "full")
        elif not read_only and sync not in (None, store.sync):
            raise LogError(f"{path} is open in this process with sync={store.sync!r}, not {sync!r}")
        store.users += 1
        return store


def release(store: Store) -> None:
    """Give it back; the last one closes the file, after everything asked for is stored."""
    with _guard:
        store.users -= 1
        if store.users == 0:
            del _open[(store.path, store.read_only)]
            store.close()


class Store:
    """The file, its writing thread and its reading thread. Thread-safe."""

    def __init__(self, path: Path, read_only: bool, sync: str) -> None:
        self.path, self.read_only, self.sync = path, read_only, sync
        self.users = 0
        self.catalogue = Catalogue()
        self.compacting = threading.Lock()
        self._listeners: list[Callable[[], None]] = []
        self._groups: set[str] = set()
        self._writer: Writer | None = None
        if read_only and not path.is_file():
            raise LogError(f"there is no log at {path}; a worker or `tocsin load` makes one")
        with contextlib.ExitStack() as undo:
            if not read_only:
                undo.enter_context(_lock(path))
                self._writer = Writer(self._connect(undo, False), self.catalogue, self._tell)
                undo.callback(self._writer.stop)
            self._connection = self._connect(undo, True)
            self._reader = ThreadPoolExecutor(1, thread_name_prefix="log-reader")
            undo.callback(self._reader.shutdown)
            self._undo = undo.pop_all()

    def _connect(self, undo: contextlib.ExitStack, read_only: bool) -> sqlite3.Connection:
        connection = connect(self.path, read_only, self.sync)
        undo.callback(connection.close)
        prepare(connection, self.path)
        self.catalogue.load(connection)
        return connection

    def write(self, operation: Operation) -> Future[Any]:
        """Have it done by the writing thread. Raises LogError where the file is open for reading only."""
        if self._writer is None:
            raise LogError(f"{self.path} is open for reading only")
        return self._writer.ask(operation)

    def query(self, function: Callable[..., T], *args: Any) -> Future[T]:
        """Call function(connection, *args) in the reading thread, with a reading connection."""
        return self._reader.submit(function, self._connection, *args)

    def listen(self, told: Callable[[], None]) -> None:
        """Call `told` (in another thread) after each growth of the log by this process."""
        with _guard:
            self._listeners = [*self._listeners, told]

    def unlisten(self, told: Callable[[], None]) -> None:
        """No more."""
        with _guard:
            self._listeners = [one for one in self._listeners if one != told]

    def join(self, group: str) -> None:
        """Note that the group is being read. Raises LogError where it already is."""
        if self.read_only:
            raise LogError(f"{self.path} is open for reading only: group {group!r} could not commit")
        with _guard:
            if group in self._groups:
                raise LogError(f"group {group!r} is already being read in this process")
            self._groups.add(group)

    def leave(self, group: str) -> None:
        """No more."""
        with _guard:
            self._groups.discard(group)

    def _tell(self) -> None:
        for told in self._listeners:
            told()

    def close(self) -> None:
        """Answer what was asked for, store what was appended, then let go of the file."""
        self._undo.close()


def _lock(path: Path) -> IO[str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.with_name(f"{path.name}.lock").open("a+", encoding="ascii")  # open as long as the lock
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        owner = file.read().strip() or "unknown"
        file.close()
        raise LogLocked(f"{path} is being written by process {owner}; one at a time may write it") from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
