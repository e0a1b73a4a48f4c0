"""Routing: the index finds what a linear scan finds; what cannot be used is counted."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.conditions import EvalError, compile_expression, event_scope
from streams.engine import partition_of
from streams.episodes import HoldOptions
from streams.kinds.match import Match
from streams.reasons import RouteReason
from streams.records import Event, Place
from streams.route import Router, Wanted, fits, key_part
from streams.rules import Bundle, City, EventType, FieldType, Rule, Selector

FIELDS = {"county": "string", "level": "double", "kind": "string"}
TYPES = {name: EventType(name, fields={field: FieldType(field, kind) for field, kind in FIELDS.items()})
         for name in ("a.x", "a.y", "b.z")}
SCOPE = event_scope([type("T", (), {"id": name, "fields": FIELDS})() for name in TYPES])
CONDITIONS = [
    None, 'county == "c1"', 'county in ["c1", "c2"]', 'county == "c1" && level > 2', 'kind == "k" && county == "c2"',
    'county == "c1" || county == "c3"', 'county == "c1" || level > 3', "level > 1", 'place.district == "north"',
    "level == 2",
]


def selector(types: tuple[str, ...], where: str | None, by: str) -> Selector:
    condition = None if where is None else compile_expression(where, SCOPE, "bool")
    return Selector(types, condition, (compile_expression(by, SCOPE),))


def rule(name: str, *selectors: Selector, **more: Any) -> Rule:
    return Rule(name, "match", name, selectors, ("k",), Match(HoldOptions()), "x", frozenset(["s"]), **more)


def bundle(*rules: Rule) -> Bundle:
    return Bundle("b", City(), TYPES, {}, {}, {}, {one.id: one for one in rules})


def event(type: str = "a.x", place: Place | None = None, **fields: Any) -> Event:
    return Event("1", "s", type, 5, 6, place, None, fields, 0, 7)


rules = st.lists(st.tuples(
    st.lists(st.sampled_from(["a.x", "a.y", "b.z", "a.*"]), min_size=1, max_size=2, unique=True).map(tuple),
    st.sampled_from(CONDITIONS), st.sampled_from(["county", "kind", "place.district"])), max_size=8)
events = st.builds(
    event, st.sampled_from([*TYPES, "c.new"]), st.sampled_from([None, Place(district="north"), Place(district="")]),
    county=st.sampled_from(["c1", "c2", "c3", ""]), level=st.sampled_from([0.0, 2.0, 4.0]),
    kind=st.sampled_from(["k", "l"]))


def scanned(made: list[Rule], one: Event) -> list[tuple[str, tuple[Any, ...]]]:
    """What wants an event, tried one by one."""
    found = []
    for candidate in made:
        [chosen] = candidate.selectors
        if not any(fits(pattern, one.type) for pattern in chosen.types):
            continue
        try:
            if chosen.where is not None and chosen.where(one) is not True:
                continue
            key = chosen.by[0](one)
        except EvalError:
            continue
        if key:
            found.append((candidate.ref, (key,)))
    return sorted(found)


def named(wanted: list[Wanted]) -> list[tuple[str, tuple[Any, ...]]]:
    return sorted((ref, key) for ref, key, _ in wanted)


@given(rules, st.lists(events, max_size=4))
def test_the_index_finds_what_a_scan_finds(given_rules: Any, given_events: list[Event]) -> None:
    made = [rule(f"r{number}", selector(*one)) for number, one in enumerate(given_rules)]
    router = Router(bundle(*made))
    for one in given_events:
        assert named(router.route(one)) == scanned(made, one)


def test_an_equality_takes_a_rule_out_of_the_scan() -> None:
    many = [rule(f"r{number}", selector(("a.x",), f'county == "c{number}"', "kind")) for number in range(50)]
    router = Router(bundle(*many, rule("all", selector(("a.x",), "level > 1", "kind"))))
    assert router.scanned("a.x") == 1
    assert named(router.route(event(county="c7", level=0.0, kind="k"))) == [("r7@x", ("k",))]


def test_selectors_of_one_rule_that_fit_one_event_become_roles() -> None:
    both = rule("s", selector(("a.x",), "level > 1", "county"), selector(("a.*",), None, "county"),
                selector(("a.x",), None, "kind"))
    wanted = Router(bundle(both)).route(event(county="c1", level=2.0, kind="k"))
    assert sorted((key, member.roles) for _, key, member in wanted) == [(("c1",), 0b011), (("k",), 0b100)]


def test_what_cannot_be_used_is_counted_by_reason_and_rule() -> None:
    value = compile_expression("level", SCOPE)
    router = Router(bundle(rule("r", selector(("a.x",), None, "county"), value=value),
                           rule("w", selector(("a.x",), "level > 1", "kind"))))
    assert router.route(event(county="", kind="k", level=0.0)) == []
    assert router.route(event(county="c1")) == []
    assert dict(router.counts) == {
        (RouteReason.NO_KEY, "r"): 1, (RouteReason.NO_VALUE, "r"): 1, (RouteReason.CONDITION_FAILED, "w"): 1}


def test_a_member_carries_the_value_and_the_facts_that_are_there() -> None:
    facts = {"kind": compile_expression("kind", SCOPE), "level": compile_expression("level", SCOPE)}
    made = rule("r", selector(("a.x",), None, "county"), value=compile_expression("kind", SCOPE), facts=facts)
    [(ref, key, member)] = Router(bundle(made)).route(event(place=Place(1.0, 2.0, "north"), county="c1", kind="k"))
    assert (ref, key, member.value) == ("r@x", ("c1",), "k")
    assert member.facts == {"place.lat": 1.0, "place.lon": 2.0, "place.district": "north", "kind": "k"}
    assert member.order == (5, "s", 0, 7)


@pytest.mark.parametrize(("value", "part"), [
    ("x", "x"), ("", None), ("x" * 1001, None), (None, None), ([1], None), ({"a": 1}, None), (float("nan"), None),
    (7, 7), (7.0, 7), (7.5, 7.5), (True, "true"), (False, "false"), (float("inf"), None),
])
def test_parts_of_keys(value: Any, part: Any) -> None:
    assert key_part(value) == part
    assert type(key_part(value)) is type(part)


def test_a_value_that_cannot_be_looked_up_finds_nothing() -> None:
    router = Router(bundle(rule("r", selector(("a.x",), 'county == "c1"', "kind"))))
    assert router.route(event(county=["c1"], kind="k")) == []


@given(st.lists(st.text(min_size=1), min_size=1, max_size=3), st.integers(1, 16))
def test_a_key_has_one_home(key: list[str], partitions: int) -> None:
    home = partition_of("r@x", tuple(key), partitions)
    assert 0 <= home < partitions
    assert partition_of("another@x", tuple(key), partitions) == home
    assert 0 <= partition_of("r@x", (), partitions) < partitions
