"""Routing: the index finds what a linear scan finds; what cannot be used is counted."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.conditions import EvalError, compile_expression, event_scope
from streams.ingest.route import Router, Wanted, fits, partition_of
from streams.judging.episodes import HoldOptions
from streams.kinds.match import Match
from streams.reasons import RouteReason
from streams.records import Event, Place, key_part
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


@cache
def selector(types: tuple[str, ...], where: str | None, by: str) -> Selector:
    condition = None if where is None else compile_expression(where, SCOPE, "bool")
    return Selector(types, condition, (compile_expression(by, SCOPE),))


def rule(name: str, *selectors: Selector, **more: Any) -> Rule:
    return Rule(name, "match", name, selectors, ("k",), Match(HoldOptions()), "x", frozenset(["s"]), **more)


def bundle(*rules: Rule) -> Bundle:
    return Bundle("b", City(), TYPES, {}, {}, {}, {one.id: one for one in rules})


def event(type: str = "a.x", place: Place | None = None, **fields: Any) -> Event:
    return Event("1", "s", type, 5, 6, place, None, fields, 0, 7)


OPEN = event_scope([], open=True)
UNSURE = [None, 'county == "c1"', 'county == 1', 'county in [1, "c2", true]', 'county == "c1" && level > 2',
          'county == "c1" || level == 2.0', "level > 1", 'kind == "k"', 'place.district == "north"',
          'severity == "minor"']
values = st.sampled_from(["c1", "c2", "k", "", 1, 1.0, 2.0, True, 3, None, ["c1"], {"c1": 1}, float("nan"), 1e300])


@cache
def unsure(types: tuple[str, ...], where: str | None, by: str) -> Selector:
    """A selector of events whose fields may hold anything."""
    condition = None if where is None else compile_expression(where, OPEN, "bool")
    return Selector(types, condition, (compile_expression(by, OPEN),))


types = st.lists(st.sampled_from(["a.x", "a.y", "b.z", "a.*"]), min_size=1, max_size=2, unique=True).map(tuple)
keys = st.sampled_from(["county", "kind", "place.district"])
typed_rules = st.lists(st.builds(selector, types, st.sampled_from(CONDITIONS), keys), min_size=1, max_size=3)
open_rules = st.lists(st.builds(unsure, types, st.sampled_from(UNSURE), keys), min_size=1, max_size=3)
places = st.sampled_from([None, Place(district="north"), Place(district="")])
typed_events = st.builds(
    event, st.sampled_from([*TYPES, "c.new"]), places, county=st.sampled_from(["c1", "c2", "c3", ""]),
    level=st.sampled_from([0.0, 2.0, 4.0]), kind=st.sampled_from(["k", "l"]))
open_events = st.builds(
    lambda name, place, fields: event(name, place, **fields), st.sampled_from([*TYPES, "c.new"]), places,
    st.dictionaries(st.sampled_from(["county", "level", "kind"]), values))


def scanned(made: list[Rule], one: Event) -> list[tuple[str, tuple[Any, ...], int]]:
    """(rule, key, roles) of what wants an event, tried one by one."""
    found: dict[tuple[str, tuple[Any, ...]], int] = {}
    for candidate in made:
        for index, chosen in enumerate(candidate.selectors):
            if not any(fits(pattern, one.type) for pattern in chosen.types):
                continue
            try:
                if chosen.where is not None and chosen.where(one) is not True:
                    continue
                key = key_part(chosen.by[0](one))
            except EvalError:
                continue
            if key is not None:
                found[candidate.ref, (key,)] = found.get((candidate.ref, (key,)), 0) | 1 << index
    return sorted(((ref, key, roles) for (ref, key), roles in found.items()), key=repr)


def told(wanted: list[Wanted]) -> list[tuple[str, tuple[Any, ...], int]]:
    return sorted(((ref, key, member.roles) for ref, key, member in wanted), key=repr)


def named(wanted: list[Wanted]) -> list[tuple[str, tuple[Any, ...]]]:
    return [(ref, key) for ref, key, _ in told(wanted)]


@pytest.mark.parametrize(("rules", "events"), [(typed_rules, typed_events), (open_rules, open_events)],
                         ids=["typed", "open"])
@given(data=st.data())
def test_the_index_finds_what_a_scan_finds(rules: Any, events: Any, data: st.DataObject) -> None:
    made = [rule(f"r{number}", *chosen) for number, chosen in enumerate(data.draw(st.lists(rules, max_size=6)))]
    router = Router(bundle(*made))
    for one in data.draw(st.lists(events, max_size=4)):
        wanted = router.route(one)
        assert told(wanted) == scanned(made, one)
        assert len({(ref, key) for ref, key, _ in wanted}) == len(wanted)
        msgspec.msgpack.encode([key for _, key, _ in wanted])
        assert router.route(one) == wanted


def test_what_an_open_source_invents_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.ingest.route.TYPES_AT_MOST", 3)
    router = Router(bundle(rule("r", selector(("a.*",), None, "county"))))
    for number in range(10):
        assert named(router.route(event(f"a.{number}", county="c1"))) == [("r@x", ("c1",))]
    assert len(router._by_type) <= 3


def test_an_equality_takes_a_rule_out_of_the_scan() -> None:
    many = [rule(f"r{number}", selector(("a.x",), f'county == "c{number}"', "kind")) for number in range(50)]
    router = Router(bundle(*many, rule("all", selector(("a.x",), "level > 1", "kind"))))
    assert router.scanned("a.x") == 1
    assert named(router.route(event(county="c7", level=0.0, kind="k"))) == [("r7@x", ("k",))]


def test_of_several_equalities_the_one_with_most_values_is_looked_up() -> None:
    many = [rule(f"r{number}", selector(("a.x",), f'kind == "k" && county == "c{number}"', "kind"))
            for number in range(5)]
    tried = Router(bundle(*many))._index("a.x").candidates(event(county="c3", kind="k"))
    assert [candidate.rule.id for candidate in tried] == ["r3"]


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


def test_what_the_index_passes_over_is_no_failed_condition() -> None:
    router = Router(bundle(rule("w", selector(("a.x",), 'county == "c1" && level > 1', "kind"))))
    assert router.route(event(kind="k", level=2.0)) == []  # no county: never tried
    assert dict(router.counts) == {}
    assert router.route(event(kind="k", county="c1")) == []
    assert dict(router.counts) == {(RouteReason.CONDITION_FAILED, "w"): 1}


def test_each_selector_of_a_rule_that_finds_no_key_counts() -> None:
    router = Router(bundle(rule("s", selector(("a.x",), None, "county"), selector(("a.x",), None, "kind"))))
    assert router.route(event()) == []
    assert dict(router.counts) == {(RouteReason.NO_KEY, "s"): 2}


def test_other_types_count_nothing() -> None:
    router = Router(bundle(rule("r", selector(("a.x",), "level > 1", "county"))))
    assert router.route(event("b.z")) == []
    assert dict(router.counts) == {}


def test_a_member_carries_the_value_and_the_facts_that_are_there() -> None:
    facts = {"kind": compile_expression("kind", SCOPE), "level": compile_expression("level", SCOPE)}
    made = rule("r", selector(("a.x",), None, "county"), value=compile_expression("kind", SCOPE), facts=facts)
    [(ref, key, member)] = Router(bundle(made)).route(event(place=Place(1.0, 2.0, "north"), county="c1", kind="k"))
    assert (ref, key, member.value) == ("r@x", ("c1",), "k")
    assert member.facts == {"place.lat": 1.0, "place.lon": 2.0, "place.district": "north", "kind": "k"}
    assert member.order == (5, "s", 0, 7)


@pytest.mark.parametrize(("value", "part"), [
    ("x", "x"), ("", None), ("x" * 1001, None), (None, None), ([1], None), ({"a": 1}, None), (float("nan"), None),
    (7, 7), (7.0, 7), (7.5, 7.5), (2.0**63, 2**63), (2.0**64, 2.0**64), (-(2.0**63), -(2**63)),
    (-1e300, -1e300), (True, "true"), (False, "false"), (float("inf"), None),
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
