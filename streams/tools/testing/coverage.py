"""Which clauses of a rule's conditions its tests decide both ways.

A clause decides where the condition would turn out otherwise if the clause did: with `level >= 20 && indoors`
an event of level 5 that is outdoors shows nothing of either. A clause is covered if it decides for one event of
the tests and against for another. Conditions over findings of other rules are not looked at, nor what a
district's override asks of the place by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from streams.conditions.clauses import AND, NOT, OR, Clause, Logic, logic
from streams.records import Event
from streams.route import fits
from streams.rulefile.silence import PREFIX
from streams.rules import FINDINGS_OF, Bundle, Rule, Selector
from streams.specs import Written
from streams.tools.playing import staged
from streams.tools.ruletest import Chosen, name_of
from streams.tools.standins import Rebuild
from streams.tools.timeline import Misread


class Covered(msgspec.Struct, frozen=True):
    """One clause of the condition with this number of a rule, and whether tests decided it as true, and as false."""

    rule: str
    selector: int
    text: str
    as_true: bool
    as_false: bool

    @property
    def lacks(self) -> str:
        """What no test shows; "" if nothing."""
        if self.as_true and self.as_false:
            return ""
        if not self.as_true and not self.as_false:
            return "decides nothing"
        return "is never what it fails by" if self.as_true else "is never what it holds by"


def coverage(bundle: Bundle, rules: Iterable[Rule], chosen: Chosen, rebuild: Rebuild | None = None) -> list[Covered]:
    """All clauses of the rules, in order; with the tests that are chosen. A test that cannot be read shows nothing."""
    own = [rule for rule in rules if not rule.id.startswith(PREFIX)]  # what sources bring along is ours to test
    return [one for rule in own for one in _of_rule(bundle, rule, chosen, rebuild)]


def _of_rule(bundle: Bundle, rule: Rule, chosen: Chosen, rebuild: Rebuild | None) -> Iterator[Covered]:
    decided: dict[tuple[int, int], set[bool]] = {}
    for test in rule.tests:
        if chosen(rule, name_of(test)):
            for number, index, value in _shown(bundle, rule, test, rebuild):
                decided.setdefault((number, index), set()).add(value)
    for number, whole in _conditions(rule):
        for index, clause in enumerate(whole.clauses()):
            ways = decided.get((number, index), set())
            yield Covered(rule.id, number, clause.text, True in ways, False in ways)


def _shown(bundle: Bundle, rule: Rule, test: Written, rebuild: Rebuild | None) -> Iterator[tuple[int, int, bool]]:
    """(condition, clause, value) for each clause that an event of the test decides."""
    try:
        stage = staged(bundle, rule, test.value, rebuild)
    except Misread:
        return
    own, events = stage.rule, [one.event for one in stage.arrivals]
    for number, whole in _conditions(own):
        meant = [event for event in events if concerns(own.selectors[number], event)]
        for index, clause in enumerate(whole.clauses()):
            for event in meant:
                value = clause.outcome(event)
                if value is not None and decides(whole, event, clause):
                    yield number, index, value


def _conditions(rule: Rule) -> Iterator[tuple[int, Logic]]:
    for number, selector in enumerate(rule.selectors):
        if selector.written is not None and not any(name.startswith(FINDINGS_OF) for name in selector.types):
            yield number, logic(selector.written)


def concerns(selector: Selector, event: Event) -> bool:
    """Whether an event is of a type that is asked for, and lies where the rule holds."""
    return any(fits(pattern, event.type) for pattern in selector.types) and selector.covers(event)


def decides(whole: Logic, event: Event, clause: Clause) -> bool:
    """Whether it lies with this clause that the condition holds for an event, or that it does not."""
    held = [outcome(whole, event, clause, value) is True for value in (True, False)]
    return held[0] != held[1]


def outcome(whole: Logic, event: Event, forced: Clause, value: bool) -> bool | None:
    """What the condition gives for an event if one clause gives `value`; None where it fails."""
    if whole.clause is not None:
        return value if whole.clause is forced else whole.clause.outcome(event)
    found = [outcome(part, event, forced, value) for part in whole.parts]
    if whole.op == NOT:
        return None if found[0] is None else not found[0]
    assert whole.op in (AND, OR)
    winner = whole.op == OR
    if winner in found:
        return winner
    return None if None in found else not winner
