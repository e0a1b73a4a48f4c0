"""Faust on the embedded log: the same agents as on Kafka, and what the embedded transport promises beyond."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import faust
import pytest
from faust.exceptions import NotReady, ProducerSendError
from faust.types import TP

from streams.logs import MAX_ENTRY_BYTES, Entry, Log, Outgoing, TopicSpec, UnknownTopic, open_log
from streams.service.app import faust_app

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 40.0


def coroutine(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test that runs in a loop of its own."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 2 * DEADLINE_S))

    return run


@pytest.fixture
def embedded(tmp_path: Path) -> str:
    return f"embedded://{tmp_path / 'log.db'}"


@pytest.fixture
def name() -> str:
    return f"t{uuid.uuid4().hex[:8]}"


class Seen:
    """What agents got, by partition, in the order they got it."""

    def __init__(self) -> None:
        self.by_part: dict[TP, list[int]] = {}
        self.values: list[bytes] = []
        self._more = asyncio.Event()

    def add(self, event: Any) -> None:
        self.by_part.setdefault(TP(event.message.topic, event.message.partition), []).append(event.message.offset)
        self.values.append(event.value)
        self._more.set()

    async def until(self, enough: Callable[[Seen], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not enough(self):
                self._more.clear()
                await self._more.wait()


@contextlib.asynccontextmanager
async def opened(address: str, *specs: TopicSpec) -> AsyncIterator[Log]:
    log = open_log(address)
    await log.start()
    try:
        await log.create(specs)
        yield log
    finally:
        await log.stop()


@contextlib.asynccontextmanager
async def running(app: faust.App) -> AsyncIterator[faust.App]:
    await app.start()
    try:
        yield app
    finally:
        await app.stop()


def reader(app: faust.App, topic: str, seen: Seen, then: Callable[[Any], Awaitable[None]] | None = None) -> None:
    """An agent that takes batches and acknowledges each event after `then`."""

    async def take(stream: Any) -> AsyncIterator[None]:
        async for events in stream.noack_take(50, within=0.01):
            for event in events:
                seen.add(event)
                if then is not None:
                    await then(event)
            for event in events:
                event.ack()
            yield None

    channel = app.topic(topic, key_type=bytes, value_type=bytes)
    app.agent(channel, name=f"reader-{topic}", concurrency=1)(take)


def numbered(topic: str, partitions: int, numbers: range) -> list[Outgoing]:
    return [Outgoing(topic, n % partitions, b"k%d" % n, b"v%d" % n, (("n", b"%d" % n),)) for n in numbers]


async def values(log: Log, topic: str, partitions: int) -> list[Entry]:
    """Everything in a topic."""
    return [entry for p in range(partitions) async for batch in log.read(topic, p) for entry in batch]


@coroutine
async def test_an_agent_gets_all_in_order_and_goes_on_where_it_stopped(address: str, name: str) -> None:
    async with opened(address, TopicSpec(name, 3)) as log:
        await log.append(numbered(name, 3, range(300)))
        first = Seen()
        app = faust_app(f"a-{name}", address)
        reader(app, name, first)
        async with running(app):
            await first.until(lambda seen: len(seen.values) >= 300)
            await log.append(numbered(name, 3, range(300, 360)))
            await first.until(lambda seen: len(seen.values) >= 360)
        assert first.by_part == {TP(name, p): list(range(120)) for p in range(3)}
        assert await log.committed(f"a-{name}") == {(name, p): 120 for p in range(3)}

        await log.append(numbered(name, 3, range(360, 390)))
        second = Seen()
        app = faust_app(f"a-{name}", address)
        reader(app, name, second)
        async with running(app):
            await second.until(lambda seen: len(seen.values) >= 30)
        assert second.by_part == {TP(name, p): list(range(120, 130)) for p in range(3)}


@coroutine
async def test_what_an_agent_sends_is_stored_before_its_ack(address: str, name: str) -> None:
    out = f"{name}-out"
    async with opened(address, TopicSpec(name, 2), TopicSpec(out, 2)) as log:
        app = faust_app(f"a-{name}", address)
        stored: list[tuple[int, int]] = []

        async def copy(event: Any) -> None:
            sending = await app.producer.send(
                out,
                event.key,
                event.value,
                event.message.partition,
                1_700_000_000.123,
                {"from": b"%d" % event.message.offset},
            )
            answer = await sending
            stored.append((answer.partition, answer.offset))

        seen = Seen()
        reader(app, name, seen, copy)
        await log.append(numbered(name, 2, range(40)))
        async with running(app):
            await seen.until(lambda seen: len(seen.values) >= 40)
        assert sorted(stored) == [(p, offset) for p in range(2) for offset in range(20)]
        entries = await values(log, out, 2)
        assert {entry.value for entry in entries} == {b"v%d" % n for n in range(40)}
        assert entries[0].timestamp == 1_700_000_000_123_000
        assert all(entry.headers[0][0] == "from" for entry in entries)


@coroutine
async def test_events_carry_headers_time_and_key(address: str, name: str) -> None:
    async with opened(address, TopicSpec(name, 1)) as log:
        got: list[Any] = []

        async def keep(event: Any) -> None:
            got.append((event.key, event.value, dict(event.message.headers), event.message.timestamp))

        seen = Seen()
        app = faust_app(f"a-{name}", address)
        reader(app, name, seen, keep)
        async with running(app):
            await log.append([Outgoing(name, 0, b"k", b"v", (("h", b"x"),), 1_700_000_000_123_000)])
            await log.append([Outgoing(name, 0, None, b"", (), 1_700_000_000_123_000)])
            await seen.until(lambda seen: len(seen.values) >= 2)
        assert got == [(b"k", b"v", {"h": b"x"}, 1_700_000_000.123), (None, b"", {}, 1_700_000_000.123)]


@coroutine
async def test_assignment_is_told(address: str, name: str) -> None:
    async with opened(address, TopicSpec(name, 3)) as log:
        told: list[set[TP]] = []
        app = faust_app(f"a-{name}", address)

        async def assigned(_: Any, /, *args: Any, signal: Any, **kwargs: Any) -> None:
            told.append(set(args[0]))

        app.on_partitions_assigned.connect(assigned, weak=False)
        seen = Seen()
        reader(app, name, seen)
        await log.append(numbered(name, 3, range(3)))
        async with running(app):
            await seen.until(lambda seen: len(seen.values) >= 3)
        assert told == [{TP(name, p) for p in range(3)}]


@coroutine
async def test_what_is_not_acknowledged_comes_again(embedded: str, name: str) -> None:
    async with opened(embedded, TopicSpec(name, 1)) as log:
        await log.append(numbered(name, 1, range(20)))
        seen = Seen()
        app = faust_app(f"a-{name}", embedded, stream_wait_empty=False)

        async def take(stream: Any) -> AsyncIterator[None]:
            async for events in stream.noack_take(20, within=0.01):
                for event in events:
                    seen.add(event)
                    if event.message.offset < 7:
                        event.ack()
                yield None

        app.agent(app.topic(name), concurrency=1)(take)
        async with running(app):
            await seen.until(lambda seen: len(seen.values) >= 20)
        assert await log.committed(f"a-{name}") == {(name, 0): 7}
        again = Seen()
        app = faust_app(f"a-{name}", embedded)
        reader(app, name, again)
        async with running(app):
            await again.until(lambda seen: len(seen.values) >= 13)
        assert again.by_part == {TP(name, 0): list(range(7, 20))}


@coroutine
async def test_rebalances_under_load_skip_nothing(embedded: str, name: str) -> None:
    """A new group, revoked and assigned again and again while records come: none is missing, order holds."""
    other = f"{name}-other"
    async with opened(embedded, TopicSpec(name, 2), TopicSpec(other, 1)) as log:
        told: list[str] = []
        app = faust_app(f"a-{name}", embedded)

        async def assigned(_: Any, /, *args: Any, signal: Any, **kwargs: Any) -> None:
            told.append(f"assigned {len(args[0])}")

        async def revoked(_: Any, /, *args: Any, signal: Any, **kwargs: Any) -> None:
            told.append(f"revoked {len(args[0])}")

        app.on_partitions_assigned.connect(assigned, weak=False)
        app.on_partitions_revoked.connect(revoked, weak=False)
        seen = Seen()
        reader(app, name, seen)
        await log.append(numbered(name, 2, range(1000)))
        async with running(app):
            for round_, topics in enumerate([[name, other], [name]] * 3):
                await app.consumer.subscribe(topics)
                await log.append(numbered(name, 2, range(1000 + round_ * 100, 1100 + round_ * 100)))
                await seen.until(lambda seen, least=1000 + round_ * 100: len(set(seen.values)) >= least)  # type: ignore[misc]
            await seen.until(lambda seen: len(set(seen.values)) >= 1600)
        for offsets in seen.by_part.values():
            assert list(dict.fromkeys(offsets)) == list(range(800))
        assert await log.committed(f"a-{name}") == {(name, 0): 800, (name, 1): 800}
        assert told[:2] == ["revoked 0", "assigned 2"]
        assert told.count("revoked 2") == told.count("assigned 3") == 3


COPIER = """
import asyncio, itertools, sys
from streams.service.app import faust_app

