"""Open311 GeoReport v2: what a city offers to report, what became of it, and a report as a record for a source. Pure.

`answer` takes a request as it came in over HTTP and gives what is sent back; a shell only carries bytes. XML is what
the specification demands, JSON is offered too. States are `open` and `closed` alone; the rest stands in `status_notes`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import msgspec
import orjson

from streams.clocks import DAY, parse_rfc3339, rfc3339
from streams.formats import json, xml
from streams.formats.contract import FormatError
from streams.records import Micros

REQUESTS_AT_MOST = 1000
SPAN: Micros = 90 * DAY
LONGEST = 4000
PARAMETERS_AT_MOST = 100
FORM = "application/x-www-form-urlencoded"
TYPES = {"xml": "text/xml; charset=utf-8", "json": "application/json; charset=utf-8"}
FIELDS = (
    "service_request_id", "status", "status_notes", "service_name", "service_code", "description",
    "agency_responsible", "service_notice", "requested_datetime", "updated_datetime", "expected_datetime", "address",
    "address_id", "zipcode", "lat", "long", "media_url",
)
REPORTED = (
    "service_code", "lat", "long", "address_string", "address_id", "email", "device_id", "account_id", "first_name",
    "last_name", "phone", "description", "media_url",
)
"""What a report may tell; it also has `attribute[...]`, `jurisdiction_id` and `api_key`."""
ONE_OF = {"endpoints": "endpoint", "formats": "format", "attributes": "attribute"}
"""What the parts of a list are called in XML."""
_PATH = re.compile(r"/?(?P<room>discovery|services|requests)(/(?P<id>[^/.]{1,200}))?\.(?P<format>xml|json)")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
Request: TypeAlias = dict[str, Any]
"""A service request as GeoReport has it; what is not known is absent."""


class Service(msgspec.Struct, frozen=True):
    """Something that can be reported."""

    code: str
    name: str
    description: str = ""
    group: str = ""
    keywords: tuple[str, ...] = ()


class Office(msgspec.Struct, frozen=True):
    """Who answers: the services that it offers, the requests that it knows, and who may report.

    `keys` are the API keys that may report; without one nobody may. `jurisdiction`, if
    there is one, must be that of whoever asks. `url` and `contact` are for those who look the service up.
    """

    services: Sequence[Service]
    requests: Sequence[Request] = ()
    keys: frozenset[str] = frozenset()
    jurisdiction: str = ""
    url: str = ""
    contact: str = ""


class Asked(msgspec.Struct, frozen=True):
    """A request as it came in; `query` without `?`. `content_type` is that of the `body`."""

    method: str
    path: str
    query: str = ""
    body: bytes = b""
    content_type: str = FORM


class Answer(msgspec.Struct, frozen=True):
    """What is sent back; `record` is what was reported, to be put on the topic of a source, None of all else."""

    status: int
    content_type: str
    body: bytes
    record: dict[str, Any] | None = None


class _Refused(Exception):
    """An answer that says no."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def answer(office: Office, asked: Asked, now: Micros, id: str = "") -> Answer:
    """What is said to a request at a moment; `id` is what a report will be known by, the same if it is sent again."""
    found = _PATH.fullmatch(asked.path)
    format = found["format"] if found else "xml"
    try:
        if found is None:
            raise _Refused(404, "there is no such resource; there are discovery, services and requests, .xml or .json")
        if len(asked.body) > LONGEST * 16:
            raise _Refused(400, f"the report is longer than {LONGEST * 16} bytes")
        return _answered(office, asked, found["room"], found["id"], format, now, id)
    except _Refused as error:
        told = [{"code": error.status, "description": str(error)}]
        return Answer(error.status, TYPES[format], _written(told, format, "errors", "error"))
    except FormatError as error:
        told = [{"code": 400, "description": error.text}]
        return Answer(400, TYPES[format], _written(told, format, "errors", "error"))


def request_of(case: Mapping[str, Any], alert: Mapping[str, Any] | None = None) -> Request:
    """A case, as its newest CloudEvent tells it, as a service request; its alert's newest tells where it is."""
    told = case["data"]
    seen = {} if alert is None else alert["data"]
    place = seen.get("place") or {}
    due = [time for stage, time in told["due"].items() if stage == "closed" and time] or [
        time for time in told["due"].values() if time]
    found = {
        "service_request_id": told["case"], "status": told["open311_status"], "status_notes": _notes(told),
        "service_name": told["title"], "service_code": told["rule"] or told["category"],
        "description": seen.get("summary") or told["title"], "agency_responsible": told["unit"] or told["owner"],
        "requested_datetime": told["born_at"], "updated_datetime": case["time"],
        "expected_datetime": max(due, default=None), "address": place.get("address"), "lat": place.get("lat"),
        "long": place.get("lon"),
    }
    return {name: value for name, value in found.items() if value not in (None, "")}


