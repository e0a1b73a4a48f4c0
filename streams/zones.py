"""Areas of the map by name: whether a place lies within one, and in which district. Degrees (WGS 84).

What lies on a border is inside; where districts meet or overlap, the first of the file has the place.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import floor
from typing import Any

import shapely

from streams.records import Place

CELLS_PER_DEGREE = 256  # a power of two, so that a cell's edges are exact; about 430 m
CELLS_AT_MOST = 100_000  # whose districts are remembered


class Zone:
    """An area with its name. `shape` is a polygon or a multi-polygon of (longitude, latitude)."""

    __slots__ = ("name", "shape")

    def __init__(self, name: str, shape: Any) -> None:
        self.name, self.shape = name, shape
        shapely.prepare(shape)

    def __repr__(self) -> str:
        return f"Zone({self.name!r})"

    def covers(self, lat: float, lon: float) -> bool:
        """Whether a place lies inside or on the border."""
        return bool(shapely.intersects_xy(self.shape, lon, lat))


class Districts:
    """The districts of a city, in the order of their file.

    Most places lie in a cell of the map that one district covers: that is worked out once for a cell.
    """

    def __init__(self, zones: Sequence[Zone]) -> None:
        self.zones = tuple(zones)
        self._tree = shapely.STRtree([zone.shape for zone in self.zones])
        self._cells: dict[tuple[int, int], tuple[Zone, ...] | str] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Their names, in order."""
        return tuple(zone.name for zone in self.zones)

    def of(self, place: Place) -> str | None:
        """The district that a place says, else the one in which it lies."""
        if place.district is not None or place.lat is None or place.lon is None:
            return place.district
        return self.at(place.lat, place.lon)

    def at(self, lat: float, lon: float) -> str | None:
        """The district of a place; None outside of all."""
        cell = (floor(lat * CELLS_PER_DEGREE), floor(lon * CELLS_PER_DEGREE))
        found = self._cells.get(cell)
        if found is None:
            if len(self._cells) >= CELLS_AT_MOST:
                self._cells.clear()
            found = self._cells[cell] = self._within(*cell)
        if isinstance(found, str):
            return found
        return next((zone.name for zone in found if zone.covers(lat, lon)), None)

    def _within(self, row: int, column: int) -> tuple[Zone, ...] | str:
        """The districts that a cell touches, in order; the name of the first if it covers all of the cell."""
        south, west = row / CELLS_PER_DEGREE, column / CELLS_PER_DEGREE
        cell = shapely.box(west, south, west + 1 / CELLS_PER_DEGREE, south + 1 / CELLS_PER_DEGREE)
        touched = [self.zones[index] for index in sorted(self._tree.query(cell, predicate="intersects"))]
        if touched and shapely.covers(touched[0].shape, cell):
            return str(touched[0].name)
        return tuple(touched)
