"""End to end: one-event records on a city topic, through all three roles in one worker, to findings on a topic.

`python -m bench.service BROKER RULES [COUNTIES]`, BROKER being embedded or kafka://host:port; one JSON line. The
records are on the topic before the worker starts; the span runs from its start to the last record folded.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
import uuid
from tempfile import TemporaryDirectory
from typing import Any

from bench.workload import Outputs, prepare, rules
from streams import findings
from streams.findings import FindingRow
from streams.logs import Log, Outgoing, open_log
from streams.rulefile import load
from streams.rules import Bundle
from streams.service.worker import Settings, Worker
from streams.topics import city_topics

PARTITIONS = 4
POLL_S = 0.05
TAIL_S = 60.0


def measure(broker: str, which: str, counties: int = 24) -> dict[str, Any]:
    """One run; see the module."""
    path, truth = prepare(counties)
    directory = rules(which, truth)
    mix, topic = directory / "mix.yaml", f"bench.{uuid.uuid4().hex[:8]}"
    mix.write_text(mix.read_text().replace("idle: off", "idle: 1s").replace("city.mix", topic))
    with TemporaryDirectory() as folder:
        url = f"embedded://{folder}/log.db" if broker == "embedded" else broker
        return asyncio.run(_run(url, load(directory), topic, path.read_bytes().splitlines(), which, truth))


async def _run(url: str, bundle: Bundle, topic: str, lines: list[bytes], which: str,
               truth: dict[str, Any]) -> dict[str, Any]:
    log = open_log(url)
    await log.start()
    await _fill(log, bundle, topic, lines)
    worker = Worker(bundle, Settings(url, partitions=PARTITIONS, prefix=topic))
    stopping = asyncio.Event()
    wall, cpu = time.perf_counter(), time.process_time()
    working = asyncio.create_task(worker.run(stopping))
    while not await worker.drained():
        await asyncio.sleep(POLL_S)
        if working.done():
            await working
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    verdict = await _verdict(log, worker, which, truth)
    stopping.set()
    await working
    await log.stop()
    return {
        "where": url.partition(":")[0], "rules": which, "events": len(lines), "events_per_s": round(len(lines) / wall),
        "cpu_us_per_event": round(cpu / len(lines) * 1e6, 2),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, "outputs": verdict,
    }


async def _fill(log: Log, bundle: Bundle, topic: str, lines: list[bytes]) -> None:
    """A county's calls in one partition, as a department would key them."""
    await log.create(city_topics(bundle, PARTITIONS))
    batch: list[Outgoing] = []
    for line in lines:
        county = line[line.index(b'"county":"c') + 11:].split(b'"', 1)[0]
        batch.append(Outgoing(topic, int(county) % PARTITIONS, None, line))
        if len(batch) == 5000:
            await log.append(batch)
            batch = []
    await log.append(batch)


async def _verdict(log: Log, worker: Worker, which: str, truth: dict[str, Any]) -> str:
    """The verdict once the outputs are the truth, or as it stands when time has run on for long enough."""
    deadline = time.perf_counter() + TAIL_S
    while True:
        outputs = Outputs()
        told = {}
        async for batch in log.read(worker.topics.respond, 0):
            for entry in batch:
                for row in findings.decode(entry.value or b"").rows:
                    if isinstance(row, FindingRow):
                        told[row.finding.id, row.finding.sequence] = row.finding
        outputs.add(told.values())
        verdict = outputs.verdict(which, truth)
        if verdict == "equal" or time.perf_counter() > deadline:
            return verdict
        await asyncio.sleep(1)


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:4]))))
