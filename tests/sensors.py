"""A feed of gas sensors for tests of backtests: rules of several kinds, a register, composites, made-up readings."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import orjson

from streams.clocks import DAY, MINUTE, parse_rfc3339, rfc3339
from streams.findings import RETRACTED, Finding

START = parse_rfc3339("2026-03-02T08:00:00Z")
NOW = START + 30 * DAY
RULES = """\
kind: city
name: test
zone: UTC
---
kind: event_type
id: sensor.gas
fields: {device: {type: string, required: true}, level: double, seen: place}
---
kind: source
id: sensors
topic: city.sensors
format: json
disorder: 1m
lateness: 1h
idle: 10m
event:
  id: record.id
  type: "'sensor.gas'"
  time: record.time
  received: record.came
  place: {lat: record.lat, lon: record.lon, district: record.district}
  fields: {device: record.device, level: record.level, seen: record.seen}
---
kind: register
id: devices
key: device
fields: {device: string, district: string}
---
kind: threshold
id: gas
title: Gas
event: sensor.gas
where: level >= 20
by: device
window: 10m
condition: {gte: 3}
severity: severe
owner: gas
---
kind: threshold
id: gas-spreads
rule: gas
window: 30m
condition: {gte: 2}
severity: severe
owner: gas
---
kind: match
id: far-away
event: sensor.gas
where: level >= 35 && distance(seen, place) > 1000.0
by: place.district
severity: minor
owner: gas
---
kind: absence
id: silent
event: sensor.gas
by: device
every: 40m
expect: {register: devices}
severity: minor
owner: gas
"""
DEVICES = ["d0", "d1", "d2", "d3", "d4", "never"]


def write_rules(folder: Path, rules: str = RULES) -> Path:
    """The rule files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rules.yaml").write_text(rules)
    rows = [f"{device},west\n" for device in DEVICES]
    (folder / "devices.csv").write_text("device,district\n" + "".join(rows))
    return folder


def readings(number: int = 400, seed: int = 1) -> list[dict[str, Any]]:
    """Readings in the order of arrival: some late, some too late, some twice, some that cannot be understood."""
    dice = random.Random(seed)
    made: list[dict[str, Any]] = []
    for index in range(number):
        time = START + index * MINUTE // 2
        delay = dice.choice([0, 0, 0, 2, 20, 90]) * MINUTE
        lat = dice.uniform(30, 30.02)
        made.append({
            "id": f"r{index}", "time": rfc3339(time), "came": time + delay, "device": dice.choice(DEVICES[:-1]),
            "level": dice.uniform(0, 40), "lat": lat, "lon": 124.0, "district": dice.choice(["west", "east"]),
            "seen": [lat + dice.choice([0, 0.02]), 124.0]})
        if dice.random() < 0.03:
            made.append({**made[-1], "came": time + delay + MINUTE})
        if dice.random() < 0.03:
            made.append({**made[-1], "id": None})
    made.sort(key=lambda one: one["came"])
    return [{**one, "came": rfc3339(one["came"])} for one in made]


def write_readings(path: Path, rows: list[dict[str, Any]]) -> Path:
    """One JSON object a line."""
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return path


def episodes(findings: list[Finding]) -> set[tuple[Any, ...]]:
    """What does not depend on the order of arrival: rule, key, times, value, evidence of what was not retracted."""
    return {(one.rule, str(one.key), one.opened, one.closed, repr(one.value), _proof(one))
            for one in findings if one.change != RETRACTED}


def _proof(finding: Finding) -> tuple[str, ...] | int:
    """Findings as evidence are named by ids that belong to the log."""
    return finding.count if finding.rule == "gas-spreads" else tuple(finding.evidence)
