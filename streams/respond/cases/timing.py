"""The clocks of a case: by when each stage must be reached, and who is called on next. Pure functions of a case.

A moment is over when time is beyond it. Clocks stand still while a case is parked; a new attempt has new ones, and
those of the one before are gone with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from streams.policy import Policy, Step
from streams.records import Micros
from streams.respond.cases.state import Case
from streams.respond.cases.table import ENDED, PARKED, reached


def begin(case: Case, policy: Policy, at: Micros) -> None:
    """A new attempt begins at a moment."""
    within, escalation = spans(policy, case.labels)
    case.began, case.stages = at, {}
    case.promised = {stage: at + span for stage, span in within.items()}
    case.due, case.told = dict(case.promised), []
    case.escalation = escalation or case.escalation
    case.chain = [(at + step.after, number) for number, step in enumerate(chain_of(policy, case))]


def spans(policy: Policy, labels: Mapping[str, str]) -> tuple[dict[str, Micros], str]:
    """How long each stage may take from the beginning of an attempt, and the escalation that goes with it.

    The city's first that is met holds, and what districts say shortens it: a stage that the city does not limit is
    limited by the district.
    """
    within: dict[str, Micros] = {}
    escalation = ""
    found = False
    for one in policy.deadlines:
        if (found and not one.tightens) or (one.when is not None and not one.when(labels)):
            continue
        found = found or not one.tightens
        escalation = one.escalation or escalation
        for stage, span in one.within.items():
            within[stage] = min(span, within.get(stage, span))
    return within, escalation


def chain_of(policy: Policy, case: Case) -> tuple[Step, ...]:
    """The steps of a case's escalation."""
    return policy.escalations.get(case.escalation, ())


def stop(case: Case, at: Micros) -> None:
    """Its clocks stand still."""
    case.before, case.parked = case.state, at


def go_on(case: Case, at: Micros) -> None:
    """Its clocks go on, as much later as they stood still."""
    assert case.parked is not None
    still = at - case.parked
    case.held += still
    case.due = {stage: due + still for stage, due in case.due.items()}
    case.promised = {stage: due + still for stage, due in case.promised.items()}
    case.chain = [(moment + still, number) for moment, number in case.chain]
    case.state, case.before, case.parked = case.before, "", None


def extend(case: Case, by: Micros) -> None:
    """What is still to be reached may come later; what was promised stays."""
    case.extensions += 1
    for stage in case.due:
        if not reached(case.stages, stage):
            case.due[stage] += by
            case.told = [one for one in case.told if one != stage]


def waiting(case: Case) -> Iterator[tuple[Micros, str, int]]:
    """What is to be done when: the moment *after* which, `stage:<name>` or `step`, and the step's number."""
    if case.state in ENDED or case.state == PARKED:
        return
    for stage, due in case.due.items():
        if stage not in case.told and not reached(case.stages, stage):
            yield due, f"stage:{stage}", 0
    for moment, number in case.chain:
        yield moment, "step", number
