"""A stage: what is delivered twice, with holes or not at all; snapshots cut short; owners that woke too late."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import pytest

from streams.logs import Log, LogError, Outgoing, TopicSpec, open_log
from streams.service.stage import Stage, keep_state, read_state


class Sum:
    """A fold that adds numbers and tells each sum; its state is one row."""

    def __init__(self) -> None:
        self.offset, self.sum = -1, 0

    def step(self, offset: int, value: bytes) -> list[Outgoing]:
        assert offset == self.offset + 1, "the stage must deliver without holes"
        self.offset, self.sum = offset, self.sum + int(value)
        return [Outgoing("out", 0, None, f"{offset}:{self.sum}".encode())]

    def changed(self) -> dict[bytes, bytes | None]:
        return {b"sum": f"{self.offset}:{self.sum}".encode()}

    def restore(self, rows: Mapping[bytes, bytes]) -> None:
        if b"sum" in rows:
            self.offset, self.sum = map(int, rows[b"sum"].split(b":"))


Work = Callable[[Log, Stage], Awaitable[None]]
Stored = list[tuple[int, int]]
Append = Callable[[Sequence[Outgoing]], Awaitable[Stored]]


def played(folder: Path, work: Work) -> None:
    """Run work over a log that holds 0, 1, 2, … and a stage that owns nothing yet."""
    async def run() -> None:
        log = open_log(f"embedded://{folder}/log.db")
        await log.start()
        try:
            await log.create([TopicSpec("in", 1), TopicSpec("out", 1), TopicSpec("state", 1, compacted=True)])
            await work(log, stage_of(log))
        finally:
            await log.stop()

    asyncio.run(run())


def stage_of(log: Log) -> Stage:
    return Stage("role", log, "in", "state", lambda partition: Sum())


async def fill(log: Log, numbers: range) -> None:
    await log.append([Outgoing("in", 0, None, str(number).encode()) for number in numbers])


async def outputs(log: Log) -> list[str]:
    return [(entry.value or b"").decode() async for batch in log.read("out", 0) for entry in batch]


SUMS = ["0:0", "1:1", "2:3", "3:6", "4:10", "5:15"]


def entries(*offsets: int) -> list[tuple[int, bytes]]:
    return [(offset, str(offset).encode()) for offset in offsets]


def test_on_assignment_it_catches_up_without_any_delivery(tmp_path: Path) -> None:
    async def work(log: Log, stage: Stage) -> None:
        await fill(log, range(6))
        await stage.assign([0])
        assert await outputs(log) == SUMS
        assert await stage.lag() == {0: 0}

    played(tmp_path, work)


def test_repeats_are_skipped_and_holes_are_filled_from_the_log(tmp_path: Path) -> None:
    async def work(log: Log, stage: Stage) -> None:
        await stage.assign([0])
        await fill(log, range(6))
        await stage.take(0, entries(0, 1))
        await stage.take(0, entries(0, 1))
        await stage.take(0, entries(4, 5))
        assert await outputs(log) == SUMS
        assert stage.gaps_filled == 1

    played(tmp_path, work)


@pytest.mark.parametrize(("delivered", "gaps"), [
    ((0, 1, 2, 5), 1), ((1, 3, 5), 3), ((0, 1, 0, 1, 2, 3, 4, 5), 0), ((0, 1, 5, 2, 3, 4, 5), 1),
])
def test_holes_and_repeats_inside_one_delivery(delivered: tuple[int, ...], gaps: int, tmp_path: Path) -> None:
    async def work(log: Log, stage: Stage) -> None:
        await stage.assign([0])
        await fill(log, range(6))
        await stage.take(0, entries(*delivered))
        assert await outputs(log) == SUMS
        assert stage.gaps_filled == gaps

    played(tmp_path, work)


def test_a_successor_goes_on_from_the_kept_state_and_sends_again_what_was_not_kept(tmp_path: Path) -> None:
    async def work(log: Log, stage: Stage) -> None:
        await stage.assign([0])
        await fill(log, range(3))
        await stage.take(0, entries(0, 1, 2))
        await stage.revoke([0])
        assert stage.parts == {}
        second = stage_of(log)
        await second.assign([0])
        await fill(log, range(3, 5))
        await second.take(0, entries(3, 4))  # not kept: as if killed
        third = stage_of(log)
        await third.assign([0])
        assert await outputs(log) == [*SUMS[:5], *SUMS[3:5]]

    played(tmp_path, work)


def test_what_is_delivered_after_the_partition_was_given_up_is_left_to_its_new_owner(tmp_path: Path) -> None:
    async def work(log: Log, stage: Stage) -> None:
        await fill(log, range(2))
        await stage.take(0, entries(0, 1))
        assert await outputs(log) == []

    played(tmp_path, work)


def test_of_several_state_rows_the_highest_offset_wins_even_if_written_earlier(tmp_path: Path) -> None:
    async def work(log: Log, _: Stage) -> None:
        await keep_state(log, "state", 0, 7, {b"a": b"new", b"b": b"kept", b"c": None})
        await keep_state(log, "state", 0, 3, {b"a": b"late", b"b": None, b"c": b"late"})
        assert await read_state(log, "state", 0) == {b"a": b"new", b"b": b"kept"}
        await keep_state(log, "state", 0, 7, {b"a": b"newest"})
        assert (await read_state(log, "state", 0))[b"a"] == b"newest"

    played(tmp_path, work)


def test_a_log_that_begins_after_the_state_is_an_error_in_words(tmp_path: Path) -> None:
    async def work(log: Log, stage: Stage) -> None:
        await keep_state(log, "state", 0, 0, {b"sum": b"0:0"})
        await fill(log, range(3))

        async def start_offset(topic: str, partition: int) -> int:
            return 2

        log.start_offset = start_offset  # type: ignore[method-assign]
        with pytest.raises(LogError, match="longer than the topic's retention"):
            await stage.assign([0])

    played(tmp_path, work)


async def taken_and_kept(stage: Stage, offset: int) -> None:
    await stage.take(0, [(offset, b"1")])
    await stage.tend()


def test_after_a_failed_append_nothing_is_kept_and_a_successor_sends_everything(tmp_path: Path) -> None:
    async def work(log: Log, stage: Stage) -> None:
        await fill(log, range(3))
        await stage.assign([0])
        await stage.revoke([0])
        for failing in ("out", "state"):
            broken = stage_of(log)
            await broken.assign([0])
            append = log.append

            async def refuse(sent: Sequence[Outgoing], failing: str = failing, append: Append = append) -> Stored:
                if any(one.topic == failing for one in sent):
                    raise LogError("the broker is gone")
                return await append(sent)

            log.append = refuse  # type: ignore[method-assign,assignment]
            offset = await log.end_offset("in", 0)
            await append([Outgoing("in", 0, None, b"1")])
            broken.parts[0].kept_at = 0.0
            with pytest.raises(LogError, match="gone"):
                await taken_and_kept(broken, offset)
            log.append = append  # type: ignore[method-assign]
            if failing == "out":
                with pytest.raises(LogError, match="a new worker"):
                    await broken.take(0, [(offset, b"1"), (offset + 1, b"1")])
            await broken.revoke([0])
            good = stage_of(log)
            await good.assign([0])
            await good.revoke([0])
        told = await outputs(log)
        assert sorted(set(told)) == ["0:0", "1:1", "2:3", "3:4", "4:5"]
        assert (await read_state(log, "state", 0))[b"sum"] == b"4:5"

    played(tmp_path, work)


def test_without_any_state_it_begins_with_what_the_log_still_holds(tmp_path: Path) -> None:
    async def work(log: Log, stage: Stage) -> None:
        await fill(log, range(3))

        async def start_offset(topic: str, partition: int) -> int:
            return 1

        log.start_offset = start_offset  # type: ignore[method-assign]
        await stage.assign([0])
        assert await outputs(log) == ["1:1", "2:3"]

    played(tmp_path, work)


def test_an_entry_that_is_never_delivered_is_read_after_a_while(tmp_path: Path) -> None:
    async def work(log: Log, stage: Stage) -> None:
        await stage.assign([0])
        await fill(log, range(2))
        await stage.tend()
        assert await outputs(log) == []
        stage.parts[0].moved_at -= 10
        await stage.tend()
        assert await outputs(log) == SUMS[:2]
        assert stage.gaps_filled == 1

    played(tmp_path, work)
