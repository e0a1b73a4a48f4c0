"""Fifth stage: `suppress_for` after an opening was sent, further ones of its rule and key are held back.

A straggler is held back by what was sent before it and by what was sent, earlier, for a time after it: so
every opening that was sent is remembered as long as its alert.

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
from streams.respond.rows import Held, Sent
from streams.respond.state import Memory


def stage(memory: Memory, passing: Passing) -> HeldReason | None:
    """Holds back a new finding, or news of one that is held back."""
    finding = passing.finding
    known = memory.held.get(finding.id)
    if known is not None:
        if known.reason != HeldReason.SUPPRESSED:
            return None  # the limit decides
        remember(memory, finding)
        return HeldReason.SUPPRESSED
    span = 0 if passing.rule is None else passing.rule.suppress_for
    if finding.change == RETRACTED:
        _withdraw(memory, passing, span)
        return None
    if passing.alert is not None or not span:
        return None
    if memory.sent_near(_of(passing, finding), finding.opened, span):
        remember(memory, finding)
        return HeldReason.SUPPRESSED
    _sent(memory, passing, finding, span)
    return None


def _of(passing: Passing, finding: Finding) -> str:
    """What openings have in common that hold each other back."""
    return identity("sent", finding.rule, passing.shadow, finding.key)


def _name(passing: Passing, finding: Finding) -> str:
    return f"{_of(passing, finding)}/{finding.id}"


def _sent(memory: Memory, passing: Passing, finding: Finding, span: Micros) -> None:
    """An opening is sent."""
    until = memory.ends(finding.rule, finding.opened + span)
    memory.put("sent", _name(passing, finding), Sent(finding.opened, finding.id, until, finding.rule))


def unsent(memory: Memory, passing: Passing) -> None:
    """The opening was not sent after all: it suppresses nothing."""
    name = _name(passing, passing.finding)
    if name in memory.sent:
        memory.drop("sent", name)


def remember(memory: Memory, finding: Finding, reason: HeldReason = HeldReason.SUPPRESSED) -> None:
    """Keep what is held back, as long as more can come of it."""
    if finding.change == RETRACTED:
        memory.drop("held", finding.id)
    else:
        memory.put("held", finding.id, Held(finding, memory.ends(finding.rule, finding.closed), reason.value))


def _withdraw(memory: Memory, passing: Passing, span: Micros) -> None:
    """A finding that has an alert is retracted: what it held back may come forward."""
    finding = passing.finding
    unsent(memory, passing)
    held = memory.held.get(finding.merged_into)
    if held is not None and held.finding.rule == finding.rule:
        heir = passing.heir = held.finding
        memory.drop("held", heir.id)
        if span:
            _sent(memory, passing, heir, span)
