"""The envelopes as subscribers read them, byte for byte; and the texts in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from streams.conditions import Expression
from streams.findings import RETRACTED, Finding
from streams.respond import Output, Respond
from streams.rules import Alert, City, Dispatch, Rule
from tests.responses import bundle, finding, frame, of_alerts, read, rows, rule

GOLDEN = Path(__file__).parent / "golden"
FACTS = {
    "place.lat": 40.12, "place.lon": -75.34, "place.address": "ELM ST", "place.district": "WEST", "cars": 3.0,
    "when": 1_751_371_200_000_000, "span": 5_400_000_000,
}


def fact(path: str, type: str) -> Expression:
    """A path that the rule's texts read."""
    return Expression(path, type, lambda event: event.fields[path])


CRASH = rule(
    "crash-series", severity="severe", owner="traffic-police", by=("place.district",),
    facts={"when": fact("when", "timestamp"), "span": fact("span", "duration"), "cars": fact("cars", "int")},
    alert=Alert("{{ count }} crashes at {{ place.address }}", "From {{ opened }}: {{ cars }} cars{{ gone }}.",
                "runbooks/crash.md", "Transport"),
    dispatch=Dispatch("traffic-police", 2, "Go to {{ key.place.district }}, {{ place.address }}"),
)


def crash(**parts: Any) -> Finding:
    """A finding of that rule with everything in it."""
    whole: dict[str, Any] = {
        "id": "5f", "rule": "crash-series", "key": {"place.district": "WEST"}, "evidence": "e1 e2 e3 e4 e5",
        "value": 5.0, "facts": FACTS, "at": 0.5, "cause": "",
    }
    return finding(**whole | parts)


def outputs_of(one: Finding, *rules: Rule, city: str = "montgomery") -> list[Output]:
    return Respond(bundle(*rules, city=City(city, "America/New_York"))).step(0, frame(rows([one])))


@pytest.mark.parametrize(("name", "number"), [("alert", 0), ("dispatch", 1)])
def test_golden(name: str, number: int) -> None:
    output = outputs_of(crash(), CRASH)[number]
    written = orjson.loads((GOLDEN / f"{name}.json").read_bytes())
    assert output.value == orjson.dumps(written)  # as the file has it, in its order, without its blanks
    assert output.key.decode() == written["subject"]
    assert output.headers == (("content-type", b"application/cloudevents+json; charset=UTF-8"),)


@pytest.mark.parametrize(("text", "expected"), [
    ("{{ value }} {{ count }}", "5 5"),
    ("{{ opened }}", "2025-07-01 08:00:00"),
    ("{{ when }} {{ span }}", "2025-07-01 08:00:00 1h30m"),
    ("ended {{ closed }}.", "ended ."),
    ("{{ rule.id }} {{ rule.severity }} {{ rule.owner }}", "crash-series severe traffic-police"),
    ("{{ key.place.district }}/{{ place.district }}", "WEST/WEST"),
    ("{{ first.cars }} {{ first.place.address }} {{ other.cars }}", "3 ELM ST "),
    ("", "Five crashes in ten minutes"),
    ("{{ gone }}", "Five crashes in ten minutes"),
])
def test_texts(text: str, expected: str) -> None:
    worded = msgspec.structs.replace(CRASH, alert=Alert(text), dispatch=None)
    assert read(outputs_of(crash(bound={"first": ["e1"]}), worded)[0])["data"]["title"] == expected


def test_a_fact_goes_before_what_is_built_in() -> None:
    worded = msgspec.structs.replace(CRASH, alert=Alert("{{ value }}"))
    assert read(outputs_of(crash(facts={"value": 9}), worded)[0])["data"]["title"] == "9"


@pytest.mark.parametrize(("parts", "expected"), [
    ({}, "Five crashes in ten minutes: 5 events, value 5, place.district WEST."),
    ({"evidence": "e1", "value": None, "key": {}}, "Five crashes in ten minutes: 1 event."),
    ({"evidence": "", "value": 0.25, "key": {"device": "g7"}},
     "Five crashes in ten minutes: no event, value 0.25, device g7."),
    ({"evidence": "e1", "value": None, "key": {'has(road) ? road + "!" : id': "Elm St!"}},
     "Five crashes in ten minutes: 1 event, Elm St!."),
    ({"key": {"cell": "892aac94867ffff", "kind": "x"}}, "Five crashes in ten minutes: 5 events, value 5, kind x."),
])
def test_why(parts: dict[str, Any], expected: str) -> None:
    assert read(outputs_of(crash(**parts), CRASH)[0])["data"]["why"] == expected


@pytest.mark.parametrize(("parts", "place", "district"), [
    ({}, {"lat": 40.12, "lon": -75.34, "address": "ELM ST"}, "WEST"),
    ({"facts": {}}, None, "WEST"),
    ({"facts": {}, "key": {"district": "north"}}, None, "north"),
    ({"facts": {"place.district": "south"}, "key": {"device": 7}}, None, "south"),
    ({"facts": {"place": {"lat": 1.0}}, "key": {}}, {"lat": 1.0, "lon": None, "address": None}, ""),
])
def test_where(parts: dict[str, Any], place: dict[str, Any] | None, district: str) -> None:
    seen = read(outputs_of(crash(**parts), CRASH)[0])["data"]
    assert (seen["place"], seen["district"]) == (place, district)


@pytest.mark.parametrize(("parts", "urgency", "certainty"), [
    ({"severity": "extreme"}, "immediate", "observed"),
    ({"severity": "severe"}, "immediate", "observed"),
    ({"severity": "moderate"}, "expected", "observed"),
    ({"severity": "info"}, "future", "observed"),
    ({"spec": {"baseline": {"memory": 1}}}, "immediate", "likely"),
    ({"kind": "hotspot"}, "immediate", "likely"),
])
def test_words_of_cap(parts: dict[str, Any], urgency: str, certainty: str) -> None:
    seen = read(outputs_of(crash(), msgspec.structs.replace(CRASH, **parts))[0])["data"]
    assert (seen["urgency"], seen["certainty"]) == (urgency, certainty)


def test_the_source_is_a_uri_reference_whatever_the_city_is_called() -> None:
    assert read(outputs_of(crash(), CRASH, city="St. Gallen/Süd")[0])["source"] == "/tocsin/St.%20Gallen%2FS%C3%BCd"


def test_a_time_beyond_the_calendar_is_its_end() -> None:
    """A clock that was finished stands at the end of all time."""
    event = read(outputs_of(msgspec.structs.replace(crash(), at=2**62), CRASH)[0])
    assert event["recordedtime"] == "9999-12-31T23:59:59.999999Z"
    assert event["time"] == "2025-07-01T12:00:00.000000Z"


def test_whatever_a_value_is_it_can_be_sent() -> None:
    odd = {"list": [1, {"a": None}], "nan": float("nan"), "big": 2**64 - 1, "bytes": b"\xff", "text": "\u202e\x00é"}
    seen = read(outputs_of(crash(value=odd, key={"k": [True]}, facts={"place.address": odd}), CRASH)[0])["data"]
    assert seen["value"]["list"] == [1, {"a": None}]
    assert seen["value"]["nan"] is None
    assert seen["key"] == {"k": [True]}


def test_all_fields_are_there_whatever_is_told() -> None:
    fold = Respond(bundle(CRASH))
    first = fold.step(0, frame(rows([crash()])))
    second = fold.step(1, frame(rows([crash(sequence=2, change=RETRACTED, facts={}, value=None)], offset=1)))
    for before, after in zip(of_alerts(first), of_alerts(second), strict=True):
        assert list(read(before)["data"]) == list(read(after)["data"])
