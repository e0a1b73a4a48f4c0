"""Findings as events, for rules that name a rule in place of an event (`rule:`). Pure.

A finding of the rule `x` is an event of the type and of the source `rule:x`: it happened when its
episode opened, where its newest event was. It is known by its id: when the finding changes, the
event is replaced, and when it is retracted, the event is taken back.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from hashlib import blake2b
from typing import Any
from zlib import crc32

import msgspec

from streams.clocks import WEEK
from streams.conditions import Expression
from streams.judging.episodes import Episode
from streams.outages import above, teller
from streams.records import Event, KeyValues, Member, Micros, Place
from streams.rules import COUNTS, FINDINGS_OF, Bundle, EventType, FieldType, Rule

PLACE = "place."
FOLLOWED = WEEK  # how long after it opened a finding is followed where what changes of it decides
ABOUT = ("value", "count", "closed", "ended")
_packer = msgspec.msgpack.Encoder()


def origin(rule: str) -> str:
    """The event type, and the source, of a rule's findings."""
    return FINDINGS_OF + rule


def event_type(rule: Rule) -> EventType:
    """What a rule for this rule's findings can read: the parts of the key by their last name, and what was found."""
    parts = _parts(rule)
    plain = _plain([name for name, _ in parts])
    fields = {name: FieldType(name, _declared(kind)) for name, (_, kind) in zip(plain, parts, strict=True) if name}
    value = "double" if rule.kind == "threshold" else "dyn"
    about = {"value": FieldType("value", value), "count": FieldType("count", "int"),
             "closed": FieldType("closed", "timestamp"), "ended": FieldType("ended", "string")}
    return EventType(origin(rule.id), rule.title, {**fields, **about})


def as_event(rule: Rule, key: KeyValues, episode: Episode, received: Micros) -> Event:
    """The event that a finding is."""
    named = episode.named(rule.by, key)
    found = {"value": episode.value, "count": episode.count, "closed": episode.closed, "ended": episode.ended}
    fields = {name: part for name, part in zip(_plain(list(named)), named.values(), strict=True) if name}
    fields |= {name: part for name, part in found.items() if part is not None}
    severity = rule.grade(named, episode.value, episode.count, episode.opened, episode.facts, episode.bound or ())
    return Event(episode.finding, origin(rule.id), origin(rule.id), episode.opened, received,
                 _place({**episode.facts, **named}), severity, fields, 0, _rank(rule, named, episode))


def print_of(member: Member, facts: bool) -> int:
    """What of a member decides; without its `facts` where these are for texts only and not worth telling again."""
    told = member.facts if facts else None
    return crc32(_packer.encode((member.order, member.roles, member.value, member.position, told)))


def facts_decide(bundle: Bundle) -> frozenset[str]:
    """The rules, by `ref`, in which facts of an event decide: how bad it is, or where the finding is for others."""
    read = {name for rule in bundle.folded for name in rule.bases}
    return frozenset(rule.ref for rule in bundle.rules.values() if rule.id in read or rule.grading is not None)


def bases(bundle: Bundle, rule: Rule) -> Iterator[Rule]:
    """The rules that a rule reads, or that stand above it, directly or through others; each once, the nearest first."""
    waiting, seen = list(_read(bundle, rule)), {rule.id}
    while waiting:
        one = waiting.pop(0)
        if one.id not in seen:
            seen.add(one.id)
            yield one
            waiting += _read(bundle, one)


def _read(bundle: Bundle, rule: Rule) -> Iterator[Rule]:
    """The rules whose findings a rule reads, and those above it."""
    yield from (bundle.rules[name] for name in rule.bases if name in bundle.rules)
    yield from (bundle.rules[one.rule] for one in above(bundle, rule))


def feeds(bundle: Bundle, rule: Rule) -> frozenset[str]:
    """The sources that can bring a rule to a finding: its own, and those of the rules that it reads."""
    return rule.sources.union(*(base.sources for base in bases(bundle, rule)))


def clock_sources(bundle: Bundle, rule: Rule, counted: frozenset[str] | None = None) -> frozenset[str]:
    """The sources whose clocks are a rule's; of all, or of those `counted`, the others being as if finished."""
    def fed(names: frozenset[str]) -> frozenset[str]:
        return names if counted is None else names & counted

    read = [bundle.rules[name] for name in rule.bases if name in bundle.rules]
    tellers = {teller(one.rule) for one in above(bundle, rule) if fed(feeds(bundle, bundle.rules[one.rule]))}
    return fed(rule.sources) | tellers | {origin(base.id) for base in read if fed(feeds(bundle, base))}