async def main():
    address, name = sys.argv[1:]
    app = faust_app(f"a-{name}", address)

    async def copy(stream):
        async for events in stream.noack_take(20, within=0.01):
            send = app.producer.send
            sent = [await send(name + "-out", None, e.value, e.message.partition, None, None) for e in events]
            await asyncio.gather(*sent)
            for event in events:
                event.ack()
            if next(batches) % 3 == 2:
                await app.consumer.commit()
            print(len(events), flush=True)
            yield None

    batches = itertools.count()
    app.agent(app.topic(name), concurrency=1)(copy)
    await app.start()
    await asyncio.sleep(3600)

asyncio.run(main())
"""


def copy_until_killed(address: str, name: str, lines: int) -> None:
    """Run the copier in a process of its own until it has copied that many batches, then kill -9."""
    environment = {**os.environ, "PYTHONPATH": "."}
    command = [sys.executable, "-c", COPIER, address, name]
    copier = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, env=environment)
    assert copier.stdout is not None
    assert all(copier.stdout.readline() for _ in range(lines))
    os.kill(copier.pid, signal.SIGKILL)
    copier.wait()
    copier.stdout.close()


@coroutine
async def test_kill_9_of_a_worker_loses_nothing(embedded: str, name: str) -> None:
    out = f"{name}-out"
    async with opened(embedded, TopicSpec(name, 2), TopicSpec(out, 2)) as log:
        await log.append(numbered(name, 2, range(2000)))
    for lines in (3, 7, 11):
        await asyncio.to_thread(copy_until_killed, embedded, name, lines)
    async with opened(embedded) as log:
        committed = await log.committed(f"a-{name}")
        for partition in range(2):
            sent = [entry.value async for batch in log.read(out, partition) for entry in batch]
            first = list(dict.fromkeys(sent))
            assert first == [b"v%d" % n for n in range(partition, 2000, 2)][: len(first)]
            assert len(first) >= committed.get((name, partition), 0)
        assert sum(committed.values()) > 0


@coroutine
async def test_several_apps_and_readers_share_one_file(embedded: str) -> None:
    names = ["ingest", "detect", "respond"]
    async with (
        opened(embedded, *[TopicSpec(name, 2) for name in [*names, "raw"]]) as log,
        contextlib.AsyncExitStack() as stack,
    ):
        apps = {name: faust_app(name, embedded) for name in names}
        seen = {name: Seen() for name in names}
        for name, following in itertools.zip_longest(names, names[1:]):

            async def forward(event: Any, name: str = name, following: str | None = following) -> None:
                if following is not None:
                    await (
                        await apps[name].producer.send(
                            following, None, event.value, event.message.partition, None, None
                        )
                    )

            reader(apps[name], name, seen[name], forward)
            await stack.enter_async_context(running(apps[name]))
        raw = log.bulk("raw-ingest", ["raw"])
        await raw.start()
        await log.append(numbered("raw", 2, range(50)))
        for entries in (await raw.getmany(100, DEADLINE_S)).values():
            await log.append([Outgoing("ingest", entry.partition, None, entry.value) for entry in entries])
        await seen["respond"].until(lambda seen: len(seen.values) >= 50)
        assert set(seen["respond"].values) == {b"v%d" % n for n in range(50)}
        await raw.stop()


@coroutine
async def test_a_second_worker_of_the_same_app_is_refused(embedded: str, name: str) -> None:
    async with opened(embedded, TopicSpec(name, 1)):
        first, second = faust_app("a", embedded), faust_app("a", embedded)
        reader(first, name, Seen())
        reader(second, name, Seen())
        async with running(first):
            with pytest.raises(Exception, match="already being read"):
                await second.start()
            await second.stop()


@coroutine
async def test_a_topic_that_is_not_there_ends_the_worker(embedded: str) -> None:
    app = faust_app("a", embedded)
    reader(app, "nowhere", Seen())
    starting = asyncio.create_task(app.start())
    async with asyncio.timeout(DEADLINE_S):
        await app._crashed.wait()
    assert isinstance(app.crash_reason, UnknownTopic)
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    await app.stop()


@coroutine
async def test_sending_says_what_cannot_be_sent(embedded: str, name: str) -> None:
    async with opened(embedded, TopicSpec(name, 2), TopicSpec(f"{name}-state", 1, compacted=True)) as log:
        app = faust_app("a", embedded)
        reader(app, name, Seen())
        with pytest.raises(NotReady):
            await app.producer.send(name, None, b"x", 0, None, None)
        async with running(app):
            send = app.producer.send
            for topic, key, value, partition, words in [
                (name, None, bytes(MAX_ENTRY_BYTES + 1), 0, f"at most {MAX_ENTRY_BYTES}"),
                ("nowhere", None, b"x", 0, "no topic 'nowhere'"),
                (name, None, b"x", 2, "no partition 2"),
                (f"{name}-state", None, b"x", 0, "without a key"),
            ]:
                with pytest.raises(ProducerSendError, match=words):
                    await send(topic, key, value, partition, None, None)
            answer = await app.producer.send_and_wait(name, b"k", b"x", None, None, [("h", b"1")])
            assert app.producer.key_partition(name, b"k") == TP(name, answer.partition)
            assert app.consumer.key_partition(name, b"k") == answer.partition
            assert app.consumer.topic_partitions(name) == 2
            assert app.consumer.topic_partitions("nowhere") is None
        with pytest.raises(NotReady):
            await send(name, None, b"x", 0, None, None)
        assert len(await values(log, name, 2)) == 1


@coroutine
async def test_flush_and_stop_wait_until_all_is_stored(embedded: str, name: str) -> None:
    async with opened(embedded, TopicSpec(name, 1), TopicSpec("in", 1)) as log:
        app = faust_app("a", embedded)
        reader(app, "in", Seen())
        topic = app.topic(name, key_type=bytes, value_type=bytes)
        async with running(app):
            for n in range(300):
                topic.send_soon(value=b"%d" % n)
            await app.producer.flush()
            assert await log.end_offset(name, 0) == 300
            sent = [await app.producer.send(name, None, b"%d" % n, 0, None, None) for n in range(300, 310)]
        assert [answer.offset for answer in await asyncio.gather(*sent)] == list(range(300, 310))
        assert [entry.value for entry in await values(log, name, 1)] == [b"%d" % n for n in range(310)]


@coroutine
async def test_topics_are_made_only_where_the_app_allows_it(embedded: str) -> None:
    async with opened(embedded, TopicSpec("in", 1)) as log:
        for allowed in (False, True):
            app = faust_app("a", embedded, topic_allow_declare=allowed)
            reader(app, "in", Seen())
            async with running(app):
                await app.consumer.create_topic("new", 3, 1, retention=60.0, compacting=True)
                assert ("new" in await log.topics()) is allowed
        assert await log.partitions("new") == 3
