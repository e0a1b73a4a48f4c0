"""Dead letters of every role fit the schema that is published of them, and nobody writes them in another way."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import jsonschema
import orjson

from streams.logs import Log, Outgoing, open_log
from streams.policy import Channel, Policy, Receiver
from streams.reasons import DeadReason
from streams.rules import Bundle, City
from streams.service.deliver import DeliverLoop
from streams.service.deliver_lanes import Patience
from streams.service.feedback import FeedbackLoop
from streams.service.folds import poison
from streams.service.letters import KEPT
from streams.tools.events.schema import schema_of
from streams.topics import Topics
from tests.conftest import ROOT

TOPICS = Topics()
LARGE = bytes([255]) * 900_000


def closed(part: Any) -> Any:
    """The schema with nothing allowed that it does not name."""
    if not isinstance(part, dict):
        return [closed(one) for one in part] if isinstance(part, list) else part
    inner = {name: closed(one) for name, one in part.items()}
    return inner | ({"additionalProperties": False} if isinstance(part.get("properties"), dict) else {})


SCHEMA = jsonschema.Draft202012Validator(closed(schema_of("dead_letter")))


async def nothing(parts: object) -> None:
    """No care is needed."""


async def pause(seconds: float) -> None:
    """No time is lost."""


async def letters(log: Log) -> list[dict[str, Any]]:
    """All that stand there."""
    return [orjson.loads(entry.value or b"") async for batch in log.read(TOPICS.dlq, 0) for entry in batch]


async def fed_back(log: Log) -> None:
    """The respond role takes in what is no action."""
    await log.append([Outgoing(TOPICS.feedback, 0, b"k", value) for value in (b"{", b"", LARGE)])
    bulk = log.bulk("tocsin-feedback", [TOPICS.feedback], nothing, nothing)
    await bulk.start()
    await FeedbackLoop(log, TOPICS).once(bulk)
    await bulk.stop()


async def delivered(log: Log) -> None:
    """The deliver role is told of who is not there, of what is no event, and of whom it can not reach."""
    channels = (Channel("webhook", {"url": "http://127.0.0.1:1/"}),)
    bundle = Bundle("b", City(), {}, {}, {}, {}, {},
                    policy=Policy(receivers={"duty": Receiver("duty", channels=channels)}))
    told = [(b"nobody", orjson.dumps({"id": "n"})), (b"duty", LARGE), (b"duty", orjson.dumps({"id": "m"}))]
    await log.append([Outgoing(TOPICS.notifications, 0, key, value) for key, value in told])
    loop = DeliverLoop(bundle, log, TOPICS, lambda: 0, Patience(tries=1), pause, random.Random(1).random)
    reader = loop.bulk()
    await reader.start()
    async with asyncio.timeout(20):
        while len(await letters(log)) < 6:
            await loop.once(reader)
    await reader.stop()
    await loop.close()


def test_the_letters_of_every_role_fit(tmp_path: Path) -> None:
    async def tried() -> list[dict[str, Any]]:
        log = open_log(f"embedded://{tmp_path}/log.db")
        await log.start()
        await log.create(TOPICS.specs(1))
        await fed_back(log)
        await delivered(log)
        found = await letters(log)
        await log.stop()
        return found

    found = asyncio.run(tried())
    found.append(orjson.loads(poison(TOPICS, TOPICS.respond, 0, 3, LARGE, ValueError("no frame")).value or b""))
    for letter in found:
        SCHEMA.validate(letter)
        assert len(letter.get("record", "")) <= KEPT
    assert {letter["reason"] for letter in found} == {
        DeadReason.NOT_JSON, DeadReason.NOT_UTF8, DeadReason.NOT_DELIVERED, DeadReason.POISON_FRAME}
    assert sorted(letter["size"] for letter in found)[-3:] == [len(LARGE)] * 3


def test_nobody_writes_them_in_another_way() -> None:
    """Ingest's are held against the schema in tests/tools/events."""
    writers = {path.name for path in (ROOT / "streams").rglob("*.py") if "topics.dlq, " in path.read_text("utf-8")}
    assert writers == {"letters.py", "intake.py"}
