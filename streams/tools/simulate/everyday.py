"""What an ordinary hour of the city brings, feed by feed: events with their true times.

Each function gives the events of one hour; an hour's chance depends on the seed, the feed and the
hour alone, so any span of days holds the same hours. Rules that promise a complete truth
(`planted.COMPLETE`) must not hold for anything that is made here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from random import Random
from typing import Any

import msgspec

from streams.clocks import HOUR, SECOND, moment, zone_of
from streams.records import Event, Micros, Place
from streams.tools.simulate.chance import (
    CALLS_WEEK,
    HOTLINE_WEEK,
    LIFTS_WEEK,
    Lottery,
    between,
    dice,
    happenings,
    hour_of_week,
    mixed,
    pick,
)
from streams.tools.simulate.city import ZONE, City, Device, Estate, Street

CALLS_PER_DAY, REQUESTS_PER_DAY, TRAPPED_PER_DAY, FAULTS_PER_DAY = 1_600, 2_400, 40, 240
SIGHTINGS_PER_DAY = 110

CALLS = Lottery(
    {
        "Traffic: VEHICLE ACCIDENT": 20,
        "Traffic: DISABLED VEHICLE": 9,
        "Traffic: ROAD OBSTRUCTION": 2,
        "Traffic: HAZARDOUS ROAD CONDITIONS": 1,
        "Traffic: VEHICLE FIRE": 0.4,
        "EMS: RESPIRATORY EMERGENCY": 9,
        "EMS: FALL VICTIM": 9,
        "EMS: CARDIAC EMERGENCY": 9,
        "EMS: SUBJECT IN PAIN": 6,
        "EMS: HEAD INJURY": 5,
        "EMS: VEHICLE ACCIDENT": 5,
        "EMS: SEIZURES": 4,
        "EMS: CVA/STROKE": 4,
        "EMS: UNCONSCIOUS SUBJECT": 3,
        "EMS: OVERDOSE": 1,
        "Fire: FIRE ALARM": 5,
        "Fire: FIRE INVESTIGATION": 2,
        "Fire: VEHICLE ACCIDENT": 2,
        "Fire: GAS-ODOR/LEAK": 1.1,
        "Fire: BUILDING FIRE": 0.5,
        "Fire: CARBON MONOXIDE DETECTOR": 0.6,
        "Fire: RESCUE - ELEVATOR": 0.3,
        "Fire: ELECTRICAL FIRE OUTSIDE": 0.4,
    }
)
PRIORITY = {"Traffic": 3, "EMS": 1, "Fire": 2}
REQUESTS = Lottery(
    {
        "parking": 30,
        "garbage": 22,
        "information": 18,
        "street_light": 15,
        "noise": 10,
        "water_leak": 3,
        "hazard": 2,
        "abandoned": 1,
    }
)
DESKS = ("A", "B", "C")  # where calls and requests are answered
SENSORS = ("sensors", "sensor")
FEEDS_OF_KINDS = {
    "crowd": ("cameras", "camera"),
    "panel": ("buildings", "building"),
    "co2": ("buildings", "building"),
    "fridge": ("buildings", "building"),
    "pressure": ("meters", "meter"),
    "tap": ("meters", "meter"),
    "river": ("meters", "meter"),
    "air": ("meters", "meter"),
    "noise": ("meters", "meter"),
}
SIGHTINGS = Lottery({"stopped_vehicle": 86, "smoke": 10, "wrong_way": 4})


class Hour(msgspec.Struct, frozen=True):
    """One hour of the city: [start, end), local whole hours; `scale` multiplies what people do."""

    seed: int
    city: City
    start: Micros
    scale: float

    @property
    def end(self) -> Micros:
        """Where the next hour begins."""
        return self.start + HOUR

    @property
    def stamp(self) -> str:
        """The hour as ids carry it, local time: `2026030214`."""
        return moment(self.start, zone_of(ZONE)).strftime("%Y%m%d%H")

    def chance(self, feed: str) -> Random:
        """This hour's own chance of a feed."""
        return dice(self.seed, feed, self.start)

    def times(self, chance: Random, week: tuple[float, ...], per_day: float) -> Iterator[Micros]:
        """When it happens in this hour, by the shape of the week."""
        per_hour = per_day / 24 * self.scale * week[hour_of_week(self.start)]
        return happenings(chance, self.start, self.end, per_hour)


