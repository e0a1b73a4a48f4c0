"""What a backtest's indicators show: each reading as subscribers would read it in the end, and roll-ups."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from streams.findings import Finding, FindingRow, Reading, ReadingRow, ResponseFrame, Row
from streams.respond import Respond
from streams.rules import Bundle

TOPIC = "vitals"


def vitals(bundle: Bundle, told: Iterable[tuple[list[Finding], list[Reading]]]) -> list[dict[str, Any]]:
    """The newest CloudEvent of each reading, and all of roll-ups, in the order in which they were told first.

    `told` are findings and readings step by step: while a source is silent, what is read from it is unknown.
    """
    fold, newest = Respond(bundle), dict[tuple[str, str], dict[str, Any]]()
    for offset, (findings, readings) in enumerate(told):
        rows: list[Row] = [FindingRow("detect", 0, offset, row, finding) for row, finding in enumerate(findings)]
        rows += [ReadingRow("detect", 0, offset, row, reading) for row, reading in enumerate(readings, len(rows))]
        for output in fold.step(offset, ResponseFrame(rows)) if rows else ():
            if output.topic == TOPIC:
                event = orjson.loads(output.value)
                turn = event["sequence"] if event["type"] == "tocsin.vital.rollup" else ""
                newest[event["subject"], turn] = event
    return list(newest.values())
