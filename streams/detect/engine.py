"""detect: the fold over one partition of `tocsin.work`. Rows in, findings out; pure.

For each (rule, key) it keeps the episodes true to what is known and tells the differences. A
rule's clock is the minimum over the sources that it can match; what waits for time stands in one
heap per such set of sources.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from streams.clocks import AFTER_ALL, BEFORE_ALL
from streams.composites import clock_sources, counts_of, following, lateness_of, origin
from streams.detect.corrections import compare, finding_id, orphans
from streams.detect.domains import Domain, LiveRule, Meta, SourceClock
from streams.detect.keys import GoneRow, Key, KeyRow
from streams.detect.onward import Onward, Standing
from streams.findings import RETRACTED, Finding, Reading
from streams.frames import ClockRow, MemberRow, VersionRow, WorkFrame
from streams.ingest.route import partition_of
from streams.judging.episodes import Episode
from streams.kinds import Detector
from streams.outages import FATE, Outage, above, teller
from streams.records import KeyValues, Member, Micros, unpacked
from streams.rules import Bundle, Rule
from streams.vitals import Usual

META = b"~meta"
UNREGISTERED = "unregistered"
NO_MARK = (-1, -1)
_packer = msgspec.msgpack.Encoder()
_rows = msgspec.msgpack.Decoder(KeyRow | GoneRow)


class Engine:
    """The fold. `step` takes the next frame; `changed` gives the state rows to keep.

    `sources` limits whose clocks count (a backtest over one file): the others are as if finished. `readings` are
    those of indicators that the last step gave.
    """

    def __init__(self, bundle: Bundle, partition: int = 0, partitions: int = 1,
                 sources: Iterable[str] | None = None) -> None:
        self.bundle, self.partition, self.partitions = bundle, partition, partitions
        self.offset = -1
        self.counts: Counter[str] = Counter()
        self.sources: dict[str, SourceClock] = {}
        self.readings: list[Reading] = []
        self.switched = 0  # so many of the last step's findings follow from the switch to this bundle, not from the log
        self._domains: dict[frozenset[str], Domain] = {}
        self._touching: dict[str, list[Domain]] = {}
        self._live: dict[str, LiveRule] = {}
        self._dirty: dict[bytes, Key | tuple[str, KeyValues]] = {}
        self._graves: dict[bytes, None] = {}
        self._ahead: dict[tuple[str, KeyValues], int] = {}
        self._ahead_until = -1
        self._out: list[Finding] = []
        self._first: list[Finding] = []
        self._position: tuple[Any, ...] = ()
        self._time: Micros = BEFORE_ALL
        self._before: Micros = BEFORE_ALL  # the clock of what ended with the bundle before this one
        counted = None if sources is None else frozenset(sources)
        followers = following(bundle)
        for rule in bundle.folded:
            self._add(rule, counted, followers)
        self.onward = Onward(bundle, partition, partitions)
        self._observed = [live for live in self._live.values() if live.name in self.onward.observed]
        self._standing_above = [live for live in self._live.values() if live.name in self.onward.below]
        self._stood: dict[str, Standing] = {}

    def step(self, offset: int, frame: WorkFrame) -> list[Finding]:
        """Fold one frame; the findings in the order they were concluded."""
        self.offset = offset
        self.onward.start(offset, self._stood or self._standing())
        self._out, self._first, self.readings = self._first, [], []
        self.switched = len(self._out)
        for row in frame.rows:
            if type(row) is MemberRow:
                self._on_member(row)
            elif type(row) is ClockRow:
                self._on_clock(row)
            else:
                assert isinstance(row, VersionRow)
                self._on_version(row)
        self._stood = self._standing()
        self.onward.finish(self._stood)
        return self._out

    def step_through(self, frame: WorkFrame) -> list[Finding]:
        """Fold a frame and all that it sends back, where this is the only partition; offsets are counted here."""
        found = self.step(self.offset + 1, frame)
        readings = self.readings
        while rows := self.onward.rows.get(self.partition):
            found += self.step(self.offset + 1, WorkFrame(frame.version, frame.bundle, rows))
            readings += self.readings
        self.readings = readings
        return found

    def changed(self) -> dict[bytes, bytes | None]:
        """State rows that changed since the last call.

        A key that is gone leaves a `GoneRow`, which a replay from an older meta row must see, and
        is removed (None) with the next snapshot.
        """
        offset, graves = self.offset, self._graves
        self._graves = {}
        rows: dict[bytes, bytes | None] = dict.fromkeys(graves)
        for name, key in self._dirty.items():
            if isinstance(key, Key):
                rows[name] = key.encode(offset)
            else:
                rows[name] = _packer.encode(GoneRow(1, offset, *key))
                self._graves[name] = None
        rows[META] = _packer.encode(self._meta())
        self._dirty = {}
        return rows

    def restore(self, rows: Mapping[bytes, bytes]) -> None:
        """Take over the rows of an earlier run, whatever their order."""
        if META not in rows:
            return
        meta = msgspec.msgpack.decode(rows[META], type=Meta)
        self.offset, self.sources, self._out = meta.offset, meta.sources, self._first
        self._restore_domains(meta)
        for ref, outages in meta.outages:
            if ref in self._live:
                self._live[ref].outages = outages
        for name, value in sorted(rows.items()):
            if name != META:
                self._restore_key(name, _rows.decode(unpacked(value)), meta.names)
        self._ahead_until = max(self._ahead.values(), default=-1)
        self.onward.start(self.offset + 1, self._standing())
        for live in self._live.values():
            self._end_outages(live)
            self._switch(live)
        for live in self._standing_above:
            self._tell_below(live)

    @property
    def open_keys(self) -> int:
        """How many keys have state."""
        return sum(len(live.keys) for live in self._live.values())

    def clock(self, rule: str) -> Micros:
        """The clock of a rule, by its id."""
        return self._live[self.bundle.rules[rule].ref].domain.clock

    def _add(self, rule: Rule, counted: frozenset[str] | None, followers: frozenset[str]) -> None:
        sources = clock_sources(self.bundle, rule, counted)
        lateness = lateness_of(self.bundle, rule, followers, counted)
        if rule.counting is not None:  # a count is as late as the last event of its bin, at most
            self._live[rule.entry] = self._join(rule, sources, lateness, rule.counting)
            sources = frozenset((origin(counts_of(rule)),)) if sources else sources
        self._live[rule.ref] = self._join(rule, sources, lateness)

    def _join(self, rule: Rule, sources: frozenset[str], lateness: Micros,
              counting: Detector | None = None) -> LiveRule:
        """Put a rule, or what counts for it, among those with the same clock."""
        domain = self._domains.get(sources)
        if domain is not None:
            domain.lateness = max(domain.lateness, lateness)
        else:
            domain = self._domains[sources] = Domain(sources, lateness)
            for name in sources:
                self._touching.setdefault(name, []).append(domain)
        over = {teller(one.rule): one for one in above(self.bundle, rule)}
        live = LiveRule(rule, domain, counting, over)
        domain.rules.append(live)
        return live

    def _standing(self) -> dict[str, Standing]:
        """How far each rule has come whose findings others read."""
        found = {live.name: (live.domain.clock, live.domain.since) for live in self._observed}
        return found | {live.name + FATE: (live.fate(), live.domain.since) for live in self._standing_above}

    def _meta(self) -> Meta:
        names = {live.ref: live.rule.by for live in self._live.values()}
        domains = [domain.row() for domain in self._domains.values()]
        return Meta(2, self.offset, self.sources, [], names, domains,
                    [(live.ref, lasting) for live in self._live.values() if (lasting := live.lasting())])

    def _restore_domains(self, meta: Meta) -> None:
        """A clock that a new partition of a topic holds up is not to be had from the sources."""
        kept = {row.sources: row for row in meta.domains}
        for domain in self._domains.values():
            row = kept.get(domain.name)
            if row is None:
                domain.clock, domain.since = self._clock_of(domain), BEFORE_ALL
            else:
                domain.load(row)
        clocks = [row.clock for row in meta.domains] or [source.clock for source in meta.sources.values()]
        self._before = min(clocks, default=BEFORE_ALL)

    def _restore_key(self, name: bytes, row: KeyRow | GoneRow, names: Mapping[str, tuple[str, ...]]) -> None:
        if row.frame > self.offset:
            self._ahead[row.rule, row.key] = row.frame
        if isinstance(row, GoneRow):
            self._graves[name] = None
            return
        live = self._live.get(row.rule)
        if live is None:
            self._dirty[name] = (row.rule, row.key)
            self._out += orphans(row, names.get(row.rule, ()), self._before)
            return
        key = live.key(row.key, row.since)
        key.load(row)
        key.wake = min(key.wake, key.waits())  # an exception or a holiday that is there no more brings deadlines nearer
        heapq.heappush(live.domain.heap, (key.wake, key.name, key))

    def _on_member(self, row: MemberRow) -> None:
        member = row.member
        live = self._wanted(row, member.source, member.partition, (member.offset, row.row))
        if live is None:
            return
        domain = live.domain
        key = live.keys.get(row.key)
        if member.time < (domain.horizon if key is None else key.floor):
            self._count_too_old(domain, member.time)
            return
        if key is None:
            key = live.key(row.key, BEFORE_ALL)
        self._position, self._time = (member.source, member.partition, member.offset, row.row), member.time
        self._conclude(live, key, key.take(member, domain.clock), member.id)
        domain.follow(key)

    def _on_version(self, row: VersionRow) -> None:
        """A finding as an event: new, in place of what it was before, or gone."""
        live = self._wanted(row, row.source, row.partition, (row.offset, row.row))
        if live is None:
            return
        if row.source in live.above:
            self._on_outage(live, row, Outage.of_row(row.member, row.key))
            return
        domain, member = live.domain, row.member
        key = live.keys.get(row.key)
        if member is None and key is None:
            return
        if member is not None and member.time < (domain.horizon if key is None else key.floor):
            self._count_too_old(domain, member.time)
            return
        key = key if key is not None else live.key(row.key, BEFORE_ALL)
        self._position = (row.source, row.partition, row.offset, row.row)
        self._time = BEFORE_ALL if member is None else member.time
        self._conclude(live, key, key.revise(row.finding, member, domain.clock), row.finding)
        if key.events:
            domain.follow(key)
        else:
            domain.arm(key, domain.clock + 1)  # nothing may be left of it

    def _on_outage(self, live: LiveRule, row: VersionRow, outage: Outage | None) -> None:
        """A silence above the rule: new, otherwise than it was told before, or none."""
        before = live.take(row.finding, outage)
        self._position, self._time = (row.source, row.partition, row.offset, row.row), BEFORE_ALL
        if (meant := outage or before) is None:
            return
        for key in live.concerned(meant):
            if not self._is_ahead(live.ref, key.key):
                self._revise(live, key, row.finding, meant.members if outage else meant.nothing)

    def _end_outages(self, live: LiveRule) -> None:
        """Those that nobody tells any more, because the rule above is gone, or is another."""
        for finding, outage in sorted(live.outages.items()):
            if outage.closed is None and not live.hears_of(outage, self.bundle):
                ended = live.outages[finding] = outage.until(live.domain.clock)
                for key in sorted(live.keys.values(), key=lambda key: key.name):
                    self._revise(live, key, finding, ended.members)

    def _tell_below(self, live: LiveRule) -> None:
        """Tell the silences that last to rules that have not been told: those that are new."""
        for key in sorted(live.keys.values(), key=lambda key: key.name):
            episode = key.head.hold.open
            if episode is not None and self.onward.tell_below(live.rule, key.key, episode):
                self._dirty[key.name] = key

    def _revise(self, live: LiveRule, key: Key, finding: str, members: Iterable[tuple[str, Member | None]]) -> None:
        behind = False
        for identity, member in members:
            if member is None or member.time >= key.floor or key.holds(identity):
                behind |= key.revise(identity, member, live.domain.clock)
            else:
                self._count_too_old(live.domain, member.time)
        self._conclude(live, key, behind, finding)
        live.domain.arm(key, max(key.due(live.domain.lateness), live.domain.clock + 1))

    def _wanted(self, row: MemberRow | VersionRow, source: str, partition: int,
                mark: tuple[int, int]) -> LiveRule | None:
        """The rule that a row is for; None, and why is counted, where it is not to be folded (again)."""
        known = self.sources.get(source)
        if known is not None and mark <= known.marks.get(partition, NO_MARK):
            self.counts["repeated_row"] += 1
            return None
        live = self._live.get(row.rule)
        if live is None:
            self.counts["unknown_rule"] += 1
            return None
        if self._is_ahead(row.rule, row.key) and source not in live.above:
            return None
        return live

    def _is_ahead(self, ref: str, key: KeyValues) -> bool:
        """Whether a snapshot was cut short, so that this key already stands behind this frame."""
        return self.offset <= self._ahead_until and self._ahead.get((ref, key), -1) >= self.offset

    def _conclude(self, live: LiveRule, key: Key, behind: bool, cause: str) -> None:
        """Tell what follows from what a key took; anew where that came behind what was concluded."""
        if behind:
            self._correct(live, key, key.refold(live.domain.clock), cause)
        else:
            hold = key.head.hold
            if hold.fresh < len(hold.episodes):
                self._tell(live, key)
        if key.crowded:
            self._make_room(live, key)
        self._dirty[key.name] = key

    def _count_too_old(self, domain: Domain, time: Micros) -> None:
        """What ingest accepts is as old as that only after a flood, other files or a new partition."""
        settled = time < domain.horizon
        self.counts["older_than_settled" if settled else "older_than_the_limit_allows"] += 1

    def _make_room(self, live: LiveRule, key: Key) -> None:
        self.counts["settled_early"] += 1
        count = key.make_room()
        if key.head.hold.fresh < len(key.head.hold.episodes):
            self._tell(live, key)
        key.settle_early(count)

    def _on_clock(self, row: ClockRow) -> None:
        source = self.sources.get(row.source)
        if source is None:
            source = self.sources[row.source] = SourceClock(row.partitions, {}, {})
        mark = source.marks.get(row.partition)
        if mark is not None and (row.offset, row.row) <= mark:
            self.counts["repeated_row"] += 1
            return
        source.marks[row.partition] = (row.offset, row.row)
        source.partitions = max(source.partitions, row.partitions)  # a topic may get more of them
        source.clocks[row.partition] = max(row.clock, source.clocks.get(row.partition, BEFORE_ALL))
        self._position, self._time = (row.source, row.partition, row.offset, row.row), BEFORE_ALL
        first = row.first if row.first < AFTER_ALL or row.clock == BEFORE_ALL else row.clock
        for domain in self._touching.get(row.source, ()):
            if first < domain.since:
                self._begin_earlier(domain, first)
            clock = self._clock_of(domain)
            if clock > domain.clock:
                self._advance(domain, clock)

    def _clock_of(self, domain: Domain) -> Micros:
        known = [self.sources[name].clock for name in domain.sources if name in self.sources]
        return min(known) if known and len(known) == len(domain.sources) else BEFORE_ALL

    def _advance(self, domain: Domain, clock: Micros) -> None:
        """Move a clock: first the rules that start now, then every key that is due, in order."""
        if domain.clock == BEFORE_ALL:
            for live in domain.rules:
                self._watch(live, clock if domain.since == BEFORE_ALL else domain.since, True)
        domain.clock = clock
        domain.horizon = max(domain.horizon, clock - domain.lateness)
        heap = domain.heap
        while heap and heap[0][0] <= clock:
            wake, _, key = heapq.heappop(heap)
            if key.wake == wake:
                self._wake(self._live[key.rule], key, clock)

    def _begin_earlier(self, domain: Domain, first: Micros) -> None:
        """An event before the first one known: what counts from that one counts from this one.

        Not where lateness has passed: it is of a partition that a topic got since, and corrects nothing.
        """
        if domain.clock > BEFORE_ALL and first < domain.clock - domain.lateness:
            return
        before, domain.since = domain.since, first
        for live in domain.rules:
            for values in live.rule.expected:
                key = live.keys.get(values)
                if key is not None and key.since == before:
                    self._count_from(live, key, first)

    def _count_from(self, live: LiveRule, key: Key, since: Micros) -> None:
        if key.base is not None:
            return
        key.since = since
        self._correct(live, key, key.refold(live.domain.clock), "")
        self._dirty[key.name] = key
        live.domain.arm(key, key.due(live.domain.lateness))

    def _watch(self, live: LiveRule, since: Micros, begins: bool = False) -> None:
        """Watch what a register expects, counted from `since` what was never heard of, and all where time begins."""
        for values in live.rule.expected:
            if partition_of(live.ref, values, self.partitions) != self.partition:
                continue
            key = live.keys.get(values)
            if key is None:
                key = live.key(values, since)
                if live.detector.empty(key.head):  # nothing says how often it reports
                    del live.keys[values]
                    continue
            elif begins and key.since == BEFORE_ALL:
                self._count_from(live, key, since)
            if not key.listed:
                key.listed = True
                self._dirty[key.name] = key
                live.domain.arm(key, key.due(live.domain.lateness))

    def _switch(self, live: LiveRule) -> None:
        """What a register says of the keys may have changed since the bundle before."""
        expected = frozenset(live.rule.expected)
        for key in [key for values, key in live.keys.items() if key.listed and values not in expected]:
            self._drop(live, key)
        for key in live.keys.values():
            before = key.renew(live.domain.clock)
            if before is not None:
                self._correct(live, key, before, "")
                self._dirty[key.name] = key
                live.domain.arm(key, live.domain.clock + 1)  # nothing may be left of it
        if live.domain.clock > BEFORE_ALL:
            self._watch(live, live.domain.clock)

    def _drop(self, live: LiveRule, key: Key) -> None:
        """Watch it no more: what is open ends here."""
        hold = key.head.hold
        if hold.open is not None:
            hold.end(max(live.domain.clock, hold.open.opened), UNREGISTERED)
            self._tell(live, key)
        live.domain.horizon = max(live.domain.horizon, key.floor)
        del live.keys[key.key]
        key.wake = AFTER_ALL
        self._dirty[key.name] = (key.rule, key.key)

    def _wake(self, live: LiveRule, key: Key, clock: Micros) -> None:
        key.wake = AFTER_ALL
        key.advance(clock)
        if key.head.hold.fresh < len(key.head.hold.episodes):
            self._tell(live, key)
        if key.settle(clock - live.domain.lateness):
            del live.keys[key.key]
            self._dirty[key.name] = (key.rule, key.key)
            return
        self._dirty[key.name] = key
        wake = key.due(live.domain.lateness)
        assert wake > clock, f"{key.rule}: time does not move at {clock}"
        live.domain.arm(key, wake)

    def _correct(self, live: LiveRule, key: Key, before: list[Episode], cause: str) -> None:
        """Tell what a refold changed."""
        self.counts["refolds"] += 1
        for change in compare(before, key.head.hold.episodes, live.detector.identity):
            self._emit(live, key, change.episode, change.change, cause, change.merged_into)

    def _tell(self, live: LiveRule, key: Key) -> None:
        for episode in key.head.hold.news():
            if not episode.finding:
                change = "opened"
            else:
                change = "updated" if episode.closed is None else "closed"
            self._emit(live, key, episode, change)

    def _emit(self, live: LiveRule, key: Key, episode: Episode, change: str, cause: str = "",
              merged_into: str = "") -> None:
        if live.rule.vital is not None:
            self._read(live, key, episode, change, cause)
            return
        if not episode.finding:
            episode.finding = finding_id(live.rule, key.key, episode, self._position)
        if live.counts:
            self.onward.gather(live.rule, key.key, episode, change == RETRACTED)
            return
        episode.sequence += 1
        rule = live.rule
        named = episode.named(rule.by, key.key)
        self._out.append(Finding(
            episode.finding, episode.sequence, change, rule.id, rule.logic, named, episode.opened,
            episode.closed, episode.value, list(episode.evidence), episode.count, episode.bound,
            episode.facts, episode.ended, episode.corrections, self._at(live, episode), cause,
            merged_into, rule.shadow, episode.since))
        if rule.id in self.onward.below:
            self.onward.tell_below(rule, key.key, episode, change == RETRACTED)
        if rule.id in self.onward.observed:
            self.onward.tell(rule, key.key, episode, change == "retracted", self._out[-1].at)

    def _read(self, live: LiveRule, key: Key, episode: Episode, change: str, cause: str) -> None:
        """Tell a reading, which is known by its key and the end of its period."""
        episode.finding = str(episode.opened)
        episode.sequence += 1
        rule, usual = live.rule, episode.facts.get("usual")
        self.readings.append(Reading(
            rule.id, rule.logic, episode.named(rule.by, key.key), episode.opened, episode.value, episode.count,
            episode.facts["status"], episode.facts["since"], episode.sequence, self._at(live, episode), cause,
            change == RETRACTED, None if usual is None else Usual(*usual)))

    def _at(self, live: LiveRule, episode: Episode) -> Micros:
        """How far event time had come when this was concluded."""
        return max(live.domain.clock, self._time, episode.opened)
