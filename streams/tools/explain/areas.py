"""A place that is asked about, where the key of a rule is a place: a cell of the map, or what is near a point."""

from __future__ import annotations

import h3
import msgspec

from streams.places import CELL, Grid, distance
from streams.rules import Rule


class Area(msgspec.Struct, frozen=True):
    """Only circles whose centres lie here are asked about: in the `cell`, or at most `radius` metres from a point.

    Without a cell `cell` is ""; `lat` and `lon` are its centre otherwise, and `radius` is how far its corners are.
    """

    lat: float
    lon: float
    radius: float
    cell: str = ""

    def __str__(self) -> str:
        return f"cell {self.cell}" if self.cell else f"within {self.radius:g} m of {self.lat:.8g}, {self.lon:.8g}"

    def holds(self, lat: float, lon: float) -> bool:
        """Whether a circle around this place is asked about."""
        if self.cell:
            return bool(h3.latlng_to_cell(lat, lon, h3.get_resolution(self.cell)) == self.cell)
        return self.touches(lat, lon, 0.0)

    def touches(self, lat: float, lon: float, reach: float) -> bool:
        """Whether a place is so near that it can be in such a circle, which reaches so many metres."""
        return distance(self.lat, self.lon, lat, lon) <= self.radius + reach


def area_of(rule: Rule, cell: str, point: str) -> Area | None:
    """The area that a cell or a `LAT,LON` names; None where both are empty. Raises ValueError in words."""
    if not cell and not point:
        return None
    if rule.near is None:
        raise ValueError("--near asks about a place, and the key of this rule is none: it has no `near`")
    if cell and point:
        raise ValueError("give --near or --key cell=, not both")
    return _of_cell(rule.near.reach, cell) if cell else _of_point(rule.near.radius, point)


def _of_cell(reach: float, cell: str) -> Area:
    resolution = Grid(reach).resolution
    if not h3.is_valid_cell(cell) or h3.get_resolution(cell) != resolution:
        raise ValueError(f"--key {CELL}={cell!r}: write a cell of H3 of resolution {resolution}, as this rule's"
                         " findings have it, or --near LAT,LON")
    lat, lon = h3.cell_to_latlng(cell)
    return Area(lat, lon, max(distance(lat, lon, *corner) for corner in h3.cell_to_boundary(cell)), cell)


def _of_point(radius: float, point: str) -> Area:
    try:
        lat, lon = (float(part) for part in point.split(","))
    except ValueError:
        lat = lon = 999.0
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise ValueError(f"--near {point!r}: write degrees north and east, such as 31.23,121.47")
    return Area(lat, lon, radius)
