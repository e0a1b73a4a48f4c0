"""Sixth stage: after as many alerts of a rule as its `limit` allows, further ones are held back and counted.

`limit: {alerts: 20, per: 1h}`: an opening is held back while 20 alerts of the rule were sent within the hour before
it, by the time of the rule's feeds. What was sent goes on: it is updated and resolved as ever. One more alert says
that others are held back, how many, since when and of which keys most; it is told again at 2, 5, 10, 20, 50 ...
and ends once none was held back for `per`: by the feeds' time or, where nothing moves that, by the wall, which
comes as ticks. Alerts of severity `extreme` are never held back, and what becomes extreme comes forward.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from streams.clocks import show_duration, zone_of
from streams.findings import CLOSED, OPENED, RETRACTED, UPDATED, Finding, FindingRow
from streams.reasons import HeldReason
from streams.records import Micros
from streams.respond import publish, suppress
from streams.respond.identity import identity
from streams.respond.life import FIRING, RESOLVED
from streams.respond.life import UPDATED as TOLD_AGAIN
from streams.respond.passing import News, Output, Passing
from streams.respond.picture import View, view_of
from streams.respond.rows import AlertState, Flood, Words
from streams.respond.state import Memory
from streams.respond.view import instant, severity_of, stamp
from streams.rules import SEVERITIES, Bundle, Limit, Rule
from streams.texts import show, show_part

NEVER = "extreme"
KEYS_KEPT = 200
KEYS_SHOWN = 5
NEWS: dict[str, str] = {FIRING: OPENED, TOLD_AGAIN: UPDATED, RESOLVED: CLOSED}


def stage(memory: Memory, passing: Passing) -> HeldReason | None:
    """Holds back a new finding over the limit, or news of one that is held back."""
    rule, finding = passing.rule, passing.finding
    if finding.id in memory.held:
        return _again(memory, passing)
    if rule is None or rule.limit is None or passing.alert is not None or finding.change == RETRACTED:
        return None
    severity = severity_of(rule, view_of([finding]))
    if severity == NEVER:
        return None
    flood, now = _flood(memory, passing), memory.time(rule.id)
    flood.told = [at for at in flood.told if at > now - rule.limit.per]
    if len(flood.told) < rule.limit.alerts:
        flood.told.append(now)
        _keep(memory, flood, rule.limit.per)
        return None
    _hold(memory, passing, flood, severity)
    return HeldReason.OVER_LIMIT


def ending(memory: Memory, bundle: Bundle, place: tuple[int, int], tick: Micros | None = None) -> Iterator[Output]:
    """What is told of floods that are over, after a row at `place` of the input; `tick` if that was the wall."""
    for name in sorted(memory.flooding):
        flood = memory.floods[name]
        rule = bundle.rules.get(flood.rule)
        limit = None if rule is None else rule.limit
        if limit is not None and not _over(memory, flood, limit, tick):
            continue
        end = memory.time(flood.rule) if limit is None else flood.last + limit.per
        yield _told(memory, bundle, place, flood, RESOLVED, max(flood.last, end))
        flood.alert = ""
        _keep(memory, flood, 0 if limit is None else limit.per)


def _again(memory: Memory, passing: Passing) -> HeldReason | None:
    """News of a finding that is held back: it stays so, unless it has become extreme."""
    rule, finding = passing.rule, passing.finding
    if finding.change != RETRACTED and rule is not None and severity_of(rule, view_of([finding])) == NEVER:
        memory.drop("held", finding.id)
        return None
    suppress.remember(memory, finding, HeldReason.OVER_LIMIT)
    return HeldReason.OVER_LIMIT


def _flood(memory: Memory, passing: Passing) -> Flood:
    name = _name(passing.finding.rule, passing.shadow)
    return memory.floods.get(name) or Flood(passing.finding.rule, passing.shadow, [])


def _name(rule: str, shadow: bool) -> str:
    return f"{'shadow' if shadow else 'alerts'}/{rule}"


def _keep(memory: Memory, flood: Flood, per: Micros) -> None:
    """Remember it as long as anything can follow from it."""
    flood.forget = None if flood.alert else memory.time(flood.rule) + per
    memory.put("flood", _name(flood.rule, flood.shadow), flood)


def _hold(memory: Memory, passing: Passing, flood: Flood, severity: str) -> None:
    """Count a finding and, from time to time, tell how many there are."""
    finding = passing.finding
    suppress.unsent(memory, passing)
    suppress.remember(memory, finding, HeldReason.OVER_LIMIT)
    change = TOLD_AGAIN if flood.alert else FIRING
    if not flood.alert:
        flood.alert, flood.sequence = identity("limit", finding.id), 0
        flood.since, flood.count, flood.keys, flood.severity = memory.time(finding.rule), 0, {}, SEVERITIES[0]
    flood.last, flood.quiet, flood.count = memory.time(finding.rule), None, flood.count + 1
    flood.severity = max(flood.severity, severity, key=SEVERITIES.index)
    key = ", ".join(show_part(name, value) for name, value in finding.key.items())
    if key in flood.keys or len(flood.keys) < KEYS_KEPT:
        flood.keys[key] = flood.keys.get(key, 0) + 1
    if str(flood.count).rstrip("0") in ("1", "2", "5"):
        passing.beside.append(_told(memory, passing.bundle, passing.place, flood, change, None))
    _keep(memory, flood, 0)


def _over(memory: Memory, flood: Flood, limit: Limit, tick: Micros | None) -> bool:
    """Whether nothing was held back for `per`: by the feeds' time, or between two ticks of the wall."""
    if memory.time(flood.rule) > flood.last + limit.per:
        return True
    if tick is not None and flood.quiet is None:
        flood.quiet = tick
        _keep(memory, flood, 0)
    return tick is not None and flood.quiet is not None and tick - flood.quiet >= limit.per


