"""Findings as events, for rules that name a rule in place of an event (`rule:`). Pure.

A finding of the rule `x` is an event of the type and of the source `rule:x`: it happened when its
episode opened, where its newest event was. It is known by its id: when the finding changes, the
event is replaced, and when it is retracted, the event is taken back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from zlib import crc32

import msgspec

from streams.episodes import Episode
from streams.records import Event, KeyValues, Member, Micros, Place
from streams.rules import FINDINGS_OF, Bundle, EventType, FieldType, Rule

PLACE = "place."
ABOUT = ("value", "count", "closed", "ended")
_packer = msgspec.msgpack.Encoder()


def origin(rule: str) -> str:
    """The event type, and the source, of a rule's findings."""
    return FINDINGS_OF + rule


def event_type(rule: Rule) -> EventType:
    """What a rule for this rule's findings can read: the parts of the key by their last name, and what was found."""
    types = [part.type for part in rule.selectors[0].by] if rule.selectors else []
    fields = {name: FieldType(name, _declared(kind)) for name, kind in zip(_names(rule), types, strict=False) if name}
    value = "double" if rule.kind == "threshold" else "dyn"
    about = {"value": FieldType("value", value), "count": FieldType("count", "int"),
             "closed": FieldType("closed", "timestamp"), "ended": FieldType("ended", "string")}
    return EventType(origin(rule.id), rule.title, {**fields, **about})


def as_event(rule: Rule, key: KeyValues, episode: Episode, received: Micros) -> Event:
    """The event that a finding is. Its offset stands for its id, so that its place in the order stays."""
    named = dict(zip(rule.by, key, strict=False))
    found = {"value": episode.value, "count": episode.count, "closed": episode.closed, "ended": episode.ended}
    fields = {name: part for name, part in zip(_names(rule), key, strict=False) if name}
    fields |= {name: part for name, part in found.items() if part is not None}
    severity = rule.severity if isinstance(rule.severity, str) else None
    return Event(episode.finding, origin(rule.id), origin(rule.id), episode.opened, received,
                 _place({**episode.facts, **named}), severity, fields, 0, int(episode.finding[:12], 16))


def print_of(member: Member) -> int:
    """What of a member decides; its facts are for texts only and not worth telling again."""
    return crc32(_packer.encode((member.time, member.roles, member.value)))


def bases(bundle: Bundle, rule: Rule) -> Iterator[Rule]:
    """The rules whose findings a rule reads, directly or through others; each once, the nearest first."""
    waiting, seen = list(rule.bases), set[str]()
    while waiting:
        name = waiting.pop(0)
        if name not in seen and name in bundle.rules:
            seen.add(name)
            yield bundle.rules[name]
            waiting += bundle.rules[name].bases


def feeds(bundle: Bundle, rule: Rule) -> frozenset[str]:
    """The sources that can bring a rule to a finding: its own, and those of the rules that it reads."""
    return rule.sources.union(*(base.sources for base in bases(bundle, rule)))


def clock_sources(bundle: Bundle, rule: Rule, counted: frozenset[str] | None = None) -> frozenset[str]:
    """The sources whose clocks are a rule's; of all, or of those `counted`, the others being as if finished."""
    def fed(names: frozenset[str]) -> frozenset[str]:
        return names if counted is None else names & counted

    read = [bundle.rules[name] for name in rule.bases if name in bundle.rules]
    return fed(rule.sources) | {origin(base.id) for base in read if fed(feeds(bundle, base))}


def lateness_of(bundle: Bundle, rule: Rule, counted: frozenset[str] | None = None) -> Micros:
    """How far behind a rule's clock its events still come; of findings, how long one can be born or corrected."""
    names = rule.sources if counted is None else rule.sources & counted
    own = [bundle.sources[name].lateness for name in names]
    read = [bundle.rules[name] for name in rule.bases if name in bundle.rules]
    return max([*own, *(lateness_of(bundle, base, counted) + base.detector.horizon for base in read)], default=0)


def reach_of(bundle: Bundle, rule: Rule) -> Micros:
    """How long after an event a conclusion of a rule can still follow from it, through the rules that it reads."""
    read = [bundle.rules[name] for name in rule.bases if name in bundle.rules]
    return rule.detector.horizon + max((reach_of(bundle, base) for base in read), default=0)


def _names(rule: Rule) -> list[str]:
    """What each part of the key is called as a field; "" for a part of the place, and where it has no plain name."""
    names = ["" if part.startswith(PLACE) else part.rpartition(".")[2] for part in rule.by]
    return [name if name.isidentifier() and name not in ABOUT and names.count(name) == 1 else "" for name in names]


def _declared(kind: str) -> str:
    return kind if kind in ("string", "int", "double", "bool", "timestamp", "duration") else "dyn"


def _place(known: Mapping[str, Any]) -> Place | None:
    parts = {name: known.get(PLACE + name) for name in Place.__struct_fields__}
    return Place(**parts) if any(part is not None for part in parts.values()) else None
