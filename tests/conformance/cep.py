"""Sequences and heartbeats as Flink CEP, EQL, Esper and Siddhi see them (`conformance/cep`).

Each case is told as a rule of ours, run through the detector with its state going through bytes
after every event, and compared row by row. What is translated, and nothing else:

- Edges. Where an engine's time is exclusive, ours is one millisecond shorter, and a row that
  concludes on time is compared with that deadline plus one.
- Flink `skip_past_last_event` is `select: first`, EQL `last` is `last`, `each` is `each`. Flink
  tells a start once for each number of repeats that fits; ours tells it once (Flink's own
  skip-to-next), so of each start the first match is compared, and of equal ones the longest.
- `once` is the match of the first event that fits the first step, under `each`. With a leading
  `not` Siddhi's wait begins at time 0: there the `not` is taken as met at 0, and the first match counts.
- A loop's own `until` (family `loop_until`) has no counterpart; it is left out.
- With several keys the rows of all are put together.
- A heartbeat tells a silence anew every interval; our episode is one, and is told at its interval.
"""

from __future__ import annotations

import json
import operator
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

from streams.judging.episodes import HoldOptions
from streams.kinds import Detector, absence, sequence
from streams.records import Member
from streams.specs import Expect, Step
from tests.conformance.cases import cases, first
from tests.conformance.counts import Counts
from tests.folds import through_bytes

Case = dict[str, Any]
Row = tuple[int, str]
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt, "==": operator.eq}
SELECT = {"each": "each", "skip_past_last_event": "first", "last": "last", "once": "each"}
UTC = ZoneInfo("UTC")

WAITS_ONCE = "Siddhi waits for a quiet time once; ours looks back from the event it is about"
USED_UP = "EQL lets an event of a match begin the next one; ours uses a match's events up"
LOOP_END = "a loop has no end of its own in ours; `until` ends everything under way"


def fits(path: Path) -> bool:
    """Whether a file holds cases of patterns."""
    return "pattern" in first(path)


def run(path: Path) -> Counts:
    """The pattern cases of a file, or of all files in a folder: passed, differs by design (named), failed."""
    counts = Counts()
    files = [file for file in sorted(path.glob("*.jsonl*")) if fits(file)] if path.is_dir() else [path]
    for case in (one for file in files for one in cases(file)):
        found, wanted = actual(case), expected(case)
        counts.add(f"{case['engine']} {case['family']}", case["id"], found == wanted, apart(case),
                   f"{case['native']}: found {found}, expected {wanted}")
    return counts


def apart(case: Case) -> str | None:
    """Why a case may differ by design: its events bring about what is said to be different."""
    steps = case["pattern"]["steps"]
    if case["engine"] == "eql":
        events = [event for row in case["expected"] for event in events_of(row["bind"])]
        return USED_UP if len(events) > len(set(events)) else None
    if case["engine"] == "siddhi" and steps[0]["negated"]:
        met = [event["t"] for event in case["events"] if matching(steps[0]["match"], event)]
        quiet = next((time for time in (0, *met) if not any(time < m < time + steps[0]["for_ms"] for m in met)), 0)
        return WAITS_ONCE if any(time >= quiet + steps[0]["for_ms"] for time in met) else None
    ends = [step["until"] for step in steps if step.get("until")]
    return LOOP_END if any(matching(end, event) for end in ends for event in case["events"]) else None


def expected(case: Case) -> list[Row]:
    """The engine's rows, as far as ours tells them."""
    rows = [(row["at_ms"], row["bind"]) for row in case["expected"]]
    if case["pattern"]["select"] != "each" or case["engine"] != "flink-cep":
        return plain(rows)
    first: dict[int, tuple[int, dict[str, list[int]]]] = {}
    for at, bind in sorted(rows, key=lambda row: (row[0], -len(events_of(row[1])))):
        first.setdefault(min(events_of(bind)), (at, bind))
    return plain(first.values())


