"""CAP 1.2: what is read, what an alert must mean, and lives of alerts as CAP."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from streams.clocks import DAY, HOUR, MINUTE, SECOND
from streams.findings import CLOSED, RETRACTED, UPDATED, ResponseFrame
from streams.formats import FormatError, decoder
from streams.formats.cap import grammar, meaning
from streams.formats.cap.telling import REFERENCES_KEPT, Teller, Told, again, tell
from streams.ingest.intake import Intake, Record
from streams.ingest.route import Router
from streams.records import Place
from streams.respond import Respond
from streams.rulefile import check
from tests.conformance.cap import SCHEMA, WHOLE
from tests.conftest import ROOT, shared
from tests.responses import NOON, RULES, finding, frame, logs, read, rows, run

decode = decoder("cap")
TELLER = Teller(sender="tocsin@city.example", zone="Asia/Shanghai")


def written(**changes: Any) -> dict[str, Any]:
    """The whole alert, with changes: of the first `info` under `info`, of its area under `area`."""
    record = deepcopy(WHOLE)
    record["info"][0].update(changes.pop("info", {}))
    record["info"][0]["area"][0].update(changes.pop("area", {}))
    return record | changes


def test_it_is_read_as_it_was_written() -> None:
    assert decode(grammar.write(WHOLE), {}) == WHOLE | {"point": {"lat": 1.5, "lon": 1.5}}
    square = written(area={"circle": []})
    assert decode(grammar.write(square), {})["point"] == {"lat": 1.5, "lon": 1.5}
    bare = {name: WHOLE[name] for name in ("identifier", "sender", "sent", "status", "msgType", "scope")}
    assert decode(grammar.write(bare), {}) == bare


@pytest.mark.parametrize(("value", "reason", "told"), [
    (b"<alert/>", "not_cap", "the root is no `alert` of urn:oasis:names:tc:emergency:cap:1.2"),
    (b'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.1"/>', "not_cap", "the root"),
    (grammar.write({}), "not_cap", "alert lacks identifier, sender, sent, status, msgType, scope"),
    (grammar.write(written(status="Real")), "not_cap", "alert/status is none of Actual, Exercise, System, Test, Draft"),
    (grammar.write(written(sent="2026-07-01T10:00:00Z")), "not_cap", "alert/sent is no time with an offset"),
    (grammar.write(written(info={"severity": "Bad"})), "not_cap", "alert/info/severity is none of Extreme"),
    (grammar.write(WHOLE).replace(b"<sent>", b"<b xmlns='x'/><sent>"), "not_cap", "element of another namespace"),
    (grammar.write(WHOLE).replace(b"<sent>", b"<scope>Public</scope><sent>"), "not_cap", "stands there twice or"),
    (grammar.write(WHOLE).replace(b"<sent>", b"secret<sent>"), "not_cap", "alert holds text between its elements"),
    (b"<!DOCTYPE alert>" + grammar.write(WHOLE).partition(b"\n")[2], "not_xml", "DOCTYPE"),
])
def test_refused(value: bytes, reason: str, told: str) -> None:
    with pytest.raises(FormatError) as caught:
        decode(value, {})
    assert caught.value.reason == reason
    assert told in caught.value.text
    assert "secret" not in caught.value.text


@pytest.mark.parametrize(("changes", "told"), [
    ({}, ""),
    ({"identifier": "a b"}, "`identifier` is empty, or holds a space"),
    ({"sender": "a,b"}, "`sender` is empty, or holds"),
    ({"restriction": ""}, "Restricted needs a `restriction`"),
    ({"scope": "Private", "addresses": ""}, "Private needs `addresses`"),
    ({"msgType": "Alert", "info": {}, "references": ""}, ""),
    ({"references": ""}, "Update needs `references`"),
    ({"msgType": "Cancel", "references": " "}, "Cancel needs `references`"),
    ({"references": "a,b"}, "a reference is not `sender,identifier,sent`"),
    ({"references": "a,b,2026-07-01T09:00:00Z"}, "a reference is not"),
    ({"references": "s@city.example,i1,2026-07-01T10:00:00+08:00"}, "it refers to itself"),
    ({"references": "a,b,2026-07-01T10:00:01+08:00"}, "sent later"),
    ({"references": "a,b,2026-07-01T09:00:00+08:00 a,b,2026-07-01T09:00:00+08:00"}, "one alert twice"),
    ({"info": {"expires": "2026-07-01T10:00:00+08:00"}}, "before it is sent"),
    ({"info": {"onset": "2026-07-03T10:00:00+08:00"}}, "before it is in force (`onset`)"),
    ({"info": {"effective": "2026-07-03T10:00:00+08:00"}}, "before it is in force (`effective`)"),
    ({"info": {"resource": [{"resourceDesc": "r", "mimeType": "m", "size": "-1"}]}}, "less than 0"),
    ({"area": {"areaDesc": " "}}, "`areaDesc` is empty"),
    ({"area": {"polygon": ["1,1 1,2 1,1"]}}, "fewer than 4 points"),
    ({"area": {"polygon": ["1,1 1,2 2,2 2,1"]}}, "does not end where it began"),
    ({"area": {"polygon": ["91,1 1,2 2,2 91,1"]}}, "no latitude and longitude"),
    ({"area": {"polygon": [""]}}, "no latitude and longitude"),
    ({"area": {"circle": ["1,1"]}}, "not `latitude,longitude radius`"),
    ({"area": {"circle": ["1,181 1"]}}, "not `latitude,longitude radius`"),
    ({"area": {"circle": ["1,1 -1"]}}, "not `latitude,longitude radius`"),
    ({"area": {"polygon": ["1,1 1,2 2,2 1,1"], "ceiling": "9"}}, "below the altitude"),
])
def test_what_it_must_mean(changes: dict[str, Any], told: str) -> None:
    found = meaning.faults(written(**changes))
    assert found == [] if not told else len(found) == 1 and told in found[0], found


def test_what_several_parts_must_mean_together() -> None:
    record = deepcopy(WHOLE)
    record["info"][1] |= {"language": "zh-CN", "headline": "h"}
    record["info"][0]["area"] = [{"areaDesc": "a", "altitude": "1"}, {"areaDesc": "b", "ceiling": "1"}]
    assert meaning.faults(record) == [
        "an area has an altitude and nothing else", "a ceiling needs an altitude",
        "the same `headline` stands in two languages"]
    assert meaning.faults({**record, "msgType": "Alert", "info": []}) == ["an Alert needs an `info`"]


def alerts(log: list[ResponseFrame]) -> Iterator[dict[str, Any]]:
    """The alerts of a log of findings."""
    return (read(output) for output in run(Respond(RULES), log) if output.topic in ("alerts", "shadow"))


def story(*told: Any, teller: Teller = TELLER) -> list[dict[str, Any] | None]:
    """What is told of one alert."""
    known, out = Told(), []
    for event in alerts([frame(rows(told))]):
        record, known = tell(teller, event, known)
        out.append(record)
    return out


def test_the_life_of_an_alert() -> None:
    first, second, third, fourth, late = story(
        finding(rule="plain"), finding(sequence=2, change=UPDATED, rule="plain", value=9, at=1),
        finding(sequence=3, change=CLOSED, rule="plain", closed=5, at=6),
        finding(sequence=4, change=UPDATED, rule="plain", at=7),
        finding(sequence=5, change=RETRACTED, rule="plain", at=8))
    assert first is not None
    assert second is not None
    assert third is not None
    assert fourth is not None
    assert late is not None
    assert [one["msgType"] for one in (first, second, third, fourth, late)] == [
        "Alert", "Update", "Cancel", "Alert", "Cancel"]
    assert "references" not in first
    assert second["references"] == f"tocsin@city.example,{first['identifier']},2025-07-01T20:00:00+08:00"
    assert third["references"].split() == [
        second["references"], f"tocsin@city.example,{second['identifier']},2025-07-01T20:01:00+08:00"]
    assert third["note"] == "It is over."
    assert third["info"][0]["responseType"] == ["AllClear"]
    assert "references" not in fourth
    assert late["note"] == "It was a mistake."
    assert late["info"][0]["certainty"] == "Unlikely"
    assert "responseType" not in late["info"][0]
    assert {one["incidents"] for one in (first, second, third, fourth, late)} == {first["incidents"]}


def test_what_is_over_is_not_told_again() -> None:
    told = story(finding(rule="plain"), finding(sequence=2, change=CLOSED, rule="plain", closed=5, at=6),
                 finding(sequence=3, change=UPDATED, rule="plain", closed=5, at=6, value=9))
    assert [one and one["msgType"] for one in told] == ["Alert", "Cancel", None]


def test_no_word_from_a_device_is_no_all_clear() -> None:
    told = story(finding(rule="plain"), finding(sequence=2, change=CLOSED, rule="plain", closed=5, ended="no_data"))
    assert told[1] is not None
    assert "responseType" not in told[1]["info"][0]


def test_what_is_no_change_of_an_alert_tells_nothing() -> None:
    [event] = alerts([frame(rows([finding(rule="plain")]))])
    _, known = tell(TELLER, event)
    for other in ("tocsin.alert.operator", "tocsin.alert.suppressed"):
        assert tell(TELLER, {**event, "type": other, "data": {"state": "normal"}}, known) == (None, known)


def test_it_is_told_again_before_it_expires() -> None:
    [event] = alerts([frame(rows([finding(rule="plain")]))])
    first, known = tell(TELLER, event)
    assert known.expires == NOON + 24 * HOUR
    second, known = again(TELLER, event, known, known.expires - MINUTE)
    third, known = again(TELLER, event, known, known.expires - MINUTE)
    assert first is not None
    assert second is not None
    assert third is not None
    assert [one["identifier"] for one in (first, second, third)] == [
        event["id"], f"{event['id']}-2", f"{event['id']}-3"]
    assert third["msgType"] == "Update"
    assert len(third["references"].split()) == 2
    assert [meaning.faults(one) for one in (first, second, third)] == [[], [], []]
    assert again(TELLER, event, Told(), NOON) == (None, Told())
    for _ in range(REFERENCES_KEPT + 5):
        last, known = again(TELLER, event, known, NOON)
    assert last is not None
    assert len(last["references"].split()) == REFERENCES_KEPT


def test_a_drill_is_marked() -> None:
    told = story(finding(rule="plain"), teller=msgspec.structs.replace(TELLER, status="Exercise"))
    assert told[0] is not None
    assert (told[0]["status"], told[0]["note"]) == ("Exercise", "This is an exercise.")


def test_where_it_is() -> None:
    def area(**parts: Any) -> Any:
        ring = [(1.0, 2.0), (1.0, 3.0), (2.0, 3.0), (1.0, 2.0)]
        teller = msgspec.structs.replace(TELLER, districts={"west": [ring]})
        [record] = story(finding(rule="plain", **parts), teller=teller)
        assert record is not None
        assert meaning.faults(record) == []
        return record["info"][0]["area"][0]

    west = [{"valueName": "tocsin:district", "value": "west"}]
    assert area() == {"areaDesc": "west", "polygon": ["1,2 1,3 2,3 1,2"], "geocode": west}
    assert area(facts={"place": {"lat": 40.0, "lon": -75.1234567, "address": "Elm & 1st"}}) == {
        "areaDesc": "Elm & 1st", "circle": ["40,-75.123457 0.25"], "geocode": west}
    assert area(key={"device": "g7"}, facts={"place": {"lat": 91.0, "lon": 1.0}}) == {"areaDesc": "device g7"}


@cache
def schema() -> Any:
    """The schema of OASIS; None where the shared folder is not there: our reader stands for it then."""
    path: Path = shared() / "conformance" / "cap" / SCHEMA
    return etree.XMLSchema(etree.parse(path)) if path.exists() else None


def sound(record: Mapping[str, Any]) -> None:
    """It fits the schema, is read as it was written, and means something."""
    value = grammar.write(record)
    if schema() is not None:
        schema().assertValid(etree.fromstring(value))
    assert {name: part for name, part in decode(value, {}).items() if name != "point"} == record
    assert meaning.faults(record) == []


TELLERS = st.builds(
    Teller, sender=st.sampled_from(["", "a b,c<&d", "tocsin@city.example"]), name=st.sampled_from(["", "Springfield"]),
    zone=st.sampled_from(["UTC", "Asia/Shanghai", "Asia/Kathmandu", "America/St_Johns", "Europe/London"]),
    language=st.sampled_from(["", "zh-CN"]), status=st.sampled_from(["Actual", "Exercise", "Test"]),
    scope=st.sampled_from(["Public", "Restricted"]), web=st.sampled_from(["", "https://city.example/alerts/"]),
    lasts=st.sampled_from([SECOND, HOUR, 24 * HOUR]), radius=st.sampled_from([0.0, 0.25, 12.5]))


@given(logs(), TELLERS)
def test_whatever_becomes_of_alerts_their_cap_is_sound(log: list[ResponseFrame], teller: Teller) -> None:
    """A log has up to five lives. What is told refers to what is in force, and leaves nothing so that is over."""
    known: dict[str, Told] = {}
    ids: set[str] = set()
    in_force: dict[str, list[str]] = {}
    for event in alerts(log):
        subject = event["subject"]
        before = known.get(subject)
        record, known[subject] = tell(teller, event, before)
        assert tell(teller, event, before)[0] == record
        firing = event["data"]["state"] == "firing"
        assert (record is None) == (not firing and not in_force.get(subject))
        if record is None:
            continue
        sound(record)
        assert record["identifier"] not in ids
        ids.add(record["identifier"])
        assert [one.split(",")[1] for one in record.get("references", "").split()] == in_force.get(subject, [])
        in_force[subject] = [*in_force.get(subject, []), record["identifier"]] if firing else []


FIELDS = ["title", "summary", "why", "owner", "category", "severity", "value", "district"]
ODD = st.text(max_size=200) | st.none() | st.floats() | st.lists(st.text(max_size=3))


@given(st.dictionaries(st.sampled_from(FIELDS), ODD),
       st.sampled_from(["0001-01-01T00:00:00Z", "1890-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"]))
def test_whatever_stands_in_an_alert_it_can_be_told(changes: dict[str, Any], at: str) -> None:
    [event] = alerts([frame(rows([finding(rule="plain")]))])
    event["recordedtime"] = event["data"]["opened_at"] = at
    event["data"] |= changes
    for zone in ("America/St_Johns", "Asia/Shanghai"):
        record, _ = tell(msgspec.structs.replace(TELLER, zone=zone), event)
        assert record is not None
        assert meaning.faults(record) == []
        value = grammar.write(record)
        decode(value, {})
        if schema() is not None:
            schema().assertValid(etree.fromstring(value))


def test_the_feed_in_the_manual_reads_it(tmp_path: Path) -> None:
    texts = re.findall(r"^```yaml\n(.*?)^```", (ROOT / "rules" / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    [feed] = [text for text in texts if "format: cap" in text]
    (tmp_path / "feed.yaml").write_text(feed)
    (tmp_path / "city.yaml").write_text("kind: city\nname: x\nzone: UTC\n")
    bundle, problems = check(tmp_path)
    assert bundle is not None, problems
    intake = Intake(bundle, bundle.sources["weather-warnings"], Router(bundle))
    bare = {**written(identifier="i2"), "info": [WHOLE["info"][1]]}
    taken = intake.take([Record(at, NOON + 366 * DAY, grammar.write(one)) for at, one in enumerate([WHOLE, bare])])
    assert taken.dead == []
    first, second = (row.event for row in taken.events)
    assert first.id == "s@city.example i1 2026-07-01T10:00:00+08:00"
    assert first.severity == "severe"
    assert first.place == Place(1.5, 1.5, address="west")
    assert first.fields["expires"] - first.time == DAY
    assert (second.severity, second.place) == ("info", None)
    assert second.fields == {"what": "e", "change": "Update", "severity_word": "Unknown"}
