"""The kind `hotspot` does what its oracle says, and finds what is planted."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import h3
import msgspec
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from streams.clocks import DAY, HOUR, MINUTE
from streams.conditions import EvalError
from streams.ingest.route import Router
from streams.judging.episodes import Episode, HoldOptions
from streams.kinds import hotspot
from streams.kinds.hotspot import Hotspot
from streams.records import Event, Member, Place
from streams.rulefile import check_files
from streams.rules import Bundle
from streams.specs import Learning, Rarity
from streams.unusual.dice import Dice
from tests.conftest import ROOT
from tests.folds import fold, fold_forgetting, fold_often
from tests.oracle.hotspot import Case, Told, episodes

UTC = ZoneInfo("UTC")
CENTRE = h3.latlng_to_cell(40.1, -75.3, 9)
BLOCK = sorted(h3.grid_disk(CENTRE, 1))
CELLS = [*BLOCK[:4], h3.grid_ring(CENTRE, 3)[0], h3.grid_ring(CENTRE, 9)[0]]
END = 10 * DAY


PLAIN = HoldOptions()


def rule(options: HoldOptions = PLAIN, **spec: Any) -> Hotspot:
    fields: dict[str, Any] = {"cell": 9, "radius_max": 600.0, "window": 14 * DAY, "bin": DAY, "min_events": 3,
                              "baseline": Learning("none", 52 * 7 * DAY),
                              "condition": Rarity("above", recurrence=365 * DAY)}
    return Hotspot({**fields, **spec}, options, UTC, "rule")


def at(time: int, cell: str, number: int) -> Member:
    return Member(time, "s", 0, number, str(number), 1, cell, {"place.district": "west"})


@st.composite
def cases(draw: st.DrawFn) -> tuple[Hotspot, Case]:
    """Any rule in small: bins of 10 µs, a window of two or three."""
    bins, memory = draw(st.sampled_from([2, 3])), draw(st.sampled_from([60, 120]))
    chance, least = draw(st.sampled_from([0.05, 0.2, 0.4])), draw(st.sampled_from([1, 2, 3]))
    options = HoldOptions(draw(st.sampled_from([0, 0, 15])), draw(st.sampled_from([0, 0, 25])))
    method = draw(st.sampled_from(["baseline", "permutation"]))
    detector = rule(options, window=10 * bins, bin=10, baseline=Learning("none", memory), min_events=least,
                    condition=Rarity("above", p=chance), radius_max=600.0, method=method)
    usual = draw(st.lists(st.tuples(st.integers(0, 150), st.sampled_from(CELLS)), max_size=20))
    burst = draw(st.lists(st.tuples(st.integers(60, 110), st.sampled_from(CELLS[:3])), max_size=8))
    late = draw(st.lists(st.tuples(st.integers(200, 420), st.sampled_from(CELLS)), max_size=6))
    members = tuple(at(time, cell, number) for number, (time, cell) in enumerate(sorted([*usual, *burst, *late])))
    return detector, Case(members, 10, bins, detector.rings, memory, least, chance, detector.learnt, options.wait,
                          options.keep, method == "permutation")


def plain(told: list[Told] | list[Episode]) -> list[tuple[Any, ...]]:
    return [(one.opened, one.closed, one.value, one.evidence) for one in told]


SEED = msgspec.msgpack.encode(["rule", ("k",)])


@given(cases(), st.sampled_from([90, 133, 260, END]))
def test_the_kind_does_what_the_oracle_says(made: tuple[Hotspot, Case], until: int) -> None:
    detector, case = made
    members = [member for member in case.members if member.time < until]
    slow = episodes(replace(case, members=tuple(members)), until, SEED)
    event("episodes" if slow else "none")
    assert plain(fold(detector, members, until)) == plain(slow)


@given(cases())
def test_time_may_be_told_in_any_number_of_steps(made: tuple[Hotspot, Case]) -> None:
    detector, case = made
    state = fold_often(detector, case.members, END)
    assert plain(state.hold.episodes) == plain(fold(detector, case.members, END))
    assert detector.empty(state)
    assert plain(fold_forgetting(detector, case.members, END)) == plain(state.hold.episodes)


# What is planted


def city(seed: int, rate: float, days: int, start: int, rings: int) -> tuple[str, list[Member]]:
    """Cells that bring `rate` events a day each, and from a day on three times as many around one of them: which."""
    chance = random.Random(seed)
    cells = sorted(h3.grid_disk(CENTRE, 4))
    centre = chance.choice(sorted(h3.grid_disk(CENTRE, 2)))
    hot, dice, found = frozenset(h3.grid_disk(centre, rings)), Dice(seed.to_bytes(8, "big")), []
    for day in range(days):
        for cell in cells:
            expected = rate * (3 if day >= start and cell in hot else 1)
            found += [(day * DAY + int(dice.roll() * DAY), cell) for _ in range(dice.poisson(expected))]
    return centre, [at(time, cell, number) for number, (time, cell) in enumerate(sorted(found))]


def centre_of(one: Episode) -> str:
    return str(h3.latlng_to_cell(one.facts["place.lat"], one.facts["place.lon"], 9))


def test_a_planted_cluster_of_relative_risk_three_is_found_with_its_centre_within_two_bins() -> None:
    hits = 0
    for seed in range(10):
        centre, members = city(seed, 3.0, 13, 11, 1)
        told = fold(rule(window=2 * DAY), members, 13 * DAY, restart=False)
        hits += any(11 * DAY < one.opened <= 13 * DAY and centre_of(one) == centre for one in told)
    assert hits >= 9


def test_a_permutation_finds_what_is_planted_and_no_day_on_which_all_goes_up() -> None:
    hits, others = 0, 0
    detector = rule(window=2 * DAY, bin=DAY, method="permutation", baseline=Learning("none", 14 * DAY))
    for seed in range(5):
        centre, members = city(seed, 3.0, 16, 14, 1)
        doubled = [msgspec.structs.replace(one, id=f"d{one.id}", offset=one.offset + 10**6) for one in members
                   if one.time // DAY in (9, 14, 15)]
        told = fold(detector, sorted([*members, *doubled], key=lambda one: one.order), 16 * DAY, restart=False)
        hits += any(one.opened > 14 * DAY and centre_of(one) == centre for one in told)
        others += sum(one.opened <= 14 * DAY for one in told)
    assert hits == 5
    assert others == 0


def test_a_cluster_says_where_how_many_and_how_rare() -> None:
    quiet = [at(day * DAY + HOUR, cell, 10 * day + place)
             for day in range(20) for place, cell in enumerate(CELLS[:2]) if (day + place) % 2]
    burst = [at(20 * DAY + minute * MINUTE, CELLS[0], 1000 + minute) for minute in range(12)]
    found, = fold(rule(window=3 * DAY), [*quiet, *burst], 21 * DAY)
    assert (found.opened, found.closed, found.value) == (21 * DAY, None, 12)
    assert found.evidence == [str(1000 + minute) for minute in range(12)]
    assert centre_of(found) == CELLS[0]
    place = {"place.lat", "place.lon", "place.district"}
    assert {name: fact for name, fact in found.facts.items() if name not in place} == {
        "observed": 12, "expected": 0.5, "span": "1 day", "radius": 201, "recurrence": "more than 10 years"}
    assert found.facts["place.district"] == "west"


def test_a_cluster_is_told_again_only_when_it_grows_and_keeps_its_identity_as_it_moves() -> None:
    quiet = [at(day * DAY + HOUR, CENTRE, day) for day in range(0, 30, 3)]
    steps = [(30, BLOCK[1]), (32, BLOCK[2])]
    walk = [at(day * DAY + minute * MINUTE, cell if minute % 2 else CENTRE, 1000 * day + minute) for day, cell in steps
            for minute in range(18)]
    detector = rule(window=3 * DAY, radius_max=600.0)
    state = detector.start(("k",), 0)
    news: list[tuple[int, int, int | None]] = []
    for member in [*quiet, *walk, None]:
        now = 60 * DAY if member is None else member.time
        while (due := detector.due(state)) is not None and due <= now:
            detector.advance(state, due)
            news += [(due // DAY, one.count, one.closed) for one in state.hold.news()]
        if member is not None:
            detector.on_event(state, member)
    assert [(day, count) for day, count, closed in news if closed is None] == [(31, 18), (33, 36)]
    assert len(state.hold.episodes) == 1
    assert state.hold.episodes[0].closed is not None


def walking(begin: str, towards: str, days: range) -> list[Member]:
    """Twelve events a day in a cell, and the next day in the next one on the way."""
    way = h3.grid_path_cells(begin, towards)
    return [at(day * DAY + minute * MINUTE, way[step], 10_000 * day + 100 * way.index(way[-1]) + minute)
            for step, day in enumerate(days) for minute in range(12)]


def test_clusters_that_move_a_cell_a_day_keep_their_identities_and_stay_apart() -> None:
    far = h3.grid_ring(CENTRE, 12)[0]
    quiet = [at(day * DAY + HOUR, cell, 10 * day + place) for day in range(30)
             for place, cell in enumerate([CENTRE, far])]
    one = walking(CENTRE, h3.grid_ring(CENTRE, 6)[3], range(30, 36))
    other = [msgspec.structs.replace(member, id=f"o{member.id}", offset=member.offset + 50_000)
             for member in walking(far, h3.grid_ring(far, 6)[0], range(30, 36))]
    members = sorted([*quiet, *one, *other], key=lambda one: one.order)
    told = fold(rule(window=2 * DAY, radius_max=600.0), members, 40 * DAY)
    assert [(one.opened, one.closed is not None) for one in told] == [(31 * DAY, True)] * 2
    ids = [{member.id for member in walk} for walk in (one, other)]
    assert sorted(len(set(one.evidence) & mine) for one in told for mine in ids) == [0, 0, 72, 72]
    assert {one.closed for one in told} <= {37 * DAY, 38 * DAY}


def test_two_clusters_far_apart_are_two_episodes_at_once() -> None:
    far = h3.grid_ring(CENTRE, 12)[0]
    quiet = [at(day * DAY + HOUR, cell, 10 * day + place) for day in range(30)
             for place, cell in enumerate([CENTRE, far])]
    burst = [at(30 * DAY + minute * MINUTE, cell, 1000 * (place + 1) + minute)
             for minute in range(15) for place, cell in enumerate([CENTRE, far])]
    told = fold(rule(window=3 * DAY), [*quiet, *sorted(burst, key=lambda one: one.time)], 31 * DAY)
    assert sorted(centre_of(one) for one in told) == sorted([CENTRE, far])
    assert not set(told[0].evidence) & set(told[1].evidence)


def test_more_events_than_are_listed_are_counted() -> None:
    quiet = [at(day * DAY + HOUR, CENTRE, day) for day in range(30)]
    burst = [at(30 * DAY + second * 1_000_000, CENTRE, 1000 + second) for second in range(250)]
    found, = fold(rule(window=3 * DAY), [*quiet, *burst], 31 * DAY)
    assert (found.count, len(found.evidence), found.value) == (250, 100, 250)


def test_a_day_of_the_week_that_is_always_busy_is_no_hotspot() -> None:
    members = []
    for day in range(140):
        members += [at(day * DAY + minute * MINUTE, CELLS[minute % 3], 1000 * day + minute)
                    for minute in range(30 if day % 7 == 2 else 3)]
    wanted = Rarity("above", recurrence=90 * DAY)
    plain = fold(rule(window=DAY, condition=wanted, baseline=Learning("none", 364 * DAY)), members, 140 * DAY)
    told = fold(rule(window=DAY, condition=wanted, baseline=Learning("hour_of_week", 364 * DAY)), members, 140 * DAY)
    assert sum(one.opened > 70 * DAY for one in plain) == 10
    assert [one.opened for one in told if one.opened > 70 * DAY] == []


def test_nothing_is_judged_before_four_windows_are_learnt() -> None:
    burst = [at(day * DAY + minute * MINUTE, CENTRE, 100 * day + minute)
             for day in range(20) for minute in range(20 if day in (10, 19) else 1)]
    told = fold(rule(window=3 * DAY, baseline=Learning("none", 364 * DAY)), burst, 30 * DAY)
    assert [one.opened for one in told] == [20 * DAY]


# The fields


@pytest.mark.parametrize(("fields", "field", "told"), [
    ({"cell": 16}, "cell", "there are no cells of resolution 16"),
    ({"radius_max": 100.0}, "radius_max", "a cell of resolution 9 has itself a radius of about 201 m"),
    ({"radius_max": 9000.0}, "radius_max", "a disc would have 25 rings of cells around its centre"),
    ({"window": 0}, "window", "it must be longer than zero"),
    ({"bin": 0}, "bin", "it must be longer than zero"),
    ({"bin": 5 * DAY}, "bin", "`bin` does not divide `window`"),
    ({"bin": HOUR}, "bin", "the window has 336 bins, and at most 60 are looked at"),
    ({"window": 3 * DAY, "bin": 36 * HOUR}, "bin", "bins are aligned to midnight"),
    ({"baseline": Learning("none", 28 * DAY)}, "baseline", "less is remembered than four times the window"),
    ({"condition": Rarity("above", recurrence=DAY)}, "condition", "chance brings as much in every other bin"),
    ({"condition": Rarity("below", p=0.001)}, "condition", "a hotspot is where more happens"),
])
def test_contradictions_are_told(fields: dict[str, Any], field: str, told: str) -> None:
    found = hotspot.problems({**rule().spec, **fields})
    assert [(name, text[:len(told)]) for name, text, _ in found] == [(field, told)]


def test_sound_fields_have_no_problems() -> None:
    assert hotspot.problems(rule().spec) == []


@pytest.mark.parametrize(("window", "bin"), [
    (14 * DAY, DAY), (7 * DAY, DAY), (2 * DAY, 6 * HOUR), (2 * HOUR, 15 * MINUTE), (HOUR, 5 * MINUTE), (7, 7)])
def test_a_bin_is_the_longest_round_one_that_goes_seven_times_into_the_window(window: int, bin: int) -> None:
    assert hotspot.bin_of({"window": window}) == bin


def test_what_is_kept_of_an_event_is_its_cell() -> None:
    cell = hotspot.measured({"cell": 9})

    def with_place(place: Place | None) -> Event:
        return Event("e", "s", "t", 0, 0, place, None, {}, 0, 0)

    assert cell(with_place(Place(*h3.cell_to_latlng(CENTRE)))) == CENTRE
    for place in (None, Place(district="west"), Place(1e9, 1.0)):
        with pytest.raises(EvalError):
            cell(with_place(place))


# As a rule file


RULE = """
kind: hotspot
id: concentrated
title: Noise concentrated
event: request.noise
cell: 9
radius_max: 1km
window: 14d
condition: {above: {recurrence: 365d}}
owner: x
"""


def read(text: str) -> Bundle:
    base = (ROOT / "tests" / "scenarios" / "base.yaml").read_bytes()
    meters = (ROOT / "tests" / "scenarios" / "meters.csv").read_bytes()
    bundle, problems = check_files({"base.yaml": base, "meters.csv": meters, "rule.yaml": text.encode()})
    assert bundle is not None, problems
    return bundle


def noise(place: Place | None) -> Event:
    return Event("e", "requests", "request.noise", 5, 5, place, None, {}, 0, 0)


def test_an_event_goes_to_the_key_of_its_cell_to_be_counted() -> None:
    bundle = read(RULE)
    router = Router(bundle)
    (ref, key, member), = router.route(noise(Place(*h3.cell_to_latlng(CENTRE))))
    assert (ref, key, member.value) == (bundle.rules["concentrated"].ref + "/counts", (CENTRE,), CENTRE)
    assert router.route(noise(Place(district="west"))) == []
    assert router.route(noise(None)) == []
    assert router.counts == {("no_place", "concentrated"): 2}


def test_what_is_read_is_what_is_meant() -> None:
    detector = read(RULE).rules["concentrated"].detector
    assert isinstance(detector, Hotspot)
    assert (detector.bin, detector.bins, detector.rings, detector.memory, detector.least, detector.seed) == (
        DAY, 14, 2, 364 * DAY, 3, "concentrated")
    assert detector.chance == pytest.approx(1 / 365)
    assert detector.season.type == "hour_of_week"


def test_what_decides_is_its_logic_and_a_summary_is_made() -> None:
    plain = read(RULE).rules["concentrated"]
    assert plain.alert.summary == hotspot.SUMMARY
    assert read(RULE + "baseline: {memory: 26w}\n").rules["concentrated"].logic != plain.logic
    assert read(RULE + "bin: 7d\n").rules["concentrated"].logic != plain.logic
    written = read(RULE + 'alert: {summary: "{{ observed }} in {{ span }}"}\n').rules["concentrated"]
    assert (written.logic, written.alert.summary) == (plain.logic, "{{ observed }} in {{ span }}")
