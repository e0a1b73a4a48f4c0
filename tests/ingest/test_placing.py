"""Routing under `near`: to the cells that a circle touches, with what an event says of the things in the key."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import HOUR
from streams.conditions import compile_expression, event_scope
from streams.ingest.route import Router
from streams.judging.episodes import HoldOptions
from streams.kinds.match import Match
from streams.places import Grid
from streams.reasons import RouteReason
from streams.records import Event, Place
from streams.rules import Bundle, City, Near, Rule, Selector, Thing

OPEN = event_scope([], open=True)
HERE = Place(48.2, 16.37)


def selector(type: str, *by: str) -> Selector:
    return Selector((type,), None, tuple(compile_expression(part, OPEN) for part in by))


def rule(id: str, *selectors: Selector, near: Near | None, by: tuple[str, ...] = ("cell",), **more: Any) -> Rule:
    return Rule(id, "match", id, selectors, by, Match(HoldOptions(keep=HOUR)), "x", frozenset(["s"]), near=near, **more)


def router(*rules: Rule) -> Router:
    return Router(Bundle("b", City(), {}, {}, {}, {}, {one.id: one for one in rules}))


def event(type: str, place: Place | None = HERE, **fields: Any) -> Event:
    return Event("1", "s", type, 5, 6, place, None, fields, 0, 7)


@given(st.floats(48, 48.3), st.floats(16, 16.5))
def test_it_goes_to_its_own_cell_first_and_to_those_around(lat: float, lon: float) -> None:
    wanted = router(rule("r", selector("a"), near=Near(300, 300))).route(event("a", Place(lat, lon)))
    assert [key for _, key, _ in wanted] == [(cell,) for cell in Grid(300).cells(lat, lon)]
    positions = [member.position for _, _, member in wanted]
    assert [one is not None and (one.lat, one.lon) == (lat, lon) for one in positions] == [True] * len(wanted)
    assert [one is not None and one.own for one in positions] == [True, *[False] * (len(wanted) - 1)]


def test_other_parts_of_the_key_follow_the_cell() -> None:
    here = router(rule("r", selector("a", "kind"), near=Near(300, 300), by=("cell", "kind")))
    assert {key[1:] for _, key, _ in here.route(event("a", kind="x"))} == {("x",)}
    assert here.route(event("a")) == []
    assert here.counts == {(RouteReason.NO_KEY, "r"): 1}


def test_an_event_without_a_place_is_counted() -> None:
    here = router(rule("r", selector("a"), near=Near(300, 300)), rule("plain", selector("a"), near=None, by=()))
    for place in (None, Place(district="west"), Place(48.2, None), Place(480.2, 16.0)):
        assert [ref for ref, _, _ in here.route(event("a", place))] == ["plain@x"]
    assert here.counts == {(RouteReason.NO_PLACE, "r"): 4}


THINGS = (Thing("cover.device", 1, compile_expression("device", OPEN)),)


def test_an_event_says_what_its_step_is_about() -> None:
    here = router(rule("r", selector("rain"), selector("cover"), near=Near(2000, 2000, THINGS)))
    said = {type: {(member.roles, member.position.things) for _, _, member in here.route(event(type, device="d1"))
                   if member.position is not None} for type in ("rain", "cover")}
    assert said == {"rain": {(1, (None,))}, "cover": {(2, ("d1",))}}


def test_a_step_whose_thing_an_event_does_not_name_is_none_of_its() -> None:
    here = router(rule("r", selector("both"), selector("both"), near=Near(2000, 2000, THINGS)))
    assert {member.roles for _, _, member in here.route(event("both", device="d1"))} == {3}
    assert {member.roles for _, _, member in here.route(event("both", device=""))} == {1}
    assert here.counts == {(RouteReason.NO_KEY, "r"): 1}


def test_a_place_on_the_map_goes_to_few_cells() -> None:
    wanted = router(rule("r", selector("a"), near=Near(100, 100))).route(event("a"))
    assert 1 <= len(wanted) <= 7
    assert {member.id for _, _, member in wanted} == {"1"}
