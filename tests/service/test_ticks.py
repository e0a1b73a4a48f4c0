"""The wall is written down only for who waits for it: a flood of alerts that has ended is told so without a finding."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import orjson

from streams import findings
from streams.actions import Action
from streams.clocks import HOUR, MINUTE
from streams.findings import ActionRow, ResponseFrame
from streams.logs import Outgoing
from streams.rules import Limit
from streams.service import worker as module
from streams.service.folds import RespondFold
from streams.service.worker import Settings, Worker
from streams.topics import Topics
from tests.responses import NOON, bundle, finding, rows, rule


class Recorder:
    """A log that keeps what is appended."""

    def __init__(self) -> None:
        self.entries: list[Outgoing] = []

    async def append(self, entries: list[Outgoing]) -> None:
        self.entries += entries


def test_ticks_are_written_while_a_flood_is_open_and_end_it(monkeypatch: Any) -> None:
    made = bundle(rule(limit=Limit(1, HOUR)))
    fold = RespondFold(made, Topics(), 0)
    worker = Worker(made, Settings("embedded:///nowhere/log.db"))
    worker.log = log = Recorder()  # type: ignore[assignment]
    worker.stages = {"respond": SimpleNamespace(parts={0: SimpleNamespace(fold=fold)})}  # type: ignore[dict-item]
    now = NOON + 9 * HOUR
    monkeypatch.setattr(module, "wall", lambda: now)
    asyncio.run(worker._tick(True))
    assert log.entries == []
    told = [finding(f"f{number}", key={"road": str(number)}, evidence=f"e{number}") for number in range(2)]
    fold.step(0, findings.encode(ResponseFrame(rows(told))))
    for passed in (0, 30, 60):
        monkeypatch.setattr(module, "wall", lambda passed=passed: now + passed * MINUTE)
        asyncio.run(worker._tick(True))
    assert {entry.topic for entry in log.entries} == {Topics().respond}
    outputs = [fold.step(offset, entry.value or b"") for offset, entry in enumerate(log.entries, 1)]
    assert [len(sent) for sent in outputs] == [0, 0, 1]
    assert orjson.loads(outputs[2][0].value or b"")["type"] == "tocsin.alert.resolved"
    asyncio.run(worker._tick(True))
    assert len(log.entries) == 3


def test_a_tick_is_written_when_something_is_due_and_once(monkeypatch: Any) -> None:
    """An acknowledgement that runs out, without a regular tick."""
    made = bundle(rule())
    fold = RespondFold(made, Topics(), 0)
    worker = Worker(made, Settings("embedded:///nowhere/log.db"))
    worker.log = log = Recorder()  # type: ignore[assignment]
    worker.stages = {"respond": SimpleNamespace(parts={0: SimpleNamespace(fold=fold)})}  # type: ignore[dict-item]
    alert = orjson.loads(fold.step(0, findings.encode(ResponseFrame(rows([finding()]))))[0].value or b"")["subject"]
    ack = Action("a", NOON + MINUTE, "ann", ("dispatcher",), "alert.ack", alert)
    fold.step(1, findings.encode(ResponseFrame([ActionRow(ack)])))
    for passed in (60, 240, 241, 242):
        monkeypatch.setattr(module, "wall", lambda passed=passed: NOON + passed * MINUTE)
        asyncio.run(worker._tick(False))
    assert len(log.entries) == 1
    assert orjson.loads(fold.step(2, log.entries[0].value or b"")[0].value or b"")["data"]["state"] == "new"
