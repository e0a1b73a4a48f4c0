"""The engine's promises (design, section 6), for every kind: order, cuts, restarts, emptiness."""

from __future__ import annotations

import random
from typing import Any
from zoneinfo import ZoneInfo

import h3
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import BEFORE_ALL, DAY
from streams.detect import keys
from streams.detect.engine import META, Engine
from streams.findings import RETRACTED
from streams.frames import VERSION, ClockRow, WorkFrame
from streams.judging.episodes import HoldOptions
from streams.kinds import Detector, sequence, threshold
from streams.kinds.absence import Absence
from streams.kinds.hotspot import Hotspot, HotspotState
from streams.kinds.match import Match
from streams.records import Member
from streams.rules import Bundle
from streams.specs import Learning, Measure, Rarity, Step, Test, Trend, Window
from tests.cities import END, Spot, bundle, final, frames, run, spots
from tests.folds import fold

UTC = ZoneInfo("UTC")
MEASURES = [Measure(), Measure("distinct", "x"), Measure("sum", "x"), Measure("avg", "x"), Measure("max", "x"),
            Measure("percentile", "x", 50)]
holds = st.builds(HoldOptions, wait=st.sampled_from([0, 0, 5]), keep=st.sampled_from([0, 7]))
matches = st.builds(lambda options: Match(HoldOptions(keep=options.keep)), holds)
absences = st.builds(
    lambda options, every, grace, register: Absence(options, lambda key: every, grace, 25, register),
    holds, st.sampled_from([5, 12]), st.sampled_from([0, 3]), st.booleans())
forgetful = absences.filter(lambda detector: not detector.register)
REGISTER = (("a",), ("never",))
windows = st.sampled_from([
    Window("sliding", 10), Window("tumbling", 10), Window("hopping", 10, 4), Window("session", gap=5, max=15)])


@st.composite
def thresholds(draw: st.DrawFn) -> Detector:
    """Any threshold that ends: a bound that nothing measured of no events satisfies."""
    measure = draw(st.sampled_from(MEASURES))
    rising = measure.name in ("count", "distinct", "sum")
    test = draw(st.builds(Test, st.sampled_from(["gt", "gte"] if rising else ["gte", "lt", "neq"]), st.integers(1, 3)))
    recovery = draw(st.sampled_from([None, None, Test("lte", 0)])) if rising else None
    spec = {"window": draw(windows), "measure": measure, "condition": test, "recovery": recovery,
            "min_events": draw(st.sampled_from([0, 0, 2]))}
    return threshold.compile_rule(spec, draw(holds), UTC)


@st.composite
def sequences(draw: st.DrawFn) -> Detector:
    """Any sequence of three steps that is bounded in time."""
    negated = draw(st.sampled_from([(), (0,), (1,), (2,)]))
    steps = tuple(
        Step("abc"[index], index, index in negated, draw(st.sampled_from([1, 1, 2])),
             draw(st.sampled_from([2, 2, None])), strict=draw(st.booleans()),
             optional=index == 1 and index not in negated and draw(st.booleans()))
        for index in range(3))
    spec = {"steps": steps, "ordered": negated != () or draw(st.booleans()), "within": draw(st.sampled_from([6, 15])),
            "until": draw(st.booleans()), "select": draw(st.sampled_from(sequence.SELECTS)), "limit": 10**6}
    if not spec["ordered"]:
        spec["steps"] = tuple(msgspec.structs.replace(step, strict=False) for step in steps)
    return sequence.compile_rule(spec, draw(holds), UTC)


exceedances = st.builds(
    lambda options, measure, side, p, memory, least: threshold.compile_rule(
        {"window": Window("tumbling", 10), "measure": measure, "condition": Rarity(side, p),
         "baseline": Learning("none", memory, 2), "min_events": least if side == "above" else 0}, options, UTC),
    holds, st.sampled_from([Measure(), Measure("distinct", "x"), Measure("avg", "x")]),
    st.sampled_from(["above", "below"]), st.sampled_from([0.05, 0.2]), st.sampled_from([50, 200]),
    st.sampled_from([0, 0, 2]))
