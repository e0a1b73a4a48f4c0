"""Operator states after ISA-18.2, as alerta-server moves them (`conformance/respond/alarm_transitions.jsonl.gz`).

Of the file's two models ours is the second, `isa`. What an operator does comes first, else detection decides, as there.
Not compared: `DSUPR` (ours is a list of reasons beside the state, not a state), the cases of `isa-preset` (a state that
another program sets: ours has none such), and the first model, which knows neither a return unseen nor out of service.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from streams.respond.operating import table
from tests.conformance.cases import cases, first
from tests.conformance.counts import Counts

HOME = "respond/alarm_transitions.jsonl.gz"
STATES = {"NORM": table.NORMAL, "UNACK": table.NEW, "ACKED": table.ACKED, "RTNUN": table.RETURNED,
          "SHLVD": table.SHELVED, "OOSRV": table.OUT}
GRAVITY = ("OK", "Advisory", "Low", "Medium", "High", "Critical")
STAYS_OUT = "an alert out of service stays so until it is put back; there any news of it ends that"
NOT_SHELVED = "only what is shelved can be unshelved"
OVER = "an acknowledged alert that is over is out of the list; to take the acknowledgement back is no news of it"


def fits(path: Path) -> bool:
    """Whether a file holds cases of operator states."""
    return first(path).get("kind") == "alarm_transition"


def run(path: Path) -> Counts:
    """Every case of a file: passed, differs by design (named), failed."""
    counts = Counts()
    for case in cases(path):
        given, expected = case["input"], STATES.get(case["expect"].get("status", ""))
        state = STATES.get(given["current_status"])
        if case["family"] == "isa" and state is not None and expected is not None:
            found = moved(state, given)
            why = f"found {found}, expected {expected}"
            counts.add(f"alarm {case['family']}", case["id"], found == expected, by_design(state, given), why)
    return counts


def moved(state: str, given: dict[str, Any]) -> str:
    """The state after an operator's action, else after what detection says."""
    before, now = GRAVITY.index(given["previous_severity"]), GRAVITY.index(given["severity"])
    step = table.ACTIONS.get(given["action"] or "")
    if step is not None and state in step.sources:
        return table.acted(state, given["action"], now > 0)
    return table.seen(state, now > 0, 0 < before < now)


def by_design(state: str, given: dict[str, Any]) -> str | None:
    """Why ours may differ here."""
    if state == table.OUT:
        return STAYS_OUT
    if given["action"] == "unshelve" and state != table.SHELVED:
        return NOT_SHELVED
    return OVER if given["action"] == "unack" and given["severity"] == "OK" else None
