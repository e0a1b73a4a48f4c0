"""The stage on which stories play: what is planted into a day, and what the rules must find of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Any

import msgspec

from streams.clocks import HOUR, MINUTE, moment, zone_of
from streams.records import Event, Micros
from streams.tools.simulate import everyday
from streams.tools.simulate.chance import between, dice
from streams.tools.simulate.city import ZONE, City, Device, Estate, Street, outskirts_street

Report = tuple[str, Micros]  # id and time
Values = Callable[[int, Micros], dict[str, Any] | None]


class Incident(msgspec.Struct, frozen=True):
    """What a rule must find: its key, when it opens and closes (None: not foretold), by what events."""

    rule: str
    key: tuple[Any, ...]
    opened: Micros
    closed: Micros | None
    evidence: tuple[str, ...]
    story: str


class Spell(msgspec.Struct, frozen=True):
    """What becomes of a device's reports in [start, end).

    `values` gives other readings (None for one that stays as it is); without it the device is
    silent, or with `backlog` its reports all come at the end.
    """

    device: str
    start: Micros
    end: Micros
    values: Values | None = None
    backlog: bool = False


class Story(msgspec.Struct, frozen=True):
    """Events to add and spells to cast, and the incidents that follow; `end` is when all is over."""

    start: Micros
    end: Micros
    events: tuple[Event, ...] = ()
    spells: tuple[Spell, ...] = ()
    incidents: tuple[Incident, ...] = ()


class Stage(msgspec.Struct, frozen=True):
    """Where the stories of one local day play; `districts` are dealt so that no two meet."""

    seed: int
    city: City
    midnight: Micros
    districts: tuple[str, ...]

    def chance(self, story: str) -> Random:
        """The story's own chance."""
        return dice(self.seed, story, self.midnight)

    def name(self, prefix: str) -> str:
        """The beginning of the story's ids: `C20260302-crash`."""
        return f"{prefix[0].upper()}{moment(self.midnight, zone_of(ZONE)):%Y%m%d}-{prefix}"

    def street(self, place: int, which: int = 0) -> Street:
        """The first or second spare street of the n-th district dealt."""
        spare = [one for one in self.city.spare_streets if one.district == self.districts[place]]
        return spare[which]

    def lane(self, family: str, which: int = 0) -> Street:
        """A street of the first or second of the outskirts."""
        return outskirts_street(family, which)

    def estate(self, place: int, which: int = 0) -> Estate:
        """The first or second spare estate of the n-th district dealt."""
        return [one for one in self.city.spare_estates if one.district == self.districts[place]][which]

    def device(self, kind: str, place: int, substance: str = "") -> Device:
        """The first device of a kind in the n-th district dealt."""
        return next(one for one in self.city.devices(kind, self.districts[place]) if one.substance in ("", substance))

    def reports(self, device: Device, start: Micros, end: Micros) -> list[Report]:
        """(id, time) of a device's reports due in [start, end)."""
        return [
            (f"{device.id}-{number}", everyday.report_time(self.seed, device, number))
            for number in everyday.report_numbers(device, start, end)
        ]

    def clock(self, chance: Random, first: int, last: int) -> Micros:
        """A minute of the local day between two hours."""
        return self.midnight + int(between(chance, first * 60, last * 60)) * MINUTE


def series(stage: Stage, device: Device, start: Micros, values: list[dict[str, Any]]) -> tuple[Spell, list[Report]]:
    """A device reads these values, one a report from `start` on; the reports, and the two that follow as usual."""
    end = start + len(values) * device.report_interval
    reports = stage.reports(device, start, end + 2 * device.report_interval)
    first = int(reports[0][0].rpartition("-")[2])
    return Spell(device.id, start, end, lambda number, _: values[number - first]), reports


def ids(found: Iterable[Event] | Iterable[Report]) -> tuple[str, ...]:
    """The ids of events, or of reports as `Stage.reports` gives them."""
    return tuple(one.id if isinstance(one, Event) else one[0] for one in found)


def told(events: list[Event], *incidents: Incident) -> Story:
    """A story of events; it is over when the last incident is."""
    times = [one.time for one in events] + [one.closed or one.opened for one in incidents]
    return Story(min(times), max(times), tuple(events), (), incidents)


def cast(spells: list[Spell], *incidents: Incident, before: Micros = HOUR) -> Story:
    """A story of spells; what its devices report `before` it belongs to it."""
    ends = [one.end for one in spells] + [one.closed or one.opened for one in incidents]
    return Story(min(one.start for one in spells) - before, max(ends), (), tuple(spells), incidents)
