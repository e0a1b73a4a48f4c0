"""Patterns of steps: which event may follow which, and how long that stays possible. Pure.

A `Partial` is a match under way. A pattern begins partials, shows them events and prolongs them; it
does not choose among matches (`select` does, in `kinds/sequence.py`). `Chain` is a pattern whose
steps come in order, `Gathering` one whose steps come in any order.

Each partial takes, for each step that may come next, the next event that fits it; what does not fit
is passed over. Only where the pattern is `exhaustive` (`select: all`) does it also wait for later ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from streams.clocks import AFTER_ALL
from streams.explained import Standing
from streams.records import Member, Micros, Order
from streams.specs import Step

Seen = list[Micros | None]


class Partial(msgspec.Struct, array_like=True):
    """A match under way: the events bound so far and, for each, the index of its step.

    `open` is a bit set over step indexes: a step that may come next (the newest event's own step: a
    repeat), or a `not` that would undo something; the pattern's `end` bit: it may conclude as it is.
    At `ends` time decides: it concludes if it may, and is given up. `count` is how many
    events its newest step has, `since` the time of the event before that step.
    """

    members: tuple[Member, ...]
    steps: tuple[int, ...]
    open: int
    count: int = 1
    since: Micros = 0
    ends: Micros = AFTER_ALL

    @property
    def start(self) -> Order:
        """The order of its first event."""
        return self.members[0].order

    @property
    def newest(self) -> Order:
        """The order of its last event."""
        return self.members[-1].order

    @property
    def rank(self) -> tuple[Any, ...]:
        """Sorts by start, then the longest first, then by the events and the steps they fill."""
        return (self.start, -len(self.members), [member.order for member in self.members], self.steps)


class Pattern:
    """What ordered and unordered patterns share. Step i is bit i of a member's roles.

    `within` (None: no limit) counts from the first event, inclusive. `span` is `within` where no step
    has a time of its own: then every partial ends that long after its first event.
    """

    def __init__(self, steps: Sequence[Step], within: Micros | None, exhaustive: bool = False) -> None:
        if any(step.role != index for index, step in enumerate(steps)):
            raise ValueError("the role of a step is its index")
        self.steps, self.within, self.exhaustive = tuple(steps), within, exhaustive
        self.end = 1 << len(steps)
        self.positives = [i for i, step in enumerate(steps) if not step.negated]
        self.negatives = [i for i, step in enumerate(steps) if step.negated]
        self.positive = bits(self.positives)
        self.negative = bits(self.negatives)
        self.entries = [(i, self.between(-1, i)) for i in self._first_steps()]
        self.leading = sorted({k for _, guards in self.entries for k in guards})
        self.roots = bits([i for i, _ in self.entries] + self.leading)
        self.looks_at_all = any(steps[k].strict for k in self.leading)
        self.span = within if all(step.within is None for step in steps) else None

    def between(self, before: int, after: int) -> list[int]:
        """The `not` steps that stand between two indexes."""
        return [k for k in self.negatives if before < k < after]

    def begin(self, member: Member, seen: Seen) -> list[Partial]:
        """The partials that an event starts, unless a leading `not` forbids it."""
        born = []
        for index, guards in self.entries:
            if member.roles >> index & 1 and not any(self._recent(k, seen, member.time) for k in guards):
                born.append(Partial((member,), (index,), 0, 1, member.time))
                self._open(born[-1])
        return born

    def remember(self, member: Member, seen: Seen) -> None:
        """Keep when a leading `not` step was last met; if it is strict only the last event counts."""
        for k in self.leading:
            if member.roles >> k & 1:
                seen[k] = member.time
            elif self.steps[k].strict:
                seen[k] = None

    def look_back(self, index: int) -> Micros | None:
        """How long before the first event a leading `not` must not have been met, inclusive."""
        own = self.steps[index].within
        return self.within if own is None else own

    def meet(self, partial: Partial, member: Member) -> list[Partial]:
        """Show a partial the next event of its key; gives its prolongations.

        What the event undid, took or came too late for is no longer `open` in the partial itself.
        """
        hit = partial.open & member.roles
        born = []
        if hit & self.negative:
            self._undo(partial, member, hit & self.negative)
        taken = partial.open & hit & self.positive
        if taken:
            born = [self._prolonged(partial, member, i) for i in self.positives
                    if taken >> i & 1 and self._in_time(partial, member, i)]
            if not self.exhaustive:
                self._pass_by(partial, taken)
        partial.open &= ~self.strict_next(partial)
        return born

    def concludes(self, partial: Partial) -> bool:
        """Whether it is a match as it stands, with nothing to wait for."""
        return bool(partial.open & self.end) and not self._last_guards(partial)

    def lives(self, partial: Partial) -> bool:
        """Whether anything can still come of it."""
        return bool(partial.open & (self.positive | self.end))

    def reckon(self, partial: Partial) -> None:
        """Set `ends`: when it concludes, else the last moment at which a next event is in time."""
        if self.span is not None:
            partial.ends = partial.members[0].time + self.span
            return
        if partial.open & self.end:
            guards = self._last_guards(partial)
            partial.ends = max((self._until(partial, k) for k in guards), default=AFTER_ALL)
            return
        nexts = [self._limit(partial, i) for i in self.positives if partial.open >> i & 1]
        partial.ends = min(self._limit_of_all(partial), max(nexts, default=AFTER_ALL))

    def place_of(self, partial: Partial) -> Any:
        """Where in the pattern it stands: for `select: last` one partial a place."""
        raise NotImplementedError

    def strict_next(self, partial: Partial) -> int:
        """The open bits that only the very next event may meet."""
        raise NotImplementedError

    def bound(self, partial: Partial) -> dict[str, list[Member]]:
        """The events of each step, by the step's name and in the pattern's order."""
        taken: dict[str, list[Member]] = {
            step.name: [] for index, step in enumerate(self.steps) if index in partial.steps}
        for member, index in zip(partial.members, partial.steps, strict=True):
            taken[self.steps[index].name].append(member)
        return taken

    def standing(self, partial: Partial) -> Standing:
        """What people can be told of a match under way."""
        wanted = [self.steps[i].name for i in self.positives if self._wants(partial, i)]
        guards = [self.steps[k].name for k in self.negatives if partial.open >> k & 1]
        return Standing(self.bound(partial), wanted, guards, partial.ends if partial.ends < AFTER_ALL else None)

    def exhausting(self) -> Pattern:
        """The same pattern, in which every combination of events is followed."""
        return type(self)(self.steps, self.within, True)

    def _wants(self, partial: Partial, index: int) -> bool:
        """Whether a step must still come."""
        return not self.steps[index].optional and partial.steps.count(index) < self.steps[index].min_count

    def _first_steps(self) -> list[int]:
        raise NotImplementedError

    def _open(self, partial: Partial) -> None:
        """Set `open` of a partial that has just taken an event."""
        raise NotImplementedError

    def _last_guards(self, partial: Partial) -> list[int]:
        """The `not` steps that must stay out before it concludes."""
        raise NotImplementedError

    def _undone(self, partial: Partial, index: int) -> int:
        """The open bits that an event of a `not` step closes."""
        raise NotImplementedError

    def _pass_by(self, partial: Partial, taken: int) -> None:
        """Close what a prolongation has taken over."""
        raise NotImplementedError

    def _limit(self, partial: Partial, index: int) -> Micros:
        """Until when, inclusive, a step may come by its own `within`."""
        raise NotImplementedError

    def _recent(self, index: int, seen: Seen, time: Micros) -> bool:
        met, span = seen[index], self.look_back(index)
        return met is not None and (span is None or time - met <= span)

    def _undo(self, partial: Partial, member: Member, met: int) -> None:
        for k in self.negatives:
            if met >> k & 1 and member.time <= self._until(partial, k):
                partial.open &= ~self._undone(partial, k)

    def _prolonged(self, partial: Partial, member: Member, index: int) -> Partial:
        last = partial.steps[-1]
        again = index == last
        child = Partial((*partial.members, member), (*partial.steps, index), 0,
                        partial.count + 1 if again else 1,
                        partial.since if again else partial.members[-1].time)
        self._open(child)
        return child

    def _in_time(self, partial: Partial, member: Member, index: int) -> bool:
        if self.span is not None:
            return member.time <= partial.ends
        return member.time <= min(self._limit_of_all(partial), self._limit(partial, index))

    def _limit_of_all(self, partial: Partial) -> Micros:
        return AFTER_ALL if self.within is None else partial.members[0].time + self.within

    def _until(self, partial: Partial, index: int) -> Micros:
        """Until when, inclusive, a `not` step must stay out: its deadline."""
        own = self.steps[index].within
        return self._limit_of_all(partial) if own is None else partial.members[-1].time + own


class Chain(Pattern):
    """Steps in order.

    A `not` between two steps undoes only the way across it. One that follows a step with repeats
    counts from that step's first event on; a strict one looks at the event after its last.
    """

    def __init__(self, steps: Sequence[Step], within: Micros | None, exhaustive: bool = False) -> None:
        super().__init__(steps, within, exhaustive)
        count = len(steps)
        self._beyond = [self._reachable(i) for i in range(count)]
        self._inside = [self._adjoining(i) for i in range(count)]
        self._guards = [self.between(i, count) for i in range(count)]
        self._strict = [self._strict_from(i) for i in range(count)]

    def place_of(self, partial: Partial) -> Any:
        """The newest event's step and its repeat."""
        return (partial.steps[-1], partial.count)

    def strict_next(self, partial: Partial) -> int:
        """Strict steps and strict `not` steps ahead; the own step if its repeats must follow directly."""
        return self._strict[partial.steps[-1]]

    def _first_steps(self) -> list[int]:
        return self._nexts(-1)

    def _nexts(self, index: int) -> list[int]:
        """The steps that may follow: up to and with the first that is not optional."""
        found = []
        for i in self.positives:
            if i > index:
                found.append(i)
                if not self.steps[i].optional:
                    break
        return found

    def _reachable(self, index: int) -> int:
        """Once a step has enough events: steps that may follow, the end, and the `not`s before them."""
        nexts = self._nexts(index)
        ends = all(self.steps[i].optional for i in self.positives if i > index)
        furthest = len(self.steps) if ends else nexts[-1]
        return bits(nexts + self.between(index, furthest)) | (self.end if ends else 0)

    def _adjoining(self, index: int) -> int:
        """The `not` steps that stand directly after a step: they count while it repeats."""
        after = next((i for i in self.positives if i > index), len(self.steps))
        return bits(k for k in self.between(index, after) if not self.steps[k].strict)

    def _strict_from(self, index: int) -> int:
        ahead = bits(i for i in range(index + 1, len(self.steps)) if self.steps[i].strict)
        return ahead | (1 << index if self.steps[index].repeats_strictly else 0)

    def _open(self, partial: Partial) -> None:
        index = partial.steps[-1]
        step, own = self.steps[index], 1 << index
        if partial.count < step.min_count:
            partial.open = own | self._inside[index]
        elif step.max_count is None or partial.count < step.max_count:
            partial.open = own | self._inside[index] | self._beyond[index]
        else:
            partial.open = self._beyond[index]

    def _last_guards(self, partial: Partial) -> list[int]:
        return self._guards[partial.steps[-1]]

    def _undone(self, partial: Partial, index: int) -> int:
        own = partial.steps[-1]
        beyond = (self.positive >> index << index) | self.end
        return beyond | (1 << own if self._inside[own] >> index & 1 else 0)

    def _pass_by(self, partial: Partial, taken: int) -> None:
        partial.open &= ~taken

    def _wants(self, partial: Partial, index: int) -> bool:
        return index >= partial.steps[-1] and super()._wants(partial, index)

    def _limit(self, partial: Partial, index: int) -> Micros:
        own = self.steps[index].within
        if own is None:
            return AFTER_ALL
        return own + (partial.since if index == partial.steps[-1] else partial.members[-1].time)


