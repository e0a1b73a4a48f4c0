"""One key of one rule: its events in order, its settled base, and the fold that keeps episodes true.

The episodes of a key are a pure function of its ordered events and the clock. In order, that
function takes one step; out of order, it is computed again from the base, which holds what no
straggler can change any more.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

import msgspec

from streams.clocks import AFTER_ALL, BEFORE_ALL, HOUR
from streams.judging.episodes import Episode
from streams.kinds import Detector, Frontier, Renews
from streams.records import KeyValues, Member, Micros, packed

SETTLE_AT_LEAST = 64
SETTLE_WITHIN = HOUR  # a key that is called for another reason so soon is not called only to settle
LEARNT_FROM = 1_000  # bytes of a head that is more than events: what was learnt, which the base holds as well
EVENTS_LIMIT = 50_000  # of one key, that are not settled
_packer = msgspec.msgpack.Encoder()


class KeyRow(msgspec.Struct, frozen=True, array_like=True, tag="key"):
    """A key's state as bytes hold it. `frame` is the offset of the last frame that changed it."""

    version: int
    frame: int
    rule: str
    key: KeyValues
    since: Micros
    base: bytes | None
    head: bytes
    events: list[Member]
    folded: int
    done: Micros
    wake: Micros
    floor: Micros = BEFORE_ALL
    listed: bool = False


class GoneRow(msgspec.Struct, frozen=True, array_like=True, tag="gone"):
    """A key of which nothing was left after the frame at this offset."""

    version: int
    frame: int
    rule: str
    key: KeyValues


