"""CloudEvents 1.0, JSON format: reads structured and binary mode (Kafka binding), writes structured.

A record holds the attributes beside each other and `data`: JSON if it is JSON, else text; bytes
that are no text stay base64 under `data_base64`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from streams.clocks import micros, rfc3339, show_duration
from streams.formats import json
from streams.formats.contract import FormatError, Headers, check_size, utf8
from streams.reasons import DeadReason

CONTENT_TYPE = b"application/cloudevents+json; charset=UTF-8"
PREFIX = "ce_"
REQUIRED = ("specversion", "id", "source", "type")
ORDER = (*REQUIRED, "subject", "time", "datacontenttype", "dataschema")
_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME


def decode(value: bytes, headers: Headers, parse: Callable[[bytes], Any] = json.parse) -> dict[str, Any]:
    """The event; FormatError not_cloudevent where an attribute is missing or wrong, else as for JSON.

    `parse` reads the JSON; `json.strict` refuses a name that stands twice.
    """
    check_size(value)
    if any(name.startswith(PREFIX) for name in headers):
        return _binary(value, headers, parse)
    return _structured(json.as_object(parse(value)), parse)


def encode(attributes: Mapping[str, str], data: Mapping[str, Any]) -> bytes:
    """A structured event: known attributes in the order of the specification, extensions by name.

    `specversion` and `datacontenttype` are added. ValueError if a required attribute is missing.
    """
    known = {"specversion": "1.0", "datacontenttype": "application/json", **attributes}
    missing = [name for name in REQUIRED if not known.get(name)]
    if missing:
        raise ValueError(f"a CloudEvent needs {', '.join(missing)}")
    ordered = {name: known[name] for name in ORDER if name in known}
    ordered |= {name: known[name] for name in sorted(known) if name not in ORDER}
    return orjson.dumps({**ordered, "data": data}, default=plain, option=_OPTIONS)


def plain(value: Any) -> Any:
    """What JSON has no word for: instants as RFC 3339, durations as we write them, bytes as base64."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return rfc3339(micros(value))
    if isinstance(value, timedelta):
        return show_duration(value // timedelta(microseconds=1))
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)
    return str(value)


def _structured(found: dict[str, Any], parse: Callable[[bytes], Any]) -> dict[str, Any]:
    """An attribute that is null is one that is not there; `data` may be null."""
    record = {name: part for name, part in found.items() if part is not None or name == "data"}
    _check(record)
    encoded = record.pop("data_base64", None)
    if encoded is None:
        return record
    if "data" in record or not isinstance(encoded, str):
        raise _refused("`data_base64` must be text and stand alone, without `data`")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise _refused("`data_base64` is not base64") from None
    return record | _data(raw, str(record.get("datacontenttype", "")), parse)


def _binary(value: bytes, headers: Headers, parse: Callable[[bytes], Any]) -> dict[str, Any]:
    record: dict[str, Any] = {
        name.removeprefix(PREFIX): utf8(text) for name, text in headers.items() if name.startswith(PREFIX)
    }
    content_type = utf8(headers.get("content-type", b""))
    if content_type:
        record["datacontenttype"] = content_type
    record.pop("data", None)  # never an attribute
    _check(record)
    return record | _data(value, content_type, parse) if value else record


def _check(record: Mapping[str, Any]) -> None:
    """The required attributes are there, and all attributes are of types that attributes may have."""
    missing = [name for name in REQUIRED if not record.get(name)]
    if missing:
        raise _refused(f"without {', '.join(f'`{name}`' for name in missing)}")
    wrong = [
        name for name, value in record.items()
        if name != "data" and not isinstance(value, str if name in ORDER else str | int | bool)
    ]
    if wrong:
        raise _refused(f"{', '.join(f'`{name}`' for name in wrong)} cannot be an attribute's value")
    if record["specversion"] != "1.0":
        raise _refused("`specversion` is not 1.0")


def _data(raw: bytes, content_type: str, parse: Callable[[bytes], Any]) -> dict[str, Any]:
    """`data` of the declared type; without one it is JSON, as the specification says."""
    media = content_type.partition(";")[0].strip().lower()
    if not media or media.endswith(("/json", "+json")):
        return {"data": parse(raw)}
    try:
        return {"data": raw.decode("utf-8")}
    except UnicodeDecodeError:
        return {"data_base64": base64.b64encode(raw).decode()}


def _refused(text: str) -> FormatError:
    return FormatError(DeadReason.NOT_CLOUDEVENT, f"not a CloudEvent: {text}")
