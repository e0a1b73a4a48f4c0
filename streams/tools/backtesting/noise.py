"""How much a backtest's rules would have said: by day, by rule, by key and by district."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from streams.clocks import DAY, HOUR, moment, zone_of
from streams.findings import RETRACTED, Finding
from streams.records import Micros
from streams.texts import counted, look_up, show

TOP = 5
CELLS = ("cell", "place.cell")
"""What a cell of the map is called in a key: that of a rule with `near`, that of a place."""


class RuleNoise(msgspec.Struct, frozen=True):
    """One rule's findings that were not retracted. `top` are the keys with the most, `by_day` every day of the span.

    `after` of them opened after the last event, because time ran on (`--finish`); they are on no day.
    """

    rule: str
    findings: int
    per_day: float
    busiest: int
    still_open: int
    retracted: int
    corrected: int
    by_day: list[int]
    top: list[tuple[str, int]]
    after: int = 0


class Noise(msgspec.Struct, frozen=True):
    """All rules together. `days` are local dates from the first event to the last, `after` as of a rule.

    A last day of which less than an hour was seen, and on which nothing was found, is none.
    """

    days: list[str]
    findings: int
    per_day: float
    by_day: list[int]
    rules: list[RuleNoise]
    districts: dict[str, int]
    after: int = 0


def noise(findings: Sequence[Finding], zone: str, first: Micros | None = None, last: Micros | None = None) -> Noise:
    """Of the last words on the findings of one run over events from `first` to `last`; of unknown ones by findings."""
    kept = [one for one in findings if one.change != RETRACTED]
    opened = [one.opened for one in kept]
    end = max(opened, default=None) if last is None else last
    days = days_between(min([*opened, *_known(first)], default=None), end, zone)
    if end is not None and len(days) > 1 and _sliver(days[-1], end, zone, opened):
        days.pop()
    order = Days({day: index for index, day in enumerate(days)}, end or 0, zone)
    by_rule: dict[str, list[Finding]] = {}
    for one in findings:
        by_rule.setdefault(one.rule, []).append(one)
    rules = [_of_rule(name, own, order) for name, own in by_rule.items()]
    rules.sort(key=lambda rule: (-rule.findings, rule.rule))
    districts = Counter(district(one) for one in kept)
    by_day = order.counts(kept)
    return Noise(days, len(kept), sum(by_day) / max(1, len(days)), by_day, rules,
                 dict(sorted(districts.items(), key=lambda pair: (-pair[1], pair[0]))), len(kept) - sum(by_day))


def _sliver(day: str, end: Micros, zone: str, opened: Iterable[Micros]) -> bool:
    """Whether so little of the last day was seen that it is none, as where a day's file ends a second too late."""
    return day_of(end - HOUR, zone) != day and not any(time <= end and day_of(time, zone) == day for time in opened)


class Days(msgspec.Struct, frozen=True):
    """The days of a run by their place; `end` is the time of its last event."""

    order: dict[str, int]
    end: Micros
    zone: str

    def counts(self, findings: Iterable[Finding]) -> list[int]:
        """How many opened on each day; what opened after the end is on none."""
        counts = [0] * len(self.order)
        for one in findings:
            if one.opened <= self.end:
                counts[self.order[day_of(one.opened, self.zone)]] += 1
        return counts


def days_between(first: Micros | None, last: Micros | None, zone: str) -> list[str]:
    """The local dates of a span, in order; none if it is none."""
    if first is None or last is None:
        return []
    found: dict[str, None] = {}
    for time in range(first, last + 1, DAY // 2):  # no day is shorter than that
        found[day_of(time, zone)] = None
    found[day_of(last, zone)] = None
    return list(found)


def day_of(time: Micros, zone: str) -> str:
    """The local date of an instant."""
    return moment(time, zone_of(zone)).date().isoformat()


def key_text(finding: Finding) -> str:
    """A finding's key in words; "everywhere" for a rule without one."""
    return ", ".join(show(part) for part in finding.key.values()) or "everywhere"


def placed_key(finding: Finding) -> str:
    """The same, and beside a cell of the map, which says nothing to people, where the newest event is."""
    where = place_text(finding)
    parts = [f"{show(part)} ({where})" if where and name in CELLS and part else show(part)
             for name, part in finding.key.items()]
    return ", ".join(parts) or "everywhere"


def place_text(finding: Finding) -> str:
    """The address of the newest event, else its latitude and longitude; "" where neither is known."""
    address, at = look_up(finding.facts, "place.address"), position(finding)
    return str(address) if address else "" if at is None else f"{at[0]:.5f}, {at[1]:.5f}"


def district(finding: Finding) -> str:
    """Where it is, by the key or by the newest event; "" if neither says."""
    known = (finding.key.get("place.district"), finding.key.get("district"), look_up(finding.facts, "place.district"))
    return next((str(name) for name in known if name), "")


def position(finding: Finding) -> tuple[float, float] | None:
    """Latitude and longitude of its newest event, where that is known."""
    lat, lon = look_up(finding.facts, "place.lat"), look_up(finding.facts, "place.lon")
    return (lat, lon) if isinstance(lat, float | int) and isinstance(lon, float | int) else None


def as_json(found: Noise) -> dict[str, Any]:
    """As plain values, for `--json`."""
    plain: dict[str, Any] = msgspec.to_builtins(found)
    return plain


def _of_rule(name: str, findings: Sequence[Finding], order: Days) -> RuleNoise:
    kept = [one for one in findings if one.change != RETRACTED]
    by_day = order.counts(kept)
    keys, shown = Counter(key_text(one) for one in kept), {key_text(one): placed_key(one) for one in kept}
    top = sorted(keys.items(), key=lambda pair: (-pair[1], pair[0]))[:TOP]
    return RuleNoise(
        name, len(kept), sum(by_day) / max(1, len(by_day)), max(by_day, default=0),
        sum(one.closed is None for one in kept), len(findings) - len(kept), sum(one.corrections > 0 for one in kept),
        by_day, [(shown[key], number) for key, number in top], len(kept) - sum(by_day))


def headline(found: Noise) -> str:
    """How many findings on how many days."""
    more = f"; {found.after} opened only after the last event" if found.after else ""
    return f"{counted(found.findings, 'finding')} on {counted(len(found.days), 'day')}, {found.per_day:.1f} a day{more}"


def _known(time: Micros | None) -> list[Micros]:
    return [] if time is None else [time]
