"""ingest: the fold over one partition of a city's topic. Records in, rows for our own logs out; pure.

Each record ends as exactly one of: event, late, duplicate, dead letter. Lateness is decided here,
once, against the partition's clock; what the wall decides (a clock that follows it) comes in as an
argument and goes out as data.
"""

from __future__ import annotations

import base64
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from streams.clocks import AFTER_ALL, BEFORE_ALL, rfc3339
from streams.formats import FormatError, decoder
from streams.frames import CLOCK_ROW, AcceptedRow, ClockRow, MemberRow, WorkRow
from streams.ingest.mapping import Mapper, Refusal
from streams.ingest.route import Router, partition_of
from streams.reasons import DeadReason, Fate
from streams.records import Event, Micros
from streams.rules import Bundle, Source

RECORD_LIMIT = 1 << 20
KEPT_OF_A_DEAD_RECORD = 16_384
STAMP_AFTER_ROWS = 500  # a frame may be cut wherever a clock stands
META = b"meta"
_packer = msgspec.msgpack.Encoder()


class Record(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a city's topic holds before it is understood. `stamp` is the log's time, µs; a file has none."""

    offset: int
    stamp: Micros | None
    value: bytes
    headers: Mapping[str, bytes] = {}

    @property
    def row(self) -> int:
        """The 0-based data row of the file it was loaded from, else its offset."""
        if not self.headers:
            return self.offset
        text = self.headers.get("row", b"")
        return int(text) if text.isdigit() and len(text) < 19 else self.offset


class DeadLetter(msgspec.Struct, frozen=True):
    """A record that could not be understood: where it stood, why, and the record itself."""

    reason: str
    problem: str
    source: str
    topic: str
    partition: int
    offset: int
    row: int
    received_at: str | None
    size: int
    record: str
    encoding: str  # text or base64; only the first part of a large record is kept


class Taken(msgspec.Struct):
    """What a batch of records became. `work` holds rows by work partition, clocks last."""

    events: list[AcceptedRow] = []
    work: dict[int, list[WorkRow]] = {}
    late: list[AcceptedRow] = []
    dead: list[DeadLetter] = []


class IntakeMeta(msgspec.Struct, array_like=True):
    """Where the fold stands, beside the ids it has seen."""

    version: int
    offset: int
    row: int
    clock: Micros
    head: Micros
    wall: Micros
    first: Micros = AFTER_ALL


class Intake:
    """The fold over one partition of one source's topic.

    With `wall_is_received` (a backtest in the order of arrival) the times of receipt are the wall. `now`
    is known where records are read from a file: nothing happens later than that.
    """

    def __init__(self, bundle: Bundle, source: Source, router: Router, partition: int = 0,
                 partitions: int = 1, work_partitions: int = 1, personal_key: bytes = b"",
                 wall_is_received: bool = False, now: Micros | None = None) -> None:
        self.wall_is_received, self.now = wall_is_received, now
        self.source, self.router = source, router
        self.partition, self.partitions, self.work_partitions = partition, partitions, work_partitions
        self.mapper = Mapper(bundle, source, personal_key)
        self.decode = decoder(source.format)
        self._name = source.id.encode()
        self.counts: Counter[str] = Counter()
        self.dead_reasons: Counter[str] = Counter()
        self.offset, self._row, self._unstamped = -1, CLOCK_ROW, 0
        self.clock: Micros = BEFORE_ALL
        self.head: Micros = BEFORE_ALL
        self.first: Micros = AFTER_ALL  # the earliest accepted event's time
        self.wall: Micros = BEFORE_ALL  # the newest time of receipt
        self._seen: dict[str, Micros] = {}
        self._batches: deque[tuple[Micros, bytes, list[str]]] = deque()
        self._rows: dict[bytes, bytes | None] = {}
        self._going: list[bytes] = []
        self._gone: list[bytes] = []

    def take(self, records: Iterable[Record]) -> Taken:
        """Fold a batch of records, in order; those at or below the offset held are skipped."""
        taken = Taken([], {}, [], [])
        fresh: dict[str, Micros] = {}
        duplicates = 0
        for record in records:
            if record.offset <= self.offset:
                continue
            self.offset, self._row = record.offset, CLOCK_ROW
            duplicates += self._one(record, taken, fresh)
            if self._unstamped >= STAMP_AFTER_ROWS:
                self._stamp_clocks(taken, self._row)
        self._count(taken, duplicates)
        self._remember(fresh)
        self._stamp_clocks(taken, self._row)
        return taken

    def follow(self, wall: Micros) -> Taken | None:
        """Let the clock follow the wall; None if it is not behind.

        The caller knows that the partition has been read to its end and that nothing came for
        `idle`. The state must be kept before the rows are sent: another run might not decide so.
        """
        if not self._follow(wall):
            return None
        self._row += 1
        taken = Taken([], {}, [], [])
        self._stamp_clocks(taken, self._row)
        return taken

    def finish(self, clock: Micros) -> Taken:
        """Nothing more will come: the clock goes to `clock`."""
        self.clock = max(self.clock, clock)
        self._row += 1
        taken = Taken([], {}, [], [])
        self._stamp_clocks(taken, self._row)
        return taken

    def probe(self, record: Record) -> Event | None:
        """The event that a record would become, without folding it; None for a dead letter."""
        try:
            return self._understand(record)
        except Refusal:
            return None

    def changed(self) -> dict[bytes, bytes | None]:
        """State rows that changed since the last call; None for what is gone since the one before.

        One snapshot later, because a replay from an older meta row may still need what is gone.
        """
        rows, self._rows, self._gone = {**self._rows, **dict.fromkeys(self._gone)}, {}, self._going
        self._going = []
        rows[META] = _packer.encode(IntakeMeta(1, self.offset, self._row, self.clock, self.head, self.wall,
                                               self.first))
        return rows

    def restore(self, rows: Mapping[bytes, bytes]) -> None:
        """Take over the rows of an earlier run."""
        if META not in rows:
            return
        meta = msgspec.msgpack.decode(rows[META], type=IntakeMeta)
        self.offset, self._row, self.clock = meta.offset, meta.row, meta.clock
        self.head, self.wall, self.first = meta.head, meta.wall, meta.first
        for name in sorted(set(rows) - {META}, key=lambda name: int(name[4:])):
            if int(name[4:]) > self.offset:
                continue  # a snapshot cut short: this batch comes again
            ids = msgspec.msgpack.decode(rows[name], type=dict[str, Micros])
            self._seen.update(ids)
            self._batches.append((max(ids.values()), name, list(ids)))

    def _follow(self, wall: Micros) -> bool:
        if wall - self.source.disorder <= self.clock:
            return False
        self.clock = wall - self.source.disorder
        return True

    def _count(self, taken: Taken, duplicates: int) -> None:
        for fate, number in ((Fate.EVENT, len(taken.events)), (Fate.LATE, len(taken.late)),
                             (Fate.DEAD, len(taken.dead)), (Fate.DUPLICATE, duplicates)):
            if number:
                self.counts[fate] += number

    def _one(self, record: Record, taken: Taken, fresh: dict[str, Micros]) -> bool:
        """Take one record; whether it was a duplicate."""
        try:
            event = self._understand(record)
        except Refusal as refusal:
            self.dead_reasons[refusal.reason] += 1
            taken.dead.append(self._dead(record, refusal))
            return False
        idle = self.source.idle
        if self.wall_is_received and idle is not None and event.received - self.wall >= idle:
            self._follow(event.received)
        self.wall = max(self.wall, event.received)
        row = AcceptedRow(0, self.clock, event)
        horizon = self.clock - self.source.lateness
        if event.time < horizon:
            taken.late.append(row)
            return False
        seen = self._seen.get(event.id)
        if seen is not None and seen >= horizon:
            return True
        self._seen[event.id] = fresh[event.id] = event.time
        first = self.head == BEFORE_ALL
        if first:
            self.first = event.time
        if event.time > self.head:
            self.head = event.time
            self.clock = max(self.clock, event.time - self.source.disorder)
        elif event.time < self.first:
            self.first = event.time
        taken.events.append(row)
        self._route(event, taken.work)
        if first:  # rules count from here, wherever the batch ends
            self._stamp_clocks(taken, CLOCK_ROW - 1)
        return False

    def _understand(self, record: Record) -> Event:
        if len(record.value) > RECORD_LIMIT:
            raise Refusal(DeadReason.TOO_LARGE, f"{len(record.value)} bytes, the limit is {RECORD_LIMIT}")
        named = record.headers.get("source")
        if named and named != self._name:
            told = named.decode("utf-8", "replace")
            raise Refusal(DeadReason.UNKNOWN_SOURCE, f"{self.source.topic} has no source {told!r}")
        try:
            fields = self.decode(record.value, record.headers)
            event = self.mapper.event(fields, record.row, record.stamp, self.partition, record.offset)
            if self.now is not None and event.time > self.now + self.source.skew:
                raise Refusal(DeadReason.TIME_IN_FUTURE, "the event's time lies in the future")
            return event
        except FormatError as error:
            raise Refusal(DeadReason(error.reason), str(error)) from error
        except Refusal:
            raise
        except Exception as error:
            raise Refusal(DeadReason.MAPPING_FAILED, f"{type(error).__name__}: {error}") from error

    def _route(self, event: Event, work: dict[int, list[WorkRow]]) -> None:
        wanted = self.router.route(event)
        self._unstamped += len(wanted)
        if not wanted:
            return
        for row, (rule, key, member) in enumerate(wanted):
            partition = partition_of(rule, key, self.work_partitions) if self.work_partitions > 1 else 0
            work.setdefault(partition, []).append(MemberRow(row, rule, key, member))

    def _stamp_clocks(self, taken: Taken, number: int) -> None:
        """Every work partition hears of every clock; a frame ends with it, as the mark of its sender."""
        self._unstamped = 0
        row = ClockRow(self.source.id, self.partition, self.partitions, self.offset, number, self.clock, self.head,
                       self.first)
        for partition in range(self.work_partitions):
            taken.work.setdefault(partition, []).append(row)

    def _remember(self, fresh: dict[str, Micros]) -> None:
        """Keep the ids of a batch until all of them are beyond lateness."""
        if fresh:
            name = b"ids/" + str(self.offset).encode()
            self._batches.append((max(fresh.values()), name, list(fresh)))
            self._rows[name] = _packer.encode(fresh)
        horizon = self.clock - self.source.lateness
        while self._batches and self._batches[0][0] < horizon:
            _, name, ids = self._batches.popleft()
            for identity in ids:
                if self._seen.get(identity, horizon) < horizon:
                    del self._seen[identity]
            self._going.append(name)

    def _dead(self, record: Record, refusal: Refusal) -> DeadLetter:
        text, encoding = _readable(record.value[:KEPT_OF_A_DEAD_RECORD])
        stamp = None if record.stamp is None else rfc3339(record.stamp)
        return DeadLetter(refusal.reason, refusal.text, self.source.id, self.source.topic, self.partition,
                          record.offset, record.row, stamp, len(record.value), text, encoding)


def _readable(value: bytes) -> tuple[str, str]:
    """The bytes as text if they are, else in base64."""
    try:
        return value.decode(), "text"
    except UnicodeDecodeError:
        return base64.b64encode(value).decode(), "base64"


def summary(counts: Mapping[str, int]) -> dict[str, Any]:
    """The four fates and their sum, for metrics and every command's summary."""
    named = {fate.value: counts.get(fate, 0) for fate in Fate}
    return {"records": sum(named.values()), **named}
