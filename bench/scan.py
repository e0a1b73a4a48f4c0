"""What a condition costs that the index cannot serve: it is tried on every event of its types, and does not hold.

`python -m bench.scan`; one JSON line a condition: µs for one rule and one event. `tocsin check` tells them (TOC073).
"""

from __future__ import annotations

import json
import time
from typing import Any

from streams.ingest.route import Router
from streams.records import Event, Place
from streams.rulefile import check_files

BASE = b"""\
kind: event_type
id: a.b
fields: {text: string, number: int, level: double}
---
kind: source
id: feed
topic: t
format: json
event: {id: record.id, type: record.type, time: record.time}
"""
CONDITIONS = {
    "comparing": "number > 10{n:03}", "two comparisons": 'text != "x" && number > 1{n:03}',
    "calling": 'text.endsWith("x{n}")', "a pattern": 'text.matches("^x{n}$")', "a look-up": 'text == "y{n}"',
}
RULES, EVENTS = 401, 2000


def measure(name: str) -> dict[str, Any]:
    """The cost of one condition: that of many rules less that of one."""
    spent = (_spent(CONDITIONS[name], RULES) - _spent(CONDITIONS[name], 1)) / (RULES - 1)
    return {"condition": name, "cpu_us": round(spent * 1e6, 2)}


def _spent(where: str, number: int) -> float:
    """CPU seconds to route one event; the best of five runs."""
    rules = "---\n".join(f"kind: match\nid: m{n}\nevent: a.b\nby: text\nwhere: {where.format(n=n)}\n"
                         for n in range(number))
    bundle, problems = check_files({"base.yaml": BASE, "rules.yaml": rules.encode()})
    assert bundle is not None, problems
    router = Router(bundle)
    events = [_event(number) for number in range(EVENTS)]
    router.route(events[0])
    return min(_run(router, events) for _ in range(5)) / EVENTS


def _run(router: Router, events: list[Event]) -> float:
    began = time.process_time()
    for event in events:
        router.route(event)
    return time.process_time() - began


def _event(number: int) -> Event:
    fields = {"text": f"s{number % 50}", "number": number % 100, "level": number / 100}
    return Event(str(number), "feed", "a.b", number, number, Place(1.0, 2.0, "west"), None, fields, 0, number)


if __name__ == "__main__":
    for one in CONDITIONS:
        print(json.dumps(measure(one)))
