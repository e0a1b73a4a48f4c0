"""Places on the sphere: how far it is between two, and the cells of the map (H3) that a circle touches. Pure.

Degrees are WGS 84, lengths metres. This is the one distance of the project: conditions, rules with `near` and
the map's cells agree to the last bit.
"""

from __future__ import annotations

import math

import h3

EARTH_RADIUS_M = 6_371_008.8
CELL = "cell"
"""What the part of a `near` rule's key is called that is a cell of the map and not a thing."""
RADIUS_AT_MOST = 100_000.0
CELLS_AT_MOST = 50_000  # whose neighbours are remembered
# What lies beyond a cell's direct neighbours is at least 0.70 of an average edge away, near the twelve pentagons
# and on the seams of the grid too; the rest is room for rounding.
EDGES_PER_RADIUS = 1 / 0.6


def distance(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Metres between two places (haversine); the same both ways."""
    phi_a, phi_b = math.radians(lat_a), math.radians(lat_b)
    half_lat, half_lon = (phi_b - phi_a) / 2, math.radians(lon_b - lon_a) / 2
    square = math.sin(half_lat) ** 2 + math.cos(phi_a) * math.cos(phi_b) * math.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(square)))


class Circle:
    """All places at most `radius` metres from a centre, the edge included."""

    __slots__ = ("_band", "lat", "lon", "radius")

    def __init__(self, lat: float, lon: float, radius: float) -> None:
        self.lat, self.lon, self.radius = lat, lon, radius
        self._band = math.degrees(radius / EARTH_RADIUS_M) * (1 + 1e-9) + 1e-9

    def holds(self, lat: float, lon: float) -> bool:
        """Whether a place lies in it."""
        if abs(lat - self.lat) > self._band:  # most lie so far north or south that no more need be asked
            return False
        return distance(self.lat, self.lon, lat, lon) <= self.radius


class Grid:
    """The cells of the map, just so large that a circle of this radius touches no more than a cell's neighbours."""

    def __init__(self, radius: float) -> None:
        self.radius = radius
        self.resolution = resolution_for(radius)
        self._around: dict[str, list[tuple[str, float, float, float]]] = {}

    def cells(self, lat: float, lon: float) -> list[str]:
        """The cell that owns a place, then every other one that holds a place at most `radius` away.

        It may name a neighbour too many, never one too few. ValueError for degrees that are none.
        """
        if not (-90 <= lat <= 90 and -360 <= lon <= 360):
            raise ValueError(f"{lat}, {lon} is no place on earth")
        own: str = h3.latlng_to_cell(lat, lon, self.resolution)
        around = self._around.get(own)
        if around is None:
            if len(self._around) >= CELLS_AT_MOST:
                self._around.clear()
            around = self._around[own] = [self._reach(cell) for cell in sorted(h3.grid_disk(own, 1)) if cell != own]
        return [own, *(cell for cell, at, on, reach in around if distance(lat, lon, at, on) <= reach)]

    def _reach(self, cell: str) -> tuple[str, float, float, float]:
        """A cell, its centre, and how far from there a place can be whose circle touches it."""
        lat, lon = h3.cell_to_latlng(cell)
        corner = max(distance(lat, lon, *corner) for corner in h3.cell_to_boundary(cell))
        return cell, lat, lon, self.radius + 1.01 * corner


def resolution_for(radius: float) -> int:
    """The finest resolution (0 to 15) whose cells are large enough for circles of this radius."""
    edges = ((resolution, h3.average_hexagon_edge_length(resolution, unit="m")) for resolution in range(15, 0, -1))
    return next((resolution for resolution, edge in edges if edge >= radius * EDGES_PER_RADIUS), 0)
