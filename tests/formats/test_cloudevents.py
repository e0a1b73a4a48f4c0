"""CloudEvents 1.0: both modes read, structured mode written."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.formats import FormatError, cloudevents, decoder
from streams.formats import json as json_format
from streams.formats.cloudevents import encode

decode = decoder("cloudevents")
EVENT: dict[str, Any] = {
    "specversion": "1.0", "id": "e1", "source": "/sensors", "type": "sensor.rain",
    "time": "2026-07-01T10:00:00Z", "subject": "g7", "data": {"mm_per_h": 31.5},
}
HEADERS = {
    "ce_specversion": b"1.0", "ce_id": b"e1", "ce_source": b"/sensors", "ce_type": b"sensor.rain",
    "ce_time": b"2026-07-01T10:00:00Z", "ce_subject": b"g7", "content-type": b"application/json",
}
TEXT = st.text(st.characters(codec="utf-8"), min_size=1)
NAME = st.from_regex(r"[a-z]{3,8}", fullmatch=True)


def structured(**changes: Any) -> bytes:
    """The event with some parts changed; None takes a part away."""
    return json.dumps({name: part for name, part in (EVENT | changes).items() if part is not None}).encode()


def test_a_name_that_stands_twice_can_be_refused() -> None:
    twice = structured().replace(b'"data"', b'"id": "e2", "data"')
    assert decode(twice, {})["id"] == "e2"
    for value, headers in ((twice, {}), (b'{"a":1,"a":2}', HEADERS)):
        with pytest.raises(FormatError, match="stands twice"):
            cloudevents.decode(value, headers, json_format.strict)


def test_structured() -> None:
    assert decode(structured(), {}) == EVENT
    assert decode(structured(), {"content-type": b"application/cloudevents+json"}) == EVENT


def test_binary() -> None:
    assert decode(b'{"mm_per_h":31.5}', HEADERS) == EVENT | {"datacontenttype": "application/json"}


def test_extensions_stand_beside_the_attributes() -> None:
    assert decode(structured(recordedtime="x", count=3), {})["count"] == 3
    assert decode(b"{}", HEADERS | {"ce_recordedtime": b"x"})["recordedtime"] == "x"


def test_an_attribute_that_is_null_is_not_there() -> None:
    assert "subject" not in decode(json.dumps(EVENT | {"subject": None}).encode(), {})
    assert decode(json.dumps(EVENT | {"data": None}).encode(), {})["data"] is None


@pytest.mark.parametrize(("value", "content_type", "expected"), [
    (b"[1]", b"application/json; charset=utf-8", {"data": [1]}),
    (b"1", b"application/vnd.city+json", {"data": 1}),
    (b"{}", b"", {"data": {}}),
    (b"<a/>", b"application/xml", {"data": "<a/>"}),
    (b"\xff\x00", b"image/png", {"data_base64": "/wA="}),
    (b"", b"application/json", {}),
])
def test_data_is_read_by_its_type(value: bytes, content_type: bytes, expected: dict[str, Any]) -> None:
    headers = {name: text for name, text in HEADERS.items() if name != "content-type"}
    record = decode(value, headers | ({"content-type": content_type} if content_type else {}))
    assert {name: part for name, part in record.items() if name in ("data", "data_base64")} == expected
    encoded = base64.b64encode(value).decode()
    if value:
        event = structured(data=None, data_base64=encoded, datacontenttype=content_type.decode() or None)
        record = decode(event, {})
        assert {name: part for name, part in record.items() if name in ("data", "data_base64")} == expected


@pytest.mark.parametrize(("changes", "reason", "told"), [
    ({"id": None}, "not_cloudevent", "without `id`"),
    ({"id": "", "type": None}, "not_cloudevent", "without `id`, `type`"),
    ({"specversion": "0.3"}, "not_cloudevent", "`specversion` is not 1.0"),
    ({"source": 7}, "not_cloudevent", "`source` cannot be"),
    ({"time": 7}, "not_cloudevent", "`time` cannot be"),
    ({"zone": {"a": 1}}, "not_cloudevent", "`zone` cannot be"),
    ({"data_base64": "AAAA"}, "not_cloudevent", "stand alone"),
    ({"data": None, "data_base64": "A"}, "not_cloudevent", "not base64"),
    ({"data": None, "data_base64": "e30="}, "", ""),
    ({"data": None, "data_base64": "e30"}, "not_cloudevent", "not base64"),
    ({"data": None, "data_base64": "e3s="}, "not_json", "line 1"),
])
def test_refused_in_structured_mode(changes: dict[str, Any], reason: str, told: str) -> None:
    if not reason:
        assert decode(structured(**changes), {})["data"] == {}
        return
    with pytest.raises(FormatError) as caught:
        decode(structured(**changes), {})
    assert caught.value.reason == reason
    assert told in caught.value.text


@pytest.mark.parametrize(("value", "headers", "reason"), [
    (b"[]", {}, "not_an_object"),
    (b"{", {}, "not_json"),
    (b"{", HEADERS, "not_json"),
    (b"{}", {"ce_id": b"e1"}, "not_cloudevent"),
    (b"{}", HEADERS | {"ce_id": b"\xff"}, "not_utf8"),
    (b"{}", HEADERS | {"ce_specversion": b"2.0"}, "not_cloudevent"),
    (b"\xff", HEADERS, "not_utf8"),
])
def test_refused(value: bytes, headers: Mapping[str, bytes], reason: str) -> None:
    with pytest.raises(FormatError) as caught:
        decode(value, headers)
    assert caught.value.reason == reason


@given(st.dictionaries(NAME, TEXT), st.dictionaries(TEXT, TEXT | st.integers(0, 9)))
def test_what_is_written_is_read_back(extensions: dict[str, str], data: dict[str, Any]) -> None:
    attributes = {name: text for name, text in extensions.items() if name not in ("data", "time")}
    attributes |= {"specversion": "1.0", "id": "1", "source": "/x", "type": "t"}
    record = decode(encode(attributes, data), {})
    assert record == {"datacontenttype": "application/json", **attributes, "data": data}


def test_the_same_event_has_the_same_bytes_in_whatever_order_it_was_put_together() -> None:
    attributes = {"id": "1", "source": "/x", "type": "t", "sequence": "1", "correlationid": "c"}
    expected = (b'{"specversion":"1.0","id":"1","source":"/x","type":"t","datacontenttype":'
                b'"application/json","correlationid":"c","sequence":"1","data":{"b":1,"a":2}}')
    assert encode(attributes, {"b": 1, "a": 2}) == expected
    assert encode(dict(reversed(attributes.items())), {"b": 1, "a": 2}) == expected


def test_values_that_json_has_no_word_for() -> None:
    data: dict[Any, Any] = {
        "at": datetime(2026, 7, 1, 10, tzinfo=UTC), "for": timedelta(minutes=90), "raw": b"\xff",
        "set": frozenset({"b", "a"}), "nan": float("nan"), 7: 1, "other": complex(1, 2),
    }
    assert decode(encode({"id": "1", "source": "/x", "type": "t"}, data), {})["data"] == {
        "at": "2026-07-01T10:00:00.000000Z", "for": "1h30m", "raw": "/w==", "set": ["a", "b"], "nan": None,
        "7": 1, "other": "(1+2j)",
    }


def test_an_event_without_its_required_parts_is_not_written() -> None:
    with pytest.raises(ValueError, match="needs source, type"):
        encode({"id": "1"}, {})
