"""What expressions may name, and how events, records and keys are reached."""

from __future__ import annotations

from typing import Any

import pytest

from streams.conditions import Scope, compile_expression, event_scope, key_scope, record_scope
from streams.conditions.scope import Step, code_access
from streams.records import Place
from tests.conditions.events import ACCIDENT, GAS, MANHOLE, SENSORS, TIME, event, reason, told, value

SCOPE = event_scope([ACCIDENT], lists={"watched": ["N1", "N3"], "floors": [1, 2]}, registers={"sensors": SENSORS})


def test_parts_of_every_event() -> None:
    one = event(place=Place(1.5, 2.5, "west", address="Main St"), severity="minor")
    assert value("[id, source, type, severity]", SCOPE, one) == ["e1", "feed", "traffic.accident", "minor"]
    assert value("[place.lat, place.lon]", SCOPE, one) == [1.5, 2.5]
    assert value("place.district + place.address", SCOPE, one) == "westMain St"
    assert value('time == timestamp("2026-01-01T00:00:00Z")', SCOPE, one) is True
    assert value("received - time", SCOPE, one) == 1_000_000


def test_what_an_event_lacks_fails_and_does_not_compare() -> None:
    for text in ('severity != "minor"', "place.lat < 1.0", 'place.district == "west"', "lane == 'N1'", "distance(place, place) < 1"):
        assert reason(text, SCOPE, event()) == "missing"


def test_has_asks_without_failing() -> None:
    one = event(lane="N1", place=Place(1.0, 2.0))
    assert value("has(event.lane) && has(place.lat) && has(event.place) && has(event.place.lon)", SCOPE, one) is True
    assert value("has(event.injured) || has(place.district) || has(event.severity)", SCOPE, one) is False
    assert value("has(place.lat)", SCOPE, event()) is False


def test_a_field_is_also_reached_through_event() -> None:
    found = compile_expression('event.lane == "N1" && event.place.district == "west"', SCOPE)
    assert found(event(lane="N1", place=Place(district="west"))) is True
    assert found.paths == {"lane", "place.district"}


def test_fields_named_like_types_or_words_of_cel() -> None:
    scope = event_scope([ACCIDENT.__class__("a", {"int": "string", "in": "int", "list": "bool", "string": "int"})])
    fields: dict[str, Any] = {"int": "x", "list": True, "string": 3, "in": 1}
    assert value('int == "x" && event.`in` == 1 && list && type(string) == type(1)', scope,
                 event(**fields)) is True


def test_instants_and_spans_are_microseconds_outside() -> None:
    one = event(reported=TIME, lasted=90_000_000)
    assert value("reported", SCOPE, one) == TIME
    assert value("lasted + lasted", SCOPE, one) == 180_000_000
    assert value("reported + lasted", SCOPE, one) == TIME + 90_000_000
    assert value('[lasted, duration("1s")]', SCOPE, one) == [90_000_000, 1_000_000]
    assert value("lasted.getSeconds() == 90 && reported == time", SCOPE, one) is True
    assert compile_expression("lasted", SCOPE).type == "duration"


def test_types_that_disagree_on_a_field_make_it_dynamic() -> None:
    scope = event_scope([ACCIDENT, GAS])
    assert value("speed == 3", scope, event(speed=3.0)) is True
    assert value('speed == "fast"', scope, event("sensor.gas", speed="fast")) is True


def test_a_place_as_a_field() -> None:
    one = event(camera=[1.0, 2.0], place=Place(1.0, 2.0))
    assert value("camera.lat < camera.lon && has(camera.lat) && !has(camera.district)", SCOPE, one) is True
    assert value("distance(camera, place)", SCOPE, one) == 0.0


def test_lists() -> None:
    assert value("lane in lists.watched && injured in lists.floors", SCOPE, event(lane="N3", injured=2)) is True
    assert value("lane in lists.watched", SCOPE, event(lane="N2")) is False
    assert value("size(lists.watched) == 2 && lists.watched[0] == 'N1'", SCOPE, event()) is True


