"""A look at a group: of each alert in it whether it fires, what keeps it back, and what becomes of its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from streams.reasons import QuietReason
from streams.records import Micros
from streams.respond.notifying.state import Group, Hush, Member, Notice, Seat, Suppression

HOURS = (QuietReason.OUTSIDE_HOURS, QuietReason.MUTED)
FIRING, MOVED = "firing", "moved"
BRIEF = Hush(QuietReason.BRIEF)


class Seen:
    """An alert in a group at a moment.

    `over`: it fires no more, or belongs to another group. `shown`: nothing keeps it back; what is over is also shown
    to whoever was told that it fires, if that is `owed` to them, as soon as hours allow. `back`: it was kept back at
    the look before and is not now. `fled`: it is of an instant, and was looked at.
    """

    __slots__ = ("back", "changed", "fled", "hushes", "notice", "over", "owed", "seat", "shown", "stays", "told")

    def __init__(self, notice: Notice, seat: Seat, hushes: list[Hush], through: bool, at: Micros) -> None:
        self.notice, self.seat = notice, seat
        self.over = seat.moved or notice.over(at)
        self.owed = self.over and seat.told and through
        put_off = any(hush.reason in HOURS for hush in hushes)
        self.shown = not hushes or (self.owed and not put_off)
        self.hushes = [] if self.shown else hushes
        self.back = bool(seat.quiet) and not hushes and not self.over
        self.stays = not self.over or (self.owed and put_off)
        self.fled = (notice.fleeting and seat.flushed and not self.over
                     and (seat.told or not any(hush.reason in HOURS for hush in seat.quiet)))
        self.told = False
        self.changed = False

    def tell(self) -> None:
        """It is told."""
        self.told = True
        severity = self.notice.severity
        if self.seat.told == self.over or self.seat.severity != severity:
            self.seat.told, self.seat.severity, self.changed = not self.over, severity, True

    def listed(self, group: Group, at: Micros) -> Iterator[Suppression]:
        """What is listed of it: that something else keeps it back than before, or that it leaves untold."""
        differs, lost = self.hushes != self.seat.quiet, not (self.stays or self.told)
        hushes = tuple(self.hushes)
        if lost and not hushes and not self.seat.told:
            hushes = (BRIEF,)
        if differs or (lost and hushes):
            yield Suppression(at, self.notice.id, group.route, group.key, group.labels, hushes, lost)
        self.changed = self.changed or differs or not self.seat.flushed
        self.seat.quiet, self.seat.flushed = self.hushes, True

    def member(self) -> Member:
        """It in a notification."""
        notice = self.notice
        status = MOVED if self.seat.moved else notice.ended if self.over else FIRING
        return Member(notice.id, status, notice.labels, notice.starts, notice.ends if self.over else None,
                      notice.title, notice.summary, notice.runbook)


class Look:
    """What a look at a group shows: who fires and who is over, of those that nothing keeps back."""

    def __init__(self, seen: Sequence[Seen]) -> None:
        self.seen = seen
        self.firing = [one for one in seen if one.shown and not one.over]
        self.over = [one for one in seen if one.shown and one.over]
