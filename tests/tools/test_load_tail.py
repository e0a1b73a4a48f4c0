"""load and tail over an embedded log: every record once and in order, whatever the file; then what stands there."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from streams import findings, frames
from streams.clocks import parse_rfc3339
from streams.formats.contract import LIMIT
from streams.formats.csv import decode
from streams.frames import VERSION, AcceptedRow, ClockRow, EventsFrame, MemberRow, WorkFrame
from streams.logs import Entry, Log, Outgoing, TopicSpec, open_log
from streams.records import Event, Member, Place
from streams.rulefile import check_files
from streams.rules import Bundle
from streams.tools import load as loading
from streams.tools.files import read_file
from streams.tools.load import load
from streams.tools.tail import tail
from tests.responses import finding, rows

SOURCES = b"""
kind: event_type
id: call.crash
fields: {road: string, text: string}
---
kind: source
id: lines
topic: city.lines
format: json
event: {id: record.id, type: "'call.crash'", time: record.time, received: record.came, fields: {road: record.road}}
---
kind: source
id: table
topic: city.table
format: csv
event: {id: record.id, type: "'call.crash'", time: record.time, fields: {road: record.road, text: record.text}}
"""
CSV = (b"\xef\xbb\xbfid,time,road,text\r\n"
       b'1,2026-03-02T08:00:00Z,Ring,"two\nlines, and ""quoted"""\r\n'
       b"\r\n"
       b"2,2026-03-02T08:01:00Z,Bridge,plain\r\n"
       b'3,2026-03-02T08:02:00Z,Ring,"\r\n\r\n"\n'
       b"4,2026-03-02T08:03:00Z,Ring,no line end")


def bundle() -> Bundle:
    made, problems = check_files({"city.yaml": SOURCES})
    assert made is not None, problems
    return made


def with_log(path: Path, work: Callable[[Log], Coroutine[Any, Any, Any]]) -> Any:
    """What a coroutine gives that has an open log."""
    async def whole() -> Any:
        log = open_log(f"embedded://{path / 'log.db'}", sync="normal")
        await log.start()
        try:
            return await asyncio.wait_for(work(log), 60)
        finally:
            await log.stop()
    return asyncio.run(whole())


def loaded(folder: Path, source: str, file: Path, partitions: int = 3, speed: float | None = None) -> list[Entry]:
    """Load a file; all entries of the source's topic, partition after partition."""
    city = bundle()

    async def work(log: Log) -> list[Entry]:
        told: list[int] = []
        number = await load(log, city, city.sources[source], file, speed, partitions, told.append)
        found = [entry for partition in range(await log.partitions(city.sources[source].topic))
                 async for batch in log.read(city.sources[source].topic, partition) for entry in batch]
        assert number == sum(told) > 0
        return found
    return with_log(folder, work)  # type: ignore[no-any-return]


def line(number: int, came: str = "2026-03-02T09:00:00Z") -> bytes:
    return orjson.dumps({"id": f"e{number}", "time": "2026-03-02T08:00:00Z", "came": came, "road": "Ring"})


# ---- files


def test_a_csv_row_may_hold_line_ends_and_stands_whole_in_one_entry(tmp_path: Path) -> None:
    (tmp_path / "calls.csv").write_bytes(CSV)
    found = loaded(tmp_path, "table", tmp_path / "calls.csv", partitions=1)
    records = [decode(entry.value or b"", dict(entry.headers)) for entry in found]
    assert [(one["id"], one["text"]) for one in records] == [
        ("1", 'two\nlines, and "quoted"'), ("2", "plain"), ("3", "\r\n\r\n"), ("4", "no line end")]
    assert [dict(entry.headers)["row"] for entry in found] == [b"0", b"1", b"2", b"3"]


@pytest.mark.parametrize(("source", "name", "text", "count"), [
    ("table", "calls.csv", CSV, 4), ("lines", "calls.jsonl", b"\n".join(map(line, range(7))), 7)])
