"""When a rule is on duty: weekdays, hours, holidays and zones as spans of event time. Pure.

A duty begins at `begin` of its day and ends at `end` of the same day, or of the next where that is not
later: half-open, so an event at the end is off duty. What the clocks do counts: an edge that they jump over
is at the jump, one that comes twice begins with the first and ends with the second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec

from streams.clocks import DAY, EPOCH, MINUTE, SECOND, WEEK, micros, moment, zone_of
from streams.records import Micros

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOLIDAYS = ("include", "exclude", "only")
WHOLE_DAY = 24 * 60
BARREN_DAYS = 800  # so long without any duty, and there will be none
DAYS_KEPT = 4096
DEADLINES_KEPT = 4096
EPOCH_DAY = EPOCH.toordinal()
Span = tuple[Micros, Micros]


class Duty(msgspec.Struct, frozen=True):
    """One entry of a schedule.

    `days` count from Monday, 0; `begin` and `end` are minutes after local midnight. `calendar` holds the
    holidays as days from 1970-01-01. `holidays`: "" (days like others), `include` (on duty on them too), `exclude`,
    `only`. What runs across midnight belongs to the day on which it begins.
    """

    days: tuple[int, ...] = tuple(range(7))
    begin: int = 0
    end: int = WHOLE_DAY
    zone: str = "UTC"
    holidays: str = ""
    calendar: frozenset[int] = frozenset()

    def applies(self, day: int) -> bool:
        """Whether it begins on this local day, counted from 1970-01-01."""
        named, holiday = (day + 3) % 7 in self.days, day in self.calendar
        if self.holidays == "include":
            return named or holiday
        if self.holidays == "only":
            return named and holiday
        return named and not (holiday and self.holidays == "exclude")

    def span(self, day: int) -> Span:
        """From when to when it runs that begins on this local day."""
        zone = zone_of(self.zone)
        until = self.end if self.end > self.begin else self.end + WHOLE_DAY
        return _edge(zone, day, self.begin, False), _edge(zone, day, until, True)

    def skipped(self, first: int, days: int) -> Iterator[tuple[int, int]]:
        """The edges that a jump of the clocks leaves out, in so many days from `first`: (local day, minute of it)."""
        for before, after in _jumps(self.zone, first, days):
            today = before // DAY
            for day in (today - 1, today):
                until = self.end if self.end > self.begin else self.end + WHOLE_DAY
                for minute in (self.begin, until):
                    local = day * DAY + minute * MINUTE
                    if self.applies(day) and before <= local < after:
                        yield local // DAY, local % DAY // MINUTE


class Schedule:
    """Several duties together: on duty is whoever is in one of them."""

    def __init__(self, duties: Sequence[Duty]) -> None:
        self.duties = tuple(duties)
        self._days: dict[int, tuple[Span, ...]] = {}
        self._deadlines: dict[tuple[Micros, Micros], Micros | None] = {}
        self._stretch: Span = (0, 0)
        self._on = False

    def on_duty(self, time: Micros) -> bool:
        """Whether an event of this time counts."""
        begin, end = self._stretch  # most events come close to the one before
        if not begin <= time < end:
            self._look(time)
        return self._on

    def after(self, start: Micros, span: Micros) -> Micros | None:
        """The moment at which the rule has been on duty for `span` since `start`; None if that never comes."""
        known = (start, span)
        if known not in self._deadlines:
            if len(self._deadlines) >= DEADLINES_KEPT:
                self._deadlines.clear()
            self._deadlines[known] = self._served(start, span)
        return self._deadlines[known]

    def reach(self, span: Micros) -> Micros:
        """About the longest time that so much duty takes."""
        week = sum(end - begin for day in range(7) for begin, end in self._day(day))
        holidays = any(duty.holidays in ("exclude", "only") for duty in self.duties)
        weeks = span // week + 2 if week else 0
        return (weeks + (2 if holidays or not week else 0)) * WEEK

    def ever(self, time: Micros) -> bool:
        """Whether it is on duty at all in the two years and more from `time`."""
        return any(self._day(day) for day in range(time // DAY, time // DAY + BARREN_DAYS))

    def _look(self, time: Micros) -> None:
        """Find the stretch of one day of UTC, on or off duty, in which a time lies."""
        day = time // DAY
        since, self._on = day * DAY, False
        for begin, end in self._day(day):
            if time < begin:
                self._stretch = (since, begin)
                return
            if time < end:
                self._stretch, self._on = (begin, end), True
                return
            since = end
        self._stretch = (since, (day + 1) * DAY)

    def _served(self, start: Micros, span: Micros) -> Micros | None:
        left, barren, day = span, 0, start // DAY
        while barren < BARREN_DAYS:
            spans = self._day(day)
            for begin, end in spans:
                at = max(begin, start)
                if end - at >= left:
                    return at + left
                left -= max(0, end - at)
            barren = 0 if spans else barren + 1
            day += 1
        return None

    def _day(self, day: int) -> tuple[Span, ...]:
        """The spans of duty within one day of UTC, in order, without overlap."""
        found = self._days.get(day)
        if found is None:
            if len(self._days) >= DAYS_KEPT:
                self._days.clear()
            found = self._days[day] = tuple(self._merged(day))
        return found

    def _merged(self, day: int) -> Iterator[Span]:
        begins, ends = day * DAY, (day + 1) * DAY
        spans = sorted(duty.span(local) for duty in self.duties for local in range(day - 2, day + 2)
                       if duty.applies(local))
        last: Span | None = None
        for span in spans:
            begin, end = max(span[0], begins), min(span[1], ends)
            if begin >= end:
                continue
            if last is not None and begin <= last[1]:
                last = (last[0], max(last[1], end))
                continue
            if last is not None:
                yield last
            last = (begin, end)
        if last is not None:
            yield last


def day_of(text: str) -> int:
    """A date, `2027-01-31`, as days from 1970-01-01; ValueError if it is none."""
    if len(text) != 10:
        raise ValueError(f"{text!r} is not a date")
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).toordinal() - EPOCH_DAY


def begin_of(day: int, zone: str) -> Micros:
    """When a local day begins, `day` counted from 1970-01-01."""
    return _edge(zone_of(zone), day, 0, False)


def _edge(zone: ZoneInfo, day: int, minute: int, last: bool) -> Micros:
    """The instant of a local time; the jump itself where the clocks leave it out."""
    naive = datetime.fromordinal(EPOCH_DAY + day) + timedelta(minutes=minute)
    early, late = (micros(naive.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
    if late < early:  # only where the clocks jump over it
        return _change(zone, late, early)
    return late if last else early


def _change(zone: ZoneInfo, before: Micros, after: Micros) -> Micros:
    """The second at which a zone's offset changes, between two instants."""
    low, high = before // SECOND, after // SECOND
    target = moment(high * SECOND, zone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if moment(middle * SECOND, zone).utcoffset() == target else (middle, high)
    return high * SECOND


@lru_cache(maxsize=256)
def _jumps(zone: str, first: int, days: int) -> tuple[Span, ...]:
    """The local times that a zone's clocks leave out in so many days: µs after 1970-01-01 on those clocks."""
    found = []
    place = zone_of(zone)
    offsets = [moment(day * DAY, place).utcoffset() or timedelta() for day in range(first, first + days + 1)]
    for number, (before, after) in enumerate(pairwise(offsets)):
        if after > before:
            at = _change(place, (first + number) * DAY, (first + number + 1) * DAY)
            shift = timedelta(microseconds=1)
            found.append((at + before // shift, at + after // shift))
    return tuple(found)
