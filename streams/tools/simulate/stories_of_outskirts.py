"""Stories of the outskirts, where nothing else happens: what a whole district, a street or an address sees."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from streams.clocks import DAY, HOUR, MINUTE
from streams.places import Grid
from streams.records import Event, Micros, Place
from streams.tools.simulate import everyday, services
from streams.tools.simulate.chance import between, hour_of_week, local_midnight
from streams.tools.simulate.city import OUTSKIRTS, Street
from streams.tools.simulate.stage import Incident, Stage, Story, ids, told

SOUTH_ISLAND, SALT_FLATS = OUTSKIRTS
HALF_HOUR = 30 * MINUTE


class Teller:
    """Makes the events of one story: its ids count up, each event has a place and a caller of its own."""

    def __init__(self, stage: Stage, name: str, lane: str, which: int) -> None:
        self.chance: Random = stage.chance(name)
        self.name, self.lane = stage.name(name), stage.lane(lane, which)
        self.told = 0

    def somewhere(self, lane: Street | None = None) -> Place:
        """An address on the story's lane, or on another one."""
        return everyday.at_street(self.chance, lane or self.lane)

    def call(self, title: str, time: Micros, place: Place | None = None, lane: Street | None = None) -> Event:
        """An emergency call; of the same address as others if `place` says so."""
        street, who = (lane or self.lane).name, everyday.caller(self.chance)
        return everyday.call(self._next(), time, title, place or self.somewhere(lane), street, who)

    def calls(self, title: str, times: Iterable[Micros], place: Place | None = None) -> list[Event]:
        """One call at each of these times."""
        return [self.call(title, time, place) for time in times]

    def requests(self, subject: str, times: Iterable[Micros]) -> list[Event]:
        """One request at each of these times, each of another caller."""
        return [
            everyday.request(
                self._next(), time, subject, self.somewhere(), self.lane.name, f"+86-000-80000{self.told:02d}"
            )
            for time in times
        ]

    def noise(self, times: Iterable[Micros], norths: Iterable[float]) -> list[Event]:
        """Noise in the street, so many degrees north of one spot, each told by another caller."""
        spot, found = self.somewhere(), list[Event]()
        for time, north in zip(times, norths, strict=True):
            name = self._next()
            place = Place((spot.lat or 0.0) + north, spot.lon, spot.district, None, spot.address)
            fields = {"request": name, "caller": f"+86-000-70000{self.told:02d}"}
            found.append(everyday.event("hotline", name, "request.noise", time, place, **fields))
        return found

    def sighting(self, subject: str, time: Micros) -> Event:
        """A camera is sure of what it sees on the story's lane."""
        return everyday.sighting(self._next(), time, subject, self.somewhere(), self.lane.name, 0.92)

    def _next(self) -> str:
        self.told += 1
        return f"{self.name}{self.told}"


def every(start: Micros, minutes: float, number: int) -> list[Micros]:
    """Times at even distances."""
    return [start + int(index * minutes * MINUTE) for index in range(number)]


def pile_of_crashes(stage: Stage) -> Story:
    """Five crashes in a district, each on a street of its own; a crash whose wreck blocks the road."""
    tell, start = Teller(stage, "district", "Causeway", 0), stage.clock(stage.chance("district start"), 7, 11)
    lanes = [stage.lane(family) for family in ("Salt Road", "Dyke Road", "Gull Road", "Buoy Road", "Reed Road")]
    times = every(start, 1.5, 5)
    crashes = [tell.call("Traffic: VEHICLE ACCIDENT", at, lane=lane) for at, lane in zip(times, lanes, strict=True)]
    wreck = tell.call("Traffic: VEHICLE ACCIDENT", start + 4 * HOUR)
    block = tell.call("Traffic: ROAD OBSTRUCTION", wreck.time + 12 * MINUTE)
    where = (SOUTH_ISLAND,)
    return told(
        [*crashes, wreck, block],
        Incident("crash-series", where, times[4], start + 10 * MINUTE, ids(crashes), "five crashes in six minutes"),
        Incident("crash-then-obstruction", where, block.time, block.time, (wreck.id, block.id), "a wreck on the road"),
    )


