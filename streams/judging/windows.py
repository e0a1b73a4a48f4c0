"""Where aligned windows begin and end: edges counted from local midnight, days with a clock change included.

A step shorter than a day is counted in elapsed time from each local midnight, and the last window
of the day is cut: an hour's step gives 23 windows on a day of 23 hours. A step of whole days is
counted in local days from 1970-01-01, a step of whole weeks from Monday, 1969-12-29.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from streams.clocks import DAY, WEEK, micros, moment
from streams.records import Micros
from streams.specs import Window

EPOCH_DAY = date(1970, 1, 1).toordinal()
FIRST_MONDAY = date(1969, 12, 29).toordinal() - EPOCH_DAY


@lru_cache(maxsize=4096)
def midnight(zone: ZoneInfo, day: int) -> Micros:
    """When a local day begins, `day` counted from 1970-01-01.

    Of two midnights that is the first; one that the clocks jump over comes as late as if they had
    not, so it is the jump itself where that is at midnight. A date that a zone skipped begins with
    the next one.
    """
    return micros(datetime.fromordinal(EPOCH_DAY + day).replace(tzinfo=zone))


def local_day(zone: ZoneInfo, time: Micros) -> int:
    """The local day that `time` belongs to: the last one begun (clocks may show another date for a while)."""
    day = moment(time, zone).toordinal() - EPOCH_DAY
    while midnight(zone, day + 1) <= time:
        day += 1
    while midnight(zone, day) > time:
        day -= 1
    return day


class Edges:
    """The ends of tumbling (`size == hop`) or hopping windows, one every `hop`.

    A tumbling window begins where the one before ended; a hopping one looks back `size` from its
    end, in local days if `size` and `hop` are whole days, else in elapsed time.
    """

    def __init__(self, zone: ZoneInfo, size: Micros, hop: Micros) -> None:
        self.zone, self.size, self.hop = zone, size, hop
        self._days = hop // DAY if hop % DAY == 0 else 0
        self._anchor = FIRST_MONDAY if hop % WEEK == 0 else 0

    def after(self, time: Micros) -> Micros:
        """The first edge after `time`."""
        day = local_day(self.zone, time)
        if self._days:
            whole = (day - self._anchor) // self._days
            return midnight(self.zone, self._anchor + (whole + 1) * self._days)
        begin = midnight(self.zone, day)
        edge = begin + ((time - begin) // self.hop + 1) * self.hop
        return min(edge, midnight(self.zone, day + 1))

    def floor(self, time: Micros) -> Micros:
        """The last edge at or before `time`, where edges are no more than a day apart."""
        begin = midnight(self.zone, local_day(self.zone, time))
        return begin if self._days else begin + (time - begin) // self.hop * self.hop

    def begin(self, end: Micros) -> Micros:
        """Where the hopping window that ends at the edge `end` begins."""
        if self._days and self.size % DAY == 0:
            return midnight(self.zone, local_day(self.zone, end) - self.size // DAY)
        return end - self.size


def contradictions(window: Window) -> list[tuple[str, str]]:
    """What is wrong with a window whose parts are all there: (what is wrong, what to do)."""
    found = [(f"`{name}` must be longer than zero", "give a duration such as 10m")
             for name in ("size", "hop", "gap", "max") if getattr(window, name) == 0]
    if window.type == "session":
        return found + _session_contradictions(window)
    size, hop = window.size or 0, window.hop or window.size or 0
    if hop > size:
        found.append(("`hop` is longer than `size`: events between two windows would be in none",
                      "make hop no longer than size"))
    if window.type != "sliding" and hop > DAY and hop % DAY:
        found.append(("windows are aligned to midnight, so one of more than a day must take whole days",
                      "choose whole days, or a sliding window"))
    return found


def _session_contradictions(window: Window) -> list[tuple[str, str]]:
    if window.max is None:
        return [("a session without `max` may last for ever, and all its events would have to be kept",
                 "say how long it may last: {type: session, gap: 10m, max: 6h}")]
    if window.max <= (window.gap or 0):
        return [("`max` is not longer than `gap`: it would cut before a gap could end the session",
                 "make max longer than gap")]
    return []
