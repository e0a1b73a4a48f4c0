"""Discs of cells of the map: what the zones of a hotspot are made of. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import h3

from streams.conditions import EvalError, Expression
from streams.conditions.values import Failure
from streams.records import Event

RESOLUTION = 8
RINGS_AT_MOST = 8


def rings_of(resolution: int, radius: float) -> int:
    """How many rings around a cell a disc of this radius holds; -1 if not even the cell itself."""
    edge: float = h3.average_hexagon_edge_length(resolution, unit="m")
    return int((radius - edge) / (edge * math.sqrt(3)) + 1e-9) if radius >= edge else -1


def radius_of(resolution: int, rings: int) -> float:
    """The radius of a disc with so many rings, in metres."""
    edge: float = h3.average_hexagon_edge_length(resolution, unit="m")
    return edge * (1 + rings * math.sqrt(3))


@lru_cache(maxsize=50_000)
def rings_around(cell: str, rings: int) -> tuple[tuple[str, ...], ...]:
    """The cells at each distance from a cell, itself first."""
    found, inner = [], frozenset[str]()
    for ring in range(rings + 1):
        disc = frozenset(h3.grid_disk(cell, ring))
        found.append(tuple(sorted(disc - inner)))
        inner = disc
    return tuple(found)


def halo(cells: Iterable[str]) -> frozenset[str]:
    """These cells and those that touch them."""
    return frozenset(one for cell in cells for ring in rings_around(cell, 1) for one in ring)


def cell_of(resolution: int) -> Expression:
    """The cell that an event's place lies in."""

    def cell(event: Event) -> str:
        place = event.place
        if place is None or place.lat is None or place.lon is None:
            raise EvalError(Failure.MISSING, "the event has no place")
        if not (-90 <= place.lat <= 90 and -360 <= place.lon <= 360):
            raise EvalError(Failure.MISSING, "the event's place is none on earth")
        found: str = h3.latlng_to_cell(place.lat, place.lon, resolution)
        return found

    return Expression(f"cell {resolution}", "string", cell, frozenset(("place.lat", "place.lon")))


def disc_problems(spec: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What does not fit between `cell` and `radius_max`: (field, what is wrong, what to do)."""
    resolution = spec.get("cell", RESOLUTION)
    if not 0 <= resolution <= 15:
        yield "cell", f"there are no cells of resolution {resolution}", "choose one from 0 to 15: 8 is 900 m across"
        return
    rings = rings_of(resolution, spec["radius_max"])
    if rings < 0:
        least = round(radius_of(resolution, 0))
        yield ("radius_max", f"a cell of resolution {resolution} has itself a radius of about {least} m",
               "choose smaller cells, that is a larger number, or a larger radius")
    elif rings > RINGS_AT_MOST:
        yield ("radius_max", f"a disc would have {rings} rings of cells around its centre",
               f"choose larger cells, that is a smaller number: at most {RINGS_AT_MOST} rings are looked at")
