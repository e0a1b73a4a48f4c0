"""Notifications as subscribers and the deliverers read them, and what keeps alerts back: a CloudEvent each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from streams.formats import cloudevents
from streams.reasons import NotifyReason
from streams.respond.cases.life import CaseNews
from streams.respond.envelopes import source_of
from streams.respond.identity import identity
from streams.respond.notifying import Hush, Member, Notification, Suppression
from streams.respond.notifying.seen import FIRING
from streams.respond.view import stamp
from streams.rules import Bundle

NOTIFICATION_SCHEMA = "urn:tocsin:schema:notification:1"
SUPPRESSION_SCHEMA = "urn:tocsin:schema:suppression:1"
LISTED = 200
"""So many alerts a notification lists; it counts all."""


def notification_event(bundle: Bundle, told: Notification) -> bytes:
    """`tocsin.notification.<reason>`, for its receiver."""
    at, digest = stamp(told.at) or "", told.digest
    firing = sum(one.status == FIRING for one in told.members)
    return cloudevents.encode(_attributes(bundle, told.reason, told.receiver, told.group or told.receiver, at), {
        "receiver": told.receiver, "reason": told.reason, "route": told.route, "group": told.labels,
        "firing": firing, "over": len(told.members) - firing, "alerts": [_member(one) for one in told.members[:LISTED]],
        "case": "", "title": _title(told),
        "digest": None if digest is None else {**digest, "since": stamp(digest["since"])},
    })


def escalation_event(bundle: Bundle, news: CaseNews) -> bytes:
    """`tocsin.notification.escalated`: a case that nobody took on, for whom the chain names."""
    case, at = news.case, stamp(news.at) or ""
    over = case.resolved is not None
    member = Member(case.alert, "resolved" if over else FIRING, case.labels, case.opened, case.resolved, case.title, "",
                    "")
    return cloudevents.encode(_attributes(bundle, NotifyReason.ESCALATED, news.notify, case.id, at), {
        "receiver": news.notify, "reason": NotifyReason.ESCALATED.value, "route": "", "group": {},
        "firing": int(not over), "over": int(over), "alerts": [_member(member)] if case.alert else [], "case": case.id,
        "title": case.title, "digest": None,
    })


def suppression_event(bundle: Bundle, one: Suppression) -> bytes:
    """`tocsin.alert.suppressed`, or `unsuppressed` where nothing keeps it back any more."""
    at = stamp(one.at) or ""
    change = "suppressed" if one.hushes else "unsuppressed"
    attributes = {
        "id": identity("suppression", one.alert, one.group, one.at, change), "source": source_of(bundle),
        "type": f"tocsin.alert.{change}", "subject": one.alert, "time": at, "dataschema": SUPPRESSION_SCHEMA,
        "correlationid": one.alert, "recordedtime": at,
    }
    return cloudevents.encode(attributes, {
        "alert": one.alert, "route": one.route, "group": one.labels, "suppressed_by": hushes_of(one.hushes),
        "untold": one.gone,
    })


def hushes_of(hushes: tuple[Hush, ...] | list[Hush]) -> list[dict[str, str]]:
    """What keeps an alert back, as plain values."""
    return [msgspec.structs.asdict(one) | {"reason": str(one.reason)} for one in hushes]


def _attributes(bundle: Bundle, reason: str, receiver: str, subject: str, at: str) -> Mapping[str, str]:
    return {
        "id": identity("notification", receiver, subject, at, str(reason)), "source": source_of(bundle),
        "type": f"tocsin.notification.{reason}", "subject": subject, "time": at, "dataschema": NOTIFICATION_SCHEMA,
        "correlationid": subject, "recordedtime": at,
    }


def _member(one: Member) -> dict[str, Any]:
    return {
        "alert": one.alert, "status": one.status, "title": one.title, "summary": one.summary,
        "severity": one.labels.get("severity", ""), "labels": one.labels, "opened_at": stamp(one.starts),
        "closed_at": stamp(one.ends), "runbook": one.runbook,
    }


def _title(told: Notification) -> str:
    """One line that says what it is about."""
    if told.digest is not None:
        return f"{told.digest['notifications']} notifications in one, of {sum(told.digest['rules'].values())} alerts"
    first = next((one for one in told.members if one.status == FIRING), told.members[0])
    more = len(told.members) - 1
    return first.title + (f" and {more} more" if more else "")
