"""Sliding, tumbling and hopping windows as Esper sees them (`conformance/cep/esper_windows.jsonl`).

Each case is told as threshold rules of ours, one detector a key, its state going through bytes after
every event, and compared row by row: what the window measures after each event, whenever events
leave, and at each end. What is translated, and nothing else:

- A hopping window of Esper's is `(end - size, end)`, ours `[end - size, end)`: ours is taken a
  microsecond shorter.
- Of no events Esper's sum is null, ours is 0.
- A case without a condition is judged by one that is never final (`neq`), so that its windows are
  judged at their ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from streams.clocks import UNITS
from streams.judging.episodes import HoldOptions
from streams.kinds.threshold import Threshold, compile_rule
from streams.records import Member
from streams.specs import Measure, Test, Window
from tests.conformance.cases import cases, first
from tests.conformance.counts import Counts
from tests.folds import through_bytes

HOME = "cep/esper_windows.jsonl"
DIFFERS: dict[str, str] = {}  # id -> why it differs by design
MS = UNITS["ms"]
Case = dict[str, Any]
Row = tuple[Any, ...]


def fits(path: Path) -> bool:
    """Whether a file holds cases of windows."""
    return "window" in first(path)


def run(path: Path) -> Counts:
    """Every case of a file: passed, differs by design (named), failed."""
    counts = Counts()
    for case in cases(path):
        found, wanted = actual(case), expected(case)
        counts.add(f"{case['engine']} {case['family']}", case["id"], found == wanted, DIFFERS.get(case["id"]),
                   f"{case['native']}: found {found}, expected {wanted}")
    return counts


def expected(case: Case) -> list[Row]:
    """Esper's rows: (after, id), (at, ms) or (window, begin, end), each with key and value."""
    if case["window"]["type"] == "sliding":
        rows: list[Row] = [("after", row["after_id"], row["key"], row["value"]) for row in case["expected"]]
        nothing = 0 if "sum" in case["measure"] else None
        rows += [("at", row["at_ms"], row["key"], nothing if row["value"] is None else row["value"])
                 for row in case["expected_on_time"]]
    else:
        rows = [("window", row["window_start_ms"], row["window_end_ms"], row["key"], row["value"])
                for row in case["expected"]]
    return sorted(rows, key=repr)


def actual(case: Case) -> list[Row]:
    """Ours."""
    keys: dict[Any, list[Member]] = defaultdict(list)
    for event in case["events"]:
        keys[event[case["by"][0]] if case["by"] else None].append(member(case, event))
    told = sliding if case["window"]["type"] == "sliding" else aligned
    return sorted((row for key, members in keys.items() for row in told(case, key, members)), key=repr)


def member(case: Case, event: dict[str, Any]) -> Member:
    ((name, field),) = case["measure"].items()
    value = None if name == "count" else event[field]
    return Member(event["t"] * MS, "esper", 0, event["id"], str(event["id"]), 1, value)


def rule(case: Case) -> Threshold:
    """The case as a rule of ours."""
    window, ((name, field),) = case["window"], case["measure"].items()
    size, hop = window["size_ms"] * MS, window.get("hop_ms")
    hopping = window["type"] == "hopping"
    ((op, value),) = case.get("condition", {"neq": -1}).items()
    spec = {"window": Window(window["type"], size - hopping, hop and hop * MS),
            "measure": Measure(name, "" if name == "count" else field), "condition": Test(op, value)}
    found = compile_rule(spec, HoldOptions(), ZoneInfo("UTC"))
    assert isinstance(found, Threshold)
    return found


def sliding(case: Case, key: Any, members: list[Member]) -> Iterator[Row]:
    """What is measured after each event and after events left, where the condition holds if there is one."""
    detector, always = rule(case), "condition" not in case
    state = detector.start((key,), 0)
    leaves = sorted({one.time + case["window"]["size_ms"] * MS for one in members})
    for one in (*members, None):
        while leaves and leaves[0] <= (one.time if one else case["final_watermark_ms"] * MS):
            now = leaves.pop(0)
            detector.advance(state, now)
            if always or state.hold.open:
                yield ("at", now // MS, key, detector.value(state, now))
        if one:
            detector.on_event(state, one)
            state = through_bytes(detector, state)
            if always or state.hold.open:
                yield ("after", one.offset, key, detector.value(state, one.time))


def aligned(case: Case, key: Any, members: list[Member]) -> Iterator[Row]:
    """What each window that holds an event measures when it ends."""
    detector = rule(case)
    state = detector.start((key,), 0)
    for one in (*members, None):
        until = one.time if one else case["final_watermark_ms"] * MS
        while (due := detector.due(state)) is not None and due <= until:
            if state.members:
                end = due // MS
                yield ("window", end - case["window"]["size_ms"], end, key, detector.value(state, due))
            detector.advance(state, due)
        if one:
            detector.on_event(state, one)
            state = through_bytes(detector, state)
