"""The table of a case's life: which action leads from which states to which, and who may take it.

States are those of `policy.STAGES` and, beside them, `rejected` (a unit sent it back and the dispatcher has not yet
decided), `parked` (its clocks stand still), `cancelled` (a false alarm, or nothing to do) and `merged`.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from streams.policy import STAGES

REJECTED, PARKED, CANCELLED, MERGED, CLOSED = "rejected", "parked", "cancelled", "merged", "closed"
STATES = (*STAGES, REJECTED, PARKED, CANCELLED, MERGED)
ENDED = (CLOSED, CANCELLED, MERGED)
_OPEN = tuple(state for state in STATES if state not in ENDED)
_MOVING = tuple(state for state in _OPEN if state != PARKED)
_AT_WORK = ("dispatched", "accepted", "en_route", "on_scene")
_UNDONE = ("discovered", "registered", *_AT_WORK, REJECTED)
STAYS = ""
"""The target of an action that moves no state."""


class Transition(msgspec.Struct, frozen=True):
    """One row. `target` is the state it leads to, "" if it stays; `needs` are details that must be given.

    `apart`: not by who disposed of the case. `anew`: a new attempt begins, with clocks of its own.
    """

    sources: tuple[str, ...]
    target: str
    roles: tuple[str, ...]
    needs: tuple[str, ...] = ()
    reasoned: bool = False
    apart: bool = False
    anew: bool = False


TABLE: Mapping[str, Transition] = {
    "register": Transition(("discovered",), "registered", ("call_taker", "dispatcher")),
    "dispatch": Transition(_UNDONE, "dispatched", ("dispatcher", "supervisor"), ("unit",)),
    "accept": Transition(("dispatched",), "accepted", ("unit",)),
    "reject": Transition(("dispatched", "accepted"), REJECTED, ("unit",), reasoned=True),
    "insist": Transition((REJECTED,), "dispatched", ("dispatcher",), reasoned=True),
    "depart": Transition(("dispatched", "accepted"), "en_route", ("unit",)),
    "arrive": Transition(("dispatched", "accepted", "en_route"), "on_scene", ("unit",)),
    "dispose": Transition(("accepted", "en_route", "on_scene"), "disposed", ("unit",), ("code",)),
    "verify": Transition(("disposed",), "verified", ("verifier", "supervisor"), apart=True),
    "rework": Transition(("disposed", "verified"), "dispatched", ("verifier", "supervisor"), reasoned=True, apart=True,
                         anew=True),
    "close": Transition(("verified",), CLOSED, ("supervisor",), apart=True),
    "cancel": Transition(_UNDONE, CANCELLED, ("dispatcher", "supervisor"), reasoned=True),
    "reopen": Transition((CLOSED, CANCELLED), "registered", ("supervisor",), reasoned=True, anew=True),
    "park": Transition(_MOVING, PARKED, ("supervisor", "department_head"), reasoned=True),
    "resume": Transition((PARKED,), STAYS, ("supervisor", "department_head")),
    "extend": Transition(_MOVING, STAYS, ("supervisor", "department_head"), ("by",), reasoned=True),
    "supervise": Transition(_MOVING, STAYS, ("supervisor", "department_head"), reasoned=True),
    "merge": Transition(_OPEN, MERGED, ("dispatcher", "supervisor"), ("into",), reasoned=True),
    "split": Transition(_MOVING, STAYS, ("dispatcher", "supervisor"), reasoned=True),
    "note": Transition(STATES, STAYS, ("call_taker", "dispatcher", "unit", "verifier", "supervisor", "department_head"),
                       reasoned=True),
}
"""By the name of the action (`case.<name>` in a log)."""

SECOND_EXTENSION = ("department_head",)
"""Who may extend a second time: the first is the shift's, the second the department's."""


def reached(stages: Mapping[str, int], stage: str) -> bool:
    """Whether an attempt has come to a stage, or beyond: who is on the scene has accepted."""
    return any(one in stages for one in STAGES[STAGES.index(stage):])
