"""The cluster's home: a `Log` on Apache Kafka. Appends and reads by aiokafka, administration by kafka-python.

Durability: an append returns once all in-sync replicas have it (acks=all, idempotent producer, so that a
retry stores nothing twice and nothing out of order). To survive the loss of a broker make the topics with 3
replicas and min.insync.replicas=2: settings `replication` and `topic_config`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from streams.logs import (
    MAX_ENTRY_BYTES,
    AppendFailed,
    Entry,
    Log,
    LogError,
    OnParts,
    Outgoing,
    Part,
    TopicSpec,
    UnknownTopic,
)
from streams.logs.kafka_admin import Admin
from streams.logs.kafka_bulk import KafkaBulk, entry_of
from streams.logs.limits import check_size, check_spec

READ_RECORDS = 5000
READ_BYTES = 8 * 1024 * 1024


class KafkaLog(Log):
    """See `Log`.

    Settings: `max_entry_bytes`; `append_timeout_s` (how long an acknowledgement may take); `replication` (-1:
    the broker's default) and `topic_config` for the topics that `create` makes; `group` (further aiokafka
    settings of group readers, for example session_timeout_ms or group_instance_id); and for TLS and SASL what
    aiokafka and kafka-python both know: security_protocol, ssl_context, sasl_mechanism, sasl_plain_username,
    sasl_plain_password.
    """

    def __init__(
        self,
        servers: Sequence[str],
        *,
        max_entry_bytes: int = MAX_ENTRY_BYTES,
        append_timeout_s: float = 30.0,
        replication: int = -1,
        topic_config: Mapping[str, str] | None = None,
        group: Mapping[str, Any] | None = None,
        **security: Any,
    ) -> None:
        self._servers, self._security = list(servers), security
        self._max_entry_bytes, self._timeout_s = max_entry_bytes, append_timeout_s
        self._group = dict(group or {})
        self._admin = Admin(
            servers,
            security,
            replication=replication,
            topic_config=topic_config or {},
            max_entry_bytes=max_entry_bytes,
            timeout_s=append_timeout_s,
        )
        self._producer: AIOKafkaProducer | None = None
        self._counts: dict[str, int] = {}

    async def start(self) -> None:
        """See `Log`."""
        if self._producer is not None:
            return
        await self._admin.start()
        producer = self._new_producer()
        try:
            await producer.start()
        except (KafkaError, OSError) as error:
            await producer.stop()
            await self._admin.stop()
            raise LogError(f"no Kafka at {','.join(self._servers)}: {error}") from error
        self._producer = producer

    def _new_producer(self) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            bootstrap_servers=self._servers,
            enable_idempotence=True,
            acks="all",
            compression_type="lz4",
            linger_ms=5,
            max_batch_size=256 * 1024,
            # Our own check comes first and tells more; this is how large a whole entry may get on the wire.
            max_request_size=self._max_entry_bytes + 32768,
            request_timeout_ms=round(self._timeout_s * 1000),
            **self._security,
        )

    async def stop(self) -> None:
        """See `Log`."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()
        await self._admin.stop()
        self._counts.clear()

    async def create(self, topics: Sequence[TopicSpec]) -> None:
        """See `Log`."""
        for spec in topics:
            check_spec(spec)
        await self._admin.create(topics)

    async def topics(self) -> dict[str, int]:
        """See `Log`."""
        return await self._admin.topics()

    async def partitions(self, topic: str) -> int:
        """See `Log`."""
        count = (await self._admin.topics([topic])).get(topic)
        if count is None:
            raise UnknownTopic(f"there is no topic {topic!r} in this log")
        self._counts[topic] = count
        return count

    async def _check_part(self, topic: str, partition: int | None) -> None:
        # A client that just asks Kafka for an unknown topic makes it; so we look first.
        count = self._counts.get(topic) or await self.partitions(topic)
        if partition is not None and not 0 <= partition < count:
            raise UnknownTopic(f"topic {topic!r} has no partition {partition} (it has {count})")

    async def append(self, entries: Sequence[Outgoing]) -> list[tuple[int, int]]:
        """See `Log`. When it is cancelled, its entries may be stored or not."""
        if self._producer is None:
            raise LogError("the log is not open")
        for entry in entries:
            check_size(entry, self._max_entry_bytes)
        for part in {(entry.topic, entry.partition) for entry in entries}:
            await self._check_part(*part)
        try:
            async with asyncio.timeout(self._timeout_s):
                answers = await self._send(self._producer, entries)
        except TimeoutError:
            raise AppendFailed(f"not acknowledged within {self._timeout_s:g} s") from None
        failed = [answer for answer in answers if isinstance(answer, BaseException)]
        if failed:
            text = f"{len(failed)} of {len(answers)} entries were not acknowledged: {failed[0]!r}"
            raise AppendFailed(text) from failed[0]
        return [(answer.partition, answer.offset) for answer in answers]

    async def _send(self, producer: AIOKafkaProducer, entries: Sequence[Outgoing]) -> list[Any]:
        acknowledgements = []
        try:
            for entry in entries:
                stamp = None if entry.timestamp is None else entry.timestamp // 1000
                acknowledgements.append(
                    await producer.send(
                        entry.topic, entry.value, entry.key, entry.partition, stamp, list(entry.headers)
                    )
                )
        except (KafkaError, AssertionError) as error:
            return [error, *await asyncio.gather(*acknowledgements, return_exceptions=True)]
        return list(await asyncio.gather(*acknowledgements, return_exceptions=True))

    async def read(
        self, topic: str, partition: int, start: int = 0, stop: int | None = None
    ) -> AsyncIterator[list[Entry]]:
        """See `Log`."""
        async with self._reader(topic, partition) as (consumer, part):
            end = (await consumer.end_offsets([part]))[part]
            end = end if stop is None else min(stop, end)
            at = max(start, (await consumer.beginning_offsets([part]))[part])
            if at >= end:
                return
            consumer.seek(part, at)
            while at < end:
                batch = [entry_of(record) for record in await self._some(consumer, part) if record.offset < end]
                if batch:
                    yield batch
                at = await consumer.position(part)

    async def follow(self, topic: str, partition: int, start: int) -> AsyncIterator[list[Entry]]:
        """See `Log`."""
        async with self._reader(topic, partition) as (consumer, part):
            consumer.seek(part, start)
            while True:
                batch = [entry_of(record) for record in await self._some(consumer, part)]
                if batch:
                    yield batch

    async def _some(self, consumer: AIOKafkaConsumer, part: TopicPartition) -> list[ConsumerRecord]:
        try:
            found = await consumer.getmany(part, timeout_ms=1000, max_records=READ_RECORDS)
        except KafkaError as error:
            raise LogError(f"{part.topic}/{part.partition} could not be read: {error!r}") from error
        records: list[ConsumerRecord] = found.get(part, [])
        return records

    @contextlib.asynccontextmanager
    async def _reader(self, topic: str, partition: int) -> AsyncIterator[tuple[AIOKafkaConsumer, TopicPartition]]:
        """A reader of one partition, without a group."""
        await self._check_part(topic, partition)
        part = TopicPartition(topic, partition)
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._servers,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            isolation_level="read_committed",
            max_partition_fetch_bytes=READ_BYTES,
            **self._security,
        )
        consumer.assign([part])
        try:
            await consumer.start()
            yield consumer, part
        except KafkaError as error:
            raise LogError(f"{topic}/{partition} could not be read: {error!r}") from error
        finally:
            await consumer.stop()

    async def start_offset(self, topic: str, partition: int) -> int:
        """See `Log`."""
        await self._check_part(topic, partition)
        return await self._admin.start_offset(topic, partition)

    async def end_offset(self, topic: str, partition: int) -> int:
        """See `Log`."""
        await self._check_part(topic, partition)
        return await self._admin.end_offset(topic, partition)

    async def committed(self, group: str) -> dict[Part, int]:
        """See `Log`."""
        return await self._admin.committed(group)

    async def set_committed(self, group: str, offsets: Mapping[Part, int]) -> None:
        """See `Log`."""
        for topic, partition in offsets:
            await self._check_part(topic, partition)
        await self._admin.set_committed(group, offsets)

    def bulk(
        self,
        group: str,
        topics: Sequence[str],
        on_revoked: OnParts | None = None,
        on_assigned: OnParts | None = None,
    ) -> KafkaBulk:
        """See `Log`."""
        settings = {"bootstrap_servers": self._servers, **self._security, **self._group}
        return KafkaBulk(self.partitions, settings, group, topics, on_revoked, on_assigned)

    async def compact(self) -> int:
        """See `Log`."""
        return 0
