"""deliver in the service: notifications to their receivers, each by the channels that the city gave them.

Read in bulk by a group of its own; each receiver's channel is a lane that delivers in order (`deliver_lanes`). How far
each lane has come is kept on a state topic; committed is what all lanes have behind them. So after a kill at most what
was on its way is delivered again, under the same id, and nothing is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
import msgspec

from streams.clocks import DAY
from streams.logs import Bulk, CommitRefused, Entry, Log, Outgoing, TopicSpec
from streams.logs import Part as TopicPart
from streams.policy import Channel
from streams.reasons import DeadReason
from streams.respond.identity import identity
from streams.rules import Bundle
from streams.service.deliver_lanes import Hooks, Lane, Patience, Waiting
from streams.service.deliver_mail import Mail
from streams.service.deliver_ways import TopicWay, Way, Webhook, client
from streams.service.letters import dead_letter, in_text
from streams.service.metrics import Reading
from streams.topics import Topics

READ_AT_MOST = 200
READ_WITHIN_S = 0.2


def receiver_topics(bundle: Bundle) -> list[TopicSpec]:
    """The topics of the receivers, for a home where nobody else makes them."""
    channels = [channel for receiver in bundle.policy.receivers.values() for channel in receiver.channels]
    names = {str(channel.options.get("topic", "")) for channel in channels if channel.type == "topic"}
    return [TopicSpec(name, 1, retention=30 * DAY, ours=False) for name in sorted(names - {""})]


class DeliverLoop:
    """The loop of the deliver role. `wall` gives µs since the epoch; `sleep` (s) and `chance` [0, 1) are for pauses."""

    def __init__(self, bundle: Bundle, log: Log, topics: Topics, wall: Callable[[], int],
                 patience: Patience | None = None,
                 sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
                 chance: Callable[[], float] = random.random) -> None:
        self.bundle, self.log, self.topics, self.wall = bundle, log, topics, wall
        self.counts: Counter[tuple[str, str, str]] = Counter()
        self.lanes: dict[str, list[Lane]] = {}
        self.position = 0
        self._patience = patience or Patience()
        self._hooks = Hooks(sleep, chance, self._bury, self._count)
        self._tasks: list[asyncio.Task[None]] = []
        self._assigned = False
        self._owned, self._committed = False, 0
        self._session: aiohttp.ClientSession | None = None

    async def run(self, stopping: asyncio.Event) -> None:
        """Deliver until told to stop."""
        bulk = self.bulk()
        await bulk.start()
        try:
            while not stopping.is_set():
                await self.once(bulk)
            await self.keep(bulk)
        finally:
            await bulk.stop()
            await self.close()

    def bulk(self) -> Bulk:
        """The reader of the notifications, not yet started."""
        group = f"{self.topics.prefix}-deliver"
        return self.log.bulk(group, [self.topics.notifications], self.on_revoked, self.on_assigned)

    async def on_assigned(self, parts: list[TopicPart]) -> None:
        """These are ours from now on."""
        self._assigned = bool(parts)

    async def on_revoked(self, parts: list[TopicPart]) -> None:
        """Another delivers them from now on; what is in hand it will deliver again."""
        self._assigned = False
        self._drop()

    async def close(self) -> None:
        """Let go of what is in hand, and of connections."""
        tasks = list(self._tasks)
        self._drop()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def once(self, bulk: Bulk) -> None:
        """One step: give the lanes what has come, keep how far they are. Raises what made a lane fail."""
        if self._assigned:
            self._assigned = False
            await self._take_over(bulk)
        for task in self._tasks:
            if task.done():
                task.result()
        if any(lane.crowded for lane in self._all()):
            await asyncio.sleep(READ_WITHIN_S)
        else:
            read = await bulk.getmany(READ_AT_MOST, READ_WITHIN_S)
            for entry in (entry for part in sorted(read) for entry in read[part]):
                await self._take(entry)
        await self.keep(bulk)

    async def keep(self, bulk: Bulk) -> None:
        """Write down how far each lane is, then commit what all have behind them."""
        moved = [(lane, lane.position) for lane in self._all() if lane.position > lane.kept]
        if moved:
            await self.log.append([Outgoing(self._state, 0, lane.name.encode(), str(position).encode())
                                   for lane, position in moved])
            for lane, position in moved:
                lane.kept = position
        done = min([self.position, *(lane.waiting[0].entry.offset for lane in self._all() if lane.waiting)])
        if self._owned and done > self._committed:
            with contextlib.suppress(CommitRefused):  # another worker delivers it again; the ids are the same
                await bulk.commit({(self.topics.notifications, 0): done})
                self._committed = done

    async def lag(self) -> int | None:
        """How many notifications somebody has still to be told; None where another worker tells them."""
        if not self._owned:
            return None
        return await self.log.end_offset(self.topics.notifications, 0) - self._committed

    def waiting(self) -> Mapping[tuple[str, str], int]:
        """How many wait, by receiver and channel."""
        waits: Counter[tuple[str, str]] = Counter()
        for lane in self._all():
            waits[lane.receiver, lane.channel] += len(lane.waiting)
        return waits

    @property
    def _state(self) -> str:
        return self.topics.state("deliver")

    def _all(self) -> list[Lane]:
        return [lane for lanes in self.lanes.values() for lane in lanes]

    async def _take_over(self, bulk: Bulk) -> None:
        """A lane for each channel, from where it stood."""
        self._drop()
        topic = self.topics.notifications
        start, end = await self.log.start_offset(topic, 0), await self.log.end_offset(topic, 0)
        stood = {(entry.key or b"").decode(): int(entry.value or b"0")
                 async for batch in self.log.read(self._state, 0) for entry in batch}
        for receiver in self.bundle.policy.receivers.values():
            self.lanes[receiver.id] = [self._lane(receiver.id, channel) for whole in receiver.channels
                                       for channel in _each(whole)]
        for lane in self._all():
            stand = stood.get(lane.name, 0)
            lane.position = lane.kept = stand if stand <= end else 0  # beyond the end: the topic was made anew
        self.position = self._committed = max(start, await bulk.committed(topic, 0) or 0)
        await bulk.seek(topic, 0, self.position)  # something may have been read before there were lanes
        self._tasks = [asyncio.create_task(lane.run()) for lane in self._all()]
        self._owned = True

    def _lane(self, receiver: str, channel: Channel) -> Lane:
        name = f"{receiver}/{channel.type}/{identity(sorted(channel.options.items()))}"
        return Lane(name, receiver, channel.type, self._way(channel), self._hooks, self._patience)

    def _way(self, channel: Channel) -> Way:
        options: Mapping[str, Any] = channel.options
        if channel.type == "webhook":
            return Webhook(options["url"], options.get("secret") or "", self.wall, self._client)
        if channel.type == "email":
            return Mail(options["to"][0])
        return TopicWay(self.log, options["topic"], {spec.name for spec in self.topics.specs(1)})

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = client()
        return self._session

    def _drop(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._owned, self._tasks, self.lanes = False, [], {}

    async def _take(self, entry: Entry) -> None:
        """Give it to the lanes of its receiver; who is no receiver any more cannot be told."""
        if not self._owned:
            return
        self.position = entry.offset + 1
        receiver = (entry.key or b"").decode("utf-8", "replace")
        one = Waiting(entry, _event(entry.value))
        lanes = self.lanes.get(receiver, []) if one.event else []
        for lane in lanes:
            lane.put(one)
        if not lanes:
            self.counts[receiver if one.event else "", "", "refused"] += 1
            missing = "no channel is served of" if receiver in self.lanes else "there is no receiver"
            problem = f"{missing} {receiver}" if one.event else "it is no CloudEvent"
            await self.log.append([self._letter(one, problem, receiver, "")])

    async def _bury(self, lane: Lane, one: Waiting, answer: str) -> None:
        await self.log.append([self._letter(one, answer, lane.receiver, lane.channel)])

    def _letter(self, one: Waiting, problem: str, receiver: str, channel: str) -> Outgoing:
        more = {"receiver": receiver, "channel": channel, **in_text(one.entry)}
        return dead_letter(self.topics, receiver.encode(), one.entry, DeadReason.NOT_DELIVERED, problem, more)

    def _count(self, lane: Lane, outcome: str) -> None:
        self.counts[lane.receiver, lane.channel, outcome] += 1


def _each(channel: Channel) -> list[Channel]:
    """A channel as lanes: one for each address of e-mail."""
    if channel.type == "email":
        return [Channel("email", {"to": [address]}) for address in dict.fromkeys(channel.options["to"])]
    return [channel] if channel.type in ("topic", "webhook") else []


def readings_of(deliver: DeliverLoop | None) -> list[Reading]:
    """What a scrape sees of it."""
    return [
        Reading("deliveries", "Attempts to tell a receiver, by outcome.", ("receiver", "channel", "outcome"),
                {} if deliver is None else deliver.counts),
        Reading("undelivered", "Notifications that wait for a receiver.", ("receiver", "channel"),
                {} if deliver is None else deliver.waiting(), gauge=True),
    ]


def _event(value: bytes | None) -> Mapping[str, Any]:
    """The CloudEvent; empty if it is none."""
    try:
        event = msgspec.json.decode(value or b"")
    except msgspec.DecodeError:
        return {}
    return event if isinstance(event, dict) and isinstance(event.get("id"), str) else {}
