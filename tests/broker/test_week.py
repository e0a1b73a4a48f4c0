"""The library of rules on a simulated week: two workers on a real Kafka find what the backtest finds."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path

import pytest

from streams.tools.load import load
from streams.topics import Topics, city_topics
from tests.broker.cluster import WorkerProcess, conflicts, opened, told, until
from tests.week import Week, episodes

pytestmark = pytest.mark.broker
PARTITIONS = 4


def test_two_workers_find_what_the_backtest_finds_in_a_week(broker: str, tmp_path: Path) -> None:
    prefix = f"w{uuid.uuid4().hex[:8]}"
    week, topics = Week(tmp_path, f"{prefix}."), Topics(prefix)
    wanted = episodes(week.known(week.backtest()))
    workers = [WorkerProcess(f"worker{n}", broker, week.rules, prefix, tmp_path, partitions=PARTITIONS)
               for n in range(2)]

    async def work() -> None:
        log = await opened(broker)
        try:
            await log.create(city_topics(week.bundle, 1))
            for name, path in week.inputs:
                await load(log, week.bundle, week.bundle.sources[name], path, None, 1)
            for worker in workers:
                worker.start()

            async def equal() -> bool:
                if topics.respond not in await log.topics():
                    return False
                last = {one.id: one for one in sorted(await told(log, topics), key=lambda one: one.sequence)}
                return episodes(week.known(last.values())) == wanted

            await until(equal, 120, "the backtest's episodes")
            assert conflicts(await told(log, topics)) == []
        finally:
            await log.stop()

    try:
        asyncio.run(work())
        assert [worker.stop() for worker in workers] == [0, 0]
    finally:
        for worker in workers:
            worker.kill()
