"""Stories of water, air, buildings, power and signals, and of devices that are not to be trusted."""

from __future__ import annotations

from typing import Any

from streams.clocks import HOUR, MINUTE, SECOND
from streams.places import Grid
from streams.records import Event, Micros, Place
from streams.tools.simulate import everyday, services
from streams.tools.simulate.chance import between, pick
from streams.tools.simulate.city import Device
from streams.tools.simulate.registers import warning_m
from streams.tools.simulate.stage import Incident, Report, Spell, Stage, Story, cast, ids, series, told

HALF_HOUR = 30 * MINUTE


def main_burst(stage: Stage) -> Story:
    """The pressure in a main falls fast, stays low and comes back."""
    device, start = stage.device("pressure", 0), stage.clock(stage.chance("burst"), 2, 18)
    readings = [{"mpa": mpa} for mpa in (0.30, 0.30, 0.20, 0.10, 0.10, 0.10, 0.30)]
    spell, reports = series(stage, device, start, readings)
    return cast(
        [spell],
        _of(device, "water-main-burst", reports, 3, 4, "the pressure falls by 0.2 MPa in an hour"),
        _of(device, "water-pressure-low", reports, 5, 6, "less than 0.14 MPa in three reports running"),
        before=2 * HOUR,
    )


def tap_water(stage: Stage) -> Story:
    """At one tap the water has no chlorine, at another it is cloudy."""
    chance = stage.chance("tap")
    pure, cloudy = stage.device("tap", 1), stage.device("tap", 2)
    bare = [{"free_chlorine_mg_l": 0.02, "turbidity_ntu": 0.3}] * 3
    thick = [{"free_chlorine_mg_l": 0.3, "turbidity_ntu": 4.0}] * 3
    no_chlorine, without = series(stage, pure, stage.clock(chance, 2, 20), bare)
    mud, turbid = series(stage, cloudy, stage.clock(chance, 2, 19), [*thick, *[{"turbidity_ntu": 0.2}] * 3])
    return cast(
        [no_chlorine, mud],
        _of(pure, "chlorine-residual-low", without, 2, 3, "three reports without chlorine"),
        _of(cloudy, "drinking-water-cloudy", turbid, 0, 5, "three reports of 4 NTU"),
        before=2 * HOUR,
    )


def river(stage: Stage) -> Story:
    """A river stands above its mark in three reports running."""
    chance = stage.chance("river")
    device, start = pick(chance, stage.city.devices("river")), stage.clock(chance, 2, 20)
    level = round(warning_m(device) + 0.3, 2)
    spell, reports = series(stage, device, start, [{"level_m": level}] * 3)
    closed = reports[1][1] + 65 * MINUTE
    why = "a river stands above its mark"
    return cast([spell], Incident("river-above-warning", (device.id,), reports[1][1], closed, ids(reports[:3]), why))


def air(stage: Stage) -> Story:
    """Ozone for two hours at one station, nitrogen dioxide for three at another."""
    chance = stage.chance("air")
    ozone, exhaust = stage.device("air", 0), stage.device("air", 1)
    sunny, bright = series(stage, ozone, stage.clock(chance, 10, 15), [_air(o3=230.0)] * 2)
    thick, dark = series(stage, exhaust, stage.clock(chance, 3, 15), [_air(no2=420.0)] * 3)
    two_hours = Incident(
        "ozone-hour", (ozone.id,), bright[0][1], bright[1][1] + 90 * MINUTE, ids(bright[:2]), "ozone for two hours"
    )
    return cast(
        [sunny, thick],
        two_hours,
        _of(exhaust, "no2-three-hours", dark, 2, 3, "nitrogen dioxide for three hours"),
        before=3 * HOUR,
    )


def smog(stage: Stage) -> Story:
    """A van measures for a day: twenty hours of smog, then the wind turns."""
    start, name = stage.clock(stage.chance("smog"), 6, 10), stage.name("van")
    spot = everyday.at_street(stage.chance("van"), stage.lane("Salt Road", 1))
    place = Place(spot.lat, spot.lon, spot.district)
    events = [
        everyday.event(
            "meters", f"{name}-{hour}", "meter.air", start + hour * HOUR, place, device=name, **_air(pm25=pm25)
        )
        for hour, pm25 in enumerate([90.0] * 20 + [5.0] * 5)
    ]
    why = "twenty hours of smog"
    return told(events, Incident("pm25-day", (name,), events[19].time, events[24].time, ids(events[:24]), why))


