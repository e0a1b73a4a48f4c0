"""Feedback in the service: what people do, from its own topic into the log that respond folds.

Read in bulk by a group of its own, sent on and acknowledged, then committed. What is sent twice has the same id and is
taken once, so nothing need be kept here. What is no action is a dead letter.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable

from streams import findings
from streams.findings import ActionRow, ResponseFrame
from streams.formats import FormatError, feedback
from streams.logs import Bulk, CommitRefused, Entry, Log, Outgoing
from streams.logs import Part as TopicPart
from streams.service.letters import dead_letter, in_text
from streams.topics import Topics

READ_AT_MOST = 500


class FeedbackLoop:
    """The loop of the respond role that takes in actions. `on_dead` hears of the reason of each dead letter."""

    def __init__(self, log: Log, topics: Topics, on_dead: Callable[[str], None] = lambda reason: None) -> None:
        self.log, self.topics, self.on_dead = log, topics, on_dead

    async def run(self, stopping: asyncio.Event) -> None:
        """Read until told to stop."""
        bulk = self.log.bulk(f"{self.topics.prefix}-feedback", [self.topics.feedback], _nothing, _nothing)
        await bulk.start()
        try:
            while not stopping.is_set():
                await self.once(bulk)
        finally:
            await bulk.stop()

    async def once(self, bulk: Bulk) -> None:
        """One step over whatever has come, or was left for the one process that writes an embedded log."""
        await self.log.collect()
        read = await bulk.getmany(READ_AT_MOST, 0.2)
        entries = [entry for part in sorted(read) for entry in read[part]]
        if entries:
            await self.log.append(list(self._sent(entries)))
            with contextlib.suppress(CommitRefused):  # another worker reads it again; the ids are the same
                await bulk.commit({part: its[-1].offset + 1 for part, its in read.items() if its})

    def _sent(self, entries: Iterable[Entry]) -> Iterable[Outgoing]:
        for entry in entries:
            try:
                action = feedback.decode(entry.value or b"", dict(entry.headers), entry.timestamp)
            except FormatError as error:
                self.on_dead(error.reason.value)
                yield self._dead(entry, error)
                continue
            frame = findings.encode(ResponseFrame([ActionRow(action)]))
            yield Outgoing(self.topics.respond, 0, action.id.encode(), frame)

    def _dead(self, entry: Entry, error: FormatError) -> Outgoing:
        place = f"{entry.topic}/{entry.partition}/{entry.offset}"
        return dead_letter(self.topics, place.encode(), entry, error.reason, error.text, in_text(entry))


async def _nothing(parts: list[TopicPart]) -> None:
    """What is assigned or revoked needs no care: there is no state."""
