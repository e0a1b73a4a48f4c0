"""Stories of what people do: calls, alarms and requests, and the decoys beside them."""

from __future__ import annotations

from typing import Any

from streams.clocks import HOUR, MINUTE, SECOND
from streams.records import Event, Micros
from streams.tools.simulate import everyday, services
from streams.tools.simulate.chance import between
from streams.tools.simulate.stage import Incident, Stage, Story, ids, told


def crashes(stage: Stage) -> Story:
    """Five to seven crashes on one road within ten minutes."""
    chance = stage.chance("crash")
    street, start = stage.street(0), stage.clock(chance, 7, 20)
    number = 5 + int(chance.random() * 3)
    times = [
        start,
        *sorted(start + (60 * (index + 1) + int(between(chance, 0, 50))) * SECOND for index in range(number - 1)),
    ]
    events = [
        everyday.call(
            f"{stage.name('crash')}{index}",
            time,
            "Traffic: VEHICLE ACCIDENT",
            everyday.at_street(chance, street),
            street.name,
            everyday.caller(chance),
        )
        for index, time in enumerate(times)
    ]
    closed = times[-5] + 10 * MINUTE
    return told(
        events,
        Incident(
            "crash-series-road",
            (street.name,),
            times[4],
            closed,
            ids(events),
            "a pile-up: five crashes and more on one road within ten minutes",
        ),
    )


def smoke(stage: Stage) -> Story:
    """A fire alarm is called in and a camera sees smoke; the camera's word arrives first."""
    chance = stage.chance("smoke")
    street, start = stage.street(1, 1), stage.clock(chance, 8, 22)
    place, seen = everyday.at_street(chance, street), start + int(between(chance, 20, 280)) * SECOND
    events = [
        everyday.call(
            f"{stage.name('alarm')}0", start, "Fire: FIRE ALARM", place, street.name, everyday.caller(chance)
        ),
        everyday.sighting(f"{stage.name('view')}0", seen, "smoke", place, street.name, 0.91),
    ]
    return told(
        events,
        Incident(
            "smoke-confirmed",
            (street.name,),
            seen,
            seen,
            ids(events),
            "a fire alarm, and smoke on a camera of the same street",
        ),
    )


def trapped(stage: Stage) -> Story:
    """Two lift alarms answered never or too late; two more just in time or cancelled; nobody comes to the first."""
    chance = stage.chance("lift")
    estate, start = stage.estate(0), stage.clock(chance, 6, 22)
    alarms = [
        everyday.alarm(
            f"{stage.name('lift')}{index}",
            start + index * 7 * MINUTE,
            everyday.at_estate(chance, estate),
            device,
            3 + index,
            everyday.caller(chance),
        )
        for index, device in enumerate(estate.lifts)
    ]
    _, late, in_time, cancelled = alarms
    answers = [
        _answer(late, "accepted", 7 * MINUTE, unit="L1"),
        _answer(in_time, "accepted", 5 * MINUTE, unit="L2"),
        _answer(cancelled, "cancelled", 4 * MINUTE),
        services.on_scene(late.id, late.time + 20 * MINUTE, "lift", "lift rescue", 780),
        services.on_scene(in_time.id, in_time.time + 30 * MINUTE, "lift", "lift rescue", 1_500),
    ]
    return told(
        [*alarms, *answers],
        *[
            Incident(
                "lift-alarm-unanswered",
                (one.id,),
                one.time + 5 * MINUTE,
                one.time + 5 * MINUTE,
                (one.id,),
                why,
            )
            for one, why in zip(alarms, ("nobody ever answered", "answered after seven minutes"), strict=False)
        ],
        Incident(
            "lift-rescue-late",
            (alarms[0].id,),
            alarms[0].time + 30 * MINUTE,
            alarms[0].time + 30 * MINUTE,
            (alarms[0].id,),
            "nobody ever came",
        ),
    )


