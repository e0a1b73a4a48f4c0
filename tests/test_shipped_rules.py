"""The rules that come with Tocsin: they load, they are complete, and they find what they must."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from ruamel.yaml import YAML

from streams.clocks import parse_rfc3339
from streams.findings import RETRACTED, Finding
from streams.formats.csv import record_headers
from streams.ingest.intake import Intake
from streams.ingest.intake import Record as Entry
from streams.ingest.route import Router
from streams.problems import Gravity
from streams.records import Event
from streams.rulefile import check
from streams.rules import Bundle
from streams.tools.backtest import Backtest
from streams.tools.ruletest import run_tests
from streams.tools.simulate import COMPLETE, Record, simulate, span, write
from streams.tools.simulate.spelling import FEEDS, reason
from tests.conftest import ROOT, needs_shared, shared
from tests.week import outlasts_a_week

MONDAY = date(2026, 3, 2)
BLIZZARD = "data/montco911/911_blizzard_day_2016-01-23.csv"
OF_SOURCES = "source-silent."


@cache
def bundle() -> Bundle:
    found, _ = check(ROOT / "rules")
    assert found is not None
    return found


def authored() -> list[str]:
    """The rules that stand in files, without those that `silence` of a source makes."""
    return [name for name in bundle().rules if not name.startswith(OF_SOURCES)]


def episodes(found: list[Finding], before: str = "9999-12-31T00:00:00Z") -> dict[str, set[tuple[Any, ...]]]:
    """(key, opened, closed) by rule, of what is not retracted and opened before a moment."""
    of: dict[str, set[tuple[Any, ...]]] = defaultdict(set)
    for one in found:
        if one.change != RETRACTED and one.opened < parse_rfc3339(before):
            of[one.rule].add((tuple(one.key.values()), one.opened, one.closed))
    return of


def test_they_load_without_a_problem() -> None:
    found, problems = check(ROOT / "rules")
    assert found is not None
    assert [problem.render() for problem in problems if problem.gravity is not Gravity.INFO] == []


@pytest.mark.parametrize("name", authored())
def test_each_says_who_owns_it_and_what_people_read(name: str) -> None:
    rule = bundle().rules[name]
    assert rule.owner
    assert rule.alert.title
    assert rule.alert.category


def test_each_says_where_its_numbers_come_from() -> None:
    read = YAML(typ="safe")
    documents = [one for path in (ROOT / "rules" / "detect").rglob("*.yaml") for one in read.load_all(path)]
    assert [one["id"] for one in documents if not one.get("description")] == []


@pytest.mark.parametrize("name", authored())
def test_each_has_a_runbook_that_says_what_to_do(name: str) -> None:
    path = ROOT / "rules" / bundle().rules[name].alert.runbook
    text = path.read_text(encoding="utf-8")
    assert path.parent.name == "runbooks"
    assert [line for line in text.splitlines() if line.startswith("## ")] == ["## Check", "## Call", "## Close"]
    assert 8 <= len(text.splitlines()) <= 40


def test_no_runbook_is_left_over() -> None:
    used = {Path(bundle().rules[name].alert.runbook).name for name in authored()}
    assert used == {path.name for path in (ROOT / "rules" / "runbooks").iterdir()}


def test_a_week_plants_something_for_every_rule() -> None:
    planted = {one.rule for one in span(1, MONDAY, 7.0).incidents}
    assert planted == {name for name in authored() if not outlasts_a_week(bundle().rules[name])}


def test_all_their_tests_pass() -> None:
    results = run_tests(bundle())
    assert len(results) >= 2 * len(authored()) - 2
    assert [result for result in results if result.problems] == []


@pytest.mark.slow  # a day is simulated
def test_they_find_a_simulated_day_exactly(tmp_path: Path) -> None:
    write(tmp_path, 1, MONDAY)
    truth = json.loads((tmp_path / "truth.json").read_bytes())
    backtest = Backtest(bundle(), [(name, tmp_path / file) for name, file in truth["files"].items()])
    found = episodes(backtest.final(), before=truth["end"])
    planted: dict[str, set[tuple[Any, ...]]] = defaultdict(set)
    for one in truth["incidents"]:
        planted[one["rule"]].add((tuple(one["key"]), parse_rfc3339(one["opened"]), parse_rfc3339(one["closed"])))
    for rule, wanted in planted.items():
        assert wanted <= found[rule], rule
        assert rule not in COMPLETE or wanted == found[rule], rule
    assert refused(backtest) == sum((Counter(dirty) for dirty in truth["dirty"].values()), Counter())
    assert backtest.summary()["duplicate"] == sum(truth["duplicates"].values())


def refused(backtest: Backtest) -> Counter[str]:
    return Counter({str(name): number for name, number in backtest.summary()["dead_reasons"].items()})


def test_each_source_reads_the_events_that_its_feed_means() -> None:
    intakes = {name: Intake(bundle(), bundle().sources[name], Router(bundle())) for name in FEEDS}
    for record in simulate(3, MONDAY, 0.2):
        event = intakes[record.source].probe(entry(record))
        assert (event is None) == (record.event is None)
        assert event is None or record.event is None or plain(event) == plain(record.event)


@pytest.mark.parametrize("source", FEEDS)
def test_each_flaw_is_refused_for_its_reason(source: str) -> None:
    feed, intake = FEEDS[source], Intake(bundle(), bundle().sources[source], Router(bundle()))
    events = [record.event for record in simulate(3, MONDAY, 0.4) if record.source == source and record.event]
    flaws = (*feed.flaws, *(["huge"] if source == "sensors" else []))
    spoiled = [(event, flaw) for event in events[:20] for flaw in flaws]
    for offset, (event, flaw) in enumerate(spoiled):
        record = Record(source, event.received, feed.spoil(event, flaw), None, flaw)
        (dead,) = intake.take([entry(record, offset)]).dead
        assert dead.reason == reason(feed, flaw), flaw


def entry(record: Record, offset: int = 0) -> Entry:
    """A record as it would stand on its topic."""
    feed = FEEDS[record.source]
    headers = record_headers(feed.head.rstrip(b"\n"), offset) if feed.is_csv else {}
    return Entry(offset, record.received, record.body, headers)


def plain(event: Event) -> Event:
    """Without who called: ingest keeps a hash of that."""
    return msgspec.structs.replace(event, fields={k: v for k, v in event.fields.items() if k != "caller"})


@needs_shared(BLIZZARD)
def test_a_real_day_gives_alerts() -> None:
    found = episodes(Backtest(bundle(), [("montco911", shared() / BLIZZARD)]).final())
    fires = sum("BUILDING FIRE" in line for line in (shared() / BLIZZARD).read_text().splitlines())
    assert len(found["building-fire"]) == fires
    assert len(found["disabled-vehicles-surge"]) > 20
    assert found["overdose-series"]
    assert found["crash-then-obstruction"]
