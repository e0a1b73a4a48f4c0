"""Eighth stage: where the rule says so, somebody is sent: once an alert, when it first fires.

A retraction calls them back, and so does a merger: the alert that survives has sent its own.
"""

from __future__ import annotations

from streams.reasons import HeldReason
from streams.respond.exercise import marked
from streams.respond.life import FIRING, MERGED, RETRACTED_STATE
from streams.respond.passing import DispatchNews, News, Passing
from streams.respond.rows import Sending
from streams.respond.state import Memory
from streams.respond.view import fill

REQUESTED, CANCELLED = "requested", "cancelled"


def stage(memory: Memory, passing: Passing) -> HeldReason | None:
    """Adds what there is to tell of dispatches; lets everything go on."""
    for news in passing.news:
        if news.change == FIRING:
            _request(memory, passing, news)
        elif news.change in (RETRACTED_STATE, MERGED):
            _cancel(memory, passing, news)
    return None


def _request(memory: Memory, passing: Passing, news: News) -> None:
    rule, alert = passing.rule, news.alert
    if rule is None or rule.dispatch is None or alert.sending is not None:
        return
    if alert.shadow:
        passing.withheld.append(HeldReason.SHADOW)
        return
    wanted = rule.dispatch
    instruction = marked(news.view.key, fill(wanted.instruction, rule, news.view, passing.bundle))
    alert.sending = Sending(wanted.to, wanted.priority, instruction)
    _tell(memory, passing, news, REQUESTED)


def _cancel(memory: Memory, passing: Passing, news: News) -> None:
    sending = news.alert.sending
    if sending is not None and sending.open:
        sending.open = False
        _tell(memory, passing, news, CANCELLED)


def _tell(memory: Memory, passing: Passing, news: News, change: str) -> None:
    sending = news.alert.sending
    assert sending is not None
    sending.sequence += 1
    passing.dispatches.append(DispatchNews(news, change, sending, sending.sequence))
    memory.put("alert", news.alert.id, news.alert)
