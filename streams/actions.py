"""What people do: an action of a person on an alert, a case or a silence, as it stands in a log. Plain data."""

from __future__ import annotations

from typing import Any

import msgspec

from streams.records import Micros

ROLES = (
    "viewer", "call_taker", "dispatcher", "unit", "verifier", "supervisor", "department_head", "rule_editor",
    "rule_approver", "auditor", "admin", "system",
)
"""Who someone is to Tocsin. `system` is Tocsin itself; `admin` may do what any other may, but for separated duties."""


class Action(msgspec.Struct, frozen=True, array_like=True):
    """Somebody wants something done. `id` is the idempotency key: the same one again is the same action.

    `name` is `case.accept`, `alert.ack`, `silence.add` ...; `subject` the id of what it is about; `expected` the
    version that the person saw, None if they do not say. `districts` and `units` are those that they act for, none at
    all: every one. `at` is when it was done, `details` what the action needs besides.
    """

    id: str
    at: Micros
    actor: str
    roles: tuple[str, ...]
    name: str
    subject: str
    reason: str = ""
    expected: int | None = None
    districts: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    details: dict[str, Any] = {}


class Refusal(msgspec.Struct, frozen=True):
    """Why an action is not done: a word of a closed list, and a sentence for the person."""

    reason: str
    sentence: str


REFUSALS = {
    "unknown": "there is no such thing",
    "role": "the person may not do this",
    "district": "it lies in a district that the person does not act for",
    "unit": "it is another unit's",
    "duties": "who disposed of a case may not verify or close it",
    "state": "it is not in a state for this",
    "version": "it has changed since the person saw it",
    "incomplete": "the action lacks something",
    "guard": "a guard of the city keeps what it is about",
}
"""Why actions are refused, each in a sentence."""
