"""Open311 GeoReport v2: answers fit the specification, in XML and in JSON; what is hostile is refused in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jsonschema
import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from streams.clocks import DAY, MINUTE, rfc3339
from streams.findings import ResponseFrame
from streams.formats.open311 import FIELDS, LONGEST, Answer, Asked, Office, Service, answer, request_of
from streams.respond import Respond
from tests.responses import NOON, RULES, logs, read, run

TEXT = {"type": "string"}
TIME = {"type": ["string", "null"], "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.*(Z|[+-]\d\d:\d\d)$"}


def list_of(needed: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """A list of objects with these fields, the first ones needed, and no others."""
    return {"type": "array", "items": {"type": "object", "properties": {**needed, **more}, "required": list(needed),
                                       "additionalProperties": False}}


NULLABLE = {"type": ["string", "null"]}
OTHERS = ("status_notes", "service_name", "description", "agency_responsible", "service_notice", "address",
          "address_id", "zipcode", "media_url")
REQUESTS = list_of(  # by the specification's table of GET requests
    {"service_request_id": TEXT, "status": {"enum": ["open", "closed"]}, "service_code": TEXT,
     "requested_datetime": {**TIME, "type": "string"}},
    {"lat": {"type": ["number", "null"]}, "long": {"type": ["number", "null"]}, "updated_datetime": TIME,
     "expected_datetime": TIME, **dict.fromkeys(OTHERS, NULLABLE)})
SERVICES = list_of(
    {"service_code": TEXT, "service_name": TEXT, "description": TEXT, "metadata": {"type": "boolean"},
     "type": {"enum": ["realtime", "batch", "blackbox"]}, "keywords": TEXT, "group": TEXT}, {})
TAKEN = list_of({"service_request_id": TEXT, "service_notice": TEXT, "account_id": TEXT}, {})
ERRORS = list_of({"code": {"type": "integer"}, "description": {"type": "string", "minLength": 10}}, {})
REQUEST = {"service_request_id": "c1", "status": "open", "service_code": "hole", "requested_datetime": rfc3339(NOON),
           "service_name": "A hole <&>", "lat": 40.5, "long": -75.0}
OLD = {**REQUEST, "service_request_id": "c2", "status": "closed", "service_code": "light",
       "requested_datetime": rfc3339(NOON - 100 * DAY)}
OFFICE = Office(
    [Service("hole", "A hole in a road", "Whatever one can fall into", "roads", ("pothole", "road")),
     Service("light", "A light that is out")],
    [REQUEST, OLD], frozenset(["k"]), "city.example", "https://city.example/311", "311@city.example")
REPORT = {"api_key": "k", "service_code": "hole", "lat": "40.1", "long": "-75", "description": "Ein+Loch%2C+gro%C3%9F"}


def ask(path: str, query: str = "", office: Office = OFFICE) -> Answer:
    return answer(office, Asked("GET", path, query), NOON)


def report(changes: Mapping[str, str | None] | None = None, **asked: Any) -> Answer:
    form = "&".join(f"{name}={value}" for name, value in {**REPORT, **(changes or {})}.items() if value is not None)
    plain = Asked("POST", "requests.json", body=form.encode())
    return answer(OFFICE, msgspec.structs.replace(plain, **asked), NOON, "n1")


def listed(found: Answer) -> list[dict[str, Any]]:
    """An answer in XML as the list that JSON would be."""
    root = etree.fromstring(found.body)
    return [{part.tag: part.text or "" for part in one} for one in root]


def test_what_can_be_reported() -> None:
    told = orjson.loads(ask("services.json").body)
    jsonschema.validate(told, SERVICES)
    assert told[0] == {"service_code": "hole", "service_name": "A hole in a road", "metadata": False,
                       "description": "Whatever one can fall into", "type": "realtime", "keywords": "pothole,road",
                       "group": "roads"}
    found = ask("/services.xml", "jurisdiction_id=city.example")
    assert found.content_type == "text/xml; charset=utf-8"
    assert found.body.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<services><service><service_code>hole<')
    assert [one["metadata"] for one in listed(found)] == ["false", "false"]
    assert orjson.loads(ask("services/hole.json").body) == {"service_code": "hole", "attributes": []}
    assert b"<service_definition><service_code>hole</service_code><attributes>" in ask("services/hole.xml").body
    assert ask("discovery.xml").body.count(b"<format>") == 2


@pytest.mark.parametrize(("query", "expected"), [
    ("", ["c1"]),
    ("status=open", ["c1"]),
    ("status=closed", []),
    ("status=open,closed&service_code=hole,light", ["c1"]),
    ("service_code=light", []),
    ("service_request_id=c2,c1", ["c1", "c2"]),
    ("start_date=2025-03-01T00:00:00Z&end_date=2025-04-01T00:00:00%2B08:00", ["c2"]),
    ("start_date=2025-03-01T00:00:00Z", ["c2"]),
    ("end_date=2025-05-01T00:00:00Z", ["c2"]),
    ("end_date=2025-07-01T11:59:59Z", []),
])
def test_which_requests_are_given(query: str, expected: list[str]) -> None:
    assert [one["service_request_id"] for one in orjson.loads(ask("requests.json", query).body)] == expected
    assert [one["service_request_id"] for one in listed(ask("requests.xml", query))] == expected


def test_one_request() -> None:
    [told] = orjson.loads(ask("requests/c2.json").body)
    assert told["status"] == "closed"
    [other] = listed(ask("requests/c2.xml"))
    assert list(told) == list(other) == list(FIELDS)
    assert other["service_name"] == "A hole <&>"


def test_a_report_becomes_a_record() -> None:
    found = report({"attribute[depth]": "3", "email": "a%40b.example", "surprise": "x"})
    jsonschema.validate(orjson.loads(found.body), TAKEN)
    assert (found.status, found.record) == (200, {
        "service_request_id": "n1", "requested_datetime": rfc3339(NOON), "service_code": "hole", "lat": 40.1,
        "long": -75.0, "email": "a@b.example", "description": "Ein Loch, groß", "service_name": "A hole in a road",
        "attributes": {"depth": "3"}})
    spoken = {**REPORT, "description": "x", "lat": 40.1, "long": 1e-5}
    other = report(body=orjson.dumps(spoken), content_type="application/json; charset=utf-8", path="requests.xml")
    assert other.record is not None
    assert (other.record["lat"], other.record["long"]) == (40.1, 0.00001)
    assert listed(other) == [{"service_request_id": "n1", "service_notice": "", "account_id": ""}]
    assert report({"lat": None, "address_string": "Elm+St"}).record is not None


@pytest.mark.parametrize(("found", "status", "told"), [
    (ask("requests.yaml"), 404, "there is no such resource"),
    (ask("../etc/passwd"), 404, "there is no such resource"),
    (ask("requests/none.json"), 404, "no such service_request_id"),
    (ask("services/none.json"), 404, "no such service_code"),
    (ask("services.json", "jurisdiction_id=other"), 404, "no such jurisdiction_id"),
    (ask("requests.json", "status=new"), 400, "a status is open or closed"),
    (ask("requests.json", "start_date=yesterday"), 400, "a date is written as"),
    (ask("requests.json", "start_date=2025-01-01T00:00:00Z&end_date=2025-06-01T00:00:00Z"), 400, "90 days apart"),
    (ask("requests.json", "status=open&status=closed"), 400, "given twice"),
    (ask("requests.json", "stat%75s=open&status=closed"), 400, "given twice"),
    (ask("requests.json", "status=%ff"), 400, "not UTF-8"),
    (ask("requests.json", "&".join(f"a{number}=" for number in range(101))), 400, "more than 100 parameters"),
    (answer(OFFICE, Asked("DELETE", "requests/c1.json"), NOON), 405, "only reports are sent with POST"),
    (report(path="services.json"), 405, "only reports are sent with POST"),
    (report({"api_key": None}), 403, "an api_key is needed"),
    (report({"api_key": ""}), 403, "an api_key is needed"),
    (report({"service_code": None}), 400, "service_code was not given"),
    (report({"service_code": "none"}), 404, "no such service_code"),
    (report({"lat": None}), 400, "lat and long, an address_string or an address_id"),
    (report({"lat": "nan"}), 400, "lat is no number of degrees"),
    (report({"long": "181"}), 400, "long is no number of degrees"),
    (report({"description": "x" * (LONGEST + 1)}), 400, "longer than 4000 characters"),
    (report({"description": "ß"}), 400, "not percent-encoded"),
    (report(body=b"x" * 70_000), 400, "the report is longer"),
    (report(content_type="text/plain"), 400, "a report is sent as"),
    (report(content_type="application/json", body=b"["), 400, "unexpected end of data"),
    (report(content_type="application/json", body=b"[]"), 400, "an array, not an object"),
    (report(content_type="application/json", body=b"[" * 1000), 400, "nested deeper than"),
    (report(content_type="application/json", body=b'{"a":1,"a":2}'), 400, "a name stands twice"),
    (report(content_type="application/json", body=b'{"a":{}}'), 400, "texts and numbers and nothing within"),
])
def test_refused(found: Answer, status: int, told: str) -> None:
    assert (found.status, found.record) == (status, None)
    [error] = listed(found) if found.content_type.startswith("text/xml") else orjson.loads(found.body)
    jsonschema.validate([{**error, "code": int(error["code"])}], ERRORS)
    assert int(error["code"]) == status
    assert told in error["description"]


@given(logs())
def test_whatever_becomes_of_cases_their_requests_fit(log: list[ResponseFrame]) -> None:
    events = [read(output) for output in run(Respond(RULES), log) if output.topic in ("alerts", "cases")]
    newest = {one["subject"]: one for one in events if one["type"] != "tocsin.alert.operator"}
    cases = [one for one in newest.values() if one["type"].startswith("tocsin.case.")]
    requests = [request_of(one, newest.get(one["data"]["alert"])) for one in cases]
    office = msgspec.structs.replace(OFFICE, requests=requests)
    ids = ",".join(one["service_request_id"] for one in requests) or "none"
    told = orjson.loads(ask("requests.json", f"service_request_id={ids}", office).body)
    jsonschema.validate(told, REQUESTS)
    assert len(told) == len(cases)
    spoken = listed(ask("requests.xml", f"service_request_id={ids}", office))
    assert spoken == [{name: "" if value is None else str(value) for name, value in one.items()} for one in told]
    for one, case in zip(told, cases, strict=True):
        assert (one["status"] == "closed") == (case["data"]["state"] in ("closed", "cancelled", "merged"))


@given(st.text(max_size=30), st.text(max_size=60), st.binary(max_size=60),
       st.sampled_from(["GET", "POST"]), st.sampled_from(["application/json", "application/x-www-form-urlencoded"]))
def test_whatever_is_asked_there_is_an_answer(path: str, query: str, body: bytes, method: str, media: str) -> None:
    for one in (path, "requests.json", "services.xml"):
        found = answer(OFFICE, Asked(method, one, query, body, media), NOON + MINUTE, "n")
        assert found.status in (200, 400, 403, 404, 405)
        assert found.body
