"""The operator states of an alert and what leads from one to the other, after ISA-18.2.

Detection says whether the alert fires; the operator's state stands beside it. `new` fires and nobody has acted;
`acked` is seen; `returned` is over before anybody saw it, and stays in the list; `shelved` is put aside for a time,
`out_of_service` until it is put back; `normal` is in no list.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from streams.clocks import HOUR
from streams.records import Micros

NORMAL, NEW, ACKED, RETURNED, SHELVED, OUT = "normal", "new", "acked", "returned", "shelved", "out_of_service"
STATES = (NORMAL, NEW, ACKED, RETURNED, SHELVED, OUT)
TIMED = (ACKED, SHELVED)  # what an operator did that ends by itself
WATCH = ("call_taker", "dispatcher", "supervisor")
SHELVE_AT_MOST: Mapping[str, Micros] = {"dispatcher": 8 * HOUR, "supervisor": 12 * HOUR, "admin": 12 * HOUR,
                                        "system": 12 * HOUR}
"""For how long each role may put an alert aside."""


class Step(msgspec.Struct, frozen=True):
    """What an operator can do: from which states, by which roles; `reasoned`: not without saying why."""

    sources: tuple[str, ...]
    roles: tuple[str, ...]
    reasoned: bool = False


ACTIONS: Mapping[str, Step] = {
    "ack": Step((NEW, RETURNED), WATCH),
    "unack": Step((ACKED,), WATCH),
    "shelve": Step((NORMAL, NEW, ACKED, RETURNED, SHELVED), tuple(SHELVE_AT_MOST), reasoned=True),
    "unshelve": Step((SHELVED,), WATCH),
    "out_of_service": Step(tuple(state for state in STATES if state != OUT), ("supervisor",), reasoned=True),
    "back_in_service": Step((OUT,), ("supervisor",)),
}
"""By the name of the action (`alert.<name>` in a log)."""


def acted(state: str, action: str, firing: bool) -> str:
    """The state after an action that the table lets."""
    if action == "ack":
        return ACKED if state == NEW else NORMAL
    if action == "shelve":
        return SHELVED
    if action == "out_of_service":
        return OUT
    return NEW if firing else NORMAL


def seen(state: str, firing: bool, rose: bool) -> str:
    """The state after detection said whether the alert fires, and whether it has become graver."""
    if state in (SHELVED, OUT):
        return state
    if firing:
        return NEW if state in (NORMAL, RETURNED) or (state == ACKED and rose) else state
    return {NEW: RETURNED, ACKED: NORMAL}.get(state, state)