def counts_of(rule: Rule) -> str:
    """The name, among those of rules that are read, of what counts a rule's events first."""
    return rule.id + COUNTS


def lateness_of(bundle: Bundle, rule: Rule, following: Container[str], counted: frozenset[str] | None = None) -> Micros:
    """How far behind a rule's clock its events still come; of findings, how long one can be born or corrected.

    `following`: see the function of this name.
    """
    names = rule.sources if counted is None else rule.sources & counted
    own = [bundle.sources[name].lateness for name in names if name in bundle.sources]
    read = list(_read(bundle, rule))
    longer = FOLLOWED if rule.id in following else 0
    found = [lateness_of(bundle, base, following, counted) + base.detector.horizon + longer for base in read]
    return max([*own, *found], default=0)


def following(bundle: Bundle) -> frozenset[str]:
    """The rules for which a finding must be followed while it lasts: they, or rules that read them, read what changes.

    A finding is an event of the moment at which it opened, but its value, say, may reach a limit much later.
    """
    waiting = [rule for rule in bundle.folded if rule.bases and _reads_what_changes(bundle, rule)]
    found = {rule.id for rule in waiting}
    for rule in waiting:
        new = [base for base in bases(bundle, rule) if base.bases and base.id not in found]
        found.update(base.id for base in new)
        waiting += new
    return frozenset(found)


def reach_of(bundle: Bundle, rule: Rule) -> Micros:
    """How long after an event a conclusion of a rule can still follow from it, through the rules that it reads."""
    read = _read(bundle, rule)
    return rule.detector.horizon + max((reach_of(bundle, base) for base in read), default=0)


def _reads_what_changes(bundle: Bundle, rule: Rule) -> bool:
    """Whether which findings it takes, as what and where, can change while they last."""
    lasting = [bundle.rules[name].by for name in rule.bases if name in bundle.rules]
    read = {path for one in _expressions(rule) for path in one.paths}
    moving = [path for path in read if path.startswith(PLACE) and not all(path in by for by in lasting)]
    return rule.near is not None or bool(moving) or not read.isdisjoint((*ABOUT, "severity"))


def _expressions(rule: Rule) -> Iterator[Expression]:
    """All that decides which events a rule takes, and as what."""
    yield from () if rule.value is None else (rule.value,)
    for selector in rule.selectors:
        yield from selector.by if selector.where is None else (*selector.by, selector.where)
        yield from () if selector.guard is None else (one.where for one in selector.guard.exemptions)


def _rank(rule: Rule, key: Mapping[str, Any], episode: Episode) -> int:
    """A number that orders findings of one time alike, however their events came; ids depend on where they were born.

    An episode that lasts keeps its number while its evidence grows.
    """
    instant = episode.closed == episode.opened
    proof = [] if rule.bases else episode.evidence if instant else episode.evidence[:1]
    named = blake2b(_packer.encode((rule.id, list(key.values()), proof)), digest_size=6)
    return int.from_bytes(named.digest())


def _parts(rule: Rule) -> list[tuple[str, str]]:
    """Name and type of each part of a finding's key."""
    types = [part.type for part in rule.selectors[0].by] if rule.selectors else []
    if rule.near is None:
        return list(zip(rule.by, types, strict=False))
    plain = list(zip(rule.by[1:], types, strict=False))
    things = [(thing.name, thing.value.type) for thing in rule.near.things]
    return plain + things if things else [(rule.by[0], "string"), *plain]


def _plain(parts: list[str]) -> list[str]:
    """What each part of the key is called as a field; "" for a part of the place, and where it has no plain name."""
    names = ["" if part.startswith(PLACE) else part.rpartition(".")[2] for part in parts]
    return [name if name.isidentifier() and name not in ABOUT and names.count(name) == 1 else "" for name in names]


def _declared(kind: str) -> str:
    return kind if kind in ("string", "int", "double", "bool", "timestamp", "duration") else "dyn"


def _place(known: Mapping[str, Any]) -> Place | None:
    parts = {name: known.get(PLACE + name) for name in Place.__struct_fields__}
    return Place(**parts) if any(part is not None for part in parts.values()) else None
