"""The made-up city: the same bytes from a seed, the shapes of the real feed, and a truth that is true."""

from __future__ import annotations

import hashlib
import io
import json
from collections import Counter, defaultdict
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from streams.clocks import DAY, HOUR, SECOND, parse_rfc3339
from streams.formats.csv import split_records
from streams.records import Event
from streams.tools.simulate import COMPLETE, Record, simulate, span, write
from streams.tools.simulate.chance import DELAY_QUANTILES, hour_of_week
from streams.tools.simulate.registers import REGISTERS, register_csv
from streams.tools.simulate.spelling import FEEDS
from tests.conftest import ROOT
from tests.oracle.library import episodes

MONDAY = date(2026, 3, 2)
SEEDS = (1, 7, 2026)
DAYS = 2.0
PINNED = "393657b696fb577d1fc7cc682c0cc0d0fd1e979a94d7f0fef10684db0a700c5e"


@cache
def day(seed: int = 1, days: float = 1.0, scale: float = 1.0) -> tuple[Record, ...]:
    return tuple(simulate(seed, MONDAY, days, scale))


def events(records: tuple[Record, ...]) -> list[Event]:
    """What the records mean, each once."""
    return list({record.event.id: record.event for record in records if record.event is not None}.values())


def digest(records: tuple[Record, ...]) -> str:
    found = hashlib.sha256()
    for record in records:
        found.update(f"{record.source} {record.received} ".encode() + record.body + b"\n")
    return found.hexdigest()


def test_a_seed_gives_the_same_bytes_on_every_python() -> None:
    assert digest(day(days=0.25)) == PINNED


def test_another_seed_gives_another_day() -> None:
    assert digest(day(seed=1, days=0.25)) != digest(day(seed=2, days=0.25))


def test_a_longer_simulation_begins_with_the_same_day() -> None:
    bodies = {record.body for record in day(days=DAYS)}
    assert all(record.body in bodies for record in day())


def test_a_day_is_about_twenty_four_thousand_records_of_all_feeds() -> None:
    sources = Counter(record.source for record in day())
    assert 20_000 < sources.total() < 28_000
    assert sources.keys() == FEEDS.keys()


def test_scale_multiplies_what_people_do_but_keeps_every_device() -> None:
    few, many = (Counter(record.source for record in day(days=0.25, scale=scale)) for scale in (0.2, 3.0))
    assert 10 * few["calls"] < many["calls"] < 25 * few["calls"]
    assert few["sensors"] == pytest.approx(Counter(r.source for r in day(days=0.25))["sensors"], rel=0.05)


@pytest.mark.parametrize(("days", "scale"), [(0, 1), (-1, 1), (1, 0)])
def test_an_impossible_span_is_refused(days: float, scale: float) -> None:
    with pytest.raises(ValueError, match="above zero"):
        span(1, MONDAY, days, scale)


def test_records_come_in_the_order_of_arrival_and_never_before_they_happen() -> None:
    received = [record.received for record in day()]
    assert received == sorted(received)
    assert all(record.event.time <= record.event.received == record.received for record in day() if record.event)


def test_calls_are_as_late_as_in_the_real_feed() -> None:
    calls = [r.event for r in day(days=DAYS) if r.source == "calls" and r.event is not None and not r.flaw]
    lateness = sorted((call.received - call.time) / SECOND for call in calls)
    for rank, seconds in DELAY_QUANTILES:
        if 0.05 <= rank <= 0.95:
            assert lateness[int(rank * len(lateness))] == pytest.approx(seconds, rel=0.08)
    assert 600 < lateness[int(0.99 * len(lateness))] < 1_500
    assert lateness[-1] > HOUR / SECOND


def test_calls_follow_the_hours_of_the_week() -> None:
    hours = Counter(hour_of_week(event.time) for event in events(day(days=DAYS)) if event.source == "calls")
    night, evening = (sum(hours[24 * d + h] for d in range(2)) for h in (3, 17))
    assert 3 * night < evening < 12 * night


def test_some_records_come_twice_with_the_same_meaning() -> None:
    records = day(days=DAYS)
    twice = [record for record in records if record.flaw == "duplicate"]
    assert 0.005 < len(twice) / len(records) < 0.01
    first = {record.event.id: record for record in records if record.event is not None and not record.flaw}
    for record in twice:
        assert record.event is not None
        original = first[record.event.id]
        assert original.event is not None
        assert original.received < record.received
        assert original.event.fields == record.event.fields


