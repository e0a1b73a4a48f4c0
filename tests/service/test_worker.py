"""A whole worker on the embedded log, fed with good and bad records, stopped and started again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from streams.logs import Log, Outgoing, open_log
from streams.rulefile import load
from streams.service.stage import keep_state
from streams.service.worker import Settings, Worker
from streams.topics import Topics, city_topics
from tests.broker.cluster import conflicts, get, told, until

RULES = """
kind: city
name: test
zone: UTC
---
kind: event_type
id: sensor.gas
fields:
  device: {type: string, required: true}
  level: {type: double, required: true}
---
kind: source
id: sensors
topic: city.sensors
format: json
disorder: 0s
lateness: 1h
idle: "off"
event:
  id: record.id
  type: "'sensor.gas'"
  time: record.time
  fields: {device: record.device, level: record.level}
---
kind: threshold
id: gas-twice
title: "Gas at {{ device }}"
event: sensor.gas
where: level >= 20
by: device
window: 10m
condition: {gte: 2}
severity: severe
owner: gas
alert: {title: "Gas at {{ device }}"}
dispatch: {to: gas-network, priority: 1}
"""
BAD: list[tuple[bytes, str]] = [
    (b"{not json", "not_json"),
    (b'{"id": "\xff"}', "not_utf8"),
    (b'{"id": "n", "device": "d", "level": 1}', "missing_time"),
    (b'{"id": "f", "time": "2099-01-01T00:00:00Z", "device": "d", "level": 1}', "time_in_future"),
    (b'{"id": "w", "time": "2026-03-02T08:00:00Z", "device": "d", "level": "high"}', "wrong_type"),
    (b'{"id": "' + b"x" * 5_000_000 + b'"}', "too_large"),
]


def reading(minute: int, device: str = "d1", level: float = 25.0) -> bytes:
    return orjson.dumps({"id": f"{device}-{minute}", "time": f"2026-03-02T08:{minute:02}:00Z", "device": device,
                         "level": level})


class Home:
    """An embedded log with one source's topic of two partitions."""

    def __init__(self, folder: Path, rules: str = RULES) -> None:
        (folder / "rules").mkdir(exist_ok=True)
        (folder / "rules" / "rules.yaml").write_text(rules)
        self.bundle = load(folder / "rules")
        self.broker = f"embedded://{folder}/log.db"

    async def during(self, work: Callable[[Log, Worker], Awaitable[None]]) -> Worker:
        """Do something while a worker runs; it is stopped afterwards, gracefully."""
        worker = Worker(self.bundle, Settings(self.broker, partitions=2, metrics_port=0))
        stopping, ready = asyncio.Event(), asyncio.Event()
        running = asyncio.create_task(worker.run(stopping, ready.set))
        log = open_log(self.broker)
        await ready.wait()
        await log.start()
        try:
            await log.create(city_topics(self.bundle, 2))
            await work(log, worker)
        finally:
            stopping.set()
            await running
            await log.stop()
        return worker


async def send(log: Log, *values: bytes, headers: tuple[tuple[str, bytes], ...] = ()) -> None:
    await log.append([Outgoing("city.sensors", 0, None, value, headers) for value in values])


async def read(log: Log, topic: str) -> list[dict[str, Any]]:
    return [orjson.loads(entry.value or b"") async for batch in log.read(topic, 0) for entry in batch]


def test_bad_records_end_as_dead_letters_and_the_stream_goes_on(tmp_path: Path) -> None:
    async def work(log: Log, worker: Worker) -> None:
        await send(log, reading(0), *(value for value, _ in BAD), reading(1), reading(1))
        await send(log, reading(2), headers=(("source", b"nobody"),))
        await until(worker.drained, 30, "everything folded")
        letters = await read(log, Topics().dlq)
        assert [letter["reason"] for letter in letters] == [*(reason for _, reason in BAD), "unknown_source"]
        assert all(letter["problem"] and letter["offset"] >= 0 for letter in letters)
        alerts = await read(log, Topics().alerts)
        assert [(a["type"], a["data"]["title"]) for a in alerts] == [("tocsin.alert.firing", "Gas at d1")]
        assert [d["data"]["to"] for d in await read(log, Topics().dispatches)] == ["gas-network"]
        assert worker.port is not None
        assert get(worker.port.port, "/readyz") == (200, "ready\n")
        metrics = get(worker.port.port, "/metrics")[1]
        assert 'tocsin_records_total{fate="dead",source="sensors"} 7.0' in metrics
        assert 'tocsin_findings_total{change="opened",rule="gas-twice"} 1.0' in metrics

    worker = asyncio.run(Home(tmp_path).during(work))
    assert Counter(worker.records) == {("sensors", "event"): 2, ("sensors", "duplicate"): 1, ("sensors", "dead"): 7}


