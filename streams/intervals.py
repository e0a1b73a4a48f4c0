"""Time intervals as Alertmanager writes them, as duties of a schedule: times, weekdays, dates, months, years.

An interval holds where all that it names holds; of what it names several times, one is enough. Days of the month may
count from its end, -1 being the last; a range of them that begins after the end is skipped, one that ends after it ends
with it. Other than there a month has as many days as the calendar says, whatever the clocks do in it.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from streams.clocks import zone_of
from streams.schedules import EPOCH_DAY, WHOLE_DAY, Duty, Schedule

DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
          "december")
SHORTEST_MONTH = 28
PARTS = frozenset(("times", "weekdays", "days_of_month", "months", "years", "location"))
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")
Range = tuple[int, int]
"""From the first to the last, both included."""


class DatedDuty(Duty, frozen=True):
    """A duty of some days of the month, months or years alone; without any, of all."""

    dates: tuple[Range, ...] = ()
    months: tuple[Range, ...] = ()
    years: tuple[Range, ...] = ()

    def applies(self, day: int) -> bool:
        """Whether it begins on this local day, counted from 1970-01-01."""
        if not super().applies(day):
            return False
        local = date.fromordinal(EPOCH_DAY + day)
        return (_any(self.months, local.month) and _any(self.years, local.year)
                and (not self.dates or any(_covers(one, local) for one in self.dates)))


def schedule(intervals: Sequence[Mapping[str, Any]]) -> Schedule:
    """The elements of a `time_intervals` list as one schedule; ValueError, in words, for one that is none."""
    return Schedule([duty for one in intervals for duty in duties(one)])


def duties(interval: Mapping[str, Any]) -> Iterator[DatedDuty]:
    """One element: a duty for each of its times of day."""
    unknown = sorted(set(interval) - PARTS)
    if unknown:
        raise ValueError(f"a time interval has no {unknown[0]!r}")
    zone = str(interval.get("location", "UTC"))
    try:
        zone_of(zone)
    except (KeyError, ValueError):
        raise ValueError(f"there is no time zone {zone!r}") from None
    days = _ranges(interval, "weekdays", _weekday)
    named = tuple(sorted({(day - 1) % 7 for first, last in days for day in range(first, last + 1)}))
    dates = _ranges(interval, "days_of_month", _date, _fits)
    months, years = _ranges(interval, "months", _month), _ranges(interval, "years", _number)
    times = [(_minute(one["start_time"]), _minute(one["end_time"])) for one in interval.get("times") or ()]
    for begin, end in times or [(0, WHOLE_DAY)]:
        if begin >= end:
            raise ValueError("a range of times begins before it ends; one across midnight is written as two")
        yield DatedDuty(named or tuple(range(7)), begin, end, zone, dates=dates, months=months, years=years)


def _any(ranges: Sequence[Range], value: int) -> bool:
    return not ranges or any(first <= value <= last for first, last in ranges)


def _covers(dates: Range, local: date) -> bool:
    length = monthrange(local.year, local.month)[1]
    first, last = (length + day + 1 if day < 0 else day for day in dates)
    return first <= local.day <= last


def _ranges(interval: Mapping[str, Any], name: str, member: Callable[[str], int],
            fits: Callable[[int, int], bool] = int.__le__) -> tuple[Range, ...]:
    """`first:last` or one alone, several of them."""
    found = []
    for text in map(str, interval.get(name) or ()):
        first, *others = text.lower().split(":")
        if len(others) > 1:
            raise ValueError(f"{text!r} is no range of {name}")
        begin, end = member(first), member((others or [first])[0])
        if not fits(begin, end):
            raise ValueError(f"{text!r} of {name} ends before it begins")
        found.append((begin, end))
    return tuple(found)


def _weekday(text: str) -> int:
    if text not in DAYS:
        raise ValueError(f"{text!r} is no weekday")
    return DAYS.index(text)


def _month(text: str) -> int:
    number = MONTHS.index(text) + 1 if text in MONTHS else _number(text)
    if not 1 <= number <= 12:
        raise ValueError(f"{text!r} is no month")
    return number


def _date(text: str) -> int:
    number = _number(text)
    if not number or abs(number) > 31:
        raise ValueError(f"{text!r} is no day of the month")
    return number


def _fits(first: int, last: int) -> bool:
    """Whether days of the month can be in this order, in the shortest month if they count from its end."""
    if first < 0 < last:
        return False
    begin, end = (SHORTEST_MONTH + day if day < 0 else day for day in (first, last))
    return begin <= end


def _number(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise ValueError(f"{text!r} is no number")
    return int(text)


def _minute(text: str) -> int:
    found = _TIME.fullmatch(str(text))
    if found is None:
        raise ValueError(f"{text!r} is no time of day; write for example 07:30")
    return WHOLE_DAY if found[1] is None else int(found[1]) * 60 + int(found[2])
