"""The times and numbers of a rule: those that decide nothing."""

from __future__ import annotations

from streams.rulefile import codes
from streams.rulefile.advice.around import Around, said
from streams.rulefile.drafts import RuleDraft
from streams.rules import Rule
from streams.specs import Expect, Measure, Test


def advise(draft: RuleDraft, rule: Rule, around: Around) -> None:
    """What there is to say about a rule's times and numbers."""
    for field, text in (*_suppressed(draft), *_few(rule), *_forgotten(draft, rule)):
        around.report.add(codes.DECIDES_NOTHING, draft.values.key_spot(field), text)


def _suppressed(draft: RuleDraft) -> list[tuple[str, str]]:
    keep, suppress = draft.values.get("keep_firing_for", 0), draft.values.get("suppress_for", 0)
    if not 0 < suppress <= keep:
        return []
    return [("suppress_for", f"with `keep_firing_for` no alert follows another within {said(suppress)} anyway")]


def _few(rule: Rule) -> list[tuple[str, str]]:
    condition, measure = rule.spec.get("condition"), rule.spec.get("measure")
    least = rule.spec.get("min_events") or 0
    if not isinstance(condition, Test) or least <= 0 or (measure or Measure()).name != "count":
        return []
    asked = condition.value if condition.op == "gte" else condition.value + 1 if condition.op == "gt" else 0
    return [("min_events", f"`count {condition.op} {condition.value}` asks for as many")] if least <= asked else []


def _forgotten(draft: RuleDraft, rule: Rule) -> list[tuple[str, str]]:
    expect = rule.spec.get("expect")
    if not isinstance(expect, Expect) or "forget_after" not in draft.values:
        return []
    why = "what a register expects is never forgotten" if expect.register else "`seen_within` says when to forget"
    return [("forget_after", why)]
