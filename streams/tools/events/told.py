"""Notifications, and what keeps alerts from being notified, as structs; see `contents`."""

from __future__ import annotations

from typing import Literal

import msgspec

from streams.tools.events.contents import Hush


class Told(msgspec.Struct):
    """An alert in a notification.

    alert: The alert; its news stand on the alerts' topic.
    status: Whether it fires, or how it ended; `moved`: it now belongs to another group.
    title: What happened, in a few words.
    summary: The same at more length; may be empty.
    severity: How bad it is; may be empty.
    labels: What it is, by name.
    opened_at: When it began.
    closed_at: When it was over; null while it fires.
    runbook: Where it stands what to do; may be empty.
    """

    alert: str
    status: Literal["firing", "resolved", "retracted", "merged", "moved"]
    title: str
    summary: str
    severity: str
    labels: dict[str, str]
    opened_at: str
    closed_at: str | None
    runbook: str


class Stormed(msgspec.Struct):
    """What a digest stands for.

    notifications: How many notifications.
    since: When the first of them would have been sent.
    more: How often an alert was in one of them that the digest does not keep.
    rules: How many alerts of each rule.
    """

    notifications: int
    since: str
    more: int
    rules: dict[str, int]


class Notification(msgspec.Struct):
    """Somebody is told of alerts, or of a case.

    receiver: Who is told.
    reason: Why.
    route: The place of the route in the tree, `0.1`; empty for a digest or an escalation.
    group: What its alerts have in common: labels by name.
    firing: How many of its alerts fire.
    over: How many are over.
    alerts: The first 200 of them.
    case: Of an escalation the case; else empty.
    title: One line that says what it is about.
    digest: Of a digest what it stands for; else null.
    """

    receiver: str
    reason: Literal["first", "new_members", "severity_raised", "repeat", "unsuppressed", "escalated", "resolved",
                    "retracted", "digest"]
    route: str
    group: dict[str, str]
    firing: int
    over: int
    alerts: list[Told]
    case: str
    title: str
    digest: Stormed | None


class Suppression(msgspec.Struct):
    """What keeps an alert from being notified in a group of a route has changed.

    alert: The alert.
    route: The place of the route in the tree; empty where it is of all.
    group: What the alerts of the group have in common.
    suppressed_by: What keeps it back now.
    untold: It is over, and nobody of the group was told so.
    """

    alert: str
    route: str
    group: dict[str, str]
    suppressed_by: list[Hush]
    untold: bool
