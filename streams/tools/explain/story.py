"""What is known for an explanation: the records that came and their fates, the findings told, what people were sent.

Plain data; `files`, `tests` and `running` make it from a file, from a rule's test and from the log of a service.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import orjson

from streams.clocks import AFTER_ALL, BEFORE_ALL
from streams.composites import feeds
from streams.findings import Finding
from streams.ingest.route import fits
from streams.reasons import DeadReason, Fate
from streams.records import Event, Micros
from streams.rules import Bundle, Rule
from streams.tools.answering import outputs


class Arrived(msgspec.Struct, frozen=True):
    """A record and its fate. `place` says where it stood, in words.

    `clock` is that of its source's partition when it came. A dead letter has no `event` but a `reason`, a
    `problem`, its `text`, and a time and a type as far as they can be read.
    """

    fate: Fate
    source: str
    place: str
    clock: Micros = BEFORE_ALL
    event: Event | None = None
    reason: str = ""
    problem: str = ""
    text: str = ""
    told_time: Micros | None = None
    told_type: str = ""

    @property
    def time(self) -> Micros | None:
        """When it happened, as far as that is known."""
        return self.told_time if self.event is None else self.event.time


class Envelope(msgspec.Struct, frozen=True):
    """What respond wrote about a finding: `topic` is alerts, dispatches, shadow or audit."""

    topic: str
    content: Mapping[str, Any]

    @property
    def finding(self) -> str:
        """The finding that it follows from."""
        return str(self.content.get("causationid", "")).partition("/")[0]

    @property
    def alert(self) -> str:
        """The alert that it is about."""
        return str(self.content.get("correlationid", ""))

    @property
    def change(self) -> str:
        """firing, updated, resolved ...; held_back."""
        return str(self.content.get("type", "")).rpartition(".")[2]

    @property
    def about(self) -> Mapping[str, Any]:
        """What it tells."""
        found = self.content.get("data")
        return found if isinstance(found, Mapping) else {}


class Story(msgspec.Struct):
    """Everything about one rule.

    `sources` are those at hand, `firsts` and `heads` the earliest and the newest event of each and `clocks` how far
    each has come; `clock` is the rule's own, `since` when it began to count. `told` are the findings of the rule and
    of those it reads, in order; `start` is where times of a test are counted from.
    """

    bundle: Bundle
    rule: Rule
    sources: frozenset[str]
    arrived: list[Arrived] = []
    told: list[Finding] = []
    envelopes: list[Envelope] = []
    records: dict[str, int] = {}
    firsts: dict[str, Micros] = {}
    heads: dict[str, Micros] = {}
    clocks: dict[str, Micros] = {}
    clock: Micros = BEFORE_ALL
    since: Micros = BEFORE_ALL
    start: Micros | None = None

    @property
    def feeds(self) -> frozenset[str]:
        """The sources that can bring the rule to a finding, at hand or not."""
        whole = self.bundle.rules.get(self.rule.id, self.rule)
        return feeds(self.bundle, whole)

    def note(self, one: Arrived) -> None:
        """Count a record and, if it may concern the rule, keep it."""
        self.records[one.fate] = self.records.get(one.fate, 0) + 1
        event = one.event
        if event is not None and one.fate is Fate.EVENT:
            self.heads[one.source] = max(event.time, self.heads.get(one.source, BEFORE_ALL))
            self.firsts[one.source] = min(event.time, self.firsts.get(one.source, AFTER_ALL))
        kind = one.told_type if event is None else event.type
        if not kind or one.reason == DeadReason.UNKNOWN_TYPE or selects(self.rule, kind):
            self.arrived.append(one)


def selects(rule: Rule, event_type: str) -> bool:
    """Whether a rule asks for events of this type."""
    return any(fits(pattern, event_type) for selector in rule.selectors for pattern in selector.types)


def answer(bundle: Bundle, rule: str, told: Iterable[Finding]) -> list[Envelope]:
    """What respond writes about a rule's findings, all findings of the bundle being told."""
    return [one for output in outputs(bundle, told) for one in envelopes_of(rule, output.topic, output.value)]


def envelopes_of(rule: str, topic: str, value: bytes | None) -> list[Envelope]:
    """The envelope of an entry if it is one about this rule."""
    if value is None:
        return []
    try:
        content = orjson.loads(value)
    except ValueError:
        return []
    one = Envelope(topic, content if isinstance(content, dict) else {})
    return [one] if one.about.get("rule") == rule else []
