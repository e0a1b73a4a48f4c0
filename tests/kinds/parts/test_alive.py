"""Which of a register were heard of in time: against the whole history, and through any order, cut and restart."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from streams.detect.engine import Engine
from streams.kinds.parts.readings import Alive
from streams.rules import Bundle
from streams.vitals import Bands, Vital
from tests.cities import Spot, bundle, frames, spots
from tests.folds import fold, member
from tests.kinds.parts.test_indicators import final, run

EVERY, ROWS = 10, {("a",): {"x": 5, "y": 12, "z": 30}, ("b",): {"x": 8}}
VITAL = Vital(EVERY, EVERY, Bands(0.9, 0.5), "high")
TIMES = st.lists(st.tuples(st.integers(0, 90), st.sampled_from(["x", "y", "z", "stranger"])), max_size=12)


def detector() -> Alive:
    return Alive(VITAL, ROWS, ZoneInfo("UTC"))


def city(disorder: int) -> Bundle:
    made = bundle({"sign": detector()}, disorder, 100, vital=VITAL)
    return msgspec.structs.replace(made, rules={}, indicators=made.rules)


def said(heard: list[tuple[int, str]], rows: dict[str, int]) -> list[tuple[int, Any, int]]:
    """(end, share, number) of each reading; heard of are only things of the register."""
    own = sorted((time, name) for time, name in heard if name in rows)
    told, begun = list[tuple[int, Any, int]](), None
    for end in range(EVERY, 200, EVERY):
        past = [(time, name) for time, name in own if time < end]
        if begun is None:
            new = [time for time, _ in past if time >= end - EVERY]
            begun = min(new, default=None)
        if begun is None:
            continue
        alive = {name for time, name in past if end - time <= rows[name]}
        known = end - begun >= max(rows.values())
        told.append((end, len(alive) / len(rows) if known else None, len(alive)))
        begun = begun if alive else None
    return told


@given(TIMES)
def test_the_share_is_what_the_whole_history_says(heard: list[tuple[int, str]]) -> None:
    members = [member(time, f"e{number}", value=name) for number, (time, name) in enumerate(heard)]
    told = [(one.opened, one.value, one.count) for one in fold(detector(), members, key=("a",))]
    assert told == said(heard, ROWS["a",])


@given(spots(values=st.sampled_from(["x", "y", "stranger"])), st.sampled_from([0, 10]),
       st.lists(st.booleans(), min_size=20, max_size=20), st.integers(0, 20))
def test_order_cuts_and_a_restart_change_nothing(plan: list[Spot], disorder: int, cuts: list[bool], at: int) -> None:
    made = city(disorder)
    log, accepted = frames(made, plan, lambda n: cuts[n])
    engine = Engine(made)
    told = run(engine, log[:at])
    rows = {name: row for name, row in engine.changed().items() if row is not None}
    engine = Engine(made)
    engine.restore(rows)
    told += run(engine, log, min(at, len(log)))
    wanted = {(str({"k": key}), end): (repr(value), count) for key in "ab" for end, value, count in said(
        [(m.time, m.value) for k, m in accepted if k == key], ROWS[key,])}
    assert {name: found[:2] for name, found in final(told).items()} == wanted
    assert engine.open_keys == 0
