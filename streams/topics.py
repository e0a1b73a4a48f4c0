"""The topics of a deployment: names, partitions, what is compacted and what is kept how long."""

from __future__ import annotations

from zlib import crc32

from streams.clocks import DAY
from streams.logs import TopicSpec
from streams.rules import Bundle

WEEK, YEAR = 7 * DAY, 365 * DAY
PREFIX = "tocsin"
SHORT_NAMES = ("alerts", "dispatches", "late", "dlq", "shadow", "audit", "events", "vitals", "cases", "feedback",
               "notifications")


class Topics:
    """Tocsin's own topics. Two deployments on one broker differ in their prefix."""

    def __init__(self, prefix: str = PREFIX) -> None:
        self.prefix = prefix
        self.work = f"{prefix}.work"
        self.events = f"{prefix}.events"
        self.respond = f"{prefix}.respond"
        self.late = f"{prefix}.late"
        self.dlq = f"{prefix}.dlq"
        self.alerts = f"{prefix}.alerts"
        self.dispatches = f"{prefix}.dispatches"
        self.shadow = f"{prefix}.shadow"
        self.audit = f"{prefix}.audit"
        self.vitals = f"{prefix}.vitals"
        self.cases = f"{prefix}.cases"
        self.feedback = f"{prefix}.feedback"
        self.notifications = f"{prefix}.notifications"

    def state(self, role: str) -> str:
        """Where a role keeps its folds' state."""
        return f"{self.prefix}.state.{role}"

    def named(self, name: str) -> str:
        """The topic of a short name such as `alerts`; any other name is meant as it is."""
        return f"{self.prefix}.{name}" if name in SHORT_NAMES else name

    def specs(self, partitions: int) -> list[TopicSpec]:
        """How they are made. `work` must outlive the longest outage: lost state is rebuilt from it."""
        return [
            TopicSpec(self.work, partitions, retention=WEEK),
            TopicSpec(self.events, partitions, retention=YEAR),
            TopicSpec(self.respond, 1, retention=WEEK),
            TopicSpec(self.late, 1, retention=YEAR),
            TopicSpec(self.dlq, 1, retention=YEAR),
            TopicSpec(self.alerts, 1, retention=YEAR),
            TopicSpec(self.dispatches, 1, retention=YEAR),
            TopicSpec(self.shadow, 1, retention=YEAR),
            TopicSpec(self.audit, 1, retention=10 * YEAR),
            TopicSpec(self.vitals, 1, retention=YEAR),
            TopicSpec(self.cases, 1, retention=YEAR),
            TopicSpec(self.feedback, 1, retention=YEAR),
            TopicSpec(self.notifications, 1, retention=YEAR),
            TopicSpec(self.state("ingest"), partitions, compacted=True),
            TopicSpec(self.state("detect"), partitions, compacted=True),
            TopicSpec(self.state("respond"), 1, compacted=True),
            TopicSpec(self.state("deliver"), 1, compacted=True),
        ]


def city_topics(bundle: Bundle, partitions: int) -> list[TopicSpec]:
    """The topics of the city's sources, for a home where nobody else makes them."""
    names = sorted({source.topic for source in bundle.sources.values()})
    return [TopicSpec(name, partitions, retention=30 * DAY, ours=False) for name in names]


def place_of(source: str, partition: int, partitions: int) -> int:
    """Which partition of our own topics belongs to a partition of a source."""
    return crc32(f"{source}/{partition}".encode()) % partitions
