"""Administration of a Kafka cluster by kafka-python, in a thread: topics, their settings, offsets."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from kafka import TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, OffsetSpec
from kafka.errors import KafkaError, TopicAlreadyExistsError, UnknownTopicOrPartitionError
from kafka.structs import OffsetAndMetadata

from streams.logs import LogError, Part, TopicSpec, UnknownTopic, WrongPartitions

T = TypeVar("T")

RETRY_S = 0.2
CONNECT_S = 5.0

# A worker that froze and wakes after losing its partitions may write old state after the new owner's;
# compaction would keep only that. So nothing younger than this is compacted, far above any freeze.
COMPACTION_LAG_MS = 3_600_000


class Admin:
    """Topics and offsets of one cluster. `security`: kafka-python's security and SASL settings."""

    def __init__(
        self,
        servers: Sequence[str],
        security: Mapping[str, Any],
        *,
        replication: int,
        topic_config: Mapping[str, str],
        max_entry_bytes: int,
        timeout_s: float,
    ) -> None:
        self._settings = {
            "bootstrap_servers": list(servers),
            "request_timeout_ms": round(timeout_s * 1000),
            **security,
        }
        self._replication, self._topic_config = replication, dict(topic_config)
        self._max_entry_bytes = max_entry_bytes
        self._timeout_s = timeout_s
        self._client: KafkaAdminClient | None = None
        # The client answers calls that come at the same time with NodeNotReadyError.
        self._one = asyncio.Lock()

    async def start(self) -> None:
        """Connect. Raises LogError, soon: whoever started this waits for it."""
        settings = {**self._settings, "bootstrap_timeout_ms": round(CONNECT_S * 1000)}
        try:
            with _quiet():
                self._client = await asyncio.to_thread(lambda: KafkaAdminClient(**settings))
        except (KafkaError, OSError) as error:
            servers = ",".join(self._settings["bootstrap_servers"])
            text = f"no Kafka answered at {servers} within {CONNECT_S:g} s; is it running, is that its address?"
            raise LogError(f"{text} ({error})") from error

    async def stop(self) -> None:
        """Disconnect. Twice is harmless."""
        client, self._client = self._client, None
        if client is not None:
            await self._thread(client.close)

    async def _call(self, function: Callable[[KafkaAdminClient], T]) -> T:
        client = self._client
        if client is None:
            raise LogError("the log is not open")
        return await self._thread(lambda: function(client))

    async def _thread(self, call: Callable[[], T]) -> T:
        deadline = time.monotonic() + self._timeout_s
        async with self._one:
            while True:
                try:
                    return await asyncio.to_thread(call)
                except UnknownTopicOrPartitionError as error:
                    raise UnknownTopic(f"the cluster has no such topic or partition: {error}") from error
                except (KafkaError, OSError) as error:
                    if not getattr(error, "retriable", False) or time.monotonic() > deadline:
                        raise LogError(f"the cluster could not be asked: {error!r}") from error
                await asyncio.sleep(RETRY_S)

    async def topics(self, names: Sequence[str] | None = None) -> dict[str, int]:
        """The partitions of each topic that exists (of those named, or of all but Kafka's own)."""
        wanted = None if names is None else sorted(set(names))
        found = await self._call(lambda client: client.describe_topics(wanted))
        return {
            topic["name"]: len(topic["partitions"])
            for topic in found
            if topic["error_code"] == 0 and not (names is None and topic["is_internal"])
        }

    async def create(self, specs: Sequence[TopicSpec]) -> None:
        """Make or adjust topics. Raises WrongPartitions."""
        if not specs:
            return
        there = await self.topics([spec.name for spec in specs])
        specs = [spec for spec in specs if spec.ours or spec.name not in there]
        _compare(specs, there)
        missing = [spec for spec in specs if spec.name not in there]
        if missing:
            await self._make(missing)
            _compare(missing, await self.topics([spec.name for spec in missing]))
        await self._adjust([spec for spec in specs if spec.name in there])

    async def _make(self, specs: Sequence[TopicSpec]) -> None:
        asked = {
            spec.name: {
                "num_partitions": spec.partitions,
                "replication_factor": self._replication,
                "configs": self._config(spec),
            }
            for spec in specs
        }

        def make(client: KafkaAdminClient) -> None:
            try:
                client.create_topics(asked, wait_for_metadata=True)
            except TopicAlreadyExistsError:  # another process was faster: the caller compares
                client.wait_for_topics(list(asked))

        await self._call(make)

    async def _adjust(self, specs: Sequence[TopicSpec]) -> None:
        resources = [ConfigResource(ConfigResourceType.TOPIC, spec.name, self._config(spec)) for spec in specs]
        if resources:
            await self._call(lambda client: client.alter_configs(resources))

    def _config(self, spec: TopicSpec) -> dict[str, str]:
        policy = ["compact"] * spec.compacted + ["delete"] * (spec.retention is not None or not spec.compacted)
        config = {
            "cleanup.policy": ",".join(policy),
            "retention.ms": str(-1 if spec.retention is None else max(1, spec.retention // 1000)),
            "max.message.bytes": str(self._max_entry_bytes + 65536),
        }
        if spec.compacted:
            config["min.compaction.lag.ms"] = str(COMPACTION_LAG_MS)
            config["min.cleanable.dirty.ratio"] = "0.2"
            config["segment.ms"] = str(COMPACTION_LAG_MS)  # an open segment is never compacted
        return config | self._topic_config

    async def start_offset(self, topic: str, partition: int) -> int:
        """The lowest offset kept. Raises UnknownTopic."""
        return await self._offset(topic, partition, OffsetSpec.EARLIEST)

    async def end_offset(self, topic: str, partition: int) -> int:
        """The offset of the next entry. Raises UnknownTopic."""
        return await self._offset(topic, partition, OffsetSpec.LATEST)

    async def _offset(self, topic: str, partition: int, spec: OffsetSpec) -> int:
        part = TopicPartition(topic, partition)
        found = await self._call(lambda client: client.list_partition_offsets({part: spec}))
        return int(found[part].offset)

    async def committed(self, group: str) -> dict[Part, int]:
        """What the group has committed."""
        found = await self._call(lambda client: client.list_group_offsets(group))
        return {
            (part.topic, part.partition): committed.offset
            for part, committed in found.get(group, {}).items()
            if committed.offset >= 0
        }

    async def set_committed(self, group: str, offsets: Mapping[Part, int]) -> None:
        """Set them. Raises LogError if a member of the group is reading."""
        asked = {TopicPartition(*part): OffsetAndMetadata(offset, "", None) for part, offset in offsets.items()}
        answers = await self._call(lambda client: client.alter_group_offsets(group, asked))
        refused = {part: error.__name__ for part, error in answers.items() if error.errno != 0}
        if refused:
            raise LogError(f"the offsets of group {group!r} could not be set: {refused}")


def _compare(specs: Sequence[TopicSpec], there: Mapping[str, int]) -> None:
    for spec in specs:
        count = there.get(spec.name, spec.partitions)
        if count != spec.partitions:
            raise WrongPartitions(f"topic {spec.name!r} has {count} partitions, not {spec.partitions}")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The client writes each attempt to connect into the log; what became of them is said once, by us."""
    client = logging.getLogger("kafka")
    before = client.level
    client.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        client.setLevel(before)
