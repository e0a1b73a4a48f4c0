"""Groups: which alerts are told together, and when a group is looked at.

A new group is looked at `group_wait` after its first alert came; at once where that one began longer ago. From then on
every `group_interval`, until nobody is in it. A rise in severity is waited for no longer than `group_wait`.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from streams.policy import Route
from streams.records import Micros
from streams.respond.identity import identity
from streams.respond.notifying.routes import group_labels, matched, name_of
from streams.respond.notifying.state import Group, Notice, Rows, Seat
from streams.respond.notifying.told import graver

BEHIND: Micros = 24 * 3_600_000_000
"""A group that is so far behind the time is looked at for the last moment that it should have been, and not for all."""


class Groups:
    """Who sits where, over the rows. `members` are the alerts of each group."""

    def __init__(self, root: Route | None, rows: Rows) -> None:
        self.root, self.rows = root, rows
        self.members: dict[str, dict[str, None]] = {}
        self._due: list[tuple[Micros, str]] = []
        for notice in rows.notices.values():
            for key in notice.seats:
                self.members.setdefault(key, {})[notice.id] = None
        for group in rows.groups.values():
            self.wake(group)

    def due(self) -> tuple[Micros | None, str]:
        """When which group is looked at next; None if there is none."""
        while self._due:
            at, key = self._due[0]
            group = self.rows.groups.get(key)
            if group is not None and group.next == at:
                return at, key
            heapq.heappop(self._due)
        return None, ""

    def awaits(self, notice: Notice) -> bool:
        """Whether there is somebody in one of the groups that an alert belongs to."""
        return any(key in self.members for key, _ in self._places(notice))

    def seat(self, notice: Notice, now: Micros, new: bool = False, raised: bool = False) -> None:
        """Give an alert its places by what it says now. A place that it loses is left once that is told.

        What is over, or of an instant, gets no further places unless it is `new`. `raised`: it has just become graver.
        """
        wanted = dict(self._places(notice))
        for key, (route, labels) in wanted.items():
            if key not in notice.seats:
                if (notice.fleeting or notice.over(now)) and not new:
                    continue
                self._sit(notice, key, route, labels, now)
            notice.seats[key].moved = False
            if raised and graver(notice, notice.seats[key]):
                self._hasten(key, route, now)
        for key in [key for key in notice.seats if key not in wanted]:
            if notice.seats[key].told:
                notice.seats[key].moved = True
            else:
                self.leave(notice, key)

    def leave(self, notice: Notice, key: str, keep: bool = False) -> None:
        """An alert leaves a group; who was the last ends it, unless what was told of it is to be kept."""
        del notice.seats[key]
        members = self.members[key]
        del members[notice.id]
        if not members:
            del self.members[key]
            group = self.rows.groups[key]
            group.next = None
            if not keep:
                self.rows.drop("group", key)

    def next(self, group: Group, route: Route, due: Micros, now: Micros) -> None:
        """After a look at `due`, when the next is."""
        interval = max(route.group_interval, 1)
        group.next = due + interval
        if now - group.next > BEHIND:
            group.next += (now - group.next) // interval * interval
        self.wake(group)

    def wake(self, group: Group) -> None:
        """Note when a group is looked at."""
        if group.next is not None:
            heapq.heappush(self._due, (group.next, group.key))

    def _places(self, notice: Notice) -> Iterator[tuple[str, tuple[Route, dict[str, str]]]]:
        for route in matched(self.root, notice.labels) if self.root is not None else ():
            labels = group_labels(route, notice.labels)
            yield identity("group", name_of(route), labels), (route, labels)

    def _sit(self, notice: Notice, key: str, route: Route, labels: dict[str, str], now: Micros) -> None:
        """A place in a group, which is made, or woken, if nobody is in it."""
        group = self.rows.groups.get(key)
        if group is None or group.next is None:
            late = notice.starts + route.group_wait < now
            at = now if late else now + route.group_wait
            group = group or Group(key, name_of(route), route.path, route.receiver, labels)
            group.next, group.forget = at, None
            self.rows.put("group", key, group)
            self.wake(group)
        notice.seats[key] = Seat()
        self.members.setdefault(key, {})[notice.id] = None

    def _hasten(self, key: str, route: Route, now: Micros) -> None:
        """An alert that has become graver does not wait for the interval."""
        group = self.rows.groups[key]
        if group.next is not None and group.next > now + route.group_wait:
            group.next = now + route.group_wait
            self.rows.put("group", key, group)
            self.wake(group)
