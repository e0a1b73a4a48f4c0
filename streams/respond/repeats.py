"""First stage: what was counted already, or tells of nothing known, goes no further."""

from __future__ import annotations

import msgspec

from streams.findings import CLOSED, OPENED
from streams.reasons import HeldReason
from streams.respond.passing import Passing
from streams.respond.removed import ended
from streams.respond.state import Mark, Memory


def stage(memory: Memory, passing: Passing) -> HeldReason | None:
    """Rows at or below the sender's mark are repetitions; a finding's changes come in order."""
    row, finding = passing.row, passing.finding
    sender = f"{row.sender}/{row.partition}"
    mark = memory.marks.get(sender)
    if mark is not None and (row.offset, row.row) <= (mark.offset, mark.row):
        return HeldReason.REPEATED
    memory.put("mark", sender, Mark(row.offset, row.row))
    memory.see(finding)
    known = memory.known(finding.id)
    if known is not None and finding.sequence <= known.sequence:
        if finding.ended != HeldReason.RULE_REMOVED or known.closed is not None:
            return HeldReason.OUTDATED
        # detect was killed and has forgotten what it said last, but what is gone will say no more
        passing.finding = msgspec.structs.replace(ended(known, finding.at), change=CLOSED)
    if known is None and finding.change != OPENED:
        return HeldReason.UNKNOWN_FINDING
    return None
