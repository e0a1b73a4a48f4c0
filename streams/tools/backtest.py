"""backtest: rules over files of records or over accepted events, with the folds of the service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from streams.clocks import AFTER_ALL, BEFORE_ALL, rfc3339
from streams.findings import RETRACTED, Finding, Reading
from streams.frames import AcceptedRow
from streams.ingest.intake import Taken
from streams.records import Micros
from streams.rules import Bundle
from streams.tools.backtesting.events import EventLog, EventsReplay
from streams.tools.backtesting.jobs import Jobs, Told, ordered
from streams.tools.replay import Replay, batches

Progress = Callable[[int], None]
Batches: TypeAlias = Generator[tuple[int, Taken], None, None]


class Span(msgspec.Struct, frozen=True):
    """Which findings are told: those that opened in it. The first instant is in it, the last is not."""

    since: Micros = BEFORE_ALL
    until: Micros = AFTER_ALL

    def holds(self, finding: Finding) -> bool:
        """Whether the finding opened in it."""
        return self.since <= finding.opened < self.until


class Backtest:
    """One run. `emissions` gives every finding as it is told; `final` the last word on each.

    `inputs` are files by source; with `events` the log is read in their place. `now` is the wall: an event
    that happens later than that is a dead letter. With several `jobs` only `final` can be asked. `total` is
    how many records there are, where that is known; `first` and `last` are the times of events.
    """

    def __init__(self, bundle: Bundle, inputs: Sequence[tuple[str, Path]] = (), order: str = "arrival",
                 finish: bool = False, now: Micros | None = None, *, events: EventLog | None = None,
                 span: Span | None = None, jobs: int = 1, vitals: bool = False) -> None:
        bundle = bundle if vitals else msgspec.structs.replace(bundle, indicators={})
        self.bundle, self.inputs, self.order, self.beyond, self.now = bundle, inputs, order, finish, now
        self.span = span or Span()
        self.changes: Counter[str] = Counter()
        self.total: int | None = None
        self.first: Micros | None = None
        self.last: Micros | None = None
        self.replay, self._taken = self._of_files() if events is None else self._of_events(events)
        self._jobs = Jobs(bundle, self.replay.intakes, jobs) if jobs > 1 else None
        self._told: Told | None = None
        self._open: set[str] = set()

    def emissions(self, progress: Progress = lambda number: None) -> Iterator[Finding]:
        """Every finding of the span in the order it is told; `progress` hears how many records were read."""
        return (finding for finding in self._all(progress) if self.span.holds(finding))

    def steps(self, progress: Progress = lambda number: None) -> Iterator[tuple[list[Finding], list[Reading]]]:
        """What each step told: findings, and readings of indicators (with `vitals`)."""
        for findings in self._steps(progress):
            yield findings, self.replay.engine.readings

    def _all(self, progress: Progress) -> Iterator[Finding]:
        for findings in self._steps(progress):
            yield from findings

    def _steps(self, progress: Progress) -> Iterator[list[Finding]]:
        with closing(self._taken) as stream:  # at once: a log that is left open is no garbage
            for number, taken in stream:
                yield self._counted(self.replay.pass_on(taken))
                progress(number)
                if self._over():
                    break
        for taken in self.replay.rest(self.beyond):
            yield self._counted(self.replay.pass_on(taken))

    def final(self, progress: Progress = lambda number: None) -> list[Finding]:
        """The last word on each finding, by opening, rule and key."""
        if self._jobs is not None:
            self.replay.detect = self._jobs.send
        last = {finding.id: finding for finding in self._all(progress)}  # a correction may bring one into the span
        if self._jobs is not None:
            self._told = self._jobs.close()
            last = {finding.id: finding for finding in self._told.final}
            self.changes.update(self._told.changes)
            router = self.replay.engine.onward.router
            router.counts.update(dict(self._told.routed))
            router.guardian.exceptions.update(dict(self._told.exceptions))
        return ordered(finding for finding in last.values() if self.span.holds(finding))

    def summary(self) -> dict[str, Any]:
        """What became of the records and how often each change was told."""
        keys = self.replay.engine.open_keys if self._told is None else self._told.open_keys
        return {**self.replay.summary(), "changes": dict(sorted(self.changes.items())), "open_keys": keys}

    @property
    def seen(self) -> tuple[Micros | None, Micros | None]:
        """The times of the first event and of the last, of the span; None where there is none in it."""
        if self.first is None or self.last is None:
            return None, None
        first, last = max(self.first, self.span.since), min(self.last, self.span.until - 1)
        return (first, last) if first <= last else (None, None)

    def _of_files(self) -> tuple[Replay, Batches]:
        replay = Replay(self.bundle, [name for name, _ in self.inputs], self.order == "arrival", self.now)
        return replay, self._read_files(replay)

    def _read_files(self, replay: Replay) -> Batches:
        for name, records in batches(self.bundle, self.inputs, self.order, self.now):
            taken = replay.intakes[name].take(records)
            self._see(taken.events)
            yield len(records), taken

    def _of_events(self, events: EventLog) -> tuple[Replay, Batches]:
        survey = events.survey()
        self.total = survey.total
        replay = EventsReplay(self.bundle, survey)
        return replay, self._read_events(replay, events.rows(survey))

    def _read_events(self, replay: EventsReplay, batches: Generator[list[AcceptedRow], None, None]) -> Batches:
        with closing(batches) as stream:
            for rows in stream:
                self._see(rows)
                yield len(rows), replay.accepted(rows)

    def _see(self, rows: Sequence[AcceptedRow]) -> None:
        """Remember the time of the first event and of the last."""
        times = [row.event.time for row in rows]
        self.first = min([*times, *([] if self.first is None else [self.first])], default=None)
        self.last = max([*times, *([] if self.last is None else [self.last])], default=None)

    def _counted(self, findings: list[Finding]) -> list[Finding]:
        """The same; which of those that the span holds are open is remembered."""
        for finding in findings:
            self.changes[finding.change] += 1
            if state_of(finding) == "open" and self.span.holds(finding):
                self._open.add(finding.id)
            else:
                self._open.discard(finding.id)
        return findings

    def _over(self) -> bool:
        """Whether nothing more can be told of the span."""
        until = self.span.until
        if until == AFTER_ALL or self._jobs is not None or self._open:
            return False
        return self.replay.clock > until + self.replay.reach()


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