def bad_weather(stage: Stage) -> Story:
    """Four vehicles stuck and three reports of hazardous roads."""
    tell, start = Teller(stage, "weather", "Causeway", 0), stage.clock(stage.chance("weather start"), 5, 20)
    stuck = tell.calls("Traffic: DISABLED VEHICLE", every(start, 11, 4))
    slippery = tell.calls("Traffic: HAZARDOUS ROAD CONDITIONS", every(start + 5 * MINUTE, 12, 3))
    where, hour = (SOUTH_ISLAND,), start + HOUR
    return told(
        [*stuck, *slippery],
        Incident("disabled-vehicles-surge", where, stuck[3].time, hour + 30 * MINUTE, ids(stuck), "four vehicles"),
        Incident("roads-hazardous", where, slippery[2].time, hour + 5 * MINUTE, ids(slippery), "three reports"),
    )


def fire(stage: Stage) -> Story:
    """An alarm that was right; the engine takes thirteen minutes. Later somebody must be freed."""
    tell, start = Teller(stage, "fire", "Gull Road", 1), stage.clock(stage.chance("fire start"), 3, 22)
    house, other = tell.somewhere(), tell.somewhere()
    alarm = tell.call("Fire: FIRE ALARM", start, house)
    call = tell.call("Fire: BUILDING FIRE", start + 9 * MINUTE, house)
    engine = services.on_scene(call.id, call.time + 13 * MINUTE, "fire", "fire salt-flats", 200)
    rescue = tell.call("Fire: RESCUE - GENERAL", start + 30 * MINUTE, other)
    late = call.time + 10 * MINUTE
    spots = [(f"{SALT_FLATS}: {place.address}",) for place in (house, other)]
    return told(
        [alarm, call, engine, rescue],
        Incident("building-fire", spots[0], call.time, call.time + 30 * MINUTE, (call.id,), "a house on fire"),
        Incident(
            "fire-alarm-confirmed",
            (SALT_FLATS, house.address),
            call.time,
            call.time,
            (alarm.id, call.id),
            "an alarm that was right",
        ),
        Incident("fire-unattended", (call.id,), late, late, (call.id,), "the engine takes thirteen minutes"),
        Incident(
            "people-to-rescue", spots[1], rescue.time, rescue.time + 30 * MINUTE, (rescue.id,), "somebody is stuck"
        ),
    )


def heart(stage: Stage) -> Story:
    """A heart in need; the ambulance takes a quarter of an hour. Another comes in the last moment."""
    tell, start = Teller(stage, "heart", "Buoy Road", 1), stage.clock(stage.chance("heart start"), 2, 22)
    slow, quick = tell.calls("EMS: CARDIAC EMERGENCY", every(start, 20, 2))
    units = [
        services.on_scene(slow.id, slow.time + 15 * MINUTE, "ems", "ems salt-flats", 400),
        services.on_scene(quick.id, quick.time + 10 * MINUTE, "ems", "ems salt-flats", 400),
    ]
    late, why = slow.time + 10 * MINUTE, "the ambulance takes a quarter of an hour"
    return told([slow, quick, *units], Incident("cardiac-unattended", (slow.id,), late, late, (slow.id,), why))


