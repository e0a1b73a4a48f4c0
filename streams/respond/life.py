"""Seventh stage: the life of an alert: firing, updated, resolved; retracted or merged.

An episode of an instant fires once and is not resolved. What nobody would see changed is not told.
"""

from __future__ import annotations

import msgspec

from streams.findings import RETRACTED
from streams.reasons import HeldReason
from streams.respond.identity import alert_id, digest
from streams.respond.merge import group_of
from streams.respond.passing import News, Passing
from streams.respond.picture import View, view_of
from streams.respond.rows import AlertState, Words
from streams.respond.state import Memory
from streams.respond.view import shown, words_of
from streams.rules import SEVERITIES

FIRING, UPDATED, RESOLVED, RETRACTED_STATE, MERGED = "firing", "updated", "resolved", "retracted", "merged"


def stage(memory: Memory, passing: Passing) -> HeldReason | None:
    """Moves the alert on and writes down what there is to tell."""
    for other, seen in passing.merged:
        assert passing.alert is not None
        _end(memory, passing, other, seen, MERGED, passing.alert.id)
    if passing.finding.change == RETRACTED:
        _withdraw(memory, passing)
    else:
        alert = passing.alert or _born(memory, passing)
        memory.attach(alert, passing.finding)
        _tell(memory, passing, alert)
    return None if passing.news else HeldReason.UNCHANGED


def _born(memory: Memory, passing: Passing) -> AlertState:
    """A new alert; or the one that this finding began before, so that what is told goes on counting."""
    finding = passing.finding
    name, group = alert_id(finding.id), group_of(passing)
    known = memory.alerts.get(name)
    if known is None:
        return AlertState(name, finding.rule, passing.place, passing.shadow, group, {})
    known.merged_into = ""
    return known


def _withdraw(memory: Memory, passing: Passing) -> None:
    """A finding was a mistake: its alert ends, unless others, or an heir, stand for it."""
    finding, alert = passing.finding, passing.alert
    assert alert is not None, "the first stage lets only known findings be retracted"
    memory.detach(alert, finding.id)
    if passing.heir is not None:
        memory.attach(alert, passing.heir)
    if alert.parts:
        _tell(memory, passing, alert)
        return
    taker = memory.alert_with(finding.merged_into)
    state, name = (RETRACTED_STATE, "") if taker is None else (MERGED, taker.id)
    _end(memory, passing, alert, view_of([finding]), state, name)


def _end(memory: Memory, passing: Passing, alert: AlertState, seen: View, state: str, taker: str) -> None:
    """An alert ends for good."""
    alert.state, alert.merged_into = state, taker
    alert.forget = memory.ends(alert.rule, memory.time(alert.rule))
    _write(passing, alert, state, seen)
    memory.put("alert", alert.id, alert)


def _tell(memory: Memory, passing: Passing, alert: AlertState) -> None:
    """Compare what people know with what is so now, and write down the difference."""
    seen, last = memory.view(alert), alert.words
    alert.words = words_of(passing.rule, alert.rule, seen, passing.bundle, alert.words)
    alert.forget = memory.ends(alert.rule, seen.closed)
    before, told = alert.state, digest((shown(seen), alert.words))
    alert.state = FIRING if seen.closed is None or seen.instant else RESOLVED
    if not before and alert.state == RESOLVED:
        _write(passing, alert, FIRING, seen)
    if before != alert.state:
        _write(passing, alert, alert.state, seen)
    elif told != alert.told:
        _write(passing, alert, UPDATED, seen)
    alert.told = told
    memory.put("alert", alert.id, alert)
    raised = raised_from(last, alert.words)
    passing.news = [msgspec.structs.replace(news, raised_from=raised) if news.alert is alert else news
                    for news in passing.news] if raised else passing.news


def raised_from(before: Words | None, after: Words) -> str:
    """The severity that people knew, where it has become graver; else ""."""
    if before is None or SEVERITIES.index(after.severity) <= SEVERITIES.index(before.severity):
        return ""
    return before.severity


def _write(passing: Passing, alert: AlertState, change: str, seen: View) -> None:
    alert.sequence += 1
    alert.words = alert.words or words_of(passing.rule, alert.rule, seen, passing.bundle, None)
    state = alert.state if change == UPDATED else change
    passing.news.append(News(alert, change, state, alert.sequence, seen, alert.words))
