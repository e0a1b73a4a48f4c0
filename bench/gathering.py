"""What it costs to gather the events of a hotspot rule: `python -m bench.gathering` prints rows for bench/README.md.

Events with random cells are folded by one engine, once with all events of the rule in one key, and once counted by
cell and bin first. Of each: CPU time an event, that of keeping the state, the largest row of the state, and how often
the limit of events of a key made it give up corrections.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field

import h3
import msgspec

from streams.clocks import SECOND
from streams.detect.engine import Engine
from streams.frames import CLOCK_ROW, ClockRow, MemberRow, WorkFrame, WorkRow
from streams.ingest.route import Router
from streams.records import Event, Place
from streams.rulefile import check_files
from streams.rules import Bundle

RULES = b"""\
kind: event_type
id: call
fields: {}
---
kind: source
id: s
topic: t
format: json
lateness: 1h
event: {id: record.id, type: record.type, time: record.time, place: {lat: record.lat, lon: record.lon}}
---
kind: hotspot
id: h
event: call
cell: 9
radius_max: 1km
window: 3h
bin: 15m
baseline: {season: none, memory: 8w, min_samples: 2000}
condition: {above: {p: 0.0001}}
owner: o
"""
BATCH, KEEP_EVERY = 500, 4


@dataclass
class Spent:
    """Seconds of folding and of keeping state, and the largest row that was kept."""

    folding: float = 0.0
    keeping: float = 0.0
    largest: int = 0
    rows: list[WorkRow] = field(default_factory=list)


def rules(counting: bool) -> Bundle:
    """The rule, whose events are counted by cells first or not."""
    bundle, problems = check_files({"rules.yaml": RULES})
    assert bundle is not None, problems
    if counting:
        return bundle
    plain = {name: msgspec.structs.replace(rule, counting=None) for name, rule in bundle.rules.items()}
    return msgspec.structs.replace(bundle, rules=plain)


def gather(cells: int, a_second: int, hours: int, counting: bool) -> str:
    """Fold so many events of so many cells."""
    bundle, chance = rules(counting), random.Random(1)
    middle = h3.latlng_to_cell(40.1, -75.3, 9)
    disc = sorted(h3.grid_disk(middle, 30), key=lambda one: (h3.grid_distance(middle, one), one))[:cells]
    places = [Place(*h3.cell_to_latlng(cell)) for cell in disc]
    router, engine, spent = Router(bundle), Engine(bundle), Spent()
    whole, step = a_second * 3600 * hours, SECOND // a_second
    for begin in range(0, whole, BATCH):
        spent.rows = []
        for number in range(begin, begin + BATCH):
            event = Event(str(number), "s", "call", number * step, number * step, chance.choice(places), None, {}, 0,
                          number)
            spent.rows += [MemberRow(row, *wanted) for row, wanted in enumerate(router.route(event))]
        clock = (begin + BATCH) * step - 30 * SECOND
        spent.rows.append(ClockRow("s", 0, 1, begin + BATCH - 1, CLOCK_ROW, clock, clock, 0))
        _fold(engine, spent, keep=begin // BATCH % KEEP_EVERY == 0)
    how = "by cell and bin first" if counting else "one key"
    early = engine.counts["settled_early"]
    return (f"| {cells} | {a_second} | {how} | {spent.folding / whole * 1e6:.0f} | {spent.keeping / whole * 1e6:.0f} "
            f"| {spent.largest / 1e3:,.0f} | {early} |")


def _fold(engine: Engine, spent: Spent, keep: bool) -> None:
    began = time.process_time()
    engine.step_through(WorkFrame(1, "b", spent.rows))
    folded = time.process_time()
    spent.folding += folded - began
    if keep:
        kept = [value for name, value in engine.changed().items() if value is not None]
        spent.keeping += time.process_time() - folded
        spent.largest = max([spent.largest, *map(len, kept)])


def main() -> None:
    """Print the table."""
    for cells, a_second, hours in ((400, 10, 3), (2000, 50, 2)):
        print(*[gather(cells, a_second, hours, counting) for counting in (False, True)], sep="\n", flush=True)


if __name__ == "__main__":
    main()
