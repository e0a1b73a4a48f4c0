"""What keeps an event that a rule means out of it: off duty, or covered by an exception. Pure.

Both go by the event's own time, so a replay decides the same whenever it runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from streams.conditions import EvalError
from streams.findings import Finding
from streams.reasons import ExceptionReason, RouteReason
from streams.records import Event
from streams.rules import Exemption, Guard, Rule


def off_duty(guard: Guard, event: Event) -> bool:
    """Whether the event happened outside the rule's schedule."""
    return guard.schedule is not None and not guard.schedule.on_duty(event.time)


def outlived(rule: Rule, finding: Finding) -> Iterator[tuple[str, str, str]]:
    """The exceptions over its key that no longer keep a finding back, because they have expired; to be counted."""
    over_key = any(selector.guard is not None and not selector.guard.blocks for selector in rule.selectors)
    for exemption in rule.exemptions if over_key else ():
        if exemption.expires <= finding.opened and exemption.covers(finding.key):
            yield ExceptionReason.EXPIRED, rule.id, exemption.name


class Guardian:
    """Applies guards and counts. `counts` holds (reason, rule); `exceptions` (reason, rule, exception)."""

    def __init__(self, counts: Counter[tuple[str, str]]) -> None:
        self.counts = counts
        self.exceptions: Counter[tuple[str, str, str]] = Counter()

    def keeps_out(self, guard: Guard, rule: str, event: Event) -> bool:
        """Whether the event does not reach the rule."""
        if off_duty(guard, event):
            self.counts[RouteReason.OFF_DUTY, rule] += 1
            return True
        if not guard.exemptions:
            return False
        active = [self._applies(exemption, rule, event) for exemption in guard.exemptions]
        if not guard.blocks or True not in active:
            return False
        self.counts[RouteReason.EXCEPTED, rule] += 1
        return True

    def _applies(self, exemption: Exemption, rule: str, event: Event) -> bool:
        try:
            if exemption.where.function(event) is not True:
                return False
        except EvalError:
            self.counts[RouteReason.CONDITION_FAILED, rule] += 1
            return False
        active = event.time < exemption.expires
        reason = ExceptionReason.APPLIED if active else ExceptionReason.EXPIRED
        self.exceptions[reason, rule, exemption.name] += 1
        return active