def _told(memory: Memory, bundle: Bundle, place: tuple[int, int], flood: Flood, change: str,
          closed: Micros | None) -> Output:
    """The record about a flood."""
    flood.sequence += 1
    rule = bundle.rules.get(flood.rule)
    digest = _digest(flood, None if rule is None else rule.limit)
    if rule is not None:
        flood.words = _words(bundle, rule, flood, digest)
    assert flood.words is not None, "a rule that is gone was there when its flood began"
    finding = Finding(flood.alert, flood.sequence, NEWS[change], flood.rule, "", {}, flood.since, closed, flood.count,
                      [], flood.count, at=memory.time(flood.rule), cause=HeldReason.OVER_LIMIT)
    view = View(flood.since, closed, False, flood.count, flood.count, [], None, {}, {}, 0, "")
    alert = AlertState(flood.alert, flood.rule, place, flood.shadow, "")
    state = FIRING if closed is None else RESOLVED
    passing = Passing(bundle, FindingRow("respond", 0, *place, finding), place)
    passing.news.append(News(alert, change, state, flood.sequence, view, flood.words, digest=digest))
    publish.stage(memory, passing)
    return passing.outputs[0]


def _digest(flood: Flood, limit: Limit | None) -> dict[str, Any]:
    """What is held back, for programs."""
    most = sorted(flood.keys.items(), key=lambda pair: (-pair[1], pair[0]))[:KEYS_SHOWN]
    return {
        "held_back": flood.count, "since": stamp(flood.since), "last": stamp(flood.last),
        "limit": None if limit is None else limit.alerts, "per": None if limit is None else show_duration(limit.per),
        "keys": [{"key": key, "held_back": count} for key, count in most],
    }


def _words(bundle: Bundle, rule: Rule, flood: Flood, digest: dict[str, Any]) -> Words:
    """What is held back, for people."""
    since = show(instant(flood.since), zone_of(bundle.city.zone))
    most = "; ".join(f"{one['key']} ({one['held_back']})" for one in digest["keys"] if one["key"])
    of_keys = f", most of {most}" if most else ""
    summary = f"{digest['limit']} alerts of this rule are sent within {digest['per']}. Since {since} {flood.count} more"
    return Words(
        title=f"{rule.title}: {flood.count} more alerts than its limit allows",
        summary=f"{summary} were held back{of_keys}.", headline=rule.title, severity=flood.severity,
        category=rule.alert.category or "Other", certainty="observed", owner=rule.owner, runbook=rule.alert.runbook,
    )
