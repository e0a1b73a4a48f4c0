"""The city's days put together: ordinary hours, what is planted, and the ways records arrive.

Hour by hour the events get their delays, some come twice, some come spoiled; records leave in the
order of arrival as soon as no later hour can bring an earlier one, so memory holds about an hour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from operator import attrgetter
from random import Random

import msgspec

from streams.clocks import DAY, HOUR, MINUTE, SECOND, micros, zone_of
from streams.records import Event, Micros
from streams.tools.simulate import everyday, readings, reports, services
from streams.tools.simulate.chance import between, delay, dice, local_midnight, pick
from streams.tools.simulate.city import ZONE, City, Device, city
from streams.tools.simulate.everyday import Hour
from streams.tools.simulate.planted import stories
from streams.tools.simulate.spelling import FEEDS, Feed
from streams.tools.simulate.stage import Incident, Spell, Story

DUPLICATES, FLAWS = 0.008, 0.005  # shares of the records
LONGEST_PLANTED = 900  # seconds: what is planted never comes later, times the feed's slowness
OUTAGE_FEED = "cameras"
HUGE_AT = 12 * HOUR  # after local midnight, once a day: a record that is larger than a record may be


class Record(msgspec.Struct, frozen=True):
    """A record as it arrives. `body` is one line without its end; `event` what it means.

    `flaw` names the sort of dirt (then `event` is None) or says `duplicate`.
    """

    source: str
    received: Micros
    body: bytes
    event: Event | None
    flaw: str = ""


class Outage(msgspec.Struct, frozen=True):
    """A feed is cut in [start, end); what happens from `kept` on waits and comes at the end."""

    source: str
    start: Micros
    kept: Micros
    end: Micros


class Span(msgspec.Struct, frozen=True):
    """Which city and when: whole local hours [start, end), and what is planted in them."""

    seed: int
    start: Micros
    end: Micros
    scale: float
    city: City
    stories: tuple[Story, ...]
    outages: tuple[Outage, ...]

    @property
    def incidents(self) -> list[Incident]:
        """What the rules must find, by opening."""
        return sorted(
            (one for story in self.stories for one in story.incidents), key=lambda one: (one.opened, one.rule)
        )

    @property
    def backlogs(self) -> list[Spell]:
        """The devices whose reports come late and all at once: silent for a while, and then not."""
        return [spell for story in self.stories for spell in story.spells if spell.backlog]


def span(seed: int, start: Micros | date, days: float = 1.0, scale: float = 1.0) -> Span:
    """The simulation of some days; start and length are widened to whole hours.

    A date is the local midnight it begins with. `scale` multiplies what people do, and above 1 the
    size of the city; below 1 all devices stay, for the register expects them. ValueError if days
    or scale are not above zero.
    """
    if days <= 0 or scale <= 0:
        raise ValueError("days and scale must be above zero")
    begin = _instant(start) // HOUR * HOUR
    end = begin - int(-days * DAY // HOUR) * HOUR
    town = city(max(1, round(scale)))
    midnights = range(local_midnight(begin), end, DAY)
    told = [story for midnight in midnights for story in stories(seed, town, midnight)]
    whole = tuple(story for story in told if begin <= story.start and story.end < end)
    cuts = tuple(cut for midnight in midnights if begin <= (cut := _outage(seed, midnight)).start and cut.end < end)
    return Span(seed, begin, end, scale, town, whole, cuts)


def simulate(seed: int, start: Micros | date, days: float = 1.0, scale: float = 1.0) -> Iterator[Record]:
    """All records of some days of the city, in the order of arrival; see `span`."""
    return arrivals(span(seed, start, days, scale))


def arrivals(wanted: Span) -> Iterator[Record]:
    """All records of a span, in the order of arrival."""
    cast, waiting = _Cast(wanted), list[Record]()
    by_arrival = attrgetter("received")
    for start in range(wanted.start, wanted.end, HOUR):
        hour = Hour(wanted.seed, wanted.city, start, wanted.scale)
        for feed in FEEDS.values():
            waiting += _sent(cast, feed, hour)
        waiting.sort(key=by_arrival)
        ready = next((index for index, one in enumerate(waiting) if one.received >= hour.end), len(waiting))
        yield from waiting[:ready]
        del waiting[:ready]
    yield from waiting


class _Cast:
    """What is planted, laid out for quick look-up."""

    def __init__(self, wanted: Span) -> None:
        self.outages = wanted.outages
        self.spells: dict[str, list[Spell]] = {}
        self.events: dict[tuple[str, Micros], list[Event]] = {}
        self.planted: set[str] = set()
        for story in wanted.stories:
            for spell in story.spells:
                self.spells.setdefault(spell.device, []).append(spell)
            for event in story.events:
                self.planted.add(event.id)
                self.events.setdefault((event.source, event.time // HOUR * HOUR), []).append(event)

    def spell(self, device: str, due: Micros) -> Spell | None:
        """What is planted for a device's report due then."""
        return next((one for one in self.spells.get(device, ()) if one.start <= due < one.end), None)


