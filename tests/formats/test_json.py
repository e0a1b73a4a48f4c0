"""JSON records: what is read, what is refused and why."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.formats import LIMIT, MAX_DEPTH, FormatError, decoder
from streams.formats.json import strict
from streams.reasons import DeadReason

decode = decoder("json")
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def nested(depth: int) -> bytes:
    """An object in which lists are nested, `depth` levels in all."""
    return b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


@given(st.dictionaries(st.text(), VALUES))
def test_what_json_can_say_is_read(record: dict[str, Any]) -> None:
    assert decode(json.dumps(record, ensure_ascii=False).encode(), {}) == record


def outcome(name: str, value: bytes, headers: dict[str, bytes]) -> object:
    """The record, or the reason why there is none."""
    try:
        return decoder(name)(value, headers)
    except FormatError as error:
        return error.reason


@given(st.binary(max_size=200))
def test_whatever_the_bytes_are_there_is_a_record_or_a_reason(value: bytes) -> None:
    for name in ("json", "csv", "cloudevents", "cap"):
        for headers in ({}, {"columns": b"a,b"}, {"columns": value}, {"ce_id": value, "content-type": value}):
            assert isinstance(outcome(name, value, headers), dict | DeadReason)


@pytest.mark.parametrize(("value", "reason", "told"), [
    (b"", "not_json", "empty"),
    (b'{"a":', "not_json", "line 1"),
    (b'{"a":1,}', "not_json", "line 1"),
    (b'{"a":1} {"b":2}', "not_json", "line 1"),
    (b'{"a":NaN}', "not_json", "line 1"),
    (b'{"a":-Infinity}', "not_json", "line 1"),
    (b'{"a":1e999}', "not_json", "infinity"),
    (b'{"a":"\\ud800"}', "not_json", "surrogate"),
    (b'{"a":"\xff"}', "not_utf8", "byte 6"),
    ('{"a":1}'.encode("utf-16"), "not_utf8", "byte 0"),
    (b'[{"a":1}]', "not_an_object", "an array"),
    (b"null", "not_an_object", "null"),
    (b"true", "not_an_object", "true"),
    (b"7", "not_an_object", "a number"),
    (b'"text"', "not_an_object", "a string"),
    (nested(MAX_DEPTH + 1), "too_deep", str(MAX_DEPTH)),
    (nested(5000), "too_deep", str(MAX_DEPTH)),
    (b"[" * 1000, "too_deep", str(MAX_DEPTH)),
    (b'{"a":"' + b"x" * LIMIT + b'"}', "too_large", str(LIMIT)),
])
def test_refused(value: bytes, reason: str, told: str) -> None:
    with pytest.raises(FormatError) as caught:
        decode(value, {})
    assert caught.value.reason == reason
    assert told in caught.value.text


def test_a_name_that_occurs_twice_has_its_last_value() -> None:
    assert decode(b'{"a":1,"b":2,"a":3}', {}) == {"a": 3, "b": 2}


def test_strictly_a_name_stands_once() -> None:
    fine = b'\xef\xbb\xbf{"a":{"a":1,"b":[{"a":1e300},{"a":NULL}]}}'.replace(b"NULL", b"1" * 300)
    assert strict(fine) == json.loads(fine.decode("utf-8-sig"), parse_int=float)
    for twice in (b'{"a":1,"a":1}', b'[{"b":{"a":1,"a":2}}]', b'{"a":1,"\\u0061":2}'):
        with pytest.raises(FormatError, match="a name stands twice in one object"):
            strict(twice)
    with pytest.raises(FormatError, match="nested deeper"):
        strict(nested(MAX_DEPTH + 1))


def test_an_integer_beyond_64_bits_becomes_a_double() -> None:
    record = decode(b'{"a":18446744073709551615,"b":18446744073709551616}', {})
    assert record == {"a": 2**64 - 1, "b": 2.0**64}


def test_the_deepest_record_that_is_allowed() -> None:
    assert "a" in decode(nested(MAX_DEPTH), {})


def test_many_brackets_are_not_depth() -> None:
    assert decode(b'{"a":[' + b"[]," * 500 + b"[]]}", {})["a"] == [[]] * 501
    assert decode(b'{"a":"' + b"[{" * 500 + b'"}', {})["a"] == "[{" * 500


def test_a_byte_order_mark_is_skipped() -> None:
    assert decode(b'\xef\xbb\xbf{"a":1}', {}) == {"a": 1}


def test_an_unknown_format_names_those_there_are() -> None:
    with pytest.raises(ValueError, match="'xml' is not a format; there are json, csv, cloudevents, cap"):
        decoder("xml")
