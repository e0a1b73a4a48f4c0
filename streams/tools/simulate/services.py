"""What the services and networks of an ordinary hour tell: who came, signals, breakers, lifts, buildings.

As in `everyday`, an hour's chance depends on the seed, the feed and the hour alone, and nothing here makes a
rule hold that promises a complete truth.
"""

from __future__ import annotations

from collections.abc import Iterator

from streams.clocks import DAY, SECOND
from streams.records import Event, Micros
from streams.tools.simulate.chance import CALLS_WEEK, HOTLINE_WEEK, between, hour_of_week, mixed, pick
from streams.tools.simulate.everyday import Hour, at_street, call_type, calls, event, trapped
from streams.tools.simulate.everyday import lifts as lifts_of_an_hour

UNITS = ("L1", "L2", "L3", "L4", "L5", "L6")
TEAMS = ("power", "roads", "water")
SIGNALS_PER_DAY, TRIPS_PER_DAY, DOORS_PER_DAY, MOTIONS_PER_DAY, CLOSED_PER_DAY = 16, 12, 40, 60, 100
TEST_CALL_EVERY = 3 * DAY
CARDIAC = call_type("EMS: CARDIAC EMERGENCY")


def dispatches(hour: Hour) -> list[Event]:
    """Each lift alarm of this hour is answered in time, or cancelled because the door opened; units arrive in time."""
    chance, found = hour.chance("dispatch"), list[Event]()
    for one in trapped(hour):
        time = one.time + int(between(chance, 20, 290)) * SECOND
        incident = one.fields["incident"]
        if chance.random() < 0.1:
            found.append(event("dispatch", f"D-{incident}", "dispatch.cancelled", time, None, incident=incident))
        else:
            unit, travel = pick(chance, UNITS), int(between(chance, 200, 1_200))
            found += (
                event("dispatch", f"D-{incident}", "dispatch.accepted", time, None, incident=incident, unit=unit),
                on_scene(incident, time + travel * SECOND, "lift", "lift rescue", travel),
            )
    return found + list(_arrivals(hour))


def _arrivals(hour: Hour) -> Iterator[Event]:
    """An engine for each call of fire, an ambulance for each heart: as fast as NFPA 1710 asks."""
    chance = hour.chance("arrivals")
    for one in calls(hour):
        service = "fire" if one.type.startswith("call.fire.") else "ems"
        if service == "fire" or one.type == CARDIAC:
            travel = int(between(chance, 60, 230 if service == "fire" else 420))
            time = one.time + (int(between(chance, 40, 110)) + travel) * SECOND
            district = one.place.district if one.place is not None else None
            yield on_scene(one.id, time, service, f"{service} {district or 'centre'}", travel)


def on_scene(incident: str, time: Micros, service: str, station: str, travel: int) -> Event:
    """A unit of a service's station is there, `travel` seconds after it left."""
    fields = {"incident": incident, "service": service, "station": station, "travel_s": travel}
    return event("dispatch", f"S-{incident}", "dispatch.on_scene", time, None, **fields)


def lifts(hour: Hour) -> list[Event]:
    """Alarms and faults, and the test call of each lift every third day."""
    return lifts_of_an_hour(hour) + list(_test_calls(hour))


def _test_calls(hour: Hour) -> Iterator[Event]:
    for estate in hour.city.estates:
        for lift in estate.lifts:
            phase = int(mixed("test call", lift) * (TEST_CALL_EVERY // SECOND)) * SECOND
            number, since = divmod(hour.start - phase, TEST_CALL_EVERY)
            time = hour.start + (TEST_CALL_EVERY - since) % TEST_CALL_EVERY
            if time < hour.end:
                yield test_call(lift, time, f"{number}")


def test_call(lift: str, time: Micros, name: str) -> Event:
    """A lift's alarm tries its line."""
    return event("lifts", f"T{lift}-{name}", "lift.test_call", time, None, device=lift)


def closings(hour: Hour) -> list[Event]:
    """What teams finished in this hour, each within a day."""
    chance = hour.chance("closings")
    return [
        closed(f"K{hour.stamp}-{number:03d}", time, pick(chance, TEAMS), round(between(chance, 1, 20), 1))
        for number, time in enumerate(hour.times(chance, HOTLINE_WEEK, CLOSED_PER_DAY))
    ]


def closed(identity: str, time: Micros, team: str, hours: float) -> Event:
    """A request is done, `hours` after it was made."""
    return event("hotline", identity, "request.closed", time, None, request=identity, team=team, hours=hours)


def signals(hour: Hour) -> list[Event]:
    """A signal goes dark or flashes, and is normal again within ten minutes."""
    chance, found = hour.chance("signals"), list[Event]()
    for number, time in enumerate(hour.times(chance, CALLS_WEEK, SIGNALS_PER_DAY)):
        street = pick(chance, hour.city.streets)
        place, name = at_street(chance, street), f"G{hour.stamp}-{number:03d}"
        device, state = f"TS {street.name}", "dark" if chance.random() < 0.5 else "flashing"
        back = time + int(between(chance, 30, 600)) * SECOND
        for part, (when, what) in enumerate(((time, state), (back, "normal"))):
            fields = {"device": device, "street": street.name, "state": what}
            found.append(event("signals", f"{name}-{part}", "signal.state", when, place, **fields))
    return found


def grid(hour: Hour) -> list[Event]:
    """A feeder trips and is closed again within four minutes."""
    chance, found = hour.chance("grid"), list[Event]()
    for number, time in enumerate(hour.times(chance, CALLS_WEEK, TRIPS_PER_DAY)):
        device, back = f"FD-{1 + int(chance.random() * 60):03d}", time + int(between(chance, 1, 240)) * SECOND
        found += (
            breaker(f"B{hour.stamp}-{number:03d}-0", time, device, "tripped"),
            breaker(f"B{hour.stamp}-{number:03d}-1", back, device, "closed"),
        )
    return found


def breaker(identity: str, time: Micros, device: str, state: str) -> Event:
    """The breaker of a feeder changed its state."""
    return event("grid", identity, "grid.breaker", time, None, device=device, state=state)


def buildings(hour: Hour) -> list[Event]:
    """Fire doors that close again within ten minutes; people, but only by day."""
    chance, found = hour.chance("doors"), list[Event]()
    for number, time in enumerate(hour.times(chance, HOTLINE_WEEK, DOORS_PER_DAY)):
        device, back = f"FX-{1 + int(chance.random() * 60):03d}", time + int(between(chance, 5, 600)) * SECOND
        found += (
            door(f"X{hour.stamp}-{number:03d}-0", time, device, "open"),
            door(f"X{hour.stamp}-{number:03d}-1", back, device, "closed"),
        )
    if 7 <= hour_of_week(hour.start) % 24 < 20:
        times = enumerate(hour.times(chance, CALLS_WEEK, MOTIONS_PER_DAY))
        found += [motion(f"W{hour.stamp}-{number:03d}", time, f"PIR-{number % 8 + 1}") for number, time in times]
    return found


def door(identity: str, time: Micros, device: str, state: str) -> Event:
    """A fire door was opened or closed."""
    return event("buildings", identity, "building.door", time, None, device=device, state=state)


def motion(identity: str, time: Micros, device: str) -> Event:
    """Somebody moves in a building."""
    return event("buildings", identity, "building.motion", time, None, device=device)
