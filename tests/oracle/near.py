"""Rules with `near`, said slowly: each circle is looked up in the whole list of events; no cells, no timers.

An event is a centre where its position says `own`. `near(a, b)` tells whether two events are near each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import msgspec

from streams.clocks import AFTER_ALL
from streams.records import Member, Order
from tests.oracle import sequence, threshold
from tests.oracle.threshold import BEFORE_EVENTS, EVENT, Case

Near = Callable[[Member, Member], bool]


def own(member: Member) -> bool:
    assert member.position is not None
    return member.position.own


def circles(case: Case, near: Near, until: int = AFTER_ALL) -> list[threshold.Told]:
    """`threshold`: for each centre the events before it in its circle and window, and how they leave it."""
    size, members, found = case.window.size or 0, case.members, []
    for index, centre in enumerate(members):
        inside = tuple(one for one in members[:index + 1] if centre.time - one.time < size and near(one, centre))
        if not own(centre) or centre.time > until:
            continue
        leaving = sorted({one.time + size for one in inside})
        known = [threshold.judged(case, (centre.time, EVENT, index), inside, inside)]
        for at in leaving:
            left = tuple(one for one in inside if one.time + size > at)
            known += [threshold.judged(case, (at, BEFORE_EVENTS, 0), left, ())] if at <= until else []
        if known[0].status == "met":
            told, _ = threshold.episode(case, known, 0, (until, BEFORE_EVENTS, 9))
            found += [told] if told is not None else []
    return found


@dataclass(frozen=True)
class Run:
    """An episode of `match`."""

    opened: int
    closed: int | None
    evidence: tuple[str, ...]


def runs(members: Sequence[Member], keep: int, near: Near, until: int = AFTER_ALL) -> list[Run]:
    """`match`: the first of each place with what follows it there, and those that are near later ones alone."""
    members = sorted(members, key=lambda one: one.order)

    def before(one: Member) -> list[Member]:
        return [other for other in members if other.order < one.order and one.time - other.time <= keep
                and near(one, other)]

    def run(first: Member) -> list[Member]:
        inside = [one for one in members if one.order >= first.order and near(one, first)]
        gap = next((at for at, (a, b) in enumerate(pairwise(inside), 1) if b.time - a.time > keep), len(inside))
        return inside[:gap]

    firsts = [one for one in members if not before(one)]
    runs_of = [run(one) for one in firsts]

    def told(one: Member) -> set[Order]:
        return {other.order for taken in runs_of if one in taken for other in taken}

    found = [(one, run(one)) for one in firsts if own(one)]
    found += [(one, [*before(one), one]) for one in members
              if own(one) and before(one) and not {other.order for other in before(one)} <= told(one)]
    rows = [Run(one.time, closes if (closes := proof[-1].time + keep) < until else None, tuple(m.id for m in proof))
            for one, proof in found]
    return sorted(rows, key=lambda run: (run.opened, run.evidence))


class Around(sequence.History):
    """The history of one circle: only matches whose newest event of the step `around` is the centre count."""

    def __init__(self, centre: Member, around: int, *told: Any) -> None:
        super().__init__(*told)
        object.__setattr__(self, "centre", centre)
        object.__setattr__(self, "around", around)

    def concluded(self, taken: sequence.Candidate) -> tuple[int, int] | None:
        of_step = [event for step, event in taken if step == self.around]  # type: ignore[attr-defined]
        if not of_step or self.events[of_step[-1]].order != self.centre.order:  # type: ignore[attr-defined]
            return None
        return super().concluded(taken)


def matches(members: Sequence[Member], around: int, near: Near, told: tuple[Any, ...]) -> list[sequence.Found]:
    """`sequence`: the matches of each circle. `told` are the fields of a `History` but its events, in their order."""
    steps, rest = told[0], told[1:]
    members, found = sorted(members, key=lambda one: one.order), []
    for centre in members:
        if not own(centre) or not centre.roles >> around & 1:
            continue
        events = tuple(seen(one, centre, around, steps[around].max_count != 1) for one in members if near(one, centre))
        found += sequence.matches(Around(centre, around, steps, events, *rest))
    return found


def seen(one: Member, centre: Member, around: int, repeats: bool) -> Member:
    """An event as the circle sees it: no other is of the step `around`, but for the repeats before the centre."""
    if one.order == centre.order or (repeats and one.order < centre.order):
        return one
    return msgspec.structs.replace(one, roles=one.roles & ~(1 << around))