def actual(case: Case) -> list[Row]:
    """Our rows."""
    pattern = case["pattern"]
    if pattern["kind"] == "absence":
        return plain((at, {}) for at in heartbeats(case))
    late = exclusive(case) if pattern["steps"][-1]["negated"] else 0
    rows = [(at + late, bind) for events in members(case).values() for at, bind in matches(case, events)]
    if pattern["select"] != "once":
        return plain(rows)
    if pattern["steps"][0]["negated"]:
        return plain(rows)[:1]
    begin = next((e["id"] for e in case["events"] if matching(pattern["steps"][0]["match"], e)), None)
    return plain((at, bind) for at, bind in rows if min(events_of(bind)) == begin)


def plain(rows: Iterable[tuple[int, dict[str, list[int]]]]) -> list[Row]:
    return sorted((at, json.dumps(bind, sort_keys=True)) for at, bind in rows)


def events_of(bind: dict[str, list[int]]) -> list[int]:
    return [event for events in bind.values() for event in events]


def exclusive(case: Case) -> int:
    """By how much a time of ours is shorter, in ms."""
    return 0 if case["pattern"]["within_inclusive"] else 1


def matching(match: dict[str, Any], event: dict[str, Any]) -> bool:
    return event["type"] == match["type"] and all(
        COMPARE[one["op"]](event[one["field"]], one["value"]) for one in match.get("where", ()))


def rule(case: Case) -> sequence.Sequence:
    """The case as a rule of ours."""
    pattern, less = case["pattern"], exclusive(case)
    steps = []
    for role, step in enumerate(pattern["steps"]):
        own = step.get("for_ms") or step.get("within_previous_ms")
        steps.append(Step(step["name"], role, step["negated"], step["min"], step["max"],
                          step["contiguity"] == "strict", step["optional"], own and own - less,
                          step.get("inner") == "strict"))
    whole = pattern["within_ms"]
    spec = {"steps": tuple(steps), "within": whole and whole - less, "until": pattern["until"] is not None,
            "select": SELECT[pattern["select"]]}
    found = sequence.compile_rule(spec, HoldOptions(), UTC)
    assert isinstance(found, sequence.Sequence)
    return found


def members(case: Case) -> dict[tuple[Any, ...], list[Member]]:
    """The events of each key, with the steps they fit; a step may have a key of its own."""
    pattern = case["pattern"]
    selectors = [(step["match"], step.get("by", pattern["by"])) for step in pattern["steps"]]
    if pattern["until"]:
        selectors.append((pattern["until"]["match"], pattern["by"]))
    keys: dict[tuple[Any, ...], list[Member]] = defaultdict(list)
    for event in case["events"]:
        roles: dict[tuple[Any, ...], int] = {}
        for bit, (match, by) in enumerate(selectors):
            key = tuple(event[field] for field in by)
            roles[key] = roles.get(key, 0) | matching(match, event) << bit
        for key, fits in roles.items():
            keys[key].append(Member(event["t"], case["engine"], 0, event["id"], str(event["id"]), fits))
    return keys


def matches(case: Case, events: list[Member]) -> list[tuple[int, dict[str, list[int]]]]:
    if case["pattern"]["steps"][0]["negated"]:
        events = [Member(0, "", 0, 0, "start", 1), *events]
    state = run_through(rule(case), events, case["final_watermark_ms"])
    return [(one.opened, {step: [int(event) for event in bound] for step, bound in one.bound.items()})
            for one in state.hold.episodes]


def heartbeats(case: Case) -> Iterator[int]:
    """The moments at which each silence is told, the engine's way."""
    step = case["pattern"]["steps"][0]
    every, end = step["for_ms"], case["final_watermark_ms"]
    spec = {"expect": Expect(register="all")}
    detector = cast("Detector", absence.compile_rule(spec, HoldOptions(), UTC, every=lambda key: every - 1))
    for events in members(case).values():
        state = run_through(detector, [one for one in events if one.roles], end)
        for one in state.hold.episodes:
            yield from range(one.opened + 1, min(end, end if one.closed is None else one.closed) + 1, every)


def run_through(detector: Detector, events: Iterable[Member], end: int) -> Any:
    """The state of a key after its events, through its bytes each time, and at the end of time."""
    state = detector.start((), 0)
    for event in events:
        detector.advance(state, event.time)
        detector.on_event(state, event)
        state = through_bytes(detector, state)
    detector.advance(state, end)
    return state
