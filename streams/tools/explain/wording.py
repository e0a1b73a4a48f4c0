"""Times, amounts and values in words, for the sentences and the report of an explanation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from streams.clocks import SECOND, moment, show_duration, zone_of
from streams.explained import Measured
from streams.outages import above, teller
from streams.records import KeyValues, Member, Micros
from streams.rules import Bundle, Rule
from streams.specs import Step, Test, Window
from streams.tools.explain.fits import Hurdle, parts_of
from streams.tools.explain.story import Arrived

COMPARED = {"gt": "more than", "gte": "at least", "lt": "less than", "lte": "at most", "eq": "exactly", "neq": "not"}
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


class Words(msgspec.Struct, frozen=True):
    """How times are told: in a zone, or counted from the `start` of a test; of the day asked about without its date."""

    zone: str = "UTC"
    start: Micros | None = None
    day_of: Micros | None = None

    def time(self, time: Micros) -> str:
        """A moment."""
        if self.start is not None:
            return show_duration(time - self.start)
        found = moment(time, zone_of(self.zone)).replace(tzinfo=None)
        if self.day_of is not None and moment(self.day_of, zone_of(self.zone)).date() == found.date():
            return _trimmed(found.time().isoformat())
        return _trimmed(found.isoformat(" "))

    def dated(self, time: Micros) -> str:
        """A moment with its date."""
        return msgspec.structs.replace(self, day_of=None).time(time)

    def span(self, low: Micros, high: Micros) -> str:
        """`from 09:50:00 to 10:10:00`, in whole seconds."""
        since = self.start or 0
        first, last = low - (low - since) % SECOND, high + (since - high) % SECOND
        return f"from {self.time(first)} to {self.time(last)}"

    def event(self, arrived: Arrived | Member) -> str:
        """An event: its id and when it happened."""
        if isinstance(arrived, Member):
            return f"event {arrived.id} of {self.time(arrived.time)}"
        if arrived.event is None:
            return f"the record at {arrived.place}"
        return f"event {arrived.event.id} of {self.time(arrived.event.time)}"


def _trimmed(text: str) -> str:
    """A time without needless digits after the second."""
    return text.rstrip("0") if "." in text else text


def for_key(rule: Rule, key: KeyValues) -> str:
    """` for device m1`; nothing where a rule has no key."""
    named = [_part(name, part) for name, part in zip(parts_of(rule), key, strict=False) if part != ""]
    return f" for {', '.join(named)}" if named else ""


def _part(name: str, part: Any) -> str:
    """`device m1`; of what has no plain name only the value."""
    plain = name.replace(".", "").isidentifier()
    return f"{name.rpartition('.')[2]} {part}" if plain else str(part)


def amount(rule: Rule, measured: Measured) -> str:
    """`4 of 5 events in 10m`; `avg level = 12.5 in 1h where at least 20 is asked for`."""
    name, test, value = measured.name, measured.test, measured.value
    if name == "count" and test.op in ("gte", "gt"):
        need = test.value if test.op == "gte" else test.value + 1
        return f"{value or 0} of {number(need)} events{window(rule)}"
    wanted = f"where {compared(test)} is asked for"
    if value is None and few(rule, measured):
        there = f"{len(measured.members)} of {rule.spec['min_events']} events{window(rule)}"
        return f"{there}, so there is no value of {name} (`min_events`)"
    if value is None:
        return f"no value of {name}{window(rule)} {wanted}"
    return f"{name} = {number(value)}{window(rule)} {wanted}"


def few(rule: Rule, measured: Measured) -> bool:
    """Whether there are fewer events than `min_events` asks for."""
    return len(measured.members) < (rule.spec.get("min_events") or 0)


def compared(test: Test) -> str:
    """`at least 20`."""
    return f"{COMPARED[test.op]} {number(test.value)}"


def number(value: Any) -> str:
    """A number without needless digits."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else f"{value:.6g}"
    return str(value)


def window(rule: Rule) -> str:
    """` in 10m`, ` in one session`."""
    found: Window | None = rule.spec.get("window")
    if found is None:
        return ""
    return " in one session" if found.size is None else f" in {show_duration(found.size)}"


def ordinal(value: int) -> str:
    """`fifth`, `12th`."""
    if 1 <= value <= len(ORDINALS):
        return ORDINALS[value - 1]
    return f"{value}th" if value % 10 not in (1, 2, 3) or value % 100 in (11, 12, 13) else f"number {value}"


def steps_of(rule: Rule) -> tuple[Step, ...]:
    """The steps of a sequence."""
    return tuple(rule.spec.get("steps") or ())


def shown(value: Any) -> str:
    """A value as an author would write it."""
    return f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def hurdle(one: Hurdle) -> str:
    """Why a clause is not met."""
    values = ", ".join(f"{path} = {shown(value)}" for path, value in one.values.items())
    if one.failure:
        return f"`{one.text}` cannot be told: {one.failure}"
    return f"`{one.text}` is false" + (f" ({values})" if values else "")


def silent_above(bundle: Bundle, rule: Rule, key: KeyValues, silent: Mapping[str, Micros], words: Words) -> str:
    """`the source sensors has been silent since 05:12`; `silent` says since when, by who told it."""
    said = []
    for one in above(bundle, rule):
        since = silent.get(teller(one.rule))
        if since is not None:
            group = " ".join(map(str, one.of(key) or ()))
            what = f"the source {one.source}" if one.source else f"`{one.rule}` {group}".strip()
            said.append(f"{what} has been silent since {words.time(since)}")
    return " and ".join(said)
