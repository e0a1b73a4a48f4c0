"""For tests of the operators' desk: a deployment whose respond is played by a thread, and whose wall is the test's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pytest

from streams import desk, findings
from streams.cli import main
from streams.findings import ResponseFrame, Row, TickRow
from streams.logs import Log, Outgoing, open_log
from streams.records import Micros
from streams.rules import Bundle
from streams.service.feedback import FeedbackLoop
from streams.service.folds import RespondFold
from streams.tools.desk import posting
from streams.topics import Topics

TOPICS = Topics()


class Deployment:
    """An embedded log with one bundle, a clock that tests set, and ids that count.

    While `answering` a thread takes in what people do and folds it, as a worker with the role respond does.
    """

    def __init__(self, folder: Path, bundle: Bundle, now: Micros) -> None:
        self.bundle, self.now = bundle, now
        self.broker = f"embedded://{folder}/log.db"
        self._fold = RespondFold(bundle, TOPICS, 0)
        self._ids = count(1)
        asyncio.run(self._made())

    def tocsin(self, *words: str) -> int:
        """A command of the desk."""
        return main([*words, "--broker", self.broker])

    def find(self, rows: Iterable[Row]) -> None:
        """What detect tells."""
        asyncio.run(self._append([Outgoing(TOPICS.respond, 0, None, findings.encode(ResponseFrame(list(rows))))]))

    def wait_until(self, now: Micros) -> None:
        """Time passes."""
        self.now = now
        self.find([TickRow(now)])

    def events(self, topic: str) -> list[dict[str, Any]]:
        """What stands on a topic."""
        return asyncio.run(self._events(TOPICS.named(topic)))

    def new_id(self) -> str:
        """The next id of an action."""
        return f"action-{next(self._ids)}"

    @contextmanager
    def answering(self) -> Iterator[None]:
        """While somebody answers."""
        ready, stopping = threading.Event(), threading.Event()
        thread = threading.Thread(target=lambda: asyncio.run(self._respond(ready, stopping)))
        thread.start()
        try:
            assert ready.wait(10)
            yield
        finally:
            stopping.set()
            thread.join()

    async def _respond(self, ready: threading.Event, stopping: threading.Event) -> None:
        log = open_log(self.broker)
        await log.start()
        loop = FeedbackLoop(log, TOPICS)
        bulk = log.bulk("tocsin-feedback", [TOPICS.feedback])
        await bulk.start()
        ready.set()
        try:
            while not stopping.is_set():
                await self._fold_new(log)
                await loop.once(bulk)
        finally:
            await self._fold_new(log)
            await bulk.stop()
            await log.stop()

    async def _fold_new(self, log: Log) -> None:
        async for batch in log.read(TOPICS.respond, 0, self._fold.offset + 1):
            for entry in batch:
                await log.append(self._fold.step(entry.offset, entry.value or b""))

    async def _made(self) -> None:
        async with _opened(self.broker) as log:
            await log.create(TOPICS.specs(1))

    async def _append(self, entries: list[Outgoing]) -> None:
        async with _opened(self.broker) as log:
            await log.append(entries)

    async def _events(self, topic: str) -> list[dict[str, Any]]:
        async with _opened(self.broker) as log:
            return [orjson.loads(entry.value or b"") async for batch in log.read(topic, 0) for entry in batch]


@asynccontextmanager
async def _opened(broker: str) -> AsyncIterator[Log]:
    """A log while it is open."""
    log = open_log(broker)
    await log.start()
    try:
        yield log
    finally:
        await log.stop()


def deployed(folder: Path, bundle: Bundle, now: Micros, patch: pytest.MonkeyPatch) -> Deployment:
    """A deployment that the commands find, with its clock, ids and rules in place of the real ones."""
    made = Deployment(folder, bundle, now)
    patch.setattr(desk, "load_bundle", lambda path: made.bundle)
    patch.setattr(desk, "wall", lambda: made.now)
    patch.setattr(desk, "new_id", made.new_id)
    patch.setattr(posting, "PATIENCE_S", 5.0)
    patch.setenv("LOGNAME", "lan")  # what getpass asks first
    for name in ("TOCSIN_ROLE", "TOCSIN_BROKER"):
        patch.delenv(name, raising=False)
    return made
