"""Zones and districts: borders are inside, the first district of the file wins, cells are only a shortcut."""

from __future__ import annotations

import shapely
from hypothesis import given
from hypothesis import strategies as st

from streams.zones import CELLS_PER_DEGREE, Districts, Zone

STEP = 1 / (CELLS_PER_DEGREE * 4)
steps = st.integers(-20, 20).map(lambda number: number * STEP)
boxes = st.tuples(steps, steps, steps, steps).filter(lambda box: box[0] != box[1] and box[2] != box[3])


def square(name: str, west: float, south: float, size: float = 1.0) -> Zone:
    return Zone(name, shapely.box(west, south, west + size, south + size))


def test_borders_and_corners_are_inside() -> None:
    zone = square("z", 0.0, 0.0)
    assert all(zone.covers(*place) for place in ((0.0, 0.0), (1.0, 1.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5)))
    assert not zone.covers(1.0000001, 0.5)


def test_a_hole_is_outside_but_its_border_is_not() -> None:
    zone = Zone("ring", shapely.Polygon([(0, 0), (10, 0), (10, 10), (0, 10)], [[(4, 4), (6, 4), (6, 6), (4, 6)]]))
    assert not zone.covers(5.0, 5.0)
    assert zone.covers(4.0, 5.0)


def test_where_districts_meet_the_first_has_the_place() -> None:
    west, east = square("west", 0.0, 0.0), square("east", 1.0, 0.0)
    assert Districts([west, east]).at(0.5, 1.0) == "west"
    assert Districts([east, west]).at(0.5, 1.0) == "east"
    assert Districts([west, east]).at(0.5, 1.5) == "east"
    assert Districts([west, east]).at(5.0, 5.0) is None
    assert Districts([west, east]).names == ("west", "east")


@given(st.lists(boxes, min_size=1, max_size=4), st.lists(st.tuples(steps, steps), min_size=1, max_size=10))
def test_cells_are_only_a_shortcut(drawn: list[tuple[float, ...]], places: list[tuple[float, float]]) -> None:
    zones = [Zone(str(number), shapely.box(min(w, e), min(s, n), max(w, e), max(s, n)))
             for number, (w, e, s, n) in enumerate(drawn)]
    districts = Districts(zones)
    for lat, lon in places:
        slow = next((zone.name for zone in zones if zone.covers(lat, lon)), None)
        assert districts.at(lat, lon) == slow
        assert districts.at(lat + STEP / 3, lon) == next(
            (zone.name for zone in zones if zone.covers(lat + STEP / 3, lon)), None)