def _instant(start: Micros | date) -> Micros:
    if isinstance(start, datetime):
        return micros(start if start.tzinfo is not None else start.replace(tzinfo=zone_of(ZONE)))
    if isinstance(start, date):
        return micros(datetime(start.year, start.month, start.day, tzinfo=zone_of(ZONE)))
    return start


def _outage(seed: int, midnight: Micros) -> Outage:
    """Some hours in the night; as in the real feed the last quarter of it is kept and sent at the end."""
    chance = dice(seed, "outage", midnight)
    start = midnight + 2 * HOUR + int(between(chance, 0, 60)) * MINUTE
    length = int(between(chance, 150, 210)) * MINUTE
    return Outage(OUTAGE_FEED, start, start + length * 3 // 4, start + length)


_FEEDS_OF_PEOPLE: Mapping[str, Callable[[Hour], list[Event]]] = {
    "calls": everyday.calls,
    "lifts": services.lifts,
    "dispatch": services.dispatches,
    "hotline": lambda hour: everyday.requests(hour) + services.closings(hour),
    "cameras": everyday.sightings,
    "meters": lambda hour: [],
    "signals": services.signals,
    "grid": services.grid,
    "buildings": services.buildings,
    "reports": reports.burglaries,
}


def _sent(cast: _Cast, feed: Feed, hour: Hour) -> Iterator[Record]:
    """The records of one feed and one hour, each with its time of arrival."""
    usual = hour.chance(f"arrival {feed.source}")
    event = None
    for happened, waits in _happened(cast, feed, hour):
        # A planted event has a chance of its own: whether a story is told changes nothing about its neighbours.
        chance = dice(hour.seed, "planted", happened.id) if happened.id in cast.planted else usual
        received = _arrival(cast, feed, chance, happened, waits)
        if received is not None:
            event = msgspec.structs.replace(happened, received=received)
            yield Record(feed.source, received, feed.spell(event), event)
            yield from _again(feed, chance, event)
    if event is not None and feed.source == "sensors" and hour.start - local_midnight(hour.start) == HUGE_AT:
        yield Record(feed.source, event.received, feed.spoil(event, "huge"), None, "huge")


def _again(feed: Feed, chance: Random, event: Event) -> Iterator[Record]:
    """What now and then follows a record: itself once more, or a spoiled one."""
    luck = chance.random()
    if luck >= DUPLICATES + FLAWS:
        return
    received = (event.received + int(between(chance, 1, 600) * SECOND)) // feed.tick * feed.tick
    later = msgspec.structs.replace(event, received=received)
    if luck < DUPLICATES:
        yield Record(feed.source, received, feed.spell(later), later, "duplicate")
    else:
        flaw = pick(chance, feed.flaws)
        yield Record(feed.source, received, feed.spoil(later, flaw), None, flaw)


def _happened(cast: _Cast, feed: Feed, hour: Hour) -> Iterator[tuple[Event, Micros | None]]:
    """A feed's events of one hour; beside those whose records wait, until when."""
    if feed.source in _FEEDS_OF_PEOPLE:
        people = _FEEDS_OF_PEOPLE[feed.source](hour) + cast.events.get((feed.source, hour.start), [])
        for event in sorted(people, key=attrgetter("time")):
            yield event, None
    reporting = [one for one in hour.city.reporting if everyday.feed_of(one) == feed.source]
    yield from _reports(cast, hour, reporting)


def _reports(cast: _Cast, hour: Hour, devices: list[Device]) -> Iterator[tuple[Event, Micros | None]]:
    """The devices' reports of one hour, as planted or as usual."""
    chance = hour.chance("readings")
    for device in devices:
        for number in everyday.report_numbers(device, hour.start, hour.end):
            due = number * device.report_interval + device.phase // SECOND * SECOND
            time = everyday.report_time(hour.seed, device, number)
            values = readings.usual(hour.seed, chance, device, number, time)
            spell = cast.spell(device.id, due)
            if spell is None:
                yield everyday.reading(device, number, time, values), None
            elif spell.values is not None:
                yield everyday.reading(device, number, time, spell.values(number, due) or values), None
            elif spell.backlog:
                yield everyday.reading(device, number, time, values), spell.end


def _arrival(cast: _Cast, feed: Feed, chance: Random, event: Event, waits: Micros | None) -> Micros | None:
    """When a record arrives; None if an outage swallows it."""
    late = delay(chance, feed.slowness)
    if event.id in cast.planted:
        late = min(late, int(LONGEST_PLANTED * feed.slowness * SECOND))
    received = max(event.time, waits or 0) + late
    for cut in cast.outages:
        if cut.source == feed.source and cut.start <= received < cut.end:
            if event.time < cut.kept:
                return None
            received = cut.end + int(between(chance, 1, 60) * SECOND)
    return received // feed.tick * feed.tick
