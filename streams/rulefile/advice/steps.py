"""The steps of a sequence: those that nothing can reach, and times that decide nothing."""

from __future__ import annotations

from collections.abc import Callable

from streams.conditions import Expression
from streams.conditions.truth import implies
from streams.rulefile import codes
from streams.rulefile.advice.around import Around, said
from streams.rulefile.drafts import RuleDraft
from streams.rulefile.structures import StepDraft
from streams.rules import Rule, Selector


def advise(draft: RuleDraft, rule: Rule, around: Around) -> None:
    """What there is to say about steps."""
    steps = draft.steps
    if not steps or len(rule.selectors) < len(steps):
        return
    if rule.spec.get("ordered", True):
        _unreachable(steps, rule, around)
        _within(draft, steps, rule, around)


def _unreachable(steps: tuple[StepDraft, ...], rule: Rule, around: Around) -> None:
    """`until` is looked at before the steps, and so is a `not` that stands before a step."""
    later = [index for index, step in enumerate(steps) if not step.step.negated][1:]
    for index in later:
        ends = [(f"`{steps[at].step.name}`", at) for at in _nots_before(steps, index)]
        ends += [("`until`", len(steps))] if len(rule.selectors) > len(steps) else []
        name = next((name for name, at in ends if covers(rule.selectors[at], rule.selectors[index])), None)
        if name is not None:
            text = f"what meets `{steps[index].step.name}` meets {name} too, which ends the match first"
            around.report.add(codes.UNREACHABLE, (steps[index].node.get("name") or steps[index].node).spot, text)


def _nots_before(steps: tuple[StepDraft, ...], index: int) -> list[int]:
    """The `not` steps right before a step, after which a match stands that waits for it."""
    found: list[int] = []
    for at in range(index - 1, 0, -1):
        if not steps[at].step.negated:
            break
        found.append(at)
    return found


def covers(wide: Selector, narrow: Selector, implied: Callable[[Expression, Expression], bool] = implies) -> bool:
    """Whether every event that a selector wants is wanted by another, for the same key."""
    if wide.guard is not None or not all(any(_within_type(one, type) for one in wide.types) for type in narrow.types):
        return False
    if [part.text for part in wide.by] != [part.text for part in narrow.by]:
        return False
    return wide.where is None or (narrow.where is not None and implied(narrow.where, wide.where))


def _within_type(wide: str, narrow: str) -> bool:
    return narrow.startswith(wide[:-1]) if wide.endswith("*") else wide == narrow


def _within(draft: RuleDraft, steps: tuple[StepDraft, ...], rule: Rule, around: Around) -> None:
    """The `within` of the rule where those of the steps are shorter together."""
    _, *later = [one.step for one in steps if not one.step.negated]
    whole, last = rule.spec.get("within"), steps[-1].step
    own = [step.within for step in later if step.within is not None and step.max_count == 1]
    if whole is None or not later or len(own) < len(later) or steps[0].step.negated or last.negated:
        return
    if sum(own) <= whole:
        text = f"the steps take {said(sum(own))} at most, so `within` decides nothing"
        around.report.add(codes.DECIDES_NOTHING, draft.values.key_spot("within"), text)