def gas(stage: Stage) -> Story:
    """A smell of gas, then carbon monoxide in one district; in the other two alarms, and nobody at a smell."""
    south, flats = Teller(stage, "odor", "Dyke Road", 0), Teller(stage, "fumes", "Reed Road", 1)
    start = stage.clock(stage.chance("gas start"), 4, 9)
    odor = south.call("Fire: GAS-ODOR/LEAK", start)
    there = services.on_scene(odor.id, start + 15 * MINUTE, "fire", "fire south-island", 220)
    fumes = south.call("Fire: CARBON MONOXIDE DETECTOR", start + 30 * MINUTE)
    pair = flats.calls("Fire: CARBON MONOXIDE DETECTOR", every(start, 50, 2))
    smell = flats.call("Fire: GAS-ODOR/LEAK", start + 8 * HOUR)
    unit = services.on_scene(smell.id, smell.time + 70 * MINUTE, "fire", "fire salt-flats", 230)
    hour = smell.time + HOUR
    both = (odor.id, fumes.id)
    return told(
        [odor, there, fumes, *pair, smell, unit],
        Incident("gas-odor-then-co", (SOUTH_ISLAND,), fumes.time, fumes.time, both, "gas, then carbon monoxide"),
        Incident("co-series", (flats.lane.name,), pair[1].time, start + 2 * HOUR, ids(pair), "two alarms of a street"),
        Incident("gas-escape-unattended", (smell.id,), hour, hour, (smell.id,), "nobody comes for an hour"),
    )


def injured(stage: Stage) -> Story:
    """A dense crowd, then four callers for one address."""
    tell, start = Teller(stage, "injured", "Salt Road", 0), stage.clock(stage.chance("injured start"), 9, 21)
    spot = tell.somewhere()
    titles = ("EMS: HEAD INJURY", "EMS: FALL VICTIM", "EMS: UNCONSCIOUS SUBJECT", "EMS: HEAD INJURY")
    calls = [tell.call(title, time, spot) for title, time in zip(titles, every(start + 2 * MINUTE, 2, 4), strict=True)]
    dense = everyday.event(
        "cameras", f"{tell.name}0", "camera.crowd", start, spot, zone="SQ south-island", people_per_m2=4.5
    )
    where, four = (SOUTH_ISLAND, spot.address), calls[0].time + 15 * MINUTE
    hurt = calls[1].time
    return told(
        [dense, *calls],
        Incident("several-injured", where, calls[3].time, four, ids(calls), "four callers for one address"),
        Incident("crowd-then-injured", (SOUTH_ISLAND,), hurt, hurt, ids([dense, *calls[:2]]), "two hurt in a crowd"),
    )


def sick(stage: Stage) -> Story:
    """Sixteen who cannot breathe; and three overdoses within a day."""
    tell, start = Teller(stage, "sick", "Gull Road", 0), stage.clock(stage.chance("sick start"), 7, 18)
    gasping = tell.calls("EMS: RESPIRATORY EMERGENCY", every(start, 9, 16))
    closed = gasping[1].time + 3 * HOUR
    why = "sixteen who cannot breathe"
    return told(gasping, Incident("respiratory-surge", (SOUTH_ISLAND,), gasping[14].time, closed, ids(gasping), why))


def overdoses(stage: Stage) -> Story:
    """Three overdoses within a day, in one of the outskirts one day and in the other the next."""
    which = local_midnight(stage.midnight) // DAY % 2
    tell, start = Teller(stage, "overdose", "Buoy Road", which), stage.clock(stage.chance("overdose start"), 8, 12)
    calls = tell.calls("EMS: OVERDOSE", every(start, 170, 3))
    where, why = (OUTSKIRTS[which],), "three overdoses within a day"
    return told(calls, Incident("overdose-series", where, calls[2].time, start + DAY, ids(calls), why))


def cries_wolf(stage: Stage) -> Story:
    """Three fire alarms at one address within a day."""
    tell, start = Teller(stage, "wolf", "Harrier Road", 0), stage.clock(stage.chance("wolf start"), 1, 18)
    house = tell.somewhere()
    alarms = tell.calls("Fire: FIRE ALARM", every(start, 110, 3), house)
    where, why = (SOUTH_ISLAND, house.address), "a detector cries wolf"
    return told(alarms, Incident("fire-alarm-again", where, alarms[2].time, start + DAY, ids(alarms), why))


