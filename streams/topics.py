"""The topics of a deployment: names, partitions, what is compacted and what is kept how long."""

from __future__ import annotations

from zlib import crc32

from streams.clocks import DAY
from streams.logs import TopicSpec
from streams.rules import Bundle

WORK = "tocsin.work"
EVENTS = "tocsin.events"
RESPOND = "tocsin.respond"
LATE = "tocsin.late"
DLQ = "tocsin.dlq"
ALERTS = "tocsin.alerts"
DISPATCHES = "tocsin.dispatches"
SHADOW = "tocsin.shadow"
AUDIT = "tocsin.audit"
SHORT_NAMES = {
    "alerts": ALERTS, "dispatches": DISPATCHES, "late": LATE, "dlq": DLQ, "shadow": SHADOW, "audit": AUDIT,
    "events": EVENTS,
}


def state_topic(role: str) -> str:
    """Where a role keeps its folds' state."""
    return f"tocsin.state.{role}"


def own_topics(partitions: int) -> list[TopicSpec]:
    """Tocsin's own topics. `work` must outlive the longest outage: lost state is rebuilt from it."""
    week, year = 7 * DAY, 365 * DAY
    return [
        TopicSpec(WORK, partitions, retention=week),
        TopicSpec(EVENTS, partitions, retention=year),
        TopicSpec(RESPOND, 1, retention=week),
        TopicSpec(LATE, 1, retention=year),
        TopicSpec(DLQ, 1, retention=year),
        TopicSpec(ALERTS, 1, retention=year),
        TopicSpec(DISPATCHES, 1, retention=year),
        TopicSpec(SHADOW, 1, retention=year),
        TopicSpec(AUDIT, 1, retention=10 * year),
        TopicSpec(state_topic("ingest"), partitions, compacted=True),
        TopicSpec(state_topic("detect"), partitions, compacted=True),
        TopicSpec(state_topic("respond"), 1, compacted=True),
    ]


def city_topics(bundle: Bundle, partitions: int) -> list[TopicSpec]:
    """The topics of the city's sources, for a home where nobody else makes them."""
    names = sorted({source.topic for source in bundle.sources.values()})
    return [TopicSpec(name, partitions, retention=30 * DAY) for name in names]


def place_of(source: str, partition: int, partitions: int) -> int:
    """Which partition of our own topics belongs to a partition of a source."""
    return crc32(f"{source}/{partition}".encode()) % partitions
