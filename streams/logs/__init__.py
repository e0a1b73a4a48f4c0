"""The one interface to logs: append and wait for the acknowledgement, read a range, read in bulk with commit.

`open_log` chooses the home by its address: `embedded:///path/of/file.db` (SQLite, one process, no
server) or `kafka://host:9092[,host:9092]`. Nobody else knows which home a log lives in.

Promises of every home:
- offsets of a partition grow by one an entry and begin at 0; a compacted topic has holes, no other of ours
  (a stranger's topic on Kafka may, if written in transactions; what was aborted is not given);
- an append that returned survives the death of this process; of the machine, see the home's module;
- entries of one `append` that go to one partition stand there in the order given, and after those of every
  append that returned before;
- times are whole milliseconds (written as microseconds), because Kafka keeps no more;
- what a home cannot do is told as a `LogError` in words.
"""

from __future__ import annotations

import abc
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from streams.records import Micros

Part: TypeAlias = tuple[str, int]
"""A topic's name and one of its partitions."""

Headers: TypeAlias = tuple[tuple[str, bytes], ...]
OnParts: TypeAlias = Callable[[list[Part]], Awaitable[None]]

MAX_ENTRY_BYTES = 8 * 1024 * 1024
"""How large key, value and headers of one entry may be together; the setting `max_entry_bytes` changes it."""


class LogError(Exception):
    """A log cannot do what it was asked; the text says what and why."""


class UnknownTopic(LogError):
    """The topic, or the partition of it, was never created."""


class WrongPartitions(LogError):
    """The topic exists with another number of partitions."""


class LogLocked(LogError):
    """Another process writes this embedded log."""


class EntryTooLarge(LogError):
    """The entry is larger than the log takes. Nothing of that append was stored."""


class AppendFailed(LogError):
    """At least one entry was not acknowledged. Any of that append may stand in the log, or come to."""


class CommitRefused(LogError):
    """These partitions are another member's by now, or nobody's: what was read will be read again."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One entry of a log, as read. `timestamp` is in µs since the epoch, whole milliseconds."""

    topic: str
    partition: int
    offset: int
    timestamp: Micros
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """One entry to append.

    `partition` None: by murmur2 of the key as all Kafka clients do; without a key, any. `timestamp` None:
    now; retention counts from it, and Kafka refuses one more than an hour ahead. `value` None in a compacted
    topic says that the key is gone.
    """

    topic: str
    partition: int | None
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    timestamp: Micros | None = None


class TopicSpec(msgspec.Struct, frozen=True):
    """What a topic is to be.

    `compacted`: only the newest entry of each key need stay. `retention` None: keep all. `ours` False: somebody
    else's topic, made where it is missing, otherwise neither changed nor compared.
    """

    name: str
    partitions: int
    compacted: bool = False
    retention: Micros | None = None
    ours: bool = True


class Bulk(abc.ABC):
    """A member of a group that reads whole topics: the group's partitions are shared out among its members.

    A partition begins at the group's committed offset, or at the oldest entry if there is none.
    """

    @abc.abstractmethod
    async def start(self) -> None:
        """Join the group. Raises UnknownTopic. In a cluster the partitions come later, with `on_assigned`."""

    @abc.abstractmethod
    async def stop(self) -> None:
        """Leave the group; before, `on_revoked` is called and may still commit. Twice is harmless."""

    @abc.abstractmethod
    async def getmany(self, max_records: int = 2000, timeout_s: float = 0.1) -> dict[Part, list[Entry]]:
        """The next entries of the assigned partitions, in order for each; {} if none came in `timeout_s`."""

    @abc.abstractmethod
    async def commit(self, offsets: Mapping[Part, int]) -> None:
        """Remember the NEXT offset to read of these. Raises CommitRefused."""

    @abc.abstractmethod
    async def committed(self, topic: str, partition: int) -> int | None:
        """The next offset that the group has committed, None if it never did."""

    @abc.abstractmethod
    def assignment(self) -> list[Part]:
        """The partitions that are ours now, sorted."""

    @abc.abstractmethod
    def position(self, topic: str, partition: int) -> int | None:
        """The next offset that `getmany` will give; None while it is not known."""

    @abc.abstractmethod
    async def seek(self, topic: str, partition: int, offset: int) -> None:
        """Go on from this offset."""

    @abc.abstractmethod
    def at_end(self, topic: str, partition: int) -> bool:
        """Whether everything that the log was known to hold at the last `getmany` has been given."""


