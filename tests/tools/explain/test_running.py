"""Explaining what a running service did, from its log: accepted, put aside, dead, told and sent."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from streams.cli import main
from streams.logs import Log, open_log
from streams.service.worker import Worker
from streams.topics import Topics
from tests.broker.cluster import told, until
from tests.service.test_worker import Home, reading, send

RECORDS = [
    reading(0), reading(1, "d2"), reading(4), reading(5, "d3", 3.0), reading(6, "d3"), reading(7, "d4"),
    orjson.dumps({"id": "x", "time": "2026-03-02T08:08:00Z", "device": "d4"}),
    reading(9, "d2"), reading(9, "d2"),
    orjson.dumps({"id": "late", "time": "2026-03-02T06:30:00Z", "device": "d5", "level": 30}),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Path]:
    """A log behind which a worker has folded the records."""
    folder = tmp_path_factory.mktemp("explained")
    made = Home(folder)

    async def work(log: Log, worker: Worker) -> None:
        await send(log, *RECORDS)
        await until(worker.drained, 30, "everything folded")

    asyncio.run(made.during(work))
    return made, folder


def asked(home: tuple[Home, Path], capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    where = ["--rules", str(home[1] / "rules"), "--broker", home[0].broker]
    assert main(["explain", *where, "--json", *words]) == 0
    found: dict[str, Any] = orjson.loads(capsys.readouterr().out)
    return found


FIRED = """It fired for device d1 at 08:04:00: 2 events in 10m, at least 2 are asked for; its alert is firing, its
dispatch requested."""
CLAUSE = """It did not fire for device d3: event d3-5 of 08:05:00 does not meet the condition: `level >= 20` is false
(level = 3.0), which leaves 1 of 2 events in 10m."""
DEAD = """It did not fire for device d4: the record at city.sensors/0, offset 6 of sensors became a dead letter
(missing_field): sensor.gas requires level, which leaves 1 of 2 events in 10m."""


@pytest.mark.parametrize(("device", "minute", "verdict"), [("d1", 4, FIRED), ("d3", 6, CLAUSE), ("d4", 8, DEAD)])
def test_the_log_says_why(home: tuple[Home, Path], capsys: pytest.CaptureFixture[str], device: str, minute: int,
                          verdict: str) -> None:
    at = f"2026-03-02T08:{minute:02}:00Z"
    found = asked(home, capsys, "--rule", "gas-twice", "--key", f"device={device}", "--at", at)
    assert found["verdict"]["sentence"] == verdict.replace("\n", " ")


def test_a_late_event_is_known_from_the_log(home: tuple[Home, Path], capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--rule", "gas-twice", "--key", "device=d5", "--at", "2026-03-02T06:30:00Z")
    found = asked(home, capsys, *words)
    assert [(event["id"], event["fate"], event["outcome"]) for event in found["events"]] == [("late", "late", "late")]


def test_a_finding_and_its_alert_are_found_by_their_ids(home: tuple[Home, Path], capsys: pytest.CaptureFixture[str]
                                                        ) -> None:
    async def ids() -> list[str]:
        log = open_log(home[0].broker, read_only=True)
        await log.start()
        try:
            return [one.id for one in await told(log, Topics()) if one.key == {"device": "d1"}]
        finally:
            await log.stop()

    found = asked(home, capsys, "--finding", asyncio.run(ids())[0])
    assert found["key"] == {"device": "d1"}
    assert found["verdict"]["reason"] == "fired"
    alert = next(one["alert"] for one in found["response"] if one["topic"] == "alerts")
    assert asked(home, capsys, "--finding", alert)["verdict"] == found["verdict"]


def test_what_is_not_there_is_said(home: tuple[Home, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = ["--rules", str(home[1] / "rules")]
    assert main(["explain", *rules, "--broker", home[0].broker, "--finding", "nobody"]) == 2
    assert "no finding and no alert nobody is known here" in capsys.readouterr().err
    assert main(["explain", *rules, "--broker", f"embedded://{tmp_path}/none.db", "--rule", "gas-twice"]) == 2
    assert re.search(r"none\.db|has a worker run there", capsys.readouterr().err)
