"""Why something was or was not done: one closed list for metric labels, record fields and the manual."""

from __future__ import annotations

import enum


class Fate(enum.StrEnum):
    """What became of a record. The four add up to what was read."""

    EVENT = "event"
    LATE = "late"
    DUPLICATE = "duplicate"
    DEAD = "dead"


class DeadReason(enum.StrEnum):
    """Why a record became a dead letter."""

    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    NOT_CSV = "not_csv"
    NOT_AN_OBJECT = "not_an_object"
    NOT_CLOUDEVENT = "not_cloudevent"
    NOT_XML = "not_xml"
    NOT_CAP = "not_cap"
    TOO_LARGE = "too_large"
    TOO_DEEP = "too_deep"
    MAPPING_FAILED = "mapping_failed"
    MISSING_ID = "missing_id"
    TOO_LONG = "too_long"
    MISSING_TIME = "missing_time"
    BAD_TIME = "bad_time"
    TIME_IN_FUTURE = "time_in_future"
    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_SOURCE = "unknown_source"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    POISON_FRAME = "poison_frame"
    NOT_AN_ACTION = "not_an_action"
    NOT_DELIVERED = "not_delivered"


class RouteReason(enum.StrEnum):
    """Why an event that a rule selects by type did not reach one of its keys."""

    CONDITION_FAILED = "condition_failed"
    NO_KEY = "no_key"
    NO_VALUE = "no_value"
    NO_PLACE = "no_place"
    OFF_DUTY = "off_duty"
    EXCEPTED = "excepted"


class ExceptionReason(enum.StrEnum):
    """What came of a rule's exception that covers an event."""

    APPLIED = "exception_applied"
    EXPIRED = "exception_expired"


class HeldReason(enum.StrEnum):
    """Why respond sent nothing, or sent nobody, for a finding."""

    REPEATED = "repeated"
    OUTDATED = "outdated"
    UNKNOWN_FINDING = "unknown_finding"
    RULE_REMOVED = "rule_removed"
    SUPPRESSED = "suppressed"
    OVER_LIMIT = "over_limit"
    UNCHANGED = "unchanged"
    SHADOW = "shadow"
    WARMING = "warming"


class NotifyReason(enum.StrEnum):
    """Why somebody was notified."""

    FIRST = "first"
    NEW_MEMBERS = "new_members"
    SEVERITY_RAISED = "severity_raised"
    REPEAT = "repeat"
    UNSUPPRESSED = "unsuppressed"
    ESCALATED = "escalated"
    RESOLVED = "resolved"
    RETRACTED = "retracted"
    DIGEST = "digest"


class QuietReason(enum.StrEnum):
    """Why nobody was notified of an alert, or not yet."""

    INHIBITED = "inhibited"
    OUTSIDE_HOURS = "outside_hours"
    MUTED = "muted"
    SILENCED = "silenced"
    STORM = "storm"
    BRIEF = "brief"


