"""A range of accepted events gives what the records gave; decisions are read back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4
from zlib import crc32

import msgspec
import pytest

from streams import frames
from streams.clocks import HOUR, MINUTE
from streams.findings import Finding
from streams.frames import AcceptedRow
from streams.ingest.intake import Intake
from streams.ingest.route import Router
from streams.logs import Log, Outgoing, TopicSpec, open_log
from streams.rulefile import load
from streams.rules import Bundle
from streams.tools.backtest import Backtest, Span
from streams.tools.backtesting.events import EventLog
from streams.tools.replay import batches
from tests.sensors import NOW, RULES, START, episodes, write_rules

PARTITIONS = 3
TOPIC = "tocsin.events"


def accepted(bundle: Bundle, folder: Path, partitions: int) -> list[list[AcceptedRow]]:
    """What ingest accepts of the file, by partition of the source: as the service writes it."""
    router = Router(bundle)
    intakes = [Intake(bundle, bundle.sources["sensors"], router, number, partitions, wall_is_received=True)
               for number in range(partitions)]
    found: list[list[AcceptedRow]] = [[] for _ in intakes]
    offsets = [0] * partitions
    for _, records in batches(bundle, [("sensors", folder / "records.jsonl")], "arrival", NOW):
        for record in records:
            event = intakes[0].probe(record)
            number = 0 if event is None else crc32(event.id.encode()) % partitions
            taken = intakes[number].take([msgspec.structs.replace(record, offset=offsets[number])])
            offsets[number] += 1
            found[number] += taken.events
    return found


def written(home: Path | str, rows: Sequence[Sequence[AcceptedRow]], twice: int = 0,
            topic: str = TOPIC) -> Callable[[], Log]:
    """A log with these rows, one partition each, in frames of ten; the last `twice` frames stand there again."""
    address = f"embedded://{home}" if isinstance(home, Path) else home

    async def work() -> None:
        log = open_log(address)
        await log.start()
        await log.create([TopicSpec(topic, len(rows))])
        for number, own in enumerate(rows):
            parts = [list(own[start:start + 10]) for start in range(0, len(own), 10)]
            for part in [*parts, *parts[len(parts) - twice:]]:
                value = frames.encode(frames.EventsFrame(frames.VERSION, part))
                await log.append([Outgoing(topic, number, None, value, timestamp=part[-1].event.received)])
        await log.stop()

    asyncio.run(work())
    return partial(open_log, address, **({"read_only": True} if address.startswith("embedded") else {}))


@pytest.mark.parametrize(("partitions", "twice"), [(1, 0), (3, 0), (3, 2)])
def test_the_log_gives_what_the_file_gave(bundle: Bundle, folder: Path, tmp_path: Path, partitions: int,
                                          twice: int) -> None:
    rows = accepted(bundle, folder, partitions)
    one = Backtest(bundle, events=EventLog(written(tmp_path / "log.db", rows, twice), TOPIC), finish=True)
    found = one.final()
    summary = one.summary()
    assert one.total == summary["events"] == sum(map(len, rows))
    assert summary["of_unknown_sources"] == 0
    if partitions == 1:  # what is late depends on the partitions; with one it is that of the file
        file = Backtest(bundle, [("sensors", folder / "records.jsonl")], finish=True, now=NOW)
        assert episodes(found) == episodes(file.final())
        assert file.summary()["late"] > 10
    assert {finding.rule for finding in found} == {"gas", "gas-spreads", "far-away", "silent"}


def test_partitions_and_jobs_do_not_change_what_is_found(bundle: Bundle, folder: Path, tmp_path: Path) -> None:
    [rows] = accepted(bundle, folder, 1)
    home = {row.event.id: crc32(row.event.id.encode()) % PARTITIONS for row in rows}
    spread = [[msgspec.structs.replace(row, event=msgspec.structs.replace(row.event, partition=number))
               for row in rows if home[row.event.id] == number] for number in range(PARTITIONS)]
    wanted = Backtest(bundle, events=EventLog(written(tmp_path / "one.db", [rows]), TOPIC), finish=True).final()
    log = written(tmp_path / "three.db", spread)
    for jobs in (1, 2):
        found = Backtest(bundle, events=EventLog(log, TOPIC), finish=True, jobs=jobs).final()
        assert heard(found) == heard(wanted)


def heard(findings: list[Finding]) -> set[tuple[Any, ...]]:
    """Without what was never heard of: it counts from the first clock, and that depends on the partitions."""
    return episodes([one for one in findings if one.evidence])


def test_a_span_tells_what_opened_in_it_and_how_it_ended(bundle: Bundle, folder: Path, tmp_path: Path) -> None:
    log = written(tmp_path / "log.db", accepted(bundle, folder, 1))
    whole = Backtest(bundle, events=EventLog(log, TOPIC), finish=True).final()
    span = Span(START + HOUR, START + 2 * HOUR)
    wanted = [one for one in whole if span.since <= one.opened < span.until]
    found = Backtest(bundle, events=EventLog(log, TOPIC), finish=True, span=span).final()
    assert episodes(found) == episodes(wanted)
    assert 10 < len(wanted) < len(whole) - 10


def test_a_range_begins_where_it_is_asked_to(bundle: Bundle, folder: Path, address: str) -> None:
    [rows] = accepted(bundle, folder, 1)
    since, topic = START + 2 * HOUR, f"events{uuid4().hex}"
    events = EventLog(written(address, [rows], topic=topic), topic, since)
    survey = events.survey()
    later = [row for row in rows if row.event.time >= since]
    assert survey.total == len(later) < len(rows)
    assert survey.starts[0] > 0
    assert [row.event.id for batch in events.rows(survey) for row in batch] == [row.event.id for row in later]


def test_a_lateness_that_was_changed_decides_nothing_again(bundle: Bundle, folder: Path, tmp_path: Path) -> None:
    log = written(tmp_path / "log.db", accepted(bundle, folder, 1))
    strict = load(write_rules(tmp_path / "rules", RULES.replace("lateness: 1h", "lateness: 1s")))
    one = Backtest(strict, events=EventLog(log, TOPIC), finish=True)
    assert one.final()
    assert one.summary()["events"] == one.total


def test_events_of_a_source_that_the_rules_do_not_have_are_counted(bundle: Bundle, folder: Path,
                                                                    tmp_path: Path) -> None:
    log = written(tmp_path / "log.db", accepted(bundle, folder, 1))
    other = load(write_rules(tmp_path / "rules", RULES.replace("id: sensors", "id: others")))
    one = Backtest(other, events=EventLog(log, TOPIC), finish=True)
    assert one.final() == []
    assert one.summary()["of_unknown_sources"] == one.total


def test_a_span_that_is_over_is_read_no_further(bundle: Bundle, folder: Path, tmp_path: Path) -> None:
    quick = "\n---\n".join(RULES.split("\n---\n")[:5])
    rules = load(write_rules(tmp_path / "rules", quick))
    [rows] = accepted(bundle, folder, 1)
    day = 24 * HOUR
    more = [msgspec.structs.replace(row, clock=row.clock + 3 * day, event=msgspec.structs.replace(
        row.event, id=f"x{row.event.id}", time=row.event.time + 3 * day, received=row.event.received + 3 * day,
        offset=row.event.offset + 10_000)) for row in rows]
    log = written(tmp_path / "log.db", [[*rows, *more]])
    one = Backtest(rules, events=EventLog(log, TOPIC), span=Span(START, START + 10 * MINUTE))
    read: list[int] = []
    one.final(read.append)
    assert one.total == 2 * len(rows)
    assert sum(read) < one.total
