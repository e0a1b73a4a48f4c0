"""The conditions of a rule: what of them is decided beforehand, what they cost, what they cannot compare."""

from __future__ import annotations

import re
from collections.abc import Iterator

from streams.conditions import Expression
from streams.conditions.checked import Call, Used, walk
from streams.conditions.clauses import spans
from streams.conditions.truth import Decided, decided
from streams.rulefile import codes
from streams.rulefile.advice.around import Around
from streams.rulefile.drafts import RuleDraft
from streams.rulefile.embedded import spot_in
from streams.rulefile.ranges import IMPOSSIBLE
from streams.rulefile.scalars import Passage
from streams.rulefile.selection import fits
from streams.rulefile.structures import MeasureDraft
from streams.rules import Rule, Selector

# An order between something and a number: `bar < 2`, `30 <= mm`.
_MEASURED = re.compile(r"[<>]=?\s*-?\.?\d|\d\s*[<>]")
# What it costs to try a condition on one event; measured by `python -m bench.scan` (bench/README.md).
COMPARING, CALLING = "0.1 µs", "1 µs"
_QUICK = frozenset(("startsWith", "endsWith", "contains", "size"))


def advise(draft: RuleDraft, rule: Rule, around: Around) -> None:
    """What there is to say about each condition."""
    _negated(draft, around)
    for passage, expression, before in conditions_of(draft, rule):
        _decided(passage, expression, before, around)
    for where, selector in zip(_wheres(draft), rule.selectors, strict=False):
        if where is not None and selector.where is not None:
            _cost(where, selector, selector.where, around)


def _negated(draft: RuleDraft, around: Around) -> None:
    for step in draft.steps:
        where = step.selector.where
        if step.step.negated and where is not None and _MEASURED.search(where.text):
            why = "if no reading comes, the step did not happen either"
            text = f"`{step.step.name}` must not happen, but it is a measured value: {why}"
            around.report.add(codes.NOT_MEASURED, where.spot, text)


def _cost(passage: Passage, selector: Selector, where: Expression, around: Around) -> None:
    if not where.equalities:
        assert where.form is not None
        called = {node.function for node in walk(where.form[0]) if isinstance(node, Call)}
        slow = [name for name in called - _QUICK if name[:1] not in "_@!-"]
        cost = CALLING if slow else COMPARING
        text = f"it is tried on every event of {', '.join(selector.types)}: about {cost} each"
        around.report.add(codes.NOT_INDEXED, passage.spot, text)
    for name in sorted(_personal(selector, around) & where.equalities.keys()):
        text = f"`{name}` is personal: an event holds a keyed hash of it, which equals no text"
        around.report.add(codes.PERSONAL, passage.spot, text)


def _personal(selector: Selector, around: Around) -> set[str]:
    types = [one for name, one in around.event_types.items() if any(fits(type, name) for type in selector.types)]
    return {name for one in types for name, field in one.fields.items() if field.personal}


def conditions_of(draft: RuleDraft, rule: Rule) -> Iterator[tuple[Passage, Expression, int]]:
    """Each condition as written and as compiled, and how much of its text is not the author's."""
    for passage, selector in zip(_wheres(draft), rule.selectors, strict=False):
        if passage is not None and selector.where is not None:
            own = f"({passage.text})"
            yield passage, selector.where, len(selector.where.text) - len(own) + 1 if own in selector.where.text else 0
    measure = draft.values.get("measure")
    if isinstance(measure, MeasureDraft) and measure.measure.name == "ratio" and measure.expression and rule.value:
        yield measure.expression, rule.value, 0


def _decided(passage: Passage, expression: Expression, before: int, around: Around) -> None:
    found = decided(expression)
    places = spans(expression) if found else {}
    for one in found:
        span = places.get(id(one.node))
        if span is None or span[0] < before:
            continue
        start, end = span[0] - before, span[1] - before
        text = f"`{_shown(passage.text[start:end])}` {_verdict(one)}{_because(one, places, expression)}"
        code = codes.ALWAYS_TRUE if one.holds else codes.NEVER_TRUE
        around.report.add(code, spot_in(passage.node, start, end), text)


def _verdict(one: Decided) -> str:
    if one.fails:
        return "fails whatever the event is"
    return "is always true" if one.holds else "can never be true"


def _because(one: Decided, places: dict[int, tuple[int, int]], expression: Expression) -> str:
    if isinstance(one.node, Used) and one.node.name == IMPOSSIBLE and not one.holds:
        return ": no field of these events declares a `range`"
    said = [expression.text[slice(*places[id(node)])] for node in one.said if id(node) in places]
    if said:
        return f": {' and '.join(f'`{_shown(text)}`' for text in said)} stands before it"
    low, high = one.known.low, one.known.high
    if low is not None and high is not None:
        return f": it is from {low[0]} to {high[0]}"
    return f": it is {low[0]} at least" if low is not None else ""


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:57]}..."


def _wheres(draft: RuleDraft) -> list[Passage | None]:
    if draft.steps:
        until = draft.values.get("until")
        return [*(step.selector.where for step in draft.steps), None if until is None else until.where]
    return [draft.values.get("where")]