class Gathering(Pattern):
    """Steps in any order: an event that fits a step which still wants events is taken by it.

    If it fits several, each way is followed. An optional step takes what comes before the others are
    complete. A `not` before all steps looks back, one after all of them waits until all are there,
    one between undoes what it falls into. Steps here are not strict and have no `within` of their own.
    """

    def __init__(self, steps: Sequence[Step], within: Micros | None, exhaustive: bool = False) -> None:
        super().__init__(steps, within, exhaustive)
        first, last = min(self.positives, default=0), max(self.positives, default=0)
        self._amid = bits(self.between(first, last))
        self._after = self.between(last, len(steps))

    def place_of(self, partial: Partial) -> Any:
        """Which steps have how many events."""
        return tuple(sorted(partial.steps))

    def strict_next(self, partial: Partial) -> int:
        """Nothing."""
        return 0

    def _first_steps(self) -> list[int]:
        return self.positives

    def between(self, before: int, after: int) -> list[int]:
        """The `not` steps between two indexes; before all steps there are only the leading ones."""
        if before < 0:
            after = min(self.positives, default=0)
        return super().between(before, after)

    def _open(self, partial: Partial) -> None:
        wanting, complete = 0, True
        for i in self.positives:
            step, count = self.steps[i], partial.steps.count(i)
            if step.max_count is None or count < step.max_count:
                wanting |= 1 << i
            complete = complete and (step.optional or count >= step.min_count)
        partial.open = wanting | self._amid
        if complete:
            partial.open |= self.end | bits(self._after)

    def _last_guards(self, partial: Partial) -> list[int]:
        return self._after

    def _undone(self, partial: Partial, index: int) -> int:
        return self.positive if self._amid >> index & 1 else self.positive | self.end

    def _pass_by(self, partial: Partial, taken: int) -> None:
        partial.open &= ~self.positive

    def _limit(self, partial: Partial, index: int) -> Micros:
        return AFTER_ALL


def relaxations(pattern: Pattern) -> Iterator[tuple[str, Pattern]]:
    """The pattern without one of its demands: on time, on steps that follow directly, on their order.

    Without a demand on time a `not` at the end still concludes when it would have.
    """
    steps, within = pattern.steps, pattern.within
    kind = type(pattern)
    if within is not None or any(step.within is not None for step in steps):
        endless = [replace(step, within=(step.within or within) if step.negated else None) for step in steps]
        yield "within", kind(endless, AFTER_ALL, pattern.exhaustive)
    if any(step.strict or step.consecutive for step in steps):
        loose = [replace(step, strict=False, consecutive=None) for step in steps]
        yield "strict", kind(loose, within, pattern.exhaustive)
    if kind is Chain and within is not None and not any(step.strict or step.within is not None for step in steps):
        yield "ordered", Gathering(steps, within, pattern.exhaustive)


def bits(indexes: Iterable[int]) -> int:
    """A bit set."""
    found = 0
    for index in indexes:
        found |= 1 << index
    return found
