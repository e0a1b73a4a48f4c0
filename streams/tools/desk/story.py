"""The whole story of an alert and of its cases, from the topics, in order of time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import orjson

from streams.clocks import MINUTE
from streams.logs import Entry, Log, UnknownTopic
from streams.records import Micros
from streams.tools.desk.sentences import Sentences
from streams.topics import Topics

SEARCHED_FROM = 50_000
"""A topic that is longer is not read from its beginning: where to begin is searched for."""
EARLY: Micros = 10 * MINUTE
"""A log's time may be so far behind the time of what happens."""


class Chapter(msgspec.Struct, frozen=True):
    """One thing that happened: when, the event that tells it, and the sentence that people read."""

    at: str
    event: dict[str, Any]
    sentence: str


async def story_of(log: Log, topics: Topics, ids: Sequence[str], zone: str,
                   since: Micros | None = None) -> list[Chapter]:
    """All that was told of an alert and its cases, by their ids; nothing of it is before `since`."""
    words = Sentences(zone)
    found: list[tuple[str, Micros, int, int, dict[str, Any]]] = []
    order = (topics.alerts, topics.dispatches, topics.cases, topics.notifications, topics.audit)
    for number, topic in enumerate(order):
        with contextlib.suppress(UnknownTopic):  # an older deployment has no such topic
            for entry, event in await events_about(log, topic, ids, since):
                found.append((event["recordedtime"], entry.timestamp, number, entry.offset, event))
    told: dict[str, dict[str, Any]] = {event["id"]: event for *_, event in sorted(found, key=lambda one: one[:4])}
    chapters = [Chapter(event["recordedtime"], event, words.of(event)) for event in told.values()]
    return [one for one in chapters if one.sentence]


async def events_about(log: Log, topic: str, ids: Iterable[str],
                       since: Micros | None) -> list[tuple[Entry, dict[str, Any]]]:
    """The events of a topic that name one of these ids. Raises UnknownTopic."""
    wanted = [name.encode() for name in ids]
    found = []
    async for batch in log.read(topic, 0, await beginning(log, topic, since)):
        for entry in batch:
            value = entry.value or b""
            if any(name == entry.key or name in value for name in wanted):
                found.append((entry, orjson.loads(value)))
    return found


async def beginning(log: Log, topic: str, since: Micros | None) -> int:
    """An offset before which nothing stands that happened at a moment or later. Raises UnknownTopic."""
    low, high = await log.start_offset(topic, 0), await log.end_offset(topic, 0)
    if since is None:
        return low
    while high - low > SEARCHED_FROM:
        middle = (low + high) // 2
        entry = await _next(log, topic, middle)
        if entry is not None and entry.timestamp < since - EARLY:
            low = middle
        else:
            high = middle
    return low


async def _next(log: Log, topic: str, start: int) -> Entry | None:
    async for batch in log.read(topic, 0, start, start + 1):
        return batch[0]
    return None
