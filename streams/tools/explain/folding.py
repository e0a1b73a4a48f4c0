"""What a key's events come to: the episodes of the rule as it is, and of what might have been."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from streams.clocks import AFTER_ALL, BEFORE_ALL, MINUTE
from streams.detect.keys import Key
from streams.explained import Explained
from streams.judging.episodes import Episode
from streams.kinds import Detector
from streams.records import KeyValues, Member, Micros
from streams.tools.asking import EARLIEST, LATEST

FOR_EVER = AFTER_ALL // 2


class Region(msgspec.Struct, frozen=True):
    """What is asked about: a moment, and how far around it things have to do with it. `at` None: any time."""

    at: Micros | None
    low: Micros = BEFORE_ALL
    high: Micros = AFTER_ALL

    def holds(self, time: Micros) -> bool:
        """Whether a time lies within."""
        return self.low <= time <= self.high

    def covers(self, opened: Micros, closed: Micros | None) -> bool:
        """Whether an episode answers the question: it lasts at the moment; one of an instant is near it."""
        if self.at is None:
            return True
        if closed is not None and closed == opened:
            return self.holds(opened)
        return opened <= self.at and (closed is None or closed >= self.at)


def region(at: Micros | None, span: Micros) -> Region:
    """The region around a moment."""
    span = max(MINUTE, min(span, FOR_EVER))
    return Region(None) if at is None else Region(at, max(EARLIEST, at - span), min(LATEST, at + span))


class Lane:
    """The events of one key, and what a detector makes of them; `above` tells of silences above the key."""

    def __init__(self, detector: Detector, key: KeyValues, members: Iterable[Member], since: Micros = BEFORE_ALL,
                 above: Sequence[Member] = ()) -> None:
        self.detector, self.key, self.since, self.above = detector, key, since, above
        self.members = sorted(members, key=lambda member: member.order)

    def fold(self, clock: Micros, detector: Detector | None = None, more: Sequence[Member] = (), without: int = 0
             ) -> Any:
        """The state at a clock; with another detector, with more events, or without some roles."""
        key = Key("", detector or self.detector, self.key, b"", self.since)
        members = sorted([*self.members, *self.above, *more], key=lambda member: member.order)
        if without:
            members = [msgspec.structs.replace(one, roles=one.roles & ~without) for one in members
                       if one.roles & ~without]
        key.events = members
        key.advance(clock)
        return key.head

    def episode(self, asked: Region, detector: Detector | None = None, more: Sequence[Member] = (), without: int = 0,
                clock: Micros = FOR_EVER) -> Episode | None:
        """The episode that would answer what is asked; the nearest one to the moment."""
        found = [one for one in self.fold(clock, detector, more, without).hold.episodes
                 if asked.covers(one.opened, one.closed)]
        return nearest(found, asked.at)

    def state_at(self, time: Micros) -> Any:
        """The state just after a moment, all events up to then being known."""
        members, above = ([one for one in all if one.time <= time] for all in (self.members, self.above))
        lane = Lane(self.detector, self.key, members, self.since, above)
        return lane.fold(time + 1)

    def best(self, asked: Region, after: Micros = BEFORE_ALL) -> tuple[Micros, Explained] | None:
        """The moment at which the rule came nearest to holding, and the facts of it; the latest of equal ones."""
        found: tuple[Micros, Explained] | None = None
        for time, facts in self._moments():
            if asked.holds(time) and time > after and (found is None or facts.rank >= found[1].rank):
                found = (time, facts)
        return found

    def _moments(self) -> Iterator[tuple[Micros, Explained]]:
        """The facts after each event, and before each moment at which time changes something."""
        explain: Callable[[Any, Micros], Explained] | None = getattr(self.detector, "explain", None)
        if explain is None:
            return
        state = self.detector.start(self.key, self.since)
        for member in self.members:
            while (due := self.detector.due(state)) is not None and due <= member.time:
                self.detector.advance(state, due)
                yield due, explain(state, due)
            self.detector.on_event(state, member)
            if centred(member):
                yield member.time, explain(state, member.time)


def centred(member: Member) -> bool:
    """Whether an event can be the centre of a circle; without circles each event is."""
    return member.position is None or member.position.own


def nearest(episodes: Iterable[Episode], at: Micros | None) -> Episode | None:
    """The episode that opened nearest to a moment; without one the first."""
    found = list(episodes)
    if at is None:
        return found[0] if found else None
    return min(found, key=lambda one: abs(one.opened - at), default=None)
