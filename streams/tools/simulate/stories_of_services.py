"""Stories of how well people are served: slow answers, slow units, slow repairs, a lift that calls nobody."""

from __future__ import annotations

from streams.clocks import HOUR, MINUTE
from streams.records import Event
from streams.tools.simulate import everyday, services
from streams.tools.simulate.chance import dice
from streams.tools.simulate.stage import Incident, Stage, Story, ids, told

RESERVE = "reserve"  # a desk, a station, a team that serves only when it is planted
LATE_CALLS = {
    "calls-answered-slowly.fire": "Fire: FIRE INVESTIGATION",
    "calls-answered-slowly.ems": "EMS: SUBJECT IN PAIN",
    "calls-answered-slowly.traffic": "Traffic: VEHICLE FIRE",
}


def slow_desk(stage: Stage) -> Story:
    """The reserve desk answers five calls of each service too slowly, then six as it should; requests too."""
    events, incidents = list[Event](), list[Incident]()
    for rule in (*LATE_CALLS, "hotline-answered-slowly"):
        answered = _answered(stage, rule)
        closed = answered[3].time + HOUR
        incidents.append(Incident(rule, (RESERVE,), answered[4].time, closed, ids(answered[:5]), "five wait too long"))
        events += answered
    return told(events, *incidents)


def _answered(stage: Stage, rule: str) -> list[Event]:
    chance, start, name = stage.chance(rule), stage.clock(stage.chance(f"{rule} start"), 7, 20), stage.name(rule)
    title, lane = LATE_CALLS.get(rule), stage.lane("Desk Road", 1)
    slow, quick = (20, 4) if title else (120, 5)
    minutes = (0, 5, 10, 15, 20, 30, 35, 40, 45, 50, 55)
    found = []
    for index, minute in enumerate(minutes):
        time, place, who = start + minute * MINUTE, everyday.at_street(chance, lane), everyday.caller(chance)
        answer = {"desk": RESERVE, "answer_s": slow if index < 5 else quick}
        if title:
            found.append(everyday.call(f"{name}{index}", time, title, place, lane.name, who, **answer))
        else:
            found.append(everyday.request(f"{name}{index}", time, "information", place, lane.name, who, **answer))
    return found


def hung_up(stage: Stage) -> Story:
    """Four of ten callers of the overflow desk hang up; the twelve who follow do not."""
    chance, start, name = (
        stage.chance("hung up"),
        stage.clock(stage.chance("hung up start"), 8, 20),
        stage.name("phone"),
    )
    lane, gone = stage.lane("Desk Road", 1), (1, 4, 7, 9)
    minutes = [3 * index for index in range(10)] + [40 + 2 * index for index in range(12)]
    events = []
    for index, minute in enumerate(minutes):
        subject, word = ("abandoned", "waited_s") if index in gone else ("information", "answer_s")
        place, who = everyday.at_street(chance, lane), everyday.caller(chance)
        more = {"desk": "overflow", word: 20}
        events.append(
            everyday.request(f"{name}{index}", start + minute * MINUTE, subject, place, lane.name, who, **more)
        )
    closed, why = events[7].time + HOUR, "four of ten callers hang up"
    return told(events, Incident("hotline-abandoned", ("overflow",), events[9].time, closed, ids(events[:10]), why))


def slow_units(stage: Stage) -> Story:
    """Engines and ambulances of the reserve travel too long five times, then six times as they should."""
    start, events, incidents = stage.clock(stage.chance("slow units"), 6, 12), list[Event](), list[Incident]()
    for service, slow in (("fire", 300), ("ems", 560)):
        name, station = stage.name(f"{service} unit"), f"{service} {RESERVE}"
        minutes = (0, 15, 30, 45, 60, 240, 260, 280, 300, 320, 340)
        arrived = [
            services.on_scene(f"{name}{index}", start + minute * MINUTE, service, station, slow if index < 5 else 120)
            for index, minute in enumerate(minutes)
        ]
        closed, why = arrived[3].time + 8 * HOUR, "five units travel too long"
        rule = f"travel-slow.{service}"
        incidents.append(Incident(rule, (station,), arrived[4].time, closed, ids(arrived[:5]), why))
        events += arrived
    return told(events, *incidents)


def slow_repairs(stage: Stage) -> Story:
    """The reserve team closes five requests after 30 hours, then six in time."""
    start, name = stage.clock(stage.chance("repairs"), 6, 12), stage.name("repair")
    minutes = (0, 15, 30, 45, 60, 240, 260, 280, 300, 320, 340)
    done = [
        services.closed(f"{name}{index}", start + minute * MINUTE, RESERVE, 30.0 if index < 5 else 5.0)
        for index, minute in enumerate(minutes)
    ]
    closed, why = done[3].time + 8 * HOUR, "five repairs take longer than a day"
    return told(done, Incident("repairs-overdue", (RESERVE,), done[4].time, closed, ids(done[:5]), why))


def lost_map(stage: Stage) -> Story:
    """The map of the reserve desk is down: five calls without a position."""
    chance, start, name = stage.chance("map"), stage.clock(stage.chance("map start"), 2, 22), stage.name("map")
    calls = [
        everyday.call(
            f"{name}{index}",
            start + index * 8 * MINUTE,
            "EMS: SUBJECT IN PAIN",
            None,
            "",
            everyday.caller(chance),
            desk="map reserve",
        )
        for index in range(5)
    ]
    why = "five calls without a position"
    incident = Incident("calls-without-position", ("map reserve",), calls[4].time, start + HOUR, ids(calls), why)
    return told(calls, incident)


def mute_lift(stage: Stage) -> Story:
    """A lift makes its test call, and the next one seven hours too late."""
    name = stage.name("lift mute")
    start = stage.midnight + int(dice(stage.seed, "mute", stage.midnight).random() * 600) * MINUTE
    first, second = (services.test_call(name, start + hours * HOUR, str(hours)) for hours in (0, 80))
    missing = start + 73 * HOUR
    why = "a test call comes seven hours late"
    return told([first, second], Incident("lift-test-call-missing", (name,), missing, second.time, (first.id,), why))
