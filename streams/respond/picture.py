"""One picture of all findings of an alert, kept up as they come, change and go.

An alert may stand for thousands of findings (circles that touch each other), each of which comes, changes and ends:
nothing here looks at all of them for each piece of news.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from streams.clocks import AFTER_ALL
from streams.findings import Finding
from streams.judging.episodes import EVIDENCE_LIMIT
from streams.reasons import HeldReason
from streams.records import Micros


class View(msgspec.Struct, frozen=True, array_like=True):
    """The findings of an alert together. `closed` is None while one is open.

    Key, facts, value and bound steps are those of the finding with the most events (the oldest of
    several); `instant` says that all are episodes of an instant.
    """

    opened: Micros
    closed: Micros | None
    instant: bool
    value: Any
    count: int
    evidence: list[str]
    bound: dict[str, list[str]] | None
    key: dict[str, Any]
    facts: dict[str, Any]
    corrections: int
    ended: str


def is_instant(finding: Finding) -> bool:
    """Whether its episode is met at one instant and does not last; what is closed with its rule may do so at once."""
    return finding.closed == finding.opened and finding.ended != HeldReason.RULE_REMOVED


def view_of(parts: Iterable[Finding]) -> View:
    """The findings as one, in this order."""
    picture = Picture()
    for number, part in enumerate(parts):
        picture.put(number, part)
    return picture.view()


class Picture:
    """The findings of one alert, by a number each; who comes later has a higher one."""

    def __init__(self) -> None:
        self._parts: dict[int, Finding] = {}
        self._open = self._lasting = self._corrections = 0
        self._events: Counter[str] = Counter()  # how many findings name an event
        self._listed = Listed(self._parts)
        self._first = Least(self._parts, lambda part: part.opened)
        self._last = Least(self._parts, lambda part: -(AFTER_ALL if part.closed is None else part.closed))
        self._largest = Least(self._parts, lambda part: -part.count)

    def put(self, number: int, part: Finding) -> None:
        """A new finding, or the new content of one."""
        before = self._parts.get(number)
        alike = before is not None and before.evidence == part.evidence
        if before is not None:
            self._leave(number, before, alike)
        self._parts[number] = part
        self._weigh(part, 1)
        if not alike:
            self._events.update(part.evidence)
        self._listed.add(number, part)
        for order in (self._first, self._last, self._largest):
            order.add(number, part)

    def remove(self, number: int) -> None:
        """A finding is gone."""
        self._leave(number, self._parts.pop(number), False)

    def view(self) -> View:
        """All of them as one; there must be one."""
        lead, last = self._largest.part(), self._last.part()
        return View(
            opened=self._first.part().opened, closed=None if self._open else last.closed, instant=not self._lasting,
            value=lead.value, count=max(len(self._events), lead.count), evidence=self._listed.ids(), bound=lead.bound,
            key=lead.key, facts=lead.facts, corrections=self._corrections, ended=last.ended)

    def _leave(self, number: int, part: Finding, alike: bool) -> None:
        """Take away what a finding gives; `alike`: what comes in its place names the same events."""
        self._weigh(part, -1)
        if alike:
            return
        for event in part.evidence:
            self._events[event] -= 1
            if not self._events[event]:
                del self._events[event]
        self._listed.forget(number)

    def _weigh(self, part: Finding, sign: int) -> None:
        self._open += sign * (part.closed is None)
        self._lasting += sign * (not is_instant(part))
        self._corrections += sign * part.corrections


class Least:
    """The finding of which something is least, the oldest of several. What has changed since is passed over."""

    def __init__(self, parts: dict[int, Finding], of: Callable[[Finding], int]) -> None:
        self._parts, self._of = parts, of
        self._heap: list[tuple[int, int]] = []

    def add(self, number: int, part: Finding) -> None:
        """A new finding or content."""
        if len(self._heap) > 2 * len(self._parts) + 16:
            self._heap = [(self._of(one), known) for known, one in self._parts.items()]
            heapq.heapify(self._heap)
        else:
            heapq.heappush(self._heap, (self._of(part), number))

    def part(self) -> Finding:
        """The finding."""
        while True:
            value, number = self._heap[0]
            part = self._parts.get(number)
            if part is not None and self._of(part) == value:
                return part
            heapq.heappop(self._heap)


class Listed:
    """The ids of the first events of all findings, as many as evidence lists: those of the oldest finding first."""

    def __init__(self, parts: dict[int, Finding]) -> None:
        self._parts = parts
        self._ids: dict[str, None] | None = {}
        self._until = -1  # the number of the finding that gave the last one

    def add(self, number: int, part: Finding) -> None:
        """A new finding, or one that says what it said, or that was forgotten before."""
        if self._ids is not None and number > self._until:
            self._take(self._ids, number, part)

    def forget(self, number: int) -> None:
        """A finding has other events, or is gone."""
        if self._ids is not None and number <= self._until:
            self._ids = None

    def ids(self) -> list[str]:
        """Those there are now."""
        if self._ids is None:
            self._ids, self._until = {}, -1
            for number, part in self._parts.items():
                self._take(self._ids, number, part)
                if len(self._ids) >= EVIDENCE_LIMIT:
                    break
        return list(self._ids)

    def _take(self, ids: dict[str, None], number: int, part: Finding) -> None:
        if len(ids) < EVIDENCE_LIMIT:
            ids.update(dict.fromkeys(part.evidence))
            self._until = number
            for event in list(ids)[EVIDENCE_LIMIT:]:
                del ids[event]