def test_some_records_are_dirty_in_every_way_their_feed_knows() -> None:
    records = day(days=DAYS)
    dirty = [record for record in records if record.event is None]
    assert 0.003 < len(dirty) / len(records) < 0.007
    seen = defaultdict(set)
    for record in dirty:
        seen[record.source].add(record.flaw)
    assert seen["sensors"] == {*FEEDS["sensors"].flaws, "huge"}
    assert all(flaws <= {*FEEDS[source].flaws, "huge"} for source, flaws in seen.items())
    assert sum(record.flaw == "huge" for record in dirty) == 2


def test_no_dirty_record_spoils_its_neighbours_in_a_file() -> None:
    feed, bodies = FEEDS["calls"], [record.body for record in day(days=DAYS) if record.source == "calls"]
    stream = io.BytesIO(feed.head + b"".join(body + b"\n" for body in bodies))
    assert [row for _, row in split_records(stream)][1:] == bodies
    assert not any(b"\n" in record.body for record in day())


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_planted_is_what_brute_force_finds(seed: int) -> None:
    days = DAYS if seed == 1 else 1.0
    wanted = span(seed, MONDAY, days)
    found = episodes(events(day(seed=seed, days=days)))
    planted = defaultdict(set)
    for one in wanted.incidents:
        assert one.closed is not None
        planted[one.rule].add((one.key, one.opened, one.closed))
    assert planted.keys() <= found.keys()
    for rule, told in found.items():
        assert planted[rule] <= told, rule
        assert rule not in COMPLETE or planted[rule] == told, rule


def test_the_truth_names_events_that_prove_it() -> None:
    known = {event.id for event in events(day())}
    incidents = span(1, MONDAY).incidents
    assert len(incidents) >= 15
    assert all(one.evidence and set(one.evidence) <= known for one in incidents)


def test_planted_events_are_never_too_late_to_count() -> None:
    incidents = [one for one in span(1, MONDAY, DAYS).incidents if one.rule != "device-reports-late"]
    ids = {identity for one in incidents for identity in one.evidence}
    found = [record for record in day(days=DAYS) if record.event and record.event.id in ids and not record.flaw]
    assert {record.event.id for record in found if record.event} == ids
    assert all(record.event.received - record.event.time <= 900 * SECOND for record in found if record.event)


def test_an_outage_loses_most_of_its_records_and_sends_the_rest_at_its_end() -> None:
    (cut,) = span(1, MONDAY).outages
    mine = [record for record in day() if record.source == cut.source]
    assert not any(cut.start <= record.received < cut.end for record in mine if record.flaw != "duplicate")
    late = [
        r.event for r in mine if r.event and r.event.time < cut.end - HOUR / 6 and r.received >= cut.end and not r.flaw
    ]
    assert late
    assert all(cut.kept <= event.time for event in late)


def test_a_backlog_is_no_silence_once_it_came() -> None:
    (late,) = span(1, MONDAY).backlogs
    reports = [r for r in day() if r.event and r.event.fields.get("device") == late.device and not r.flaw]
    kept = [report for report in reports if report.event and late.start <= report.event.time < late.end]
    assert len(kept) >= 4
    assert all(report.received >= late.end for report in kept)


def test_a_part_of_a_day_plants_only_what_fits_into_it() -> None:
    whole, part = span(1, MONDAY), span(1, MONDAY, 0.5)
    assert {one.opened for one in part.incidents} < {one.opened for one in whole.incidents}
    assert all(one.closed is not None and one.closed < part.end for one in part.incidents)


def test_the_files_hold_what_the_summary_and_the_truth_say(tmp_path: Path) -> None:
    summary = write(tmp_path, 1, MONDAY, 0.5)
    truth = json.loads((tmp_path / "truth.json").read_text())
    assert summary.total == sum(truth["records"].values()) == len(day(days=0.5))
    for source, file in summary.files.items():
        lines = (tmp_path / file).read_bytes().splitlines()
        bodies = [record.body for record in day(days=0.5) if record.source == source]
        assert lines[1:] == bodies if FEEDS[source].is_csv else lines == bodies
    assert parse_rfc3339(truth["end"]) - parse_rfc3339(truth["start"]) == DAY / 2
    assert len(truth["incidents"]) == summary.incidents == len(span(1, MONDAY, 0.5).incidents)
    assert (tmp_path / "registers" / "sensors.csv").read_text() == register_csv()
    assert json.loads(summary.as_json())["total"] == summary.total
    assert f"{summary.total} records and {summary.incidents} planted incidents" in summary.as_text()


@pytest.mark.parametrize("name", REGISTERS)
def test_the_registers_of_the_rules_list_the_same_devices(name: str) -> None:
    assert (ROOT / "rules" / "registers" / f"{name}.csv").read_text() == register_csv(1, name)
