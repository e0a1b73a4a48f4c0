"""Which keys of which rules want an event. Pure.

Rules are found by the event's type and then by one equality that their condition needs
(`county == "c3"`): ten thousand rules cost an event about what ten do. A rule without such an
equality stands in the scan list of its types.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from copy import copy
from hashlib import blake2b
from operator import attrgetter
from typing import Any
from zlib import crc32

import msgspec

from streams.conditions import EvalError, together
from streams.ingest.guards import Guardian
from streams.ingest.placing import Placing, in_cells
from streams.reasons import RouteReason
from streams.records import KEY_AT_MOST, Event, KeyValues, Member, key_part
from streams.rules import FINDINGS_OF, Bundle, Rule, Selector

_packer = msgspec.msgpack.Encoder()
Wanted = tuple[str, KeyValues, Member]
TEXT_AT_MOST = 500  # characters of a fact: texts are for people
TYPES_AT_MOST = 10_000  # that have an index at a time; an open source may name any number
HASHED = (str, int, float, bool)
PLACE_FACTS = ("place.lat", "place.lon", "place.district", "place.address")


def partition_of(rule: str, key: KeyValues, partitions: int) -> int:
    """The work partition that owns a key; keys of different rules with equal values meet there."""
    return crc32(_packer.encode(key) if key else rule.encode()) % partitions


class Candidate:
    """One selector of one rule."""

    __slots__ = ("bit", "divided", "facts", "guard", "key", "placing", "ref", "rule", "selector", "silent", "single",
                 "value", "where")

    def __init__(self, rule: Rule, index: int, selector: Selector, placing: Placing | None = None) -> None:
        self.placing = placing
        self.rule, self.ref, self.selector, self.bit = rule, rule.entry, selector, 1 << index
        self.where = None if selector.where is None else selector.where.function
        self.key, self.guard = together(selector.by), selector.guard
        self.value = None if rule.value is None else rule.value.function
        self.facts = [(path, read.function) for path, read in rule.facts.items() if path not in PLACE_FACTS]
        self.divided = rule.counting is not None
        self.silent = rule.vital is not None  # it has no texts, and so no facts
        self.single = len(rule.selectors) == 1 and placing is None and not self.silent

    def found_by(self, path: str) -> Candidate:
        """Itself as a look-up of `path` finds it: with nothing left to try where that decides the whole condition."""
        where = self.selector.where
        if where is None or where.decided != path:
            return self
        decided = copy(self)
        decided.where = None
        return decided


class TypeIndex:
    """The candidates for one event type: those to scan, and by path and value those to look up."""

    def __init__(self, candidates: list[Candidate]) -> None:
        self.scan: list[Candidate] = []
        self.lookups: dict[str, dict[Any, list[Candidate]]] = {}
        spread = _spread(candidates)
        for candidate in candidates:
            where = candidate.selector.where
            equalities = where.equalities if where is not None else {}
            path = max((p for p in equalities if _indexed(p)), key=lambda p: spread[p], default=None)
            if path is None:
                self.scan.append(candidate)
                continue
            found = candidate.found_by(path)
            for value in equalities[path]:
                self.lookups.setdefault(path, {}).setdefault(value, []).append(found)
        self._by_field = [(path, table) for path, table in self.lookups.items() if not _beside_fields(path)]
        self._others = [(_reader(path), table) for path, table in self.lookups.items() if _beside_fields(path)]

    def candidates(self, event: Event) -> list[Candidate]:
        """Those whose equality holds, in no order that matters, and those to scan."""
        found = self.scan
        fields = event.fields
        for path, table in self._by_field:
            value = fields.get(path)
            hits = table.get(value) if type(value) in HASHED else None
            if hits:
                found = found + hits if found else hits
        for read, table in self._others:
            hits = table.get(read(event))
            if hits:
                found = found + hits if found else hits
        return found


class Router:
    """From an event to the members it becomes; with `findings` from a finding, for the rules that read rules.

    `counts` holds (reason, rule) pairs. A condition that the index has passed over was not tried: where
    the field that it needs is missing, that is no failure of it.
    """

    def __init__(self, bundle: Bundle, findings: bool = False) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.guardian = Guardian(self.counts)
        placings = {rule.id: Placing(rule.near) for rule in bundle.rules.values() if rule.near is not None}
        self._candidates = [Candidate(rule, index, selector, placings.get(rule.id)) for rule in bundle.folded
                            for index, selector in enumerate(rule.selectors)
                            if selector.types[0].startswith(FINDINGS_OF) == findings]
        self._by_type: dict[str, TypeIndex] = {}

    def route(self, event: Event) -> list[Wanted]:
        """(rule reference, key, member) for each key of each rule that wants the event."""
        index = self._by_type.get(event.type)
        if index is None:
            if len(self._by_type) >= TYPES_AT_MOST:
                self._by_type.clear()
            index = self._by_type[event.type] = self._index(event.type)
        candidates = index.candidates(event)
        if not candidates:
            return []
        wanted: list[Wanted] = []
        several: dict[tuple[str, KeyValues], tuple[int, Candidate]] | None = None
        facts = None if event.place is None else place_facts(event)
        for candidate in candidates:
            if candidate.where is not None and not self._holds(candidate, event):
                continue
            if candidate.guard is not None and self.guardian.keeps_out(candidate.guard, candidate.rule.id, event):
                continue
            key = self._key(candidate, event)
            if key is None:
                continue
            if candidate.single:
                self._want(wanted, candidate, key, 1, event, facts)
                continue
            several = several if several is not None else {}
            roles, first = several.get((candidate.ref, key), (0, candidate))
            several[candidate.ref, key] = (roles | candidate.bit, first)
        if several:
            for (_, key), (roles, candidate) in several.items():
                want = self._want if candidate.placing is None else self._want_near
                want(wanted, candidate, key, roles, event, None if candidate.silent else facts)
        return wanted

    def scanned(self, event_type: str) -> int:
        """How many selectors each event of a type is tried against one by one."""
        return len(self._index(event_type).scan)

    def _index(self, event_type: str) -> TypeIndex:
        return TypeIndex([c for c in self._candidates
                          if any(fits(pattern, event_type) for pattern in c.selector.types)])

    def _holds(self, candidate: Candidate, event: Event) -> bool:
        assert candidate.where is not None
        try:
            return candidate.where(event) is True
        except EvalError:
            self.counts[RouteReason.CONDITION_FAILED, candidate.rule.id] += 1
            return False

    def _key(self, candidate: Candidate, event: Event) -> KeyValues | None:
        key: KeyValues = candidate.key(event)
        for part in key:
            if type(part) is not str or not 0 < len(part) <= KEY_AT_MOST:  # most are short texts
                key = tuple([key_part(one) for one in key])
                break
        else:
            return key
        if None in key:
            self.counts[RouteReason.NO_KEY, candidate.rule.id] += 1
            return None
        return key

    def _want(self, wanted: list[Wanted], candidate: Candidate, key: KeyValues, roles: int, event: Event,
              facts: dict[str, Any] | None) -> None:
        value = None
        if candidate.value is not None:
            try:
                value = candidate.value(event)
            except EvalError:
                reason = RouteReason.NO_PLACE if candidate.rule.kind == "hotspot" else RouteReason.NO_VALUE
                self.counts[reason, candidate.rule.id] += 1
                return
            if type(value) is str and len(value) > KEY_AT_MOST:  # it is compared, nothing else
                value = blake2b(value.encode(), digest_size=16).hexdigest()
        if candidate.divided:
            key = (*key, value)
        if candidate.facts:
            facts = more_facts(candidate.facts, event, facts)
        wanted.append((candidate.ref, key, Member(
            event.time, event.source, event.partition, event.offset, event.id, roles, value, facts)))


    def _want_near(self, wanted: list[Wanted], candidate: Candidate, key: KeyValues, roles: int, event: Event,
                   facts: dict[str, Any] | None) -> None:
        """For the cell that owns the event's place, and for each that its circle touches."""
        assert candidate.placing is not None
        cells = candidate.placing.cells(event)
        if not cells:
            self.counts[RouteReason.NO_PLACE, candidate.rule.id] += 1
            return
        things, left = candidate.placing.things(event, roles, _thing)
        if left != roles:
            self.counts[RouteReason.NO_KEY, candidate.rule.id] += 1
        found: list[Wanted] = []
        if left:
            self._want(found, candidate, key, left, event, facts)
        for ref, _, member in found:
            wanted += [(ref, (cell, *key), one) for cell, one in in_cells(member, cells, event, things)]


