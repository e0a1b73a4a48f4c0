"""How soon a rule concludes: at once, or after the `disorder` of which source."""

from __future__ import annotations

from streams.kinds import Frontier
from streams.rulefile import codes
from streams.rulefile.advice.around import Around, said
from streams.rulefile.drafts import RuleDraft
from streams.rulefile.structures import StepDraft
from streams.rules import Rule
from streams.specs import Window

AT_ONCE = "concludes at once"


def advise(draft: RuleDraft, rule: Rule, around: Around) -> None:
    """When a finding can be told, and why not earlier."""
    told = concludes(draft, rule, around)
    held = draft.values.get("for", 0) > 0 and rule.detector.frontier is Frontier.HEAD
    why = "whether it held without a gap is only known once the clock has passed" if held else rule.detector.why
    slow = [base for name in rule.bases if (base := around.rules.get(name)) is not None and waits(base, around)]
    more = "".join(f"; its findings come from `{base.id}`, which waits for {_feed(base, around)}" for base in slow[:1])
    hint = None if told == AT_ONCE and not slow else ""
    around.report.add(codes.CONCLUDES, draft.values.spot("kind"), f"{told}: {why}{more}{_above(rule, around)}", hint)


def _above(rule: Rule, around: Around) -> str:
    """What must be known to be heard of, before a silence is told."""
    groups = [f"`{one.rule}`" for one in rule.groups]
    sources = [one for name in sorted(rule.sources) if (one := around.sources[name]).silence is not None]
    named = [*groups, *(f"the source {one.id} ({said(one.silence or 0)} at most)" for one in sources)]
    waits = rule.kind == "absence" and named
    return f", and it is known whether what it is part of is silent: {', '.join(named)}" if waits else ""


def concludes(draft: RuleDraft, rule: Rule, around: Around) -> str:
    """When a finding can be told, in a sentence."""
    wait: int = draft.values.get("for", 0)
    if rule.detector.frontier is Frontier.HEAD and not wait:
        return AT_ONCE
    before, after = _deadline(draft, rule)
    parts = (before, wait and f"{said(wait)} (`for`)", _feed(rule, around))
    return f"concludes {' + '.join(part for part in parts if part) or 'at once'} {after}"


def waits(rule: Rule, around: Around) -> bool:
    """Whether a rule, or one that it reads, concludes only when the clock has passed."""
    bases = (around.rules[name] for name in rule.bases if name in around.rules)
    return rule.detector.frontier is Frontier.CLOCK or any(waits(base, around) for base in bases)


def _feed(rule: Rule, around: Around) -> str:
    """The slowest source that can bring the rule to a finding, itself or through the rules that it reads."""
    feeds = [around.sources[name] for name in _feeds(rule, around) if name in around.sources]
    slowest = max(feeds, key=lambda one: (one.disorder, one.id), default=None)
    return "" if slowest is None else f"{said(slowest.disorder)} (disorder of {slowest.id})"


def _feeds(rule: Rule, around: Around) -> frozenset[str]:
    bases = (around.rules[name] for name in rule.bases if name in around.rules)
    return rule.sources.union(*(_feeds(base, around) for base in bases))


def _deadline(draft: RuleDraft, rule: Rule) -> tuple[str, str]:
    """How long the rule itself waits, and after what."""
    steps: tuple[StepDraft, ...] = draft.steps
    if steps and steps[-1].step.negated:
        own = steps[-1].step.within
        if own is not None:
            return said(own), "after the step before it"
        return said(rule.spec.get("within") or 0), "after the first step"
    every, window = rule.spec.get("every"), rule.spec.get("window")
    if every is not None:
        return said(every) if isinstance(every, int) else "`every`", "after the last event"
    what = "finding" if rule.bases and not rule.sources else "event"
    if isinstance(window, Window):
        return "", f"after the {what}" if window.type == "sliding" else "after the window's end"
    return "", "after the last step" if steps else f"after the {what}"
