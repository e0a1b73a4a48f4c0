"""The real calls as a source, rules made from the truth's own definitions, and brute force over the rows."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from streams.findings import RETRACTED, Finding
from streams.rulefile import load
from streams.tools.backtest import Backtest
from tests.conftest import shared

TAKEN = re.compile(r"(\d{4}-\d\d-\d\d) @ (\d\d:\d\d:\d\d)")
CALLS = "data/montco911/911_2015-12-10_2016-01-31.csv.gz"
BASE = """
kind: city
name: county
zone: UTC
---
kind: source
id: calls
title: Emergency calls of a county
topic: {topic}
format: csv
zone: UTC
disorder: {disorder}
lateness: {lateness}
idle: "{idle}"
{silence}
open: true
event:
  id: string(row)
  type: "'call.' + slug(record.title)"
  time: {{value: "extract(record.desc, r'(\\\\d{{4}}-\\\\d\\\\d-\\\\d\\\\d @ \\\\d\\\\d:\\\\d\\\\d:\\\\d\\\\d)')",
         format: "%Y-%m-%d @ %H:%M:%S", else: received}}
  received: {{value: record.timeStamp, format: "%Y-%m-%d %H:%M:%S"}}
  place: {{lat: "double(record.lat)", lon: "double(record.lng)", district: record.twp, address: record.addr}}
  fields: {{title: record.title, category: "record.title.split(':')[0]"}}
---
kind: event_type
id: call.any
title: Placeholder, so that fields are declared
fields: {{title: {{type: string}}, category: {{type: string}}}}
"""


class Call:
    """A row of the file, as the truth reads it. Times in whole seconds."""

    def __init__(self, row: int, cells: dict[str, str]) -> None:
        self.row, self.title, self.twp, self.addr = row, cells["title"], cells["twp"], cells["addr"]
        self.lat, self.lon = float(cells["lat"]), float(cells["lng"])
        self.arrived = _seconds(cells["timeStamp"], "%Y-%m-%d %H:%M:%S")
        taken = TAKEN.search(cells["desc"])
        self.time = _seconds(" ".join(taken.groups()), "%Y-%m-%d %H:%M:%S") if taken else self.arrived


@cache
def calls() -> list[Call]:
    """All rows, in order of arrival."""
    with gzip.open(shared() / CALLS, "rt", newline="") as lines:
        return [Call(row, cells) for row, cells in enumerate(csv.DictReader(lines))]


@cache
def truth() -> Any:
    """The truth's figures."""
    return json.loads((shared() / "data/montco911/truth_ship.json").read_text())


def write_rules(directory: Path, rules: str, disorder: str = "10m", lateness: str = "24h", silence: str = "",
                idle: str = "off", topic: str = "city.calls") -> Path:
    """The source and these rules as files."""
    directory.mkdir(parents=True, exist_ok=True)
    base = BASE.format(disorder=disorder, lateness=lateness, silence=silence, idle=idle, topic=topic)
    documents = [f"\n---\n{rule}" for rule in rules.split("\n\n") if rule.strip()]
    (directory / "rules.yaml").write_text(base + "".join(documents))
    return directory


def backtest(directory: Path, rules: str, order: str = "arrival", disorder: str = "10m", lateness: str = "24h",
             silence: str = "", finish: bool = True) -> tuple[list[Finding], dict[str, Any]]:
    """The final findings that were not retracted, and the summary."""
    write_rules(directory, rules, disorder, lateness, silence)
    one = Backtest(load(directory), [("calls", shared() / CALLS)], order, finish)
    found = [finding for finding in one.final() if finding.change != RETRACTED]
    return found, one.summary()


def seconds(time: int) -> int:
    """µs as whole seconds."""
    assert time % 1_000_000 == 0
    return time // 1_000_000


def pairs(first: str, then: str, by: str, within: int, strict: bool) -> Iterator[tuple[Call, list[Call]]]:
    """Each A with its Bs within the time, by brute force; `strict`: B later than A, else after A in the order."""
    keyed: dict[str, list[Call]] = {}
    for call in sorted(calls(), key=lambda call: (call.time, call.row)):
        if getattr(call, by):
            keyed.setdefault(getattr(call, by), []).append(call)
    for found in keyed.values():
        for at, a in enumerate(found):
            if a.title == first:
                later = [b for b in found[at + 1:] if b.time <= a.time + within and b.title == then]
                yield a, [b for b in later if b.time > a.time or not strict]


def _seconds(text: str, pattern: str) -> int:
    return int(datetime.strptime(text, pattern).replace(tzinfo=UTC).timestamp())
