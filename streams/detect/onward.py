"""What detect sends back to `tocsin.work`: its findings, as events for the rules that read them.

The rows of a frame are made by folding it, so a replay makes the same ones again; what is sent twice
is dropped by its mark, as with any sender.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import TypeAlias

from streams.composites import as_event, counts_of, facts_decide, origin, print_of
from streams.frames import ClockRow, VersionRow, WorkRow
from streams.ingest.route import Router, partition_of
from streams.judging.episodes import Episode
from streams.outages import FATE, Outage, above, teller
from streams.records import KeyValues, Member, Micros
from streams.rules import Bundle, Rule

STAMP_AFTER_ROWS = 500  # a frame may be cut wherever a clock stands
Standing: TypeAlias = tuple[Micros, Micros]
"""How far a rule has come: its clock, and the first event that it counts from."""


class Onward:
    """`rows` are those of the last frame, by the partition that they go to; `start` begins the next."""

    def __init__(self, bundle: Bundle, partition: int, partitions: int) -> None:
        counted = [counts_of(rule) for rule in bundle.folded if rule.counting is not None]
        self.observed = frozenset((*(name for rule in bundle.folded for name in rule.bases), *counted))
        self.below: dict[str, list[str]] = {}  # by the id of a rule the references of those that it stands above
        for rule in bundle.rules.values():
            for one in above(bundle, rule):
                self.below.setdefault(one.rule, []).append(rule.ref)
        self.router = Router(bundle, findings=True)
        self._facts_decide = facts_decide(bundle)
        self.partition, self.partitions = partition, partitions
        self.rows: dict[int, list[WorkRow]] = {}
        self._offset, self._row, self._unstamped, self._begun = -1, 0, 0, False
        self._before: dict[str, Standing] = {}
        self._told: set[str] = set()

    def start(self, offset: int, standing: Mapping[str, Standing]) -> None:
        """A new frame, at this offset of our partition; `standing` is that of the observed rules before it.

        What a restored state told before its first frame goes with the first that can be read.
        """
        if self._begun:
            return
        self.rows, self._told, self._begun = {}, set(), True
        self._offset, self._row, self._unstamped = offset, 0, 0
        self._before = dict(standing)

    def tell(self, rule: Rule, key: KeyValues, episode: Episode, gone: bool, clock: Micros) -> None:
        """Send what changed of a finding for the keys that read it; `episode.sent` remembers it."""
        event = as_event(rule, key, episode, clock)
        wanted = {} if gone else {(ref, to): member for ref, to, member in self.router.route(event)}
        prints = {(ref, to): print_of(member, ref in self._facts_decide) for (ref, to), member in wanted.items()}
        before = {(ref, to): told for ref, to, told in episode.sent if not ref.endswith(FATE)}
        for (ref, to), member in wanted.items():
            if before.get((ref, to)) != prints[ref, to]:
                self._send(event.source, event.id, ref, to, member)
        for ref, to in before:
            if (ref, to) not in wanted:
                self._send(event.source, event.id, ref, to, None)
        outages = [one for one in episode.sent if one[0].endswith(FATE)]
        episode.sent = [*outages, *((ref, to, told) for (ref, to), told in prints.items())]
        self._sent_of(rule.id)

    def tell_below(self, rule: Rule, key: KeyValues, episode: Episode, gone: bool = False) -> bool:
        """Send a silence to all keys of the rules below, wherever they are; whether it is news to any."""
        member = None if gone or episode.since is None else Outage.of_episode(rule, key, episode).row
        told = 0 if member is None else print_of(member, False)
        before = {ref: one for ref, _, one in episode.sent}
        news = [ref for ref in self.below[rule.id] if before.get(ref + FATE, 0) != told]
        for ref in news:
            for partition in range(self.partitions):
                self._send(teller(rule.id), episode.finding, ref, key, member, partition)
        if news:
            events = [one for one in episode.sent if not one[0].endswith(FATE)]
            episode.sent = [*events, *((ref + FATE, key, told) for ref in self.below[rule.id])]
            self._sent_of(rule.id + FATE)
        return bool(news)

    def gather(self, rule: Rule, key: KeyValues, episode: Episode, gone: bool) -> None:
        """Send what was counted for the last part of a key to the key that looks at all of them, or take it back."""
        name, part = counts_of(rule), key[-1]
        rank = int.from_bytes(blake2b(part.encode(), digest_size=6).digest())
        member = None if gone else Member(episode.opened, origin(name), 0, rank, episode.finding, 1,
                                          [part, *episode.value], episode.facts or None)
        self._send(origin(name), episode.finding, rule.ref, key[:-1], member)
        self._sent_of(name)

    def finish(self, standing: Mapping[str, Standing]) -> None:
        """All of the frame is folded: say how far each observed rule has come, where that is news."""
        news = [name for name in standing if name in self._told or standing[name] != self._before.get(name)]
        self._stamp(news, standing)
        self._begun = False

    def _sent_of(self, name: str) -> None:
        """Something of it was told in this frame."""
        self._told.add(name)
        if self._unstamped >= STAMP_AFTER_ROWS:
            self._stamp(sorted(self._told), self._before)

    def _send(self, source: str, finding: str, ref: str, to: KeyValues, member: Member | None,
              partition: int | None = None) -> None:
        row = VersionRow(source, self.partition, self._offset, self._row, ref, to, finding, member)
        partition = partition_of(ref, to, self.partitions) if partition is None else partition
        self.rows.setdefault(partition, []).append(row)
        self._row += 1
        self._unstamped += 1

    def _stamp(self, rules: Iterable[str], standing: Mapping[str, Standing]) -> None:
        """Every partition hears of every clock; it is also the mark of what was sent before it."""
        self._unstamped = 0
        for name in rules:
            clock, first = standing[name]
            row = ClockRow(origin(name), self.partition, self.partitions, self._offset, self._row, clock, clock, first)
            self._row += 1
            for partition in range(self.partitions):
                self.rows.setdefault(partition, []).append(row)
