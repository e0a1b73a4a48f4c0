"""Two workers on a real Kafka: the backtest's episodes, whoever is killed."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from zlib import crc32

import pytest

from streams.logs import Log, Outgoing
from streams.rulefile import load
from streams.tools.backtest import Backtest
from streams.tools.replay import read_records
from streams.topics import Topics, city_topics
from tests.broker.cluster import WorkerProcess, answers, conflicts, episodes, get, opened, told, until, values
from tests.conftest import needs_shared, shared
from tests.real.montco import CALLS, calls, write_rules
from tests.real.test_montco import composites, sequences, silences, thresholds

pytestmark = [pytest.mark.broker, needs_shared("data/montco911")]
PARTITIONS = 4
KILLS = 10
FEED_S = 45.0


class Cluster:
    """Two workers, their rules and the expected episodes."""

    def __init__(self, broker: str, folder: Path, idle: str) -> None:
        self.broker, self.prefix = broker, f"t{uuid.uuid4().hex[:8]}"
        self.topics = Topics(self.prefix)
        rules = "\n\n".join([thresholds(), composites(), sequences(), silences()])
        self.rules = write_rules(folder / "rules", rules, idle=idle, topic=f"{self.prefix}.city.calls")
        self.bundle = load(self.rules)
        self.source = self.bundle.sources["calls"]
        self.workers = [WorkerProcess(f"worker{n}", broker, self.rules, self.prefix, folder, partitions=PARTITIONS)
                        for n in range(2)]

    def entries(self) -> list[Outgoing]:
        """The calls, those that meet in a key at equal times in one partition, so that they keep their order."""
        home = homes()
        return [Outgoing(self.source.topic, home[calls()[one.row].twp], None, one.value, tuple(one.headers.items()))
                for one in read_records(self.source, shared() / CALLS)]

    def expected(self) -> list[tuple[object, ...]]:
        """What the backtest says."""
        return episodes(Backtest(self.bundle, [("calls", shared() / CALLS)], "arrival", finish=True).final())


def homes() -> dict[str, int]:
    """A partition for each township; those that share an address and an instant share it."""
    groups = {call.twp: {call.twp} for call in calls()}
    met: dict[tuple[str, int], str] = {}
    for call in calls():
        if not call.addr or "VEHICLE ACCIDENT" not in call.title:
            continue  # no rule of ours looks at these by address
        other = met.setdefault((call.addr, call.time), call.twp)
        if groups[other] is not groups[call.twp]:
            groups[other] |= groups[call.twp]
            groups.update(dict.fromkeys(groups[call.twp], groups[other]))
    return {township: crc32(min(group).encode()) % PARTITIONS for township, group in groups.items()}


@pytest.fixture
def cluster(broker: str, tmp_path: Path) -> Iterator[Cluster]:
    """Workers that are not started yet; none is left running."""
    made = Cluster(broker, tmp_path, idle="12s")
    yield made
    for worker in made.workers:
        worker.kill()


async def settled(log: Log, cluster: Cluster, wanted: list[tuple[object, ...]], within_s: float) -> None:
    """Wait until the episodes told are the wanted ones; say how they differ if they never are."""
    async def equal() -> bool:
        return episodes(await told(log, cluster.topics)) == wanted

    try:
        await until(equal, within_s, "the backtest's episodes")
    except AssertionError:
        found = set(episodes(await told(log, cluster.topics)))
        missing, extra = sorted(set(wanted) - found), sorted(found - set(wanted))
        raise AssertionError(f"missing {len(missing)}: {missing[:5]}; extra {len(extra)}: {extra[:5]}") from None


async def ready(port: int) -> bool:
    """Whether a worker has its partitions and their state."""
    return get(port, "/readyz") == (200, "ready\n")


def test_two_workers_say_what_the_backtest_says_and_stop_gracefully(cluster: Cluster) -> None:
    async def work() -> None:
        log = await opened(cluster.broker)
        try:
            await log.create(city_topics(cluster.bundle, PARTITIONS))
            await log.append(cluster.entries())
            for worker in cluster.workers:
                worker.start()
            await settled(log, cluster, cluster.expected(), 120)
            found = await told(log, cluster.topics)
            assert conflicts(found) == []
        finally:
            await log.stop()

    asyncio.run(work())
    for worker in cluster.workers:
        port = worker.port
        assert port is not None
        assert get(port, "/healthz") == (200, "alive\n")
        asyncio.run(until(partial(ready, port), 30, f"{worker.name} is ready"))
        assert "tocsin_records_total" in get(port, "/metrics")[1]
        assert worker.stop() == 0


def test_ten_kills_at_random_moments_lose_nothing(cluster: Cluster) -> None:
    dice = random.Random(4)

    async def feed(log: Log) -> None:
        entries = cluster.entries()
        batches = [entries[at: at + 100] for at in range(0, len(entries), 100)]
        for batch in batches:
            await log.append(batch)
            await asyncio.sleep(FEED_S / len(batches))

    async def kill() -> None:
        for _ in range(KILLS):
            await asyncio.sleep(dice.uniform(1.0, 2 * FEED_S / KILLS - 1.0))
            victim = dice.choice(cluster.workers)
            victim.kill()
            victim.start()

    async def work() -> None:
        log = await opened(cluster.broker)
        try:
            await log.create(city_topics(cluster.bundle, PARTITIONS))
            for worker in cluster.workers:
                worker.start()
            await asyncio.gather(feed(log), kill())
            await settled(log, cluster, cluster.expected(), 180)
            assert conflicts(await told(log, cluster.topics)) == []

            async def told_to_people() -> bool:
                wanted = (await answers(log, cluster.topics, cluster.bundle))["alerts"]
                return bool(wanted) and await values(log, cluster.topics.alerts) == wanted

            await until(told_to_people, 60, "every alert that the findings give, and no other content")
        finally:
            await log.stop()

    asyncio.run(work())
    assert sum(worker.starts for worker in cluster.workers) == 2 + KILLS