def cameras(stage: Stage) -> Story:
    """A vehicle on the wrong side of the road; a crash behind a standing vehicle."""
    wrong, standing = Teller(stage, "wrong", "Buoy Road", 0), Teller(stage, "standing", "Causeway", 1)
    start = stage.clock(stage.chance("cameras start"), 8, 22)
    seen = [wrong.sighting("wrong_way", start), wrong.sighting("wrong_way", start + 2 * MINUTE)]
    stopped = standing.sighting("stopped_vehicle", start)
    crash = standing.call("Traffic: VEHICLE ACCIDENT", start + 11 * MINUTE)
    both, lane = (stopped.id, crash.id), (standing.lane.name,)
    return told(
        [*seen, stopped, crash],
        Incident("wrong-way-driver", (wrong.lane.name,), start, start + 12 * MINUTE, ids(seen), "on the wrong side"),
        Incident("stopped-then-crash", lane, crash.time, crash.time, both, "a crash behind a standing vehicle"),
    )


def complaints(stage: Stage) -> Story:
    """A wave of parking complaints within an hour of the clock; garbage left lying; a dark street."""
    tell, litter, dark = (
        Teller(stage, name, lane, which)
        for name, lane, which in (("parking", "Reed Road", 0), ("litter", "Salt Road", 1), ("dark", "Dyke Road", 0))
    )
    hour = stage.midnight + int(between(stage.chance("parking start"), 9, 17)) * HOUR
    parked = tell.requests("parking", every(hour + 4 * MINUTE, 1.5, 32))
    morning = stage.clock(stage.chance("litter start"), 6, 10)
    left = litter.requests("garbage", every(morning, 12, 11))
    evening = stage.clock(stage.chance("dark start"), 18, 21)
    lamps = dark.requests("street_light", every(evening, 9, 5))
    return told(
        [*parked, *left, *lamps],
        Incident("parking-wave", (SOUTH_ISLAND,), parked[29].time, hour + HOUR, ids(parked), "a wave of complaints"),
        Incident(
            "garbage-uncollected",
            (litter.lane.name,),
            left[9].time,
            left[1].time + 4 * HOUR,
            ids(left),
            "eleven complaints of one street",
        ),
        Incident(
            "street-lights-out",
            (dark.lane.name,),
            lamps[4].time,
            evening + HOUR,
            ids(lamps),
            "five callers in the dark",
        ),
    )


def at_school(stage: Stage) -> Story:
    """Three crashes near a school where the district is stricter; on school days cars that stand in the way."""
    flats, gate = Teller(stage, "school", "Gull Road", 1), Teller(stage, "gate", "School Road", 0)
    start = stage.clock(stage.chance("school start"), 5, 7)
    crashes = flats.calls("Traffic: VEHICLE ACCIDENT", every(start, 4, 3))
    series = Incident(
        "crash-series@salt-flats",
        (SALT_FLATS,),
        crashes[2].time,
        start + 10 * MINUTE,
        ids(crashes),
        "three crashes near a school",
    )
    if hour_of_week(stage.midnight) >= 5 * 24:
        return told(crashes, series)
    morning = stage.midnight + 7 * HOUR + 10 * MINUTE
    cars = gate.requests("parking", every(morning, 9, 3))
    closed, why = morning + HALF_HOUR, "three complaints before lessons begin"
    parked = Incident("school-gate-parked", (), cars[2].time, closed, ids(cars), why)
    return told([*crashes, *cars], series, parked)


def street_noise(stage: Stage) -> Story:
    """Three callers within 70 m complain of noise; three more along another street are too far apart."""
    near, far = Teller(stage, "loud", "Harrier Road", 1), Teller(stage, "calm", "Pier Road", 1)
    times = every(stage.clock(stage.chance("loud start"), 17, 19), 35, 3)
    loud, calm = near.noise(times, (0.0, 0.0006, 0.0003)), far.noise(times, (0.0, 0.0024, 0.0012))
    newest = loud[2].place
    assert newest is not None
    cell = Grid(100).cells(newest.lat or 0.0, newest.lon or 0.0)[0]
    closed, why = times[0] + 2 * HOUR + HALF_HOUR, "three callers within a hundred metres"
    return told([*loud, *calm], Incident("noise-cluster", (cell,), times[2], closed, ids(loud), why))
