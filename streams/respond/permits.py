"""Whether a person may do something: role, district, and whether they saw what is so now."""

from __future__ import annotations

from collections.abc import Iterable

from streams.actions import REFUSALS, Action, Refusal


def refused(reason: str, sentence: str = "") -> Refusal:
    """A refusal, with the sentence of its reason if there is none that says more."""
    return Refusal(reason, sentence or REFUSALS[reason])


def denial(action: Action, roles: Iterable[str], district: str, version: int) -> Refusal | None:
    """Why a person may not do it; None if they may. `version` is that of what it is about, as it is now."""
    may = {*roles, "admin", "system"}
    if not may.intersection(action.roles):
        wanted = ", ".join(sorted(may - {"system"}))
        return refused("role", f"`{action.name}` takes one of the roles {wanted}")
    if action.districts and district not in action.districts:
        return refused("district")
    if action.expected is not None and action.expected != version:
        return refused("version", f"it is at version {version}, and {action.expected} was seen")
    return None