class Key:
    """The state of one key of one rule.

    `base` is the encoded state after all settled events (None: none yet); `events` are the others
    in order, of which the first `folded` are in `head`; `done` is the last due time that `head`
    has acted on; `wake` when the clock must call again. `floor` is how far events were settled, in time
    or early because there were too many: what is older comes too late.
    `listed`: a register expects it.
    """

    __slots__ = ("_ids", "base", "detector", "done", "events", "floor", "folded", "head", "key", "listed",
                 "name", "rule", "since", "wake")

    def __init__(self, rule: str, detector: Detector, key: KeyValues, name: bytes, since: Micros) -> None:
        self.rule, self.detector, self.key, self.name, self.since = rule, detector, key, name, since
        self.base: bytes | None = None
        self.head: Any = detector.start(key, since)
        self.events: list[Member] = []
        self.folded, self.listed = 0, False
        self._ids: set[str] | None = None  # those of its events, where findings are among them
        self.done = self.wake = self.floor = BEFORE_ALL

    def __lt__(self, other: Key) -> bool:
        """Only the same key armed twice can tie in a heap; which comes first is all one."""
        return False

    def take(self, member: Member, clock: Micros) -> bool:
        """Add an event; True if it came behind what was concluded, so that a refold is due."""
        events = self.events
        last = events[-1] if events else None
        if last is None or last.time < member.time or last.order < member.order:
            place = len(events)
            events.append(member)
        else:
            place = self._insert(member)
        time = member.time
        if place < self.folded or time < self.done:
            return True
        if place == self.folded and self.detector.frontier is Frontier.HEAD:
            self._fold_one(member)  # the usual case: the next in order, and concluded from at once
        else:
            self.fold(clock)
        if time < clock:
            self._act(clock)
        return False

    def revise(self, identity: str, member: Member | None, clock: Micros) -> bool:
        """Put an event in place of the one with this id, or take that back; True if a refold is due."""
        if self._ids is None:
            self._ids = {one.id for one in self.events}
        known = identity in self._ids  # most are new, and need not be looked for
        place = next(place for place, one in enumerate(self.events) if one.id == identity) if known else None
        if member is not None:
            self._ids.add(identity)
        else:
            self._ids.discard(identity)
        if place is not None and place < self.folded:
            before = self.events.pop(place)
            if member is not None:
                self._insert(member)
            return member != before
        if place is not None:
            del self.events[place]
        return member is not None and self.take(member, clock)

    def holds(self, identity: str) -> bool:
        """Whether an event with this id is among those that are not settled."""
        return any(one.id == identity for one in self.events)

    def fold(self, clock: Micros) -> None:
        """Fold on: the events that the rule's frontier admits, and what time brings between them."""
        events = self.events
        at_once = self.detector.frontier is Frontier.HEAD
        while self.folded < len(events):
            member = events[self.folded]
            if not at_once and member.time >= clock:
                break
            self._fold_one(member)

    def _fold_one(self, member: Member) -> None:
        detector, head = self.detector, self.head
        due = detector.due(head)
        if due is not None and due <= member.time:
            self._act(member.time)
        detector.on_event(head, member)
        self.folded += 1

    def advance(self, clock: Micros) -> None:
        """Fold on to the clock."""
        if self.folded < len(self.events):
            self.fold(clock)
        self._act(clock)

    def refold(self, clock: Micros) -> list[Episode]:
        """Compute the head anew from the base; gives the episodes as they were before."""
        before: list[Episode] = self.head.hold.episodes
        self.head = self._settled()
        self.folded, self.done = 0, BEFORE_ALL
        self.advance(clock)
        self.head.hold.news()
        return before

    def renew(self, clock: Micros) -> list[Episode] | None:
        """Take over what registers say now: the episodes as they were before that, None if it changes nothing."""
        detector = self.detector
        before: list[Episode] = self.head.hold.episodes
        if not isinstance(detector, Renews) or not detector.renew(self.head, self.key):
            return None
        if self.base is not None:
            base = self._settled()
            detector.renew(base, self.key)
            self.base = _encoded(base)
        folded = self.events[self.folded - 1].time + 1 if self.folded else BEFORE_ALL
        self.refold(max(clock, self.done, folded))
        return before

    def due(self, lateness: Micros) -> Micros:
        """When the clock must call again: for a due time, a waiting event, or to settle."""
        wake = self.waits()
        newest = self._newest()
        if newest > BEFORE_ALL and newest + lateness + SETTLE_WITHIN < wake:  # else it settles with what is due then
            return newest + lateness + 1
        return wake

    def waits(self) -> Micros:
        """When the next due time comes, or the clock reaches the next event that waits for it."""
        wake = self.detector.due(self.head)
        if self.folded < len(self.events):
            arrives = self.events[self.folded].time + 1
            return arrives if wake is None or arrives < wake else wake
        return AFTER_ALL if wake is None else wake

    def settle(self, horizon: Micros) -> bool:
        """Move what happened before `horizon` into the base; True if nothing at all is left."""
        if self._newest() < horizon:
            if self.detector.empty(self.head):
                return True
            self.floor = max(self.floor, horizon)
            self.events.clear()
            self.folded, self.done, self._ids = 0, BEFORE_ALL, None
            self.head.hold.settle()
            self.base = _encoded(self.head)
            return False
        old = bisect_left(self.events, horizon, key=lambda one: one.time)
        if (old >= SETTLE_AT_LEAST and 2 * old >= len(self.events)) or self._past_episodes(horizon):
            self.floor = max(self.floor, horizon)
            self._settle_part(min(old, self.folded), horizon)
        return False

    @property
    def crowded(self) -> bool:
        """Whether it holds more events than it may."""
        return len(self.events) > EVENTS_LIMIT

    def make_room(self) -> int:
        """Give up correcting the oldest events, how many it says; where the clock stands still, go on without it.

        They are those before the instant of the one in the middle; where that is the first instant, the older
        half of its events. What this concludes must be told before `settle_early`.
        """
        half = len(self.events) // 2
        floor = self.events[half].time
        count = bisect_left(self.events, floor, key=lambda one: one.time) or half
        if self.folded < count:
            every, self.events = self.events, self.events[:count]
            self.fold(floor + 1)
            self.events = every
        self._act(floor)
        self.floor = max(self.floor, floor)
        return count

    def settle_early(self, count: int) -> None:
        """Settle what `make_room` gave up."""
        first = self.events[count - 1].time
        self._settle_part(count, max(self.floor, first + 1))

    def encode(self, frame: int) -> bytes:
        """The state as bytes; `frame` is the offset of the frame it stands behind."""
        head = _packer.encode(self.head)
        row = _packer.encode(KeyRow(2, frame, self.rule, self.key, self.since, self.base, head, self.events,
                                    self.folded, self.done, self.wake, self.floor, self.listed))
        learnt = self.base is not None and len(self.base) >= LEARNT_FROM
        return packed(row, LEARNT_FROM) if learnt else packed(row)

    def load(self, row: KeyRow) -> None:
        """Take over the state that a row holds."""
        self.base, self.events, self.folded, self._ids = row.base, row.events, row.folded, None
        self.done, self.wake, self.floor, self.listed = row.done, row.wake, row.floor, row.listed
        self.head = msgspec.msgpack.decode(row.head, type=self.detector.state_type)

    def _past_episodes(self, horizon: Micros) -> bool:
        """Whether most episodes ended before `horizon`: an indicator has one a period, with or without events."""
        episodes = self.head.hold.episodes
        if len(episodes) < SETTLE_AT_LEAST:
            return False
        closed = episodes[len(episodes) // 2].closed
        return closed is not None and closed < horizon

    def _insert(self, member: Member) -> int:
        """Put an event in its place among the others, which it tells."""
        place = bisect_left(self.events, member.order, key=lambda one: one.order)
        self.events.insert(place, member)
        return place

    def _newest(self) -> Micros:
        """The newest time at which anything happened that is not in the base."""
        if not self.events:
            return self.done
        newest, done = self.events[-1].time, self.done
        return max(done, newest)

    def _act(self, now: Micros) -> None:
        """Let the head do what is due, one due time after the other."""
        detector, head = self.detector, self.head
        due = detector.due(head)
        while due is not None and due <= now:
            detector.advance(head, due)
            self.done = due
            due = detector.due(head)
            assert due is None or due > self.done, f"{self.rule}: time does not move at {due}"

    def _settled(self) -> Any:
        """The state of the base, decoded afresh."""
        if self.base is None:
            return self.detector.start(self.key, self.since)
        return msgspec.msgpack.decode(self.base, type=self.detector.state_type)

    def _settle_part(self, count: int, horizon: Micros) -> None:
        """Fold the oldest `count` events into the base, and what was due before `horizon`."""
        mirror = Key(self.rule, self.detector, self.key, self.name, self.since)
        mirror.head, mirror.events = self._settled(), self.events[:count]
        mirror.fold(horizon)
        mirror._act(horizon - 1)
        hold, mine = mirror.head.hold, self.head.hold
        for settled, told in zip(hold.episodes, mine.episodes, strict=False):
            settled.inherit(told)
        mine.settle(hold.episodes)
        hold.settle()
        self.base = _encoded(mirror.head)
        self.events = self.events[count:]
        self.folded -= count
        self._ids = None


def _encoded(state: Any) -> bytes:
    """A state as bytes that are to be kept: a copy, because what the encoder gives holds room that it did not need."""
    return bytes(memoryview(_packer.encode(state)))
