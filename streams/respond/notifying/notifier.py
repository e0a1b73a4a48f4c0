"""Who is told what, and when: the fold over notices, silences and time.

The meaning is Alertmanager's: an alert goes through the tree of routes into groups; a group is looked at after
`group_wait` and then every `group_interval`; what rules of inhibition, hours and silences keep back is left out; what
is left is held against what was told last. Beyond that, unless the policy says `compat`:

- An alert that was told is also told to be over, whatever keeps quiet by then; hours put that off until they end.
- When nothing keeps an alert back any more and it still fires, it is told: `unsuppressed`.
- What is graver than it was told is told: `severity_raised`.
- All that keeps an alert back is listed, not only the first.
- What meets a guard is kept back by nothing: neither by a silence, inhibition or hours nor by the limit for storms.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from streams.policy import Policy, Route
from streams.reasons import QuietReason
from streams.records import Micros
from streams.respond.notifying import silences, storm, told, windows
from streams.respond.notifying.groups import Groups
from streams.respond.notifying.inhibition import Inhibition
from streams.respond.notifying.routes import every, name_of
from streams.respond.notifying.seen import Look, Seen
from streams.respond.notifying.state import (
    Group,
    Hush,
    Notice,
    Notification,
    Quieting,
    Rows,
    Suppression,
)

News: TypeAlias = Notification | Suppression
BRIEF = Hush(QuietReason.BRIEF)


class Notifier:
    """The fold, over rows that somebody else keeps. With a policy without routes it does nothing.

    Before `take` and `silence` at a moment, `advance` to it. Everything else that is here is made of the rows.
    """

    def __init__(self, policy: Policy, rows: Rows) -> None:
        self.policy, self.rows = policy, rows
        self.groups = Groups(policy.root, rows)
        self.silences = silences.Silences(policy, rows)
        self.inhibition = Inhibition(policy, rows.notices)
        self.storms = storm.Storms(policy, rows)
        self._routes = {name_of(route): route for route in every(policy.root)} if policy.root else {}
        self._guarded: dict[str, bool] = {}

    # what comes in

    def take(self, notice: Notice, now: Micros, born: bool = True) -> list[News]:
        """What an alert says now. `born`: it can be a new one; else it is passed over if it is not known.

        There is news only of an alert that is over before anybody could be told.
        """
        known = self.rows.notices.get(notice.id)
        if known is None:
            if not self._routes or not (born or not (notice.over(now) or notice.fleeting)):
                return []
            notice.seats = {}
            if notice.over(now) and not self.groups.awaits(notice):
                return [Suppression(now, notice.id, "", "", {}, (BRIEF,), True)]
        else:
            notice.seats = known.seats
        self.rows.notices[notice.id] = notice
        if known is None or (notice.labels, notice.starts, notice.place) != (known.labels, known.starts, known.place):
            self._forget(notice.id)
            self.inhibition.put(notice)
        if known is None or notice.labels != known.labels:
            raised = known is not None and told.rank(notice.severity) > told.rank(known.severity)
            self.groups.seat(notice, now, known is None or notice.fleeting, raised)
        elif known.over(now) and not notice.over(now):
            self.groups.seat(notice, now)
        self._keep(notice, now)
        return []

    def learn(self, now: Micros) -> None:
        """The policy is another: everybody is seated by it."""
        for group in list(self.rows.groups.values()):
            if group.next is None and group.key not in self.groups.members:
                self.rows.drop("group", group.key)
        for _, notice in sorted(self.rows.notices.items()):
            self.groups.seat(notice, now)
            self._keep(notice, now)

    def silence(self, row: Quieting) -> None:
        """A new silence, or other bounds for one; ValueError for matchers that are none."""
        self.silences.put(row)

    def expire(self, name: str, now: Micros) -> None:
        """A silence ends; KeyError if nobody made it."""
        self.silences.end(name, now)

    # time

    def due(self) -> Micros | None:
        """When `advance` has something to do; None if nothing waits."""
        waits = [at for at, _ in (self.groups.due(), self.storms.due()) if at is not None]
        return min(waits, default=None)

    def advance(self, now: Micros) -> list[News]:
        """Do what is due at or before `now`: in order of time, then groups before digests, then by name."""
        news: list[News] = []
        while (due := self.due()) is not None and due <= now:
            at, name = self.groups.due()
            if at == due:
                news += self._look(self.rows.groups[name], due, now)
            else:
                news += self.storms.advance(self.storms.due()[1], due)
        return news

    # questions

    def hushes(self, notice: Notice, route: Route, at: Micros) -> list[Hush]:
        """All that keeps an alert back on a route at a moment; with `compat` the first alone."""
        if self.guarded(notice):
            return []
        found = self._hushes(notice, route, at)
        if not self.policy.compat:
            return list(found)
        first = next(found, None)
        return [] if first is None else [first]

    def guarded(self, notice: Notice) -> bool:
        """Whether it is one that nothing keeps back."""
        found = self._guarded.get(notice.id)
        if found is None:
            found = any(guard(notice.labels) for guard in self.policy.guards.values())
            self._guarded[notice.id] = found
        return found

    def _hushes(self, notice: Notice, route: Route, at: Micros) -> Iterator[Hush]:
        yield from self.inhibition.hushes(notice, at)
        yield from windows.hushes(self.policy, route, at)
        yield from self.silences.hushes(notice, at)

    # a look at a group

    def _look(self, group: Group, at: Micros, now: Micros) -> Iterator[News]:
        """A group is looked at: who is told what, what is listed, who leaves."""
        route = self._routes.get(group.name) or Route(group.route, "", group.receiver)
        seen = [self._seen(self.rows.notices[name], group.key, route, at)
                for name in sorted(self.groups.members[group.key])]
        fled = [one for one in seen if one.fled]
        look = Look([one for one in seen if not one.fled])
        yield from self._told(group, look, route, at)
        for one in look.seen:
            yield from one.listed(group, at)
            if one.changed:
                self.rows.put("notice", one.notice.id, one.notice)
        keep = self.policy.compat and bool(group.firing)
        for one in (*fled, *(one for one in look.seen if not one.stays)):
            self.groups.leave(one.notice, group.key, keep)
            self._keep(one.notice, at)
        self._after(group, route, at, now)

    def _seen(self, notice: Notice, key: str, route: Route, at: Micros) -> Seen:
        return Seen(notice, notice.seats[key], self.hushes(notice, route, at), self.policy.resolved_through_silence, at)

    def _told(self, group: Group, look: Look, route: Route, at: Micros) -> Iterator[News]:
        """What is told of a group; then the log says so."""
        receiver = self.policy.receivers.get(group.receiver)
        resolved = receiver is None or receiver.resolved
        why = told.reason(group, look, route, resolved, self.policy.compat, at)
        if why is None:
            return
        members = [*look.firing, *(look.over if resolved else ())]
        if members:
            sent = Notification(at, group.receiver, group.route, group.key, group.labels, why,
                                tuple(one.member() for one in members))
            if any(self.guarded(one.notice) for one in members) or self.storms.pass_on(sent):
                yield sent
            else:
                yield from storm.hushed(sent)
        group.told = at
        group.firing = [one.notice.id for one in look.firing]
        group.over = [one.notice.id for one in look.over]
        for one in members:
            one.tell()

    def _after(self, group: Group, route: Route, at: Micros, now: Micros) -> None:
        """When a group is looked at next; one that nobody is in is remembered only where its log lacks an end."""
        if group.key not in self.rows.groups:
            return
        if group.next is None:
            group.forget = (at if group.told is None else group.told) + 2 * route.repeat_interval
        else:
            self.groups.next(group, route, at, now)
        self.rows.put("group", group.key, group)

    # what is kept

    def _keep(self, notice: Notice, at: Micros) -> None:
        """Keep what an alert says while it fires or somebody is still to be told."""
        if notice.seats or not (notice.over(at) or notice.fleeting):
            self.rows.put("notice", notice.id, notice)
            return
        self.inhibition.remove(notice.id)
        self._forget(notice.id)
        if notice.id in self.rows.notices:
            self.rows.drop("notice", notice.id)

    def _forget(self, alert: str) -> None:
        """Forget what followed from its labels."""
        self.silences.changed(alert)
        self._guarded.pop(alert, None)
