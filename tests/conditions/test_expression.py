"""What is known of an expression before it runs, and what it hands out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.conditions import EvalError, compile_expression, event_scope
from streams.records import Event
from tests.conditions.events import ACCIDENT, event

SCOPE = event_scope([ACCIDENT], lists={"watched": ["N1", "N3"]})


@pytest.mark.parametrize(("text", "equalities"), [
    ('type == "traffic.accident"', {"type": {"traffic.accident"}}),
    ('"N1" == lane && injured == 3', {"lane": {"N1"}, "injured": {3}}),
    ('lane in ["N1", "N2"]', {"lane": {"N1", "N2"}}),
    ("lane in lists.watched", {"lane": {"N1", "N3"}}),
    ('lane in ["N1", "N2"] && lane in lists.watched', {"lane": {"N1"}}),
    ('lane == "N1" || lane == "N2" || lane in lists.watched', {"lane": {"N1", "N2", "N3"}}),
    ('(lane == "N1" && injured == 1) || (injured == 2 && lane == "N2")', {"lane": {"N1", "N2"}, "injured": {1, 2}}),
    ('lane == "N1" || injured == 2', {}),
    ('!(lane == "N1")', {}),
    ('lane != "N1"', {}),
    ("closed", {"closed": {True}}),
    ("!closed", {"closed": {False}}),
    ("has(event.lane)", {}),
    ("!has(event.lane)", {}),
    ('event.place.district == "west"', {"place.district": {"west"}}),
    ("speed == 30", {"speed": {30}}),
    ("injured == 9223372036854775807", {}),
    ('lane == "N1" ? closed : true', {}),
    ('["a"].exists(lane, lane == "a")', {}),
    ('extra.kind == "x"', {}),
    ("injured + 1 == 2", {}),
])
def test_equalities(text: str, equalities: Mapping[str, set[Any]]) -> None:
    assert compile_expression(text, SCOPE).equalities == equalities


TERMS = st.sampled_from([
    'lane == "N1"', 'lane == "N2"', 'lane in ["N1", "N3"]', "lane in lists.watched", "injured == 1", "injured > 0",
    "closed", "!closed", 'lane != "N1"', "injured in [1, 2]", "has(event.lane)", "speed == 1", "1 / injured == 1",
])
CONDITIONS = st.recursive(TERMS, lambda inner: st.builds(
    lambda a, operator, b: f"({a} {operator} {b})", inner, st.sampled_from(["&&", "||"]), inner), max_leaves=6)
EVENTS = st.builds(
    lambda fields: event(**{name: one for name, one in fields.items() if one is not None}),
    st.fixed_dictionaries({
        "lane": st.sampled_from(["N1", "N2", "N3", None]), "injured": st.sampled_from([0, 1, 2, None]),
        "closed": st.sampled_from([True, False, None]), "speed": st.sampled_from([0.0, 1.0, None]),
    }))


@given(CONDITIONS, EVENTS)
def test_equalities_are_necessary(text: str, one: Event) -> None:
    """Where an expression is true, each of its equalities holds: an index by them misses nothing."""
    condition = compile_expression(text, SCOPE)
    try:
        holds = condition(one)
    except EvalError:
        return
    if holds:
        for path, values in condition.equalities.items():
            assert one.fields[path] in values


@pytest.mark.parametrize(("text", "prefix"), [
    ("'call.' + slug(lane)", ("call.", False)),
    ("'lift.trapped'", ("lift.trapped", True)),
    ("'a' + 'b' + 'c'", ("abc", True)),
    ("'a' + ('b' + lane)", ("ab", False)),
    ("lane", ("", False)),
    ("closed ? 'sensor.gas' : 'sensor.rain'", ("sensor.", False)),
    ("closed ? 'x' : 'x'", ("x", True)),
    ("lane + 'x'", ("", False)),
])
def test_prefix(text: str, prefix: tuple[str, bool]) -> None:
    assert compile_expression(text, SCOPE).prefix == prefix


def test_paths_are_the_variables_read() -> None:
    text = 'extra.kind == "x" && tags.exists(t, t == lane) && has(event.injured) && place.lat > 1.0 && lane in lists.watched'
    assert compile_expression(text, SCOPE).paths == {"extra", "tags", "lane", "injured", "place.lat", "lists.watched"}
    assert compile_expression("['a'].exists(lane, lane == 'a')", SCOPE).paths == set()


def test_the_wanted_type() -> None:
    assert compile_expression("injured", SCOPE, "double")(event(injured=3)) == 3.0
    assert isinstance(compile_expression("injured", SCOPE, "double")(event(injured=3)), float)
    assert compile_expression("injured", SCOPE, "int|string")(event(injured=3)) == 3
    assert compile_expression("extra.on", SCOPE, "bool")(event(extra={"on": True})) is True
    with pytest.raises(EvalError, match="condition"):
        compile_expression("extra.on", SCOPE, "bool")(event(extra={"on": 1}))
    assert compile_expression("place", SCOPE, "place").type == "place"


def test_results_hold_plain_values() -> None:
    found = compile_expression("{'a': [1u, 2u], 'b': time, true: null}", SCOPE)(event())
    assert found == {"a": [1, 2], "b": event().time, True: None}
    assert [type(one) for one in found["a"]] == [int, int]
    assert type(compile_expression("time", SCOPE)(event())) is int


def test_the_bare_function_is_the_expression() -> None:
    condition = compile_expression("injured > 1 || closed", SCOPE)
    assert condition.function(event(injured=1, closed=True)) is True
    assert "injured > 1" in repr(condition)


def test_generated_code_has_no_builtins() -> None:
    condition = compile_expression("lane.startsWith('N') && size(lane) > 1", SCOPE)
    assert condition.function.__globals__["__builtins__"] == {}
    assert "__import__" not in condition.function.__code__.co_names


@given(st.text(max_size=40))
def test_what_authors_write_is_never_code(text: str) -> None:
    quoted = "".join(f"\\U{ord(letter):08x}" for letter in text if not 0xD800 <= ord(letter) < 0xE000)
    expected = "".join(letter for letter in text if not 0xD800 <= ord(letter) < 0xE000)
    assert compile_expression(f'"{quoted}" + lane', SCOPE)(event(lane="!")) == expected + "!"
