"""Which clauses of a rule's conditions its tests decide both ways.

A clause decides where the condition would turn out otherwise if the clause did: with `level >= 20 && indoors`
an event of level 5 that is outdoors shows nothing of either. A clause is covered if it decides for one event of
the tests and against for another. Exceptions have conditions too; those of an absence rule are decided by keys.
Conditions over findings of other rules are not looked at, nor what a
district's override asks of the place by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from streams.conditions.clauses import AND, NOT, OR, Clause, Logic, logic
from streams.ingest.route import Router, fits
from streams.records import Event
from streams.rulefile.silence import PREFIX
from streams.rules import FINDINGS_OF, Bundle, Rule, Selector
from streams.specs import Written
from streams.tools.playing import Staged, staged
from streams.tools.ruletest import Chosen, name_of
from streams.tools.standins import Rebuild
from streams.tools.timeline import Misread

Name = int | str
"""The number of a selector, or the name of an exception."""


class Covered(msgspec.Struct, frozen=True):
    """One clause of the condition with this number of a rule, and whether tests decided it as true, and as false.

    `exception` is the one whose condition it is; "" where it is the rule's own.
    """

    rule: str
    selector: int
    text: str
    as_true: bool
    as_false: bool
    exception: str = ""

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
    decided: dict[tuple[Name, int], set[bool]] = {}
    for test in rule.tests:
        if chosen(rule, name_of(test)):
            for name, index, value in _shown(bundle, rule, test, rebuild):
                decided.setdefault((name, index), set()).add(value)
    conditions: dict[Name, Condition] = {}
    for one in _conditions(rule):
        conditions.setdefault(one.name, one)
    for name, one in conditions.items():
        for index, clause in enumerate(one.whole.clauses()):
            ways = decided.get((name, index), set())
            yield Covered(rule.id, one.selector, clause.text, True in ways, False in ways, one.exception)


def _shown(bundle: Bundle, rule: Rule, test: Written, rebuild: Rebuild | None) -> Iterator[tuple[Name, int, bool]]:
    """(condition, clause, value) for each clause that an event of the test, or a key, decides."""
    try:
        stage = staged(bundle, rule, test.value, rebuild)
    except Misread:
        return
    events = [one.event for one in stage.arrivals]
    for one in _conditions(stage.rule):
        selector = stage.rule.selectors[one.selector]
        meant = _keys(stage, events) if one.over_key else [event for event in events if concerns(selector, event)]
        for index, clause in enumerate(one.whole.clauses()):
            for about in meant:
                value = clause.outcome(about)
                if value is not None and decides(one.whole, about, clause):
                    yield one.name, index, value


class Condition(msgspec.Struct, frozen=True):
    """A condition of a rule: of the selector with this number, or of an exception over its events, or over keys."""

    selector: int
    whole: Logic
    exception: str = ""
    over_key: bool = False

    @property
    def name(self) -> Name:
        """What it is known by: an exception that several steps have is one."""
        return self.exception or self.selector


def _conditions(rule: Rule) -> Iterator[Condition]:
    for number, selector in enumerate(rule.selectors):
        if any(name.startswith(FINDINGS_OF) for name in selector.types):
            continue
        if selector.written is not None:
            yield Condition(number, logic(selector.written))
        guard = selector.guard
        for one in guard.exemptions if guard is not None and guard.blocks else ():
            yield Condition(number, logic(one.where), one.name)
    if any(selector.guard is not None and not selector.guard.blocks for selector in rule.selectors):
        for one in rule.exemptions:
            yield Condition(0, logic(one.where), one.name, over_key=True)


def _keys(stage: Staged, events: Iterable[Event]) -> list[dict[str, Any]]:
    """The keys of the test, by the names of their parts: those that must report and those of its events."""
    router = Router(stage.alone)
    keys = [*stage.rule.expected, *(key for event in events for _, key, _ in router.route(event))]
    return [dict(zip(stage.rule.by, key, strict=False)) for key in dict.fromkeys(keys)]


def concerns(selector: Selector, event: Event) -> bool:
    """Whether an event is of a type that is asked for, and lies where the rule holds."""
    return any(fits(pattern, event.type) for pattern in selector.types) and selector.covers(event)


def decides(whole: Logic, event: Any, clause: Clause) -> bool:
    """Whether it lies with this clause that the condition holds for an event or a key, or that it does not."""
    held = [outcome(whole, event, clause, value) is True for value in (True, False)]
    return held[0] != held[1]


def outcome(whole: Logic, event: Any, forced: Clause, value: bool) -> bool | None:
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
