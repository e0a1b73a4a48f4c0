"""What the rules of the made-up city mean, said slowly over a whole list of events; no state, no timers."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from math import cos, hypot, radians
from typing import Any

from streams.clocks import HOUR, MINUTE
from streams.records import Event, Micros
from streams.tools.simulate.city import city as yulan
from streams.tools.simulate.registers import register_rows

Found = tuple[tuple[Any, ...], Micros, Micros]  # key, opened, closed
Measure = Callable[[list[Any]], float | None]
Test = Callable[[float], bool]
Key = str | Callable[[Event], Any]  # a field, or what is made of an event; None: it has no key


def judged(
    readings: list[tuple[Micros, Any]],
    window: Micros,
    measure: Measure,
    met: Test,
    recovered: Test | None = None,
    wait: Micros = 0,
    keep: Micros = 0,
) -> Iterator[tuple[Micros, Micros]]:
    """(opened, closed) of a sliding window, judged at each reading and whenever one leaves."""
    since: Micros | None = None
    false_at: Micros | None = None
    times = [time for time, _ in readings]
    for now in sorted({at for time in times for at in (time, time + window)}):
        within = readings[bisect_right(times, now - window) : bisect_right(times, now)]
        value = measure([value for _, value in within])
        if value is None:
            continue
        if since is not None and false_at is not None and now > false_at + keep:
            yield since, false_at + keep
            since = false_at = None
        if met(value):
            since, false_at = (now if since is None else since), None
        elif since is not None and false_at is None and (recovered or (lambda _: True))(value):
            false_at = now
            if now < since + wait:
                since = false_at = None
    if since is not None and false_at is not None:
        yield since, false_at + keep


def by_key(events: Iterable[Event], key: Key) -> dict[Any, list[Event]]:
    """The events in order of time, by a field that they have."""
    keyed: dict[Any, list[Event]] = defaultdict(list)
    for event in sorted(events, key=lambda event: event.time):
        name = event.fields.get(key) if isinstance(key, str) else key(event)
        if name is not None:
            keyed[name].append(event)
    return keyed


def threshold(
    events: list[Event],
    field: Key,
    window: Micros,
    measure: Measure,
    met: Test,
    value: Callable[[Event], Any] = lambda event: event.id,
    wait: Micros = 0,
    **options: Any,
) -> set[Found]:
    """The episodes of a sliding threshold."""
    return {
        (key if isinstance(key, tuple) else (key,), opened + wait, closed)
        for key, mine in by_key(events, field).items()
        for opened, closed in judged(
            [(event.time, value(event)) for event in mine], window, measure, met, wait=wait, **options
        )
    }


def count(values: list[Any]) -> float:
    """How many."""
    return len(values)


def distinct(values: list[Any]) -> float:
    """How many different ones."""
    return len(set(values))


class Episodes:
    """The episodes of each planted rule among some events."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.of: dict[str, list[Event]] = defaultdict(list)
        for event in {event.id: event for event in events}.values():
            self.of[event.type].append(event)

    def all(self) -> dict[str, set[Found]]:
        """By rule."""
        crash, fault = self.of["call.traffic.vehicle_accident"], self.of["lift.fault"]
        gas = self.of["sensor.gas"]
        methane = [e for e in gas if e.fields["substance"] == "methane" and e.fields["ppm"] >= 10_000]
        chlorine = [e for e in gas if e.fields["substance"] == "chlorine" and e.fields["ppm"] >= 1]
        return {
            "crash-series-road": threshold(crash, "street", 10 * MINUTE, count, lambda n: n >= 5),
            "lift-fails-again": threshold(fault, "device", 6 * HOUR, count, lambda n: n >= 3),
            "leak-cluster": threshold(
                self.of["request.water_leak"], "street", 6 * HOUR, count, lambda n: n >= 4
            ),
            "noise-at-estate": threshold(
                self.of["request.noise"],
                "estate",
                2 * HOUR,
                distinct,
                lambda n: n >= 3,
                lambda event: event.fields["caller"],
                keep=30 * MINUTE,
            ),
            "gas-leak": threshold(methane, "device", 25 * MINUTE, count, lambda n: n >= 2),
            "chlorine-leak": threshold(chlorine, "device", 1, count, lambda n: n >= 1, keep=30 * MINUTE - 1),
            "cloudburst": threshold(
                [e for e in self.of["sensor.rain"] if e.fields["mm_per_h"] < 500],
                "device",
                30 * MINUTE,
                lambda mm: min(mm) if len(mm) >= 5 else None,
                lambda mm: mm >= 30,
                lambda event: event.fields["mm_per_h"],
            ),
            "underpass-flooded": threshold(
                self.of["sensor.water"],
                "device",
                10 * MINUTE,
                lambda cm: max(cm, default=None),
                lambda cm: cm >= 27,
                lambda event: event.fields["level_cm"],
                recovered=lambda cm: cm < 15,
            ),
            "crowd-dense": threshold(
                self.of["camera.crowd"],
                "zone",
                12 * MINUTE,
                lambda people: sum(people) / len(people) if len(people) >= 2 else None,
                lambda mean: mean >= 4,
                lambda event: event.fields["people_per_m2"],
                recovered=lambda mean: mean < 3,
                wait=2 * MINUTE,
            ),
            **self.open(),
            "smoke-confirmed": self.smoke(),
            "manhole-open-in-rain": self.manholes(),
            "sensor-silent": self.silent(),
            "district-silent": {((where,), begins + 15 * MINUTE, ends)
                                for where, spans in self.dark().items() for begins, ends in spans},
        }

    def open(self) -> dict[str, set[Found]]:
        """What should have been answered and was not, by rule."""
        trapped = self.unanswered("lift.trapped", "incident", 5 * MINUTE, "dispatch.accepted", "dispatch.cancelled")
        return {"lift-alarm-unanswered": trapped,
                "request-unassigned": self.unanswered("request.hazard", "request", 30 * MINUTE, "request.assigned")}

    def unanswered(self, first: str, field: str, within: Micros, *answers: str) -> set[Found]:
        """Firsts without an answer, at the last moment included."""
        answered = by_key((event for answer in answers for event in self.of[answer]), field)
        return {
            ((key,), alarm.time + within, alarm.time + within)
            for key, alarms in by_key(self.of[first], field).items()
            for alarm in alarms
            if not any(alarm.time <= answer.time <= alarm.time + within for answer in answered.get(key, ()))
        }

    def smoke(self) -> set[Found]:
        """An alarm and sure smoke of one street, five minutes apart at most."""
        sure = by_key((e for e in self.of["camera.smoke"] if e.fields["confidence"] >= 0.7), "street")
        return {
            ((street,), at := max(alarm.time, seen.time), at)
            for street, alarms in by_key(self.of["call.fire.fire_alarm"], "street").items()
            for alarm in alarms
            for seen in sure.get(street, ())
            if abs(alarm.time - seen.time) <= 5 * MINUTE
        }

    def manholes(self) -> set[Found]:
        """A lifted cover and heavy rain within 3 km and a quarter of an hour, each with each."""
        lifted = [e for e in self.of["sensor.manhole"] if e.fields["tilt_deg"] > 15]
        heavy = [e for e in self.of["sensor.rain"] if 30 <= e.fields["mm_per_h"] < 500]
        return {
            ((cover.fields["device"],), at := max(cover.time, rain.time), at)
            for cover in lifted
            for rain in heavy
            if abs(cover.time - rain.time) <= 15 * MINUTE and metres(cover, rain) <= 3_000
        }

    def silent(self) -> set[Found]:
        """Devices whose reports lie further apart than their interval and a quarter of an hour.

        What lies before the end of a silence of their whole district does not count, if it began before that was over.
        """
        interval = {device.id: device.report_interval for device in yulan().sensors}
        district_of, dark = {row["device"]: row["district"] for row in register_rows()}, self.dark()
        found = set()
        for device, reports in by_key(self.reports(), "device").items():
            allowed = interval[device] + 15 * MINUTE
            for one, then in pairwise(reports):
                since = one.time
                for begins, ends in dark[district_of[device]]:
                    since = ends if begins < since + allowed and since < ends else since
                if then.time - since > allowed:
                    found.add(((device,), since + allowed, then.time))
        return found

    def dark(self) -> dict[str, list[tuple[Micros, Micros]]]:
        """By district the spans of more than a quarter of an hour without a report of any of its devices."""
        reports: dict[str, list[Micros]] = {row["district"]: [] for row in register_rows()}
        district_of = {row["device"]: row["district"] for row in register_rows()}
        for event in self.reports():
            reports[district_of[event.fields["device"]]].append(event.time)
        return {where: [(one, then) for one, then in pairwise(sorted(times)) if then - one > 15 * MINUTE]
                for where, times in reports.items()}

    def reports(self) -> list[Event]:
        """What came of the devices in the register."""
        known = {device.id for device in yulan().sensors}
        assert known == {row["device"] for row in register_rows()}
        return [event for name, events in self.of.items() if name.startswith(("sensor.", "meter."))
                for event in events if event.fields["device"] in known]


def district(event: Event) -> str | None:
    return event.place.district if event.place is not None else None


def metres(one: Event, other: Event) -> float:
    """How far from each other, on a map so small that it is flat."""
    assert one.place is not None
    assert other.place is not None
    north = (one.place.lat or 0.0) - (other.place.lat or 0.0)
    east = ((one.place.lon or 0.0) - (other.place.lon or 0.0)) * cos(radians(one.place.lat or 0.0))
    return 6_371_008.8 * radians(hypot(north, east))
