"""First stage: what was counted already, or tells of nothing known, goes no further."""

from __future__ import annotations

import msgspec

from streams.findings import CLOSED, OPENED
from streams.kinds.parts.exceedance import WARMING
from streams.reasons import HeldReason
from streams.respond.passing import Passing
from streams.respond.removed import ended
from streams.respond.state import Memory


def stage(memory: Memory, passing: Passing) -> HeldReason | None:
    """Rows at or below the sender's mark are repetitions; a finding's changes come in order.

    What a baseline found before it had learnt enough goes no further either.
    """
    finding = passing.finding
    if not memory.marked(passing.row):
        return HeldReason.REPEATED
    memory.see(finding)
    known = memory.known(finding.id)
    if known is not None and finding.sequence <= known.sequence:
        if finding.ended != HeldReason.RULE_REMOVED or known.closed is not None:
            return HeldReason.OUTDATED
        # detect was killed and has forgotten what it said last, but what is gone will say no more
        passing.finding = msgspec.structs.replace(ended(known, finding.at), change=CLOSED)
    if known is None and passing.rule is not None and passing.rule.spec.get("baseline") and finding.facts.get(WARMING):
        return HeldReason.WARMING
    if known is None and finding.change != OPENED:
        return HeldReason.UNKNOWN_FINDING
    return None
