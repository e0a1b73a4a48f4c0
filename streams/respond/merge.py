"""Fourth stage: findings of one rule and one key that share evidence are one alert.

One event that ends ten sequences is one thing that happened. The oldest alert survives, the others
close as merged; alerts never split. For a `near` rule the cell of the map is no part of the key: circles
that share an event overlap in place and in the time that they look back over, whether or not their
episodes do. But one rain gauge that serves forty covers makes forty alerts: their keys differ.
"""

from __future__ import annotations

from streams.findings import RETRACTED
from streams.places import CELL
from streams.reasons import HeldReason
from streams.respond.identity import identity
from streams.respond.passing import Passing
from streams.respond.picture import is_instant
from streams.respond.rows import AlertState
from streams.respond.state import Memory


def stage(memory: Memory, passing: Passing) -> HeldReason | None:
    """Finds the alert that a finding belongs to, joining alerts that it connects."""
    finding, group = passing.finding, group_of(passing)
    near = passing.rule is not None and bool(passing.rule.spec.get("near"))
    if not group or finding.change == RETRACTED or finding.id in memory.held:
        return None
    # of one key the episodes that last never overlap, so there only instants can meet; circles do by what they share
    touched = memory.sharing(group, finding, instants=not near) if near or is_instant(finding) else set()
    if passing.alert is not None:
        touched.add(passing.alert.id)
    alerts = sorted((memory.alerts[name] for name in touched), key=lambda alert: (alert.birth, alert.id))
    if alerts:
        passing.alert = alerts[0]
    for other in alerts[1:]:
        passing.merged.append((other, memory.view(other)))
        _join(memory, alerts[0], other)
    return None


def group_of(passing: Passing) -> str:
    """What alerts must have in common to be merged; "" for a rule that is gone."""
    rule, finding = passing.rule, passing.finding
    if rule is None:
        return ""
    cell = CELL if rule.spec.get("near") else None
    things = {name: value for name, value in finding.key.items() if name != cell}
    return identity("group", rule.id, passing.shadow, things)


def _join(memory: Memory, survivor: AlertState, other: AlertState) -> None:
    """Move the findings of one alert to another."""
    for finding in list(other.parts.values()):
        memory.detach(other, finding.id)
        memory.attach(survivor, finding)
    memory.put("alert", other.id, other)
