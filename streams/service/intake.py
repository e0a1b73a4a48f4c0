"""ingest in the service: the city's one-event records, read in bulk by a consumer of its own.

One step: read, fold, send everything and wait, keep the state and wait, commit. Between steps
nothing is in flight, so a repeated record meets the same state and gives the same rows.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from itertools import islice

import orjson

from streams import frames
from streams.frames import AcceptedRow
from streams.ingest.intake import DeadLetter, Intake, Record, Taken
from streams.ingest.route import Router
from streams.logs import Bulk, CommitRefused, Entry, Log, LogError, Outgoing
from streams.logs import Part as TopicPart
from streams.rules import Bundle
from streams.service.stage import keep_state, read_state
from streams.topics import Topics, place_of

READ_AT_MOST = 2000
FOLD_AT_MOST = 500
FOLLOW_EVERY_S = 1.0
log = logging.getLogger(__name__)


class OwnedIntake:
    """One partition of one source that is ours: its fold and when a record last came."""

    def __init__(self, fold: Intake) -> None:
        self.fold = fold
        self.read_at = time.monotonic()
        self.followed_at = 0.0


class IngestLoop:
    """The loop of the ingest role. `wall` gives µs since the epoch."""

    def __init__(self, bundle: Bundle, log: Log, topics: Topics, wall: Callable[[], int],
                 personal_key: bytes = b"", on_step: Callable[[str, int, Taken], None] | None = None) -> None:
        self.bundle, self.log, self.topics, self.wall = bundle, log, topics, wall
        self.personal_key = personal_key
        self.on_step = on_step
        self.router = Router(bundle)
        self.sources = {source.topic: source for source in bundle.sources.values()}
        if len(self.sources) < len(bundle.sources):
            raise LogError("two sources read one topic; give each a topic of its own")
        self.owned: dict[TopicPart, OwnedIntake] = {}
        self.assigned: dict[TopicPart, int] = {}
        self.work_partitions = 1
        self._assignments = 0
        self._lock = asyncio.Lock()
        self._bulk: Bulk | None = None

    async def run(self, stopping: asyncio.Event) -> None:
        """Read until told to stop."""
        self.work_partitions = await self.log.partitions(self.topics.work)
        self._bulk = self.log.bulk(
            f"{self.topics.prefix}-ingest", sorted(self.sources), self.on_revoked, self.on_assigned)
        await self._bulk.start()
        try:
            while not stopping.is_set():
                await self.once(self._bulk)
        finally:
            await self._bulk.stop()

    async def once(self, bulk: Bulk) -> None:
        """One step over whatever has come, then the clocks of what is idle."""
        for part, assignment in list(self.assigned.items()):
            if part not in self.owned:
                await self._own(bulk, part, assignment)
        read = await bulk.getmany(READ_AT_MOST, 0.1)
        async with self._lock:
            for part, entries in read.items():
                owned = self.owned.get(part)
                if owned is not None:
                    await self._take(bulk, part, owned, entries)
            for part, owned in list(self.owned.items()):
                if part not in read and bulk.at_end(*part):
                    await self._follow(part, owned)

    @property
    def busy(self) -> bool:
        """Whether a step is in hand: what is folded may still be on its way."""
        return self._lock.locked()

    async def lag(self) -> dict[str, tuple[int, int]]:
        """Records not yet folded and the offset of the last one folded, by `source/partition`."""
        lags = {}
        for (topic, number), owned in list(self.owned.items()):
            at = owned.fold.offset
            read = self._bulk is not None and self._bulk.at_end(topic, number)  # a topic may end with holes
            lag = 0 if read else await self.log.end_offset(topic, number) - 1 - at
            lags[f"{owned.fold.source.id}/{number}"] = (lag, at)
        return lags

    async def on_assigned(self, parts: list[TopicPart]) -> None:
        """These are ours from now on; each is taken over in the next step. Every assignment has a number of its own."""
        self._assignments += 1
        self.assigned |= dict.fromkeys(parts, self._assignments)

    async def on_revoked(self, parts: list[TopicPart]) -> None:
        """Let the step in hand end; what it kept is what the next owner starts from.

        Not asked is the consumer: until it has joined again it names partitions that are not its own any more.
        """
        for part in parts:
            self.assigned.pop(part, None)
        async with self._lock:
            for part in parts:
                self.owned.pop(part, None)

    async def _own(self, bulk: Bulk, part: TopicPart, assignment: int) -> None:
        """Take over a partition: its state, and the reading position that belongs to it.

        Where the assignment ended meanwhile, what was read is of no use: another owner may have gone on from there.
        """
        try:
            fold = await self._restored(part)
            async with self._lock:
                if self.assigned.get(part) == assignment:
                    await bulk.seek(*part, fold.offset + 1)
                    self.owned[part] = OwnedIntake(fold)
        except LogError:
            if self.assigned.get(part) == assignment:
                raise
            log.info("%s/%d was given to another worker meanwhile", *part)

    async def _restored(self, part: TopicPart) -> Intake:
        topic, number = part
        source = self.sources[topic]
        fold = Intake(self.bundle, source, self.router, number, await self.log.partitions(topic),
                      self.work_partitions, self.personal_key)
        home = place_of(source.id, number, self.work_partitions)
        fold.restore(await read_state(self.log, self.topics.state("ingest"), home, self._prefix(fold)))
        return fold

    async def _take(self, bulk: Bulk, part: TopicPart, owned: OwnedIntake, entries: list[Entry]) -> None:
        owned.read_at = time.monotonic()
        records = iter(entries)
        while chunk := list(islice(records, FOLD_AT_MOST)):
            taken = owned.fold.take(record_of(entry) for entry in chunk)
            await self.log.append(self._outputs(owned.fold, taken))
            await self._keep(owned.fold)
            if self.on_step is not None:
                self.on_step(owned.fold.source.id, part[1], taken)
        try:
            await bulk.commit({part: owned.fold.offset + 1})
        except CommitRefused as refused:  # another worker owns it now; what it reads again is dropped by its marks
            log.warning("%s", refused)

    async def _follow(self, part: TopicPart, owned: OwnedIntake) -> None:
        """A source that has been idle for long: its clock follows the wall, told once a second."""
        now, idle = time.monotonic(), owned.fold.source.idle
        if idle is None or now - owned.read_at < idle / 1e6 or now - owned.followed_at < FOLLOW_EVERY_S:
            return
        owned.followed_at = now
        taken = owned.fold.follow(self.wall())
        if taken is not None:
            await self._keep(owned.fold)
            await self.log.append(self._outputs(owned.fold, taken))

    async def _keep(self, fold: Intake) -> None:
        prefix = self._prefix(fold)
        rows = {prefix + key: value for key, value in fold.changed().items()}
        home = place_of(fold.source.id, fold.partition, self.work_partitions)
        await keep_state(self.log, self.topics.state("ingest"), home, fold.offset, rows)

    def _prefix(self, fold: Intake) -> bytes:
        return f"{fold.source.id}/{fold.partition}/".encode()

    def _outputs(self, fold: Intake, taken: Taken) -> list[Outgoing]:
        """One frame a work partition, the accepted events, and what was not accepted."""
        key = self._prefix(fold)
        sent = [Outgoing(self.topics.work, partition, key, frame) for partition, rows in sorted(taken.work.items())
                for frame in frames.work_frames(self.bundle.id, rows)]
        home = place_of(fold.source.id, fold.partition, self.work_partitions)
        sent += [Outgoing(self.topics.events, home, key, frame) for frame in frames.events_frames(taken.events)]
        sent += [Outgoing(self.topics.late, 0, key, late_record(row)) for row in taken.late]
        sent += [Outgoing(self.topics.dlq, 0, key, dead_record(letter)) for letter in taken.dead]
        return sent


def record_of(entry: Entry) -> Record:
    """A log's entry as ingest takes it."""
    return Record(entry.offset, entry.timestamp, entry.value or b"", dict(entry.headers))


def late_record(row: AcceptedRow) -> bytes:
    """A late event as JSON, with the clock it was behind."""
    return orjson.dumps({"clock": row.clock, "event": _builtin(row.event)})


def dead_record(letter: DeadLetter) -> bytes:
    """A dead letter as JSON."""
    return orjson.dumps({name: getattr(letter, name) for name in letter.__struct_fields__})


def _builtin(struct: object) -> dict[str, object]:
    names = struct.__struct_fields__  # type: ignore[attr-defined]
    values = {name: getattr(struct, name) for name in names}
    return {name: _builtin(value) if hasattr(value, "__struct_fields__") else value for name, value in values.items()}
