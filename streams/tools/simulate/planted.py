"""What is planted into a day so that the rules have something to find, and what they must find.

Each story takes streets, estates and devices that nothing else touches, so its incidents' times
follow from the rules' definitions alone. Beside them stand decoys: what looks alike and must not
be found. A story lies within one local day, or adds only events of things that nothing else touches: so
the first day of a longer simulation is the same day.
"""

from __future__ import annotations

from collections.abc import Callable

from streams.records import Micros
from streams.tools.simulate import stories_of_devices as devices
from streams.tools.simulate import stories_of_networks as networks
from streams.tools.simulate import stories_of_outskirts as outskirts
from streams.tools.simulate import stories_of_people as people
from streams.tools.simulate import stories_of_services as service
from streams.tools.simulate.chance import dice
from streams.tools.simulate.city import DISTRICTS, City
from streams.tools.simulate.stage import Stage, Story

# Rules that hold for nothing but what is planted; others may hold on an ordinary day too.
COMPLETE = (
    "air-disagrees",
    "battery-low",
    "calls-answered-slowly.ems",
    "calls-answered-slowly.fire",
    "calls-answered-slowly.traffic",
    "calls-without-position",
    "cardiac-unattended",
    "chlorine-leak",
    "chlorine-residual-low",
    "cloudburst",
    "crowd-dense",
    "crowd-growing",
    "device-reports-late",
    "district-silent",
    "drinking-water-cloudy",
    "feeder-tripped",
    "fire-door-open",
    "fire-panel-silent",
    "fire-unattended",
    "flood-spreads",
    "gas-escape-unattended",
    "gas-leak",
    "hotline-answered-slowly",
    "intruder-at-night",
    "lift-alarm-unanswered",
    "lift-rescue-late",
    "manhole-open-in-rain",
    "no2-three-hours",
    "noise-cluster",
    "ozone-hour",
    "parking-wave",
    "pm25-day",
    "rainstorm",
    "reading-impossible",
    "repairs-overdue",
    "request-unassigned",
    "river-above-warning",
    "school-gate-parked",
    "sensor-silent",
    "sensor-stuck",
    "several-injured",
    "signal-dark",
    "site-noise-at-night",
    "smoke-confirmed",
    "stale-air",
    "stopped-then-crash",
    "travel-slow.ems",
    "travel-slow.fire",
    "underpass-flooded",
    "underpass-rising",
    "vaccine-frozen",
    "water-main-burst",
    "water-pressure-low",
    "wrong-way-driver",
)


STORIES: tuple[Callable[[Stage], Story], ...] = (
    people.crashes,
    people.smoke,
    devices.gas,
    devices.chlorine,
    people.trapped,
    people.faults,
    people.noise,
    people.leaks,
    people.hazard,
    devices.storm,
    devices.crowd,
    devices.silences,
    devices.blackout,
    devices.backlog,
    networks.main_burst,
    networks.tap_water,
    networks.river,
    networks.air,
    networks.smog,
    networks.disagreement,
    networks.night_work,
    networks.faulty,
    networks.rooms,
    networks.panel,
    networks.doors,
    networks.power,
    networks.dark_signal,
    outskirts.pile_of_crashes,
    outskirts.bad_weather,
    outskirts.fire,
    outskirts.heart,
    outskirts.gas,
    outskirts.injured,
    outskirts.sick,
    outskirts.overdoses,
    outskirts.cries_wolf,
    outskirts.cameras,
    outskirts.complaints,
    outskirts.at_school,
    outskirts.street_noise,
    service.slow_desk,
    service.hung_up,
    service.slow_units,
    service.slow_repairs,
    service.lost_map,
    service.mute_lift,
)


def stories(seed: int, city: City, midnight: Micros) -> list[Story]:
    """All that is planted into the local day that begins at `midnight`."""
    chance = dice(seed, "districts", midnight)
    dealt = sorted(DISTRICTS, key=lambda _: chance.random())
    stage = Stage(seed, city, midnight, tuple(dealt))
    return [tell(stage) for tell in STORIES]
