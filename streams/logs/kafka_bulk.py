"""Reading whole topics of a Kafka cluster with commit, as a member of a consumer group."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from streams.logs import Bulk, CommitRefused, Entry, LogError, OnParts, Part

# A worker that died is missed after the session; see notes on failover in ARCHITECTURE.md.
DEFAULTS: Mapping[str, Any] = {
    "auto_offset_reset": "earliest",
    "enable_auto_commit": False,
    "isolation_level": "read_committed",
    # A fetch that waits for one partition holds back what comes to the broker's others meanwhile.
    "fetch_max_wait_ms": 100,
    "session_timeout_ms": 10_000,
    "heartbeat_interval_ms": 3_000,
    "max_partition_fetch_bytes": 4 * 1024 * 1024,
}


def entry_of(record: ConsumerRecord) -> Entry:
    """A record of aiokafka as an entry."""
    headers = tuple((name, content or b"") for name, content in record.headers) if record.headers else ()
    return Entry(
        record.topic,
        record.partition,
        record.offset,
        record.timestamp * 1000,
        record.key,
        record.value,
        headers,
    )


class KafkaBulk(Bulk):
    """See `Bulk`. `partitions` raises UnknownTopic for a topic that is not there."""

    def __init__(
        self,
        partitions: Callable[[str], Awaitable[int]],
        settings: Mapping[str, Any],
        group: str,
        topics: Sequence[str],
        on_revoked: OnParts | None,
        on_assigned: OnParts | None,
    ) -> None:
        self._partitions, self._settings = partitions, {**DEFAULTS, **settings}
        self._group, self._topics = group, list(topics)
        self._on_revoked, self._on_assigned = on_revoked, on_assigned
        self._consumer: AIOKafkaConsumer | None = None
        self._at: dict[Part, int] = {}
        self._leaving = False

    async def start(self) -> None:
        """See `Bulk`."""
        for topic in self._topics:
            await self._partitions(topic)
        consumer = AIOKafkaConsumer(group_id=self._group, **self._settings)
        consumer.subscribe(self._topics, listener=_Listener(self._revoked, self._assigned))
        try:
            await consumer.start()
        except KafkaError as error:
            await consumer.stop()
            raise LogError(f"group {self._group!r} could not be joined: {error!r}") from error
        self._consumer = consumer

    async def stop(self) -> None:
        """See `Bulk`."""
        if self._consumer is None or self._leaving:
            return
        self._leaving = True
        await self._revoked(self._consumer.assignment())
        consumer, self._consumer = self._consumer, None
        await consumer.stop()

    async def _revoked(self, parts: Iterable[TopicPartition]) -> None:
        gone = sorted((part.topic, part.partition) for part in parts)
        self._at = {}
        if gone and self._on_revoked is not None:
            await self._on_revoked(gone)

    async def _assigned(self, parts: Iterable[TopicPartition]) -> None:
        if self._on_assigned is not None:
            await self._on_assigned(sorted((part.topic, part.partition) for part in parts))

    def _open(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            raise LogError(f"group {self._group!r} is not being read")
        return self._consumer

    async def getmany(self, max_records: int = 2000, timeout_s: float = 0.1) -> dict[Part, list[Entry]]:
        """See `Bulk`."""
        consumer = self._open()
        try:
            found = await consumer.getmany(timeout_ms=round(timeout_s * 1000), max_records=max_records)
            await self._look(consumer)
        except KafkaError as error:
            raise LogError(f"group {self._group!r} could not read: {error!r}") from error
        return {
            (part.topic, part.partition): [entry_of(record) for record in records]
            for part, records in found.items()
            if records
        }

    async def _look(self, consumer: AIOKafkaConsumer) -> None:
        """Note where we stand. Not from the last records: markers of transactions follow them unseen."""
        for part in consumer.assignment():
            # A rebalance may take the partition away between the two calls: then it is not ours to know.
            with contextlib.suppress(IllegalStateError, AssertionError):
                if consumer.highwater(part) is not None:
                    self._at[part.topic, part.partition] = await consumer.position(part)

    async def commit(self, offsets: Mapping[Part, int]) -> None:
        """See `Bulk`."""
        asked = {TopicPartition(*part): offset for part, offset in offsets.items()}
        if self._consumer is None:
            raise CommitRefused(f"group {self._group!r} is not being read")
        try:
            await self._consumer.commit(asked)
        except KafkaError as error:
            raise CommitRefused(f"group {self._group!r} refused the commit of {dict(offsets)}: {error!r}") from error

    async def committed(self, topic: str, partition: int) -> int | None:
        """See `Bulk`."""
        found: int | None = await self._open().committed(TopicPartition(topic, partition))
        return found

    def assignment(self) -> list[Part]:
        """See `Bulk`."""
        if self._consumer is None:
            return []
        return sorted((part.topic, part.partition) for part in self._consumer.assignment())

    def position(self, topic: str, partition: int) -> int | None:
        """See `Bulk`."""
        return self._at.get((topic, partition))

    async def seek(self, topic: str, partition: int, offset: int) -> None:
        """See `Bulk`."""
        try:
            self._open().seek(TopicPartition(topic, partition), offset)
        except IllegalStateError as error:
            raise LogError(f"group {self._group!r}: seek in a partition that is not ours: {error}") from error
        self._at[topic, partition] = offset

    def at_end(self, topic: str, partition: int) -> bool:
        """See `Bulk`."""
        part, at = TopicPartition(topic, partition), self._at.get((topic, partition))
        if self._consumer is None or at is None or part not in self._consumer.assignment():
            return False
        highwater = self._consumer.highwater(part)
        return highwater is not None and at >= highwater


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(
        self,
        revoked: Callable[[Iterable[TopicPartition]], Awaitable[None]],
        assigned: Callable[[Iterable[TopicPartition]], Awaitable[None]],
    ) -> None:
        self._revoked, self._assigned = revoked, assigned

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        await self._revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        await self._assigned(assigned)
