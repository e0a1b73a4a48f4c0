"""Zones and districts: GeoJSON files under the rules' folder, each feature an area with a name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from math import isnan
from typing import Any

import msgspec
import orjson
import shapely
from shapely.errors import ShapelyError
from shapely.geometry import shape

from streams.rulefile import codes
from streams.rulefile.codes import Report
from streams.rulefile.documents import DistrictsDraft
from streams.rulefile.fields import Values
from streams.rulefile.reading import decode
from streams.rulefile.registers import Beside
from streams.rulefile.scalars import Bad, advise
from streams.rulefile.spots import FileText, Spot
from streams.zones import Districts, Zone

SUFFIX = ".geojson"
NAMES = ("id", "name")
AREAS = ("Polygon", "MultiPolygon")
_FEATURES = re.compile(r'"features"\s*:\s*\[')
_BETWEEN = re.compile(r"[\s,]*")


class Areas(msgspec.Struct, frozen=True):
    """The zones by name, and the districts if a file draws them."""

    zones: Mapping[str, Zone] = {}
    districts: Districts | None = None


def read_areas(files: Mapping[str, bytes], root: str, city: tuple[Values, str] | None, report: Report) -> Areas:
    """All areas of all files; `city` is the city's document and its path, where there is one."""
    draft = city[0].get("districts") if city is not None else None
    found: dict[str, list[Zone]] = {}
    taken: dict[str, tuple[_AreaReader, int]] = {}
    chosen = ""
    if city is not None and isinstance(draft, DistrictsDraft):
        chosen = Beside(files, root, report).path(city[1], draft.file.text, draft.file.spot) or ""
    for path in sorted({path for path in files if path.endswith(SUFFIX)} | ({chosen} if chosen else set())):
        file = decode(f"{root}{path}", files[path], report)
        if file is not None:
            name = draft.name if path == chosen and isinstance(draft, DistrictsDraft) else ""
            found[path] = _AreaReader(file, name, taken, report).read()
    zones = {zone.name: zone for its in found.values() for zone in its}
    return Areas(zones, Districts(found[chosen]) if found.get(chosen) else None)


class _AreaReader:
    """Reads one file.

    `named` is the property that holds the names, if the usual ones do not; `taken` are the names of all
    files, each with its reader and the number of its feature.
    """

    def __init__(self, file: FileText, named: str, taken: dict[str, tuple[_AreaReader, int]], report: Report) -> None:
        self.file, self.named, self.taken, self.report = file, named, taken, report

    def read(self) -> list[Zone]:
        """The areas that are right."""
        try:
            features = self._features()
        except Bad as bad:
            bad.tell(self.report)
            return []
        found: list[Zone] = []
        for index, feature in enumerate(features):
            try:
                zone = self._zone(feature)
                self._take(zone.name, index)
                found.append(zone)
            except _Wrong as wrong:
                self.report.add(wrong.code, self._spot(index), f"{_called(index, feature)} {wrong}", wrong.hint)
        return found

    def _take(self, name: str, index: int) -> None:
        known = self.taken.setdefault(name, (self, index))
        if known != (self, index):
            reader, first = known
            line, _ = reader.file.position(reader._spot(first).start)
            raise _Wrong(codes.DUPLICATE_ZONE, f"has the name {name!r}, as the one in {reader.file.name}:{line}")

    def _features(self) -> list[Any]:
        try:
            whole = orjson.loads(self.file.text)
        except json.JSONDecodeError as error:
            raise Bad(codes.BAD_GEOJSON, self.file.spot(error.pos), f"this is not JSON: {error.msg}") from None
        kind = whole.get("type") if isinstance(whole, dict) else None
        features = whole.get("features") if isinstance(whole, dict) else None
        if kind != "FeatureCollection" or not isinstance(features, list):
            told = f"a {kind}" if isinstance(kind, str) else "something else"
            raise Bad(codes.BAD_GEOJSON, self.file.spot(0), f"the file is {told}, no FeatureCollection with `features`")
        return features

    def _zone(self, feature: Any) -> Zone:
        if not isinstance(feature, dict) or feature.get("type") != "Feature":
            raise _Wrong(codes.BAD_GEOJSON, "is no Feature")
        name = self._name(feature)
        geometry = feature.get("geometry")
        kind = geometry.get("type") if isinstance(geometry, dict) else None
        if kind not in AREAS or not isinstance(geometry, dict):
            raise _Wrong(codes.BAD_AREA, f"is {_a(kind)}, no Polygon or MultiPolygon", "draw its outline as a Polygon")
        return Zone(name, _area(geometry))

    def _name(self, feature: Mapping[str, Any]) -> str:
        given = feature.get("properties")
        properties = {str(name): value for name, value in given.items()} if isinstance(given, dict) else {}
        if self.named:
            if self.named not in properties:
                hint = advise(self.named, properties, "its properties are")
                raise _Wrong(codes.BAD_GEOJSON, f"has no property `{self.named}` that would name it", hint)
            found = properties[self.named]
        else:
            lower = {name.lower(): value for name, value in reversed(properties.items())}
            candidates = (feature.get("id"), *(lower.get(name) for name in NAMES))
            found = next((one for one in candidates if one is not None), None)
        if isinstance(found, bool) or not isinstance(found, str | int) or found == "":
            raise _Wrong(codes.BAD_GEOJSON, "has no name", "give the feature an `id`, or a property `id` or `name`")
        return str(found)

    def _spot(self, index: int) -> Spot:
        """Where a feature begins."""
        starts = list(_starts(self.file.text, index + 1))
        return self.file.spot(starts[index] if len(starts) > index else 0)


class _Wrong(Exception):
    """What is wrong with one feature."""

    def __init__(self, code: codes.Code, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.code, self.hint = code, hint


def _area(geometry: Mapping[str, Any]) -> Any:
    try:
        area = shapely.force_2d(shape(geometry))
    except (ShapelyError, ValueError, TypeError, IndexError, KeyError, AttributeError):
        raise _Wrong(codes.BAD_AREA, "has coordinates that make no outline",
                     "a ring is a list of at least four places [longitude, latitude]") from None
    bounds = [float(edge) for edge in area.bounds]
    if area.is_empty or any(map(isnan, bounds)):
        raise _Wrong(codes.BAD_AREA, "encloses nothing")
    west, south, east, north = bounds
    if west < -180 or east > 180 or south < -90 or north > 90:
        raise _Wrong(codes.BAD_AREA, f"reaches to ({east:g}, {north:g}), which is no longitude and latitude")
    if not area.is_valid:
        reason = str(shapely.is_valid_reason(area)).replace("[", " at (").replace("]", ")")
        raise _Wrong(codes.BAD_AREA, f"is not well drawn: {reason}",
                     "its outline may not cross or touch itself; most map programs can mend that")
    return area


def _starts(text: str, number: int) -> Iterator[int]:
    """Where the first features begin."""
    found = _FEATURES.search(text)
    at, reader = 0 if found is None else found.end(), json.JSONDecoder()
    for _ in range(number if found is not None else 0):
        between = _BETWEEN.match(text, at)
        at = at if between is None else between.end()
        yield at
        try:
            _, at = reader.raw_decode(text, at)
        except (ValueError, RecursionError):
            return


def _called(index: int, feature: Any) -> str:
    name = feature.get("id") if isinstance(feature, dict) else None
    return f"feature {index + 1}" + (f" ({name})" if isinstance(name, str | int) else "")


def _a(kind: Any) -> str:
    return f"a {kind}" if isinstance(kind, str) else "without geometry"
