"""The fields that every rule has, whatever its kind, and which kinds have no use for which of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from streams.kinds import Field, all_kinds
from streams.rulefile.documents import ID, KIND
from streams.rulefile.scalars import STATUSES
from streams.rules import SEVERITIES

OVERRIDABLE = (
    "title", "description", "owner", "alert", "dispatch", "severity", "status", "condition", "recovery", "window",
    "min_events", "for", "keep_firing_for", "suppress_for", "within", "every", "grace", "forget_after", "limit",
)
COMMON = (
    KIND,
    ID,
    Field("title", "string", "what people call it; the id if not given"),
    Field("description", "string", "why there is such a rule"),
    Field("event", "texts", "one or more event types, `sensor.*` for a branch", required=True, instead="rule"),
    Field("rule", "texts", "in place of `event`: one or more rules, whose findings are the events"),
    Field("where", "cel", "a condition over the event's fields"),
    Field("by", "texts", "the key: a field, `place.district` or an expression, or several of them"),
    Field("for", "duration", "how long the condition must hold before it is a finding", default=0),
    Field("keep_firing_for", "duration", "how long a finding stays open after the condition ceased", default=0),
    Field("suppress_for", "duration", "how long after an alert of its key no further one is sent", default=0),
    Field(
        "severity",
        "severity",
        "how bad it is: a word, or an expression over the finding that gives one",
        default="minor",
        values=SEVERITIES,
    ),
    Field("owner", "string", "who looks after the rule", default=""),
    Field("status", "string", "experimental and test are only observed", default="stable", values=STATUSES),
    Field("zone", "zone", "the time zone of its windows; the city's if not given"),
    Field("alert", "alert", "what people read: {title, summary, runbook, category}"),
    Field("dispatch", "dispatch", "who is sent: {to, priority, instruction}"),
    Field("limit", "limit", "how many alerts are told within a time: {alerts, per}; of a sequence also {matches}"),
    Field("tests", "tests", "timelines with the findings they must give", default=()),
    Field("schedule", "schedule", "when the rule is on duty: {days, from, to, zone, holidays, calendar}, or several"),
    Field("exceptions", "exceptions", "what is known and needs no alert: [{name, where, expires, reason, owner}]"),
    Field("locked", "strings", "the fields that no district may change", default=(), values=OVERRIDABLE),
    Field("baseline", "later", "what this hour normally brings"),
)
_INSTANT = "a {kind} is met for an instant: to ask for a state that lasts, write a threshold"
_STEPS = "put it into each step: - {{name: a, event: ...}}"
_UNUSED = {  # (kind, common field) -> what to do instead
    ("match", "for"): _INSTANT,
    ("sequence", "for"): _INSTANT,
    ("sequence", "event"): _STEPS,
    ("sequence", "where"): _STEPS,
    ("absence", "near"): "an {kind} is of a thing that should report, wherever it is: name the thing with `by`",
    ("sequence", "rule"): "put it into each step: - {{name: a, rule: ...}}",
}
ARTICLES = {"absence": "an absence", "override": "an override", "event_type": "an event type",
            "indicator": "an indicator"}


def called(kind: str) -> str:
    """A kind in a sentence: `a match`, `an absence`."""
    return ARTICLES.get(kind, f"a {kind}")


@cache
def fields_of(kind: str) -> tuple[Field, ...]:
    """All fields of a rule of this kind, the common ones first; the kind's own take precedence."""
    own = all_kinds()[kind].FIELDS
    names = {field.name for field in own}
    return (
        *(field for field in COMMON if field.name not in names and (kind, field.name) not in _UNUSED),
        *own,
    )


@cache
def foreign_to(kind: str) -> Mapping[str, str]:
    """Fields that this kind does not have but others do, each with what to do."""
    here = {field.name for field in fields_of(kind)}
    found: dict[str, str] = {}
    for name, other in all_kinds().items():
        for field in other.FIELDS:
            if field.name not in here:
                found.setdefault(field.name, f"it is a field of {called(name)}")
    found |= {name: advice.format(kind=kind) for (its, name), advice in _UNUSED.items() if its == kind}
    return found
