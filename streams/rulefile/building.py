"""From a rule's fields to the rule: its selectors, what its kind needs, its texts, its detector."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any

import msgspec

from streams.clocks import zone_of
from streams.composites import event_type, origin
from streams.conditions import Expression
from streams.judging.episodes import HoldOptions
from streams.places import CELL
from streams.records import KeyValues, Micros
from streams.rulefile import codes
from streams.rulefile.bands import TopDraft
from streams.rulefile.baselining import BaselineDraft, summary_of
from streams.rulefile.codes import Code, Report
from streams.rulefile.drafts import Built, RuleDraft
from streams.rulefile.duty import Duties
from streams.rulefile.exceptions import Exceptions, Kept, check_taken_away
from streams.rulefile.expressions import Expressions, Names, said_type
from streams.rulefile.fields import Values
from streams.rulefile.grading import Graded, Gradings
from streams.rulefile.grouping import Groups
from streams.rulefile.limits import LimitDraft, limit_of
from streams.rulefile.logic import logic_of, squeeze
from streams.rulefile.nearness import Nearness
from streams.rulefile.nodes import below
from streams.rulefile.profiles import Profiles
from streams.rulefile.scalars import Passage, a_or_an
from streams.rulefile.selection import Selection
from streams.rulefile.selectors import KEY_TYPES, Selectors
from streams.rulefile.spots import Spot
from streams.rulefile.structures import MeasureDraft, SelectorDraft, StepDraft
from streams.rulefile.watching import Watching, longest
from streams.rulefile.wording import Wording
from streams.rules import Alert, Group, Limit, Near, Rule
from streams.schedules import Schedule
from streams.specs import Measure, Rarity

NUMBERS = frozenset(("int", "double", "uint", "dyn", "duration"))
_CODE_OF = {
    "window": codes.BAD_WINDOW,
    "steps": codes.BAD_STEPS,
    "within": codes.BAD_STEPS,
    "measure": codes.BAD_MEASURE,
    "condition": codes.BAD_CONDITION,
    "recovery": codes.BAD_CONDITION,
    "condition.rise": codes.BAD_TREND,
    "condition.fall": codes.BAD_TREND,
    "around": codes.BAD_AROUND,
    "near": codes.BAD_NEAR,
    "hotspot cell": codes.BAD_CELL,
    "hotspot radius_max": codes.BAD_CELL,
    "hotspot bin": codes.BAD_BIN,
    "hotspot baseline": codes.SHORT_MEMORY,
    "hotspot condition": codes.BAD_CHANCE,
    "hotspot method": codes.BAD_STUDY,
    "baseline": codes.BASELINE_MISFIT,
    "bands": codes.BAD_BANDS,
    "top": codes.BAD_TOP,
    "indicator baseline": codes.BAD_USUAL,
    "indicator open": codes.BAD_OPEN,
    "indicator of": codes.BAD_ALIVE,
    "indicator every": codes.BAD_PERIOD,
    "indicator window": codes.BAD_PERIOD,
    "indicator measure": codes.BAD_TOP,
    "indicator recovery": codes.BAD_BANDS,
}
Interval = Callable[[KeyValues], Micros | None]


class Meaning(msgspec.Struct, frozen=True):
    """What was made of a rule's expressions."""

    by: tuple[str, ...]
    value: Expression | None
    facts: Mapping[str, Expression]
    every: Interval | None
    expected: tuple[KeyValues, ...]
    schedule: Schedule | None
    kept: Kept
    graded: Graded | None
    limit: Limit | None
    near: Near | None
    holidays: frozenset[int] | None
    longest: Micros | None
    groups: tuple[Group, ...]

    @property
    def context(self) -> dict[str, Any]:
        """What a kind takes beside its fields."""
        things = None if self.near is None else [(thing.name, thing.role) for thing in self.near.things]
        given = {"every": self.every, "schedule": self.schedule, "excused": self.kept.excused, "things": things,
                 "holidays": self.holidays, "longest": self.longest}
        return {name: value for name, value in given.items() if value is not None}


