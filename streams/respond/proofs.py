"""Which alerts of a group stand for findings that name an event: what merges alerts looks them up by it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from streams.findings import Finding
from streams.respond.picture import is_instant


class Grouped(Protocol):
    """What an alert must have: its id, and its group, "" where it is never merged."""

    id: str
    group: str


class Proofs:
    """By group and event: of each alert how many findings name the event, and how many of those are of an instant."""

    def __init__(self) -> None:
        self._alerts: dict[tuple[str, str], dict[str, list[int]]] = {}

    def add(self, alert: Grouped, finding: Finding) -> None:
        """An alert stands for a finding."""
        self._add(alert, finding.evidence, is_instant(finding))

    def remove(self, alert: Grouped, finding: Finding) -> None:
        """It stands for it no more."""
        self._remove(alert, finding.evidence, is_instant(finding))

    def replace(self, alert: Grouped, before: Finding, after: Finding) -> None:
        """It stands for other content of a finding, which mostly names one event more."""
        instant = is_instant(after)
        if instant != is_instant(before):
            self.remove(alert, before)
            self.add(alert, after)
        elif before.evidence != after.evidence:
            old, new = set(before.evidence), set(after.evidence)
            self._remove(alert, [event for event in before.evidence if event not in new], instant)
            self._add(alert, [event for event in after.evidence if event not in old], instant)

    def _add(self, alert: Grouped, events: Iterable[str], instant: bool) -> None:
        for event in events if alert.group else ():
            counts = self._alerts.setdefault((alert.group, event), {}).setdefault(alert.id, [0, 0])
            counts[0] += 1
            counts[1] += instant

    def _remove(self, alert: Grouped, events: Iterable[str], instant: bool) -> None:
        for event in events if alert.group else ():
            alerts = self._alerts[alert.group, event]
            counts = alerts[alert.id]
            counts[0] -= 1
            counts[1] -= instant
            if not counts[0]:
                del alerts[alert.id]
            if not alerts:
                del self._alerts[alert.group, event]

    def sharing(self, group: str, finding: Finding, instants: bool) -> set[str]:
        """The alerts of a group that name an event of a finding; with `instants` only in findings of an instant."""
        return {alert for event in finding.evidence for alert, counts in self._alerts.get((group, event), {}).items()
                if counts[1] or not instants}