def test_rows_of_a_register_are_typed() -> None:
    text = 'register("sensors", lane).report_interval'
    assert compile_expression(text, SCOPE).type == "duration"
    assert value(text, SCOPE, event(lane="m1")) == 600_000_000
    assert value('register("sensors", lane).limit > 4 && register("sensors", lane).since == time', SCOPE, event(lane="m1")) is True
    assert value('distance(register("sensors", lane).place, place) < 1', SCOPE, event(lane="m1", place=Place(1.0, 2.0))) is True
    assert value('has(register("sensors", lane).team)', SCOPE, event(lane="m2")) is False
    assert reason('register("sensors", lane).team == "x"', SCOPE, event(lane="m2")) == "missing"
    assert reason('register("sensors", lane).team == "x"', SCOPE, event(lane="m9")) == "missing"


def test_an_open_scope_takes_any_field() -> None:
    scope = event_scope([], open=True)
    assert value('zip == 19446 && title.startsWith("EMS")', scope, event(zip=19446, title="EMS: FALL")) is True
    assert value("has(event.zip) && !has(event.zap) && event.zip > 3", scope, event(zip=19446)) is True
    assert value("tags.exists(x, x == zip)", scope, event(zip=1, tags=[2, 1])) is True
    assert reason("zip > 'a'", scope, event(zip=1)) == "wrong_type"
    assert reason("nothing == 1", scope, event()) == "missing"
    assert compile_expression("zip == 1 && event.title == 'x'", scope).paths == {"zip", "title"}


def test_bound_events_are_reached_by_their_facts() -> None:
    scope = event_scope([ACCIDENT], bound={"cover": [MANHOLE]}, lists={"works": ["m1"]})
    bound = {"cover": {"device": "m1", "tilt_deg": 20.0, "place": [1.0, 2.0], "place.district": "west", "time": TIME}}
    one = event(place=Place(1.0, 2.0, "west"), injured=0)
    assert value("cover.device in lists.works && cover.tilt_deg > 15", scope, one, bound) is True
    assert value("distance(cover.place, place) < 1 && cover.place.district == place.district", scope, one, bound) is True
    assert value("cover.time == time && has(cover.device) && !has(cover.place.lat)", scope, one, bound) is True
    assert reason("cover.device == 'm1'", scope, one, {}) == "missing"
    assert value("has(cover.device)", scope, one, {}) is False
    assert compile_expression("cover.device == 'm1'", scope).paths == {"cover.device"}


def test_records_of_feeds() -> None:
    csv, json = record_scope("csv"), record_scope("json")
    assert value("'call.' + slug(record.title)", csv, {"title": "EMS: FALL VICTIM"}, 1) == "call.ems.fall_victim"
    assert value("string(row)", csv, {}, 7) == "7"
    assert value("double(record.at.lat)", json, {"at": {"lat": 3}}, 1) == 3.0
    assert value('record["at"]["lat"]', json, {"at": {"lat": 3}}, 1) == 3
    assert reason("record.title", json, {}, 1) == "missing"


def test_keys() -> None:
    scope = key_scope({"device": "string", "place.district": "string"}, registers={"sensors": SENSORS})
    assert value('register("sensors", device).report_interval', scope, {"device": "m1"}) == 600_000_000
    assert value('place.district == "west" ? 1 : 2', scope, {"place.district": "west"}) == 1


def test_code_names_the_access() -> None:
    scope = Scope({"alert.severity": ("string", "alert.severity"), "labels": ("map(string, string)", "alert.labels")}, ["alert"])
    alert = event(severity="severe")
    assert value('alert.severity == "severe"', scope, alert) is True
    assert code_access('a.b["c d"]').steps == (Step("b", True), Step("c d"))
    for wrong in ("f(x)", "a[i]", "a + b", "a.b()"):
        with pytest.raises(ValueError, match="not a plain access"):
            code_access(wrong)


def test_names_that_are_not_declared_are_refused() -> None:
    assert told("alert.severity", SCOPE)
