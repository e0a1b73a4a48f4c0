"""Last stage: what there is to tell becomes records on the topics that people and subscribers read."""

from __future__ import annotations

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
        passing.outputs.append(output(topic, news.alert.id, alert_event(passing, news)))
    for sent in passing.dispatches:
        passing.outputs.append(output("dispatches", sent.about.alert.id, dispatch_event(passing, sent)))
    return None


def held_back(passing: Passing, reason: HeldReason) -> Output:
    """The record that says why nothing was sent for a finding."""
    return output("audit", alert_id(passing.finding.id), held_event(passing, reason))


def output(topic: str, key: str, value: bytes) -> Output:
    """A record for one of the topics that people and subscribers read."""
    return Output(topic, key.encode(), value, HEADERS)