def _notes(told: Mapping[str, Any]) -> str:
    """The state in words, with the reason that was given."""
    state = told["state"].replace("_", " ")
    heir = f" into {told['merged_into']}" if told["merged_into"] else ""
    return f"{state}{heir}: {told['reason']}" if told["reason"] else state + heir


def _answered(office: Office, asked: Asked, room: str, id: str | None, format: str, now: Micros,
              new: str) -> Answer:
    given = _parameters(asked.query)
    if asked.method == "POST" and room == "requests" and id is None:
        return _taken(office, {**given, **_reported(asked)}, format, now, new)
    if asked.method != "GET":
        raise _Refused(405, "only reports are sent with POST, to requests")
    _in_jurisdiction(office, given)
    if room == "discovery":
        return _said(_discovery(office), format, "discovery", "")
    if room == "services":
        return _said([_service(one) for one in office.services], format, "services", "service") if id is None else (
            _said(_definition(office, id), format, "service_definition", ""))
    chosen = _one(office, id) if id is not None else _chosen(office, given, now)
    return _said([_shown(one) for one in chosen], format, "service_requests", "request")


def _said(told: Any, format: str, root: str, each: str) -> Answer:
    return Answer(200, TYPES[format], _written(told, format, root, each))


def _in_jurisdiction(office: Office, given: Mapping[str, str]) -> None:
    wanted = given.get("jurisdiction_id", "")
    if office.jurisdiction and wanted and wanted != office.jurisdiction:
        raise _Refused(404, "there is no such jurisdiction_id here")


def _service(one: Service) -> dict[str, Any]:
    return {"service_code": one.code, "service_name": one.name, "description": one.description, "metadata": False,
            "type": "realtime", "keywords": ",".join(one.keywords), "group": one.group}


def _known(office: Office, code: str) -> Service:
    one = next((one for one in office.services if one.code == code), None)
    if one is None:
        raise _Refused(404, "there is no such service_code")
    return one


def _definition(office: Office, code: str) -> dict[str, Any]:
    """No service here asks for more than every report tells."""
    return {"service_code": _known(office, code).code, "attributes": []}


def _discovery(office: Office) -> dict[str, Any]:
    endpoint = {"specification": "http://wiki.open311.org/GeoReport_v2", "url": office.url, "type": "production",
                "formats": ["text/xml", "application/json"]}
    return {"contact": office.contact, "key_service": "", "endpoints": [endpoint]}


def _one(office: Office, id: str) -> list[Request]:
    found = [one for one in office.requests if one["service_request_id"] == id]
    if not found:
        raise _Refused(404, "there is no such service_request_id")
    return found


def _chosen(office: Office, given: Mapping[str, str], now: Micros) -> list[Request]:
    """Those asked for; by id whenever they were, else of 90 days, the newest first."""
    if given.get("service_request_id"):
        wanted = given["service_request_id"].split(",")
        return [one for one in office.requests if one["service_request_id"] in wanted][:REQUESTS_AT_MOST]
    begin, end = _span(given, now)
    codes = [code for code in given.get("service_code", "").split(",") if code]
    states = [state for state in given.get("status", "").split(",") if state]
    if set(states) - {"open", "closed"}:
        raise _Refused(400, "a status is open or closed")
    found = [
        one for one in office.requests
        if begin <= parse_rfc3339(one["requested_datetime"]) <= end
        and (not codes or one["service_code"] in codes) and (not states or one["status"] in states)
    ]
    newest = sorted(found, key=lambda one: (-parse_rfc3339(one["requested_datetime"]), one["service_request_id"]))
    return newest[:REQUESTS_AT_MOST]


def _span(given: Mapping[str, str], now: Micros) -> tuple[Micros, Micros]:
    begin, end = (_instant(given.get(name)) for name in ("start_date", "end_date"))
    last = end if end is not None else now if begin is None else begin + SPAN
    first = begin if begin is not None else last - SPAN
    if last - first > SPAN:
        raise _Refused(400, "start_date and end_date may lie 90 days apart")
    return first, last


