"""Rules at work in one partition of `tocsin.work`: those that share a clock, what wakes their keys, what is kept."""

from __future__ import annotations

import heapq

import msgspec

from streams.clocks import AFTER_ALL, BEFORE_ALL
from streams.composites import counts_of
from streams.detect.keys import Key
from streams.kinds import Detector
from streams.records import KeyValues, Micros
from streams.rules import Rule

_packer = msgspec.msgpack.Encoder()


class SourceClock(msgspec.Struct, array_like=True):
    """What a work partition knows of one source, by the source's partition."""

    partitions: int
    clocks: dict[int, Micros] = {}
    marks: dict[int, tuple[int, int]] = {}

    @property
    def clock(self) -> Micros:
        """The minimum over all partitions; before all time until each was heard of."""
        return min(self.clocks.values()) if len(self.clocks) >= self.partitions else BEFORE_ALL


class DomainRow(msgspec.Struct, array_like=True):
    """A `Domain` as bytes hold it, named by its sources in order."""

    sources: tuple[str, ...]
    clock: Micros
    horizon: Micros
    since: Micros = BEFORE_ALL


class Meta(msgspec.Struct, array_like=True):
    """What is not of one key: the offset of the last frame, sources, how the keys of rules are named, domains.

    Version 1 had no domains, whose clocks were computed from the sources; `started` is of that version alone.
    """

    version: int
    offset: int
    sources: dict[str, SourceClock]
    started: list[str]
    names: dict[str, tuple[str, ...]]
    domains: list[DomainRow] = []


class Domain:
    """The rules that share a clock, because they can match the same sources.

    `horizon`: what happened before it was settled, or would have been; it does not go back where `lateness` is raised.
    `since`: the first event of all its sources, from where it counts for what was never heard of; before all time
    where the sources were there before the domain: then it counts from the clock at the switch.
    """

    def __init__(self, sources: frozenset[str], lateness: Micros) -> None:
        self.sources, self.lateness = sources, lateness
        self.clock: Micros = BEFORE_ALL
        self.horizon: Micros = BEFORE_ALL
        self.since: Micros = AFTER_ALL
        self.heap: list[tuple[Micros, bytes, Key]] = []
        self.rules: list[LiveRule] = []

    def arm(self, key: Key, wake: Micros) -> None:
        """Call the key at `wake`, if it is not called before."""
        if wake < key.wake:
            key.wake = wake
            heapq.heappush(self.heap, (wake, key.name, key))

    def follow(self, key: Key) -> None:
        """Arm a key that took an event: to settle it, too, if it is the first; later ones settle with that."""
        first = key.wake == AFTER_ALL or len(key.events) == 1
        self.arm(key, key.due(self.lateness) if first else key.waits())

    @property
    def name(self) -> tuple[str, ...]:
        """Its sources, in order."""
        return tuple(sorted(self.sources))

    def row(self) -> DomainRow:
        """What outlives a restart."""
        return DomainRow(self.name, self.clock, self.horizon, self.since)

    def load(self, row: DomainRow) -> None:
        """Take over what a row holds: a clock never goes back."""
        self.clock, self.horizon, self.since = row.clock, row.horizon, row.since


class LiveRule:
    """A rule at work in this partition, with its keys; or what counts its events first, if it has that.

    `name` is that by which it is read: the rule's id.
    """

    def __init__(self, rule: Rule, domain: Domain, counting: Detector | None = None) -> None:
        self.rule, self.domain, self.counts = rule, domain, counting is not None
        self.ref, self.name = (rule.entry, counts_of(rule)) if self.counts else (rule.ref, rule.id)
        self.detector = counting or rule.detector
        self.keys: dict[KeyValues, Key] = {}

    def key(self, values: KeyValues, since: Micros) -> Key:
        """The state of a key, new if it is new."""
        found = self.keys.get(values)
        if found is None:
            name = _packer.encode((self.ref, values))
            found = self.keys[values] = Key(self.ref, self.detector, values, name, since)
            found.wake, found.floor = AFTER_ALL, self.domain.horizon
        return found
