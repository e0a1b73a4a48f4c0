"""The service on the embedded log, fed with the real calls: the backtest's episodes, also when it is killed."""

from __future__ import annotations

import asyncio
import random
from functools import partial
from pathlib import Path

import pytest

from streams.logs import open_log
from streams.rulefile import load
from streams.tools.backtest import Backtest
from streams.tools.backtesting.events import EventLog
from streams.tools.load import load as load_file
from streams.topics import Topics
from tests.broker.cluster import WorkerProcess, conflicts, episodes, told, until
from tests.conftest import needs_shared, shared
from tests.real.montco import CALLS, write_rules
from tests.real.test_montco import composites, sequences, silences, thresholds

pytestmark = [pytest.mark.real, needs_shared("data/montco911")]
KILLS = 10


def test_ten_kills_of_the_embedded_service_lose_nothing(tmp_path: Path) -> None:
    documents = "\n\n".join([thresholds(), composites(), sequences(), silences()])
    rules = write_rules(tmp_path / "rules", documents, idle="4s", silence="silence: 2h")
    bundle = load(rules)
    wanted = episodes(Backtest(bundle, [("calls", shared() / CALLS)], "arrival", finish=True).final())
    broker, dice = f"embedded://{tmp_path}/log.db", random.Random(4)
    worker = WorkerProcess("worker", broker, rules, "tocsin", tmp_path, partitions=4)

    async def work() -> None:
        log = open_log(broker)
        await log.start()
        await load_file(log, bundle, bundle.sources["calls"], shared() / CALLS, None, 1)
        await log.stop()
        worker.start()
        for _ in range(KILLS):
            await asyncio.sleep(dice.uniform(0.5, 3.0))
            worker.kill()
            worker.start()
        log = open_log(broker, read_only=True)
        await log.start()

        async def equal() -> bool:
            found = await told(log, Topics())
            return len(episodes(found)) >= len(wanted) and episodes(found) == wanted

        try:
            await until(equal, 120, "the backtest's episodes")
            assert conflicts(await told(log, Topics())) == []
        finally:
            await log.stop()

    try:
        asyncio.run(work())
        assert worker.starts == KILLS + 1
        assert worker.stop() == 0
    finally:
        worker.kill()
    events = EventLog(partial(open_log, broker, read_only=True), Topics().events)
    for jobs in (1, 2):  # what was accepted through all kills, each event once, gives the same
        assert episodes(Backtest(bundle, events=events, finish=True, jobs=jobs).final()) == wanted
