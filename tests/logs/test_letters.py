"""Letters to the process that writes an embedded log: left by others, appended in order, and not lost."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from streams.logs import Log, Outgoing, TopicSpec, letters, open_log


async def opened(path: Path) -> Log:
    log = open_log(f"embedded://{path}")
    await log.start()
    return log


async def values(log: Log) -> list[bytes | None]:
    return [entry.value async for batch in log.read("t", 0) for entry in batch]


def entry(text: str) -> Outgoing:
    return Outgoing("t", 0, b"k", text.encode(), (("h", b"x"),))


POSTING = """
import asyncio, sys
from streams.logs import LogError, Outgoing, open_log
async def main():
    log = open_log(f"embedded://{sys.argv[1]}", read_only=True)
    await log.start()
    try:
        await log.post([Outgoing(sys.argv[2], 0, b"k", text.encode()) for text in sys.argv[3:]])
    except LogError as error:
        print(error)
    await log.stop()
asyncio.run(main())
"""


def posted(path: Path, topic: str, *texts: str) -> str:
    """What another process says that posts these."""
    words = [sys.executable, "-c", POSTING, str(path), topic, *texts]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def test_what_another_process_posts_is_appended_by_the_one_that_writes(tmp_path: Path) -> None:
    async def tried() -> None:
        path = tmp_path / "log.db"
        writer = await opened(path)
        await writer.create([TopicSpec("t", 1)])
        assert await writer.collect() == 0
        assert await asyncio.to_thread(posted, path, "t", "a", "b", "c") == ""
        assert "no topic 'u'" in await asyncio.to_thread(posted, path, "u", "a")
        assert await values(writer) == []
        assert await writer.collect() == 3
        assert await writer.collect() == 0
        assert await values(writer) == [b"a", b"b", b"c"]
        await writer.post([entry("d")])
        assert (await values(writer))[-1] == b"d"
        await writer.stop()

    asyncio.run(tried())


def test_what_was_not_taken_away_comes_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def tried() -> None:
        path = tmp_path / "log.db"
        writer = await opened(path)
        await writer.create([TopicSpec("t", 1)])
        letters.post(path, [entry("a")])
        monkeypatch.setattr(letters, "take_away", lambda log, numbers: None)  # killed in between
        await writer.collect()
        monkeypatch.undo()
        await writer.collect()
        assert await values(writer) == [b"a", b"a"]
        assert await writer.collect() == 0
        await writer.stop()

    asyncio.run(tried())