class Builder:
    """Builds rules from what the other documents declare.

    `observed` are those whose findings others read, `profiles` what the keys of rules with a baseline begin with.
    """

    def __init__(self, names: Names, selection: Selection, expressions: Expressions, report: Report,
                 observed: Container[str] = (), profiles: Profiles | None = None) -> None:
        self.observed, self.profiles = observed, profiles or Profiles((), report)
        self.names, self.selection = names, selection
        self.expressions, self.report = expressions, report
        self.rules: dict[str, Rule] = {}
        self.selectors = Selectors(names, selection, expressions, report)
        self.watching = Watching(names, expressions, report)
        self.wording = Wording(names, expressions, report)
        self.duties = Duties(names, report)
        self.exceptions = Exceptions(names, expressions, report)
        self.nearness = Nearness(names, selection, expressions, report)
        self.gradings = Gradings(names, expressions, report)
        self.groups = Groups(names, expressions, report)

    def build(self, draft: RuleDraft) -> Rule | None:
        """The rule; None if anything about it is wrong, all of which is then reported. Its bases come before it."""
        before = self.report.faults
        built = self.selectors.of(draft)
        meaning = self._meaning(draft, built, self.selectors.key_names(draft, built))
        if not draft.values.sound or self.report.faults > before:
            return None
        spec = _spec(draft)
        self._contradictions(draft, spec)
        if self.report.faults > before:
            return None
        rule = self._rule(draft, built, meaning, spec)
        self.groups.learn(draft, rule)
        if rule.id in self.observed:
            self.rules[rule.id] = rule
            self.names.event_types[origin(rule.id)] = event_type(rule)
        return rule

    def _meaning(self, draft: RuleDraft, built: list[Built], plain: tuple[str, ...]) -> Meaning:
        things = tuple(squeeze(passage.text) for passage, _ in draft.things)
        placed = (CELL,) if "near" in draft.values else ()
        by = (*plain, *(things or placed))  # as a finding's key is called
        value, schedule = self._value(draft, built), self.duties.of(draft)
        graded = self.gradings.of(draft, built, by, "" if value is None else value.type)
        every, expected = self.watching.every(draft, built, by), self.watching.expected(draft, built, by)
        return Meaning(
            (*placed, *plain),
            value,
            self.wording.facts(draft, built, by, () if graded is None else graded.facts),
            every,
            expected,
            schedule,
            self.exceptions.of(draft, built, by, schedule),
            graded,
            limit_of(draft, self.report),
            self.nearness.of(draft, built, plain),
            self._holidays(draft),
            None if every is None else longest(every, expected, built),
            self.groups.of(draft, built, by),
        )

    def _parts(self, draft: RuleDraft, bases: Iterable[str]) -> list[str]:
        """What decides beside a rule's own fields: the rules that it reads, and the districts that it sees."""
        guard = draft.origin.guard
        above = self.groups.logic(draft)
        return [*(self.rules[base].ref for base in bases), *([guard] if guard else []), *above]

    def _value(self, draft: RuleDraft, built: list[Built]) -> Expression | None:
        """The expression that is measured."""
        if hasattr(draft.kind, "measured"):
            for one in built:
                self.nearness.check_placed(one, "cell of the map")
            kept: Expression = draft.kind.measured(draft.values.read)
            return kept
        if isinstance(draft.values.get("changes"), Passage):
            return self._changing(draft, draft.values["changes"], built)
        measure = draft.values.get("measure")
        chosen = built[0].chosen if built else None
        if not isinstance(measure, MeasureDraft) or measure.expression is None or chosen is None:
            return None
        name, passage = measure.measure.name, measure.expression
        scope = self.names.event(chosen.declared, chosen.open)
        value = self.expressions.compile(passage, scope, "bool" if name == "ratio" else None)
        wanted = KEY_TYPES if name == "distinct" else NUMBERS
        if value is not None and name != "ratio" and value.type not in wanted:
            what = "values that can be told apart" if name == "distinct" else "numbers"
            text = f"`{name}` takes {what}, and this is {a_or_an(said_type(value.type))}"
            self.report.add(codes.CEL_RESULT, passage.spot, text)
        return value

    def _changing(self, draft: RuleDraft, passage: Passage, built: list[Built]) -> Expression | None:
        """What must be another value than before, if an event is to be a report."""
        chosen = built[0].chosen if built else None
        if chosen is None:
            return None
        value = self.expressions.compile(passage, self.names.event(chosen.declared, chosen.open))
        key = {path for part in draft.by for path in (squeeze(part.text),)}
        if value is not None and value.paths <= key:
            text = "it is the same for all events of a key, so only the first would be a report"
            self.report.add(codes.NEVER_CHANGES, passage.spot, text)
        return value

    def _holidays(self, draft: RuleDraft) -> frozenset[int] | None:
        """The days that the baseline takes for Sundays."""
        baseline = draft.values.get("baseline")
        named = baseline.holidays if isinstance(baseline, BaselineDraft) else None
        return None if named is None else self.duties.calendar(named)

    def _contradictions(self, draft: RuleDraft, spec: Mapping[str, Any]) -> None:
        check_taken_away(draft, self.report)
        for field, text, hint in draft.kind.problems(spec):
            parts = [part for part in re.split(r"[.\[\]]", field) if part]
            self.report.add(_code_of(draft.kind.NAME, parts), _spot_of(draft, parts, text), text, hint)

    def _rule(self, draft: RuleDraft, built: list[Built], meaning: Meaning, spec: Mapping[str, Any]) -> Rule:
        values = draft.values
        zone = values.get("zone", self.names.zone)
        options = HoldOptions(values.get("for", 0), values.get("keep_firing_for", 0))
        dispatch = values.get("dispatch")
        chosen = zip(built, meaning.kept.guards, strict=True)
        selectors = tuple(
            msgspec.structs.replace(one.selector, guard=guard) for one, guard in chosen if one.selector is not None
        )
        bases = bases_of(draft)
        plain = {name: values[name] for name in ("severity", "owner", "status", "suppress_for") if name in values}
        if meaning.graded is not None:
            plain |= {"severity": meaning.graded.otherwise, "grading": meaning.graded.grading}
        return Rule(
            id=values["id"],
            kind=draft.kind.NAME,
            title=values.get("title", values["id"]),
            selectors=selectors,
            by=meaning.by,
            detector=draft.kind.compile_rule(spec, options, zone_of(zone), rule=values["id"],
                                              profile=self.profiles.of(draft, spec), **meaning.context),
            logic=logic_of(draft, zone, self._parts(draft, bases), self.names.macros),
            sources=self.selection.senders([pattern for one in selectors for pattern in one.types]),
            bases=bases,
            spec=spec,
            value=meaning.value,
            facts=meaning.facts,
            expected=meaning.expected,
            schedule=meaning.schedule,
            exemptions=meaning.kept.exemptions,
            limit=meaning.limit,
            near=meaning.near,
            groups=meaning.groups,
            counting=draft.kind.counting(spec, zone_of(zone)) if hasattr(draft.kind, "counting") else None,
            alert=_alert(draft, spec, meaning.by),
            dispatch=dispatch[0] if dispatch else None,
            tests=values.get("tests", ()),
            district=draft.origin.district,
            origins=origins_of(values),
            file=draft.file,
            line=line_of(draft),
            **plain,
        )


