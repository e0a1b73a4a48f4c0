"""Actions as CloudEvents: written and read again, and what is none is refused in words."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.actions import ROLES, Action
from streams.formats.contract import FormatError
from streams.formats.feedback import decode, encode

NOW = 1_751_371_200_000_000
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=10)


PEOPLE = [role for role in ROLES if role != "system"]


@given(st.builds(
    Action, WORDS, st.integers(0, NOW), WORDS, st.lists(st.sampled_from(PEOPLE)).map(tuple),
    st.sampled_from(["case.accept", "alert.ack"]), WORDS, WORDS, st.none() | st.integers(0, 9),
    st.lists(WORDS, max_size=2).map(tuple), st.lists(WORDS, max_size=2).map(tuple),
    st.dictionaries(WORDS, st.integers(-9, 9) | WORDS, max_size=2)))
def test_what_is_written_is_read_again(action: Action) -> None:
    assert decode(encode(action, "/console"), {}, NOW) == action


def event(**changed: Any) -> bytes:
    data = {"actor": "ann", "roles": ["unit"], **changed.pop("data", {})}
    whole = {"specversion": "1.0", "id": "1", "source": "/unit/3", "type": "tocsin.feedback.case.accept", "data": data}
    return orjson.dumps(whole | changed)


def test_a_time_from_the_future_is_that_of_receipt() -> None:
    assert decode(event(time="2099-01-01T00:00:00Z"), {}, NOW).at == NOW
    assert decode(event(), {}, NOW).at == NOW


@pytest.mark.parametrize(("changed", "text"), [
    ({"type": "tocsin.alert.firing"}, "its type is not"),
    ({"data": {"roles": ["chief"]}}, "there is no role 'chief'"),
    ({"data": {"roles": ["system"]}}, "no role of the system"),
    ({"data": {"actor": ""}}, "an action has an actor"),
    ({"data": {"reson": "x"}}, "unknown field `reson`"),
    ({"data": {"roles": "unit"}}, r"Expected `array`, got `str` - at `\$.roles`"),
    ({"time": "yesterday"}, "its time is not RFC 3339"),
])
def test_what_is_none_is_refused_in_words(changed: dict[str, Any], text: str) -> None:
    with pytest.raises(FormatError, match=text) as refused:
        decode(event(**changed), {}, NOW)
    assert refused.value.reason == "not_an_action"


def test_a_name_that_stands_twice_is_refused() -> None:
    twice = event().replace(b'"actor":"ann"', b'"actor":"ann","actor":"bob"')
    with pytest.raises(FormatError, match="a name stands twice"):
        decode(twice, {}, NOW)
