"""The differences between two versions of rules: by rule with the reasons, by district, and each by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from streams.clocks import moment, zone_of
from streams.findings import Finding
from streams.records import Micros
from streams.texts import counted, show
from streams.tools.backtesting.compare import ADDED, CHANGED, REMOVED, Difference
from streams.tools.backtesting.noise import Noise, district, placed_key

SIGNS = {ADDED: ("+", "green"), REMOVED: ("-", "red"), CHANGED: ("~", "yellow")}
SHOWN_AT_MOST = 20
Line = Callable[[Finding], dict[str, Any]]


class RuleDifferences(msgspec.Struct, frozen=True):
    """What differs of one rule, and why."""

    rule: str
    reasons: list[str]
    differences: list[Difference]

    @property
    def counts(self) -> Counter[str]:
        """How many of each sort."""
        return Counter(one.sort for one in self.differences)

    @property
    def districts(self) -> dict[str, Counter[str]]:
        """The same by district, the most first; "" where none is known."""
        found: dict[str, Counter[str]] = {}
        for one in self.differences:
            found.setdefault(district(one.finding), Counter())[one.sort] += 1
        return dict(sorted(found.items(), key=lambda pair: (-pair[1].total(), pair[0])))


class Verdict(msgspec.Struct, frozen=True):
    """Both runs, `names` what they are called, and what differs by rule."""

    names: tuple[str, str]
    old: Noise
    new: Noise
    rules: list[RuleDifferences]

    @property
    def counts(self) -> Counter[str]:
        """How many of each sort."""
        return sum((rule.counts for rule in self.rules), Counter[str]())


def by_rule(differences: Sequence[Difference], reasons: Callable[[str], list[str]]) -> list[RuleDifferences]:
    """The differences by rule, those with the most first."""
    found: dict[str, list[Difference]] = {}
    for one in differences:
        found.setdefault(one.finding.rule, []).append(one)
    rules = [RuleDifferences(rule, reasons(rule), own) for rule, own in found.items()]
    return sorted(rules, key=lambda rule: (-len(rule.differences), rule.rule))


def lines(verdict: Verdict, line: Line) -> Iterator[dict[str, Any]]:
    """Each difference as plain values, for JSON; `line` writes a finding."""
    for rule in verdict.rules:
        for one in rule.differences:
            yield {
                "difference": one.sort, "rule": rule.rule, "key": one.finding.key, "district": district(one.finding),
                "parts": list(one.parts), "reasons": rule.reasons, "old": None if one.old is None else line(one.old),
                "new": None if one.new is None else line(one.new)}


def summary(verdict: Verdict) -> dict[str, Any]:
    """The numbers."""
    sides = {side: {"name": name, "findings": one.findings, "per_day": one.per_day}
             for side, name, one in zip(("old", "new"), verdict.names, (verdict.old, verdict.new), strict=True)}
    rules = {rule.rule: {**_all(rule.counts), "reasons": rule.reasons,
                         "districts": {name: _all(counts) for name, counts in rule.districts.items()}}
             for rule in verdict.rules}
    return {**_all(verdict.counts), **sides, "rules": rules}


def tell(console: Console, verdict: Verdict, zone: str) -> None:
    """For people."""
    for rule in verdict.rules:
        console.print(Text(rule.rule, "bold"))
        for reason in rule.reasons:
            console.print(f"  because {reason}")
        console.print(Text("  ").append_text(told_counts(rule.counts)))
        _districts(console, rule)
        for one in rule.differences[:SHOWN_AT_MOST]:
            sign, style = SIGNS[one.sort]
            console.print(Text(f"  {sign} {sentence(one, zone)}", style))
        if len(rule.differences) > SHOWN_AT_MOST:
            console.print(f"    and {len(rule.differences) - SHOWN_AT_MOST} more; --json names all")
    old, new = verdict.old, verdict.new
    console.print(f"{verdict.names[0]}: {counted(old.findings, 'finding')}, {old.per_day:.1f} a day; "
                  f"{verdict.names[1]}: {new.findings}, {new.per_day:.1f} a day")
    counts = told_counts(verdict.counts).append(f"; times are those of {zone}")
    console.print(counts if verdict.rules else "no finding differs")


def told_counts(counts: Counter[str]) -> Text:
    """`3 added, 0 removed, 1 changed`."""
    parts = [(f"{counts[sort]} {sort}", SIGNS[sort][1] if counts[sort] else "dim") for sort in SIGNS]
    return Text(", ").join(Text(text, style) for text, style in parts)


def sentence(one: Difference, zone: str) -> str:
    """One difference in a line: when, where, and what of it is not the same."""
    if one.old is None or one.new is None:
        return f"{span(one.finding, zone)}  {placed_key(one.finding)}  {_about(one.finding)}"
    told = [_part(part, one.old, one.new, zone) for part in one.parts if part != "evidence" or "count" not in one.parts]
    return f"{span(one.finding, zone)}  {placed_key(one.finding)}  {', '.join(told)}"


def span(finding: Finding, zone: str) -> str:
    """`2016-01-23 10:00:00 to 10:20:00`, in local time."""
    opened = stamp(finding.opened, zone)
    if finding.closed is None:
        return f"{opened}, still open"
    if finding.closed == finding.opened:
        return opened
    closed = stamp(finding.closed, zone)
    return f"{opened} to {closed[11:] if closed[:10] == opened[:10] else closed}"


def stamp(time: Micros | None, zone: str) -> str:
    """A local time to the second."""
    return "open" if time is None else moment(time, zone_of(zone)).strftime("%Y-%m-%d %H:%M:%S")


def _about(finding: Finding) -> str:
    value = "" if finding.value is None else f"value {show(finding.value)}, "
    return f"{value}{counted(finding.count, 'event')}"


def _part(part: str, old: Finding, new: Finding, zone: str) -> str:
    if part == "evidence":
        return "other events"
    values = [getattr(side, part) for side in (old, new)]
    texts = [stamp(value, zone) if part in ("opened", "closed") else show(value) for value in values]
    return f"{'events' if part == 'count' else part} {' → '.join(texts)}"


def _districts(console: Console, rule: RuleDifferences) -> None:
    told = rule.districts
    if len(told) > 1 or "" not in told:
        parts = [f"{name or 'nowhere'} {' '.join(f'{SIGNS[sort][0]}{counts[sort]}' for sort in SIGNS if counts[sort])}"
                 for name, counts in told.items()]
        more = f" and {len(parts) - SHOWN_AT_MOST} more" if len(parts) > SHOWN_AT_MOST else ""
        console.print(f"  by district: {', '.join(parts[:SHOWN_AT_MOST])}{more}")


def _all(counts: Counter[str]) -> dict[str, int]:
    return {sort: counts[sort] for sort in SIGNS}
