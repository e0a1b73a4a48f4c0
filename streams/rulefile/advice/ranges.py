"""Conditions that only a faulty reading can meet, by the ranges that event types declare."""

from __future__ import annotations

from streams.conditions import Expression
from streams.conditions.checked import Node, Used, walk
from streams.conditions.clauses import spans
from streams.conditions.truth import decided
from streams.judging.measures import Extent, never
from streams.rulefile import codes
from streams.rulefile.advice.around import Around
from streams.rulefile.advice.conditions import conditions_of
from streams.rulefile.drafts import RuleDraft
from streams.rulefile.embedded import spot_in
from streams.rulefile.ranges import IMPOSSIBLE
from streams.rulefile.scalars import Passage
from streams.rules import Rule
from streams.specs import Measure, Test

WITHIN = ("avg", "min", "max", "percentile")
"""Measures that lie where the values lie."""


def advise(draft: RuleDraft, rule: Rule, around: Around) -> None:
    """What there is to say about a rule's numbers."""
    for passage, expression, before in conditions_of(draft, rule):
        _conditions(passage, expression, before, around)
    _measured(draft, rule, around)


def _conditions(passage: Passage, expression: Expression, before: int, around: Around) -> None:
    if expression.form is None or not expression.form[1].ranges:
        return
    surely = {id(one.node) for one in decided(expression)}
    found = [one for one in decided(expression, plausible=True)
             if not one.holds and id(one.node) not in surely and not _means_faults(one.node)]
    places = spans(expression) if found else {}
    for one in found:
        span, low, high = places.get(id(one.node)), one.known.low, one.known.high
        if span is None or span[0] < before or low is None or high is None:
            continue
        start, end = span[0] - before, span[1] - before
        text = f"`{passage.text[start:end]}` asks for what no instrument reads: it is from {low[0]} to {high[0]}"
        around.report.add(codes.BEYOND_RANGE, spot_in(passage.node, start, end), text)


def _means_faults(node: Node) -> bool:
    return any(isinstance(one, Used) and one.name == IMPOSSIBLE for one in walk(node))


def _measured(draft: RuleDraft, rule: Rule, around: Around) -> None:
    measure, condition = rule.spec.get("measure"), rule.spec.get("condition")
    if not isinstance(measure, Measure) or not isinstance(condition, Test) or measure.name not in WITHIN:
        return
    form = None if rule.value is None else rule.value.form
    known = None if form is None else form[1].ranges.get(measure.text.removeprefix("event."))
    if known is not None and never(condition, Extent(*known)):
        text = f"`{measure.text}` is from {known[0]} to {known[1]}, so only faults can meet this"
        around.report.add(codes.BEYOND_RANGE, draft.values.spot("condition"), text)
