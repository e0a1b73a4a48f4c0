"""What a right rule could still be better at, and what its author should expect: warnings and infos."""

from __future__ import annotations

import re
from collections.abc import Mapping

from streams.clocks import show_duration
from streams.kinds import Frontier
from streams.rulefile import codes
from streams.rulefile.codes import Report
from streams.rulefile.drafts import RuleDraft
from streams.rulefile.scalars import Passage
from streams.rulefile.selection import fits
from streams.rulefile.structures import StepDraft
from streams.rules import EventType, Rule, Selector, Source
from streams.specs import Window

# An order between something and a number: `bar < 2`, `30 <= mm`.
_MEASURED = re.compile(r"[<>]=?\s*-?\.?\d|\d\s*[<>]")


class Adviser:
    """Advises on one rule after the other."""

    def __init__(self, event_types: Mapping[str, EventType], sources: Mapping[str, Source], report: Report) -> None:
        self.event_types, self.sources, self.report = event_types, sources, report

    def advise(self, draft: RuleDraft, rule: Rule) -> None:
        """Everything there is to say about a rule that is right."""
        values, report = draft.values, self.report
        if not rule.owner:
            report.add(codes.NO_OWNER, values.spot("id"), f"`{rule.id}` has no owner")
        if not rule.tests:
            report.add(codes.NO_TESTS, values.spot("id"), f"`{rule.id}` has no tests")
        if not rule.sources and not rule.bases:
            report.add(codes.NO_SOURCE, values.spot("event"), f"no source sends what `{rule.id}` waits for")
        self._negated(draft)
        self._conditions(draft, rule)
        told = self.concludes(draft, rule)
        hint = None if told == "concludes at once" else ""
        held = values.get("for", 0) > 0 and rule.detector.frontier is Frontier.HEAD
        why = "whether it held without a gap is only known once the clock has passed" if held else rule.detector.why
        report.add(codes.CONCLUDES, values.spot("kind"), f"{told}: {why}", hint)

    def concludes(self, draft: RuleDraft, rule: Rule) -> str:
        """When a finding can be told, in a sentence."""
        wait: int = draft.values.get("for", 0)
        if rule.detector.frontier is Frontier.HEAD and not wait:
            return "concludes at once"
        feeds = [self.sources[name] for name in rule.sources]
        slowest = max(feeds, key=lambda one: (one.disorder, one.id), default=None)
        disorder = "" if slowest is None else f"{said(slowest.disorder)} (disorder of {slowest.id})"
        before, after = _deadline(draft, rule)
        waits = " + ".join(part for part in (before, wait and f"{said(wait)} (`for`)", disorder) if part)
        return f"concludes {waits or 'at once'} {after}"

    def _negated(self, draft: RuleDraft) -> None:
        for step in draft.steps:
            where = step.selector.where
            if step.step.negated and where is not None and _MEASURED.search(where.text):
                self.report.add(
                    codes.NOT_MEASURED,
                    where.spot,
                    f"`{step.step.name}` must not happen, but it is a measured value: if no reading comes, "
                    "the step did not happen either",
                )

    def _conditions(self, draft: RuleDraft, rule: Rule) -> None:
        for selector, where in zip(rule.selectors, _wheres(draft), strict=False):
            if where is None or selector.where is None:
                continue
            equalities = selector.where.equalities
            if not equalities:
                text = f"every event of {', '.join(selector.types)} is tried against this"
                self.report.add(codes.NOT_INDEXED, where.spot, text)
            for name in sorted(self._personal(selector) & equalities.keys()):
                text = f"`{name}` is personal: an event holds a keyed hash of it, which equals no text"
                self.report.add(codes.PERSONAL, where.spot, text)

    def _personal(self, selector: Selector) -> set[str]:
        types = [one for name, one in self.event_types.items() if any(fits(type, name) for type in selector.types)]
        return {name for one in types for name, field in one.fields.items() if field.personal}


def said(span: int) -> str:
    """A duration in a sentence: `5 min`, `30 s`."""
    words = {"m": "min", "d": "days", "w": "weeks"}
    return " ".join(
        f"{number} {words.get(unit, unit)}" for number, unit in re.findall(r"(\d+)(us|ms|[smhdw])", show_duration(span))
    )


def _wheres(draft: RuleDraft) -> list[Passage | None]:
    if draft.steps:
        return [step.selector.where for step in draft.steps]
    return [draft.values.get("where")]


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
    if isinstance(window, Window):
        return "", "after the event" if window.type == "sliding" else "after the window's end"
    return "", "after the last step" if steps else "after the event"
