"""Vital signs end to end: records in; readings, corrections, roll-ups, gauges out; a restart; the same by backtest."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from streams.cli import main
from streams.logs import Log, Outgoing
from streams.service.worker import Worker
from streams.topics import Topics
from tests.broker.cluster import get, until
from tests.service.test_worker import RULES, Home, read, reading, send

INDICATORS = RULES + """
---
kind: indicator
id: gas-level
title: Gas, highest of ten minutes
event: sensor.gas
where: level >= 0.0
by: device
every: 5m
window: 10m
measure: {max: level}
bands: {amber: 20, red: 40}
unit: ppm
owner: gas
---
kind: indicator
id: devices
title: Devices that spoke
event: sensor.gas
where: level >= 0.0
every: 10m
measure: {distinct: device}
good: high
bands: {amber: 1, red: 0}
owner: gas
---
kind: indicator
id: loudest
title: Devices that speak most
event: sensor.gas
where: level >= 0.0
every: 10m
top: {by: [device], k: 1}
owner: gas
"""


async def tick(log: Log, minute: int) -> None:
    """A record of the other partition that only moves its clock."""
    await log.append([Outgoing("city.sensors", 1, None, reading(minute, "clock", -1.0), ())])


async def board(log: Log) -> list[tuple[Any, ...]]:
    """(of what, key, end, value, status) as last told of each reading."""
    newest = {event["subject"]: event["data"] for event in await read(log, Topics().vitals)
              if event["type"] == "tocsin.vital.reading"}
    return sorted((one["indicator"], *one["key"].values(), one["end"][11:16],
                   one["value"] if one["top"] is None else [(top["of"], top["count"]) for top in one["top"]],
                   one["status"]) for one in newest.values())


async def shown(log: Log, worker: Worker, expected: list[tuple[Any, ...]], apart: str = "-") -> None:
    """Wait until just these readings stand there, those of one indicator apart, and all is folded."""
    async def as_expected() -> bool:
        found = await board(log)
        wanted = [one for one in expected if one[0] != apart]
        return [one for one in found if one[0] != apart] == wanted and await worker.drained()

    await until(as_expected, 30, f"{expected}")


def board_shown(folder: Path, broker: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What `tocsin vitals` tells of what the worker has left."""
    words = ["vitals", "--rules", str(folder / "rules"), "--broker", broker]
    assert main([*words, "--json"]) == 0
    told = [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {(one["indicator"], *one["key"].values(), one["end"][11:16], one["value"], one["status"])
            for one in told if "indicator" in one and one["top"] is None} == {
        ("devices", "08:30", 0, "red"), ("gas-level", "d1", "08:20", None, "unknown"),
        ("gas-level", "d2", "08:25", None, "unknown")}
    assert [(one["level"], one["status"]) for one in told if "level" in one] == [("city", "red")]
    assert main(words) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[:2] == [["status", "where", "since"], ["red", "city", "2026-03-02", "08:10"]]
    assert ["red", "devices", "0", "2026-03-02", "08:30", "2026-03-02", "08:30"] in lines
    assert main([*words, "--bad", "gas-level"]) == 0
    assert "gas-level" not in capsys.readouterr().out
    assert main([*words, "gas-levels"]) == 2
    assert "did you mean `gas-level`" in capsys.readouterr().err


EXPECTED = [
    ("devices", "08:10", 2, "green"), ("devices", "08:20", 1, "amber"), ("devices", "08:30", 0, "red"),
    ("gas-level", "d1", "08:05", 25.0, "amber"), ("gas-level", "d1", "08:10", 45.0, "red"),
    ("gas-level", "d1", "08:15", 45.0, "red"), ("gas-level", "d1", "08:20", None, "unknown"),
    ("gas-level", "d2", "08:05", 1.0, "green"), ("gas-level", "d2", "08:10", 1.0, "green"),
    ("gas-level", "d2", "08:15", 5.0, "green"), ("gas-level", "d2", "08:20", 5.0, "green"),
    ("gas-level", "d2", "08:25", None, "unknown"),
    ("loudest", "08:10", [({"device": "d1"}, 2)], "none"), ("loudest", "08:20", [({"device": "d2"}, 1)], "none"),
    ("loudest", "08:30", [], "none"), ("loudest", "08:40", [], "none"),
]


def test_readings_come_with_the_clock_are_corrected_and_outlive_a_restart(
        tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = Home(tmp_path, INDICATORS)

    async def first(log: Log, worker: Worker) -> None:
        await send(log, reading(1), reading(3, "d2", 1.0), reading(12, "d2", 5.0))
        await tick(log, 13)
        await shown(log, worker, [("devices", "08:10", 2, "green"), ("gas-level", "d1", "08:05", 25.0, "amber"),
                                  ("gas-level", "d1", "08:10", 25.0, "amber"),
                                  ("gas-level", "d2", "08:05", 1.0, "green"),
                                  ("gas-level", "d2", "08:10", 1.0, "green")], apart="loudest")
        assert worker.port is not None
        metrics = get(worker.port.port, "/metrics")[1]
        assert 'tocsin_indicator{indicator="gas-level",key="d1"} 25.0' in metrics
        assert 'tocsin_indicator_status{indicator="gas-level",key="d1"} 1.0' in metrics
        assert 'tocsin_indicator_status{indicator="loudest"' not in metrics
        assert 'tocsin_rollup_status{level="city",name=""} 1.0' in metrics

    async def second(log: Log, worker: Worker) -> None:
        await send(log, reading(9, "d1", 45.0), reading(58, "d1", -1.0))
        await tick(log, 59)
        await shown(log, worker, EXPECTED)
        told = await read(log, Topics().vitals)
        corrected = [event["data"] for event in told if event["data"].get("cause")]
        assert ("gas-level", 45.0, "d1-9") in [(one["indicator"], one["value"], one["cause"]) for one in corrected]
        assert len({event["id"] for event in told}) == len(told)
        turns = [event["data"]["status"] for event in told if event["type"] == "tocsin.vital.rollup"]
        assert turns[:2] == ["amber", "red"]

    asyncio.run(home.during(first))
    asyncio.run(home.during(second))
    assert main(["backtest", "--rules", str(tmp_path / "rules"), "--broker", home.broker, "--vitals", "--json"]) == 0
    lines = [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]
    readings = [one["data"] for one in lines if one["type"] == "tocsin.vital.reading"]
    board_shown(tmp_path, home.broker, capsys)
    said = {(one["indicator"], *one["key"].values(), one["end"][11:16], one["status"]) for one in readings}
    assert {(*one[:-2], one[-1]) for one in EXPECTED} <= said
