"""Rules at work in one partition of `tocsin.work`: those that share a clock, what wakes their keys, what is kept."""

from __future__ import annotations

import heapq
from collections.abc import Mapping

import msgspec

from streams.clocks import AFTER_ALL, BEFORE_ALL
from streams.composites import counts_of
from streams.detect.keys import Key
from streams.kinds import Detector, StandsAbove
from streams.outages import Above, Outage
from streams.records import KeyValues, Micros
from streams.rules import Bundle, Rule

SIFT_AT_LEAST = 1_000  # calls of a domain
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
    """What is not of one key: the offset of the last frame, sources, how the keys of rules are named, domains, outages.

    Version 1 had no domains, whose clocks were computed from the sources; `started` is of that version alone.
    """

    version: int
    offset: int
    sources: dict[str, SourceClock]
    started: list[str]
    names: dict[str, tuple[str, ...]]
    domains: list[DomainRow] = []
    outages: list[tuple[str, dict[str, Outage]]] = []


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
        self._sift_at = SIFT_AT_LEAST
        self.rules: list[LiveRule] = []

    def arm(self, key: Key, wake: Micros) -> None:
        """Call the key at `wake`, if it is not called before."""
        if wake < key.wake:
            key.wake = wake
            heapq.heappush(self.heap, (wake, key.name, key))
            if len(self.heap) > self._sift_at:
                self._sift()

    def _sift(self) -> None:
        """Let go the calls that will not be made: a key that is called every hour leaves one for weeks ahead.

        It changes nothing but memory.
        """
        kept = {(call[0], id(call[2])): call for call in self.heap if call[2].wake == call[0]}
        self.heap[:] = kept.values()
        heapq.heapify(self.heap)
        self._sift_at = max(SIFT_AT_LEAST, 2 * len(self.heap))

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

    `name` is that by which it is read: the rule's id. `above` are the rules above it, by who tells of them, `outages`
    those of their silences, by id, that can matter to a key.
    """

    def __init__(self, rule: Rule, domain: Domain, counting: Detector | None = None,
                 above: Mapping[str, Above] | None = None) -> None:
        self.rule, self.domain, self.counts = rule, domain, counting is not None
        self.ref, self.name = (rule.entry, counts_of(rule)) if self.counts else (rule.ref, rule.id)
        self.detector = counting or rule.detector
        self.keys: dict[KeyValues, Key] = {}
        self.above: Mapping[str, Above] = above or {}
        self.outages: dict[str, Outage] = {}

    def key(self, values: KeyValues, since: Micros) -> Key:
        """The state of a key, new if it is new."""
        found = self.keys.get(values)
        if found is None:
            name = _packer.encode((self.ref, values))
            found = self.keys[values] = Key(self.ref, self.detector, values, name, since)
            found.wake, found.floor = AFTER_ALL, self.domain.horizon
            for outage in self.outages.values():
                if self._concerns(outage, values) and (outage.closed is None or outage.closed >= found.floor):
                    for identity, member in outage.members:
                        found.revise(identity, member, BEFORE_ALL)
        return found

    def take(self, finding: str, outage: Outage | None) -> Outage | None:
        """A silence above as it is known now, in place of what was known of it, which it gives; None: there is none."""
        before = self.outages.pop(finding, None)
        if outage is not None:
            self.outages[finding] = outage
        return before

    def concerned(self, outage: Outage) -> list[Key]:
        """The keys that are part of what is silent, in order of their names."""
        found = (key for values, key in self.keys.items() if self._concerns(outage, values))
        return sorted(found, key=lambda key: key.name)

    def hears_of(self, outage: Outage, bundle: Bundle) -> bool:
        """Whether the rule that told it is above this one, and still the same."""
        above = self.above.get(outage.teller)
        return above is not None and bundle.rules[above.rule].logic == outage.logic

    def lasting(self) -> dict[str, Outage]:
        """The silences above that can still matter to a key that is new; the others are forgotten."""
        self.outages = {name: one for name, one in sorted(self.outages.items())
                        if one.closed is None or one.closed >= self.domain.horizon}
        return self.outages

    def fate(self) -> Micros:
        """Before when no silence of a key can begin of which was not told."""
        clock, detector = self.domain.clock, self.detector
        assert isinstance(detector, StandsAbove)
        undecided = (detector.undecided(key.head) for key in self.keys.values())
        return min([clock, *(since + 1 for since in undecided if since is not None)])

    def _concerns(self, outage: Outage, values: KeyValues) -> bool:
        above = self.above.get(outage.teller)
        return above is not None and above.of(values) == outage.group
