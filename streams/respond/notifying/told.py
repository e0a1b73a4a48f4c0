"""Why a group is told something: what has changed since it was last told, by the notification log.

The reasons are a closed list. A city asks more of it than Alertmanager does (`compat`): that what is over is told to
whoever was told of it, that the end of a silence is named, and that an alert has become graver.
"""

from __future__ import annotations

from collections.abc import Sequence

from streams.policy import Route
from streams.reasons import NotifyReason
from streams.records import Micros
from streams.respond.notifying.seen import Look
from streams.respond.notifying.state import Group, Notice, Seat
from streams.rules import SEVERITIES


def reason(group: Group, look: Look, route: Route, resolved: bool, compat: bool, at: Micros) -> NotifyReason | None:
    """Why there is something to tell; None if there is not. `resolved`: the receiver wants to know what is over."""
    if not look.firing and not look.over:
        return None
    return _new(group, look, compat) or _ended(group, look, resolved, compat) or _again(group, look, route, at)


def _new(group: Group, look: Look, compat: bool) -> NotifyReason | None:
    """Somebody fires of whom the last notification did not say so."""
    known = frozenset(group.firing)
    fresh = [one for one in look.firing if one.notice.id not in known]
    if not compat and any(one.back for one in look.firing) and all(one.back for one in fresh):
        return NotifyReason.UNSUPPRESSED
    if fresh:
        return NotifyReason.NEW_MEMBERS if known else NotifyReason.FIRST
    if not compat and any(graver(one.notice, one.seat) for one in look.firing):
        return NotifyReason.SEVERITY_RAISED
    return None


def _ended(group: Group, look: Look, resolved: bool, compat: bool) -> NotifyReason | None:
    """Somebody is over. Where nobody fires any more this is logged even if it is not told."""
    owed = [] if compat else [one.notice for one in look.over if one.owed]
    if not look.firing:
        return _over(owed) if group.firing or owed else None
    if resolved and (owed or not {one.notice.id for one in look.over} <= frozenset(group.over)):
        return _over(owed)
    return None


def _again(group: Group, look: Look, route: Route, at: Micros) -> NotifyReason | None:
    """Nothing has changed for so long that it is told again."""
    if look.firing and group.told is not None and group.told < at - route.repeat_interval:
        return NotifyReason.REPEAT
    return None


def _over(owed: Sequence[Notice]) -> NotifyReason:
    retracted = owed and all(one.ended == NotifyReason.RETRACTED for one in owed)
    return NotifyReason.RETRACTED if retracted else NotifyReason.RESOLVED


def graver(notice: Notice, seat: Seat) -> bool:
    """Whether an alert has become graver since it was told."""
    return seat.told and rank(notice.severity) > rank(seat.severity)


def rank(severity: str) -> int:
    """How grave a severity is; -1 for one that is none."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else -1
