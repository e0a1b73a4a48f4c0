"""What a right rule could still be better at, and what its author should expect: warnings and infos.

Each file is one subject: a function over one rule (`advise`), or over all of them (`compare`). What cannot be
understood stops a load; what can be understood and cannot be meant is told here and stops nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from streams.rulefile.advice import (
    conclusions,
    conditions,
    keys,
    people,
    ranges,
    steps,
    terms,
    tests,
    titles,
    town,
    twins,
)
from streams.rulefile.advice.around import Around
from streams.rulefile.codes import Report
from streams.rulefile.drafts import RuleDraft
from streams.rulefile.shared import Shared
from streams.rules import City, EventType, Rule, Source

_OF_ONE = (people, conditions, ranges, steps, terms, keys, tests, conclusions, town)
_OF_ALL = (titles, twins)


class Adviser:
    """Advises on one rule after the other, the bases of a rule before it; then on all of them together."""

    def __init__(self, event_types: Mapping[str, EventType], sources: Mapping[str, Source], report: Report,
                 city: City, pages: frozenset[str]) -> None:
        self.around = Around(event_types, sources, {}, report, city, pages)
        self.advised: list[tuple[RuleDraft, Rule]] = []

    def advise(self, draft: RuleDraft, rule: Rule) -> None:
        """Everything there is to say about a rule that is right."""
        self.around.rules[rule.id] = rule
        self.advised.append((draft, rule))
        for subject in _OF_ONE:
            subject.advise(draft, rule, self.around)

    def compare(self, shared: Shared) -> None:
        """What there is to say about rules beside each other."""
        for subject in _OF_ALL:
            for draft, say in subject.compare(self.advised):
                with shared.of(self.around.report, draft.origin):
                    say(self.around.report)

    def rules(self) -> Iterable[Rule]:
        """The rules that were advised on."""
        return self.around.rules.values()
