"""Durations, instants and local time. Time is always an argument here, never read."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from streams.records import Micros

SECOND: Micros = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY
UNITS = {"us": 1, "ms": 1_000, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": WEEK}
BEFORE_ALL: Micros = -(2**62)
AFTER_ALL: Micros = 2**62

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PART = re.compile(r"(\d+(?:\.\d+)?)(us|ms|[smhdw])")
_WHOLE = re.compile(r"(?:\d+(?:\.\d+)?(?:us|ms|[smhdw]))+")


def duration(text: str) -> Micros:
    """`90s`, `10m`, `1h30m`, `8w` as microseconds; ValueError if it is none."""
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"{text!r} is not a duration; write for example 90s, 10m, 2h, 7d, 8w")
    return round(sum(float(number) * UNITS[unit] for number, unit in _PART.findall(text)))


def show_duration(span: Micros) -> str:
    """The shortest spelling that `duration` reads back: 5400 s is `1h30m`."""
    if span == 0:
        return "0s"
    parts, rest = [], abs(span)
    for unit, size in reversed(UNITS.items()):
        if rest >= size:
            parts.append(f"{rest // size}{unit}")
            rest %= size
    return ("-" if span < 0 else "") + "".join(parts)


_NAIVE_EPOCH = EPOCH.replace(tzinfo=None)


def micros(moment: datetime) -> Micros:
    """An aware datetime as microseconds since the epoch, exact."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def moment(time: Micros, zone: timezone | ZoneInfo = UTC) -> datetime:
    """Microseconds since the epoch as a datetime in a zone."""
    return (EPOCH + timedelta(microseconds=time)).astimezone(zone)


def rfc3339(time: Micros) -> str:
    """`2016-01-23T05:00:00.000000Z`."""
    return f"{(_NAIVE_EPOCH + timedelta(microseconds=time)).isoformat(timespec='microseconds')}Z"


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo:
    """The zone of a name such as `Asia/Shanghai`; KeyError (ZoneInfoNotFoundError) if none."""
    return ZoneInfo(name)


def parse_rfc3339(text: str) -> Micros:
    """An RFC 3339 instant as microseconds; ValueError if it has no zone or is none."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text!r} has no zone; end it with Z or +08:00")
    return micros(found)