def test_a_restart_goes_on_where_it_was(tmp_path: Path) -> None:
    home = Home(tmp_path)

    async def first(log: Log, worker: Worker) -> None:
        await send(log, reading(0), reading(1, "d2"))
        await until(worker.drained, 30, "everything folded")

    async def second(log: Log, worker: Worker) -> None:
        await send(log, reading(5), reading(5), reading(30, "d3", 1.0))
        await until(worker.drained, 30, "everything folded")
        found = await told(log, Topics())
        assert [(f.rule, f.change, f.key) for f in found] == [("gas-twice", "opened", {"device": "d1"})]
        assert found[0].evidence == ["d1-0", "d1-5"]
        assert conflicts(found) == []

    asyncio.run(home.during(first))
    asyncio.run(home.during(second))


@pytest.mark.parametrize("rules", [RULES.partition("---\nkind: threshold")[0], RULES.replace("{gte: 2}", "{gte: 3}")])
@pytest.mark.parametrize("lost", ["detect", "respond", ""])
def test_what_was_told_before_a_crash_is_closed_though_its_rule_is_gone(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str, rules: str) -> None:
    """What a killed worker told after its last snapshot is known to nobody but who read it."""
    async def first(log: Log, worker: Worker) -> None:
        await send(log, reading(0, "d1"), reading(1, "d1"))
        await until(worker.drained, 30, "everything folded")

    async def second(log: Log, worker: Worker) -> None:
        await send(log, reading(2, "d2"), reading(3, "d2"))
        await until(worker.drained, 30, "everything folded")

    async def third(log: Log, worker: Worker) -> None:
        async def closed() -> bool:
            return [state for _, state in await states(log)] == ["resolved", "resolved"]

        await until(closed, 30, "both alerts closed")
        assert [alert["data"]["ended"] for alert in await read(log, Topics().alerts)][-2:] == ["rule_removed"] * 2

    asyncio.run(Home(tmp_path).during(first))
    with monkeypatch.context() as patched:
        patched.setattr("streams.service.stage.keep_state", forgetful(lost))
        asyncio.run(Home(tmp_path).during(second))
    asyncio.run(Home(tmp_path, rules).during(third))


def test_it_is_closed_though_nothing_comes_any_more(tmp_path: Path) -> None:
    async def first(log: Log, worker: Worker) -> None:
        await send(log, reading(0, "d1"), reading(1, "d1"))
        await until(worker.drained, 30, "everything folded")

    async def second(log: Log, worker: Worker) -> None:
        async def closed() -> bool:
            return [state for _, state in await states(log)] == ["resolved"]

        await until(closed, 30, "the alert closed")

    asyncio.run(Home(tmp_path).during(first))
    asyncio.run(Home(tmp_path, RULES.partition("---\nkind: threshold")[0]).during(second))


def forgetful(role: str) -> Callable[..., Awaitable[None]]:
    """Keeps the state of all roles but one, which is as if it were killed at its end. "": of none."""
    async def keep(log: Log, topic: str, *rest: Any) -> None:
        if role and topic != Topics().state(role):
            await keep_state(log, topic, *rest)

    return keep


async def states(log: Log) -> list[tuple[str, str]]:
    """The alerts and what was last told of each."""
    last = {alert["subject"]: alert["data"]["state"] for alert in await read(log, Topics().alerts)}
    return sorted(last.items())