shifts = st.builds(
    lambda options, measure, side, by, p, memory: threshold.compile_rule(
        {"window": Window("tumbling", 5), "measure": measure, "baseline": Learning("none", memory, 2),
         "condition": Trend(side, p, by=by, share=True, over=10)}, options, UTC),
    holds, st.sampled_from([Measure(), Measure("avg", "x")]), st.sampled_from(["rise", "fall"]),
    st.sampled_from([0.5, 0.9]), st.sampled_from([0.2, 0.3]), st.sampled_from([50, 200]))


class InCells(Hotspot):
    """A hotspot rule for members whose values are numbers of cells."""

    def on_event(self, state: HotspotState, member: Member) -> None:
        super().on_event(state, msgspec.structs.replace(member, value=CELLS[member.value]))


CELLS = sorted(h3.grid_disk(h3.latlng_to_cell(40.1, -75.3, 9), 1))[:5]
hotspots = st.builds(
    lambda options, bins, chance, least: InCells(
        {"cell": 9, "radius_max": 600.0, "window": 5 * bins, "bin": 5, "min_events": least,
         "baseline": Learning("none", 40), "condition": Rarity("above", p=chance)}, options, UTC, "rule"),
    holds, st.sampled_from([2, 3]), st.sampled_from([0.2, 0.45]), st.sampled_from([1, 2]))

detectors: st.SearchStrategy[Detector] = (
    matches | absences | thresholds() | sequences() | exceedances | shifts | hotspots)


@st.composite
def logs(draw: st.DrawFn, /, **plan: Any) -> tuple[Any, ...]:
    """A bundle, a plan, and a log of frames made of it with any cut and any interleaving."""
    made = with_register(bundle({"one": draw(detectors), "two": draw(detectors)},
                                draw(st.sampled_from([0, 4, 40])), draw(st.sampled_from([0, 10, 100]))))
    spots_ = draw(spots(roles=4, values=st.integers(0, 4), **plan))
    cuts = draw(st.lists(st.booleans(), min_size=20, max_size=20))
    turns = draw(st.lists(st.integers(0, 1), min_size=60, max_size=60))
    steps = iter(turns)
    log, accepted = frames(made, spots_, lambda n: cuts[n], choose=lambda ready: ready[next(steps) % len(ready)])
    return made, spots_, log, accepted


def with_register(made: Bundle) -> Bundle:
    """The bundle, its rules that expect a register expecting `REGISTER`."""
    rules = {name: msgspec.structs.replace(rule, expected=REGISTER if getattr(rule.detector, "register", False) else ())
             for name, rule in made.rules.items()}
    return msgspec.structs.replace(made, rules=rules)


def expected(made: Any, accepted: Any) -> list[tuple[Any, ...]]:
    """What the detectors say over each key's accepted events, in order, with nothing else to think of.

    What a register expects is watched from the first event of all.
    """
    rows = []
    first = min((member.time for _, member in accepted), default=END)
    for rule in made.rules.values():
        for key in sorted({key for key, _ in accepted} | {key for (key,) in rule.expected}):
            members = [member for k, member in accepted if k == key]
            since = first if (key,) in rule.expected else BEFORE_ALL
            rows += [
                (rule.id, str({"k": key}), one.opened, -1 if one.closed is None else one.closed, repr(one.value),
                 tuple(one.evidence))
                for one in fold(rule.detector, members, END, (key,), since, restart=False)]
    return sorted(rows)


@given(logs())
def test_any_order_of_arrival_cut_and_interleaving_gives_the_episodes_of_the_order_in_time(made_log: Any) -> None:
    made, _, log, accepted = made_log
    assert final(run(Engine(made), log)) == expected(made, accepted)


