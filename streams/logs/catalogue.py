"""What the embedded log's file holds: its topics and, for each partition, where it begins and ends."""

from __future__ import annotations

import sqlite3

import msgspec

from streams.logs import TopicSpec, UnknownTopic


class PartRow(msgspec.Struct):
    """One partition. `id` is its number in the file; `start` and `next` are offsets."""

    id: int
    topic: str
    partition: int
    start: int
    next: int


class Catalogue:
    """Topics and partitions as last read from the file, kept up to date by the one writer."""

    def __init__(self) -> None:
        self.specs: dict[str, TopicSpec] = {}
        self.parts: dict[tuple[str, int], PartRow] = {}

    def load(self, connection: sqlite3.Connection) -> None:
        """Read everything anew. Known partitions stay the same objects: a turn in hand holds them."""
        specs = connection.execute("SELECT name, partitions, compacted, retention FROM topic ORDER BY name")
        self.specs = {name: TopicSpec(name, n, bool(c), r) for name, n, c, r in specs.fetchall()}
        rows = connection.execute("SELECT id, topic, partition, start, next FROM log").fetchall()
        self.parts = {(row[1], row[2]): self._known(PartRow(*row)) for row in rows}

    def _known(self, row: PartRow) -> PartRow:
        known = self.parts.get((row.topic, row.partition))
        if known is None or known.id != row.id:
            return row
        known.start, known.next = row.start, row.next
        return known

    def spec(self, topic: str) -> TopicSpec:
        """Raises UnknownTopic."""
        found = self.specs.get(topic)
        if found is None:
            raise UnknownTopic(f"there is no topic {topic!r} in this log")
        return found

    def part(self, topic: str, partition: int) -> PartRow:
        """Raises UnknownTopic."""
        found = self.parts.get((topic, partition))
        if found is None:
            count = self.spec(topic).partitions
            raise UnknownTopic(f"topic {topic!r} has no partition {partition} (it has {count})")
        return found
