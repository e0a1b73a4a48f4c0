"""Third stage: findings of rules that are only observed go to the shadow topic.

They pass all stages as others do, so that what is seen there is what would be sent; but no
dispatch follows. An alert stays to its end on the topic that it began on.
"""

from __future__ import annotations

from streams.reasons import HeldReason
from streams.respond.passing import Passing
from streams.respond.state import Memory


def stage(memory: Memory, passing: Passing) -> HeldReason | None:
    """Decides for a new alert; lets everything go on."""
    rule = passing.rule
    passing.shadow = passing.finding.shadow or (rule is not None and rule.shadow)
    known = memory.alert_with(passing.finding.id)
    if known is not None:
        passing.alert = known
        passing.shadow = passing.alert.shadow
    return None
