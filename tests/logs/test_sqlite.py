"""The embedded home's own promises: kill -9, one writer, readers beside it, compaction, retention."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from streams.logs import AppendFailed, Log, LogError, LogLocked, Outgoing, TopicSpec, compaction
from streams.logs.chunks import MAX_ROWS
from streams.logs.sqlite import SqliteLog

DAY = 86_400 * 10**6
ROOT = Path(__file__).resolve().parents[2]


@contextlib.asynccontextmanager
async def opened(path: Path, **settings: object) -> AsyncIterator[SqliteLog]:
    log = SqliteLog(path, **settings)  # type: ignore[arg-type]
    await log.start()
    try:
        yield log
    finally:
        await log.stop()


async def offsets(log: Log, topic: str, partition: int = 0) -> list[int]:
    return [entry.offset async for batch in log.read(topic, partition) for entry in batch]


class LogModel(RuleBasedStateMachine):
    """The log against lists and dicts: appends, reads, commits, compaction, retention, opening again."""

    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.kept: dict[tuple[str, int], dict[int, tuple[int, bytes | None, bytes | None]]] = {}
        self.next: dict[tuple[str, int], int] = {}
        self.committed: dict[tuple[str, int], int] = {}
        for topic, partitions in (("plain", 2), ("state", 1), ("brief", 1)):
            for partition in range(partitions):
                self.kept[topic, partition], self.next[topic, partition] = {}, 0
        self.open()
        specs = [
            TopicSpec("plain", 2),
            TopicSpec("state", 1, compacted=True),
            TopicSpec("brief", 1, retention=DAY),
        ]
        self.runner.run(self.log.create(specs))

    def open(self) -> None:
        self.log = SqliteLog(Path(self.folder.name) / "log.db", sync="normal", tombstone_s=0)
        self.runner.run(self.log.start())

    def teardown(self) -> None:
        if hasattr(self, "log"):
            self.runner.run(self.log.stop())
            self.runner.close()
            self.folder.cleanup()

    @rule(
        batch=st.lists(
            st.tuples(
                st.sampled_from([("plain", 0), ("plain", 1), ("state", 0), ("brief", 0)]),
                st.sampled_from([b"", b"a", b"b", b"c"]),
                st.one_of(st.none(), st.binary(max_size=5)),
                st.integers(0, 10**9),
            ),
            max_size=20,
        )
    )
    def append(self, batch: list[tuple[tuple[str, int], bytes, bytes | None, int]]) -> None:
        sent = [Outgoing(*part, key, value, (("n", key),), time) for part, key, value, time in batch]
        answers = self.runner.run(self.log.append(sent))
        for (part, key, value, time), (partition, offset) in zip(batch, answers, strict=True):
            assert (partition, offset) == (part[1], self.next[part])
            self.kept[part][offset] = (time // 1000 * 1000, key, value)
            self.next[part] += 1

    @rule(part=st.sampled_from([("plain", 0), ("plain", 1)]), at=st.integers(0, 100))
    def commit(self, part: tuple[str, int], at: int) -> None:
        self.runner.run(self.log.set_committed("g", {part: at}))
        self.committed[part] = at

    @rule()
    def compact(self) -> None:
        """What is superseded or deleted goes from the compacted topic, all of 1970 from the brief one."""
        self.runner.run(self.log.compact())
        state = self.kept["state", 0]
        newest = {key: offset for offset, (_, key, _) in state.items()}
        self.kept["state", 0] = {
            offset: entry for offset, entry in state.items() if newest[entry[1]] == offset and entry[2] is not None
        }
        self.kept["brief", 0] = {}

    @rule()
    def reopen(self) -> None:
        self.runner.run(self.log.stop())
        self.open()

    @precondition(lambda self: hasattr(self, "log"))
    @invariant()
    def agrees(self) -> None:
        for (topic, partition), kept in self.kept.items():
            assert self.runner.run(self.read(topic, partition)) == kept
            assert self.runner.run(self.log.end_offset(topic, partition)) == self.next[topic, partition]
        assert self.runner.run(self.log.committed("g")) == self.committed

    async def read(self, topic: str, partition: int) -> dict[int, tuple[int, bytes | None, bytes | None]]:
        entries = [entry async for batch in self.log.read(topic, partition) for entry in batch]
        assert [e.offset for e in entries] == sorted({e.offset for e in entries})
        assert all(entry.headers == (("n", entry.key),) for entry in entries)
        return {entry.offset: (entry.timestamp, entry.key, entry.value) for entry in entries}


@pytest.fixture(autouse=True)
def _compact_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "DIRTY_LEAST", 0)
    monkeypatch.setattr(compaction, "DIRTY_SHARE", 0.0)


LogModel.TestCase.settings = settings(stateful_step_count=12)
TestLogModel = pytest.mark.usefixtures("_compact_at_once")(LogModel.TestCase)

WRITER = """
import asyncio, sys
from streams.logs import Outgoing, TopicSpec, open_log

