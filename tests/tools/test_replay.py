"""Files as a feed: what is believed of when their records came, and what lies in the future."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import DAY, HOUR, MINUTE, parse_rfc3339, rfc3339
from streams.rulefile import load
from streams.rules import Bundle
from streams.tools.arrivals import NEIGHBOURS, arrivals
from streams.tools.backtest import Backtest, final_line
from streams.tools.replay import batches

START = parse_rfc3339("2026-03-02T08:00:00Z")
FAR = parse_rfc3339("2099-01-01T00:00:00Z")
NOW = START + 30 * DAY
RULES = """
kind: city
name: test
zone: UTC
---
kind: event_type
id: sensor.gas
fields: {device: {type: string, required: true}}
---
kind: source
id: sensors
topic: city.sensors
format: json
disorder: 1m
lateness: 1h
idle: 10m
event: {id: record.id, type: "'sensor.gas'", time: record.time, received: record.came, fields: {device: record.device}}
---
kind: source
id: plain
topic: city.plain
format: json
disorder: 1m
lateness: 1h
event: {id: record.id, type: "'sensor.gas'", time: record.time, fields: {device: record.device}}
---
kind: threshold
id: gas
event: sensor.gas
by: device
window: 10m
condition: {gte: 2}
owner: gas
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("rules")
    (folder / "rules.yaml").write_text(RULES)
    return load(folder)


