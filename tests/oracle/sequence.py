"""What `sequence` means, said slowly: whole history, no bit sets, no timers.

A candidate is a tuple of (step, event) pairs, both as indexes, in the order of the events. Whether
a step may follow is asked of the history itself each time. Which candidates count is decided
afterwards, over all of them (`last` alone walks through the events, because there a later
partial displaces an earlier one).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from streams.records import Member
from streams.specs import Step

Candidate = tuple[tuple[int, int], ...]
Found = tuple[int, dict[str, list[str]]]


@dataclass(frozen=True)
class History:
    """A rule and all events of one key, in order. `now`: how far the clock has come."""

    steps: tuple[Step, ...]
    events: tuple[Member, ...]
    ordered: bool
    within: int | None
    until: bool
    select: str
    now: int

    # What the words of a rule mean

    def fits(self, event: int, step: int) -> bool:
        return bool(self.events[event].roles >> step & 1)

    def time(self, event: int) -> int:
        return self.events[event].time

    def ended(self, after: int, last: int) -> bool:
        """Whether an `until` event came after one event and not later than another."""
        return self.until and any(self.fits(x, len(self.steps)) for x in range(after + 1, last + 1))

    def may_start(self, step: int, event: int) -> bool:
        if self.steps[step].negated or not self.fits(event, step):
            return False
        if self.ordered:
            if any(not s.negated and not s.optional for s in self.steps[:step]):
                return False
            before = [k for k, s in enumerate(self.steps[:step]) if s.negated]
        else:
            before = []
            for k, s in enumerate(self.steps):
                if not s.negated:
                    break
                before.append(k)
        return not any(self.looks_back(k, event) for k in before)

    def looks_back(self, k: int, event: int) -> bool:
        """Whether a leading `not` was met within its time before an event."""
        step = self.steps[k]
        span = self.within if step.within is None else step.within
        nearest = event - 1 if step.strict else 0
        return any(self.fits(x, k) and (span is None or self.time(event) - self.time(x) <= span)
                   for x in range(max(nearest, 0), event))

    def may_follow(self, taken: Candidate, step: int, event: int) -> bool:
        """Whether an event may be the next of a candidate, as an event of a step."""
        first, (last_step, last) = taken[0][1], taken[-1]
        if self.steps[step].negated or not self.fits(event, step) or self.ended(first, event):
            return False
        if self.within is not None and self.time(event) - self.time(first) > self.within:
            return False
        if self.ordered:
            return (self.in_order(taken, step) and self.in_own_time(taken, step, event)
                    and (event == last + 1 or not self.direct(last_step, step))
                    and not self.forbidden(taken, self.between(last_step, step), event)
                    and (self.select == "all" or not any(self.fits(x, step) for x in range(last + 1, event))))
        wanting = [j for j, s in enumerate(self.steps) if not s.negated and self.wants(taken, j)]
        passed = any(self.fits(x, j) for x in range(last + 1, event) for j in wanting)
        nots = self.amid() + (self.trailing() if self.complete(taken) else [])
        return (step in wanting and not self.forbidden(taken, nots, event)
                and (self.select == "all" or not passed))

    def count(self, taken: Candidate, step: int) -> int:
        return sum(1 for s, _ in taken if s == step)

    def wants(self, taken: Candidate, step: int) -> bool:
        most = self.steps[step].max_count
        return most is None or self.count(taken, step) < most

    def has_enough(self, taken: Candidate, step: int) -> bool:
        return self.count(taken, step) >= self.steps[step].min_count

    def in_order(self, taken: Candidate, step: int) -> bool:
        last = taken[-1][0]
        if step == last:
            return self.wants(taken, step)
        skipped = [s for s in self.steps[last + 1:step] if not s.negated]
        return step > last and self.has_enough(taken, last) and all(s.optional for s in skipped)

    def in_own_time(self, taken: Candidate, step: int, event: int) -> bool:
        own = self.steps[step].within
        before = [self.time(e) for s, e in taken if s != step] or [self.time(taken[0][1])]
        return own is None or self.time(event) - before[-1] <= own

    def direct(self, last: int, step: int) -> bool:
        return self.steps[step].repeats_strictly if step == last else self.steps[step].strict

    def between(self, last: int, step: int) -> list[int]:
        """The `not` steps that guard a way; while a step repeats, those directly after it do."""
        if step > last:
            return [k for k in range(last + 1, step) if self.steps[k].negated]
        after = []
        for k in range(last + 1, len(self.steps)):
            if not self.steps[k].negated:
                break
            if not self.steps[k].strict:
                after.append(k)
        return after

    def amid(self) -> list[int]:
        places = [j for j, s in enumerate(self.steps) if not s.negated]
        return [k for k, s in enumerate(self.steps) if s.negated and places[0] < k < places[-1]]

    def trailing(self) -> list[int]:
        places = [j for j, s in enumerate(self.steps) if not s.negated]
        return list(range(places[-1] + 1, len(self.steps)))

    def deadline(self, taken: Candidate, k: int) -> int | None:
        """Until when a `not` must stay out, inclusive."""
        own = self.steps[k].within
        if own is not None:
            return self.time(taken[-1][1]) + own
        return None if self.within is None else self.time(taken[0][1]) + self.within

    def forbidden(self, taken: Candidate, nots: list[int], upto: int) -> bool:
        """Whether a `not` step was met after a candidate's last event, up to and with an event."""
        last = taken[-1][1]
        for k in nots:
            limit = self.deadline(taken, k)
            for x in range(last + 1, upto + 1):
                if self.ordered and self.steps[k].strict and x > last + 1:
                    break
                if self.fits(x, k) and (limit is None or self.time(x) <= limit):
                    return True
        return False

    def complete(self, taken: Candidate) -> bool:
        """Whether all that must happen has happened."""
        if self.ordered:
            last = taken[-1][0]
            rest = self.steps[last + 1:]
            return self.has_enough(taken, last) and all(s.negated or s.optional for s in rest)
        return all(s.negated or s.optional or self.has_enough(taken, j) for j, s in enumerate(self.steps))

    def concluded(self, taken: Candidate) -> tuple[int, int] | None:
        """When a candidate is a match: (time, event), or (deadline, number of events) if time decides."""
        if not self.complete(taken):
            return None
        last_step, last = taken[-1]
        guards = ([k for k in range(last_step + 1, len(self.steps)) if self.steps[k].negated]
                  if self.ordered else self.trailing())
        if not guards:
            return self.time(last), last
        limits = [self.deadline(taken, k) for k in guards]
        known = [limit for limit in limits if limit is not None]
        if len(known) < len(limits) or max(known) >= self.now:
            return None
        upto = max(x for x in range(len(self.events)) if self.time(x) <= max(known))
        if self.forbidden(taken, guards, upto) or self.ended(taken[0][1], upto):
            return None
        return max(known), len(self.events)

    # Candidates and the choice among them

    def starts(self, event: int) -> list[Candidate]:
        return [((step, event),) for step in range(len(self.steps)) if self.may_start(step, event)]

    def followers(self, taken: Candidate, event: int) -> list[Candidate]:
        every = range(len(self.steps))
        return [(*taken, (step, event)) for step in every if self.may_follow(taken, step, event)]

    def candidates(self) -> list[Candidate]:
        found: list[Candidate] = []
        for event in range(len(self.events)):
            found += [longer for taken in found for longer in self.followers(taken, event)]
            found += self.starts(event)
        return found

    def place(self, taken: Candidate) -> Any:
        if self.ordered:
            return taken[-1][0], self.count(taken, taken[-1][0])
        return tuple(sorted(step for step, _ in taken))


