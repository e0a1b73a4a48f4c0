"""Second stage: rules, and logics of rules, that are there no more.

detect closes what was open under them, as far as it knows. After a crash it may not know what it had told, and
rules may be gone here before they are gone there. So with the first row after the rules changed everything open
under what is gone is closed, and what still comes of it opens nothing again. An opening that comes so late is
told with its end: under the old rules it may have been told before a crash, and who read that must not be left
with an alert that nobody closes. What was never known here (detect has newer rules) is not gone.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from streams.findings import CLOSED, RETRACTED, Finding
from streams.reasons import HeldReason
from streams.records import Micros
from streams.respond.passing import Passing
from streams.respond.rows import AlertState, Held, Known
from streams.respond.state import Memory
from streams.rules import Bundle

ENDED = HeldReason.RULE_REMOVED.value


def stage(memory: Memory, passing: Passing) -> HeldReason | None:
    """Lets nothing go on that would open again what was closed; ends what opens under a rule that is gone."""
    finding = passing.finding
    rule = memory.rules.get(ref(finding))
    if rule is None or rule.gone is None:
        return None
    known = memory.known(finding.id)
    if known is not None:
        passing.rule = None  # the words stay as they were
    if finding.change == RETRACTED:
        return None
    if known is not None and known.ended == ENDED:
        return HeldReason.RULE_REMOVED
    if finding.closed is None:
        passing.finding = ended(finding, finding.at)
    return None


def ref(finding: Finding) -> str:
    """The rule and the logic that told it, as `Rule.ref`."""
    return f"{finding.rule}@{finding.logic}"


def ended(finding: Finding, at: Micros) -> Finding:
    """The finding, closed because its rule is gone."""
    return msgspec.structs.replace(finding, closed=max(finding.opened, at), ended=ENDED, at=at, cause=ENDED)


def orphans(memory: Memory, bundle: Bundle) -> list[Finding]:
    """What is open in alerts under rules that are not in the bundle, oldest alert first."""
    refs = {rule.ref for rule in bundle.rules.values()}
    alerts = sorted(memory.alerts.values(), key=_birth)
    return [part for alert in alerts for part in alert.parts.values() if part.closed is None and ref(part) not in refs]


def learn(memory: Memory, bundle: Bundle, feeds: Mapping[str, str]) -> list[Finding]:
    """Note which rules there are from now on; the closings of what is open under the others."""
    refs = {rule.ref: feeds[rule.id] for rule in bundle.rules.values()}
    at_work = {name: row.feeds for name, row in memory.rules.items() if row.gone is None}
    if refs == at_work:
        return []
    closings = [_closing(memory, part) for part in orphans(memory, bundle)]
    for name, held in sorted(memory.held.items()):
        if held.finding.closed is None and ref(held.finding) not in refs:
            closed = _closing(memory, held.finding)
            memory.put("held", name, Held(closed, memory.ends(closed.rule, closed.closed), held.reason))
    _note(memory, refs)
    return closings


def _closing(memory: Memory, part: Finding) -> Finding:
    """The end of a finding, at the time that its feeds had come to."""
    rule = memory.rules.get(ref(part))
    clock = None if rule is None else memory.clocks.get(rule.feeds)
    at = max(part.opened, memory.head.newest if clock is None else clock.newest)
    return msgspec.structs.replace(ended(part, at), change=CLOSED)


def _note(memory: Memory, refs: Mapping[str, str]) -> None:
    """Rules that are gone are remembered as long as news of them may still be on the way."""
    now = memory.head.newest
    for name, row in sorted(memory.rules.items()):
        if name in refs:
            continue
        if row.gone is None:
            memory.put("rule", name, Known(row.feeds, now))
        elif row.gone + memory.retention < now:
            memory.drop("rule", name)
    for name, feeds in sorted(refs.items()):
        if memory.rules.get(name) != Known(feeds):
            memory.put("rule", name, Known(feeds))
    for name in sorted(set(memory.clocks) - set(refs.values())):
        memory.drop("clock", name)


def _birth(alert: AlertState) -> tuple[tuple[int, int], str]:
    return alert.birth, alert.id
