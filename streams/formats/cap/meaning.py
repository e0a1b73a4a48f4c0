"""What the schema of CAP cannot say: whether an alert means something. Each fault in a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from streams.formats.cap.grammar import NO_LANGUAGE, instant

RESERVED = re.compile(r"[\s,<&]")
REFERRING = ("Update", "Cancel", "Ack", "Error")
RING_AT_LEAST = 4
TEXTS = ("headline", "description", "instruction")


def faults(record: Mapping[str, Any]) -> list[str]:
    """What is wrong with an alert that fits the schema; empty if nothing is."""
    return [*_envelope(record), *_references(record), *_infos(record)]


def point_of(record: Mapping[str, Any]) -> tuple[float, float] | None:
    """A latitude and longitude to stand for the whole: of the first circle, else the middle of the first polygon."""
    areas = [area for info in record.get("info", ()) for area in info.get("area", ())]
    for circle in (text for area in areas for text in area.get("circle", ())):
        found = circle_of(circle)
        if found is not None:
            return found[0]
    for polygon in (text for area in areas for text in area.get("polygon", ())):
        ring = ring_of(polygon)
        if ring:
            lats, lons = zip(*ring, strict=True)
            return (min(lats) + max(lats)) / 2, (min(lons) + max(lons)) / 2
    return None


def circle_of(text: str) -> tuple[tuple[float, float], float] | None:
    """`38.5,-120.2 4.0` as its centre and its radius in km; None if it is none."""
    centre, _, radius = text.strip().partition(" ")
    at, long = _pair(centre), _number(radius)
    return None if at is None or long is None or long < 0 else (at, long)


def ring_of(text: str) -> list[tuple[float, float]] | None:
    """`38.5,-120.2 38.6,-120.1 ...` as latitudes and longitudes; None if one is none."""
    ring = [_pair(one) for one in text.split()]
    return [one for one in ring if one is not None] if ring and None not in ring else None


def _pair(text: str) -> tuple[float, float] | None:
    first, _, second = text.partition(",")
    lat, lon = _number(first), _number(second)
    if lat is None or lon is None or abs(lat) > 90 or abs(lon) > 180:
        return None
    return lat, lon


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\s*[-+]?(\d+(\.\d*)?|\.\d+)\s*", text, re.ASCII) else None


def _envelope(record: Mapping[str, Any]) -> Iterator[str]:
    for name in ("identifier", "sender"):
        if not record[name] or RESERVED.search(record[name]):
            yield f"`{name}` is empty, or holds a space, a comma, `<` or `&`"
    scope = record["scope"]
    if scope == "Restricted" and not record.get("restriction"):
        yield "`scope` Restricted needs a `restriction`"
    if scope == "Private" and not record.get("addresses"):
        yield "`scope` Private needs `addresses`"
    if record["msgType"] in ("Alert", "Update") and not record.get("info"):
        yield f"an {record['msgType']} needs an `info`"


def _references(record: Mapping[str, Any]) -> Iterator[str]:
    written = record.get("references", "").split()
    if record["msgType"] in REFERRING and not written:
        yield f"`msgType` {record['msgType']} needs `references`"
    sent = instant(record["sent"])
    for text in written:
        parts = text.split(",")
        try:
            sender, identifier, time = parts
            at = instant(time)
        except ValueError:
            yield "a reference is not `sender,identifier,sent`"
            continue
        if (sender, identifier) == (record["sender"], record["identifier"]):
            yield "it refers to itself"
        if at > sent:
            yield "it refers to an alert that was sent later"
    if len(set(written)) < len(written):
        yield "it refers to one alert twice"


def _infos(record: Mapping[str, Any]) -> Iterator[str]:
    infos: Sequence[Mapping[str, Any]] = record.get("info", ())
    for info in infos:
        yield from _times(record, info)
        for area in info.get("area", ()):
            yield from _area(area)
        for one in info.get("resource", ()):
            if int(one.get("size", 0)) < 0:
                yield "the `size` of a resource is less than 0"
    for one, other in combinations(infos, 2):
        if one.get("language", NO_LANGUAGE).lower() == other.get("language", NO_LANGUAGE).lower():
            continue
        yield from (f"the same `{name}` stands in two languages" for name in TEXTS
                    if one.get(name) and one.get(name) == other.get(name))


def _times(record: Mapping[str, Any], info: Mapping[str, Any]) -> Iterator[str]:
    if "expires" not in info:
        return
    expires = instant(info["expires"])
    if expires <= instant(record["sent"]):
        yield "it `expires` before it is sent"
    for name in ("effective", "onset"):
        if name in info and instant(info[name]) > expires:
            yield f"it `expires` before it is in force (`{name}`)"


def _area(area: Mapping[str, Any]) -> Iterator[str]:
    if not area["areaDesc"].strip():
        yield "`areaDesc` is empty"
    for text in area.get("polygon", ()):
        ring = ring_of(text)
        if ring is None:
            yield "a polygon holds what is no latitude and longitude"
        elif len(ring) < RING_AT_LEAST or ring[0] != ring[-1]:
            yield f"a polygon has fewer than {RING_AT_LEAST} points, or does not end where it began"
    if any(circle_of(text) is None for text in area.get("circle", ())):
        yield "a circle is not `latitude,longitude radius`"
    altitude, ceiling = (area.get(name) for name in ("altitude", "ceiling"))
    if altitude is not None and not any(name in area for name in ("polygon", "circle", "geocode")):
        yield "an area has an altitude and nothing else"
    if ceiling is not None and altitude is None:
        yield "a ceiling needs an altitude"
    elif ceiling is not None and altitude is not None and float(ceiling) < float(altitude):
        yield "the ceiling is below the altitude"
