"""Last stage: what there is to tell becomes records on the topics that people and subscribers read."""

from __future__ import annotations

import msgspec

from streams.formats.cloudevents import CONTENT_TYPE
from streams.reasons import HeldReason
from streams.respond.envelopes import alert_event, dispatch_event, held_event
from streams.respond.identity import alert_id
from streams.respond.passing import Output, Passing
from streams.respond.state import Memory

HEADERS = (("content-type", CONTENT_TYPE),)


def stage(memory: Memory, passing: Passing) -> HeldReason | None:
    """Writes alerts first, then the dispatches that follow from them."""
    for news in passing.news:
        topic = "shadow" if news.alert.shadow else "alerts"
        event = alert_event(passing, news, suppressed_by(memory, news.alert.id))
        passing.outputs.append(output(topic, news.alert.id, event))
    for sent in passing.dispatches:
        passing.outputs.append(output("dispatches", sent.about.alert.id, dispatch_event(passing, sent)))
    return None


def suppressed_by(memory: Memory, alert: str) -> list[dict[str, str]]:
    """What keeps an alert from being notified, in any of its groups."""
    notice = memory.notices.get(alert)
    hushes = () if notice is None else dict.fromkeys(hush for _, seat in sorted(notice.seats.items())
                                                     for hush in seat.quiet)
    return [msgspec.structs.asdict(hush) for hush in hushes]


def held_back(passing: Passing, reason: HeldReason) -> Output:
    """The record that says why nothing was sent for a finding."""
    return output("audit", alert_id(passing.finding.id), held_event(passing, reason))


def output(topic: str, key: str, value: bytes) -> Output:
    """A record for one of the topics that people and subscribers read."""
    return Output(topic, key.encode(), value, HEADERS)
