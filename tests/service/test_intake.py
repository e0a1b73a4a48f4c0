"""The loop of ingest while partitions come and go: nothing is written by whoever lost them meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from streams import frames
from streams.logs import Bulk, Entry, LogError, Part
from streams.logs.sqlite import SqliteLog
from streams.rulefile import load
from streams.service.intake import IngestLoop
from streams.topics import Topics, city_topics
from tests.service.test_worker import RULES, reading

PART: Part = ("city.sensors", 0)
STATE = Topics().state("ingest")


class SlowLog(SqliteLog):
    """A log whose state topic is read only while `open` is set; `asked` tells that somebody waits."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.open, self.asked = asyncio.Event(), asyncio.Event()
        self.open.set()

    async def read(self, topic: str, partition: int, start: int = 0,
                   stop: int | None = None) -> AsyncIterator[list[Entry]]:
        """See `Log`."""
        if topic == STATE:
            self.asked.set()
            await self.open.wait()
        async for batch in super().read(topic, partition, start, stop):
            yield batch


class Desk(Bulk):
    """A member of a group whose partitions the test hands out; like Kafka's it names the old ones until new ones come.

    `at_end` is always true, so that whatever is owned follows the wall.
    """

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.entries: dict[Part, list[Entry]] = {}
        self.sought: list[tuple[Part, int]] = []

    async def start(self) -> None:
        """See `Bulk`."""

    async def stop(self) -> None:
        """See `Bulk`."""

    async def getmany(self, max_records: int = 2000, timeout_s: float = 0.1) -> dict[Part, list[Entry]]:
        """See `Bulk`."""
        found, self.entries = self.entries, {}
        return found

    async def commit(self, offsets: Mapping[Part, int]) -> None:
        """See `Bulk`."""

    async def committed(self, topic: str, partition: int) -> int | None:
        """See `Bulk`."""
        return None

    def assignment(self) -> list[Part]:
        """See `Bulk`."""
        return self.parts

    def position(self, topic: str, partition: int) -> int | None:
        """See `Bulk`."""
        return None

    async def seek(self, topic: str, partition: int, offset: int) -> None:
        """See `Bulk`."""
        if (topic, partition) not in self.parts:
            raise LogError("not ours")
        self.sought.append(((topic, partition), offset))

    def at_end(self, topic: str, partition: int) -> bool:
        """See `Bulk`."""
        return True


class Scene:
    """Two loops over one log, each with a desk of its own."""

    def __init__(self, log: SlowLog, folder: Path) -> None:
        (folder / "rules.yaml").write_text(RULES)
        bundle = load(folder)
        self.log = log
        self.bundle = bundle
        self.loops = [IngestLoop(bundle, log, Topics(), lambda: 0) for _ in range(2)]
        self.desks = [Desk(), Desk()]

    async def prepare(self) -> None:
        await self.log.start()
        await self.log.create([*Topics().specs(1), *city_topics(self.bundle, 1)])

    async def assign(self, who: int) -> None:
        self.desks[who].parts = [PART]
        await self.loops[who].on_assigned([PART])

    async def revoke(self, who: int) -> None:
        """As Kafka does it: the callback first, while the old assignment stands."""
        await self.loops[who].on_revoked([PART])

    async def once(self, who: int, *values: bytes, start: int = 0) -> None:
        """One step; what is read was fetched before it."""
        entries = [Entry(*PART, start + number, 10**15 * 2, None, value) for number, value in enumerate(values)]
        self.desks[who].entries = {PART: entries} if entries else {}
        await self.loops[who].once(self.desks[who])

    async def sent(self, topic: str) -> list[Entry]:
        return [entry async for batch in self.log.read(topic, 0) for entry in batch]


def played(folder: Path, play: Any) -> None:
    async def run() -> None:
        log = SlowLog(str(folder / "log.db"))
        (folder / "rules").mkdir()
        scene = Scene(log, folder / "rules")
        await scene.prepare()
        try:
            await asyncio.wait_for(play(scene), 30)
        finally:
            await log.stop()

    asyncio.run(run())


def test_what_is_revoked_while_its_state_is_read_is_not_owned(tmp_path: Path) -> None:
    async def play(scene: Scene) -> None:
        scene.log.open.clear()
        await scene.assign(0)
        step = asyncio.create_task(scene.once(0, reading(0)))
        await scene.log.asked.wait()
        await scene.revoke(0)
        scene.log.open.set()
        await step
        assert scene.loops[0].owned == {}
        assert scene.desks[0].sought == []
        assert await scene.sent(Topics().work) == await scene.sent(STATE) == []

    played(tmp_path, play)


def test_what_is_revoked_and_given_back_while_its_state_is_read_is_read_again(tmp_path: Path) -> None:
    """What was read stands behind what another owner kept in between."""
    async def play(scene: Scene) -> None:
        scene.log.open.clear()
        await scene.assign(0)
        step = asyncio.create_task(scene.once(0))
        await scene.log.asked.wait()
        await scene.revoke(0)
        scene.log.open.set()
        await scene.assign(1)
        await scene.once(1, reading(0), reading(1))
        await scene.revoke(1)
        await scene.assign(0)
        await step
        await scene.once(0, reading(0), reading(1), reading(2))
        assert scene.loops[0].owned[PART].fold.offset == 2
        assert scene.desks[0].sought == [(PART, 2)]
        assert [event["id"] for event in await events(scene)] == ["d1-0", "d1-1", "d1-2"]

    played(tmp_path, play)


def test_between_revoked_and_assigned_nothing_is_taken_over(tmp_path: Path) -> None:
    """Kafka's client names the old partitions until it has joined again."""
    async def play(scene: Scene) -> None:
        await scene.assign(0)
        await scene.once(0, reading(0))
        await scene.revoke(0)
        await scene.once(0, reading(1), start=1)
        assert scene.loops[0].owned == {}
        await scene.assign(1)
        await scene.once(1, reading(1), start=1)
        await scene.revoke(1)
        await scene.assign(0)
        await scene.once(0, reading(2), start=2)
        assert scene.loops[0].owned[PART].fold.offset == 2
        assert [event["id"] for event in await events(scene)] == ["d1-0", "d1-1", "d1-2"]

    played(tmp_path, play)


async def events(scene: Scene) -> list[dict[str, Any]]:
    """Every event on tocsin.events, in order; one sent twice stands there twice."""
    return [{"id": row.event.id} for entry in await scene.sent(Topics().events)
            for row in frames.decode_events(entry.value or b"").rows]
