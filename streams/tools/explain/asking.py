"""What is asked, read from the words of a command: a moment, parts of a key, a finding. Raises ValueError in words."""

from __future__ import annotations

from collections.abc import Iterable

from streams.clocks import duration
from streams.findings import Finding
from streams.places import CELL
from streams.records import Micros
from streams.respond.identity import alert_id
from streams.rules import Rule
from streams.tools.asking import local_instant
from streams.tools.explain.fits import parts_of


def moment_of(text: str, zone: str, start: Micros | None = None) -> Micros:
    """An instant, a local time in the city's zone, or a span after the `start` of a test."""
    if start is not None and text[:1].isdigit() and text[-1:].isalpha() and text[-1:] != "Z":
        return start + duration(text)
    try:
        return local_instant(text, zone)
    except ValueError:
        hint = "10m after the test's start, or " if start is not None else ""
        raise ValueError(f"--at {text!r}: write {hint}2026-03-02T08:15:00Z, or without Z a time of {zone}") from None


def key_of(rule: Rule, texts: Iterable[str]) -> dict[str, str]:
    """`k=v` texts as parts of the rule's key, by the names that the rule has for them."""
    found: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        full = [part for part in askable(rule) if name in (part, part.rpartition(".")[2])]
        if not sign:
            raise ValueError(f"--key {text!r}: write NAME=VALUE")
        if not full:
            known = ", ".join(askable(rule))
            told = f"the parts of this rule's key are {known}" if known else "the rule has no `by`; leave --key away"
            hint = "" if rule.near is None else "; --near LAT,LON asks about a place"
            raise ValueError(f"--key {text!r}: {told}{hint}")
        found[full[0]] = value
    return found


def askable(rule: Rule) -> tuple[str, ...]:
    """What the parts of a key are called that can be asked about: with `near` also things, and the cell."""
    if rule.near is None:
        return parts_of(rule)
    return (*parts_of(rule), *(thing.name for thing in rule.near.things), CELL)


def names(finding: Finding, wanted: str) -> bool:
    """Whether an id names this finding, or the alert that begins with it."""
    return wanted in (finding.id, alert_id(finding.id))