SENTENCES: dict[str, str] = {
    Fate.EVENT: "The record was accepted as an event.",
    Fate.LATE: "The event came more than the source's `lateness` behind the clock; it is kept on tocsin.late.",
    Fate.DUPLICATE: "An event with this id was already accepted within the source's `lateness`.",
    Fate.DEAD: "The record could not be understood; it is kept on tocsin.dlq with the reason.",
    DeadReason.NOT_UTF8: "The record's bytes are not UTF-8 text.",
    DeadReason.NOT_JSON: "The record is not JSON.",
    DeadReason.NOT_CSV: "The record is not one CSV row with the columns of its header.",
    DeadReason.NOT_AN_OBJECT: "The record is JSON, but not an object.",
    DeadReason.NOT_CLOUDEVENT: "The record lacks what CloudEvents 1.0 requires.",
    DeadReason.NOT_AN_ACTION: "A record of `tocsin.feedback` is no action that could be taken: its type, role or data.",
    DeadReason.NOT_DELIVERED: "A notification was refused by its receiver, or could not be delivered in many attempts.",
    DeadReason.NOT_XML: "The record is not XML, or has a document type (`DOCTYPE`), which is never read.",
    DeadReason.NOT_CAP: "The record is XML, but not an alert that fits the schema of CAP 1.2.",
    DeadReason.TOO_LARGE: "The record is larger than the limit of one record (1 MiB).",
    DeadReason.TOO_DEEP: "The record is nested deeper than the limit.",
    DeadReason.MAPPING_FAILED: "An expression of the source's `event:` failed on this record.",
    DeadReason.MISSING_ID: "The source's `id` expression gave nothing.",
    DeadReason.TOO_LONG: "The id or the type has more than 1,000 characters.",
    DeadReason.MISSING_TIME: "The record has no event time.",
    DeadReason.BAD_TIME: "The event time cannot be read by the source's format.",
    DeadReason.TIME_IN_FUTURE: "The event time lies more than `skew` after the time of receipt, or after now.",
    DeadReason.UNKNOWN_TYPE: "The event type is not declared and the source is not `open`.",
    DeadReason.UNKNOWN_SOURCE: "The record names a source that this topic does not have.",
    DeadReason.MISSING_FIELD: "A field that the event type requires is missing.",
    DeadReason.WRONG_TYPE: "A field's value does not have the declared type.",
    DeadReason.POISON_FRAME: "An entry of Tocsin's own topics cannot be read; another version, or another writer?",
    RouteReason.CONDITION_FAILED: "The `where` of the rule, or of one of its exceptions, could not be evaluated "
    "(a field is missing or of another type).",
    RouteReason.NO_KEY: "A part of the rule's `by` is absent, empty, no plain value or longer than 1,000 characters.",
    RouteReason.NO_VALUE: "The field that the rule measures is absent.",
    RouteReason.NO_PLACE: "The rule has `near` or is a hotspot, and the event has no latitude and longitude.",
    RouteReason.OFF_DUTY: "The event happened outside the rule's `schedule`.",
    RouteReason.EXCEPTED: "An exception of the rule covers the event.",
    ExceptionReason.APPLIED: "The exception covers an event that the rule would have taken.",
    ExceptionReason.EXPIRED: "The exception would cover the event, but has expired: it is time to remove or renew it.",
    HeldReason.REPEATED: "The row was sent again after a crash; it was counted the first time.",
    HeldReason.OUTDATED: "A later state of this finding is already known.",
    HeldReason.UNKNOWN_FINDING: "Nothing is known of this finding (any more): it was retracted or ended long ago.",
    HeldReason.RULE_REMOVED: "The alert was closed because its rule, or that logic of it, is there no more.",
    HeldReason.SUPPRESSED: "An alert of this rule and key was sent within `suppress_for`.",
    HeldReason.OVER_LIMIT: "As many alerts of this rule as its `limit` allows were sent; one alert counts the others.",
    HeldReason.UNCHANGED: "Nothing that people see of the alert has changed.",
    HeldReason.WARMING: "The rule's baseline has not learnt enough yet (`min_samples`) for this to be believed.",
    HeldReason.SHADOW: "The rule is only observed (`status: experimental` or `test`): nobody is sent.",
    NotifyReason.FIRST: "An alert fires in a group of which nobody was told, or that was over.",
    NotifyReason.NEW_MEMBERS: "An alert fires that the last notification of its group did not name.",
    NotifyReason.SEVERITY_RAISED: "An alert is graver than was told.",
    NotifyReason.REPEAT: "Nothing has changed for the route's `repeat_interval`, and it still fires.",
    NotifyReason.UNSUPPRESSED: "Nothing keeps the alert back any more, and it still fires.",
    NotifyReason.ESCALATED: "A case was not taken on in time.",
    NotifyReason.RESOLVED: "An alert of which was told that it fires is over.",
    NotifyReason.RETRACTED: "An alert of which was told that it fires was a mistake.",
    NotifyReason.DIGEST: "There was more to tell than the limit for storms allows; this stands for what was held.",
    QuietReason.INHIBITED: "Another alert explains this one.",
    QuietReason.OUTSIDE_HOURS: "The route tells only within hours (`active`), and it is none of them.",
    QuietReason.MUTED: "The route does not tell within these hours (`muted`).",
    QuietReason.SILENCED: "Somebody has silenced it.",
    QuietReason.STORM: "The receiver was told as much as the limit for storms allows; it follows in a digest.",
    QuietReason.BRIEF: "It was over before anybody was told.",
}