def disagreement(stage: Stage) -> Story:
    """Five small stations stand along a street; one of them reads ten times what the others read."""
    chance, name = stage.chance("stations"), stage.name("stations")
    start, lane = stage.clock(chance, 3, 20), stage.lane("Station Road", 0)
    spots = [everyday.at_street(chance, lane) for _ in range(5)]
    events = [
        everyday.event("meters", f"{name}-{at}", "meter.air", start + at * MINUTE,
                       Place(spot.lat, spot.lon, lane.district), device=f"{name}-{at}", **_air(pm25=pm25))
        for at, (spot, pm25) in enumerate(zip(spots, (29.0, 33.0, 30.0, 27.0, 310.0), strict=True))
    ]
    cell = Grid(2000).cells(spots[4].lat or 0.0, spots[4].lon or 0.0)[0]
    closed, why = events[1].time + 3 * HOUR, "one of five stations reads what no other does"
    return told(events, Incident("air-disagrees", (cell,), events[4].time, closed, ids(events), why))


def night_work(stage: Stage) -> Story:
    """A building site works at night."""
    device, start = stage.device("noise", 0), stage.clock(stage.chance("site"), 2, 3)
    spell, reports = series(stage, device, start, [{"laeq_db": 66.0}] * 3 + [{"laeq_db": 42.0}] * 2)
    return cast(
        [spell], _of(device, "site-noise-at-night", reports, 1, 4, "a building site works at night"), before=HOUR
    )


def faulty(stage: Stage) -> Story:
    """A gauge is stuck, a rain gauge reads nonsense, a battery is nearly empty."""
    chance = stage.chance("faulty")
    gauge, rain, cover = stage.device("water", 3), stage.device("rain", 2), stage.device("manhole", 0)
    began = stage.clock(chance, 3, 18)
    stuck, same = series(stage, gauge, began, [{"level_cm": 1.1}] * 48)
    last = stage.reports(gauge, began - 10 * MINUTE, began)[-1]
    storm, nonsense = series(stage, rain, stage.clock(chance, 2, 22), [{"mm_per_h": 999.0}])
    weak, empty = series(stage, cover, stage.clock(chance, 3, 17), [{"tilt_deg": 1.0, "battery": 12}] * 4)
    (first, at), *_ = nonsense
    return cast(
        [stuck, storm, weak],
        Incident("sensor-stuck", (gauge.id,), last[1] + 2 * HOUR, same[48][1], ids(same[:48]), "a gauge is stuck"),
        Incident("reading-impossible", (rain.id,), at, at + HOUR, (first,), "a rain gauge reads 999 mm/h"),
        _of(cover, "battery-low", empty, 2, 4, "the battery of a cover is nearly empty"),
        before=2 * HOUR,
    )


def rooms(stage: Stage) -> Story:
    """Stale air in a room, frost in a refrigerator."""
    chance = stage.chance("rooms")
    room, fridge = stage.device("co2", 0), pick(chance, stage.city.devices("fridge"))
    breaths = [{"co2_ppm": float(ppm)} for ppm in (700, 700, 1400, 1400, 1400, 700, 700)]
    stale, air_of_room = series(stage, room, stage.clock(chance, 8, 18), breaths)
    began = stage.clock(chance, 3, 18)
    frost, cold = series(stage, fridge, began, [{"celsius": -2.0}] * 6)
    warm = stage.reports(fridge, began - HALF_HOUR, began)[-1]
    frozen = Incident(
        "vaccine-frozen", (fridge.id,), warm[1] + 125 * MINUTE, cold[6][1], ids(cold[:6]), "frost for three hours"
    )
    return cast([stale, frost], _of(room, "stale-air", air_of_room, 3, 6, "a full room"), frozen, before=2 * HOUR)


def panel(stage: Stage) -> Story:
    """A fire alarm panel leaves one test signal out."""
    chance = stage.chance("panel")
    device, start = pick(chance, stage.city.devices("panel")), stage.clock(chance, 6, 11)
    from_then = stage.reports(device, start - 6 * HOUR, start + 12 * HOUR)
    last, _, back = from_then
    opened = last[1] + 6 * HOUR + HALF_HOUR
    why = "a panel leaves one test signal out"
    spell = Spell(device.id, start, start + 6 * HOUR)
    return cast([spell], Incident("fire-panel-silent", (device.id,), opened, back[1], (last[0],), why), before=6 * HOUR)


