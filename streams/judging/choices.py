"""Which of the matches of a sequence count (`select`), and what is used up by them. Pure.

`kinds/sequence.py` finds the matches that conclude at one instant and asks.
"""

from __future__ import annotations

from typing import Any, Protocol

from streams.judging.patterns import Partial
from streams.records import Order


class Choice(Protocol):
    """Which of the matches that conclude at one instant count, and what is used up by them."""

    def sort(self, found: list[Partial]) -> None:
        """Bring the matches into the order in which they are looked at."""

    def left(self, partial: Partial) -> bool:
        """Whether a partial is untouched by the matches taken so far."""

    def take(self, match: Partial) -> None:
        """Count a match."""


class First:
    """The earliest start, of equal ones the longest; every start up to its last event is used up."""

    def __init__(self) -> None:
        self.edge: Order | None = None

    def sort(self, found: list[Partial]) -> None:
        """See `Choice`."""
        found.sort(key=lambda partial: partial.rank)

    def left(self, partial: Partial) -> bool:
        """See `Choice`."""
        return self.edge is None or partial.start > self.edge

    def take(self, match: Partial) -> None:
        """See `Choice`."""
        self.edge = match.newest


class Each(First):
    """Every start once: the first time it matches, and then the longest."""

    def __init__(self) -> None:
        self.told: set[Order] = set()

    def left(self, partial: Partial) -> bool:
        """See `Choice`."""
        return partial.start not in self.told

    def take(self, match: Partial) -> None:
        """See `Choice`."""
        self.told.add(match.start)


class Last:
    """The newest start, of equal ones the longest; its events are used up."""

    def __init__(self) -> None:
        self.used: set[Order] = set()

    def sort(self, found: list[Partial]) -> None:
        """See `Choice`."""
        found.sort(key=recent, reverse=True)

    def left(self, partial: Partial) -> bool:
        """See `Choice`."""
        return self.used.isdisjoint(member.order for member in partial.members)

    def take(self, match: Partial) -> None:
        """See `Choice`."""
        self.used.update(member.order for member in match.members)


class All(First):
    """Every match."""

    def left(self, partial: Partial) -> bool:
        """See `Choice`."""
        return True


CHOICES: dict[str, type[First] | type[Last]] = {"first": First, "last": Last, "each": Each, "all": All}


def recent(partial: Partial) -> tuple[Any, ...]:
    """Sorts by start, then by length, then by the events and the steps they fill."""
    return (partial.start, len(partial.members), [member.order for member in partial.members], partial.steps)
