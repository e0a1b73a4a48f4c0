"""How much a backtest's rules would have said: by day, by rule, by key and by district."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from streams.clocks import DAY, moment, zone_of
from streams.findings import RETRACTED, Finding
from streams.records import Micros
from streams.texts import look_up, show

TOP = 5


class RuleNoise(msgspec.Struct, frozen=True):
    """One rule's findings that were not retracted. `top` are the keys with the most, `by_day` every day of the span."""

    rule: str
    findings: int
    per_day: float
    busiest: int
    still_open: int
    retracted: int
    corrected: int
    by_day: list[int]
    top: list[tuple[str, int]]


class Noise(msgspec.Struct, frozen=True):
    """All rules together. `days` are local dates, from the first event, or finding, to the last."""

    days: list[str]
    findings: int
    per_day: float
    by_day: list[int]
    rules: list[RuleNoise]
    districts: dict[str, int]


def noise(findings: Sequence[Finding], zone: str, first: Micros | None = None, last: Micros | None = None) -> Noise:
    """Of the last words on the findings of one run over events from `first` to `last`."""
    kept = [one for one in findings if one.change != RETRACTED]
    opened = [one.opened for one in kept]
    days = days_between(min([*opened, *_known(first)], default=None), max([*opened, *_known(last)], default=None), zone)
    order = {day: index for index, day in enumerate(days)}
    by_rule: dict[str, list[Finding]] = {}
    for one in findings:
        by_rule.setdefault(one.rule, []).append(one)
    rules = [_of_rule(name, own, order, zone) for name, own in by_rule.items()]
    rules.sort(key=lambda rule: (-rule.findings, rule.rule))
    districts = Counter(district(one) for one in kept)
    return Noise(days, len(kept), len(kept) / max(1, len(days)), _by_day(kept, order, zone), rules,
                 dict(sorted(districts.items(), key=lambda pair: (-pair[1], pair[0]))))


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


def _of_rule(name: str, findings: Sequence[Finding], order: dict[str, int], zone: str) -> RuleNoise:
    kept = [one for one in findings if one.change != RETRACTED]
    by_day = _by_day(kept, order, zone)
    keys = Counter(key_text(one) for one in kept)
    return RuleNoise(
        name, len(kept), len(kept) / max(1, len(order)), max(by_day, default=0),
        sum(one.closed is None for one in kept), len(findings) - len(kept), sum(one.corrections > 0 for one in kept),
        by_day, sorted(keys.items(), key=lambda pair: (-pair[1], pair[0]))[:TOP])


def _by_day(findings: Iterable[Finding], order: dict[str, int], zone: str) -> list[int]:
    counts = [0] * len(order)
    for one in findings:
        counts[order[day_of(one.opened, zone)]] += 1
    return counts


def _known(time: Micros | None) -> list[Micros]:
    return [] if time is None else [time]
