"""The library of rules on a simulated week: test, backtest and the embedded service find the same."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from streams.findings import Finding
from streams.logs import open_log
from streams.tools.load import load
from streams.topics import Topics
from tests.broker.cluster import WorkerProcess, conflicts, told, until
from tests.week import Episode, Week, episodes, outlasts_a_week

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Week:
    return Week(tmp_path_factory.mktemp("week"))


@cache
def backtested(week: Week) -> list[Finding]:
    return week.known(week.backtest())


def test_every_rule_finds_what_is_planted(week: Week) -> None:
    found, planted = defaultdict(set), defaultdict(set)
    for one in backtested(week):
        found[one.rule].add((tuple(one.key.values()), one.opened, one.closed))
    for incident in week.incidents:
        planted[incident.rule].add((incident.key, incident.opened, incident.closed))
    authored = {name for name in week.bundle.rules if not name.startswith("source-silent.")}
    assert planted.keys() == authored - {name for name in authored if outlasts_a_week(week.bundle.rules[name])}
    assert {rule: wanted - found[rule] for rule, wanted in planted.items() if not wanted <= found[rule]} == {}


def test_each_rule_s_test_finds_what_the_backtest_finds(week: Week) -> None:
    """Without the devices that were never heard of: a rule's test begins at its start, a feed with its first record."""
    wanted: dict[str, set[Episode]] = defaultdict(set)
    for one in episodes(one for one in backtested(week) if one.evidence):
        wanted[one[0]].add(one)
    differ = {}
    for rule, findings in week.tested():
        last = {one.id: one for one in findings}
        told_of = episodes(one for one in week.known(last.values()) if one.evidence)
        found = {one for one in told_of if one[0] == rule.id}
        if found != wanted[rule.id]:
            differ[rule.id] = (sorted(found - wanted[rule.id])[:2], sorted(wanted[rule.id] - found)[:2])
    assert differ == {}


def test_the_embedded_service_finds_what_the_backtest_finds(week: Week, tmp_path: Path) -> None:
    broker, wanted = f"embedded://{tmp_path}/log.db", episodes(backtested(week))
    worker = WorkerProcess("worker", broker, week.rules, "tocsin", tmp_path)

    async def work() -> None:
        log = open_log(broker)
        await log.start()
        for name, path in week.inputs:
            await load(log, week.bundle, week.bundle.sources[name], path, None, 1)
        await log.stop()
        worker.start()
        log = open_log(broker, read_only=True)
        await log.start()

        async def equal() -> bool:
            if Topics().respond not in await log.topics():
                return False
            last = {one.id: one for one in sorted(await told(log, Topics()), key=lambda one: one.sequence)}
            return episodes(week.known(last.values())) == wanted

        try:
            await until(equal, 120, "the backtest's episodes")
            assert conflicts(await told(log, Topics())) == []
        finally:
            await log.stop()

    try:
        asyncio.run(work())
        assert worker.stop() == 0
    finally:
        worker.kill()
