"""The envelopes that subscribers read: CloudEvents 1.0, one for each thing there is to tell.

Ids follow from what they name, so a record that is sent twice has the same id and the same bytes;
`sequence` orders the news of one alert or dispatch. The words are CAP's, in lower case.
"""

from __future__ import annotations

import string
from typing import Any

from streams.findings import Finding
from streams.formats import cloudevents
from streams.reasons import SENTENCES, HeldReason
from streams.respond.exercise import status_of
from streams.respond.identity import alert_id, dispatch_id, identity
from streams.respond.passing import DispatchNews, News, Passing
from streams.respond.view import district_of, place_of, stamp, why
from streams.rules import Bundle

ALERT_SCHEMA = "urn:tocsin:schema:alert:1"
DISPATCH_SCHEMA = "urn:tocsin:schema:dispatch:1"
HELD_SCHEMA = "urn:tocsin:schema:held_back:1"
URGENCIES = {"extreme": "immediate", "severe": "immediate", "moderate": "expected"}

BESIDE = ("tocsin.alert.operator", "tocsin.alert.suppressed", "tocsin.alert.unsuppressed")
"""What stands on the topic of alerts beside the news of alerts: it says nothing of the alert itself."""
UNRESERVED = frozenset(string.ascii_letters + string.digits + "-._~")


def alert_event(passing: Passing, news: News, suppressed_by: list[dict[str, str]]) -> bytes:
    """`tocsin.alert.<change>`. `suppressed_by` is what keeps it from being notified."""
    attributes = _attributes(passing, news, f"tocsin.alert.{news.change}", ALERT_SCHEMA) | {
        "id": identity(news.alert.id, news.sequence), "sequence": str(news.sequence),
    }
    return cloudevents.encode(attributes, _alert(passing.finding, news) | {"suppressed_by": suppressed_by})


def dispatch_event(passing: Passing, sent: DispatchNews) -> bytes:
    """`tocsin.dispatch.<change>`."""
    dispatch = dispatch_id(sent.about.alert.id)
    attributes = _attributes(passing, sent.about, f"tocsin.dispatch.{sent.change}", DISPATCH_SCHEMA) | {
        "id": identity(dispatch, sent.sequence), "sequence": str(sent.sequence),
    }
    return cloudevents.encode(attributes, _dispatch(passing.finding, sent, dispatch))


def held_event(passing: Passing, reason: HeldReason) -> bytes:
    """`tocsin.audit.held_back`: a finding for which nothing was sent, and why."""
    finding = passing.finding
    alert = passing.alert.id if passing.alert is not None else alert_id(finding.id)
    at = stamp(finding.at) or ""
    attributes = {
        "id": identity("held", finding.id, finding.sequence, reason.value), "source": _source(passing),
        "type": "tocsin.audit.held_back", "subject": finding.id, "time": at, "dataschema": HELD_SCHEMA,
        "correlationid": alert, "causationid": _cause(finding), "recordedtime": at,
    }
    return cloudevents.encode(attributes, {
        "reason": reason.value, "sentence": SENTENCES[reason], "rule": finding.rule, "key": finding.key,
        "change": finding.change, "opened_at": stamp(finding.opened), "closed_at": stamp(finding.closed),
        "value": finding.value, "count": finding.count, "shadow": passing.shadow,
    })


def _attributes(passing: Passing, news: News, type: str, schema: str) -> dict[str, str]:
    finding, view = passing.finding, news.view
    times = {"resolved": view.closed, "firing": view.opened if news.sequence == 1 else None}
    moment = times.get(news.change)
    at = stamp(finding.at) or ""
    return {
        "source": _source(passing), "type": type, "subject": news.alert.id,
        "time": stamp(moment) or at, "dataschema": schema, "recordedtime": at,
        "correlationid": news.alert.id, "causationid": _cause(finding),
    }


def _alert(finding: Finding, news: News) -> dict[str, Any]:
    """All fields, always: a subscriber need not ask whether one is there."""
    view, words = news.view, news.words
    return {
        "rule": news.alert.rule, "status": status_of(view.key), "title": words.title, "summary": words.summary,
        "severity": words.severity, "category": words.category, "urgency": _urgency(news),
        "certainty": "unlikely" if news.state == "retracted" else words.certainty, "owner": words.owner,
        "district": district_of(view), "place": place_of(view), "key": view.key,
        "opened_at": stamp(view.opened), "closed_at": _closed(news), "state": news.state,
        "value": view.value, "evidence": view.evidence, "count": view.count, "steps": view.bound,
        "why": why(view, words) if news.digest is None else words.summary, "runbook": words.runbook,
        "corrections": view.corrections, "ended": view.ended, "cause": finding.cause,
        "merged_into": news.alert.merged_into, "raised_from": news.raised_from, "digest": news.digest,
    }


def _dispatch(finding: Finding, sent: DispatchNews, dispatch: str) -> dict[str, Any]:
    news, view, words = sent.about, sent.about.view, sent.about.words
    return {
        "dispatch": dispatch, "alert": news.alert.id, "state": sent.change, "to": sent.sending.to,
        "priority": sent.sending.priority, "instruction": sent.sending.instruction, "rule": news.alert.rule,
        "status": status_of(view.key),
        "title": words.title, "summary": words.summary, "severity": words.severity,
        "category": words.category, "owner": words.owner, "district": district_of(view),
        "place": place_of(view), "key": view.key, "opened_at": stamp(view.opened), "why": why(view, words),
        "runbook": words.runbook, "reason": "" if sent.change == "requested" else news.state,
        "cause": finding.cause, "merged_into": news.alert.merged_into,
    }


def _closed(news: News) -> str | None:
    """An alert that fires has not ended, unless it is one of an instant."""
    return None if news.state == "firing" and not news.view.instant else stamp(news.view.closed)


def _urgency(news: News) -> str:
    return URGENCIES.get(news.words.severity, "future") if news.state == "firing" else "past"


def source_of(bundle: Bundle) -> str:
    """Who says it: the city."""
    return f"/tocsin/{_segment(bundle.city.name)}"


def _source(passing: Passing) -> str:
    return source_of(passing.bundle)


def _segment(name: str) -> str:
    """A name as a segment of a URI reference, percent-encoded where it must be."""
    return "".join(chr(byte) if chr(byte) in UNRESERVED else f"%{byte:02X}" for byte in name.encode())


def _cause(finding: Finding) -> str:
    return f"{finding.id}/{finding.sequence}"
