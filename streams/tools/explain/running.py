"""The story of a rule from the log of a running service: what was accepted, put aside, told and sent."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec
import orjson

from streams import findings, frames
from streams.clocks import BEFORE_ALL, parse_rfc3339
from streams.composites import bases, feeds, origin
from streams.findings import Finding, FindingRow
from streams.frames import ClockRow
from streams.ingest.intake import DeadLetter, Record
from streams.ingest.mapping import Mapper
from streams.logs import Entry, Log
from streams.outages import above, teller
from streams.reasons import Fate
from streams.records import Event, Micros, Place
from streams.rules import Bundle, Rule
from streams.tools.explain.asking import names
from streams.tools.explain.files import dead_one
from streams.tools.explain.story import Arrived, Story, envelopes_of
from streams.topics import Topics

CLOCKS_READ = 500
"""So many of the newest frames of `tocsin.work` are asked how far the clocks have come."""


async def story_of_log(log: Log, topics: Topics, bundle: Bundle, rule: Rule) -> Story:
    """Everything that the log has about a rule. Raises LogError."""
    story = Story(bundle, rule, frozenset(bundle.sources))
    reading = Reading(log, topics, story)
    await reading.events()
    await reading.late()
    await reading.dead()
    await reading.told()
    await reading.sent()
    await reading.clocks()
    return story


class Reading:
    """Reads one topic after the other into a story."""

    def __init__(self, log: Log, topics: Topics, story: Story) -> None:
        self.log, self.topics, self.story = log, topics, story
        self.bundle, self.rule = story.bundle, story.rule
        self.feeds = feeds(self.bundle, self.rule)
        self.begun: dict[str, Micros] = {}

    async def events(self) -> None:
        """`tocsin.events`: what was accepted. What was sent again after a crash counts once."""
        seen: set[tuple[str, int, int]] = set()
        async for entry in entries(self.log, self.topics.events):
            for row in frames.decode_events(entry.value or b"").rows:
                event = row.event
                if event.source not in self.feeds or (place := (event.source, event.partition, event.offset)) in seen:
                    continue
                seen.add(place)
                began = event.time - self.bundle.sources[event.source].disorder
                self.begun[event.source] = min(began, self.begun.get(event.source, began))
                self.story.note(Arrived(Fate.EVENT, event.source, self._stood(event), row.clock, event))

    async def late(self) -> None:
        """`tocsin.late`: events that came too late, with the clock they were behind."""
        async for entry in entries(self.log, self.topics.late):
            told = orjson.loads(entry.value or b"{}")
            if told.get("event", {}).get("source") in self.feeds:
                event = event_of(told["event"])
                self.story.note(Arrived(Fate.LATE, event.source, self._stood(event), told["clock"], event))

    async def dead(self) -> None:
        """`tocsin.dlq`: records that could not be understood."""
        async for entry in entries(self.log, self.topics.dlq):
            told = orjson.loads(entry.value or b"{}")
            if told.get("source") in self.feeds:
                self.story.note(self._dead(told, entry))

    async def told(self) -> None:
        """`tocsin.respond`: the findings of the rule and of those it reads, each change once."""
        names = {self.rule.id, *(base.id for base in bases(self.bundle, self.rule))}
        async for row in rows_told(self.log, self.topics):
            if row.finding.rule in names:
                self.story.told.append(row.finding)

    async def sent(self) -> None:
        """What people and subscribers read about the rule."""
        for topic in ("alerts", "dispatches", "shadow", "audit"):
            async for entry in entries(self.log, self.topics.named(topic)):
                self.story.envelopes += envelopes_of(self.rule.id, topic, entry.value)

    async def clocks(self) -> None:
        """How far the clocks have come: by the newest frames of `tocsin.work`, else by the events."""
        parts: dict[tuple[str, int], Micros] = {}
        end = await self.log.end_offset(self.topics.work, 0)
        async for batch in self.log.read(self.topics.work, 0, max(0, end - CLOCKS_READ)):
            for entry in batch:
                for row in frames.decode_work(entry.value or b"").rows:
                    if isinstance(row, ClockRow):
                        parts[row.source, row.partition] = max(row.clock, parts.get((row.source, row.partition),
                                                                                    BEFORE_ALL))
        story = self.story
        story.clocks = {name: self._clock(name, parts) for name in sorted(self._asked())}
        story.clock = min(story.clocks.values(), default=BEFORE_ALL)
        fates = {teller(one.rule) for one in above(self.bundle, self.rule)} & {name for name, _ in parts}
        story.clock = min([story.clock, *(self._clock(name, parts) for name in sorted(fates))])
        story.since = max((self.begun.get(name, BEFORE_ALL) for name in self.rule.sources), default=BEFORE_ALL)

    def _asked(self) -> set[str]:
        return {*self.rule.sources, *(origin(name) for name in self.rule.bases)}

    def _clock(self, name: str, parts: Mapping[tuple[str, int], Micros]) -> Micros:
        known = [clock for (source, _), clock in parts.items() if source == name]
        head, source = self.story.heads.get(name), self.bundle.sources.get(name)
        if known or head is None or source is None:
            return min(known, default=BEFORE_ALL)
        return head - source.disorder

    def _stood(self, event: Event) -> str:
        topic = self.bundle.sources[event.source].topic
        return f"{topic}/{event.partition}, offset {event.offset}"

    def _dead(self, told: Mapping[str, Any], entry: Entry) -> Arrived:
        letter = msgspec.convert(told, DeadLetter)
        value = letter.record.encode() if letter.encoding == "text" else b64decode(letter.record)
        came = entry.timestamp if letter.received_at is None else parse_rfc3339(letter.received_at)
        place = f"{letter.topic}/{letter.partition}, offset {letter.offset}"
        mapper = Mapper(self.bundle, self.bundle.sources[letter.source])
        return dead_one(mapper, letter, place, Record(letter.offset, came, value), came)


async def entries(log: Log, topic: str) -> AsyncIterator[Entry]:
    """All entries of a topic, partition after partition."""
    for partition in range(await log.partitions(topic)):
        async for batch in log.read(topic, partition):
            for entry in batch:
                yield entry


async def rows_told(log: Log, topics: Topics) -> AsyncIterator[FindingRow]:
    """The findings on `tocsin.respond`; what a sender repeats after a crash is given once."""
    seen: set[tuple[str, int, int, int]] = set()
    async for entry in entries(log, topics.respond):
        try:
            rows = findings.decode(entry.value or b"").rows
        except msgspec.DecodeError:
            continue
        for row in rows:
            if isinstance(row, FindingRow) and (mark := (row.sender, row.partition, row.offset, row.row)) not in seen:
                seen.add(mark)
                yield row


async def finding_in_log(log: Log, topics: Topics, wanted: str) -> Finding | None:
    """The last word on a finding that is named, or on the first one of an alert that is named."""
    last: Finding | None = None
    async for row in rows_told(log, topics):
        if names(row.finding, wanted):
            last = row.finding
    return last


def event_of(told: Mapping[str, Any]) -> Event:
    """An event as `tocsin.late` spells it."""
    place = told.get("place")
    return Event(**{**told, "place": None if place is None else Place(**place)})
