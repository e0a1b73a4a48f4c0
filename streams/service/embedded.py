"""Faust on the embedded log: a transport of our own, so that the same agents run without a server.

Importing this module makes `faust.App(broker="embedded:///path/of/file.db")` work. One process reads all
partitions; offsets are committed to the same file. Where it differs from Faust's transport for Kafka:

- every partition is sought when flow resumes, also one that nobody committed yet: a new group skips nothing;
- `flush` returns only when everything sent is stored, so no offset runs ahead of what was sent before it;
- a topic that does not exist ends the worker in words instead of never giving anything;
- no tables (`app.py` refuses them): our state is not kept in them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping
from typing import Any, ClassVar

from faust.exceptions import NotReady, ProducerSendError
from faust.transport import base
from faust.transport.drivers import TRANSPORTS
from faust.types import TP, ConsumerMessage, RecordMetadata
from mode.utils.times import want_seconds
from yarl import URL

from streams.logs import Entry, LogError, Outgoing, Part, TopicSpec
from streams.logs.sqlite import SqliteLog

SCHEME = "embedded"
CREATE_TIME = 0  # Kafka's word for: the timestamp is the sender's


def url_of(path: str) -> URL:
    """The address of a file as Faust's settings want it; any character may stand in the path."""
    return URL.build(scheme=SCHEME, path=path)


