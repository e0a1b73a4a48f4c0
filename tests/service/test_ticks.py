"""The wall is written down only for who waits for it: a flood of alerts that has ended is told so without a finding."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import orjson

from streams import findings
from streams.clocks import HOUR, MINUTE
from streams.findings import ResponseFrame
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
    asyncio.run(worker._tick())
    assert log.entries == []
    told = [finding(f"f{number}", key={"road": str(number)}, evidence=f"e{number}") for number in range(2)]
    fold.step(0, findings.encode(ResponseFrame(rows(told))))
    for passed in (0, 30, 60):
        monkeypatch.setattr(module, "wall", lambda passed=passed: now + passed * MINUTE)
        asyncio.run(worker._tick())
    assert {entry.topic for entry in log.entries} == {Topics().respond}
    outputs = [fold.step(offset, entry.value or b"") for offset, entry in enumerate(log.entries, 1)]
    assert [len(sent) for sent in outputs] == [0, 0, 1]
    assert orjson.loads(outputs[2][0].value or b"")["type"] == "tocsin.alert.resolved"
    asyncio.run(worker._tick())
    assert len(log.entries) == 3
