"""The made-up city of Yulan: its districts, streets, housing estates, lifts, devices and squares.

It does not depend on a seed: the registers in `rules/registers/` list the same devices. Its
coordinates lie in the open sea, so nobody takes it for a real place. A larger `size` has more of
everything but districts. Spare streets, estates and lifts see nothing on an ordinary day: what is
planted there is all that happens there.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from streams.clocks import HOUR, MINUTE
from streams.records import Micros
from streams.tools.simulate.chance import mixed

ZONE = "Asia/Shanghai"
NAME = "Yulan"
SOUTH, WEST = 30.0, 124.0
DISTRICT_HEIGHT, DISTRICT_WIDTH = 0.05, 0.06  # degrees: 5.6 km by 5.8 km
DISTRICTS = (
    "harbour",
    "old-town",
    "north-gate",
    "west-lake",
    "university",
    "airport",
    "riverside",
    "mill-park",
)
OUTSKIRTS = ("south-island", "salt-flats")  # districts where nothing happens but what is planted
STREET_NAMES = (
    "Peony Road",
    "Long Bridge Street",
    "Jade Lane",
    "Ferry Avenue",
    "Drum Street",
    "Camphor Road",
    "Tea Market Street",
    "Willow Bank",
    "Lantern Street",
    "Stone Well Road",
)
SPARE_STREETS = ("Crane Avenue", "Weir Road")
ESTATE_NAMES = (
    "Orchid",
    "Plum",
    "Bamboo",
    "Lotus",
    "Osmanthus",
    "Maple",
    "Pine",
    "Magnolia",
    "Cassia",
    "Reed",
)
STREETS, ESTATES, LIFTS_OF_AN_ESTATE = 10, 30, 4
HALF_HOUR = 30 * MINUTE
TEAMS = {
    "rain": "weather",
    "water": "drainage",
    "gas": "gas-network",
    "manhole": "drainage",
    "pressure": "water-company",
    "tap": "water-company",
    "river": "drainage",
    "air": "environment",
    "noise": "environment",
    "crowd": "cameras",
    "panel": "buildings",
    "co2": "buildings",
    "fridge": "health",
}


class Street(msgspec.Struct, frozen=True):
    """A straight street from (lat, lon) on, degrees; `lat_run`, `lon_run` lead to its end."""

    name: str
    district: str
    lat: float
    lon: float
    lat_run: float
    lon_run: float


class Estate(msgspec.Struct, frozen=True):
    """A housing estate: a point on the map and its lifts."""

    name: str
    district: str
    lat: float
    lon: float
    lifts: tuple[str, ...]


class Device(msgspec.Struct, frozen=True):
    """What reports by itself. `kind`: a key of `TEAMS`; `phase`: when in its interval."""

    id: str
    kind: str
    report_interval: Micros
    team: str
    district: str
    lat: float
    lon: float
    phase: Micros
    substance: str = ""


class City(msgspec.Struct, frozen=True):
    """All that exists; `spare_*` is kept for what is planted."""

    streets: tuple[Street, ...]
    estates: tuple[Estate, ...]
    spare_streets: tuple[Street, ...]
    spare_estates: tuple[Estate, ...]
    sensors: tuple[Device, ...]
    squares: tuple[Device, ...]
    rooms: tuple[Device, ...]

    def devices(self, kind: str, district: str | None = None) -> list[Device]:
        """The devices of a kind, of one district if named."""
        return [one for one in self.reporting if one.kind == kind and district in (None, one.district)]

    @property
    def reporting(self) -> tuple[Device, ...]:
        """All that reports by itself."""
        return (*self.sensors, *self.squares, *self.rooms)


@lru_cache(maxsize=4)
def city(size: int = 1) -> City:
    """Yulan, `size` times as large as the register of `rules/` knows it."""
    streets = [_street(district, index) for district in DISTRICTS for index in range(STREETS * size)]
    estates = [_estate(district, index) for district in DISTRICTS for index in range(ESTATES * size)]
    spare = [_place_street(name, district) for district in DISTRICTS for name in SPARE_STREETS]
    spare_estates = [_estate(district, index, "Sunrise") for district in DISTRICTS for index in range(2)]
    known = (tuple(streets), tuple(estates), tuple(spare), tuple(spare_estates))
    return City(*known, _sensors(size), _squares(size), _rooms(size))


def outskirts_street(family: str, which: int) -> Street:
    """A street of this name in one of the outskirts, where nothing happens but what is planted."""
    return _place_street(family, OUTSKIRTS[which % len(OUTSKIRTS)])


def _sensors(size: int) -> tuple[Device, ...]:
    gas = _devices("gas", "GD", 24 * size, 10 * MINUTE)
    gas = [
        msgspec.structs.replace(one, substance="chlorine" if index % 6 == 5 else "methane")
        for index, one in enumerate(gas)
    ]
    return (
        *_devices("rain", "RG", 16 * size, 5 * MINUTE),
        *_devices("water", "WL", 16 * size, 5 * MINUTE),
        *gas,
        *_devices("manhole", "MC", 64 * size, HOUR),
        *_meters(size),
    )


def _meters(size: int) -> tuple[Device, ...]:
    return (
        *_devices("pressure", "WP", 8 * size, HALF_HOUR),
        *_devices("tap", "TW", 8 * size, HALF_HOUR),
        *_devices("river", "RV", 4 * size, HALF_HOUR),
        *_devices("air", "AQ", 8 * size, HOUR),
        *_devices("noise", "NM", 8 * size, HALF_HOUR),
    )


def _squares(size: int) -> tuple[Device, ...]:
    return tuple(_devices("crowd", "SQ", 8 * size, 5 * MINUTE))


def _rooms(size: int) -> tuple[Device, ...]:
    return (
        *_devices("panel", "FP", 16 * size, 6 * HOUR),
        *_devices("co2", "CO", 8 * size, HALF_HOUR),
        *_devices("fridge", "VF", 4 * size, HALF_HOUR),
    )


def _devices(kind: str, prefix: str, number: int, interval: Micros) -> list[Device]:
    found = []
    for index in range(number):
        name, district = f"{prefix}-{index + 1:03d}", DISTRICTS[index % len(DISTRICTS)]
        lat, lon = _spot(district, name)
        phase = int(mixed("phase", name) * interval)
        found.append(Device(name, kind, interval, TEAMS[kind], district, lat, lon, phase))
    return found


def _estate(district: str, index: int, family: str = "") -> Estate:
    family = family or ESTATE_NAMES[index % len(ESTATE_NAMES)]
    name = f"{family} Gardens {index // len(ESTATE_NAMES) + 1 if family != 'Sunrise' else index + 1}, {district}"
    lat, lon = _spot(district, name)
    stem = f"LF-{DISTRICTS.index(district) + 1}{'S' if family == 'Sunrise' else ''}{index + 1:02d}"
    return Estate(name, district, lat, lon, tuple(f"{stem}-{lift + 1}" for lift in range(LIFTS_OF_AN_ESTATE)))


def _street(district: str, index: int) -> Street:
    family, number = STREET_NAMES[index % len(STREET_NAMES)], index // len(STREET_NAMES)
    return _place_street(f"{family} {number + 1}" if number else family, district)


def _place_street(family: str, district: str) -> Street:
    """A street of this name in this district, a kilometre or two long, to the north or to the east."""
    name = f"{family}, {district}"
    lat, lon = _spot(district, name)
    length = 0.008 + 0.008 * mixed("length", name)
    north = mixed("course", name) < 0.5
    return Street(name, district, lat, lon, length if north else 0.0, 0.0 if north else length)


def _spot(district: str, name: str) -> tuple[float, float]:
    """Where a thing of this name stands: always the same place of its district, clear of the border."""
    row, column = divmod((*DISTRICTS, *OUTSKIRTS).index(district), 4)
    lat = SOUTH + DISTRICT_HEIGHT * (row + 0.02 + 0.6 * mixed("north", name))
    lon = WEST + DISTRICT_WIDTH * (column + 0.02 + 0.6 * mixed("east", name))
    return round(lat, 6), round(lon, 6)