@given(logs(), st.data())
def test_a_restart_after_any_frame_changes_no_byte(made_log: Any, data: st.DataObject) -> None:
    made, _, log, _ = made_log
    whole = run(Engine(made), log)
    at = data.draw(st.integers(0, len(log)))
    engine = Engine(made)
    rows: dict[bytes, bytes] = {}
    found = run(engine, log[:at])
    keep(rows, engine)
    engine = Engine(made)
    engine.restore(rows)
    found += run(engine, log, at)
    assert found == whole


@given(logs(), st.data())
def test_a_snapshot_cut_short_and_frames_sent_again_lose_and_change_nothing(made_log: Any, data: st.DataObject) -> None:
    made, _, log, _ = made_log
    whole = run(Engine(made), log)
    early = data.draw(st.integers(0, len(log)))
    late = data.draw(st.integers(early, len(log)))
    engine = Engine(made)
    rows: dict[bytes, bytes] = {}
    sent = run(engine, log[:early])
    keep(rows, engine)
    for offset in range(early, late):
        sent += engine.step(offset, log[offset])
    changed = [(key, value) for key, value in engine.changed().items() if key != META]
    for key, value in changed[: data.draw(st.integers(0, len(changed)))]:
        put(rows, key, value)
    engine = Engine(made)
    engine.restore(rows)
    again = run(engine, log, max(early, 0) if META in rows else 0)
    told = {(finding.id, finding.sequence): finding for finding in whole}
    assert [f for f in again if told.get((f.id, f.sequence)) != f] == []
    first = [one for one in sent if (one.id, one.sequence) in told]
    assert {(one.id, one.sequence) for one in [*first, *again]} == set(told)  # what was sent before, and now: all of it


@given(logs(delay=0))
def test_in_order_nothing_is_retracted(made_log: Any) -> None:
    made, plan, *_ = made_log
    one = with_register(bundle({name: rule.detector for name, rule in made.rules.items()},
                               made.sources["s"].disorder, 100))
    log, _ = frames(one, plan, lambda n: True, partitions=1)
    assert [finding for finding in run(Engine(one), log) if finding.change == RETRACTED] == []


@given(logs())
def test_rows_sent_twice_count_once(made_log: Any) -> None:
    made, _, log, _ = made_log
    twice = [frame for frame in log for _ in range(2)]
    assert final(run(Engine(made), twice)) == final(run(Engine(made), log))


@given(logs())
def test_state_ends_empty(made_log: Any) -> None:
    made, _, log, _ = made_log
    engine = Engine(made)
    run(engine, log)
    left = [key for live in engine._live.values() for key in live.keys.values()]
    assert all(getattr(key.detector, "register", False) and not key.events for key in left)  # watched for ever
    engine.changed()
    rows = engine.changed()
    assert all(value is None for key, value in rows.items() if key != META)


@given(logs(), st.integers(1, 5))
def test_a_shift_by_whole_days_shifts(made_log: Any, days: int) -> None:
    made, plan, _, _ = made_log
    shift = days * DAY
    moved = [Spot(s.time + shift, s.key, s.roles, s.value, s.partition, s.delay) for s in plan]
    here, _ = frames(made, plan, lambda n: True)
    there, _ = frames(made, moved, lambda n: True)
    first = final(run(Engine(made), here))
    moved_too = [(r, k, o + shift, c if c == -1 else c + shift, v, e) for r, k, o, c, v, e in first]
    assert moved_too == final(run(Engine(made), there))


@given(logs())
def test_another_rule_and_another_key_change_nothing(made_log: Any) -> None:
    made, plan, _, _ = made_log
    log, _ = frames(made, plan, lambda n: True)
    alone = msgspec.structs.replace(made, rules={"one": made.rules["one"]})
    log_alone, _ = frames(alone, plan, lambda n: True)
    ours = [row for row in final(run(Engine(made), log)) if row[0] == "one"]
    assert ours == final(run(Engine(alone), log_alone))


