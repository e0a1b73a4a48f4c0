"""Feedback on the embedded log: actions go on to respond, what is none is a dead letter, and nothing is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson

from streams import findings
from streams.actions import Action
from streams.findings import ActionRow
from streams.formats import feedback
from streams.logs import Log, Outgoing, open_log
from streams.service.feedback import FeedbackLoop
from streams.topics import Topics

TOPICS = Topics()
ACTION = Action("a1", 1_751_371_200_000_000, "ann", ("dispatcher",), "alert.ack", "alert-1")


async def values(log: Log, topic: str) -> list[bytes]:
    """What stands in partition 0 of a topic."""
    return [entry.value or b"" async for batch in log.read(topic, 0, 0, None) for entry in batch]


async def taken(log: Log, steps: int) -> list[str]:
    """Take in what has come; the reasons of dead letters."""
    dead: list[str] = []
    loop = FeedbackLoop(log, TOPICS, dead.append)
    bulk = log.bulk("tocsin-feedback", [TOPICS.feedback], nothing, nothing)
    await bulk.start()
    for _ in range(steps):
        await loop.once(bulk)
    await bulk.stop()
    return dead


async def nothing(parts: object) -> None:
    """No care is needed."""


def test_actions_go_on_and_what_is_none_is_a_dead_letter(tmp_path: Path) -> None:
    async def tried() -> None:
        log = open_log(f"embedded://{tmp_path}/log.db")
        await log.start()
        await log.create(TOPICS.specs(1))
        good = feedback.encode(ACTION, "/test")
        await log.append([Outgoing(TOPICS.feedback, 0, b"k", value) for value in (good, b"{", good)])
        assert await taken(log, 2) == ["not_json"]
        rows = [row for value in await values(log, TOPICS.respond) for row in findings.decode(value).rows]
        assert rows == [ActionRow(ACTION), ActionRow(ACTION)]
        (letter,) = [orjson.loads(value) for value in await values(log, TOPICS.dlq)]
        assert (letter["reason"], letter["offset"], letter["record"]) == ("not_json", 1, "{")
        assert await taken(log, 2) == []
        assert len(await values(log, TOPICS.respond)) == 2
        await log.stop()

    asyncio.run(tried())
