"""The kind `match`, said slowly: which events belong to one episode, asked of every pair of them."""

from __future__ import annotations

from dataclasses import dataclass

from streams.clocks import AFTER_ALL
from streams.records import Member


@dataclass
class Told:
    """An episode as the oracle tells it."""

    opened: int
    closed: int | None
    evidence: list[str]


def joined(members: tuple[Member, ...], first: int, last: int, keep: int) -> bool:
    """Whether two events belong to one episode: they are one, or no step from one to the next is too long.

    Without `keep_firing_for` even events of one instant stand alone.
    """
    if first == last:
        return True
    steps = range(first, last)
    return keep > 0 and all(members[step + 1].time - members[step].time <= keep for step in steps)


def episodes(members: tuple[Member, ...], keep: int = 0, until: int = AFTER_ALL) -> list[Told]:
    """All that is known once the clock has come to `until`; `members` in order, all before it."""
    count = len(members)
    told = []
    for first in range(count):
        if any(joined(members, before, first, keep) for before in range(first)):
            continue
        last = max(other for other in range(first, count) if joined(members, first, other, keep))
        closes = members[last].time + keep
        told.append(Told(members[first].time, closes if closes < until else None,
                         [one.id for one in members[first:last + 1]]))
    return told
