"""What a cell counts in a bin: the first of the two hops of a rule that looks at the whole map. Pure.

All events of a hotspot rule must be seen together, but they need not all go to one key. Each cell has a key of its own,
on any partition, that counts its events; at the end of a bin the count goes on to the key that looks at all cells, as
one event with the ids of the first of them. The engine keeps it true: a straggler makes a count that takes the place
of the one before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from streams.clocks import HOUR
from streams.judging.episodes import EVIDENCE_LIMIT, Episode, Hold
from streams.judging.windows import Edges
from streams.kinds import Frontier, Identity
from streams.records import KeyValues, Member, Micros


class Bucket(msgspec.Struct, array_like=True):
    """The events of one cell in one bin: how many, and the first of them. Facts are kept of the newest alone."""

    count: int = 0
    members: list[Member] = []

    def add(self, member: Member) -> None:
        """One more event."""
        self.count += 1
        if self.count <= EVIDENCE_LIMIT:
            if self.members:
                self.members[-1] = msgspec.structs.replace(self.members[-1], facts=None)
            self.members.append(msgspec.structs.replace(member, value=None))

    def told(self) -> list[Any]:
        """Itself as the value of an event: how many, and order and id of those that are known."""
        return [self.count, [[*one.order, one.id] for one in self.members]]

    def take(self, told: Sequence[Any], facts: dict[str, Any] | None) -> None:
        """Add what `told` gives of another one; `facts` are those of its newest event."""
        count, rows = told
        others = [Member(*row) for row in rows]
        if others:
            others[-1] = msgspec.structs.replace(others[-1], facts=facts)
        unlisted = self.count - len(self.members) + count - len(others)
        members, self.members, self.count = sorted([*self.members, *others], key=lambda one: one.order), [], 0
        for member in members:
            self.add(member)
        self.count += unlisted


class TallyState(msgspec.Struct, array_like=True):
    """`bucket` fills until `end`; None while nothing happens. Each count that was told is an episode of an instant."""

    hold: Hold
    end: Micros | None = None
    bucket: Bucket = msgspec.field(default_factory=Bucket)


class Tally:
    """Counts the events of one cell, bin by bin. A count is an event of the last instant of its bin."""

    frontier = Frontier.CLOCK
    identity = Identity.TIME
    state_type = TallyState
    why = "how many events a bin had is only known once the clock has passed its end"

    def __init__(self, bin: Micros, zone: ZoneInfo) -> None:
        self.edges = Edges(zone, bin, bin)
        self.horizon = bin + HOUR

    def start(self, key: KeyValues, now: Micros) -> TallyState:
        """Nothing is counted yet."""
        return TallyState(Hold())

    def on_event(self, state: TallyState, member: Member) -> None:
        """One more event of the bin."""
        if state.end is None:
            state.end = self.edges.after(member.time)
        state.bucket.add(member)

    def due(self, state: TallyState) -> Micros | None:
        """The end of the bin."""
        return state.end

    def advance(self, state: TallyState, now: Micros) -> None:
        """Tell the count of a bin that is over."""
        if state.end is None or state.end > now:
            return
        newest = state.bucket.members[-1]
        at = state.end - 1
        state.hold.episodes.append(
            Episode(at, at, state.bucket.told(), [], state.bucket.count, newest.id, newest.facts or {}))
        state.hold.touch()
        state.end, state.bucket = None, Bucket()

    def empty(self, state: TallyState) -> bool:
        """Whether no bin fills."""
        return state.end is None