def line_of(draft: RuleDraft) -> int:
    """The line in its file: of a district's variant, whose fields stand elsewhere, that of its `id`."""
    varied = draft.origin.district and draft.origin.rule
    spot = draft.values.spot("id" if varied else "")
    return spot.file.position(spot.start)[0]


def origins_of(values: Values) -> dict[str, tuple[str, int]]:
    """The file and line of each field of a rule."""
    return {name: (node.file.name, node.file.position(node.start)[0]) for name, (_, node) in values.node.pairs.items()}


def bases_of(draft: RuleDraft) -> tuple[str, ...]:
    """The rules whose findings a rule reads, by their ids."""
    return tuple(dict.fromkeys(passage.text for passage in named_rules(draft)))


def named_rules(draft: RuleDraft) -> list[Passage]:
    """The places where a rule names other rules in place of events."""
    until = draft.values.get("until")
    selectors = [*(step.selector for step in draft.steps), *([until] if until is not None else [])]
    return [*draft.values.get("rule", ()), *(passage for one in selectors for passage in one.rules)]


def _alert(draft: RuleDraft, spec: Mapping[str, Any], by: tuple[str, ...]) -> Alert:
    """What people read; a rule with a baseline that says no summary has one all the same."""
    written = draft.values.get("alert")
    alert: Alert = written[0] if written else Alert()
    own: str = getattr(draft.kind, "SUMMARY", "")
    if own and not alert.summary:
        return msgspec.structs.replace(alert, summary=own)
    if alert.summary or draft.kind.NAME != "threshold" or not isinstance(spec.get("condition"), Rarity):
        return alert
    measure = spec.get("measure") or Measure()
    return msgspec.structs.replace(alert, summary=summary_of(spec["condition"], measure.name, by))


def _spec(draft: RuleDraft) -> dict[str, Any]:
    """The kind's own fields as it takes them, with their defaults, and `limit`."""
    own = {field.name: field for field in draft.kind.FIELDS}
    spec = {name: field.default for name, field in own.items() if field.default is not None}
    spec |= {name: _taken(draft.values[name]) for name in (*own, "limit") if name in draft.values}
    return spec


def _taken(value: Any) -> Any:
    """What a kind takes, from what was read."""
    if isinstance(value, MeasureDraft):
        return value.measure
    if isinstance(value, LimitDraft):
        return value.matches
    if isinstance(value, BaselineDraft):
        return value.learning
    if isinstance(value, TopDraft):
        return value.top
    if isinstance(value, Passage):
        return squeeze(value.text)
    if isinstance(value, SelectorDraft):
        return True
    if isinstance(value, tuple) and value and isinstance(value[0], StepDraft):
        return tuple(draft.step for draft in value)
    return value


def _spot_of(draft: RuleDraft, parts: list[str], text: str) -> Spot:
    """Where a contradiction is shown: at the step it speaks of, else at the field it is in."""
    named = re.search(r"`(\w+)`", text)
    for step in reversed(draft.steps):
        if named is not None and step.step.name == named[1]:
            return (step.node.get("name") or step.node).spot
    node = draft.values.node.get(parts[0]) if parts else None
    return draft.values.spot() if node is None else below(node, parts[1:]).spot


def _code_of(kind: str, parts: list[str]) -> Code:
    names = (f"{kind} {parts[0]}", ".".join(parts[:2]), parts[0]) if parts else ()
    return next((_CODE_OF[name] for name in names if name in _CODE_OF), codes.CONTRADICTION)
