"""What every home of logs promises: the same tests on SQLite and on Kafka."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import pytest

from streams.logs import (
    MAX_ENTRY_BYTES,
    Bulk,
    CommitRefused,
    Entry,
    EntryTooLarge,
    Log,
    LogError,
    Outgoing,
    Part,
    TopicSpec,
    UnknownTopic,
    WrongPartitions,
    open_log,
)

DEADLINE_S = 30.0


@contextlib.asynccontextmanager
async def opened(log: Log, *specs: TopicSpec) -> AsyncIterator[Log]:
    """The log, started, with these topics."""
    await log.start()
    try:
        await log.create(specs)
        yield log
    finally:
        await log.stop()


async def everything(log: Log, topic: str, partition: int = 0, start: int = 0, stop: int | None = None) -> list[Entry]:
    """A range as one list."""
    return [entry async for batch in log.read(topic, partition, start, stop) for entry in batch]


async def gather(bulk: Bulk, count: int) -> dict[Part, list[Entry]]:
    """Read until `count` entries came."""
    found: dict[Part, list[Entry]] = {}
    async with asyncio.timeout(DEADLINE_S):
        while sum(map(len, found.values())) < count:
            for part, batch in (await bulk.getmany(100, 0.2)).items():
                found.setdefault(part, []).extend(batch)
    return found


async def assigned(bulk: Bulk) -> None:
    """Wait until partitions came."""
    async with asyncio.timeout(DEADLINE_S):
        while not bulk.assignment():
            await bulk.getmany(1, 0.05)


def numbered(topic: str, partition: int, numbers: Sequence[int]) -> list[Outgoing]:
    return [Outgoing(topic, partition, b"k%d" % n, b"v%d" % n) for n in numbers]


async def test_what_was_appended_is_read_back(log: Log, topic: str) -> None:
    async with opened(log, TopicSpec(topic, 2)):
        sent = [
            Outgoing(topic, 1, b"key", b"value", (("h", b"\x00\xff"), ("h", b"")), 1_700_000_000_123_000),
            Outgoing(topic, 0, None, b""),
            Outgoing(topic, 1, b"", None),
        ]
        assert await log.append(sent) == [(1, 0), (0, 0), (1, 1)]
        first, second = await everything(log, topic, 1)
        assert first == Entry(topic, 1, 0, 1_700_000_000_123_000, b"key", b"value", (("h", b"\x00\xff"), ("h", b"")))
        assert (second.offset, second.key, second.value, second.headers) == (1, b"", None, ())
        (other,) = await everything(log, topic, 0)
        assert (other.key, other.value) == (None, b"")
        assert other.timestamp % 1000 == 0


async def test_times_are_whole_milliseconds(log: Log, topic: str) -> None:
    async with opened(log, TopicSpec(topic, 1)):
        await log.append([Outgoing(topic, 0, None, b"x", timestamp=1_700_000_000_123_999)])
        assert (await everything(log, topic))[0].timestamp == 1_700_000_000_123_000


async def test_a_range_is_half_open_and_clamped(log: Log, topic: str) -> None:
    async with opened(log, TopicSpec(topic, 1)):
        await log.append(numbered(topic, 0, range(20)))
        await log.append(numbered(topic, 0, range(20, 25)))
        assert [e.offset for e in await everything(log, topic, 0, 3, 22)] == list(range(3, 22))
        assert [e.offset for e in await everything(log, topic, 0, 24, 99)] == [24]
        assert await everything(log, topic, 0, 25) == []
        assert await everything(log, topic, 0, 7, 7) == []
        assert (await log.start_offset(topic, 0), await log.end_offset(topic, 0)) == (0, 25)


async def test_concurrent_appends_are_contiguous_and_each_keeps_its_order(log: Log, topic: str) -> None:
    async with opened(log, TopicSpec(topic, 1)):
        answers = await asyncio.gather(*[log.append(numbered(topic, 0, range(at, at + 7))) for at in range(0, 700, 7)])
        offsets = [offset for answer in answers for _, offset in answer]
        assert sorted(offsets) == list(range(700))
        for answer in answers:
            assert answer == sorted(answer)
        by_offset = {entry.offset: entry.value for entry in await everything(log, topic)}
        assert [by_offset[offset] for offset in offsets] == [b"v%d" % n for n in range(700)]


async def test_a_key_chooses_the_same_partition_everywhere(log: Log, topic: str) -> None:
    async with opened(log, TopicSpec(topic, 7)):
        answers = await log.append([Outgoing(topic, None, b"k%d" % n, b"") for n in range(20)])
        # What kafka-python gives, another implementation of the Java client's murmur2.
        assert [p for p, _ in answers] == [2, 0, 2, 4, 2, 3, 2, 3, 5, 0, 5, 3, 1, 1, 0, 4, 0, 4, 5, 0]


async def test_without_a_key_any_partition_is_chosen(log: Log, topic: str) -> None:
    async with opened(log, TopicSpec(topic, 3)):
        answers = await log.append([Outgoing(topic, None, None, b"x")] * 5)
        assert all(0 <= partition < 3 for partition, _ in answers)


async def test_creating_again_is_harmless_but_not_with_other_partitions(log: Log, topic: str) -> None:
    async with opened(log, TopicSpec(topic, 2)):
        await log.append(numbered(topic, 1, range(3)))
        await log.create([TopicSpec(topic, 2, compacted=True, retention=10**12)])
        assert await log.end_offset(topic, 1) == 3
        assert (await log.topics())[topic] == await log.partitions(topic) == 2
        with pytest.raises(WrongPartitions, match=f"{topic}.*2 partitions, not 3"):
            await log.create([TopicSpec(topic, 3)])


async def test_a_topic_of_others_is_made_but_not_changed(log: Log, topic: str) -> None:
    async with opened(log, TopicSpec(topic, 2, ours=False)):
        await log.create([TopicSpec(topic, 5, compacted=True, ours=False)])
        assert await log.partitions(topic) == 2
        assert await log.append([Outgoing(topic, 0, None, b"no key")]) == [(0, 0)]


async def test_a_topic_that_cannot_be_is_told(log: Log) -> None:
    async with opened(log):
        with pytest.raises(LogError, match="at least one partition"):
            await log.create([TopicSpec("x", 0)])
        with pytest.raises(LogError, match="retention"):
            await log.create([TopicSpec("x", 1, retention=0)])


async def test_an_unknown_topic_or_partition_is_told(log: Log, topic: str) -> None:
    async with opened(log, TopicSpec(topic, 1)):
        with pytest.raises(UnknownTopic, match="nowhere"):
            await log.append([Outgoing("nowhere", 0, None, b"x")])
        with pytest.raises(UnknownTopic, match="no partition 1"):
            await log.append([Outgoing(topic, 1, None, b"x")])
        with pytest.raises(UnknownTopic):
            await log.partitions("nowhere")
        with pytest.raises(UnknownTopic):
            await log.end_offset(topic, 5)
        with pytest.raises(UnknownTopic):
            await everything(log, "nowhere")
        with pytest.raises(UnknownTopic):
            await log.bulk("g", ["nowhere"]).start()
        assert "nowhere" not in await log.topics()


async def test_an_entry_too_large_is_told_and_nothing_of_its_append_stored(log: Log, topic: str) -> None:
    async with opened(log, TopicSpec(topic, 1)):
        large = Outgoing(topic, 0, b"k", bytes(MAX_ENTRY_BYTES + 1))
        with pytest.raises(EntryTooLarge, match=f"{topic}.*{MAX_ENTRY_BYTES}"):
            await log.append([*numbered(topic, 0, range(3)), large])
        assert await log.end_offset(topic, 0) == 0


async def test_large_entries_below_the_limit_go_through(log: Log, topic: str) -> None:
    async with opened(log, TopicSpec(topic, 1)):
        sizes = [3_000_000, 10, MAX_ENTRY_BYTES - 1000]
        await log.append([Outgoing(topic, 0, None, bytes([n % 251 for n in range(size)])) for size in sizes])
        assert [len(entry.value or b"") for entry in await everything(log, topic)] == sizes


async def test_a_compacted_topic_wants_keys(log: Log, topic: str) -> None:
    async with opened(log, TopicSpec(topic, 1, compacted=True)):
        with pytest.raises(LogError):
            await log.append([Outgoing(topic, 0, None, b"x")])


async def test_following_waits_for_what_comes(log: Log, topic: str) -> None:
    async with opened(log, TopicSpec(topic, 1)):
        await log.append(numbered(topic, 0, range(3)))
        seen: list[int] = []
        async with asyncio.timeout(DEADLINE_S):
            async for batch in log.follow(topic, 0, 1):
                seen.extend(entry.offset for entry in batch)
                if seen == [1, 2]:
                    await log.append(numbered(topic, 0, range(2)))
                if len(seen) >= 4:
                    break
        assert seen == [1, 2, 3, 4]


async def test_bulk_reads_all_partitions_in_order_and_goes_on_after_the_commit(address: str, topic: str) -> None:
    async with opened(open_log(address), TopicSpec(topic, 3)) as log:
        for partition in range(3):
            await log.append(numbered(topic, partition, range(50)))
        bulk = log.bulk(f"g-{topic}", [topic])
        await bulk.start()
        found = await gather(bulk, 150)
        assert {part: [e.offset for e in batch] for part, batch in found.items()} == {
            (topic, partition): list(range(50)) for partition in range(3)
        }
        assert bulk.assignment() == [(topic, partition) for partition in range(3)]
        assert [bulk.position(topic, partition) for partition in range(3)] == [50, 50, 50]
        await bulk.commit({(topic, 0): 50, (topic, 1): 20})
        assert await bulk.committed(topic, 1) == 20
        await bulk.stop()
    async with opened(open_log(address)) as log:
        assert await log.committed(f"g-{topic}") == {(topic, 0): 50, (topic, 1): 20}
        again = log.bulk(f"g-{topic}", [topic])
        await again.start()
        found = await gather(again, 80)
        await again.stop()
        assert {part: batch[0].offset for part, batch in found.items()} == {(topic, 1): 20, (topic, 2): 0}


async def test_bulk_gives_no_more_than_asked(log: Log, topic: str) -> None:
    async with opened(log, TopicSpec(topic, 2)):
        for partition in range(2):
            await log.append(numbered(topic, partition, range(500)))
        bulk = log.bulk(f"g-{topic}", [topic])
        await bulk.start()
        offsets: dict[int, list[int]] = {0: [], 1: []}
        async with asyncio.timeout(DEADLINE_S):
            while sum(map(len, offsets.values())) < 1000:
                batch = await bulk.getmany(7, 0.2)
                assert sum(map(len, batch.values())) <= 7
                for (_, partition), entries in batch.items():
                    offsets[partition] += [entry.offset for entry in entries]
                    assert bulk.position(topic, partition) == offsets[partition][-1] + 1
        await bulk.stop()
        assert offsets == {0: list(range(500)), 1: list(range(500))}


async def test_bulk_knows_the_end(log: Log, topic: str) -> None:
    async with opened(log, TopicSpec(topic, 2)):
        await log.append(numbered(topic, 0, range(10)))
        bulk = log.bulk(f"g-{topic}", [topic])
        await bulk.start()
        assert not bulk.at_end(topic, 0)
        await gather(bulk, 10)
        async with asyncio.timeout(DEADLINE_S):
            while not (bulk.at_end(topic, 0) and bulk.at_end(topic, 1)):
                assert await bulk.getmany(10, 0.05) == {}
        await bulk.stop()
        assert not bulk.at_end(topic, 0)


async def test_bulk_wakes_when_something_comes(log: Log, topic: str) -> None:
    async with opened(log, TopicSpec(topic, 1)):
        bulk = log.bulk(f"g-{topic}", [topic])
        await bulk.start()
        await assigned(bulk)
        waiting = asyncio.create_task(gather(bulk, 1))
        await log.append(numbered(topic, 0, [1]))
        found = await waiting
        assert found[topic, 0][0].value == b"v1"
        await bulk.stop()


async def test_bulk_goes_where_it_is_sent(log: Log, topic: str) -> None:
    async with opened(log, TopicSpec(topic, 1)):
        await log.append(numbered(topic, 0, range(30)))
        bulk = log.bulk(f"g-{topic}", [topic])
        await bulk.start()
        await gather(bulk, 10)
        await bulk.seek(topic, 0, 5)
        assert bulk.position(topic, 0) == 5
        found = await gather(bulk, 25)
        assert [entry.offset for entry in found[topic, 0]] == list(range(5, 30))
        with pytest.raises(LogError, match="not ours"):
            await bulk.seek(topic, 9, 5)
        await bulk.stop()


async def test_a_commit_of_what_is_not_ours_is_refused(log: Log, topic: str) -> None:
    async with opened(log, TopicSpec(topic, 1)):
        bulk = log.bulk(f"g-{topic}", [topic])
        await bulk.start()
        await assigned(bulk)
        with pytest.raises(CommitRefused):
            await bulk.commit({(topic, 7): 1})
        await bulk.stop()
        with pytest.raises(CommitRefused):
            await bulk.commit({(topic, 0): 1})


async def test_bulk_tells_what_is_assigned_and_revoked(log: Log, topic: str) -> None:
    told: list[tuple[str, list[Part]]] = []

    async def assigned_(parts: list[Part]) -> None:
        told.append(("assigned", parts))

    async def revoked(parts: list[Part]) -> None:
        told.append(("revoked", parts))

    async with opened(log, TopicSpec(topic, 2)):
        bulk = log.bulk(f"g-{topic}", [topic], on_revoked=revoked, on_assigned=assigned_)
        await bulk.start()
        await assigned(bulk)
        await bulk.stop()
        await bulk.stop()
    parts = [(topic, 0), (topic, 1)]
    assert [one for one in told if one[1]] == [("assigned", parts), ("revoked", parts)]


async def test_what_was_read_may_be_committed_while_the_group_is_left(log: Log, topic: str) -> None:
    async with opened(log, TopicSpec(topic, 1)):
        await log.append(numbered(topic, 0, range(10)))

        async def revoked(parts: list[Part]) -> None:
            await bulk.commit(dict.fromkeys(parts, 10))

        bulk = log.bulk(f"g-{topic}", [topic], on_revoked=revoked)
        await bulk.start()
        await gather(bulk, 10)
        await bulk.stop()
        assert await log.committed(f"g-{topic}") == {(topic, 0): 10}


async def test_a_groups_offsets_can_be_set_from_outside(log: Log, topic: str) -> None:
    async with opened(log, TopicSpec(topic, 2)):
        await log.append(numbered(topic, 0, range(10)))
        await log.set_committed(f"g-{topic}", {(topic, 0): 4})
        assert await log.committed(f"g-{topic}") == {(topic, 0): 4}
        bulk = log.bulk(f"g-{topic}", [topic])
        await bulk.start()
        found = await gather(bulk, 6)
        await bulk.stop()
        assert found[topic, 0][0].offset == 4
        assert await log.committed("nobody") == {}


async def test_appending_nothing_is_nothing(log: Log) -> None:
    async with opened(log):
        assert await log.append([]) == []


async def test_stopping_twice_is_harmless_and_a_closed_log_says_so(log: Log, topic: str) -> None:
    async with opened(log, TopicSpec(topic, 1)):
        await log.stop()
    with pytest.raises(LogError, match="not open"):
        await log.append(numbered(topic, 0, [1]))


@pytest.mark.parametrize("url", ["", "log.db", "sqlite:///x", "kafka://", "embedded://x", "embedded:///", "embedded:"])
def test_an_address_of_no_known_home_is_told(url: str) -> None:
    with pytest.raises(ValueError, match=r"embedded:///path/of/file\.db"):
        open_log(url)
