"""Which kinds of events there are, and on which topics: the table of which schema and AsyncAPI document are made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from streams.formats import feedback
from streams.policy import STAGES
from streams.reasons import NotifyReason
from streams.respond.case_events import CASE_SCHEMA
from streams.respond.envelopes import ALERT_SCHEMA, DISPATCH_SCHEMA, HELD_SCHEMA
from streams.respond.notify_events import NOTIFICATION_SCHEMA, SUPPRESSION_SCHEMA
from streams.respond.people import ACTION_SCHEMA, ACTIONS, OPERATOR_SCHEMA
from streams.respond.vital_events import READING_SCHEMA, ROLLUP_SCHEMA
from streams.tools.events import aside, contents, signs, told

ORDERED = ("sequence",)
CAUSED = ("correlationid", "causationid")


class EventKind(msgspec.Struct, frozen=True):
    """A kind of CloudEvent: its `data`, the changes that end its type, its schema's name, its extensions.

    `subject` says what the subject is. Of the extensions those that are `optional` may be absent. `bare`: it is no
    CloudEvent, but its data alone. `incoming`: others write it, and need no more attributes than CloudEvents asks for.
    """

    name: str
    topics: tuple[str, ...]
    data: type[msgspec.Struct]
    doc: str
    room: str = ""
    changes: tuple[str, ...] = ()
    schema: str = ""
    subject: str = ""
    extensions: tuple[str, ...] = (*ORDERED, *CAUSED)
    optional: tuple[str, ...] = ()
    bare: bool = False
    incoming: bool = False

    @property
    def types(self) -> tuple[str, ...]:
        """The types of its events."""
        return tuple(f"tocsin.{self.room}.{change}" for change in self.changes)


_SAID = ("overdue", "escalated", "extended", "resumed", "noted", "supervised", "split", "alert_over")
KINDS: tuple[EventKind, ...] = (
    EventKind("alert", ("alerts", "shadow"), contents.Alert, "An alert fires, changes or ends.", "alert",
              ("firing", "updated", "resolved", "retracted", "merged"), ALERT_SCHEMA, "The alert."),
    EventKind("operator", ("alerts",), contents.OperatorState, "An operator, or time, did something about an alert.",
              "alert", ("operator",), OPERATOR_SCHEMA, "The alert.", (*ORDERED, "correlationid")),
    EventKind("suppression", ("alerts",), told.Suppression, "What keeps an alert from being notified has changed.",
              "alert", ("suppressed", "unsuppressed"), SUPPRESSION_SCHEMA, "The alert.", ("correlationid",)),
    EventKind("notification", ("notifications",), told.Notification, "Somebody is told of alerts, or of a case.",
              "notification", tuple(NotifyReason), NOTIFICATION_SCHEMA,
              "The group of alerts, the receiver of a digest, or the case.", ("correlationid",)),
    EventKind("dispatch", ("dispatches",), contents.Dispatch, "Somebody is sent, or called back.", "dispatch",
              ("requested", "cancelled"), DISPATCH_SCHEMA, "The alert."),
    EventKind("case", ("cases",), contents.Case, "A case moves, is overdue, is escalated, is noted.", "case",
              (*STAGES, "rejected", "parked", "cancelled", "merged", *_SAID), CASE_SCHEMA, "The case.",
              (*ORDERED, *CAUSED), ("causationid",)),
    EventKind("held_back", ("audit",), contents.HeldBack, "Nothing was sent for a finding, and why.", "audit",
              ("held_back",), HELD_SCHEMA, "The finding.", CAUSED),
    EventKind("action", ("audit",), contents.Answer, "Somebody wanted something done, and whether it was.", "audit",
              ("action",), ACTION_SCHEMA, "What it is about.", ("correlationid",)),
    EventKind("reading", ("vitals",), signs.ReadingOf, "What an indicator measured.", "vital", ("reading",),
              READING_SCHEMA, "The reading: indicator, key and end of the period.", ORDERED),
    EventKind("rollup", ("vitals",), signs.RollUp, "The status of a district or of the city has changed.", "vital",
              ("rollup",), ROLLUP_SCHEMA, "The district or the city.", ORDERED),
    EventKind("feedback", ("feedback",), contents.Feedback, "Somebody does something.", "feedback", ACTIONS,
              feedback.SCHEMA, "What it is about: an alert, a case, a silence, a rule; absent where it makes one.", (),
              ("subject", "time", "datacontenttype", "dataschema"), incoming=True),
    EventKind("late", ("late",), aside.Late, "An event came too late to count.", bare=True),
    EventKind("dead_letter", ("dlq",), aside.DeadLetter, "A record could not be understood.", bare=True),
)
TOPICS: Mapping[str, str] = {
    "alerts": "Alerts, what operators made of them, and what keeps them quiet. The record's key is the alert.",
    "shadow": "What rules that are only observed would have said. The record's key is the alert.",
    "notifications": "Who is told of alerts, and why. The record's key is the receiver.",
    "dispatches": "Who is sent. The record's key is the alert.",
    "cases": "Cases from their birth to their end. The record's key is the case.",
    "audit": "For which findings nothing was sent, and what people did.",
    "vitals": "Readings of vital signs, and roll-ups. The record's key is the indicator with its key, or the roll-up.",
    "feedback": "What people do: written by consoles and by other systems, read by Tocsin.",
    "late": "Events that came too late.",
    "dlq": "Dead letters.",
}
"""What stands on each topic; the others are Tocsin's own and no contract."""


ATTRIBUTES: Mapping[str, str] = {
    "specversion": "The version of CloudEvents.",
    "id": "Of this news; the same if it is sent again after a crash: upsert by it.",
    "source": "Which city says it.",
    "type": "What is new.",
    "subject": "What it is about.",
    "time": "Event time: when it opened, closed, or was known.",
    "datacontenttype": "How `data` is written.",
    "dataschema": "The name and version of the schema of `data`.",
    "recordedtime": "The event time at which it was concluded.",
}
"""What every CloudEvent of ours has."""
EXTENSIONS: Mapping[str, str] = {
    "sequence": "Counts the news of one subject: the highest is the newest.",
    "correlationid": "The same for all that belongs together.",
    "causationid": "What caused it: the finding and its number, or the alert.",
}
"""What some have besides."""


def kind_of(event: Mapping[str, Any]) -> EventKind:
    """The kind of a CloudEvent, by its type; KeyError if there is none."""
    for kind in KINDS:
        if event["type"] in kind.types:
            return kind
    raise KeyError(f"streams/tools/events/kinds.py has no kind with the type {event['type']!r}")


def undescribed(event: Mapping[str, Any]) -> str:
    """What of a CloudEvent of ours its kind does not describe; "" if everything is there and nothing else."""
    kind = kind_of(event)
    needed = {*ATTRIBUTES, *kind.extensions, "data"}
    lacking, more = needed - {*event} - {*kind.optional}, {*event} - needed
    if lacking or more:
        return f"{kind.name}: lacks {sorted(lacking)}, has {sorted(more)} besides"
    try:
        known = msgspec.convert(event["data"], kind.data)
    except msgspec.ValidationError as error:
        return f"{kind.name}: {error}"
    return "" if msgspec.to_builtins(known) == event["data"] else f"{kind.name}: its struct lacks a field"
