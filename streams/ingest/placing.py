"""Where an event goes under a rule with `near`: to the cells of the map that its circle touches. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from streams.places import Grid
from streams.records import Event, KeyValues, Member, Position
from streams.rules import Near

Reader: TypeAlias = Callable[[Event], Any]


class Placing:
    """The cells of one rule, and what its events say of the things in its key."""

    def __init__(self, near: Near) -> None:
        self._grid = Grid(near.reach)
        self._things = [(1 << thing.role, thing.value.function) for thing in near.things]

    def cells(self, event: Event) -> list[str]:
        """The cell that owns the event's place and those around it; none without a place."""
        place = event.place
        if place is None or place.lat is None or place.lon is None:
            return []
        try:
            return self._grid.cells(place.lat, place.lon)
        except ValueError:
            return []

    def things(self, event: Event, roles: int, part_of: Callable[[Reader, Event], Any]) -> tuple[KeyValues, int]:
        """What the event says of each thing, and the roles that are left to it: none whose thing it does not name."""
        said = [part_of(read, event) if roles & bit else None for bit, read in self._things]
        for part, (bit, _) in zip(said, self._things, strict=True):
            if part is None:
                roles &= ~bit
        return tuple(said), roles


def in_cells(member: Member, cells: list[str], event: Event, things: KeyValues) -> list[tuple[str, Member]]:
    """The member for each cell, which it tells whether it is its own; the first one owns the place."""
    assert event.place is not None
    lat, lon = event.place.lat, event.place.lon
    assert lat is not None
    assert lon is not None
    return [(cell, msgspec.structs.replace(member, position=Position(lat, lon, number == 0, things)))
            for number, cell in enumerate(cells)]