def test_a_packed_file_is_the_same_file(source: str, name: str, text: bytes, count: int, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(text)
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(text))
    kind = bundle().sources[source].format
    plain = list(read_file(kind, tmp_path / name))
    assert plain == list(read_file(kind, tmp_path / f"{name}.gz"))
    assert len(plain) == count


def test_empty_lines_are_no_records_and_rows_count_without_them(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\n{}\r\n\r\n\n{bad\n{}")
    assert list(read_file("json", tmp_path / "x")) == [
        (b"{}", {"row": b"0"}), (b"{bad", {"row": b"1"}), (b"{}", {"row": b"2"})]
    for text in (b"", b"\n\n"):
        (tmp_path / "x").write_bytes(text)
        assert list(read_file("json", tmp_path / "x")) == []
        assert list(read_file("csv", tmp_path / "x")) == []


@pytest.mark.parametrize("more", [0, 1, LIMIT, 3 * LIMIT + 5])
def test_of_a_record_beyond_the_limit_only_the_beginning_is_taken(more: int, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"1\n" + b"x" * (LIMIT + more) + b"\n2\n")
    first, large, last = (text for text, _ in read_file("json", tmp_path / "x"))
    assert (first, last, len(large)) == (b"1", b"2", LIMIT + min(more, 1))


@pytest.mark.parametrize("cut", [0.0, 0.5, 0.9])
def test_a_packed_file_that_ends_too_early_says_so(cut: float, tmp_path: Path) -> None:
    whole = gzip.compress(b"\n".join(line(number) for number in range(500)))
    (tmp_path / "x.gz").write_bytes(whole[: int(len(whole) * cut)] if cut else b"no gzip at all")
    with pytest.raises(OSError, match="cannot be unpacked") as told:
        list(read_file("json", tmp_path / "x.gz"))
    assert told.value.filename == str(tmp_path / "x.gz")


# ---- load


def test_every_record_is_loaded_once_and_one_id_into_one_partition(tmp_path: Path) -> None:
    numbers = [number % 40 for number in range(100)]
    (tmp_path / "x").write_bytes(b"\n".join(line(number) for number in numbers))
    found = loaded(tmp_path, "lines", tmp_path / "x")
    ids: dict[str, set[int]] = {}
    for entry in found:
        ids.setdefault(orjson.loads(entry.value or b"")["id"], set()).add(entry.partition)
    assert len(ids) == 40
    assert all(len(partitions) == 1 for partitions in ids.values())
    assert {entry.partition for entry in found} == {0, 1, 2}
    for partition in range(3):  # in the order of the file
        mine = [int(dict(entry.headers)["row"]) for entry in found if entry.partition == partition]
        assert mine == sorted(mine)


def test_what_cannot_be_understood_is_loaded_too(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"{bad\n\xff\xfe\n" + line(1))
    assert sorted(entry.value or b"" for entry in loaded(tmp_path, "lines", tmp_path / "x")) == sorted([
        b"{bad", b"\xff\xfe", line(1)])


def test_a_topic_that_is_there_keeps_its_partitions(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\n".join(map(line, range(20))))
    with_log(tmp_path, lambda log: log.create([TopicSpec("city.lines", 2)]))
    assert {entry.partition for entry in loaded(tmp_path, "lines", tmp_path / "x", partitions=9)} == {0, 1}
    assert len(loaded(tmp_path, "lines", tmp_path / "x")) == 40  # loading again appends again


def test_a_large_file_goes_in_batches(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\n".join(map(line, range(2 * loading.BATCH + 3))))
    assert len(loaded(tmp_path, "lines", tmp_path / "x")) == 2 * loading.BATCH + 3


def test_at_a_speed_each_record_waits_for_its_time_of_receipt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dues: list[float] = []

    async def note(due: float) -> None:
        dues.append(due)

    monkeypatch.setattr(loading, "_wait_until", note)
    monkeypatch.setattr(loading, "time", SimpleNamespace(monotonic=lambda: 1000.0))
    times = ["2026-03-02T09:00:00Z", "2026-03-02T09:01:00Z", "2026-03-02T09:00:30Z", "2026-03-02T10:00:00Z"]
    (tmp_path / "x").write_bytes(b"\n".join([*(line(n, came) for n, came in enumerate(times)), b"{bad"]))
    assert len(loaded(tmp_path, "lines", tmp_path / "x", speed=60)) == 5
    assert dues == [1000.0, 1001.0, 1000.5, 1060.0, 1000.0]  # what cannot be understood waits for nothing


# ---- tail


def tailed(folder: Path, topic: str, entries: list[Outgoing], partitions: int = 1) -> list[dict[str, Any]]:
    async def work(log: Log) -> list[dict[str, Any]]:
        await log.create([TopicSpec(topic, partitions)])
        await log.append(entries)
        return [told async for told in tail(log, topic, follow=False)]
    return with_log(folder, work)  # type: ignore[no-any-return]


def test_values_are_shown_as_what_they_are(tmp_path: Path) -> None:
    at = parse_rfc3339("2026-03-02T08:00:00Z")
    values = [b'{"a": [1]}', b"no json", b"\xff", None, b""]
    found = tailed(tmp_path, "city.x", [Outgoing("city.x", 0, b"k", value, (), at) for value in values])
    assert [one["value"] for one in found] == [{"a": [1]}, "no json", "�", None, ""]
    assert found[0] == {"topic": "city.x", "partition": 0, "offset": 0, "at": "2026-03-02T08:00:00.000000Z", "key": "k",
                        "value": {"a": [1]}}
    orjson.dumps(found)


def test_frames_are_opened(tmp_path: Path) -> None:
    event = Event("e", "s", "a", 5, 6, Place(1, 2, "west"), None, {"x": [1]}, 0, 7)
    work = WorkFrame(VERSION, "b", [MemberRow(0, "r@x", ("k",), Member(5, "s", 0, 7, "e")),
                                    ClockRow("s", 0, 1, 7, 9, 4, 5)])
    opened = {"work": frames.encode(work), "events": frames.encode(EventsFrame(VERSION, [AcceptedRow(0, 0, event)])),
              "respond": findings.encode(findings.ResponseFrame(rows([finding()])))}
    for name, value in opened.items():
        [told] = tailed(tmp_path / name, f"tocsin.{name}", [Outgoing(f"tocsin.{name}", 0, None, value)])
        assert isinstance(told["value"], list)
        orjson.dumps(told)
    [told] = tailed(tmp_path / "other", "city.events", [Outgoing("city.events", 0, None, b'{"a": 1}')])
    assert told["value"] == {"a": 1}


def test_all_partitions_are_shown_and_followed(tmp_path: Path) -> None:
    async def work(log: Log) -> list[Any]:
        await log.create([TopicSpec("t", 3)])
        await log.append([Outgoing("t", n % 3, None, str(n).encode()) for n in range(6)])
        following = tail(log, "t", follow=True)
        first = [await told(following) for _ in range(6)]
        await log.append([Outgoing("t", n % 3, None, str(n).encode()) for n in range(6, 12)])
        return [first, [await told(following) for _ in range(6)]]

    async def told(following: AsyncIterator[dict[str, Any]]) -> int:
        return int((await anext(following))["value"])

    first, then = with_log(tmp_path, work)
    assert first == [0, 3, 1, 4, 2, 5]
    assert sorted(then) == list(range(6, 12))


def test_a_file_of_cap_is_cut_where_an_alert_begins(tmp_path: Path) -> None:
    one, other = b'<?xml version="1.0"?>\n<alert>\n a</alert>\n', b'<?xml version="1.0"?><alert>\xc3\xa9</alert>'
    (tmp_path / "x").write_bytes(b"\n" + one + b"  " + other)
    assert list(read_file("cap", tmp_path / "x")) == [(one, {"row": b"0"}), (other, {"row": b"1"})]
    (tmp_path / "x").write_bytes(b"<alert>\n" + b"x" * 3 * LIMIT + b"\n</alert>")
    [(large, _)] = read_file("cap", tmp_path / "x")
    assert len(large) == LIMIT + 1
    (tmp_path / "x").write_bytes(b"\n \n")
    assert list(read_file("cap", tmp_path / "x")) == []
