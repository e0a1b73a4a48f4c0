"""What people do, as CloudEvents: `tocsin.feedback.<action>`, its `subject` what it is about, the rest in `data`.

`data` is an object of `actor`, `roles` and, where they are needed, `reason`, `expected_version`, `districts`, `units`
and `details`. Nothing else may stand in it: a word too many is a mistake that nobody would see otherwise.
"""

from __future__ import annotations

from typing import Any

import msgspec

from streams.actions import ROLES, Action
from streams.clocks import parse_rfc3339, rfc3339
from streams.formats import cloudevents, json
from streams.formats.contract import FormatError, Headers
from streams.reasons import DeadReason
from streams.records import Micros

TYPE = "tocsin.feedback."
SCHEMA = "urn:tocsin:schema:feedback:1"
LONGEST = 2_000


class Feedback(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `data` of an action."""

    actor: str
    roles: list[str]
    reason: str = ""
    expected_version: int | None = None
    districts: list[str] = []
    units: list[str] = []
    details: dict[str, Any] = {}


def decode(value: bytes, headers: Headers, received: Micros) -> Action:
    """The action of a record that came in at a moment, which caps the time that it tells; FormatError if it is none."""
    record = cloudevents.decode(value, headers, json.strict)
    name = str(record["type"])
    if not name.startswith(TYPE):
        raise _refused(f"its type is not {TYPE}<action>")
    told = _told(record.get("data"))
    at = min(_time(record.get("time"), received), received)
    return Action(str(record["id"]), at, told.actor, tuple(told.roles), name.removeprefix(TYPE),
                  str(record.get("subject", "")), told.reason, told.expected_version, tuple(told.districts),
                  tuple(told.units), told.details)


def encode(action: Action, source: str) -> bytes:
    """The action as a record; `source` says from where it was done."""
    data = {"actor": action.actor, "roles": list(action.roles), "reason": action.reason,
            "expected_version": action.expected, "districts": list(action.districts), "units": list(action.units),
            "details": action.details}
    attributes = {"id": action.id, "source": source, "type": TYPE + action.name, "time": rfc3339(action.at),
                  "dataschema": SCHEMA, "subject": action.subject}
    return cloudevents.encode({name: text for name, text in attributes.items() if text}, data)


def _told(found: Any) -> Feedback:
    try:
        told = msgspec.convert(found, Feedback)
    except msgspec.ValidationError as error:
        raise _refused(f"its data is not that of an action: {error}") from None
    strange = [role for role in told.roles if role not in ROLES]
    if strange:
        raise _refused(f"there is no role {strange[0]!r}; there are {', '.join(ROLES)}")
    if "system" in told.roles or not told.actor or len(told.actor) + len(told.reason) > LONGEST:
        raise _refused("an action has an actor, a reason of a decent length, and no role of the system itself")
    return told


def _time(text: Any, received: Micros) -> Micros:
    if text is None:
        return received
    try:
        return parse_rfc3339(str(text))
    except ValueError:
        raise _refused("its time is not RFC 3339") from None


def _refused(text: str) -> FormatError:
    return FormatError(DeadReason.NOT_AN_ACTION, text)
