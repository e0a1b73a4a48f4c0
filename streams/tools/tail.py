"""tail: what stands on a topic, from its beginning or as it comes, as one JSON line an entry."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import orjson

from streams import findings, frames
from streams.clocks import rfc3339
from streams.logs import Entry, Log

POLL_S = 0.1
FRAMES = {"work": frames.decode_work, "events": frames.decode_events, "respond": findings.decode}


async def tail(log: Log, topic: str, follow: bool) -> AsyncIterator[dict[str, Any]]:
    """Every entry of a topic, partition after partition; with `follow`, what comes later too, for ever."""
    following = dict.fromkeys(range(await log.partitions(topic)), 0)
    while True:
        for partition, start in following.items():
            async for batch in log.read(topic, partition, start):
                for entry in batch:
                    yield readable(entry)
                following[partition] = batch[-1].offset + 1
        if not follow:
            return
        await asyncio.sleep(POLL_S)


def readable(entry: Entry) -> dict[str, Any]:
    """An entry as plain values; frames are opened."""
    return {"topic": entry.topic, "partition": entry.partition, "offset": entry.offset,
            "at": rfc3339(entry.timestamp), "key": _text(entry.key), "value": _value(entry)}


def _value(entry: Entry) -> Any:
    value = entry.value
    if value is None:
        return None
    opened = FRAMES.get(entry.topic.rpartition(".")[2])
    if opened is not None:
        with contextlib.suppress(msgspec.DecodeError, ValueError):  # a city may call its topic so too
            return msgspec.to_builtins(opened(value))
    try:
        return orjson.loads(value)
    except ValueError:
        return _text(value)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")
