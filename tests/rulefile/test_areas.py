"""GeoJSON under the rules' folder: zones for conditions, districts for places that name none."""

from __future__ import annotations

import json

from streams.ingest.intake import Intake, Record
from streams.ingest.route import Router
from streams.records import Event, Place
from streams.rulefile import check_files
from streams.rules import Bundle

CITY = """
kind: city
districts: {file: places/districts.geojson, name: NAME}
---
kind: event_type
id: crash
fields: {road: string}
---
kind: source
id: calls
topic: calls
format: json
event:
  id: record.id
  type: "'crash'"
  time: record.time
  place: {lat: record.lat, lon: record.lon, district: record.d}
---
kind: match
id: at-the-school
event: crash
where: in_zone(place, "school") && !in_zone(place, "west")
"""


def area(west: float, south: float, size: float, **names: object) -> dict[str, object]:
    ring = [[west, south], [west + size, south], [west + size, south + size], [west, south + size], [west, south]]
    identity = {"id": names.pop("id")} if "id" in names else {}
    return {"type": "Feature", "properties": names, "geometry": {"type": "Polygon", "coordinates": [ring]}, **identity}


def collection(*features: dict[str, object]) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


FILES = {
    "city.yaml": CITY.encode(),
    "places/districts.geojson": collection(area(0, 0, 1, NAME="west"), area(1, 0, 1, NAME="east")),
    "places/schools.geojson": collection(area(0.5, 0.5, 1, id="school"), area(5, 5, 1, Name="far away")),
}


def loaded(**changed: bytes) -> Bundle:
    bundle, problems = check_files({**FILES, **changed})
    assert bundle is not None, [problem.render() for problem in problems]
    return bundle


def test_every_area_is_a_zone_and_some_are_districts() -> None:
    bundle = loaded()
    assert sorted(bundle.zones) == ["east", "far away", "school", "west"]
    assert bundle.city.districts == ("west", "east")
    assert bundle.districts is not None
    assert bundle.districts.at(0.5, 1.0) == "west"


def test_conditions_ask_for_zones() -> None:
    router = Router(loaded())

    def wanted(lat: float | None, lon: float | None) -> bool:
        place = Place(lat, lon)
        return bool(router.route(Event("1", "calls", "crash", 0, 0, place, None, {}, 0, 0)))

    assert wanted(0.75, 1.25)
    assert not wanted(0.75, 0.75), "west is excluded"
    assert not wanted(None, None), "a place without coordinates is in no zone"


def test_ingest_fills_in_the_district_where_the_record_says_none() -> None:
    bundle = loaded()
    intake = Intake(bundle, bundle.sources["calls"], Router(bundle))

    def district(**record: object) -> str | None:
        event = intake.probe(Record(0, 0, json.dumps({"id": "1", "time": "1970-01-01T00:00:00Z", **record}).encode()))
        assert event is not None
        return None if event.place is None else event.place.district

    assert district(lat=0.5, lon=1.5) == "east"
    assert district(lat=0.5, lon=1.0) == "west", "on the border the first of the file"
    assert district(lat=0.5, lon=1.5, d="north") == "north", "what the record says stands"
    assert district(lat=50, lon=1.5) is None
    assert district(d="west") == "west"


def test_the_file_belongs_to_the_bundles_identity() -> None:
    moved = {"places/schools.geojson": collection(area(0.5, 0.6, 1, id="school"), area(5, 5, 1, Name="far away"))}
    assert loaded(**moved).id != loaded().id


def test_a_missing_file_and_a_missing_property_are_told() -> None:
    gone = {name: text for name, text in FILES.items() if "districts" not in name}
    _, problems = check_files(gone)
    assert [(one.code, one.line) for one in problems if one.gravity == "bug"] == [("TOC062", 3), ("TOC032", 22)]
    _, problems = check_files({**FILES, "city.yaml": CITY.replace("NAME", "nam").encode()})
    told = [one for one in problems if one.code == "TOC064"]
    assert [one.file for one in told] == ["places/districts.geojson"] * 2
    assert told[0].message == "feature 1 has no property `nam` that would name it"
    assert told[0].hint == "its properties are: NAME"