class Consumer(base.Consumer):
    """Reads what the app's agents subscribe to, as the one member of the app's group."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._file = SqliteLog(self.transport.url[0].path)
        self._topics: frozenset[str] | None = None
        self._assigned: set[TP] = set()
        self._at: dict[TP, int] = {}
        self._generation = 0

    @property
    def group(self) -> str:
        """The group is the app."""
        return str(self.app.conf.id)

    async def on_start(self) -> None:
        """Open the log. Raises LogError, also where the group is already being read."""
        await super().on_start()
        await self._file.start()
        self._file.store.join(self.group)

    async def on_stop(self) -> None:
        """Commit what is acknowledged, then close."""
        await super().on_stop()
        self._file.store.leave(self.group)
        await self._file.stop()

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Read these topics from now on. Raises UnknownTopic."""
        wanted = frozenset(topics)
        for topic in wanted:
            await self._file.partitions(topic)
        if wanted != self._topics:
            self._topics = wanted
            # Not awaited: Faust wants the subscription to have returned before partitions are assigned.
            self.add_future(self._rebalance(wanted))

    async def _rebalance(self, topics: frozenset[str]) -> None:
        self.app.on_rebalance_start()
        await self.on_partitions_revoked(set(self._assigned))
        self._generation += 1
        self.app.consumer_generation_id = self._generation
        counts = self._file.store.catalogue.specs
        self._assigned = {TP(topic, p) for topic in topics for p in range(counts[topic].partitions)}
        await self.on_partitions_assigned(set(self._assigned), self._generation)

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> dict[TP, list[Entry]]:  # noqa: ASYNC109
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while True:
            grown = self._file.growth()
            found = await self._fetch(self._assigned if active_partitions is None else active_partitions)
            left = deadline - loop.time()
            if found or left <= 0 or not self.flow_active:
                return found
            await self._file.wait(grown, left)

    async def _fetch(self, active: set[TP]) -> dict[TP, list[Entry]]:
        at: dict[Part, int] = {tp: self._at[tp] for tp in sorted(active & self._at.keys())}
        found: dict[TP, list[Entry]] = {}
        for part, batch in (await self._file.next_of(at, self.app.conf.broker_max_poll_records or 500)).items():
            tp = TP(*part)
            if self._at.get(tp) == at[part]:  # nobody sought meanwhile
                found[tp] = batch
                self._at[tp] = batch[-1].offset + 1
        return found

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        await self._file.set_committed(self.group, {(tp.topic, tp.partition): offset for tp, offset in offsets.items()})
        return True

    async def seek_to_committed(self) -> dict[TP, int]:
        """Go to where the group stands: its committed offsets, else the oldest entries."""
        committed = await self._file.committed(self.group)
        part = self._file.store.catalogue.part
        self._at = {tp: max(part(*tp).start, committed.get((tp.topic, tp.partition), 0)) for tp in self._assigned}
        return dict(self._at)

    async def _seek(self, partition: TP, offset: int) -> None:
        self._at[partition] = offset

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Go to these offsets."""
        for tp, offset in partitions.items():
            await self.seek(tp, offset)

    async def position(self, tp: TP) -> int | None:
        """The next offset to be fetched."""
        return self._at.get(tp)

    def assignment(self) -> set[TP]:
        """All partitions of all subscribed topics, once they are assigned."""
        return set(self._assigned)

    def highwater(self, tp: TP) -> int:
        """The offset that the next entry will get."""
        return self._file.store.catalogue.part(*tp).next

    async def highwaters(self, *partitions: TP) -> dict[TP, int]:
        """Of each."""
        return {tp: self.highwater(tp) for tp in partitions}

    async def earliest_offsets(self, *partitions: TP) -> dict[TP, int]:
        """The oldest offset kept of each."""
        return {tp: self._file.store.catalogue.part(*tp).start for tp in partitions}

    def topic_partitions(self, topic: str) -> int | None:
        """The number of partitions; None for a topic that is not there."""
        spec = self._file.store.catalogue.specs.get(topic)
        return None if spec is None else spec.partitions

    def key_partition(self, topic: str, key: bytes | None, partition: int | None = None) -> int | None:
        """Where an entry with this key goes."""
        return self._file.placed(Outgoing(topic, partition, key, b""))[1]

    def _new_topicpartition(self, topic: str, partition: int) -> TP:
        return TP(topic, partition)

    def _to_message(self, tp: TP, record: Entry) -> ConsumerMessage:
        return ConsumerMessage(
            record.topic,
            record.partition,
            record.offset,
            record.timestamp / 1e6,
            CREATE_TIME,
            list(record.headers),
            record.key,
            record.value,
            None,
            -1 if record.key is None else len(record.key),
            -1 if record.value is None else len(record.value),
            tp,
            generation_id=self.app.consumer_generation_id,
        )

    async def create_topic(self, topic: str, partitions: int, replication: int, **kwargs: Any) -> None:
        """See `Producer.create_topic`."""
        await self.app.producer.create_topic(topic, partitions, replication, **kwargs)


class Producer(base.Producer):
    """Appends what is sent, in the order of sending, as few transactions as the disk allows."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._file = SqliteLog(self.transport.url[0].path)
        self._waiting: list[tuple[Outgoing, asyncio.Future[RecordMetadata]]] = []
        self._appending: asyncio.Task[None] | None = None
        self._open = False

    async def on_start(self) -> None:
        """Open the log."""
        await super().on_start()
        await self._file.start()
        self._open = True

    async def on_stop(self) -> None:
        """Store what was sent, then close."""
        await super().on_stop()
        await self._settle()
        self._open = False
        await self._file.stop()

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: Any,
        *,
        transactional_id: str | None = None,
    ) -> Awaitable[RecordMetadata]:
        """Take it; the future ends once it is stored. Raises NotReady, ProducerSendError."""
        if not self._open:
            raise NotReady("Producer service not yet started")
        named = headers.items() if isinstance(headers, Mapping) else headers or ()
        stamp = None if timestamp is None else round(timestamp * 1e6)
        entry = Outgoing(topic, partition, key, value, tuple(named), stamp)
        try:
            where = self._file.placed(entry)
        except LogError as error:
            raise ProducerSendError(f"Error while sending: {error}") from error
        stored: asyncio.Future[RecordMetadata] = asyncio.get_running_loop().create_future()
        self._waiting.append((Outgoing(*where, key, value, entry.headers, stamp), stored))
        if self._appending is None:
            self._appending = asyncio.create_task(self._append())
        return stored

    async def _append(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                answers = await self._file.append([entry for entry, _ in batch])
            except LogError as error:
                _fail([stored for _, stored in batch], ProducerSendError(f"Error while sending: {error}"))
                continue
            for (entry, stored), (partition, offset) in zip(batch, answers, strict=True):
                if not stored.done():
                    tp = TP(entry.topic, partition)
                    stored.set_result(RecordMetadata(entry.topic, partition, tp, offset, None, CREATE_TIME))
        self._appending = None

    async def send_and_wait(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: Any,
        *,
        transactional_id: str | None = None,
    ) -> RecordMetadata:
        """Send it and wait until it is stored."""
        return await (await self.send(topic, key, value, partition, timestamp, headers))

    async def flush(self) -> None:
        """Wait until everything sent is stored."""
        while self.buffer.size:
            await self.buffer.flush()
        await self._settle()

    async def _settle(self) -> None:
        while self._appending is not None:
            await asyncio.shield(self._appending)

    def key_partition(self, topic: str, key: bytes) -> TP:
        """Where an entry with this key goes."""
        return TP(topic, self._file.placed(Outgoing(topic, None, key, b""))[1])

    def supports_headers(self) -> bool:
        """Yes."""
        return True

    async def create_topic(self, topic: str, partitions: int, replication: int, **kwargs: Any) -> None:
        """Make the topic unless it is there; not at all where the app does not allow it."""
        if not self.app.conf.topic_allow_declare:
            self.log.warning("Topic creation disabled! Can't create topic %s", topic)
        elif topic not in await self._file.topics():
            retention = kwargs.get("retention")
            kept = None if retention is None else round(want_seconds(retention) * 1e6)
            await self._file.create([TopicSpec(topic, partitions, bool(kwargs.get("compacting")), kept)])


def _fail(futures: list[asyncio.Future[RecordMetadata]], error: Exception) -> None:
    for stored in futures:
        if not stored.done():
            stored.set_exception(error)


class Transport(base.Transport):
    """What Faust makes of an `embedded:` address."""

    Consumer: ClassVar[Any] = Consumer
    Producer: ClassVar[Any] = Producer
    driver_version = "embedded"


TRANSPORTS.aliases[SCHEME] = f"{__name__}:Transport"
