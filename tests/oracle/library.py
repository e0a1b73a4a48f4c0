"""What the library of rules means, said slowly like `city.py`: rates, levels, silences, who came and who did not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from statistics import median
from typing import Any

from streams.clocks import DAY, HOUR, MINUTE
from streams.places import Grid
from streams.records import Event, Micros
from streams.tools.simulate.chance import hour_of_week
from streams.tools.simulate.registers import gauge_rows
from tests.oracle.city import Episodes, Found, Key, Test, by_key, count, distinct, district, metres, threshold

Of = Mapping[str, list[Event]]


def episodes(events: Iterable[Event]) -> dict[str, set[Found]]:
    """The episodes of each rule among some events."""
    first = Episodes(events)
    of = first.of
    parts = (_levels, _rates, _answers, _services, _then, _alone, _places)
    found = first.all() | {rule: told for part in parts for rule, told in part(of).items()}
    return found | {"flood-spreads": _spreads(of, found)}


def branch(of: Of, prefix: str) -> list[Event]:
    """The events of all types that begin so."""
    return [event for name, events in of.items() if name.startswith(prefix) for event in events]


def spot(event: Event) -> tuple[str, str] | None:
    """District and address, if both are known."""
    place = event.place
    return (place.district, place.address) if place and place.district and place.address else None


def mean(values: list[float]) -> float:
    """The arithmetic mean."""
    return sum(values) / len(values)


MEASURES: Mapping[str, Callable[[list[float]], float]] = {"min": min, "max": max, "avg": mean}


def level(
    events: list[Event], field: str, measure: str, met: Test, window: Micros, least: int, **more: Any
) -> set[Found]:
    """Lowest, highest or mean reading of each device, with `least` readings at least."""
    how = MEASURES[measure]
    return threshold(
        [e for e in events if field in e.fields],
        "device",
        window,
        lambda v: how(v) if len(v) >= least else None,
        met,
        lambda e: e.fields[field],
        **more,
    )


def slope(events: list[Event], key: str, field: str, met: Test, window: Micros, least: int) -> set[Found]:
    """How much a reading rises an hour, by least squares."""

    def rise(points: list[tuple[float, float]]) -> float | None:
        if len(points) < least:
            return None
        middle = sum(x for x, _ in points) / len(points)
        return sum((x - middle) * y for x, y in points) / sum((x - middle) ** 2 for x, _ in points)

    return threshold(events, key, window, rise, met, lambda e: (e.time / HOUR, e.fields[field]))


def percentile(events: Iterable[Event], key: str, field: str, above: float, window: Micros) -> set[Found]:
    """The 90th percentile of five values and more, between the nearest two."""

    def p90(values: list[float]) -> float | None:
        if len(values) < 5:
            return None
        ranked, place = sorted(values), (len(values) - 1) * 0.9
        low = int(place)
        return ranked[low] + (place - low) * (ranked[min(low + 1, len(ranked) - 1)] - ranked[low])

    return threshold(
        [e for e in events if field in e.fields],
        key,
        window,
        p90,
        lambda v: v > above,
        lambda e: e.fields[field],
    )


def each(events: list[Event], key: Key, keep: Micros) -> set[Found]:
    """Each event, those that follow within `keep` as one."""
    return threshold(events, key, 1, count, lambda n: n >= 1, keep=keep - 1)


def unanswered(
    first: list[Event], key: Key, answers: list[Event], answered: Key, within: Micros
) -> set[Found]:
    """Firsts without an answer, at the last moment included."""
    known = by_key(answers, answered)
    return {
        ((name,), one.time + within, one.time + within)
        for name, mine in by_key(first, key).items()
        for one in mine
        if not any(one.time <= answer.time <= one.time + within for answer in known.get(name, ()))
    }


def silent(events: list[Event], every: Micros) -> set[Found]:
    """Devices whose events lie further apart than that."""
    return {
        ((device,), one.time + every, then.time)
        for device, mine in by_key(events, "device").items()
        for one, then in pairwise(mine)
        if then.time - one.time > every
    }


def pairs(
    first: list[Event], then: list[Event], key: Key, within: Micros, ordered: bool = True
) -> set[Found]:
    """The moments at which a pair is complete."""
    later = by_key(then, key)
    return {
        (name if isinstance(name, tuple) else (name,), at := max(one.time, two.time), at)
        for name, mine in by_key(first, key).items()
        for one in mine
        for two in later.get(name, ())
        if abs(two.time - one.time) <= within and (not ordered or one.time <= two.time)
    }


def _levels(of: Of) -> dict[str, set[Found]]:
    pressure, tap, air = of["meter.pressure"], of["meter.tap"], of["meter.air"]
    three = {"window": 75 * MINUTE, "least": 3}
    night = [e for e in of["meter.noise"] if not 6 <= hour_of_week(e.time) % 24 < 22]
    mark = {row["device"]: float(row["warning_m"]) for row in gauge_rows()}
    high = [e for e in of["meter.river"] if e.fields["level_m"] >= mark[e.fields["device"]]]
    fridge = of["building.fridge"]
    return {
        "water-pressure-low": level(pressure, "mpa", "max", lambda v: v < 0.14, **three),
        "chlorine-residual-low": level(tap, "free_chlorine_mg_l", "max", lambda v: v < 0.05, **three),
        "drinking-water-cloudy": level(tap, "turbidity_ntu", "avg", lambda v: v > 1, **three),
        "pm25-day": level(air, "pm25", "avg", lambda v: v > 75, DAY, 20),
        "no2-three-hours": level(air, "no2", "min", lambda v: v >= 400, 150 * MINUTE, 3),
        "ozone-hour": each([e for e in air if e.fields["o3"] > 200], "device", 90 * MINUTE),
        "site-noise-at-night": level(night, "laeq_db", "avg", lambda v: v > 55, **three),
        "river-above-warning": threshold(high, "device", 65 * MINUTE, count, lambda n: n >= 2),
        "stale-air": level(of["building.co2"], "co2_ppm", "avg", lambda v: v > 1000, **three),
        "vaccine-frozen": level(fridge, "celsius", "max", lambda v: v <= -0.5, 65 * MINUTE, 2, wait=HOUR),
        "battery-low": level(of["sensor.manhole"], "battery", "max", lambda v: v < 20, 150 * MINUTE, 3),
    }


def _rates(of: Of) -> dict[str, set[Found]]:
    rain = [e for e in of["sensor.rain"] if e.fields["mm_per_h"] < 500]
    water, devices = of["sensor.water"], branch(of, "sensor.") + branch(of, "meter.")
    late = [e for e in devices if e.received - e.time > 20 * MINUTE]
    return {
        "water-main-burst": slope(of["meter.pressure"], "device", "mpa", lambda v: v < -0.15, 75 * MINUTE, 3),
        "underpass-rising": slope(water, "device", "level_cm", lambda v: v > 70, 16 * MINUTE, 4),
        "crowd-growing": slope(of["camera.crowd"], "zone", "people_per_m2", lambda v: v > 10, 16 * MINUTE, 4),
        "rainstorm": threshold(
            rain,
            "device",
            3 * HOUR,
            lambda mm: round(sum(mm) / 12, 6),
            lambda mm: mm >= 50,
            lambda e: e.fields["mm_per_h"],
        ),
        "sensor-stuck": threshold(
            water,
            "device",
            2 * HOUR,
            lambda cm: len(set(cm)) if len(cm) >= 20 else None,
            lambda n: n <= 1,
            lambda e: e.fields["level_cm"],
        ),
        "reading-impossible": each(
            [e for e in of["sensor.rain"] if e.fields["mm_per_h"] >= 500], "device", HOUR
        ),
        "device-reports-late": threshold(late, "device", HOUR, count, lambda n: n >= 3),
    }


def _answers(of: Of) -> dict[str, set[Found]]:
    there = of["dispatch.on_scene"]
    return {
        f"{rule}-unattended": unanswered(of[kind], lambda e: e.id, there, "incident", within)
        for rule, kind, within in (
            ("fire", "call.fire.building_fire", 10 * MINUTE),
            ("cardiac", "call.ems.cardiac_emergency", 10 * MINUTE),
            ("gas-escape", "call.fire.gas_odor_leak", HOUR),
        )
    } | {
        "lift-rescue-late": unanswered(
            of["lift.trapped"], "incident", there + of["dispatch.cancelled"], "incident", 30 * MINUTE
        ),
        "signal-dark": _state(of["signal.state"], "dark", ("normal", "flashing"), 15 * MINUTE),
        "feeder-tripped": _state(of["grid.breaker"], "tripped", ("closed",), 5 * MINUTE),
        "fire-door-open": _state(of["building.door"], "open", ("closed",), 15 * MINUTE),
        "lift-test-call-missing": silent(of["lift.test_call"], 73 * HOUR),
        "fire-panel-silent": silent(of["building.panel"], 6 * HOUR + 30 * MINUTE),
    }


def _state(events: list[Event], bad: str, good: tuple[str, ...], within: Micros) -> set[Found]:
    """A device that is in the bad state and not in a good one in time."""
    first = [e for e in events if e.fields["state"] == bad]
    return unanswered(first, "device", [e for e in events if e.fields["state"] in good], "device", within)


def _services(of: Of) -> dict[str, set[Found]]:
    there, desks = of["dispatch.on_scene"], [e for e in branch(of, "request.") if "desk" in e.fields]
    travel = {
        f"travel-slow.{service}": percentile(
            [e for e in there if e.fields["service"] == service], "station", "travel_s", above, 8 * HOUR
        )
        for service, above in (("fire", 240), ("ems", 480))
    }
    answered = {
        f"calls-answered-slowly.{service}": percentile(
            branch(of, f"call.{service}."), "desk", "answer_s", 15, HOUR
        )
        for service in ("fire", "ems", "traffic")
    }
    return {
        **travel,
        **answered,
        "hotline-answered-slowly": percentile(desks, "desk", "answer_s", 60, HOUR),
        "hotline-abandoned": threshold(
            desks,
            "desk",
            HOUR,
            lambda v: sum(v) / len(v) if len(v) >= 10 else None,
            lambda v: v > 0.1,
            lambda e: e.type == "request.abandoned",
        ),
        "repairs-overdue": percentile(of["request.closed"], "team", "hours", 24, 8 * HOUR),
        "calls-without-position": threshold(
            [e for e in branch(of, "call.") if e.place is None or not e.place.lat],
            "desk",
            HOUR,
            count,
            lambda n: n >= 5,
        ),
    }


def _then(of: Of) -> dict[str, set[Found]]:
    crash, street = of["call.traffic.vehicle_accident"], "street"
    stopped = [e for e in of["camera.stopped_vehicle"] if e.fields["confidence"] >= 0.7]
    dark = [e for e in of["signal.state"] if e.fields["state"] == "dark"]
    dense = [e for e in of["camera.crowd"] if e.fields["people_per_m2"] >= 4]
    hurt = [
        e for name in ("head_injury", "fall_victim", "unconscious_subject") for e in of[f"call.ems.{name}"]
    ]
    return {
        "stopped-then-crash": pairs(stopped, crash, street, 30 * MINUTE),
        "crash-at-dark-signal": pairs(dark, crash, street, 30 * MINUTE, ordered=False),
        "crash-then-obstruction": pairs(crash, of["call.traffic.road_obstruction"], district, 30 * MINUTE),
        "gas-odor-then-co": pairs(
            of["call.fire.gas_odor_leak"], of["call.fire.carbon_monoxide_detector"], district, HOUR
        ),
        "fire-alarm-confirmed": pairs(of["call.fire.fire_alarm"], of["call.fire.building_fire"], spot, HOUR),
        "crowd-then-injured": {
            ((where,), after[1].time, after[1].time)
            for where, mine in by_key(hurt, district).items()
            for one in dense
            if district(one) == where
            and len(after := [e for e in mine if one.time <= e.time <= one.time + 15 * MINUTE]) >= 2
        },
    }


def _alone(of: Of) -> dict[str, set[Found]]:
    night = [e for e in of["building.motion"] if not 6 <= hour_of_week(e.time) % 24 < 22]
    wrong = [e for e in of["camera.wrong_way"] if e.fields["confidence"] >= 0.8]
    fires = of["call.fire.building_fire"] + of["call.ems.building_fire"]
    rescues = [e for service in ("fire", "ems") for e in branch(of, f"call.{service}.rescue_")]
    return {
        "intruder-at-night": each(night, "device", 30 * MINUTE),
        "wrong-way-driver": each(wrong, "street", 10 * MINUTE),
        "building-fire": each(fires, _one_place, 30 * MINUTE),
        "people-to-rescue": each(rescues, _one_place, 30 * MINUTE),
    }


def _one_place(event: Event) -> str:
    known = spot(event)
    return f"{known[0]}: {known[1]}" if known else event.id


def _places(of: Of) -> dict[str, set[Found]]:
    calls: dict[str, tuple[str, Key, Micros, int]] = {
        "crash-series": ("call.traffic.vehicle_accident", district, 10 * MINUTE, 5),
        "disabled-vehicles-surge": ("call.traffic.disabled_vehicle", district, HOUR, 4),
        "roads-hazardous": ("call.traffic.hazardous_road_conditions", district, HOUR, 3),
        "respiratory-surge": ("call.ems.respiratory_emergency", district, 3 * HOUR, 15),
        "overdose-series": ("call.ems.overdose", district, DAY, 3),
        "fire-alarm-again": ("call.fire.fire_alarm", spot, DAY, 3),
        "co-series": ("call.fire.carbon_monoxide_detector", "street", 2 * HOUR, 2),
        "garbage-uncollected": ("request.garbage", "street", 4 * HOUR, 10),
    }
    flats = [e for e in of["call.traffic.vehicle_accident"] if district(e) == "salt-flats"]
    gate = [e for e in of["request.parking"] if e.place and e.place.address and "School Road" in e.place.address]
    early = [e for e in gate if hour_of_week(e.time) < 5 * 24 and hour_of_week(e.time) % 24 in (7, 8)]
    found = {
        rule: threshold(
            of[kind],
            key,
            window,
            count,
            lambda n, least=least: n >= least,  # type: ignore[misc]
            keep=30 * MINUTE if rule == "disabled-vehicles-surge" else 0,
        )
        for rule, (kind, key, window, least) in calls.items()
    }
    power = [e for e in of["lift.fault"] if e.fields["fault"] == "power"]
    return found | {
        "several-injured": threshold(
            branch(of, "call.ems."), spot, 15 * MINUTE, distinct, lambda n: n >= 4, _caller
        ),
        "street-lights-out": threshold(
            of["request.street_light"], "street", HOUR, distinct, lambda n: n >= 5, _caller
        ),
        "estate-power-lost": threshold(
            power,
            lambda e: e.place and e.place.address,
            10 * MINUTE,
            distinct,
            lambda n: n >= 3,
            lambda e: e.fields["device"],
        ),
        "crash-series@salt-flats": threshold(flats, district, 10 * MINUTE, count, lambda n: n >= 3),
        "school-gate-parked": threshold(early, lambda _: (), HOUR // 2, distinct, lambda n: n >= 3, _caller),
        "noise-cluster": _noises(of),
        "air-disagrees": _disagreements([e for e in of["meter.air"] if "pm25" in e.fields]),
        "parking-wave": _wave(of["request.parking"], 30),
    }


def _wave(events: list[Event], least: int) -> set[Found]:
    """From the n-th within an hour of the clock to that hour's end."""
    found = set()
    for where, mine in by_key(events, district).items():
        for hour in {e.time // HOUR for e in mine}:
            within = [e.time for e in mine if e.time // HOUR == hour]
            if len(within) >= least:
                found.add(((where,), within[least - 1], (hour + 1) * HOUR))
    return found


def _spreads(of: Of, found: Mapping[str, set[Found]]) -> set[Found]:
    """Three findings of gauges and underpasses in one district within two hours."""
    home = {e.fields["device"]: district(e) for name in ("sensor.rain", "sensor.water") for e in of[name]}
    seen = [
        Event(str(number), rule, rule, opened, opened, None, None, {"district": home[key[0]]}, 0, 0)
        for rule in ("cloudburst", "underpass-flooded")
        for number, (key, opened, _) in enumerate(sorted(found[rule]))
    ]
    return threshold(seen, "district", 2 * HOUR, count, lambda n: n >= 3)


def _noises(of: Of) -> set[Found]:
    """The newest of three callers within 100 m and two hours; told apart by who is near whom alone."""
    street = sorted((e for e in of["request.noise"] if "estate" not in e.fields), key=lambda e: e.time)
    episodes = set()
    for newest in street:
        near = [e for e in street if 0 <= newest.time - e.time < 2 * HOUR and metres(e, newest) <= 100]
        assert newest.place is not None
        if len({_caller(e) for e in near}) >= 3:
            cell = Grid(100).cells(newest.place.lat or 0.0, newest.place.lon or 0.0)[0]
            # with three callers alone the first that leaves ends it
            episodes.add(((cell,), newest.time, min(e.time for e in near) + 2 * HOUR + 30 * MINUTE))
    return episodes


def _disagreements(events: list[Event]) -> set[Found]:
    """A place whose median is 100 away from the median of those of three others or more within 2 km and three hours."""

    def apart(inside: list[Event], newest: Event) -> float | None:
        of = by_key(inside, lambda e: (e.place.lat, e.place.lon) if e.place else None)
        middle = {where: median(e.fields["pm25"] for e in mine) for where, mine in of.items()}
        assert newest.place is not None
        own = middle.pop((newest.place.lat, newest.place.lon))
        return abs(own - median(middle.values())) if len(middle) >= 3 else None

    episodes = set()
    for newest in events:
        near = [e for e in events if 0 <= newest.time - e.time < 3 * HOUR and metres(e, newest) <= 2000]
        if (apart(near, newest) or 0) <= 100:
            continue
        assert newest.place is not None
        leaving = sorted(e.time + 3 * HOUR for e in near)
        closed = next(at for at in leaving if at == leaving[-1] or (
            apart([e for e in near if e.time + 3 * HOUR > at], newest) or 0) <= 100)
        episodes.add(((Grid(2000).cells(newest.place.lat or 0.0, newest.place.lon or 0.0)[0],), newest.time, closed))
    return episodes


def _caller(event: Event) -> Any:
    return event.fields["caller"]