def rank(taken: Candidate) -> tuple[Any, ...]:
    return taken[0][1], -len(taken), [e for _, e in taken], [s for s, _ in taken]


def recent(taken: Candidate) -> tuple[Any, ...]:
    return taken[0][1], len(taken), [e for _, e in taken], [s for s, _ in taken]


def matches(history: History) -> list[Found]:
    """The matches in the order in which they conclude: (time, events of each step)."""
    if history.select == "last":
        told = displacing(history)
    else:
        told = chosen(history)
    return [(at, bound(history, taken)) for at, taken in told]


def chosen(history: History) -> list[tuple[int, Candidate]]:
    """Of all matches, in order: those that what came before has not used up."""
    concluded = [(when, taken) for taken in history.candidates()
                 if (when := history.concluded(taken)) is not None]
    concluded.sort(key=lambda one: (one[0], rank(one[1])))
    told: list[tuple[int, Candidate]] = []
    for when, taken in concluded:
        before = [match for _, match in told]
        start = taken[0][1]
        if history.select == "first" and any(start <= match[-1][1] for match in before):
            continue
        if history.select == "each" and any(start == match[0][1] for match in before):
            continue
        told.append((when[0], taken))
    return told


def displacing(history: History) -> list[tuple[int, Candidate]]:
    """`last`: one candidate a place, the newest arrival; what a match used is gone."""
    told: list[tuple[int, Candidate]] = []
    standing: dict[Any, Candidate] = {}
    moments = sorted({(history.time(e), 0, e) for e in range(len(history.events))}
                     | {(when[0], 1, when[1]) for taken in history.candidates()
                        if (when := history.concluded(taken)) is not None and when[1] == len(history.events)})
    for time, _, event in moments:
        if event < len(history.events):
            born = [longer for taken in standing.values() for longer in history.followers(taken, event)]
            born += history.starts(event)
        else:
            born = list(standing.values())
        done = sorted((c for c in born if history.concluded(c) == (time, event)), key=recent, reverse=True)
        used: set[int] = set()
        for taken in done:
            if not used & {e for _, e in taken}:
                told.append((time, taken))
                used |= {e for _, e in taken}
        if event < len(history.events):
            for taken in sorted(born, key=recent):
                if not used & {e for _, e in taken}:
                    standing[history.place(taken)] = taken
        standing = {p: c for p, c in standing.items() if not used & {e for _, e in c}}
    return told


def bound(history: History, taken: Candidate) -> dict[str, list[str]]:
    return {step.name: [history.events[e].id for s, e in taken if s == index]
            for index, step in enumerate(history.steps) if any(s == index for s, _ in taken)}


def oracle(steps: Sequence[Step], members: Sequence[Member], *, ordered: bool = True,
           within: int | None = None, until: bool = False, select: str = "first",
           now: int = 10**12) -> list[Found]:
    """All matches of one key; `members` in any order."""
    events = tuple(sorted(members, key=lambda m: m.order))
    return matches(History(tuple(steps), events, ordered, within, until, select, now))
