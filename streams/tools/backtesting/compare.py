"""The findings of two backtests over the same records: which came, which went, which are not the same.

Findings are compared by what they say, not by their ids, which belong to a rule's logic: within a rule and a
key, what opened and closed at the same times on the same evidence with the same value is the same. Of the
others those belong together that overlap in time; those of an instant, that share evidence.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from streams.clocks import AFTER_ALL
from streams.findings import RETRACTED, Finding

ADDED, REMOVED, CHANGED = "added", "removed", "changed"
PARTS = ("opened", "closed", "value", "count", "evidence")


class Difference(msgspec.Struct, frozen=True):
    """One finding that is not the same: `old` is None where it was added, `new` where it was removed.

    `parts` names what of a changed one differs.
    """

    sort: str
    old: Finding | None
    new: Finding | None
    parts: tuple[str, ...] = ()

    @property
    def finding(self) -> Finding:
        """The newer of the two."""
        found = self.new or self.old
        assert found is not None
        return found


def compare(old: Iterable[Finding], new: Iterable[Finding]) -> list[Difference]:
    """The differences between two runs' last words, in the order of opening; what was retracted is no finding."""
    before, after = _by_key(old), _by_key(new)
    keys = dict.fromkeys([*before, *after])
    found = [one for key in keys for one in _of_key(before.get(key, []), after.get(key, []))]
    return sorted(found, key=lambda one: (one.finding.opened, one.finding.rule, str(one.finding.key), one.sort))


def _by_key(findings: Iterable[Finding]) -> dict[tuple[str, str], list[Finding]]:
    found: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for one in findings:
        if one.change != RETRACTED:
            found[one.rule, str(one.key)].append(one)
    return found


def _of_key(before: Sequence[Finding], after: Sequence[Finding]) -> Iterator[Difference]:
    old, new = _without_equals(before, after)
    gone, come = dict(enumerate(old)), dict(enumerate(new))
    for _, i, j in sorted(_candidates(old, new)):
        if i in gone and j in come:
            a, b = gone.pop(i), come.pop(j)
            yield Difference(CHANGED, a, b, tuple(part for part in PARTS if getattr(a, part) != getattr(b, part)))
    yield from (Difference(REMOVED, one, None) for one in gone.values())
    yield from (Difference(ADDED, None, one) for one in come.values())


def _without_equals(before: Sequence[Finding], after: Sequence[Finding]) -> tuple[list[Finding], list[Finding]]:
    """What has no twin on the other side, by opening."""
    twins: dict[tuple[Any, ...], int] = defaultdict(int)
    for one in before:
        twins[_print(one)] += 1
    new = []
    for one in after:
        if twins[_print(one)] > 0:
            twins[_print(one)] -= 1
        else:
            new.append(one)
    old = []
    for one in reversed(before):  # of several twins the first are those that have found each other
        if twins[_print(one)] > 0:
            twins[_print(one)] -= 1
            old.append(one)
    return sorted(old, key=_opened), sorted(new, key=_opened)


def _print(one: Finding) -> tuple[Any, ...]:
    return (one.opened, one.closed, repr(one.value), one.count, tuple(one.evidence))


def _opened(one: Finding) -> int:
    return one.opened


def _candidates(old: Sequence[Finding], new: Sequence[Finding]) -> Iterator[tuple[tuple[int, int, int], int, int]]:
    """Pairs that may be one finding, by index, with how bad a pair they are: fewest shared events and least time."""
    proof: dict[str, list[int]] = defaultdict(list)
    for j, one in enumerate(new):
        for id in one.evidence:
            proof[id].append(j)
    starts = [one.opened for one in new]
    for i, one in enumerate(old):
        first = max(0, bisect_left(starts, one.opened) - 1)  # one that began before may still last
        near = {j for id in one.evidence for j in proof[id]} | set(range(first, bisect_right(starts, _end(one))))
        for j in near:
            other = new[j]
            shared = len(set(one.evidence) & set(other.evidence))
            overlap = min(_end(one), _end(other)) - max(one.opened, other.opened)
            if overlap >= 0 or (shared and _is_instant(one) and _is_instant(other)):
                yield (-shared, -max(overlap, 0), abs(one.opened - other.opened)), i, j


def _is_instant(one: Finding) -> bool:
    return one.closed == one.opened


def _end(one: Finding) -> int:
    return AFTER_ALL if one.closed is None else one.closed
