"""A worker: the roles it plays, from start to a graceful stop. `tocsin run` is this.

Faust assigns and delivers; the folds, their state and the order of acknowledgements are ours
(`stage`). ingest has a consumer group of its own (`intake`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from itertools import count
from typing import Any

import faust
import msgspec

from streams.ingest.intake import Taken
from streams.logs import Log, open_log
from streams.respond.board import Board
from streams.rules import Bundle
from streams.service.app import faust_app
from streams.service.deliver import DeliverLoop, readings_of, receiver_topics
from streams.service.feedback import FeedbackLoop
from streams.service.folds import DetectFold, RespondFold
from streams.service.intake import IngestLoop
from streams.service.metrics import Port, Reading, gauges
from streams.service.stage import Stage
from streams.service.watchdog import Watchdog
from streams.topics import PREFIX, Topics, city_topics

ROLES = ("ingest", "detect", "respond", "deliver")
BEAT_EVERY_S = 0.25
FEEDS_EVERY = 8  # beats between two looks at how far ingest is behind
COMPACT_EVERY_S = 300.0
TICK_EVERY_S = 15.0
TAKE_AT_MOST = 200
TAKE_WITHIN_S = 0.02
log = logging.getLogger(__name__)


class Settings(msgspec.Struct, frozen=True):
    """How a worker runs. `metrics_port` 0 takes any free one, None serves none; `security`: TLS and SASL of Kafka."""

    broker: str
    roles: tuple[str, ...] = ROLES
    partitions: int = 4
    metrics_port: int | None = None
    prefix: str = PREFIX
    personal_key: bytes = b""
    patience_s: float = 60.0
    security: dict[str, Any] = {}


class Worker:
    """One process of the cluster."""

    def __init__(self, bundle: Bundle, settings: Settings) -> None:
        self.bundle, self.settings = bundle, settings
        self.log: Log = open_log(settings.broker, **settings.security)
        self.topics = Topics(settings.prefix)
        self.stages: dict[str, Stage] = {}
        self.apps: list[faust.App] = []
        self.ingest: IngestLoop | None = None
        self.feedback: FeedbackLoop | None = None
        self.deliver: DeliverLoop | None = None
        self.records: Counter[tuple[str, str]] = Counter()
        self.dead: Counter[tuple[str, str]] = Counter()
        self.watchdog = Watchdog(settings.patience_s)
        self.port: Port | None = None
        self._restoring: dict[str, asyncio.Task[None]] = {}
        self._lags: dict[tuple[str, str], int] = {}

    async def run(self, stopping: asyncio.Event | None = None,
                  ready: Callable[[], None] = lambda: None) -> None:
        """Work until `stopping` is set or the process is told to end; whatever fails ends it."""
        stopping = stopping if stopping is not None else _told_to_stop()
        await self._start()
        ready()
        loops = [asyncio.create_task(self._tend(stopping)), asyncio.create_task(self._beat(stopping))]
        loops += [asyncio.create_task(loop.run(stopping))
                  for loop in (self.ingest, self.feedback, self.deliver) if loop is not None]
        waiting = asyncio.create_task(stopping.wait())
        try:
            await asyncio.wait([waiting, *loops], return_when=asyncio.FIRST_COMPLETED)
            stopping.set()
            await asyncio.gather(*loops)
        finally:
            waiting.cancel()
            await self._stop()

    async def _start(self) -> None:
        await self.log.start()
        await self.log.create(self.topics.specs(self.settings.partitions))
        await self.log.create(city_topics(self.bundle, self.settings.partitions))
        partitions = await self.log.partitions(self.topics.work)
        if "ingest" in self.settings.roles:
            self.ingest = IngestLoop(self.bundle, self.log, self.topics, wall,
                                     self.settings.personal_key, self._on_ingest)
        if "detect" in self.settings.roles:
            self._play("detect", self.topics.work,
                       lambda number: DetectFold(self.bundle, self.topics, number, partitions))
        if "respond" in self.settings.roles:
            self._play("respond", self.topics.respond, lambda number: RespondFold(self.bundle, self.topics, number))
            self.feedback = FeedbackLoop(self.log, self.topics, self._on_dead_action)
        if "deliver" in self.settings.roles:
            await self.log.create(receiver_topics(self.bundle))
            self.deliver = DeliverLoop(self.bundle, self.log, self.topics, wall)
        if self.settings.metrics_port is not None:
            self.port = Port(self.settings.metrics_port, self.readings, self.is_ready)
            self.port.start()
        self.watchdog.start()
        for app in self.apps:
            await app.start()

    async def _stop(self) -> None:
        """Everything in the opposite order; the last snapshots are taken as partitions are given up."""
        for app in reversed(self.apps):
            await app.stop()
        for stage in self.stages.values():
            await stage.revoke(list(stage.parts))
        self.watchdog.stop()
        if self.port is not None:
            self.port.stop()
        await self.log.stop()

    def _play(self, role: str, topic: str, make: Callable[[int], Any]) -> None:
        """A role that folds one of our own topics: a Faust app with one agent around a stage."""
        stage = Stage(role, self.log, topic, self.topics.state(role), make)
        app = faust_app(f"{self.settings.prefix}-{role}", self.settings.broker, self.settings.security)
        channel = app.topic(topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")

        async def deliver(stream: Any) -> AsyncIterator[None]:
            async for events in stream.noack_take(TAKE_AT_MOST, within=TAKE_WITHIN_S):
                await self._deliver(role, stage, events)
                yield None

        app.agent(channel, name=role, concurrency=1)(deliver)

        async def assigned(_: Any, /, *args: Any, signal: Any, **kwargs: Any) -> None:
            ours = _partitions(topic, args[0])
            self._restoring[role] = asyncio.create_task(_or_end(self._take_over(stage, ours)))

        async def revoked(_: Any, /, *args: Any, signal: Any, **kwargs: Any) -> None:
            await stage.revoke(_partitions(topic, args[0]))

        app.on_partitions_assigned.connect(assigned, weak=False)
        app.on_partitions_revoked.connect(revoked, weak=False)
        self.stages[role] = stage
        self.apps.append(app)

    async def _take_over(self, stage: Stage, partitions: list[int]) -> None:
        """Restore what is ours now. Where rules are gone, what was open under them need not wait for a finding."""
        await stage.assign(partitions)
        folds = [part.fold for part in stage.parts.values()]
        ticks = [fold.tick(wall()) for fold in folds if isinstance(fold, RespondFold) and fold.overdue]
        if ticks:
            await self.log.append(ticks)

    async def _tick(self, regular: bool) -> None:
        """Write down the wall time for whoever waits for it: what is due, and `regular`ly what may be over."""
        folds = [part.fold for stage in self.stages.values() for part in list(stage.parts.values())]
        now = wall()
        ticks = [fold.tick(now) for fold in folds if isinstance(fold, RespondFold)
                 and (fold.needs_tick(now) or (regular and fold.waits))]
        if ticks:
            await self.log.append(ticks)

    async def _deliver(self, role: str, stage: Stage, events: list[Any]) -> None:
        """Fold what Faust hands over, then acknowledge; a failure ends the worker, nothing is skipped."""
        restoring = self._restoring.get(role)
        if restoring is not None:
            await restoring
        by_partition: dict[int, list[tuple[int, bytes]]] = {}
        for event in events:
            by_partition.setdefault(event.message.partition, []).append((event.message.offset, event.value or b""))
        for partition, entries in sorted(by_partition.items()):
            await _or_end(stage.take(partition, entries))
        for event in events:
            event.ack()

    async def _tend(self, stopping: asyncio.Event) -> None:
        """Keep state, read what was not delivered, compact the embedded log now and then."""
        compacted_at = ticked_at = time.monotonic()
        while not stopping.is_set():
            regular = time.monotonic() - ticked_at > TICK_EVERY_S
            ticked_at = time.monotonic() if regular else ticked_at
            await self._tick(regular)
            if time.monotonic() - compacted_at > COMPACT_EVERY_S:
                await self.log.compact()
                compacted_at = time.monotonic()
            for stage in self.stages.values():
                await stage.tend()
            await _pause(stopping, BEAT_EVERY_S)

    async def _beat(self, stopping: asyncio.Event) -> None:
        """Tell the watchdog that the loop turns, and how far behind each partition is; no stage can hold this up."""
        feeds: dict[str, tuple[int, int]] = {}
        for turn in count():
            if stopping.is_set():
                return
            if self.ingest is not None and turn % FEEDS_EVERY == 0:  # there may be many
                feeds = await self.ingest.lag()
            seen = {("ingest", name): found for name, found in feeds.items()}
            for role, stage in self.stages.items():
                at = {number: part.fold.offset for number, part in stage.parts.items()}
                seen |= {(role, str(number)): (lag, at.get(number, -1)) for number, lag in (await stage.lag()).items()}
            # only of what is ours now: what was given up is behind for ever
            self._lags = {name: lag for name, (lag, _) in seen.items()}
            waits = None if self.deliver is None else await self.deliver.lag()
            if waits is not None:  # no work for the watchdog: a receiver that is away must not end the worker
                self._lags["deliver", "0"] = waits
            self.watchdog.beat({name: at for name, (lag, at) in seen.items() if lag > 0})
            await _pause(stopping, BEAT_EVERY_S)

    async def drained(self) -> bool:
        """Whether everything in the logs that this worker reads has been folded (for a single worker)."""
        if self.ingest is None or not self.ingest.owned:
            return False
        for (topic, number), owned in list(self.ingest.owned.items()):
            if owned.fold.offset + 1 < await self.log.end_offset(topic, number):
                return False
        if len(self.ingest.owned) < sum([await self.log.partitions(topic) for topic in self.ingest.sources]):
            return False
        if self.ingest.busy:
            return False
        for stage in self.stages.values():
            if len(stage.parts) < await self.log.partitions(stage.topic) or any((await stage.lag()).values()):
                return False
            if not all(part.sound for part in stage.parts.values()):
                return False  # it is folded, and what comes of it is on its way
        return True

    def is_ready(self) -> bool:
        """Whether every role has partitions and has restored them."""
        restored = all(task.done() for task in self._restoring.values())
        return restored and all(role in self._restoring for role in self.stages)

    def readings(self) -> list[Reading]:
        """What a scrape sees."""
        findings: Counter[tuple[str, ...]] = Counter()
        engines: Counter[str] = Counter()
        excepted: Counter[tuple[str, ...]] = Counter()
        routed: Counter[tuple[str, ...]] = Counter()
        if self.ingest is not None:
            routed.update(self.ingest.router.counts)
            excepted.update(self.ingest.router.guardian.exceptions)
        keys = 0
        boards: list[Board] = []
        outputs: Counter[tuple[str, ...]] = Counter()
        suppressed: Counter[tuple[str, ...]] = Counter()
        notified: Counter[tuple[str, ...]] = Counter()
        quiet: Counter[tuple[str, ...]] = Counter()
        for stage in self.stages.values():
            for part in list(stage.parts.values()):
                if isinstance(part.fold, DetectFold):
                    findings.update(part.fold.told)
                    excepted.update(part.fold.exceptions)
                    routed.update(part.fold.engine.onward.router.counts)
                    excepted.update(part.fold.engine.onward.router.guardian.exceptions)
                    engines.update(part.fold.engine.counts)
                    keys += part.fold.engine.open_keys
                elif isinstance(part.fold, RespondFold):
                    boards.append(part.fold.fold.board)
                    outputs.update({(topic,): number for topic, number in part.fold.sent.items()})
                    suppressed.update({(reason,): number for reason, number in part.fold.fold.counts.items()})
                    notified.update(part.fold.fold.notify.told)
                    quiet.update({(reason,): number for reason, number in part.fold.fold.notify.quiet.items()})
        return [
            Reading("records", "Records read, by what became of them.", ("source", "fate"), self.records),
            Reading("findings", "Findings told, by rule and change.", ("rule", "change"), findings),
            Reading("refolds", "Keys computed again because an event came out of order.", (), {(): engines["refolds"]}),
            Reading("dead_letters", "Records not understood, by reason.", ("source", "reason"), self.dead),
            Reading("not_routed", "Events and findings that a rule did not take.", ("reason", "rule"), routed),
            Reading("exceptions", "Events that an exception of a rule covers, or would cover had it not expired.",
                    ("reason", "rule", "exception"), excepted),
            Reading("keys_limited", "Where corrections were given up: keys settled early, events too old.", ("reason",),
                    {(name,): engines[name] for name in
                     ("settled_early", "older_than_the_limit_allows", "older_than_settled")}),
            Reading("open_keys", "Keys that have state.", (), {(): keys}, gauge=True),
            Reading("outputs", "What respond sent, by topic.", ("topic",), outputs),
            Reading("held_back", "Findings that respond did not send, by reason.", ("reason",), suppressed),
            Reading("notifications", "Notifications, by receiver and reason.", ("receiver", "reason"), notified),
            Reading("suppressed", "Alerts that were kept back, by reason.", ("reason",), quiet),
            Reading("gaps_filled", "Gaps in what was delivered, filled by reading the log.", ("role",),
                    {(role,): stage.gaps_filled for role, stage in self.stages.items()}),
            Reading("lag_entries", "Entries not yet folded.", ("role", "partition"), self._lags, gauge=True),
            *readings_of(self.deliver), *gauges(boards),
        ]

    def _on_dead_action(self, reason: str) -> None:
        self.dead["feedback", reason] += 1

    def _on_ingest(self, source: str, partition: int, taken: Taken) -> None:
        if self.ingest is None:
            return
        for owned in self.ingest.owned.values():
            for fate, number in owned.fold.counts.items():
                self.records[owned.fold.source.id, fate] += number
            for reason, number in owned.fold.dead_reasons.items():
                self.dead[owned.fold.source.id, reason] += number
            owned.fold.counts.clear()
            owned.fold.dead_reasons.clear()



def wall() -> int:
    """The wall clock, µs since the epoch."""
    return time.time_ns() // 1000


async def _pause(stopping: asyncio.Event, seconds: float) -> None:
    """Wait, but not beyond the order to stop."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)


def _partitions(topic: str, given: Iterable[Any]) -> list[int]:
    """The partitions of our topic among those that Faust names."""
    return sorted(one.partition for one in given if one.topic == topic)


async def _or_end(work: Awaitable[None]) -> None:
    """Whatever fails here must not be skipped: the worker ends, and its successor starts from the state."""
    try:
        await work
    except asyncio.CancelledError:
        raise
    except Exception:
        log.exception("this worker cannot go on; it ends so that nothing is skipped")
        logging.shutdown()
        os._exit(1)


def _told_to_stop() -> asyncio.Event:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    return stopping
