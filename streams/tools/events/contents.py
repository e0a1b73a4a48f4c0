"""The `data` of alerts, dispatches, cases and audit as structs: the schema for subscribers is made of these.

Tests hold what is published against them. What vital signs say stands in `signs`, what was put aside in `aside`.

Every field is always there. What a field means stands in the docstring of its struct, a line a field.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

Key: TypeAlias = dict[str, str | int | float]
Severity: TypeAlias = Literal["info", "minor", "moderate", "severe", "extreme"]


class Where(msgspec.Struct):
    """A place, as far as it is known.

    lat: Latitude in degrees (WGS 84).
    lon: Longitude in degrees (WGS 84).
    address: The address in words.
    """

    lat: float | None
    lon: float | None
    address: str | None


class HeldKey(msgspec.Struct):
    """How many alerts of one key were held back.

    key: The key in words.
    held_back: How many.
    """

    key: str
    held_back: int


class Digest(msgspec.Struct):
    """What an alert about other alerts counts: those over their rule's `limit`.

    held_back: How many were held back.
    since: When the first one was.
    last: When the last one was.
    limit: How many are sent; null where the rule is gone.
    per: Within which span.
    keys: The keys with the most.
    """

    held_back: int
    since: str
    last: str
    limit: int | None
    per: str | None
    keys: list[HeldKey]


class Hush(msgspec.Struct):
    """Something that keeps an alert from being notified.

    reason: Why.
    by: Which silence, rule of inhibition, or window; may be empty.
    source: The alert that explains this one; else empty.
    """

    reason: Literal["inhibited", "outside_hours", "muted", "silenced", "storm", "brief"]
    by: str
    source: str


class Alert(msgspec.Struct):
    """An alert as it stands after this news.

    rule: The rule that found it.
    status: Whether it is meant, or an exercise.
    title: What happened, in a few words.
    summary: The same at more length; may be empty.
    severity: How bad it is: the words of CAP in lower case, and `info`.
    category: Of what kind it is: a word of CAP.
    urgency: How soon somebody must act: a word of CAP in lower case.
    certainty: How sure it is: a word of CAP in lower case.
    owner: Who is responsible for the rule.
    district: Where it is; empty if unknown.
    place: Where it is; null if unknown.
    key: What the rule looked at by itself: a district, a device, a cell of the map.
    opened_at: When it began.
    closed_at: When it was over; null while it lasts.
    state: What it is now.
    value: What the rule measured: a number, a text, or null.
    evidence: The ids of the events that prove it, the first 100.
    count: How many events prove it.
    steps: Of a sequence, which step took which events; else null.
    why: One sentence that says why it fired.
    runbook: Where it stands what to do; may be empty.
    corrections: How often late events have changed it.
    ended: Why it closed, if not by its condition: `no_data`, `rule_removed` ...; else empty.
    cause: The event that changed it, or a reason; may be empty.
    merged_into: The alert that stands for this one; else empty.
    raised_from: The severity before, where it has just become graver; else empty.
    digest: Of an alert about other alerts what it counts; else null.
    suppressed_by: What keeps it from being notified; empty if nothing does.
    """

    rule: str
    status: Literal["actual", "exercise"]
    title: str
    summary: str
    severity: Severity
    category: str
    urgency: Literal["immediate", "expected", "future", "past"]
    certainty: Literal["observed", "likely", "possible", "unlikely", "unknown"]
    owner: str
    district: str
    place: Where | None
    key: Key
    opened_at: str
    closed_at: str | None
    state: Literal["firing", "resolved", "retracted", "merged"]
    value: Any
    evidence: list[str]
    count: int
    steps: dict[str, list[str]] | None
    why: str
    runbook: str
    corrections: int
    ended: str
    cause: str
    merged_into: str
    raised_from: Literal["", "info", "minor", "moderate", "severe", "extreme"]
    digest: Digest | None
    suppressed_by: list[Hush]


class OperatorState(msgspec.Struct):
    """What an operator, or time, made of an alert.

    alert: The alert.
    state: The operator's side of it, after ISA-18.2.
    version: Counts the changes of this side; an action names the version that its person saw.
    actor: Who did it; `tocsin` where time did.
    reason: Why; may be empty.
    until: When the state ends by itself; null if it does not.
    """

    alert: str
    state: str
    version: int
    actor: str
    reason: str
    until: str | None


class Dispatch(msgspec.Struct):
    """Somebody is sent, or called back.

    dispatch: The id of this sending.
    alert: The alert that it belongs to.
    state: Whether they are sent or called back.
    to: Who is sent.
    priority: How urgent, 1 (most) to 5.
    instruction: What to do there.
    rule: The rule that found it.
    status: Whether it is meant, or an exercise.
    title: What happened, in a few words.
    summary: The same at more length; may be empty.
    severity: How bad it is.
    category: Of what kind it is: a word of CAP.
    owner: Who is responsible for the rule.
    district: Where it is; empty if unknown.
    place: Where it is; null if unknown.
    key: What the rule looked at by itself.
    opened_at: When it began.
    why: One sentence that says why the alert fired.
    runbook: Where it stands what to do; may be empty.
    reason: Why they are called back: `retracted` or `merged`; else empty.
    cause: The event that changed it, or a reason; may be empty.
    merged_into: The alert that stands for this one; else empty.
    """

    dispatch: str
    alert: str
    state: Literal["requested", "cancelled"]
    to: str
    priority: int
    instruction: str
    rule: str
    status: Literal["actual", "exercise"]
    title: str
    summary: str
    severity: Severity
    category: str
    owner: str
    district: str
    place: Where | None
    key: Key
    opened_at: str
    why: str
    runbook: str
    reason: str
    cause: str
    merged_into: str


class Times(msgspec.Struct):
    """How long a case took, in seconds; null for what has not come.

    discover: From when it began to when it became a case.
    acknowledge: From then to the first acceptance.
    arrive: To the first arrival.
    dispose: To the first disposal.
    close: To the first closing.
    """

    discover: float | None
    acknowledge: float | None
    arrive: float | None
    dispose: float | None
    close: float | None


class Case(msgspec.Struct):
    """A case as it stands after this news.

    case: Its id.
    alert: The alert that it is about; empty if a person reported it.
    title: What happened.
    change: What is new: a state, or `overdue`, `escalated`, `extended`, `noted` ...
    state: How far it has come.
    attempt: Counts its attempts; a reopened or reworked case begins the next.
    level: How often it was escalated.
    unit: Who is sent; may be empty.
    priority: How urgent, 1 (most) to 5.
    rule: The rule of its alert; may be empty.
    severity: How bad it is; may be empty.
    category: Of what kind it is; may be empty.
    district: Where it is; may be empty.
    owner: Who is responsible for the rule; may be empty.
    labels: All labels of its alert.
    discovered_by: Who discovered it: `rule`, `hotline`, `patrol`, `citizen` ...
    actor: Who did what is new; `tocsin` where time or an alert did.
    reason: Why; may be empty.
    stage: The stage that is overdue; else empty.
    notify: Who is told of an escalation; else empty.
    disposition: How it was disposed of; may be empty.
    opened_at: When what it is about began.
    born_at: When it became a case.
    began_at: When this attempt began.
    parked_at: Since when it is parked; null if it is not.
    resolved_at: When its alert was over; null while that lasts.
    stages: When this attempt came to each stage.
    due: By when each stage must be reached.
    promised: The same without extensions.
    missed: The stages that were not reached by what was promised.
    extensions: How often it was extended.
    merged_into: The case that stands for this one; else empty.
    split_from: The case that this one was split from; else empty.
    seconds: How long it took.
    on_time: Whether nothing was missed.
    reworked: Whether it has a further attempt.
    active: Whether it was discovered by a rule and not by a report.
    incident_status: Its state in the words of EIDO (NENA-STA-021).
    open311_status: Its state in the words of Open311.
    """

    case: str
    alert: str
    title: str
    change: str
    state: str
    attempt: int
    level: int
    unit: str
    priority: int
    rule: str
    severity: str
    category: str
    district: str
    owner: str
    labels: dict[str, str]
    discovered_by: str
    actor: str
    reason: str
    stage: str
    notify: str
    disposition: str
    opened_at: str
    born_at: str
    began_at: str
    parked_at: str | None
    resolved_at: str | None
    stages: dict[str, str | None]
    due: dict[str, str | None]
    promised: dict[str, str | None]
    missed: list[str]
    extensions: int
    merged_into: str
    split_from: str
    seconds: Times
    on_time: bool
    reworked: bool
    active: bool
    incident_status: str
    open311_status: Literal["open", "closed"]


class HeldBack(msgspec.Struct):
    """A finding for which nothing was sent.

    reason: Why: a reason of the manual.
    sentence: The same in a sentence.
    rule: The rule that found it.
    key: What the rule looked at by itself.
    change: What was new of the finding.
    opened_at: When it began.
    closed_at: When it was over; null while it lasts.
    value: What the rule measured.
    count: How many events prove it.
    shadow: Whether the rule is only observed.
    """

    reason: str
    sentence: str
    rule: str
    key: Key
    change: Literal["opened", "updated", "closed", "retracted"]
    opened_at: str
    closed_at: str | None
    value: Any
    count: int
    shadow: bool


class Feedback(msgspec.Struct):
    """Somebody does something: this comes in. The event's `id` is the idempotency key, its `subject` what it is about.

    actor: Who does it.
    roles: As what: roles of the manual.
    reason: Why.
    expected_version: The version that the person saw; null if they do not say.
    districts: For which districts they act; none: every one.
    units: For which units they act; none: every one.
    details: What the action needs besides, such as `code` or `unit`.
    """

    actor: str
    roles: list[str]
    reason: str = ""
    expected_version: int | None = None
    districts: list[str] = []
    units: list[str] = []
    details: dict[str, Any] = {}


class Asked(msgspec.Struct):
    """What somebody wanted done.

    id: The idempotency key: the same one again is the same action.
    at: When it was done.
    actor: Who.
    roles: As what.
    name: What: `alert.ack`, `case.accept` ...
    subject: What it is about: an alert, a case.
    reason: Why; may be empty.
    expected: The version that the person saw; null if they do not say.
    districts: For which districts they act; none: every one.
    units: For which units they act; none: every one.
    details: What the action needs besides.
    """

    id: str
    at: str
    actor: str
    roles: list[str]
    name: str
    subject: str
    reason: str
    expected: int | None
    districts: list[str]
    units: list[str]
    details: dict[str, Any]


class Answer(msgspec.Struct):
    """Whether an action was done.

    action: What was wanted.
    done: Whether it was done.
    refused: Why not: a word of a closed list; else empty.
    sentence: The same in a sentence; else empty.
    version: The version after it; 0 if nothing changed.
    again: Whether the action had come before, and was answered as then.
    """

    action: Asked
    done: bool
    refused: str
    sentence: str
    version: int
    again: bool