class Log(abc.ABC):
    """Topics of partitions of entries. Use one per event loop; several may be open in one process."""

    @abc.abstractmethod
    async def start(self) -> None:
        """Open it. Raises LogLocked, LogError."""

    @abc.abstractmethod
    async def stop(self) -> None:
        """Close it after what was appended is stored. Twice is harmless."""

    @abc.abstractmethod
    async def create(self, topics: Sequence[TopicSpec]) -> None:
        """Make missing topics, bring the settings of the others up to date. Raises WrongPartitions."""

    @abc.abstractmethod
    async def topics(self) -> dict[str, int]:
        """Every topic with its number of partitions."""

    @abc.abstractmethod
    async def partitions(self, topic: str) -> int:
        """The topic's number of partitions. Raises UnknownTopic."""

    @abc.abstractmethod
    async def append(self, entries: Sequence[Outgoing]) -> list[tuple[int, int]]:
        """The (partition, offset) of each, once all are acknowledged. Raises EntryTooLarge, AppendFailed."""

    async def post(self, entries: Sequence[Outgoing]) -> None:
        """Append, or leave them for the one process that may; they may come twice. Raises EntryTooLarge, LogError."""
        await self.append(entries)

    async def collect(self) -> int:
        """Append what other processes have posted; how many entries that were."""
        return 0

    @abc.abstractmethod
    def read(self, topic: str, partition: int, start: int = 0, stop: int | None = None) -> AsyncIterator[list[Entry]]:
        """The entries with start <= offset < stop, in batches, without a group.

        `stop` None: the end as it is now. What was compacted or is older than the retention is not there any
        more: compare the offsets.
        """

    @abc.abstractmethod
    def follow(self, topic: str, partition: int, start: int) -> AsyncIterator[list[Entry]]:
        """As `read`, but waits at the end for more, for ever."""

    @abc.abstractmethod
    async def start_offset(self, topic: str, partition: int) -> int:
        """The lowest offset that is kept (0 until retention removes something)."""

    @abc.abstractmethod
    async def end_offset(self, topic: str, partition: int) -> int:
        """The offset that the next entry will get."""

    @abc.abstractmethod
    async def committed(self, group: str) -> dict[Part, int]:
        """The next offset of each partition that the group has committed."""

    @abc.abstractmethod
    async def set_committed(self, group: str, offsets: Mapping[Part, int]) -> None:
        """Set a group's offsets from outside; no member of it may be reading."""

    @abc.abstractmethod
    def bulk(
        self,
        group: str,
        topics: Sequence[str],
        on_revoked: OnParts | None = None,
        on_assigned: OnParts | None = None,
    ) -> Bulk:
        """A new member of the group, not yet started. Inside the callbacks nothing slow may happen."""

    @abc.abstractmethod
    async def compact(self) -> int:
        """Apply compaction and retention now; how many entries went. A Kafka broker does that itself: 0."""


def open_log(url: str, **settings: Any) -> Log:
    """The log at this address, not yet started. Raises ValueError, in words, for an address of no known home.

    Settings of both: max_entry_bytes. Embedded: see `sqlite.SqliteLog`. Kafka: see `kafka.KafkaLog`
    (TLS and SASL among them).
    """
    scheme, sep, rest = url.partition("://")
    if sep and scheme == "embedded":
        from streams.logs.sqlite import SqliteLog  # noqa: PLC0415 - a home is loaded where it is used

        return SqliteLog(embedded_path(url), **settings)
    if sep and scheme == "kafka" and rest:
        from streams.logs.kafka import KafkaLog  # noqa: PLC0415

        return KafkaLog(rest.split(","), **settings)
    raise ValueError(
        f"not the address of a log: {url!r} (embedded:///path/of/file.db or kafka://host:9092[,host:9092])"
    )


def embedded_path(url: str) -> str:
    """The file's path in an embedded address. Raises ValueError, in words, if there is none."""
    path = url.removeprefix("embedded://")
    if path == url or not path.startswith("/") or path.endswith("/"):
        raise ValueError(f"an embedded log needs the absolute path of a file: {url!r} (embedded:///path/of/file.db)")
    return path
