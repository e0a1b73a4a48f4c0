"""The engine's promises for rules with `near`: what is found does not depend on cells, order, cuts or partitions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import h3
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.detect import keys
from streams.detect.engine import META, Engine
from streams.findings import RETRACTED, Finding
from streams.frames import MemberRow, WorkFrame
from streams.ingest.placing import in_cells
from streams.ingest.route import partition_of
from streams.judging.episodes import HoldOptions
from streams.kinds import Detector, match, sequence, threshold
from streams.places import Grid, distance
from streams.records import Event, Member, Place, Position
from streams.rules import Bundle, Near
from streams.specs import Measure, Step, Test, Window
from tests.cities import END, Spot, bundle, frames, last_word, run
from tests.detect.test_engine import keep
from tests.oracle import near
from tests.oracle.threshold import UTC, Case

RADIUS = 100.0
CORNER = h3.cell_to_boundary(h3.latlng_to_cell(30.0, 120.0, 9))[0]  # three cells of the grid for this radius meet here
PLACES = [(CORNER[0] + north / 111_195, CORNER[1] + east / 96_300)
          for north, east in [(0, 40), (0, -40), (50, 0), (-60, 30), (90, 90), (-150, 0), (0, 130), (30, 220)]]
Row = tuple[str, int, int, str, tuple[str, ...]]


def test_the_places_lie_in_several_cells() -> None:
    assert len({Grid(RADIUS).cells(*place)[0] for place in PLACES}) == 3


def close(one: Member, other: Member) -> bool:
    a, b = one.position, other.position
    assert a is not None
    assert b is not None
    return distance(a.lat, a.lon, b.lat, b.lon) <= RADIUS


spots = st.lists(st.builds(
    Spot, time=st.integers(0, 40), key=st.sampled_from([str(number) for number in range(len(PLACES))]),
    roles=st.integers(1, 15), value=st.integers(0, 3), partition=st.integers(0, 1), delay=st.integers(0, 30)),
    max_size=14)
MEASURES = [Measure(), Measure("distinct", "x"), Measure("avg", "x"), Measure("max", "x")]
holds = st.builds(HoldOptions, wait=st.sampled_from([0, 0, 5]), keep=st.sampled_from([0, 7]))


@st.composite
def thresholds(draw: st.DrawFn) -> tuple[Detector, Any]:
    measure, options = draw(st.sampled_from(MEASURES)), draw(holds)
    test = Test(draw(st.sampled_from(["gte", "gt"])), draw(st.integers(1, 3)))
    window = Window("sliding", 12)
    spec = {"window": window, "measure": measure, "condition": test, "near": RADIUS}

    def told(members: list[Member]) -> list[tuple[Any, ...]]:
        case = Case(window, measure, test, tuple(members), None, 0, options.wait, options.keep)
        return [(one.opened, one.closed, one.evidence) for one in near.circles(case, close, END)]

    return threshold.compile_rule(spec, options, UTC), told


@st.composite
def matches(draw: st.DrawFn) -> tuple[Detector, Any]:
    keep_for = draw(st.sampled_from([3, 9]))

    def told(members: list[Member]) -> list[tuple[Any, ...]]:
        return [(one.opened, one.closed, list(one.evidence)) for one in near.runs(members, keep_for, close, END)]

    return match.compile_rule({"near": RADIUS}, HoldOptions(keep=keep_for), UTC), told


@st.composite
def sequences(draw: st.DrawFn) -> tuple[Detector, Any]:
    negated = draw(st.sampled_from([(), (), (1,), (2,)]))
    steps = tuple(Step("abc"[at], at, at in negated, 1, draw(st.sampled_from([1, 1, 2]))) for at in range(3))
    steps = tuple(msgspec.structs.replace(step, max_count=1) if step.negated else step for step in steps)
    around = draw(st.sampled_from([index for index in range(3) if index not in negated]))
    spec = {"steps": steps, "ordered": draw(st.booleans()), "within": 15, "limit": 10**6, "near": RADIUS,
            "select": draw(st.sampled_from(sequence.SELECTS)), "around": steps[around].name}
    how = (steps, spec["ordered"], 15, False, spec["select"], END)

    def told(members: list[Member]) -> list[tuple[Any, ...]]:
        found = near.matches(members, around, close, how)
        order = [one.id for one in members]
        return [(at, at, sorted((id for ids in bound.values() for id in ids), key=order.index)) for at, bound in found]

    return sequence.compile_rule(spec, HoldOptions(), UTC), told


detectors = thresholds() | matches() | sequences()


class Made(msgspec.Struct):
    """A bundle, what its rules mean, the log of each work partition, and the accepted members."""

    bundle: Bundle
    meanings: dict[str, Any]
    logs: list[list[WorkFrame]]
    members: list[Member]


def made_of(chosen: dict[str, tuple[Detector, Any]], numbers: tuple[int, int], plan: Sequence[Spot],
            cuts: Sequence[bool], turns: Sequence[int], partitions: int) -> Made:
    plain = bundle({name: detector for name, (detector, _) in chosen.items()}, *numbers)
    rules = {name: msgspec.structs.replace(rule, by=("cell",), near=Near(RADIUS, 2 * RADIUS)) for name, rule in
             plain.rules.items()}
    steps = iter(turns)
    log, accepted = frames(plain, plan, lambda n: cuts[n], choose=lambda ready: ready[next(steps) % len(ready)])
    logs = [[msgspec.structs.replace(frame, rows=[one for row in frame.rows for one in spread(row, part, partitions)])
             for frame in log] for part in range(partitions)]
    members = [msgspec.structs.replace(one, position=Position(PLACES[int(key)][0], PLACES[int(key)][1], True))
               for key, one in accepted]
    return Made(msgspec.structs.replace(plain, rules=rules), {name: told for name, (_, told) in chosen.items()}, logs,
                sorted(members, key=lambda one: one.order))


def spread(row: Any, part: int, partitions: int) -> list[Any]:
    """A row of a place as rows of the cells around it, for one work partition; clocks go to all."""
    if not isinstance(row, MemberRow):
        return [row]
    lat, lon = PLACES[int(row.key[0])]
    event = Event("", "", "", 0, 0, Place(lat, lon), None, {}, 0, 0)
    sent = in_cells(row.member, Grid(2 * RADIUS).cells(lat, lon), event, ())
    return [MemberRow(10 * row.row + number, row.rule, (cell,), member) for number, (cell, member) in enumerate(sent)
            if partition_of(row.rule, (cell,), partitions) == part]


@st.composite
def cities(draw: st.DrawFn, delay: bool = True) -> Made:
    chosen = {name: draw(detectors) for name in ("one", "two")}
    plan = draw(spots)
    if not delay:
        plan = [Spot(one.time, one.key, one.roles, one.value, 0, 0) for one in plan]
    return made_of(chosen, (draw(st.sampled_from([0, 4, 40])), draw(st.sampled_from([0, 10, 100]))), plan,
                   draw(st.lists(st.booleans(), min_size=14, max_size=14)),
                   draw(st.lists(st.integers(0, 1), min_size=60, max_size=60)), draw(st.sampled_from([1, 1, 3])))


def engines(made: Made) -> list[Engine]:
    return [Engine(made.bundle, part, len(made.logs)) for part in range(len(made.logs))]


def found(made: Made) -> list[Finding]:
    return [one for engine, log in zip(engines(made), made.logs, strict=True) for one in run(engine, log)]


def final(told: Sequence[Finding]) -> list[tuple[Any, ...]]:
    return sorted((one.rule, one.opened, one.closed, one.evidence) for one in last_word(told).values()
                  if one.change != RETRACTED)


@given(cities(), st.sampled_from([2, 64]))
def test_cells_orders_cuts_and_partitions_give_what_the_circles_mean(made: Made, settle: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "SETTLE_AT_LEAST", settle)
        told = found(made)
    meant = [(name, *one) for name, meaning in made.meanings.items() for one in meaning(made.members)]
    assert final(told) == sorted(meant)
    assert len({(one.id, one.sequence) for one in told}) == len(told)


@given(cities(), st.data(), st.sampled_from([2, 64]))
def test_a_restart_after_any_frame_changes_no_byte(made: Made, data: st.DataObject, settle: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "SETTLE_AT_LEAST", settle)
        for engine, log in zip(engines(made), made.logs, strict=True):
            whole = run(Engine(made.bundle, engine.partition, engine.partitions), log)
            at = data.draw(st.integers(0, len(log)))
            rows: dict[bytes, bytes] = {}
            told = run(engine, log[:at])
            keep(rows, engine)
            again = Engine(made.bundle, engine.partition, engine.partitions)
            again.restore(rows)
            assert told + run(again, log, at) == whole


@given(cities(delay=False))
def test_in_order_nothing_is_retracted(made: Made) -> None:
    assert [one for one in found(made) if one.change == RETRACTED] == []


@given(cities())
def test_rows_sent_twice_count_once(made: Made) -> None:
    once = found(made)
    made.logs = [[frame for frame in log for _ in range(2)] for log in made.logs]
    assert final(found(made)) == final(once)


@given(cities())
def test_state_ends_empty(made: Made) -> None:
    for engine, log in zip(engines(made), made.logs, strict=True):
        run(engine, log)
        assert engine.open_keys == 0
        engine.changed()
        assert all(value is None for key, value in engine.changed().items() if key != META)
