"""The story of a rule from files of records: a backtest that remembers what came."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from streams.clocks import BEFORE_ALL
from streams.composites import bases, feeds
from streams.conditions import EvalError
from streams.findings import Finding
from streams.formats import FormatError, decoder
from streams.ingest.intake import DeadLetter, Intake, Record, Taken
from streams.ingest.mapping import Mapper
from streams.reasons import Fate
from streams.records import Micros
from streams.rules import Bundle, Rule
from streams.tools.explain.asking import names
from streams.tools.explain.story import Arrived, Story, answer
from streams.tools.replay import Replay, batches

Progress = Callable[[int], None]


class Witness(Replay):
    """A replay that notes the fate of each record for one rule."""

    def __init__(self, bundle: Bundle, rule: Rule, sources: Iterable[str], wall_is_received: bool,
                 now: Micros | None) -> None:
        super().__init__(bundle, sources, wall_is_received, now)
        self.story = Story(bundle, rule, frozenset(self.intakes))
        self.feeds = feeds(bundle, rule)
        self._came: dict[str, Micros] = {}

    def take(self, source: str, records: Iterable[Record]) -> list[Finding]:
        """Fold a batch of one source's records, and remember what concerns the rule."""
        intake, batch = self.intakes[source], list(records)
        taken = intake.take(batch)
        if source in self.feeds:
            self._note(intake, batch, taken)
        found = self.pass_on(taken)
        clock = self.engine.clock(self.story.rule.id)
        if self.story.since == BEFORE_ALL:
            self.story.since = clock
        return found

    def close(self) -> None:
        """How far the clocks have come in the end."""
        story = self.story
        story.clock = self.engine.clock(story.rule.id)
        story.clocks = {name: intake.clock for name, intake in self.intakes.items()}

    def _note(self, intake: Intake, batch: Sequence[Record], taken: Taken) -> None:
        rows = {row.event.offset: (Fate.EVENT, row) for row in taken.events}
        rows |= {row.event.offset: (Fate.LATE, row) for row in taken.late}
        dead = {letter.offset: letter for letter in taken.dead}
        name = intake.source.id
        for record in batch:
            place = f"row {record.row}"
            if record.offset in rows:
                fate, row = rows[record.offset]
                self._came[name] = row.event.received
                self.story.note(Arrived(fate, name, place, row.clock, row.event))
            elif record.offset in dead:
                told = dead_one(intake.mapper, dead[record.offset], place, record, self._came.get(name))
                self.story.note(told)
            else:
                self.story.note(Arrived(Fate.DUPLICATE, name, place, intake.clock, intake.probe(record)))


def dead_one(mapper: Mapper, letter: DeadLetter, place: str, record: Record, came: Micros | None) -> Arrived:
    """A dead letter with its time and type, as far as they can be read; without, its time is when it `came`."""
    time, kind = None, ""
    with contextlib.suppress(FormatError):
        fields = decoder(mapper.source.format)(record.value, record.headers)
        time, kind = read_time(mapper, fields, record.row), read_type(mapper, fields, record.row)
    text = letter.record if letter.encoding == "text" else record.value.decode(errors="replace")
    return Arrived(Fate.DEAD, letter.source, place, BEFORE_ALL, None, letter.reason, letter.problem, text,
                   came if time is None else time, kind)


def read_time(mapper: Mapper, fields: Mapping[str, Any], row: int) -> Micros | None:
    """The event time of a decoded record; None if it cannot be read."""
    try:
        return mapper.time(mapper.mapping.time.value(fields, row))
    except (EvalError, ValueError, TypeError, OverflowError):
        return None


def read_type(mapper: Mapper, fields: Mapping[str, Any], row: int) -> str:
    """The event type of a decoded record; "" if it cannot be read."""
    try:
        return str(mapper.mapping.type(fields, row))
    except EvalError:
        return ""


class Files(msgspec.Struct, frozen=True):
    """Files of records by source, and how a backtest reads them. `now` is the wall; None: as the files have it.

    `finish`: let time run on until nothing waits any more.
    """

    inputs: Sequence[tuple[str, Path]]
    order: str = "arrival"
    finish: bool = False
    now: Micros | None = None


def story_of_files(bundle: Bundle, rule: Rule, files: Files, progress: Progress = lambda number: None) -> Story:
    """What files of records tell of a rule."""
    wall_is_received = files.order == "arrival"
    witness = Witness(bundle, rule, [name for name, _ in files.inputs], wall_is_received, files.now)
    told = list(_replayed(witness, files, progress))
    witness.close()
    return told_in(witness.story, told)


def finding_in_files(bundle: Bundle, files: Files, wanted: str, progress: Progress = lambda number: None
                     ) -> Finding | None:
    """The last word on a finding that is named, or on the first one of an alert that is named."""
    replay = Replay(bundle, [name for name, _ in files.inputs], files.order == "arrival", files.now)
    last: Finding | None = None
    for finding in _replayed(replay, files, progress):
        if names(finding, wanted):
            last = finding
    return last


def _replayed(replay: Replay, files: Files, progress: Progress) -> Iterator[Finding]:
    for source, records in batches(replay.bundle, files.inputs, files.order, files.now):
        yield from replay.take(source, records)
        progress(len(records))
    yield from replay.finish(files.finish)


def told_in(story: Story, told: Sequence[Finding]) -> Story:
    """The story with what was told: of the rule and of those it reads, and what respond made of it."""
    names = {story.rule.id, *(base.id for base in bases(story.bundle, story.rule))}
    story.told = [finding for finding in told if finding.rule in names]
    story.envelopes = answer(story.bundle, story.rule.id, told)
    return story
