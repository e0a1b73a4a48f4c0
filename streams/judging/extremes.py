"""The largest and the smallest value of a window, and how far apart values are: a part of the measures.

As of all measures (`streams/judging/measures.py`) their value depends on what is in the window, and on nothing else.
"""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Callable
from statistics import median
from typing import Any

from streams.records import Member

INT64 = 2**63  # what the state's bytes can hold
NEIGHBOURS = 3  # of fewer nobody can say who of them is right


class Extreme:
    """The largest value (`outdoes` is >=) or the smallest (<=); among equal ones the newest.

    Kept are the values that no later one outdoes; the first of them is the extreme.
    """

    __slots__ = ("_added", "_dropped", "_kept", "_outdoes")

    def __init__(self, outdoes: Callable[[Any, Any], bool]) -> None:
        self._outdoes = outdoes
        self._added = self._dropped = 0
        self._kept: deque[tuple[Any, int]] = deque()

    def add(self, member: Member) -> None:
        """Forget the values that this one outdoes."""
        kept, value, outdoes = self._kept, member.value, self._outdoes
        while kept and outdoes(value, kept[-1][0]):
            kept.pop()
        kept.append((value, self._added))
        self._added += 1

    def drop(self, member: Member) -> None:
        """Let the oldest go, if it is still kept."""
        if self._kept[0][1] == self._dropped:
            self._kept.popleft()
        self._dropped += 1

    def value(self) -> Any:
        """The extreme; None for an empty window."""
        return self._kept[0][0] if self._kept else None


class Spread:
    """The largest value less the smallest."""

    __slots__ = ("_largest", "_smallest")

    def __init__(self) -> None:
        self._largest, self._smallest = Extreme(operator.ge), Extreme(operator.le)

    def add(self, member: Member) -> None:
        """Take the value into both."""
        self._largest.add(member)
        self._smallest.add(member)

    def drop(self, member: Member) -> None:
        """Let it go from both."""
        self._largest.drop(member)
        self._smallest.drop(member)

    def value(self) -> Any:
        """How far apart they are; None for an empty window."""
        largest = self._largest.value()
        if largest is None:
            return None
        apart = largest - self._smallest.value()
        return apart if apart < INT64 else float(apart)


class Deviation:
    """How far what is read at the place of the newest event is from what is read at the other places.

    Of each place, where a device stands, the median of its values counts; of the others the median of those. With
    fewer than `NEIGHBOURS` others there is no value.
    """

    __slots__ = ("_at", "_newest")

    def __init__(self) -> None:
        self._at: dict[tuple[float, float] | None, deque[Any]] = {}
        self._newest: Member | None = None

    def add(self, member: Member) -> None:
        """Add a value to those of its place."""
        self._at.setdefault(_place(member), deque()).append(member.value)
        self._newest = member

    def drop(self, member: Member) -> None:
        """Let the oldest value of its place go."""
        place = _place(member)
        self._at[place].popleft()
        if not self._at[place]:
            del self._at[place]

    def value(self) -> float | None:
        """The distance; None with too few others."""
        if self._newest is None or len(self._at) <= NEIGHBOURS:
            return None
        own = _place(self._newest)
        others = median([median(one) for place, one in self._at.items() if place != own])
        return float(abs(median(self._at[own]) - others))


def _place(member: Member) -> tuple[float, float] | None:
    return None if member.position is None else (member.position.lat, member.position.lon)
