"""Texts with places for values: parsed once, every mistake with its column; rendering fails on nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import zone_of
from streams.texts import VALUE_LIMIT, Placeholder, Text, TextError, look_up, show, text_of

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(("text", "values", "expected"), [
    ("no place", {}, "no place"),
    ("", {}, ""),
    ("at {{ place.address }}", {"place.address": "Elm St"}, "at Elm St"),
    ("at {{place.address}}!", {"place": {"address": "Elm St"}}, "at Elm St!"),
    ("{{ a }}{{ b }}", {"a": 1, "b": 2}, "12"),
    ("{{ a }} and {{ gone }} and {{ a }}", {"a": 1}, "1 and  and 1"),
    ("{{ a.b }}", {"a": 1}, ""),
    ("{ a } }} {{ a }}", {"a": 1}, "{ a } }} 1"),
    ("{{ a }}", {"a": "{{ b }}", "b": 2}, "{{ b }}"),
    ("{{ a }}", {"a": 5.0}, "5"),
    ("{{ a }}", {"a": 0.1 + 0.2}, "0.3"),
    ("{{ a }}", {"a": 1e300}, "1e+300"),
    ("{{ a }}", {"a": float("nan")}, ""),
    ("{{ a }}", {"a": -3}, "-3"),
    ("{{ a }}", {"a": True}, "yes"),
    ("{{ a }}", {"a": None}, ""),
    ("{{ a }}", {"a": ["x", 2.0, None]}, "x, 2, "),
    ("{{ a }}", {"a": {"x": 1.0, "y": "z"}}, "x 1, y z"),
    ("{{ a }}", {"a": timedelta(minutes=90)}, "1h30m"),
    ("{{ a }}", {"a": NOON}, "2026-07-01 20:00:00"),
    ("{{ a }}", {"a": datetime(9999, 12, 31, 23, tzinfo=UTC)}, "9999-12-31 23:00:00"),
    ("{{ a }}", {"a": NOON.replace(tzinfo=None)}, "2026-07-01 12:00:00"),
    ("{{ a }}", {"a": "two\nlines\x1b[31m"}, "two lines [31m"),
    ("{{ a }}", {"a": "left\u202eright"}, "leftright"),
])
def test_render(text: str, values: dict[str, Any], expected: str) -> None:
    assert Text.parse(text).render(values, zone_of("Asia/Shanghai")) == expected


def test_a_long_value_is_cut() -> None:
    assert show("x" * VALUE_LIMIT) == "x" * VALUE_LIMIT
    assert show("x" * (VALUE_LIMIT + 1)) == "x" * (VALUE_LIMIT - 1) + "…"


@pytest.mark.parametrize(("text", "column", "length", "told"), [
    ("at {{ place", 4, 2, "not closed"),
    ("{{ a }} {{ b", 9, 2, "not closed"),
    ("at {{ }}", 4, 5, "names no value"),
    ("{{}}", 1, 4, "names no value"),
    ("{{ a + b }}", 4, 5, "'a + b' is not a path"),
    ("{{ a.}}", 4, 2, "'a.' is not a path"),
    ("{{ f(x) }}", 4, 4, "'f(x)' is not a path"),
    ("{{ 1a }}", 4, 2, "'1a' is not a path"),
    ("{{ {{ a }}", 4, 4, "'{{ a' is not a path"),
])
def test_mistakes(text: str, column: int, length: int, told: str) -> None:
    with pytest.raises(TextError) as caught:
        Text.parse(text)
    assert (caught.value.column, caught.value.length) == (column, length)
    assert told in caught.value.text
    assert str(caught.value) == f"column {column}: {caught.value.text}"
    assert isinstance(caught.value, ValueError)


def test_places_and_paths() -> None:
    text = text_of("{{ a }} at {{place.address}}, {{ a }}")
    assert text.placeholders == (Placeholder("a", 4), Placeholder("place.address", 14), Placeholder("a", 34))
    assert text.paths == ("a", "place.address")
    assert text.placeholders[1].length == 13


@given(st.text(st.sampled_from("{} a.b\n")))
def test_a_text_is_rendered_or_its_mistake_has_a_place(text: str) -> None:
    try:
        parsed = Text.parse(text)
    except TextError as error:
        spot = (error.column, error.length)
        assert 1 <= spot[0] <= spot[0] + spot[1] - 1 <= len(text)
        return
    assert all(text[place.column - 1 :].startswith(place.path) for place in parsed.placeholders)
    if not parsed.placeholders:
        assert parsed.render({}) == text


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


@given(VALUES)
def test_every_value_can_be_shown_on_one_line(value: Any) -> None:
    assert len(show(value, zone_of("Asia/Shanghai")).splitlines()) <= 1


def test_a_whole_path_goes_before_its_levels() -> None:
    assert look_up({"a.b": 1, "a": {"b": 2}}, "a.b") == 1
    assert look_up({"a": {"b": {"c": 3}}}, "a.b.c") == 3
    assert look_up({"a": [1]}, "a.b") is None
    assert look_up({"key": {"place.district": "west"}}, "key.place.district") == "west"
