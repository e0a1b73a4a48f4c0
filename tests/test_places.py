"""Distances on the sphere, and cells of the map: no place that a circle holds is in a cell it is not sent to."""

from __future__ import annotations

import math

import h3
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from streams.places import EARTH_RADIUS_M, RADIUS_AT_MOST, Circle, Grid, distance, resolution_for

QUARTER = EARTH_RADIUS_M * math.pi / 2
RADII = (1.0, 30.0, 100.0, 250.0, 600.0, 2_000.0, 15_000.0, RADIUS_AT_MOST)
GRIDS = {radius: Grid(radius) for radius in RADII}
anywhere = st.tuples(st.floats(-90, 90), st.floats(-180, 180))
near_pentagons = st.builds(
    lambda cell, north, east: (h3.cell_to_latlng(cell)[0] + north, h3.cell_to_latlng(cell)[1] + east),
    st.sampled_from(h3.get_pentagons(5)), st.floats(-0.2, 0.2), st.floats(-0.2, 0.2))
on_seams = st.tuples(st.sampled_from([-90.0, -89.9999, 0.0, 89.9999, 90.0]), st.sampled_from([-180.0, 179.9999, 0.0]))
spots = anywhere | near_pentagons | on_seams


def moved(lat: float, lon: float, bearing: float, metres: float) -> tuple[float, float]:
    """The place that far away in that direction."""
    phi, angle = math.radians(lat), metres / EARTH_RADIUS_M
    sine = math.sin(phi) * math.cos(angle) + math.cos(phi) * math.sin(angle) * math.cos(bearing)
    there = math.asin(max(-1.0, min(1.0, sine)))
    turn = math.atan2(math.sin(bearing) * math.sin(angle) * math.cos(phi), math.cos(angle) - math.sin(phi) * sine)
    return math.degrees(there), (lon + math.degrees(turn) + 180) % 360 - 180


def test_known_distances() -> None:
    assert distance(0, 0, 0, 90) == pytest.approx(QUARTER)
    assert distance(90, 17, -90, 3) == pytest.approx(2 * QUARTER)
    assert distance(0, 179.5, 0, -179.5) == pytest.approx(QUARTER / 90)
    assert distance(40.09722, -75.3762, 40.09722, -75.3762) == 0.0


@given(spots, spots)
def test_a_distance_is_the_same_both_ways(a: tuple[float, float], b: tuple[float, float]) -> None:
    assert distance(*a, *b) == distance(*b, *a) <= 2 * QUARTER + 1e-6


@given(spots, st.sampled_from(RADII), st.floats(0, math.tau), st.floats(0, 2))
def test_a_circle_holds_what_is_no_farther_than_its_radius(
        spot: tuple[float, float], radius: float, bearing: float, part: float) -> None:
    there = moved(*spot, bearing, radius * part)
    assert Circle(*spot, radius).holds(*there) == (distance(*spot, *there) <= radius)


def test_the_edge_of_a_circle_is_in_it() -> None:
    there = (0.0, 0.0009)
    assert Circle(0, 0, distance(0, 0, *there)).holds(*there)


@given(spots, st.sampled_from(RADII), st.floats(0, math.tau), st.floats(0.8, 1) | st.floats(0, 1))
def test_a_place_is_sent_to_the_cell_of_every_centre_that_is_near(
        spot: tuple[float, float], radius: float, bearing: float, part: float) -> None:
    centre = moved(*spot, bearing, radius * part)
    assume(distance(*spot, *centre) <= radius)
    grid = GRIDS[radius]
    own = grid.cells(*centre)[0]
    assert own == h3.latlng_to_cell(*centre, grid.resolution)
    assert own in grid.cells(*spot)


@given(spots, st.sampled_from(RADII))
def test_the_cells_are_few_and_their_own_comes_first(spot: tuple[float, float], radius: float) -> None:
    cells = GRIDS[radius].cells(*spot)
    assert len(set(cells)) == len(cells) <= 7
    assert cells[0] == h3.latlng_to_cell(*spot, GRIDS[radius].resolution)


@pytest.mark.parametrize(("radius", "resolution"), [(0.1, 15), (1, 13), (100, 9), (250, 8), (2_000, 6), (100_000, 2)])
def test_the_cells_grow_with_the_radius(radius: float, resolution: int) -> None:
    assert resolution_for(radius) == resolution


@pytest.mark.parametrize("spot", [(91.0, 0.0), (0.0, 400.0), (math.nan, 0.0), (0.0, math.inf)])
def test_what_is_no_place_has_no_cell(spot: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="no place on earth"):
        GRIDS[100.0].cells(*spot)
