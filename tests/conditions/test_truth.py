"""What is said to be decided is so for every event; and the usual slips are found."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.conditions import Expression, Scope, compile_expression, event_scope
from streams.conditions.clauses import spans
from streams.conditions.truth import decided, implies
from streams.records import Event
from streams.rules import EventType, FieldType

TYPES = {"s": "string", "n": "int", "d": "double", "b": "bool", "t": "timestamp", "u": "duration", "l": "list", "y": "dyn"}
SCOPE = event_scope([EventType("a.b", "", {
    **{name: FieldType(name, kind) for name, kind in TYPES.items()}, "e": FieldType("e", "string", values=("p", "q"))})])
NEVER, ALWAYS, FAILS = "never", "always", "fails"


def compiled(text: str, scope: Scope = SCOPE) -> Expression:
    return compile_expression(text, scope, "bool")


def told(text: str) -> list[tuple[str, str]]:
    """(the part, what is said of it)."""
    expression = compiled(text)
    places = spans(expression)
    return [(text[slice(*places[id(one.node)])], FAILS if one.fails else ALWAYS if one.holds else NEVER)
            for one in decided(expression)]


@pytest.mark.parametrize(("text", "part", "verdict"), [
    ('s == "a" && s == "b"', 's == "b"', NEVER),
    ('s == "a" && s != "b"', 's != "b"', ALWAYS),
    ('s != "a" || s != "b"', 's != "b"', ALWAYS),
    ('s == "a" || s == "a"', 's == "a"', NEVER),
    ('"a" == s && "b" == s', '"b" == s', NEVER),
    ('s in ["a", "b"] && s in ["b", "c"] && s != "b"', 's != "b"', NEVER),
    ('(s == "a" || s == "b") && s == "c"', 's == "c"', NEVER),
    ('s < "b" && s > "c"', 's > "c"', NEVER),
    ("s in []", "s in []", NEVER),
    ("n > 3 && n < 4", "n < 4", NEVER),
    ("n >= 1 && n <= 2 && n != 1 && n != 2", "n != 2", NEVER),
    ("n > 3 || n <= 5", "n <= 5", ALWAYS),
    ("n in [1, 2] && n > 2", "n > 2", NEVER),
    ("n == n", "n == n", ALWAYS),
    ("d > 5.0 && (b || d > 3.0)", "d > 3.0", ALWAYS),
    ("d > 5.0 && d < 3.0", "d < 3.0", NEVER),
    ("!(b || n > 3) && n > 5", "n > 5", NEVER),
    ("b && !b", "!b", NEVER),
    ("b == true && b == false", "b == false", NEVER),
    ("true", "true", ALWAYS),
    ("1 > 2 || b", "1 > 2", NEVER),
    ("1 / 0 == 1 || b", "1 / 0 == 1", FAILS),
    ('e != "p" && e != "q"', 'e != "q"', NEVER),
    ('e in ["p"] && e == "q"', 'e == "q"', NEVER),
    ("y == 1 && y == true", "y == true", NEVER),
    ("local(time).getHours() >= 22 && local(time).getHours() < 6", "local(time).getHours() < 6", NEVER),
    ("local(time).getHours() >= 24", "local(time).getHours() >= 24", NEVER),
    ("place.lat > 91.0", "place.lat > 91.0", NEVER),
    ("size(l) >= 0", "size(l) >= 0", ALWAYS),
    ("has(event.s) && !has(event.s)", "!has(event.s)", NEVER),
    ("l.exists(v, v == 1) && !l.exists(v, v == 1)", "!l.exists(v, v == 1)", NEVER),
    ('t > timestamp("2026-01-01T00:00:00Z") && t < timestamp("2025-01-01T00:00:00Z")',
     't < timestamp("2025-01-01T00:00:00Z")', NEVER),
    ('u > duration("10m") && u < duration("5m")', 'u < duration("5m")', NEVER),
])
def test_a_slip_is_found(text: str, part: str, verdict: str) -> None:
    assert told(text) == [(part, verdict)]


@pytest.mark.parametrize("text", [
    "d > 3.0 && d < 4.0", "n > 3 && n < 5", 'y > 3 || y == "s"', '(n < 3 && s == "a") || (n > 5 && s == "b")',
    "local(time).getHours() >= 22 || local(time).getHours() < 6", 'u > duration("10m")', "has(event.s) && b",
    'e == "p"', "d != d", "b || !has(event.b)", "u.getHours() >= 24", 's == "a" ? b : !b', "size(l) > 0",
])
def test_what_can_be_is_left_alone(text: str) -> None:
    assert told(text) == []


VALUES: dict[str, list[Any]] = {"s": ["a", "b", "c"], "n": [0, 1, 2, 3], "b": [False, True]}
EVENTS = [Event("1", "x", "a.b", 0, 0, None, None, dict(zip(VALUES, values, strict=True)), 0, 0)
          for values in product(*VALUES.values())]
number, letter = st.integers(-1, 4), st.sampled_from("abcd")
clause = st.one_of(
    st.builds("{} {} {}".format, st.just("n"), st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), number),
    st.builds("{1} {0} n".format, st.sampled_from(["==", "<", ">="]), number),
    st.builds("{} {} '{}'".format, st.just("s"), st.sampled_from(["==", "!=", "<", ">="]), letter),
    st.builds("s in {}".format, st.lists(letter, max_size=3)),
    st.builds("n in {}".format, st.lists(number, max_size=3)),
    st.sampled_from(["b", "b == true", "b != true", "n * 2 > 3", "n + n == 4", "true", "1 > 2"]),
)
conditions = st.recursive(clause, lambda part: st.one_of(
    st.builds("({} && {})".format, part, part), st.builds("({} || {})".format, part, part), st.builds("!({})".format, part),
), max_leaves=8)


def outcomes(text: str) -> list[Any]:
    function = compiled(text)
    return [function(event) for event in EVENTS]


@given(conditions)
def test_what_is_decided_can_stand_as_true_or_false(text: str) -> None:
    expression = compiled(text)
    places = spans(expression)
    for one in decided(expression):
        start, end = places[id(one.node)]
        plain = f"{text[:start]}{'true' if one.holds else 'false'}{text[end:]}"
        assert outcomes(plain) == outcomes(text), plain


@given(conditions, conditions)
def test_what_is_implied_follows(one: str, other: str) -> None:
    if implies(compiled(one), compiled(other)):
        assert all(second for first, second in zip(outcomes(one), outcomes(other), strict=True) if first)


def test_each_condition_implies_itself_and_less() -> None:
    for text, less in [("n > 5", "n > 3"), ('s == "a" && n > 5', 's in ["a", "b"]'), ("b", "b"), ("d > 2.5", "d > 2"),
                       ('s.startsWith("x") && b', 's.startsWith("x")')]:
        assert implies(compiled(text), compiled(less))
        assert less == text or not implies(compiled(less), compiled(text))
