"""The main job on one machine, for a newcomer: records in, alerts and dispatches out, all accounted for.

`python -m streams.demo` takes a day of a made-up city; `--data FILE --source NAME` your own.
The log is embedded; nothing is left running.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from streams.commands import Refused, load_bundle, progress, readable_file, source_of
from streams.ingest.intake import summary
from streams.logs import Log, open_log
from streams.respond.envelopes import BESIDE
from streams.rules import Bundle
from streams.service.worker import Settings, Worker
from streams.tools.load import load
from streams.tools.simulate import write
from streams.topics import Topics

HOME = Path(".run/demo")
SHOWN = 40
PARTITIONS = 2
POLL_S = 0.05


def main() -> int:
    """Run the demo; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="a file of records (default: a day of a made-up city)")
    parser.add_argument("--source", help="the source whose records they are")
    parser.add_argument("--rules", type=Path, default=Path("rules"))
    options = parser.parse_args()
    try:
        bundle = load_bundle(options.rules)
        shutil.rmtree(HOME, ignore_errors=True)
        HOME.mkdir(parents=True)
        inputs = _inputs(bundle, options.data, options.source)
        broker = f"embedded://{HOME.absolute()}/tocsin.db"
        fed = bundle.fed_by([name for name, _ in inputs])
        asyncio.run(show(fed, inputs, broker, Console(width=None if sys.stdout.isatty() else 160)))
    except Refused as refused:
        print(f"demo: {refused}", file=sys.stderr)
        return 2
    return 0


def _inputs(bundle: Bundle, data: Path | None, source: str | None) -> list[tuple[str, Path]]:
    if data is not None:
        if source is None:
            raise Refused("say whose records they are: SOURCE=name")
        return [(source_of(bundle, source).id, readable_file(data))]
    print("simulating a day of a made-up city ...", file=sys.stderr)
    made = write(HOME / "city", 1, date(2026, 3, 2), 1.0, 1.0)
    return sorted((name, HOME / "city" / file) for name, file in made.files.items())


async def show(bundle: Bundle, inputs: list[tuple[str, Path]], broker: str, console: Console) -> None:
    """Start a worker, load the files, wait until everything is done, print what came out."""
    worker = Worker(bundle, Settings(broker, partitions=PARTITIONS))
    stopping, started = asyncio.Event(), asyncio.Event()
    working = asyncio.create_task(worker.run(stopping, started.set))
    log = open_log(broker)
    try:
        await _unless_ended(started.wait(), working)
        await log.start()
        for name, path in inputs:
            with progress(f"loading {path.name}") as advance:
                await load(log, bundle, bundle.sources[name], path, None, PARTITIONS, advance)
        with progress("rules at work") as advance:
            await _unless_ended(_drained(worker, advance), working)
        stopping.set()
        await working
        await _report(log, worker, console)
    finally:
        stopping.set()
        await log.stop()


async def _unless_ended(waiting: Any, working: asyncio.Task[None]) -> None:
    """Wait, but not for a worker that has failed."""
    task = asyncio.ensure_future(waiting)
    await asyncio.wait([task, working], return_when=asyncio.FIRST_COMPLETED)
    if not task.done():
        task.cancel()
        await working


async def _drained(worker: Worker, advance: Any) -> None:
    seen = 0
    while True:
        number = sum(worker.records.values())
        advance(number - seen)
        seen = number
        if await worker.drained():
            return
        await asyncio.sleep(POLL_S)


async def _report(log: Log, worker: Worker, console: Console) -> None:
    alerts = await _newest(log, Topics().alerts)
    dispatches = await _newest(log, Topics().dispatches)
    console.print(_table("Alerts", alerts, ("state", "severity", "rule", "place", "time (UTC)", "why"), _alert_row))
    columns = ("state", "to", "priority", "rule", "place", "time (UTC)")
    console.print(_table("Dispatches", dispatches, columns, _dispatch_row))
    rules = Counter(one["data"].get("rule", "") for one in alerts)
    console.print("Alerts by rule: " + ", ".join(f"{rule} {number}" for rule, number in rules.most_common()))
    fates: Counter[str] = Counter()
    for (_, fate), number in worker.records.items():
        fates[fate] += number
    counts = summary(fates)
    parts = ", ".join(f"{number} {fate}" for fate, number in counts.items() if fate != "records")
    console.print(f"{counts['records']} records came in: {parts}.", highlight=False)


async def _newest(log: Log, topic: str) -> list[dict[str, Any]]:
    """The last word on each alert or dispatch, in the order of their first."""
    newest: dict[str, dict[str, Any]] = {}
    async for batch in log.read(topic, 0):
        for entry in batch:
            event = orjson.loads(entry.value or b"{}")
            if event["type"] not in BESIDE:
                newest[event["subject"]] = event
    return list(newest.values())


def _table(title: str, events: list[dict[str, Any]], columns: Iterable[str], row: Any) -> Table:
    shown = events[-SHOWN:]
    left = f" (the last {len(shown)} of {len(events)})" if len(shown) < len(events) else f" ({len(events)})"
    table = Table(*columns, title=title + left, title_justify="left")
    for event in shown:
        table.add_row(*row(event))
    return table


def _alert_row(event: dict[str, Any]) -> tuple[str, ...]:
    data = event["data"]
    return (data["state"], data["severity"], data["rule"], _place(data), _time(data["opened_at"]), data["why"])


def _dispatch_row(event: dict[str, Any]) -> tuple[str, ...]:
    data = event["data"]
    return (event["type"].rsplit(".", 1)[1], data["to"], str(data["priority"]), data["rule"], _place(data),
            _time(event["time"]))


def _place(data: dict[str, Any]) -> str:
    place = data.get("place") or {}
    parts = [data.get("district") or place.get("district"), place.get("address")]
    return ", ".join(part for part in parts if part)


def _time(text: str) -> str:
    return text[:16].replace("T", " ")


if __name__ == "__main__":
    sys.exit(main())