def _instant(text: str | None) -> Micros | None:
    if not text:
        return None
    try:
        return parse_rfc3339(text)
    except ValueError:
        raise _Refused(400, "a date is written as 2026-07-01T10:00:00Z") from None


def _shown(request: Request) -> Request:
    return {name: request.get(name) for name in FIELDS}


def _taken(office: Office, given: Mapping[str, str], format: str, now: Micros, id: str) -> Answer:
    """A report: what is told to whoever sent it, and the record."""
    if given.get("api_key", "") not in office.keys:
        raise _Refused(403, "an api_key is needed to report, and this is none")
    _in_jurisdiction(office, given)
    if not given.get("service_code"):
        raise _Refused(400, "service_code was not given")
    service = _known(office, given["service_code"])
    where = {name: _degree(given, name, most) for name, most in (("lat", 90), ("long", 180))}
    if (None in where.values()) and not (given.get("address_string") or given.get("address_id")):
        raise _Refused(400, "lat and long, an address_string or an address_id must be given")
    if any(len(value) > LONGEST for value in given.values()):
        raise _Refused(400, f"a part is longer than {LONGEST} characters")
    record: dict[str, Any] = {"service_request_id": id, "requested_datetime": rfc3339(now)}
    record |= {name: given[name] for name in REPORTED if given.get(name)}
    record |= {name: degree for name, degree in where.items() if degree is not None}
    record["service_name"] = service.name
    record["attributes"] = {name.removeprefix("attribute[").rstrip("[]"): value for name, value in given.items()
                            if name.startswith("attribute[")}
    told = [{"service_request_id": id, "service_notice": "", "account_id": given.get("account_id", "")}]
    return Answer(200, TYPES[format], _written(told, format, "service_requests", "request"), record)


def _degree(given: Mapping[str, str], name: str, most: float) -> float | None:
    text = given.get(name, "")
    if not text:
        return None
    if not re.fullmatch(r"[-+]?\d{1,3}(\.\d{1,20})?", text, re.ASCII) or abs(float(text)) > most:
        raise _Refused(400, f"{name} is no number of degrees (WGS 84)")
    return float(text)


def _reported(asked: Asked) -> dict[str, str]:
    """What a report says: a form, or an object of JSON."""
    media = asked.content_type.partition(";")[0].strip().lower()
    if media == "application/json":
        found = json.as_object(json.strict(asked.body))
        if not all(isinstance(value, str | int | float) for value in found.values()):
            raise _Refused(400, "a report holds texts and numbers and nothing within them")
        return {name: f"{value:.7f}" if isinstance(value, float) else str(value) for name, value in found.items()}
    if media != FORM:
        raise _Refused(400, f"a report is sent as {FORM}, or as application/json")
    try:
        return _parameters(asked.body.decode("ascii"))
    except UnicodeDecodeError:
        raise _Refused(400, "the form holds letters that are not percent-encoded") from None


def _parameters(text: str) -> dict[str, str]:
    """The parts of a query or a form; refused where one stands twice, or is not UTF-8 once it is decoded."""
    parts = [part for part in text.split("&") if part]
    if len(parts) > PARAMETERS_AT_MOST:
        raise _Refused(400, f"more than {PARAMETERS_AT_MOST} parameters")
    found: dict[str, str] = {}
    for part in parts:
        name, _, value = part.partition("=")
        if _decoded(name) in found:
            raise _Refused(400, "a parameter is given twice")
        found[_decoded(name)] = _decoded(value)
    return found


def _decoded(text: str) -> str:
    """Percent-decoding, `+` being a space."""
    raw = _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), text.replace("+", " ").encode())
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise _Refused(400, "a parameter is not UTF-8") from None


def _written(told: Any, format: str, root: str, each: str) -> bytes:
    """As JSON; or as XML, a list under its root with an element for each."""
    return orjson.dumps(told) if format == "json" else (xml.DECLARATION + _elements(told, root, each)).encode()


def _elements(told: Any, name: str, each: str = "") -> str:
    if isinstance(told, Mapping):
        return xml.element(name, [_elements(value, inner) for inner, value in told.items()])
    if isinstance(told, list):
        inner = each or ONE_OF.get(name, name)
        return xml.element(name, [_elements(one, inner) for one in told])
    return xml.element(name, _plain(told))


def _plain(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
