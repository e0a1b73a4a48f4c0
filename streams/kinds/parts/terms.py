"""The terms of a `threshold` rule: what is measured, when that is too much, what in them cannot be. Pure.

`kinds/threshold.py` folds by them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from streams.judging.episodes import HoldOptions
from streams.judging.measures import Extent, always, extent, never, overlap
from streams.judging.windows import contradictions
from streams.kinds import Frontier
from streams.specs import Measure, Test, Window

ZERO_IF_EMPTY = ("count", "distinct", "sum")
_RISING, _FALLING = ("gt", "gte"), ("lt", "lte")
_REACHING = {"count": _RISING, "distinct": _RISING, "max": _RISING, "min": _FALLING, "spread": _RISING}


class Terms(msgspec.Struct, frozen=True):
    """The terms of one rule: what is measured over which window, when it holds, when it ends."""

    window: Window
    measure: Measure
    condition: Test
    recovery: Test | None
    min_events: int
    options: HoldOptions

    @property
    def reaching(self) -> bool:
        """Whether more events can only help the condition."""
        return self.condition.op in _REACHING.get(self.measure.name, ())

    @property
    def need(self) -> int:
        """How many events meet a condition on their count that more events only help; else 0."""
        if not self.reaching or self.measure.name != "count":
            return 0
        bound: float = self.condition.value
        least = math.ceil(bound) if self.condition.op == "gte" else math.floor(bound) + 1
        return max(least, self.min_events)

    @property
    def zero(self) -> bool:
        """Whether an empty window measures 0 and not nothing."""
        return self.min_events <= 0 and self.window.type != "session" and self.measure.name in ZERO_IF_EMPTY

    @property
    def possible(self) -> Extent:
        """Which values can be measured."""
        return extent(self.measure, 0 if self.zero else max(1, self.min_events))

    @property
    def name(self) -> str:
        """The measure as its author wrote it."""
        return f"p{self.measure.percentile}" if self.measure.name == "percentile" else self.measure.name


def problems_of(spec: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Contradictions within the fields as parsed: (field, what is wrong, what to do)."""
    if spec.get("window") is None or spec.get("condition") is None:
        return []
    terms = terms_of(spec, HoldOptions())
    found = [("window", *one) for one in contradictions(terms.window)]
    if terms.min_events < 0:
        found.append(("min_events", "`min_events` is negative", "leave it out, or say how few are too few"))
    return found + _condition_problems(terms) + _recovery_problems(terms) + _near_problems(terms, spec)


def _condition_problems(terms: Terms) -> list[tuple[str, str, str]]:
    condition, possible = _shown(terms, terms.condition), terms.possible
    if never(terms.condition, possible):
        return [("condition", f"`{condition}` can never hold", f"choose a value that {terms.name} can have")]
    if always(terms.condition, possible):
        return [("condition", f"`{condition}` always holds", "use `kind: match`, or change the value")]
    return []


def _recovery_problems(terms: Terms) -> list[tuple[str, str, str]]:
    if terms.recovery is None:
        return []
    condition, recovery = _shown(terms, terms.condition), _shown(terms, terms.recovery)
    if overlap(terms.condition, terms.recovery, terms.possible):
        return [("recovery", f"both `{condition}` and `{recovery}` can hold at once",
                 "let recovery begin where the condition no longer holds")]
    if never(terms.recovery, terms.possible):
        return [("recovery", f"`{recovery}` can never hold", f"choose a value that {terms.name} can have")]
    if terms.zero and not terms.condition.holds(0) and not terms.recovery.holds(0):
        wrong = f"no events measure 0, which does not satisfy `{recovery}`: an episode might never end"
        return [("recovery", wrong, "choose a recovery that 0 satisfies, or give `min_events`")]
    return []


def _near_problems(terms: Terms, spec: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    if spec.get("near") is None:
        wrong = "`deviation` compares with what is read nearby, and the rule does not say how near"
        return [("measure", wrong, "add for example near: 2km")] if terms.measure.name == "deviation" else []
    if terms.window.type != "sliding":
        return [("near", f"a circle looks back from its newest event, a {terms.window.type} window does not",
                 "write a sliding window: window: 30m")]
    if terms.zero and terms.condition.holds(0):
        wrong = f"a circle that all events have left satisfies `{_shown(terms, terms.condition)}`: it would never end"
        return [("near", wrong, "choose a condition that 0 does not satisfy, or give `min_events`")]
    return []


def _shown(terms: Terms, test: Test) -> str:
    return f"{terms.name} {test.op} {test.value}"


def terms_of(spec: Mapping[str, Any], options: HoldOptions) -> Terms:
    """The terms that the fields of a rule say, as `streams.specs` has them."""
    return Terms(spec["window"], spec.get("measure") or Measure(), spec["condition"], spec.get("recovery"),
                 spec.get("min_events") or 0, options)


def frontier_of(terms: Terms) -> tuple[Frontier, str]:
    """How far the rule's conclusions run, and the sentence that tells the author why."""
    condition = _shown(terms, terms.condition)
    if not terms.reaching:
        why = f"an event that comes late can undo `{condition}`"
    elif terms.window.type == "session" and terms.window.max is not None:
        why = "an event that comes late can move where `max` cuts the session"
    elif terms.window.type == "sliding" and terms.options.wait and not terms.zero:
        why = f"while `for` runs, an event that comes late can fill a gap with a value that fails `{condition}`"
    else:
        return Frontier.HEAD, f"once `{condition}` is met, an event that comes late cannot undo it"
    return Frontier.CLOCK, f"{why}, so the clock must have passed"