def reading(number: int, minute: float, came: int | None = None, time: int | None = None) -> dict[str, Any]:
    """One at `minute` after the start, received half a minute later; `came` and `time` are instants, where wrong."""
    at = START + round(minute * MINUTE)
    return {"id": f"r{number}", "device": "d", "time": rfc3339(at if time is None else time),
            "came": rfc3339(at + MINUTE // 2 if came is None else came)}


def backtest(bundle: Bundle, folder: Path, feeds: dict[str, Sequence[dict[str, Any]]], now: int | None = NOW,
             order: str = "arrival") -> tuple[list[dict[str, Any]], dict[str, Any]]:
    inputs = []
    for name, rows in feeds.items():
        inputs.append((name, folder / f"{name}.jsonl"))
        inputs[-1][1].write_bytes(b"\n".join(map(orjson.dumps, rows)))
    one = Backtest(bundle.fed_by(feeds), inputs, order, now=now)
    return [final_line(finding) for finding in one.final()], one.summary()


def fates(summary: dict[str, Any]) -> tuple[int, int, dict[str, int]]:
    """Events, late ones, dead letters by reason."""
    return summary["event"], summary["late"], summary["dead_reasons"]


def readings() -> list[dict[str, Any]]:
    """Pairs of readings, ten minutes apart."""
    return [reading(number, 12 * (number // 2) + number % 2) for number in range(20)]


@pytest.mark.parametrize("order", ["arrival", "time"])
@pytest.mark.parametrize("at", [0, 1, 9, 10, 19])
def test_one_wrong_time_of_receipt_is_not_believed(bundle: Bundle, tmp_path: Path, at: int, order: str) -> None:
    wanted, summary = backtest(bundle, tmp_path, {"sensors": readings()}, order=order)
    assert len(wanted) == 10
    assert fates(summary) == (20, 0, {})
    rows = readings()
    rows[at]["came"] = rfc3339(FAR)
    found, summary = backtest(bundle, tmp_path, {"sensors": rows}, order=order)
    assert fates(summary) == (20, 0, {})
    assert [{**one, "finding": ""} for one in found] == [{**one, "finding": ""} for one in wanted]


@pytest.mark.parametrize("order", ["arrival", "time"])
@pytest.mark.parametrize("at", [0, 1, 10, 20])
def test_a_record_from_the_future_is_a_dead_letter(bundle: Bundle, tmp_path: Path, at: int, order: str) -> None:
    wanted, _ = backtest(bundle, tmp_path, {"sensors": readings()}, order=order)
    rows = readings()
    rows.insert(at, reading(99, 0, FAR, FAR))
    found, summary = backtest(bundle, tmp_path, {"sensors": rows}, order=order)
    assert fates(summary) == (20, 0, {"time_in_future": 1})
    assert [one["evidence"] for one in found] == [one["evidence"] for one in wanted]


def test_two_wrong_ones_do_not_bear_each_other_out(bundle: Bundle, tmp_path: Path) -> None:
    rows = readings()
    rows[5]["came"], rows[6]["came"] = rfc3339(FAR), rfc3339(FAR + MINUTE)
    assert fates(backtest(bundle, tmp_path, {"sensors": rows})[1]) == (20, 0, {})


def test_a_feed_that_was_silent_for_a_week_is_believed(bundle: Bundle, tmp_path: Path) -> None:
    later = [reading(100 + number, 7 * 24 * 60 + number) for number in range(3)]
    for rows in ([*readings(), *later], [*readings(), later[0]], later[:1]):
        assert fates(backtest(bundle, tmp_path, {"sensors": rows})[1]) == (len(rows), 0, {})


def test_a_feed_in_no_order_is_taken_as_it_is(bundle: Bundle, tmp_path: Path) -> None:
    assert fates(backtest(bundle, tmp_path, {"sensors": readings()[10:0:-1]})[1]) == (10, 0, {})


@pytest.mark.parametrize("feed", ["plain", "sensors"])
def test_without_times_of_receipt_the_present_is_the_limit(bundle: Bundle, tmp_path: Path, feed: str) -> None:
    rows = [{**row, "came": None} for row in readings()]
    rows.insert(3, {**reading(98, 0, time=NOW + 5 * MINUTE + 1), "came": None})
    rows.append({**reading(99, 0, time=NOW + 5 * MINUTE), "came": None})
    assert fates(backtest(bundle, tmp_path, {feed: rows})[1]) == (21, 0, {"time_in_future": 1})


@pytest.mark.parametrize("wrong", [{"came": rfc3339(FAR)}, {"time": rfc3339(FAR), "came": None}])
def test_a_wrong_time_does_not_hold_back_the_rest_of_its_file(
        bundle: Bundle, tmp_path: Path, wrong: dict[str, Any]) -> None:
    """Several feeds are joined by their times of receipt."""
    rows, others = readings(), [reading(200 + number, 6 * number) for number in range(20)]
    inputs = [("sensors", rows), ("plain", others)]
    seen = []
    for first in (rows[2], {**rows[2], **wrong}):
        rows[2] = first
        paths = [(name, tmp_path / f"{name}.jsonl") for name, _ in inputs]
        for (_, path), (_, lines) in zip(paths, inputs, strict=True):
            path.write_bytes(b"\n".join(map(orjson.dumps, lines)))
        seen.append([orjson.loads(record.value)["id"] for _, batch in batches(bundle, paths, "arrival", NOW)
                     for record in batch])
    assert [id for id in seen[0] if id != "r2"] == [id for id in seen[1] if id != "r2"]


STEPS = st.lists(st.integers(0, 8 * HOUR), min_size=1, max_size=40)


@given(STEPS, st.data())
def test_a_lone_jump_is_told_from_a_feed_that_goes_on(steps: list[int], data: st.DataObject) -> None:
    told: list[int | None] = [START + sum(steps[:number + 1]) for number in range(len(steps))]
    assert list(arrivals(told, HOUR, None)) == [None] * len(told)
    wrong = data.draw(st.sets(st.integers(0, len(told) - 2), max_size=2)) if len(told) > NEIGHBOURS else set()
    for at in wrong:
        told[at] = FAR + at
    for at, stamp in enumerate(arrivals(told, HOUR, None)):
        if at in wrong:
            before = [time for time in told[:at] if time is not None and time < FAR]
            after = [time for time in told[at + 1:] if time is not None and time < FAR]
            assert stamp is not None
            assert max(before, default=START) <= stamp <= after[min(1, len(after) - 1)]
        else:
            assert stamp is None
