"""Fourth stage: `suppress_for` after an opening was sent, further ones of its rule and key are held back.

It is decided when a finding arrives and not revised: what happens to a held-back finding later is
held back too. A retracted opening suppresses nothing more, and a held-back finding that took over
its evidence takes over its alert, so that the truth does not vanish with the mistake.
"""

from __future__ import annotations

from streams.findings import RETRACTED, Finding
from streams.reasons import HeldReason
from streams.records import Micros
from streams.respond.identity import identity
from streams.respond.passing import Passing
from streams.respond.state import Held, Memory, Sent


def stage(memory: Memory, passing: Passing) -> HeldReason | None:
    """Holds back a new finding, or news of one that is held back."""
    finding = passing.finding
    if finding.id in memory.held:
        _remember(memory, finding)
        return HeldReason.SUPPRESSED
    span = 0 if passing.rule is None else passing.rule.suppress_for
    name = identity("sent", finding.rule, passing.shadow, finding.key)
    if finding.change == RETRACTED:
        _withdraw(memory, passing, name, span)
        return None
    if passing.alert is not None or not span:
        return None
    sent = memory.sent.get(name)
    if sent is not None and abs(finding.opened - sent.opened) < span:
        _remember(memory, finding)
        return HeldReason.SUPPRESSED
    _sent(memory, name, finding, span, sent)
    return None


def _sent(memory: Memory, name: str, finding: Finding, span: Micros, before: Sent | None) -> None:
    """An opening is sent. A straggler from before the newest one does not move the count back."""
    if before is None or finding.opened > before.opened:
        until = max(finding.opened + span, memory.head.newest) + memory.retention
        memory.put("sent", name, Sent(finding.opened, finding.id, until))


def _remember(memory: Memory, finding: Finding) -> None:
    """Keep what is held back, as long as more can come of it."""
    if finding.change == RETRACTED:
        memory.drop("held", finding.id)
    else:
        memory.put("held", finding.id, Held(finding, memory.ends(finding.closed)))


def _withdraw(memory: Memory, passing: Passing, name: str, span: Micros) -> None:
    """A finding that has an alert is retracted: what it held back may come forward."""
    finding = passing.finding
    sent = memory.sent.get(name)
    if sent is not None and sent.finding == finding.id:
        memory.drop("sent", name)
    held = memory.held.get(finding.merged_into)
    if held is not None and held.finding.rule == finding.rule:
        heir = passing.heir = held.finding
        memory.drop("held", heir.id)
        _sent(memory, identity("sent", heir.rule, passing.shadow, heir.key), heir, span, None)
