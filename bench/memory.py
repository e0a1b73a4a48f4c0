"""The engine alone: JSON lines in memory to findings, one process, no log.

`python -m bench.memory RULES [COUNTIES]`, RULES being BASE or MANY<n>; one JSON line.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

from bench.workload import SOURCE, Outputs, prepare, rules
from streams.ingest.intake import Record
from streams.rulefile import load
from streams.tools.replay import BATCH, Replay


def measure(which: str, counties: int = 24) -> dict[str, Any]:
    """One run: events/s, CPU µs per event, whether the outputs are the truth."""
    path, truth = prepare(counties)
    began = time.perf_counter()
    bundle = load(rules(which, truth))
    opened = time.perf_counter() - began
    lines = path.read_bytes().splitlines()
    replay, outputs = Replay(bundle, [SOURCE]), Outputs()
    gc.collect()
    gc.freeze()
    wall, cpu = time.perf_counter(), time.process_time()
    for batch in _batches(lines):
        outputs.add(replay.take(SOURCE, batch))
    outputs.add(replay.finish(beyond=True))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "where": "memory", "rules": which, "events": len(lines), "events_per_s": round(len(lines) / wall),
        "cpu_us_per_event": round(cpu / len(lines) * 1e6, 2),
        "load_s": round(opened, 2), "open_keys": replay.engine.open_keys,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, "outputs": outputs.verdict(which, truth),
    }


def _batches(lines: list[bytes]) -> Iterator[list[Record]]:
    records = (Record(offset, None, line) for offset, line in enumerate(lines))
    while batch := list(islice(records, BATCH)):
        yield batch


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], *map(int, sys.argv[2:3]))))