def faults(stage: Stage) -> Story:
    """One lift fails three times within six hours."""
    chance = stage.chance("fault")
    lift, estate, start = stage.estate(1).lifts[0], stage.estate(1), stage.clock(chance, 6, 16)
    times = [
        start,
        start + int(between(chance, 40, 120)) * MINUTE,
        start + int(between(chance, 150, 340)) * MINUTE,
    ]
    events = [
        everyday.event(
            "lifts",
            f"{stage.name('fault')}{index}",
            "lift.fault",
            time,
            everyday.at_estate(chance, estate),
            device=lift,
            fault="door",
        )
        for index, time in enumerate(times)
    ]
    return told(
        events,
        Incident(
            "lift-fails-again",
            (lift,),
            times[2],
            times[0] + 6 * HOUR,
            ids(events),
            "a lift failed three times within six hours",
        ),
    )


def noise(stage: Stage) -> Story:
    """Four callers complain of one estate; beside it one caller complains five times."""
    chance = stage.chance("noise")
    estate, other, start = stage.estate(2), stage.estate(3), stage.clock(chance, 17, 19)
    times = [start + minutes * MINUTE for minutes in (0, 20, 50, 100)]
    events = [
        everyday.request(
            f"{stage.name('noise')}{index}",
            time,
            "noise",
            everyday.at_estate(chance, estate),
            estate.name,
            f"+86-000-900000{index}",
        )
        for index, time in enumerate(times)
    ]
    decoys = [
        everyday.request(
            f"{stage.name('noise')}{index + 5}",
            start + index * 9 * MINUTE,
            "noise",
            everyday.at_estate(chance, other),
            other.name,
            "+86-000-9000009",
        )
        for index in range(5)
    ]
    return told(
        [*events, *decoys],
        Incident(
            "noise-at-estate",
            (estate.name,),
            times[2],
            times[1] + 2 * HOUR + 30 * MINUTE,
            ids(events),
            "four callers complain of noise at one estate",
        ),
    )


def leaks(stage: Stage) -> Story:
    """Four leaks along one street within six hours: the main is broken."""
    chance = stage.chance("leak")
    street, start = stage.street(2), stage.clock(chance, 6, 15)
    times = [start, *sorted(start + int(between(chance, 5, 300)) * MINUTE for _ in range(3))]
    events = [
        everyday.request(
            f"{stage.name('hydro')}{index}",
            time,
            "water_leak",
            everyday.at_street(chance, street),
            street.name,
            everyday.caller(chance),
        )
        for index, time in enumerate(times)
    ]
    return told(
        events,
        Incident(
            "leak-cluster",
            (street.name,),
            times[3],
            times[0] + 6 * HOUR,
            ids(events),
            "four leaks along one street within six hours",
        ),
    )


def hazard(stage: Stage) -> Story:
    """A live wire on the ground, taken on by a team only after 45 minutes."""
    chance = stage.chance("hazard")
    street, start = stage.street(3), stage.clock(chance, 6, 22)
    wire = everyday.request(
        f"{stage.name('hazard')}0",
        start,
        "hazard",
        everyday.at_street(chance, street),
        street.name,
        everyday.caller(chance),
    )
    taken = everyday.event(
        "hotline",
        f"{wire.id}-A",
        "request.assigned",
        start + 45 * MINUTE,
        None,
        request=wire.id,
        team="power",
    )
    deadline = start + 30 * MINUTE
    return told(
        [wire, taken],
        Incident(
            "request-unassigned",
            (wire.id,),
            deadline,
            deadline,
            (wire.id,),
            "a hazard that no team took on within half an hour",
        ),
    )


def _answer(alarm: Event, how: str, after: Micros, **fields: Any) -> Event:
    return everyday.event(
        "dispatch", f"D-{alarm.id}", f"dispatch.{how}", alarm.time + after, None, incident=alarm.id, **fields
    )
