"""`python -m bench.detection.keys [keys [weeks]]`: what keys with a baseline cost, in bytes and time; a JSON line.

Each key has an event about every third hour for five weeks; its hours are learnt, and judged from the second week on.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
import time
from random import Random
from typing import Any

from streams.clocks import HOUR, WEEK, parse_rfc3339
from streams.detect.engine import META, Engine
from streams.frames import CLOCK_ROW, VERSION, ClockRow, MemberRow, WorkFrame, WorkRow
from streams.records import Member
from streams.rulefile import check_files

SHARE = 1 / 3
RULES = b"""
{kind: city, name: town}
---
{kind: event_type, id: a, fields: {k: string}}
---
{kind: source, id: s, topic: s, format: json, disorder: 0s, lateness: 1h,
 event: {id: record.id, type: "'a'", time: record.time, fields: {k: record.k}}}
---
{kind: threshold, id: unusual, event: a, by: k, window: {type: tumbling, size: 1h}, owner: o,
 baseline: {season: hour_of_week, memory: 8w}, condition: {above: {p: 0.00001}}}
"""


def measure(keys: int = 10_000, weeks: int = 5) -> dict[str, Any]:
    """All keys in one engine, an hour a frame."""
    bundle = check_files({"rules.yaml": RULES})[0]
    assert bundle is not None
    engine, chance, events = Engine(bundle), Random(1), 0
    ref, begin = bundle.rules["unusual"].ref, parse_rfc3339("2026-01-05T00:00:00Z")
    names, hours = [f"k{number:05}" for number in range(keys)], weeks * WEEK // HOUR
    gc.collect()
    before, cpu = _mb(), time.process_time()
    for hour in range(hours):
        frame: list[WorkRow] = []
        for name in names:
            if chance.random() < SHARE:
                at = begin + hour * HOUR + events % 3_599 * 1_000_000
                frame.append(MemberRow(events, ref, (name,), Member(at, "s", 0, events, f"e{events}", 1)))
                events += 1
        clock = begin + (hour + 1) * HOUR
        frame.append(ClockRow("s", 0, 1, hour, CLOCK_ROW, clock, clock, begin))
        engine.step(hour, WorkFrame(VERSION, "b", frame))
    used, grown = time.process_time() - cpu, _mb() - before
    kept = [value for name, value in engine.changed().items() if value is not None and name != META]
    return {"keys": keys, "events": events, "bytes_kept_a_key": sum(map(len, kept)) // keys,
            "most_bytes_kept": max(map(len, kept)), "kb_of_memory_a_key": round(1024 * grown / keys, 1),
            "cpu_us_per_event": round(used / events * 1e6, 1),
            "cpu_us_per_hour_and_key": round(used * 1e6 / keys / hours, 1)}


def _mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    print(json.dumps(measure(*map(int, sys.argv[1:]))))
