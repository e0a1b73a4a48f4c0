"""What advice on a rule may look at beside the rule: event types, sources, the rules before it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

import msgspec

from streams.clocks import show_duration
from streams.rulefile.codes import Report
from streams.rulefile.drafts import RuleDraft
from streams.rules import City, EventType, Rule, Source

Told: TypeAlias = tuple[RuleDraft, Callable[[Report], None]]
"""What there is to say about one rule among others: it is said where the rule's problems are gathered."""


class Around(msgspec.Struct, frozen=True):
    """`rules` are those that were advised on so far, the bases of a rule among them; `pages` the runbooks there are."""

    event_types: Mapping[str, EventType]
    sources: Mapping[str, Source]
    rules: dict[str, Rule]
    report: Report
    city: City = City()
    pages: frozenset[str] = frozenset()


def said(span: int) -> str:
    """A duration in a sentence: `5 min`, `30 s`."""
    words = {"m": "min", "d": "days", "w": "weeks"}
    return " ".join(
        f"{number} {words.get(unit, unit)}" for number, unit in re.findall(r"(\d+)(us|ms|[smhdw])", show_duration(span))
    )
