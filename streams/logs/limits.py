"""What every home refuses in the same words: topics that cannot be, entries too large."""

from __future__ import annotations

from streams.logs import EntryTooLarge, LogError, Outgoing, TopicSpec


def check_spec(spec: TopicSpec) -> None:
    """Raises LogError for a topic that cannot be."""
    if not spec.name or spec.partitions < 1:
        raise LogError(f"a topic needs a name and at least one partition: {spec.name!r}, {spec.partitions}")
    if spec.retention is not None and spec.retention <= 0:
        raise LogError(f"topic {spec.name!r}: a retention is positive or none, not {spec.retention}")


def check_size(entry: Outgoing, most: int) -> None:
    """Raises EntryTooLarge for more than `most` bytes of key, value and headers."""
    size = len(entry.key or b"") + len(entry.value or b"")
    if entry.headers:
        size += sum(len(name) + len(content) for name, content in entry.headers)
    if size > most:
        raise EntryTooLarge(f"an entry of {size} bytes for {entry.topic!r}: at most {most}")
