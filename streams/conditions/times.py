"""Instants and spans as CEL reads, writes and takes them apart. Nanoseconds; zones by name or offset."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

from streams.clocks import EPOCH, zone_of
from streams.conditions.runtime import checked_duration, checked_timestamp, no_overload
from streams.conditions.values import NANOS, Duration, EvalError, Failure, Timestamp

_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)"
)
_SPAN = re.compile(r"([+-]?)((?:\d+(?:\.\d*)?|\.\d+)(?:h|ms|m|s|us|µs|μs|ns))+")
_SPAN_PART = re.compile(r"(\d*)(?:\.(\d*))?(h|ms|m|s|us|µs|μs|ns)")
_UNITS = {
    "h": 3600 * NANOS, "m": 60 * NANOS, "s": NANOS, "ms": 10**6, "us": 10**3, "µs": 10**3, "μs": 10**3, "ns": 1,
}
_OFFSET = re.compile(r"([+-]?)(\d\d?):(\d\d)")


@lru_cache(maxsize=4096)
def parse_timestamp(text: str) -> Timestamp:
    """An RFC 3339 text as an instant."""
    found = _INSTANT.fullmatch(text)
    if found is None:
        raise EvalError(Failure.BAD_VALUE, f"{text!r} is not a timestamp such as 2026-01-31T08:00:00Z")
    *numbers, fraction, zone = found.groups()
    year, month, day, hour, minute, second = (int(number) for number in numbers)
    try:
        moment = datetime(year or 1, month, day, hour, minute, min(second, 59), tzinfo=_offset(zone))
    except ValueError as error:
        raise EvalError(Failure.BAD_VALUE, f"{text!r} is not a timestamp: {error}") from None
    if year == 0:
        raise EvalError(Failure.OVERFLOW, "the timestamp leaves the years 1 to 9999")
    seconds = (moment - EPOCH) // timedelta(seconds=1) + (second == 60)
    return checked_timestamp(seconds * NANOS + int((fraction or "0").ljust(9, "0")))


def _offset(text: str) -> timezone:
    if text in ("Z", "z"):
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[4:6])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


@lru_cache(maxsize=4096)
def parse_duration(text: str) -> Duration:
    """`1h30m`, `-1.5s`, `250ms` as a span."""
    found = _SPAN.fullmatch(text)
    if text in ("0", "+0", "-0"):
        return Duration(0)
    if found is None:
        raise EvalError(Failure.BAD_VALUE, f"{text!r} is not a duration such as 90s, 10m or 1h30m")
    nanos = 0
    for whole, fraction, unit in _SPAN_PART.findall(text):
        size = _UNITS[unit]
        nanos += int(whole or 0) * size + (int(fraction) * size // 10 ** len(fraction) if fraction else 0)
    return checked_duration(-nanos if found.group(1) == "-" else nanos)


def show_timestamp(value: Timestamp) -> str:
    """An instant as RFC 3339 in UTC, with as many digits of a second as needed."""
    seconds, nanos = divmod(int(value), NANOS)
    moment = EPOCH + timedelta(seconds=seconds)
    return f"{moment.year:04d}-{moment:%m-%dT%H:%M:%S}{_fraction(nanos)}Z"


def show_duration(value: Duration) -> str:
    """A span in seconds: `90s`, `-1.5s`."""
    seconds, nanos = divmod(abs(int(value)), NANOS)
    return f"{'-' if value < 0 else ''}{seconds}{_fraction(nanos)}s"


def _fraction(nanos: int) -> str:
    return "." + f"{nanos:09d}".rstrip("0") if nanos else ""


@lru_cache(maxsize=256)
def zone_named(name: str) -> tzinfo:
    """A zone by its name, or by an offset such as `+08:00`."""
    found = _OFFSET.fullmatch(name)
    if name == "":
        return UTC
    if found is not None:
        minutes = int(found.group(2)) * 60 + int(found.group(3))
        return timezone(timedelta(minutes=-minutes if found.group(1) == "-" else minutes))
    try:
        return zone_of(name)
    except (KeyError, ValueError, OSError):
        told = f"{name!r} is not a time zone such as Asia/Shanghai or +08:00"
        raise EvalError(Failure.BAD_VALUE, told) from None


@lru_cache(maxsize=4096)
def _moment(second: int, zone: tzinfo | None) -> datetime:
    """The instant, to the second, on the clock of a zone. Many events fall into the same one."""
    moment = EPOCH + timedelta(seconds=second)
    return moment if zone is None else moment.astimezone(zone)


def local(value: Timestamp, zone: tzinfo) -> Timestamp:
    """The instant whose UTC clock reads what the zone's clock reads at `value`."""
    if type(value) is not Timestamp:
        no_overload("local", value)
    return checked_timestamp(int(value) + _shift(int(value) // NANOS, zone))


@lru_cache(maxsize=4096)
def _shift(second: int, zone: tzinfo) -> int:
    """By how many nanoseconds a zone's clock is ahead of UTC."""
    offset = (EPOCH + timedelta(seconds=second)).astimezone(zone).utcoffset() or timedelta()
    return offset // timedelta(seconds=1) * NANOS


_OF_TIMESTAMP = {
    "getFullYear": lambda moment: moment.year,
    "getMonth": lambda moment: moment.month - 1,
    "getDate": lambda moment: moment.day,
    "getDayOfMonth": lambda moment: moment.day - 1,
    "getDayOfYear": lambda moment: moment.timetuple().tm_yday - 1,
    "getDayOfWeek": lambda moment: (moment.weekday() + 1) % 7,
    "getHours": lambda moment: moment.hour,
    "getMinutes": lambda moment: moment.minute,
    "getSeconds": lambda moment: moment.second,
}
_OF_DURATION = {"getHours": 3600 * NANOS, "getMinutes": 60 * NANOS, "getSeconds": NANOS}
ACCESSORS = (*_OF_TIMESTAMP, "getMilliseconds")


def part(name: str, value: object, zone: object = None) -> int:
    """`value.getHours()` and its like; `zone` is a name or offset, or None for UTC."""
    if type(value) is Timestamp and (zone is None or type(zone) is str):
        if name == "getMilliseconds":
            return int(value) % NANOS // 10**6
        its_zone = zone_named(zone) if isinstance(zone, str) else None
        return int(_OF_TIMESTAMP[name](_moment(int(value) // NANOS, its_zone)))
    if type(value) is Duration and zone is None:
        return _part_of_duration(name, int(value))
    no_overload(name, value)


def _part_of_duration(name: str, nanos: int) -> int:
    sign = -1 if nanos < 0 else 1
    if name == "getMilliseconds":
        return sign * (abs(nanos) % NANOS // 10**6)
    if name not in _OF_DURATION:
        no_overload(name, Duration(nanos))
    return sign * (abs(nanos) // _OF_DURATION[name])