def event(source: str, identity: str, type: str, time: Micros, place: Place | None, **fields: Any) -> Event:
    """An event of this simulation; when it was received is decided later."""
    return Event(identity, source, type, time, time, place, None, fields, 0, 0)


def call(identity: str, time: Micros, title: str, place: Place | None, street: str, caller: str, **more: Any) -> Event:
    """An emergency call; its type follows from its title as in the real feed."""
    return event(
        "calls",
        identity,
        call_type(title),
        time,
        place,
        title=title,
        street=street,
        priority=PRIORITY[title.partition(":")[0]],
        caller=caller,
        **more,
    )


@lru_cache(maxsize=256)
def call_type(title: str) -> str:
    """`Traffic: VEHICLE ACCIDENT` is `call.traffic.vehicle_accident`, as `slug` makes it."""
    words = ("".join(c if c.isascii() and c.isalnum() else " " for c in part.lower()) for part in title.split(":"))
    return ".".join(["call", *("_".join(part.split()) for part in words)])


def caller(chance: Random) -> str:
    """A number that no telephone has."""
    return f"+86-000-{int(chance.random() * 10_000_000):07d}"


def at_street(chance: Random, street: Street) -> Place:
    """A house of a street, its position some 20 m wrong."""
    along = chance.random()
    lat, lon = street.lat + along * street.lat_run, street.lon + along * street.lon_run
    return _near(chance, lat, lon, street.district, f"{1 + int(along * 400)} {street.name}")


def at_estate(chance: Random, estate: Estate) -> Place:
    """An estate, its position some 20 m wrong."""
    return _near(chance, estate.lat, estate.lon, estate.district, estate.name)


def at_device(device: Device) -> Place:
    """Where a device stands; it knows that exactly."""
    return Place(device.lat, device.lon, device.district)


def calls(hour: Hour) -> list[Event]:
    """Emergency calls; some know no district, no position, or a wrong one."""
    chance, found = hour.chance("calls"), list[Event]()
    for time in hour.times(chance, CALLS_WEEK, CALLS_PER_DAY):
        street = pick(chance, hour.city.streets)
        place = _as_told(chance, at_street(chance, street))
        identity, title, who = f"C{hour.stamp}-{len(found):05d}", CALLS.draw(chance), caller(chance)
        answered = {"desk": pick(chance, DESKS), "answer_s": int(2 + 10 * chance.random() ** 3)}
        found.append(call(identity, time, title, place, street.name, who, **answered))
    return found


def lifts(hour: Hour) -> list[Event]:
    """Lift alarms and faults. A fault says what is wrong, an alarm that somebody is inside."""
    chance, found = hour.chance("lifts"), list[Event]()
    for time in hour.times(chance, LIFTS_WEEK, FAULTS_PER_DAY):
        estate = pick(chance, hour.city.estates)
        fault = pick(chance, ("door", "levelling", "brake", "power"))
        found.append(
            event(
                "lifts",
                f"F{hour.stamp}-{len(found):05d}",
                "lift.fault",
                time,
                at_estate(chance, estate),
                device=pick(chance, estate.lifts),
                fault=fault,
            )
        )
    return found + list(trapped(hour))


def trapped(hour: Hour) -> Iterator[Event]:
    """People trapped in lifts; `dispatches` tells who came."""
    chance = hour.chance("trapped")
    for number, time in enumerate(hour.times(chance, LIFTS_WEEK, TRAPPED_PER_DAY)):
        estate = pick(chance, hour.city.estates)
        yield alarm(
            f"LA{hour.stamp}-{number:03d}",
            time,
            at_estate(chance, estate),
            pick(chance, estate.lifts),
            1 + int(chance.random() * 30),
            caller(chance),
        )


def alarm(incident: str, time: Micros, place: Place, device: str, floor: int, who: str) -> Event:
    """One person trapped in one lift."""
    return event(
        "lifts",
        incident,
        "lift.trapped",
        time,
        place,
        incident=incident,
        device=device,
        floor=floor,
        caller=who,
    )