def test_what_was_open_under_a_rule_that_is_gone_is_closed_with_the_reason() -> None:
    silent = Absence(HoldOptions(), lambda key: 10, 0, 10**12, register=False)
    made = bundle({"silent": silent}, 0, 0)
    log, _ = frames(made, [Spot(5, "a", 1, None, 0, 0), Spot(50, "b", 1, None, 0, 0)], lambda n: True, partitions=1)
    engine, rows = Engine(made), dict[bytes, bytes]()
    opened = run(engine, log[:-1])
    keep(rows, engine)
    other = bundle({"other": Match(HoldOptions())}, 0, 0)
    engine = Engine(other)
    engine.restore(rows)
    [closed] = run(engine, log, len(log) - 1)
    assert (closed.id, closed.sequence, closed.change) == (opened[0].id, 2, "closed")
    assert (closed.rule, closed.key, closed.ended, closed.closed) == ("silent", {"k": "a"}, "rule_removed", 50)
    keep(rows, engine)
    keep(rows, engine)
    assert list(rows) == [META]


def test_a_topic_that_gets_more_partitions_does_not_stop_the_clock() -> None:
    made = bundle({"one": Match(HoldOptions())}, 0, 0)
    engine = Engine(made)
    for offset, (partition, partitions) in enumerate([(0, 2), (1, 2), (0, 3), (1, 3), (2, 3)]):
        clock = ClockRow("s", partition, partitions, offset, 0, 1000 * (offset + 1), 0)
        engine.step(offset, WorkFrame(VERSION, "b", [clock]))
    assert engine.clock("one") == 3000
    assert [engine.sources["s"].partitions, len(engine.sources["s"].clocks)] == [3, 3]


def keep(rows: dict[bytes, bytes], engine: Engine) -> None:
    """Store what changed, as a compacted topic would."""
    for key, value in engine.changed().items():
        put(rows, key, value)


def put(rows: dict[bytes, bytes], key: bytes, value: bytes | None) -> None:
    """One row of a compacted topic."""
    if value is None:
        rows.pop(key, None)
    else:
        rows[key] = value


def test_a_register_key_never_heard_of_counts_from_the_switch() -> None:
    silent = Absence(HoldOptions(), lambda key: 1000, 0, 5000, register=True)
    made = bundle({"silent": silent}, 0, 0, expected=(("never",),))
    log, _ = frames(made, [Spot(5, "a", 1, None, 0, 0)], lambda n: True, partitions=1)
    assert final(run(Engine(made), log)) == [
        ("silent", "{'k': 'a'}", 1005, -1, "None", ("0-0",)), ("silent", "{'k': 'never'}", 1005, -1, "None", ())]


pairs = st.builds(
    lambda negated, select: sequence.compile_rule(
        {"steps": (Step("a", 0), Step("b", 1, negated)), "within": 15, "select": select, "ordered": True,
         "until": False, "limit": 10**6}, HoldOptions(), UTC), st.booleans(), st.sampled_from(["first", "each"]))


@given(st.integers(0, 10**6), matches | forgetful | thresholds() | pairs, st.sampled_from([0, 30]))
def test_the_bound_on_events_of_a_key_keeps_what_comes_in_order_true(seed: int, detector: Any, disorder: int) -> None:
    dice = random.Random(seed)
    made = bundle({"one": detector}, disorder, 10**6)
    plan = [Spot(number + dice.randint(0, 3), "a", dice.randint(1, 15), dice.randint(0, 4), 0, 0)
            for number in range(60)]
    log, accepted = frames(made, plan, lambda n: dice.random() < 0.3, partitions=1)
    engine = Engine(made)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "EVENTS_LIMIT", 20)
        assert final(run(engine, log)) == expected(made, accepted)
    straggler = Spot(0, "a", 1, None, 0, 500)
    log, _ = frames(made, [*plan, straggler], lambda n: True, partitions=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "EVENTS_LIMIT", 20)
        run(engine := Engine(made), log)
    assert engine.counts["older_than_the_limit_allows"] == 1
    assert engine.open_keys == 0
