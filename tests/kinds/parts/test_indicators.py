"""Indicators against the oracle, and the engine's promises (design, section 6) for readings."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import HOUR, MINUTE
from streams.detect import keys
from streams.detect.engine import META, Engine
from streams.findings import Reading
from streams.frames import WorkFrame
from streams.judging.episodes import HoldOptions
from streams.kinds.parts.indicators import compile_rule, problems, vital_of
from streams.kinds.parts.readings import Indicator
from streams.rules import Bundle
from streams.specs import Learning, Measure, Rarity
from streams.vitals import Bands, Standing, Top, Vital, worst
from tests.cities import Spot, bundle, frames, spots
from tests.folds import fold, fold_often, member
from tests.oracle.indicator import Asked, readings

UTC = ZoneInfo("UTC")
MEASURES = {"count": Measure(), "sum": Measure("sum", "x"), "avg": Measure("avg", "x"),
            "p50": Measure("percentile", "x", 50)}


@st.composite
def asked(draw: st.DrawFn) -> Asked:
    """Any indicator whose window is a few periods."""
    every = draw(st.sampled_from([3, 7, 10]))
    memory = draw(st.sampled_from([0, 0, 20, 400]))
    enough = draw(st.sampled_from([1, 4]))
    if draw(st.sampled_from([False, False, True])):
        return Asked(every, every * draw(st.integers(1, 3)), top=draw(st.integers(1, 3)), memory=memory, enough=enough)
    measure = draw(st.sampled_from(sorted(MEASURES)))
    if memory and draw(st.booleans()):
        return Asked(every, every + draw(st.integers(0, 20)), measure, 0.4, 0.2, draw(st.sampled_from(["low", "high"])),
                     memory=memory, enough=enough, rare=True, hold=draw(st.sampled_from([1, 2])))
    low, high = sorted((draw(st.integers(1, 4)), draw(st.integers(1, 4))))
    good = draw(st.sampled_from(["low", "high"]))
    amber, red = (low, high) if good == "low" else (high, low)
    least = 0 if memory and measure == "count" else draw(st.sampled_from([0, 0, 2]))
    return Asked(every, every + draw(st.integers(0, 20)), measure, amber, red, good, draw(st.sampled_from([0, 0, 1])),
                 draw(st.sampled_from([1, 2, 3])), least, memory=memory, enough=enough)


def spec_of(one: Asked) -> dict[str, Any]:
    """The fields that say the same."""
    spec: dict[str, Any] = {"every": one.every, "window": one.window}
    if one.memory:
        spec["baseline"] = Learning("none", one.memory, one.enough)
    if one.top:
        return spec | {"top": Top(("x",), one.top)}
    side = "above" if one.good == "low" else "below"
    bands = Bands(Rarity(side, one.amber), Rarity(side, one.red)) if one.rare else Bands(one.amber, one.red)
    return spec | {"measure": MEASURES[one.measure], "good": one.good, "bands": bands, "recovery": one.margin,
                   "hold": one.hold, "min_events": one.min_events}


def detector(one: Asked) -> Indicator:
    made = compile_rule(spec_of(one), HoldOptions(), UTC)
    assert isinstance(made, Indicator)
    return made


def city(one: Asked, disorder: int = 0, lateness: int = 100) -> Bundle:
    """A bundle of this indicator and no rule."""
    made = bundle({"sign": detector(one)}, disorder, lateness, vital=vital_of(spec_of(one), {}))
    return msgspec.structs.replace(made, rules={}, indicators=made.rules)


def values(one: Asked) -> st.SearchStrategy[Any]:
    if one.top:
        return st.lists(st.sampled_from(["a", "b", None]), min_size=1, max_size=2).filter(lambda v: len(v) == 1) | (
            st.none())
    return st.none() | st.integers(0, 5)


@st.composite
def logs(draw: st.DrawFn, /, **plan: Any) -> tuple[Any, ...]:
    one = draw(asked())
    made = city(one, draw(st.sampled_from([0, 4, 40])), draw(st.sampled_from([0, 10, 100])))
    planned = draw(spots(values=values(one), **plan))
    cuts = draw(st.lists(st.booleans(), min_size=20, max_size=20))
    turns = iter(draw(st.lists(st.integers(0, 1), min_size=60, max_size=60)))
    log, accepted = frames(made, planned, lambda n: cuts[n], choose=lambda ready: ready[next(turns) % len(ready)])
    return one, made, log, accepted


def run(engine: Engine, log: list[WorkFrame], start: int = 0) -> list[Reading]:
    told: list[Reading] = []
    for offset, frame in enumerate(log[start:], start):
        assert engine.step(offset, frame) == []
        told += engine.readings
    return told


def final(told: list[Reading]) -> dict[tuple[str, int], tuple[Any, ...]]:
    """The last word on each reading."""
    last = {(str(one.key), one.at): one for one in told}
    return {name: (repr(one.value), one.count, one.status, one.since,
                   None if one.usual is None else list(msgspec.structs.astuple(one.usual)))
            for name, one in last.items() if not one.gone}


def expected(one: Asked, accepted: Any) -> dict[tuple[str, int], tuple[Any, ...]]:
    found = {}
    for key in sorted({key for key, _ in accepted}):
        for told in readings(one, sorted((m for k, m in accepted if k == key), key=lambda m: m.order)):
            found[str({"k": key}), told.at] = (repr(told.value), told.count, told.status, told.since, told.usual)
    return found


@given(asked(), st.data())
def test_readings_are_what_the_whole_history_says(one: Asked, data: st.DataObject) -> None:
    times = data.draw(st.lists(st.tuples(st.integers(0, 60), values(one)), max_size=12))
    members = [member(time, f"e{number}", value=value) for number, (time, value) in enumerate(times)]
    told = [(one.opened, repr(one.value), one.count, one.facts["status"], one.facts["since"], one.facts.get("usual"))
            for one in fold(detector(one), members)]
    assert told == [(one.at, repr(one.value), one.count, one.status, one.since, one.usual)
                    for one in readings(one, sorted(members, key=lambda m: m.order))]
    assert [episode.value for episode in fold_often(detector(one), members).hold.episodes] == [
        episode.value for episode in fold(detector(one), members)]


@given(logs())
def test_any_order_of_arrival_and_any_cut_gives_the_readings_of_the_order_in_time(made: Any) -> None:
    one, city_, log, accepted = made
    assert final(run(Engine(city_), log)) == expected(one, accepted)


@given(logs(), st.data())
def test_a_restart_after_any_frame_changes_no_byte(made: Any, data: st.DataObject) -> None:
    _, city_, log, _ = made
    whole = run(Engine(city_), log)
    at = data.draw(st.integers(0, len(log)))
    engine, rows = Engine(city_), dict[bytes, bytes]()
    told = run(engine, log[:at])
    rows.update({name: row for name, row in engine.changed().items() if row is not None})
    engine = Engine(city_)
    engine.restore(rows)
    assert told + run(engine, log, at) == whole


@given(logs(delay=0))
def test_in_order_every_reading_is_told_once(made: Any) -> None:
    _, city_, _, accepted = made
    plan = [Spot(m.time, key, 1, m.value, 0, 0) for key, m in sorted(accepted, key=lambda pair: pair[1].order)]
    log, _ = frames(city_, plan, lambda n: True, partitions=1)
    told = run(Engine(city_), log)
    assert {reading.sequence for reading in told} <= {1}


@given(logs())
def test_state_ends_empty(made: Any) -> None:
    _, city_, log, _ = made
    engine = Engine(city_)
    run(engine, log)
    assert engine.open_keys == 0
    engine.changed()
    assert all(row is None for name, row in engine.changed().items() if name != META)


@given(logs(), st.data())
def test_early_settling_of_many_readings_changes_nothing(made: Any, data: st.DataObject) -> None:
    one, city_, log, accepted = made
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "SETTLE_AT_LEAST", data.draw(st.integers(1, 4)))
        patch.setattr(keys, "SETTLE_WITHIN", 0)
        assert final(run(Engine(city_), log)) == expected(one, accepted)


def test_a_key_with_few_events_and_many_periods_keeps_few_readings() -> None:
    one = Asked(1, 5000, "count", 10, 20)
    made = city(one, 0, 50)
    plan = [Spot(time, "a", 1, None, 0, 0) for time in range(0, 4000, 40)]
    log, _ = frames(made, plan, lambda n: True, partitions=1)
    engine, most = Engine(made), 0
    for offset, frame in enumerate(log[:-1]):
        engine.step(offset, frame)
        most = max([most, *(len(key.head.hold.episodes) for live in engine._live.values()
                            for key in live.keys.values())])
    assert most <= 4 * 64 + 50


def test_a_status_gets_better_only_beyond_the_margin_and_turns_only_after_hold() -> None:
    vital = Vital(1, 1, Bands(10, 20), margin=2, hold=2)
    standing, seen = Standing(), []
    for at, value in enumerate([5, 12, 5, 12, 13, 25, 26, 19, 19, 17, 17, 9, 9, 7, None, 7]):
        standing = standing.after(vital, at, value)
        seen.append(standing.status)
    assert seen == ["green", "green", "green", "green", "amber", "amber", "red", "red", "red", "red", "amber",
                    "amber", "amber", "amber", "unknown", "green"]


def test_a_roll_up_is_the_worst_of_what_counts() -> None:
    full, half, little = (Vital(1, 1, Bands(1, 2), weight=weight) for weight in (1, 0.5, 0.2))
    assert [one.score("red") for one in (full, half, little)] == [2, 1, 0]
    assert [one.score("amber") for one in (full, half, little)] == [1, 1, 0]
    assert full.score("unknown") == -1
    assert worst({2: 0, 1: 3, -1: 2}) == "amber"
    assert worst({-1: 4}) == worst({}) == "unknown"


def test_what_cannot_be_is_told() -> None:
    right = {"every": 15 * MINUTE, "window": HOUR, "bands": Bands(15, 30)}
    assert problems(right) == []
    assert [one[0] for one in problems(right | {"window": MINUTE})] == ["every"]
    assert [one[0] for one in problems(right | {"good": "high"})] == ["bands"]
    assert [one[0] for one in problems({"every": HOUR, "top": Top(("x",), 3), "bands": Bands(1, 2)})] == ["bands"]