async def one(log, sender):
    number = 0
    while True:
        batch = [Outgoing("t", n % 3, None, b"%d-%d" % (sender, number + n)) for n in range(sender * 40 + 1)]
        for entry, (partition, offset) in zip(batch, await log.append(batch)):
            print(partition, offset, entry.value.decode(), flush=False)
        sys.stdout.flush()
        number += len(batch)

async def main():
    log = open_log(sys.argv[1])
    await log.start()
    await log.create([TopicSpec("t", 3)])
    await asyncio.gather(*[one(log, sender) for sender in range(4)])

asyncio.run(main())
"""


def start_writer(address: str) -> subprocess.Popen[bytes]:
    """A process that appends for ever and prints what was acknowledged."""
    environment = {**os.environ, "PYTHONPATH": "."}
    command = [sys.executable, "-c", WRITER, address]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, env=environment)


def acknowledged_before_kill(address: str, lines: int) -> list[str]:
    """Start a writer, kill it with SIGKILL once it has acknowledged so much; what it had acknowledged."""
    writer = start_writer(address)
    assert writer.stdout is not None
    told = [writer.stdout.readline() for _ in range(lines)]
    os.kill(writer.pid, signal.SIGKILL)
    told += writer.stdout.readlines()
    writer.wait()
    writer.stdout.close()
    return [line.decode().rstrip("\n") for line in told if line.endswith(b"\n")]


async def test_kill_9_while_appending_loses_nothing_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    told: list[str] = []
    for lines in (1, 3000, 500):
        told += await asyncio.to_thread(acknowledged_before_kill, f"embedded://{path}", lines)
    with contextlib.closing(sqlite3.connect(path)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    async with opened(path) as log:
        stored: set[str] = set()
        for partition in range(3):
            entries = [entry async for batch in log.read("t", partition) for entry in batch]
            assert [entry.offset for entry in entries] == list(range(await log.end_offset("t", partition)))
            stored |= {f"{partition} {entry.offset} {(entry.value or b'').decode()}" for entry in entries}
        assert len(told) > 3500
        assert set(told) <= stored


async def test_only_one_process_writes(tmp_path: Path) -> None:
    holder = start_writer(f"embedded://{tmp_path}/log.db")
    assert holder.stdout is not None
    await asyncio.to_thread(holder.stdout.readline)
    try:
        with pytest.raises(LogLocked, match=f"process {holder.pid}"):
            await SqliteLog(tmp_path / "log.db").start()
        async with opened(tmp_path / "log.db", read_only=True) as reader:
            assert await reader.end_offset("t", 0) > 0
            before = await reader.end_offset("t", 0)
            async for batch in reader.follow("t", 0, before):
                assert batch[0].offset == before
                break
            with pytest.raises(LogError, match="reading only"):
                await reader.append([Outgoing("t", 0, None, b"x")])
            with pytest.raises(LogError, match="reading only"):
                await reader.bulk("g", ["t"]).start()
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()


async def test_several_logs_of_one_process_share_the_file(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    async with opened(path) as first, opened(path) as second, opened(path, read_only=True) as third:
        await first.create([TopicSpec("t", 1)])
        reader = second.bulk("g", ["t"])
        await reader.start()
        waiting = asyncio.create_task(reader.getmany(10, 30))
        await first.append([Outgoing("t", 0, None, b"x")])
        assert [entry.value for entry in (await waiting)["t", 0]] == [b"x"]
        assert await offsets(third, "t") == [0]
        with pytest.raises(LogError, match="already being read"):
            await third.bulk("g", ["t"]).start()
        await first.stop()
        await second.append([Outgoing("t", 0, None, b"y")])
        assert await offsets(third, "t") == [0, 1]
        await reader.stop()
        with pytest.raises(LogError, match="sync"):
            await SqliteLog(path, sync="normal").start()


async def test_reading_needs_no_writer(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    async with opened(path) as log:
        await log.create([TopicSpec("t", 1)])
        await log.append([Outgoing("t", 0, None, b"x")] * 3)
        await log.set_committed("g", {("t", 0): 2})
    async with opened(path, read_only=True) as reader:
        assert await offsets(reader, "t") == [0, 1, 2]
        assert await reader.committed("g") == {("t", 0): 2}
        assert await reader.topics() == {"t": 1}


async def test_a_group_is_left_also_after_the_log_was_stopped(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    async with opened(path) as keeper:
        await keeper.create([TopicSpec("t", 1)])
        log = SqliteLog(path)
        await log.start()
        bulk = log.bulk("g", ["t"])
        await bulk.start()
        await log.stop()
        await bulk.stop()
        again = keeper.bulk("g", ["t"])
        await again.start()
        await again.stop()


async def test_another_loop_in_another_thread_may_use_it_too(tmp_path: Path) -> None:
    path = tmp_path / "log.db"

    async def elsewhere() -> list[int]:
        async with opened(path) as log:
            async for batch in log.follow("t", 0, 0):
                return [entry.offset for entry in batch]
        return []

    async with opened(path) as log:
        await log.create([TopicSpec("t", 1)])
        other = asyncio.create_task(asyncio.to_thread(asyncio.run, elsewhere()))
        await log.append([Outgoing("t", 0, None, b"x")])
        assert await other == [0]


async def test_a_strange_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database at all, but long enough to be looked at" * 100)
    with contextlib.closing(sqlite3.connect(tmp_path / "other.db")) as raw:
        raw.execute("CREATE TABLE t (x)")
    for name, words in (("text.db", "cannot be opened"), ("other.db", "no log of this version")):
        with pytest.raises(LogError, match=words):
            await SqliteLog(tmp_path / name).start()
    with pytest.raises(LogError, match="no log at"):
        await SqliteLog(tmp_path / "none.db", read_only=True).start()
    assert not (tmp_path / "none.db").exists()


async def test_a_failed_start_lets_go_of_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    path.write_text("strange" * 1000)
    with pytest.raises(LogError):
        await SqliteLog(path).start()
    path.unlink()
    async with opened(path) as log:
        assert await log.topics() == {}


async def test_a_write_that_fails_is_told_and_the_log_goes_on(tmp_path: Path) -> None:
    async with opened(tmp_path / "log.db") as log:
        await log.create([TopicSpec("t", 1)])
        await log.append([Outgoing("t", 0, None, b"x")])
        full = await log.write(lambda turn: turn.connection.execute("PRAGMA page_count").fetchone()[0])
        await log.write(lambda turn: turn.connection.execute(f"PRAGMA max_page_count = {full}"))
        with pytest.raises(AppendFailed, match="full"):
            await log.append([Outgoing("t", 0, None, bytes(10**6))])
        await log.write(lambda turn: turn.connection.execute("PRAGMA max_page_count = 1000000"))
        assert await log.append([Outgoing("t", 0, None, b"y")]) == [(0, 1)]
        assert await offsets(log, "t") == [0, 1]


async def test_one_refusal_does_not_fail_its_neighbours(tmp_path: Path) -> None:
    async with opened(tmp_path / "log.db") as log:
        await log.create([TopicSpec("t", 1)])
        answers = await asyncio.gather(
            log.append([Outgoing("t", 0, None, b"x")]),
            log.append([Outgoing("t", 0, None, b"x"), Outgoing("t", 4, None, b"x")]),
            log.append([Outgoing("t", 0, None, b"y")]),
            return_exceptions=True,
        )
        assert [isinstance(answer, LogError) for answer in answers] == [False, True, False]
        assert await offsets(log, "t") == [0, 1]


async def test_compaction_keeps_the_newest_of_each_key_across_many_runs(tmp_path: Path) -> None:
    async with opened(tmp_path / "log.db", sync="normal") as log:
        await log.create([TopicSpec("s", 1, compacted=True)])
        total = 20 * MAX_ROWS
        for at in range(0, total, MAX_ROWS // 2):
            await log.append([Outgoing("s", 0, b"%d" % (n % 700), b"%d" % n) for n in range(at, at + MAX_ROWS // 2)])
        assert await log.compact() == total - 700
        assert await offsets(log, "s") == list(range(total - 700, total))
        assert await log.end_offset("s", 0) == total
        assert await log.start_offset("s", 0) == 0


async def test_a_deletion_stays_readable_for_a_while(tmp_path: Path) -> None:
    async with opened(tmp_path / "log.db") as log:
        await log.create([TopicSpec("s", 1, compacted=True)])
        await log.append([Outgoing("s", 0, b"a", b"1"), Outgoing("s", 0, b"b", b"1"), Outgoing("s", 0, b"a", None)])
        assert await log.compact() == 1
        assert await offsets(log, "s") == [1, 2]


async def test_compaction_waits_until_there_is_enough_to_gain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "DIRTY_LEAST", 10)
    async with opened(tmp_path / "log.db") as log:
        await log.create([TopicSpec("s", 1, compacted=True)])
        await log.append([Outgoing("s", 0, b"a", b"")] * 9)
        assert await log.compact() == 0
        await log.append([Outgoing("s", 0, b"a", b"")])
        assert await log.compact() == 9


async def test_appends_and_reads_go_on_during_compaction(tmp_path: Path) -> None:
    async with opened(tmp_path / "log.db", sync="normal") as log:
        await log.create([TopicSpec("s", 1, compacted=True)])
        for at in range(40):
            await log.append([Outgoing("s", 0, b"%d" % (n % 50), b"%d" % at) for n in range(MAX_ROWS)])

        async def writer() -> None:
            for at in range(40, 60):
                await log.append([Outgoing("s", 0, b"%d" % n, b"%d" % at) for n in range(50)])

        gone, _, seen = await asyncio.gather(log.compact(), writer(), offsets(log, "s"))
        assert gone >= 39 * MAX_ROWS
        assert seen == sorted(set(seen))
        newest = {entry.key: entry.value async for batch in log.read("s", 0) for entry in batch}
        assert newest == {b"%d" % n: b"59" for n in range(50)}


async def test_retention_takes_the_old_from_the_front_only(tmp_path: Path) -> None:
    async with opened(tmp_path / "log.db") as log:
        await log.create([TopicSpec("t", 1, retention=DAY)])
        await log.append([Outgoing("t", 0, None, b"old", timestamp=1_000_000)] * 3)
        await log.append([Outgoing("t", 0, None, b"new")])
        await log.append([Outgoing("t", 0, None, b"old", timestamp=1_000_000)])
        bulk = log.bulk("g", ["t"])
        await bulk.start()
        assert await log.compact() == 3
        assert (await log.start_offset("t", 0), await offsets(log, "t")) == (3, [3, 4])
        assert [entry.offset for entry in (await bulk.getmany(10, 1))["t", 0]] == [3, 4]
        await bulk.stop()


async def test_people_can_look_inside_with_plain_sql(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    async with opened(path) as log:
        await log.create([TopicSpec("t", 2)])
        await log.append(
            [
                Outgoing("t", 1, b"k", b"v\xc3\xa9", (("h", b"x"),), 1_700_000_000_123_000),
                Outgoing("t", 1, None, b"w", (), 1_700_000_000_123_000),
            ]
        )
    with contextlib.closing(sqlite3.connect(path)) as raw:
        rows = raw.execute("SELECT * FROM entries WHERE topic = 't' ORDER BY offset").fetchall()
    assert rows == [
        ("t", 1, 0, "2023-11-14T22:13:20.123Z", "k", "vé", '[["h","78"]]'),
        ("t", 1, 1, "2023-11-14T22:13:20.123Z", None, "w", None),
    ]