def doors(stage: Stage) -> Story:
    """A fire door stands open, another closes in the last moment; somebody is in a library at night."""
    chance, name = stage.chance("doors"), stage.name("xdoor")
    start, night = stage.clock(chance, 8, 20), stage.clock(chance, 1, 4)
    events = [
        services.door(f"{name}0", start, name, "open"),
        services.door(f"{name}1", start + 40 * MINUTE, name, "closed"),
        services.door(f"{name}2", start, f"{name}-B", "open"),
        services.door(f"{name}3", start + 15 * MINUTE, f"{name}-B", "closed"),
        services.motion(f"{name}4", night, "PIR-9"),
        services.motion(f"{name}5", night + 9 * MINUTE, "PIR-9"),
    ]
    shut = start + 15 * MINUTE
    return told(
        events,
        Incident("fire-door-open", (name,), shut, shut, ids(events[:1]), "a wedge under a fire door"),
        Incident(
            "intruder-at-night", ("PIR-9",), night, night + 39 * MINUTE, ids(events[4:]), "somebody is there at night"
        ),
    )


def power(stage: Stage) -> Story:
    """A feeder stays out, another is closed in the last moment; the lifts of an estate lose power."""
    chance, name = stage.chance("power"), stage.name("feeder")
    estate, start = stage.estate(4), stage.clock(chance, 6, 22)
    trips = [
        services.breaker(f"{name}0", start, name, "tripped"),
        services.breaker(f"{name}1", start + 40 * MINUTE, name, "closed"),
        services.breaker(f"{name}2", start, f"{name}-B", "tripped"),
        services.breaker(f"{name}3", start + 5 * MINUTE, f"{name}-B", "closed"),
    ]
    faults = [
        everyday.event(
            "lifts",
            f"{name}-L{index}",
            "lift.fault",
            start + index * 2 * MINUTE,
            everyday.at_estate(chance, estate),
            device=lift,
            fault="power",
        )
        for index, lift in enumerate(estate.lifts[:3])
    ]
    out, last = start + 5 * MINUTE, faults[0].time + 10 * MINUTE
    return told(
        [*trips, *faults],
        Incident("feeder-tripped", (name,), out, out, ids(trips[:1]), "a feeder is out for forty minutes"),
        Incident("estate-power-lost", (estate.name,), faults[2].time, last, ids(faults), "three lifts lose power"),
    )


def dark_signal(stage: Stage) -> Story:
    """A signal is dark for forty minutes, and somebody crashes there."""
    chance, name, lane = stage.chance("signal"), stage.name("signal"), stage.lane("Dyke Road", 1)
    start, place = stage.clock(chance, 8, 20), everyday.at_street(chance, lane)
    crashed = start + 8 * MINUTE + int(between(chance, 0, 50)) * SECOND

    def changed(number: int, time: Micros, state: str) -> Event:
        fields = {"device": f"TS {lane.name}", "street": lane.name, "state": state}
        return everyday.event("signals", f"{name}-{number}", "signal.state", time, place, **fields)

    dark, light = changed(0, start, "dark"), changed(1, start + 40 * MINUTE, "normal")
    who = everyday.caller(chance)
    crash = everyday.call(f"{name}-2", crashed, "Traffic: VEHICLE ACCIDENT", place, lane.name, who)
    deadline = start + 15 * MINUTE
    both = (dark.id, crash.id)
    return told(
        [dark, light, crash],
        Incident("signal-dark", (f"TS {lane.name}",), deadline, deadline, (dark.id,), "dark for forty minutes"),
        Incident("crash-at-dark-signal", (lane.name,), crashed, crashed, both, "a crash at a dark signal"),
    )


def _of(device: Device, rule: str, reports: list[Report], opened: int, closed: int, why: str) -> Incident:
    """An incident of a device that opens with one of its reports and closes with another."""
    return Incident(rule, (device.id,), reports[opened][1], reports[closed][1], ids(reports[:closed]), why)


def _air(pm25: float = 20.0, o3: float = 60.0, no2: float = 30.0) -> dict[str, Any]:
    return {"pm25": pm25, "o3": o3, "no2": no2}
