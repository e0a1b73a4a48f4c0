"""Episodes: the spans over which a rule holds, and how `for` and `keep_firing_for` shape them.

A kind tells a `Hold` when its condition turns true, turns false, or is met for an instant; the
hold keeps the list of episodes that follows from it. All functions here are folds: the same calls
in the same order give the same episodes. Two moments at one instant have a fixed order: members
leave a window at `t` before the event at `t`, a deadline `D` is over only after every event at
`D`. Both are one mechanism: a due time is when something is done *before* the events of that
instant, so a deadline `D` is due at `D + 1`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from streams.places import CELL
from streams.records import KeyValues, Member, Micros

EVIDENCE_LIMIT = 100


class Episode(msgspec.Struct, array_like=True):
    """A span of event time over which a rule holds for a key.

    `evidence` lists the ids of the first `EVIDENCE_LIMIT` events that prove it, in order; `count`
    says how many there are in all and `last` names the newest. `facts` are those of the newest.
    `bound` tells, for a sequence, which step took which events. An episode of an instant has
    `closed == opened`. `ended` says why it closed if not by its condition. The next four fields
    are the engine's: the finding it was told as, how often it was told, how often corrected, and to which
    keys of which rules it was sent as an event, with a print of what was sent. `key`: of a rule with `near`,
    the things that take the place of the cell in the finding's key, by name. `since`: of a silence, when something
    was last heard.
    """

    opened: Micros
    closed: Micros | None = None
    value: Any = None
    evidence: list[str] = []
    count: int = 0
    last: str = ""
    facts: dict[str, Any] = {}
    bound: dict[str, list[str]] | None = None
    ended: str = ""
    finding: str = ""
    sequence: int = 0
    corrections: int = 0
    sent: list[tuple[str, KeyValues, int]] = []
    key: dict[str, Any] | None = None
    since: Micros | None = None

    def named(self, by: Sequence[str], key: KeyValues) -> dict[str, Any]:
        """The finding's key, by name: the engine's key, in which things replace the cell."""
        named = dict(zip(by, key, strict=False))
        if self.key is None:
            return named
        return {**{name: part for name, part in named.items() if name != CELL}, **self.key}

    def inherit(self, told: Episode) -> None:
        """Be the finding that another episode was told as."""
        self.finding, self.sequence, self.corrections, self.sent = (
            told.finding, told.sequence, told.corrections, told.sent)

    def prove(self, members: Iterable[Member]) -> None:
        """Add events to the evidence; the caller gives each event once and in order."""
        for member in members:
            self.count += 1
            if len(self.evidence) < EVIDENCE_LIMIT:
                self.evidence.append(member.id)
            self.last = member.id
            if member.facts:
                self.facts = member.facts

    def same_as(self, other: Episode) -> bool:
        """Whether there is nothing new to tell about it."""
        return (
            self.opened == other.opened
            and self.closed == other.closed
            and self.ended == other.ended
            and self.value == other.value
            and self.count == other.count
            and self.evidence == other.evidence
            and self.bound == other.bound
            and self.facts == other.facts
            and self.key == other.key
            and self.since == other.since
        )


class HoldOptions(msgspec.Struct, frozen=True):
    """`wait` is the rule's `for`, `keep` its `keep_firing_for`; `peak` which value an episode shows.

    `peak` is `max` (conditions gt, gte), `min` (lt, lte) or `last`.
    """

    wait: Micros = 0
    keep: Micros = 0
    peak: str = "last"


class Hold(msgspec.Struct, array_like=True):
    """The episodes of one key and what is pending. `fresh` is the index of the first one changed.

    `pending` gathers an episode whose `for` has not passed yet; `false_since` is set while
    `keep_firing_for` bridges a gap of the open (last) episode.
    """

    episodes: list[Episode] = []
    pending: Episode | None = None
    false_since: Micros | None = None
    fresh: int = 0

    @property
    def open(self) -> Episode | None:
        """The episode that is open now."""
        last = self.episodes[-1] if self.episodes else None
        return last if last is not None and last.closed is None else None

    @property
    def holds(self) -> bool:
        """Whether the condition was true when last told (open or pending, not bridged)."""
        return self.false_since is None and (self.pending is not None or self.open is not None)

    @property
    def idle(self) -> bool:
        """Whether nothing is pending or open."""
        return self.pending is None and (not self.episodes or self.episodes[-1].closed is not None)

    def touch(self) -> None:
        """Mark the last episode as changed."""
        self.fresh = min(self.fresh, len(self.episodes) - 1)

    def true(self, options: HoldOptions, at: Micros, value: Any, members: Iterable[Member]) -> None:
        """The condition is true from (or still at) `at`; `members` are the events new as proof."""
        current = self.open or self.pending
        new = current is None
        if current is None:
            current = Episode(opened=at, value=value, evidence=[], facts={})
            if options.wait:
                self.pending = current
            else:
                self.episodes.append(current)
        before = (current.count, current.value)
        current.prove(members)
        current.value = _peak(options.peak, current.value, value)
        self.false_since = None
        if current is not self.pending and (new or before != (current.count, current.value)):
            self.touch()

    def false(self, options: HoldOptions, at: Micros, ended: str = "") -> None:
        """The condition is false from `at` on."""
        self.pending = None
        current = self.open
        if current is None or self.false_since is not None:
            return
        if options.keep:
            self.false_since = at
        else:
            self._close(current, at, ended)

    def end(self, at: Micros, ended: str) -> None:
        """Close the open episode at `at` without bridging, and drop what is pending."""
        self.pending = None
        current = self.open
        if current is not None:
            self._close(current, at, ended)

    def pulse(self, options: HoldOptions, at: Micros, value: Any, members: Iterable[Member],
              bound: dict[str, list[str]] | None = None, facts: dict[str, Any] | None = None) -> None:
        """The rule is met for an instant; `keep_firing_for` joins it to the episode before.

        `facts`: what the texts can say, where that is more than the newest member's facts. Value,
        facts and `bound` of a joined episode are those of the newest instant.
        """
        current = self.open if options.keep else None
        if current is None:
            current = Episode(opened=at, closed=None if options.keep else at, evidence=[], facts={})
            self.episodes.append(current)
        current.prove(members)
        if facts is not None:
            current.facts = facts
        current.value, current.bound = value, bound
        self.false_since = at if options.keep else None
        self.touch()

    def due(self, options: HoldOptions) -> Micros | None:
        """When `advance` next has something to do."""
        if self.pending is not None:
            return self.pending.opened + options.wait + 1
        if self.false_since is not None:
            return self.false_since + options.keep + 1
        return None

    def advance(self, options: HoldOptions, now: Micros) -> None:
        """Do what is due at or before `now`."""
        if self.pending is not None and self.pending.opened + options.wait < now:
            self.pending.opened += options.wait
            self.episodes.append(self.pending)
            self.pending = None
            self.touch()
        current = self.open
        if current is not None and self.false_since is not None and self.false_since + options.keep < now:
            self._close(current, self.false_since + options.keep, "")

    def news(self) -> list[Episode]:
        """The episodes that changed since the last call."""
        changed = self.episodes[self.fresh:]
        self.fresh = len(self.episodes)
        return changed

    def settle(self, settled: Sequence[Episode] | None = None) -> None:
        """Forget the closed episodes: no straggler can change them any more.

        `settled`: the first of its episodes as they stand in another state; then those that are closed there.
        """
        known = self.episodes if settled is None else settled
        self._forget([at for at, episode in enumerate(known) if episode.closed is not None])
        self.fresh = len(self.episodes)

    def _forget(self, places: list[int]) -> None:
        """Drop the episodes that stand there; of one key that are the first ones."""
        del self.episodes[:len(places)]

    def _close(self, current: Episode, at: Micros, ended: str) -> None:
        current.closed, current.ended = at, ended
        self.false_since = None
        self.touch()


def _peak(peak: str, old: Any, new: Any) -> Any:
    """The value an episode shows once a new one is measured."""
    if old is None or new is None or peak == "last":
        return new if new is not None else old
    return max(old, new) if peak == "max" else min(old, new)
