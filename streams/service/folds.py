"""The pure folds as a stage runs them: bytes in, entries for other topics out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import msgspec

from streams import findings, frames
from streams.clocks import BEFORE_ALL
from streams.detect.engine import Engine
from streams.findings import OPENED, Finding, FindingRow, ReadingRow, ResponseFrame, TickRow
from streams.ingest.guards import outlived
from streams.logs import Entry, Outgoing
from streams.reasons import DeadReason
from streams.records import Micros
from streams.respond import Respond
from streams.rules import Bundle
from streams.service.letters import dead_letter
from streams.topics import Topics

DETECT = "detect"
SWITCHED = "detect/switched"  # a sender of its own: these stand before the rows that a replay repeats


class DetectFold:
    """A partition of `tocsin.work` → `tocsin.respond`."""

    def __init__(self, bundle: Bundle, topics: Topics, partition: int, partitions: int) -> None:
        self.topics = topics
        self.engine = Engine(bundle, partition, partitions)
        self.partition = partition
        self.key = f"detect/{partition}".encode()
        self.told: Counter[tuple[str, str]] = Counter()
        self.exceptions: Counter[tuple[str, str, str]] = Counter()

    @property
    def offset(self) -> int:
        """The offset of the last frame folded."""
        return self.engine.offset

    @offset.setter
    def offset(self, offset: int) -> None:
        self.engine.offset = offset

    def step(self, offset: int, value: bytes) -> list[Outgoing]:
        """Fold a frame; its findings are one frame again, marked by this one's offset."""
        try:
            frame = frames.decode_work(value)
        except (msgspec.DecodeError, ValueError) as error:
            self.engine.offset = offset
            return [poison(self.topics, self.topics.work, self.partition, offset, value, error)]
        found = self.engine.step(offset, frame)
        return [*self._onward(frame.bundle), *self._told(offset, found)]

    def _onward(self, bundle: str) -> Iterator[Outgoing]:
        """Findings as events, back to the topic that this fold reads."""
        for partition, rows in self.engine.onward.rows.items():
            for value in frames.work_frames(bundle, rows):
                yield Outgoing(self.topics.work, partition, self.key, value)

    def _told(self, offset: int, found: list[Finding]) -> list[Outgoing]:
        for finding in found:
            self.told[finding.rule, finding.change] += 1
            rule = self.engine.bundle.rules.get(finding.rule)
            if rule is not None and rule.exemptions and finding.change == OPENED:
                self.exceptions.update(outlived(rule, finding))
        rows: list[FindingRow | ReadingRow] = [
            FindingRow(SWITCHED if row < self.engine.switched else DETECT, self.partition, offset, row, finding)
            for row, finding in enumerate(found)]
        rows += [ReadingRow(DETECT, self.partition, offset, row, reading)
                 for row, reading in enumerate(self.engine.readings, len(rows))]
        return [Outgoing(self.topics.respond, 0, self.key, frame) for frame in findings.frames(rows)]

    def changed(self) -> dict[bytes, bytes | None]:
        """See `Engine.changed`."""
        return self.engine.changed()

    def restore(self, rows: Mapping[bytes, bytes]) -> None:
        """See `Engine.restore`."""
        self.engine.restore(rows)


class RespondFold:
    """A partition of `tocsin.respond` → what people and subscribers read."""

    def __init__(self, bundle: Bundle, topics: Topics, partition: int) -> None:
        self.topics = topics
        self.fold = Respond(bundle)
        self.partition = partition
        self.sent: Counter[str] = Counter()
        self._ticked = BEFORE_ALL

    @property
    def offset(self) -> int:
        """The offset of the last frame folded."""
        return self.fold.offset

    @offset.setter
    def offset(self, offset: int) -> None:
        self.fold.offset = offset

    @property
    def overdue(self) -> bool:
        """See `Respond.overdue`."""
        return self.fold.overdue

    @property
    def waits(self) -> bool:
        """See `Respond.waits`."""
        return self.fold.waits

    def needs_tick(self, wall: Micros) -> bool:
        """Whether something is due by the wall for which no tick was written yet."""
        due = self.fold.due
        return due is not None and self._ticked < due <= wall

    def tick(self, at: Micros) -> Outgoing:
        """The wall time as an entry of this fold's own input."""
        self._ticked = at
        frame = findings.encode(ResponseFrame([TickRow(at)]))
        return Outgoing(self.topics.respond, self.partition, b"tick", frame)

    def step(self, offset: int, value: bytes) -> list[Outgoing]:
        """Fold a frame; every output is one CloudEvent."""
        try:
            frame = findings.decode(value)
        except msgspec.DecodeError as error:
            self.fold.offset = offset
            return [poison(self.topics, self.topics.respond, self.partition, offset, value, error)]
        outputs = self.fold.step(offset, frame)
        for output in outputs:
            self.sent[output.topic] += 1
        return [Outgoing(self.topics.named(one.topic), 0, one.key, one.value, tuple(one.headers)) for one in outputs]

    def changed(self) -> dict[bytes, bytes | None]:
        """See `Respond.changed`."""
        return self.fold.changed()

    def restore(self, rows: Mapping[bytes, bytes]) -> None:
        """See `Respond.restore`."""
        self.fold.restore(rows)


def poison(topics: Topics, topic: str, partition: int, offset: int, value: bytes, error: Exception) -> Outgoing:
    """A dead letter for an entry of our own that cannot be read."""
    entry = Entry(topic, partition, offset, 0, None, value)
    return dead_letter(topics, f"{topic}/{partition}".encode(), entry, DeadReason.POISON_FRAME, str(error))