def fits(pattern: str, event_type: str) -> bool:
    """Whether a type is meant by a declared name or a branch `a.b.*`."""
    if pattern.endswith("*"):
        return event_type.startswith(pattern[:-1])
    return pattern == event_type


def _thing(read: Callable[[Event], Any], event: Event) -> Any:
    """What an event says of a part of the key; None where it says nothing."""
    try:
        return key_part(read(event))
    except EvalError:
        return None


def place_facts(event: Event) -> dict[str, Any]:
    """Where an event with a place was, by path; only what is known."""
    place = event.place
    assert place is not None
    named = zip(PLACE_FACTS, (place.lat, place.lon, place.district, place.address), strict=True)
    return {path: value[:TEXT_AT_MOST] if type(value) is str else value for path, value in named if value is not None}


def more_facts(wanted: list[tuple[str, Callable[[Event], Any]]], event: Event,
               base: dict[str, Any] | None) -> dict[str, Any]:
    """The base facts and what else the rule's texts read; a missing value stays out."""
    facts = dict(base) if base else {}
    for path, read in wanted:
        try:
            value = read(event)
        except EvalError:
            continue
        facts[path] = value[:TEXT_AT_MOST] if type(value) is str else value
    return facts


def _spread(candidates: list[Candidate]) -> Counter[str]:
    """How many different values the conditions name, by path: the more, the better an index."""
    values: dict[str, set[Any]] = {}
    for candidate in candidates:
        where = candidate.selector.where
        if where is not None:
            for path, named in where.equalities.items():
                values.setdefault(path, set()).update(named)
    return Counter({path: len(named) for path, named in values.items()})


def _indexed(path: str) -> bool:
    """Whether the index serves a path: not instants, and of what is nested only the parts of the place."""
    return path not in ("type", "time", "received") and ("." not in path or path.startswith("place."))


def _beside_fields(path: str) -> bool:
    """Whether a path is none of the event's own fields."""
    return path in ("id", "source", "severity") or path.startswith("place.")


def _reader(path: str) -> Callable[[Event], Any]:
    """How to read an indexed path that is no field."""
    if path.startswith("place."):
        part = path.removeprefix("place.")
        return lambda event: getattr(event.place, part, None)
    return attrgetter(path)