def requests(hour: Hour) -> list[Event]:
    """Requests to the hotline and, for hazards, who took them on within 25 minutes."""
    chance, found = hour.chance("hotline"), list[Event]()
    for time in hour.times(chance, HOTLINE_WEEK, REQUESTS_PER_DAY):
        subject = REQUESTS.draw(chance)
        identity = f"H{hour.stamp}-{len(found):05d}"
        found.append(_request(chance, hour.city, identity, time, subject))
        if subject == "hazard":
            then = time + int(between(chance, 60, 1500)) * SECOND
            found.append(
                event(
                    "hotline",
                    f"{identity}-A",
                    "request.assigned",
                    then,
                    None,
                    request=identity,
                    team=pick(chance, ("power", "roads", "water")),
                )
            )
    return found


def request(identity: str, time: Micros, subject: str, place: Place, where: str, who: str, **more: Any) -> Event:
    """A request; noise names its estate, all others their street."""
    named = {"estate": where} if subject == "noise" else {"street": where}
    fields = {"request": identity, "caller": who, **named, **more}
    return event("hotline", identity, f"request.{subject}", time, place, **fields)


def sightings(hour: Hour) -> list[Event]:
    """What cameras believe to see: stopped vehicles, smoke, wrong ways, of which they are never sure."""
    chance, found = hour.chance("cameras"), list[Event]()
    for time in hour.times(chance, CALLS_WEEK, SIGHTINGS_PER_DAY):
        street = pick(chance, hour.city.streets)
        subject = SIGHTINGS.draw(chance)
        found.append(
            sighting(
                f"V{hour.stamp}-{len(found):05d}",
                time,
                subject,
                at_street(chance, street),
                street.name,
                round(between(chance, 0.3, 0.69), 2),
            )
        )
    return found


def sighting(identity: str, time: Micros, subject: str, place: Place, street: str, confidence: float) -> Event:
    """One finding of a camera."""
    return event("cameras", identity, f"camera.{subject}", time, place, street=street, confidence=confidence)


def feed_of(device: Device) -> str:
    """The source of a device's reports."""
    return FEEDS_OF_KINDS.get(device.kind, SENSORS)[0]


def report_time(seed: int, device: Device, number: int) -> Micros:
    """When a device's report of this number is made: its interval, and up to four seconds of jitter."""
    jitter = int(mixed(seed, device.id, number) * 4_000) * 1_000
    return number * device.report_interval + device.phase // SECOND * SECOND + jitter


def report_numbers(device: Device, start: Micros, end: Micros) -> range:
    """The numbers of the reports due in [start, end), by the device's own clock."""
    phase = device.phase // SECOND * SECOND
    return range(-((phase - start) // device.report_interval), -((phase - end) // device.report_interval))


def reading(device: Device, number: int, time: Micros, values: Mapping[str, Any]) -> Event:
    """A device's report; its number makes its id."""
    source, branch = FEEDS_OF_KINDS.get(device.kind, SENSORS)
    fields = {"zone" if device.kind == "crowd" else "device": device.id, **values}
    return event(source, f"{device.id}-{number}", f"{branch}.{device.kind}", time, at_device(device), **fields)


def _as_told(chance: Random, place: Place) -> Place:
    """What the call taker wrote down of a place."""
    luck = chance.random()
    if luck < 0.003:
        return msgspec.structs.replace(place, district=None)
    if luck < 0.008:
        return msgspec.structs.replace(place, lat=None, lon=None)
    if luck < 0.010:
        return msgspec.structs.replace(place, lat=0.0, lon=0.0)
    return place


def _near(chance: Random, lat: float, lon: float, district: str, address: str) -> Place:
    wrong_lat, wrong_lon = between(chance, -0.0002, 0.0002), between(chance, -0.0002, 0.0002)
    return Place(round(lat + wrong_lat, 6), round(lon + wrong_lon, 6), district, None, address)


def _request(chance: Random, city: City, identity: str, time: Micros, subject: str) -> Event:
    waited = {"waited_s" if subject == "abandoned" else "answer_s": int(5 + 45 * chance.random() ** 3)}
    more = {"desk": pick(chance, DESKS), **waited}
    if subject == "noise":
        estate = pick(chance, city.estates)
        return request(identity, time, subject, at_estate(chance, estate), estate.name, caller(chance), **more)
    street = pick(chance, city.streets)
    return request(identity, time, subject, at_street(chance, street), street.name, caller(chance), **more)
