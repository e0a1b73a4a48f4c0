"""backtest: rules over files of records, with the folds of the service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from streams.clocks import rfc3339
from streams.findings import RETRACTED, Finding
from streams.records import Micros
from streams.rules import Bundle
from streams.tools.replay import Replay, batches


class Backtest:
    """One run. `emissions` gives every finding as it is told; `final` the last word on each.

    `now` is the wall: an event that happens later than that is a dead letter.
    """

    def __init__(self, bundle: Bundle, inputs: Sequence[tuple[str, Path]], order: str = "arrival",
                 finish: bool = False, now: Micros | None = None) -> None:
        self.bundle, self.inputs, self.order, self.beyond, self.now = bundle, inputs, order, finish, now
        self.replay = Replay(bundle, [name for name, _ in inputs], order == "arrival", now)
        self.changes: Counter[str] = Counter()

    def emissions(self, progress: Callable[[int], None] = lambda number: None) -> Iterator[Finding]:
        """Every finding in the order it is told; `progress` hears how many records were read."""
        for source, records in batches(self.bundle, self.inputs, self.order, self.now):
            yield from self._counted(self.replay.take(source, records))
            progress(len(records))
        yield from self._counted(self.replay.finish(self.beyond))

    def final(self, progress: Callable[[int], None] = lambda number: None) -> list[Finding]:
        """The last word on each finding, by opening, rule and key."""
        last = {finding.id: finding for finding in self.emissions(progress)}
        return sorted(last.values(), key=lambda f: (f.opened, f.rule, str(f.key), f.id))

    def summary(self) -> dict[str, Any]:
        """What became of the records and how often each change was told."""
        return {**self.replay.summary(), "changes": dict(sorted(self.changes.items())),
                "open_keys": self.replay.engine.open_keys}

    def _counted(self, findings: list[Finding]) -> list[Finding]:
        for finding in findings:
            self.changes[finding.change] += 1
        return findings


def state_of(finding: Finding) -> str:
    """open, closed or retracted."""
    if finding.change == RETRACTED:
        return "retracted"
    return "open" if finding.closed is None else "closed"


def final_line(finding: Finding) -> dict[str, Any]:
    """A finding as the fixed interface of `tocsin backtest` writes it."""
    return {
        "finding": finding.id, "rule": finding.rule, "key": finding.key, "state": state_of(finding),
        "opened_at": rfc3339(finding.opened), "closed_at": None if finding.closed is None else rfc3339(finding.closed),
        "evidence": finding.evidence, "value": finding.value, "corrections": finding.corrections,
    }


def log_line(finding: Finding) -> dict[str, Any]:
    """One emission: the final line's fields, what changed, when and why."""
    return {**final_line(finding), "change": finding.change, "sequence": finding.sequence, "at": rfc3339(finding.at),
            "cause": finding.cause, "merged_into": finding.merged_into}
