"""What is planted into a day so that the rules have something to find, and what they must find.

Each story takes streets, estates and devices that nothing else touches, so its incidents' times
follow from the rules' definitions alone. Beside them stand decoys: what looks alike and must not
be found. All of a story lies within one local day.
"""

from __future__ import annotations

from collections.abc import Callable

from streams.records import Micros
from streams.tools.simulate import stories_of_devices as devices
from streams.tools.simulate import stories_of_people as people
from streams.tools.simulate.chance import dice
from streams.tools.simulate.city import DISTRICTS, City
from streams.tools.simulate.stage import Stage, Story

# Rules that hold for nothing but what is planted; others may hold on an ordinary day too.
COMPLETE = (
    "chlorine-leak",
    "cloudburst",
    "crowd-dense",
    "gas-leak",
    "lift-alarm-unanswered",
    "manhole-open-in-rain",
    "request-unassigned",
    "sensor-silent",
    "smoke-confirmed",
    "underpass-flooded",
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
)


def stories(seed: int, city: City, midnight: Micros) -> list[Story]:
    """All that is planted into the local day that begins at `midnight`."""
    chance = dice(seed, "districts", midnight)
    dealt = sorted(DISTRICTS, key=lambda _: chance.random())
    stage = Stage(seed, city, midnight, tuple(dealt))
    return [tell(stage) for tell in STORIES]
