"""Whom a rule concerns: its owner, its tests, what an alert tells people to do, the rules it stands on."""

from __future__ import annotations

from streams.rulefile import codes
from streams.rulefile.advice.around import Around
from streams.rulefile.drafts import RuleDraft
from streams.rules import Rule

GRAVE = ("severe", "extreme")


def advise(draft: RuleDraft, rule: Rule, around: Around) -> None:
    """What is missing."""
    values, report = draft.values, around.report
    if not rule.owner:
        sends = " and sends people out" if rule.dispatch is not None else ""
        report.add(codes.NO_OWNER, values.spot("id"), f"`{rule.id}` has no owner{sends}")
    if not rule.tests:
        report.add(codes.NO_TESTS, values.spot("id"), f"`{rule.id}` has no tests")
    if not rule.sources and not rule.bases:
        report.add(codes.NO_SOURCE, values.spot("event"), f"no source sends what `{rule.id}` waits for")
    if rule.severity in GRAVE and not rule.shadow and not rule.alert.runbook:
        spot = values.spot("alert") if "alert" in values else values.spot("severity")
        report.add(codes.NO_RUNBOOK, spot, f"`{rule.id}` is {rule.severity}, and its alert names no runbook")
    _bases(draft, rule, around)


def _bases(draft: RuleDraft, rule: Rule, around: Around) -> None:
    for name in () if rule.shadow or rule.status == "deprecated" else rule.bases:
        base = around.rules.get(name)
        if base is None or base.status == "stable":
            continue
        text = f"`{rule.id}` is in service and reads the findings of `{name}`, which is {base.status}"
        field = "rule" if "rule" in draft.values else "steps"
        around.report.add(codes.UNPROVED_BASE, draft.values.spot(field), text)
