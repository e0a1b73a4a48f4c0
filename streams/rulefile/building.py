"""From a rule's fields to the rule: selectors, key, measure, facts, expected keys, detector, logic hash."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from streams.clocks import zone_of
from streams.conditions import EvalError, Expression
from streams.episodes import HoldOptions
from streams.kinds import Detector
from streams.records import KeyValues, Micros
from streams.rulefile import codes
from streams.rulefile.codes import Code, Report
from streams.rulefile.drafts import Built, RuleDraft
from streams.rulefile.expressions import Expressions, Names
from streams.rulefile.logic import logic_of, squeeze
from streams.rulefile.nodes import Listing, Node
from streams.rulefile.nodes import Mapping as MappingNode
from streams.rulefile.scalars import Passage, advise
from streams.rulefile.selection import Selection
from streams.rulefile.structures import MeasureDraft, SelectorDraft, StepDraft
from streams.rulefile.wording import Wording
from streams.rules import Alert, Register, Rule, Selector
from streams.specs import Expect, Test

PEAKS = {"gt": "max", "gte": "max", "lt": "min", "lte": "min"}
KEY_TYPES = frozenset(("string", "int", "double", "bool", "timestamp", "duration", "uint", "dyn"))
NUMBERS = frozenset(("int", "double", "uint", "dyn", "duration"))
_CODE_OF = {
    "window": codes.BAD_WINDOW,
    "steps": codes.BAD_STEPS,
    "measure": codes.BAD_MEASURE,
    "condition": codes.BAD_CONDITION,
    "recovery": codes.BAD_CONDITION,
}
_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)


class Builder:
    """Builds rules from what the other documents declare."""

    def __init__(self, names: Names, selection: Selection, expressions: Expressions, report: Report) -> None:
        self.names, self.selection = names, selection
        self.expressions, self.report = expressions, report

    def build(self, draft: RuleDraft) -> Rule | None:
        """The rule; None if anything about it is wrong, all of which is then reported."""
        before = self.report.faults
        values = draft.values
        built = self.selectors(draft)
        by = self._key_names(draft, built)
        value = self._value(draft, built)
        facts = Wording(self.names, self.expressions, self.report).facts(draft, built, by)
        spec = self._spec(draft)
        every = self._every(draft, built, by)
        expected = self._expected(draft, built, by)
        if not values.sound or self.report.faults > before:
            return None
        self._contradictions(draft, spec)
        if self.report.faults > before:
            return None
        selectors = tuple(one.selector for one in built if one.selector is not None)
        return self._rule(draft, selectors, by, value, facts, spec, every, expected)

    # selectors and key

    def selectors(self, draft: RuleDraft) -> list[Built]:
        """One for each bit: that of the rule, or those of its steps and of `until`."""
        values = draft.values
        rule_by: tuple[Passage, ...] = values.get("by", ())
        if any(field.type == "steps" for field in draft.kind.FIELDS):
            drafts = [step.selector for step in draft.steps]
            drafts += [
                values[field.name]
                for field in draft.kind.FIELDS
                if field.type == "selector" and field.name in values
            ]
        else:
            drafts = [SelectorDraft(values.get("event", ()), values.get("where"))]
        return [self._selector(one, one.by if one.by is not None else rule_by) for one in drafts]

    def _selector(self, draft: SelectorDraft, by: tuple[Passage, ...]) -> Built:
        draft = msgspec.structs.replace(draft, by=by)
        chosen = self.selection.choose(draft.types)
        if chosen is None:
            return Built(draft, None, None)
        before = self.report.faults
        scope = self.names.event(chosen.declared, chosen.open)
        where = None if draft.where is None else self.expressions.compile(draft.where, scope, "bool")
        parts = [self.expressions.compile(part, scope) for part in by]
        for passage, part in zip(by, parts, strict=True):
            if part is not None and part.type not in KEY_TYPES:
                self.report.add(
                    codes.CEL_RESULT,
                    passage.spot,
                    f"a key cannot be a {part.type}",
                    "name a field that is a text or a number",
                )
        if self.report.faults > before:
            return Built(draft, chosen, None)
        return Built(draft, chosen, Selector(chosen.patterns, where, tuple(part for part in parts if part)))

    def _key_names(self, draft: RuleDraft, built: list[Built]) -> tuple[str, ...]:
        """What the parts of the key are called; all selectors must have the same parts in number and type."""
        rule_by: tuple[Passage, ...] = draft.values.get("by", ())
        keys = [one.draft.by or () for one in built]
        names = rule_by or (keys[0] if keys else ())
        for one, key in zip(built, keys, strict=True):
            if len(key) != len(names):
                spot = (
                    key[0].spot
                    if key
                    else one.draft.types[0].spot
                    if one.draft.types
                    else draft.values.spot()
                )
                self.report.add(
                    codes.BAD_KEY, spot, f"the key has {len(key)} parts here and {len(names)} elsewhere"
                )
        self._same_key_types(built)
        return tuple(squeeze(passage.text) for passage in names)

    def _same_key_types(self, built: list[Built]) -> None:
        """A text never equals a number, so such keys would never meet."""
        first: dict[int, str] = {}
        for one in built:
            if one.selector is None or one.draft.by is None:
                continue
            for index, (passage, part) in enumerate(zip(one.draft.by, one.selector.by, strict=True)):
                known = first.setdefault(index, part.type)
                if known != part.type and "dyn" not in (known, part.type):
                    self.report.add(
                        codes.BAD_KEY,
                        passage.spot,
                        f"`{passage.text}` is a {part.type} here and a {known} in a step before",
                        "convert one of the two, for example string(number)",
                    )

    # what a kind needs beside its fields

    def _value(self, draft: RuleDraft, built: list[Built]) -> Expression | None:
        """The expression that is measured."""
        measure = draft.values.get("measure")
        if not isinstance(measure, MeasureDraft) or measure.expression is None or not built:
            return None
        chosen = built[0].chosen
        if chosen is None:
            return None
        name, passage = measure.measure.name, measure.expression
        scope = self.names.event(chosen.declared, chosen.open)
        value = self.expressions.compile(passage, scope, "bool" if name == "ratio" else None)
        wanted = KEY_TYPES if name == "distinct" else NUMBERS
        if value is not None and name != "ratio" and value.type not in wanted:
            what = "values that can be told apart" if name == "distinct" else "numbers"
            self.report.add(
                codes.CEL_RESULT, passage.spot, f"`{name}` takes {what}, and this is a {value.type}"
            )
        return value

    def _every(
        self, draft: RuleDraft, built: list[Built], by: tuple[str, ...]
    ) -> Callable[[KeyValues], Micros | None] | None:
        """From a key to the time its entity may be silent."""
        every = draft.values.get("every")
        if isinstance(every, int):
            return lambda key: every
        if not isinstance(every, Passage):
            return None
        types = {}
        if built and built[0].selector is not None:
            types = {
                name: part.type
                for name, part in zip(by, built[0].selector.by, strict=False)
                if _PATH.fullmatch(name)
            }
        elif by:
            return None  # the key itself is wrong: what it says of `every` would be noise
        expression = self.expressions.compile(every, self.names.key(types), "duration")
        return None if expression is None else _interval(expression, by)

    def _expected(self, draft: RuleDraft, built: list[Built], by: tuple[str, ...]) -> tuple[KeyValues, ...]:
        """The keys of a register's rows."""
        expect = draft.values.get("expect")
        if not isinstance(expect, Expect) or expect.register is None:
            return ()
        register = self.names.registers.get(expect.register)
        node = draft.values.node.get("expect")
        spot = _below(node, ["register"]).spot if node is not None else draft.values.spot()
        if register is None:
            self.report.add(
                codes.UNKNOWN_REGISTER,
                spot,
                f"there is no register `{expect.register}`",
                advise(expect.register, self.names.registers, "the registers are"),
            )
            return ()
        if not by:
            self.report.add(
                codes.BAD_KEY,
                draft.values.spot("expect"),
                "the rows of a register need a key to compare with",
                f"add `by:` with the field that holds `{register.key}`",
            )
            return ()
        return self._keys(draft, built, by, register)

    def _keys(
        self, draft: RuleDraft, built: list[Built], by: tuple[str, ...], register: Register
    ) -> tuple[KeyValues, ...]:
        columns = [register.key] if len(by) == 1 else [name.rpartition(".")[2] for name in by]
        for name, column in zip(by, columns, strict=True):
            if column not in register.fields:
                self.report.add(
                    codes.BAD_KEY,
                    draft.values.spot("by"),
                    f"the register {register.id} has no column `{column}`",
                    advise(column, register.fields, "its columns are"),
                )
                return ()
            part = _key_part(built, by.index(name))
            kind = register.fields[column].type
            if part is not None and part.type not in (kind, "dyn") and kind != "dyn":
                self.report.add(
                    codes.BAD_KEY,
                    draft.values.spot("by"),
                    f"`{name}` is a {part.type}, and the column `{column}` of {register.id} a {kind}",
                )
        rows = (tuple(row.get(column) for column in columns) for row in register.rows.values())
        return tuple(dict.fromkeys(key for key in rows if None not in key))

    # the spec

    def _spec(self, draft: RuleDraft) -> dict[str, Any]:
        """The kind's own fields as it takes them, with their defaults, and `limit`."""
        own = {field.name: field for field in draft.kind.FIELDS}
        spec = {name: field.default for name, field in own.items() if field.default is not None}
        spec |= {name: plain_value(draft.values[name]) for name in own if name in draft.values}
        if "limit" in draft.values:
            spec["limit"] = draft.values["limit"]
        return spec

    def _contradictions(self, draft: RuleDraft, spec: Mapping[str, Any]) -> None:
        for field, text, hint in draft.kind.problems(spec):
            parts = [part for part in re.split(r"[.\[\]]", field) if part]
            node = draft.values.node.get(parts[0]) if parts else None
            spot = draft.values.spot() if node is None else _below(node, parts[1:]).spot
            self.report.add(_code_of(parts), spot, text, hint)

    def _rule(
        self,
        draft: RuleDraft,
        selectors: tuple[Selector, ...],
        by: tuple[str, ...],
        value: Expression | None,
        facts: Mapping[str, Expression],
        spec: Mapping[str, Any],
        every: Callable[[KeyValues], Micros | None] | None,
        expected: tuple[KeyValues, ...],
    ) -> Rule:
        values = draft.values
        condition = spec.get("condition")
        peak = PEAKS.get(condition.op, "last") if isinstance(condition, Test) else "last"
        zone = values.get("zone", self.names.zone)
        options = HoldOptions(values.get("for", 0), values.get("keep_firing_for", 0), peak)
        context = {} if every is None else {"every": every}
        detector: Detector = draft.kind.compile_rule(spec, options, zone_of(zone), **context)
        alert, dispatch = values.get("alert"), values.get("dispatch")
        patterns = tuple(pattern for selector in selectors for pattern in selector.types)
        name = values["id"]
        return Rule(
            id=name,
            kind=draft.kind.NAME,
            title=values.get("title", name),
            selectors=selectors,
            by=by,
            detector=detector,
            logic=logic_of(draft, zone),
            sources=self.selection.senders(patterns),
            spec=spec,
            value=value,
            facts=facts,
            expected=expected,
            severity=values.get("severity", "minor"),
            owner=values.get("owner", ""),
            status=values.get("status", "stable"),
            suppress_for=values.get("suppress_for", 0),
            alert=alert[0] if alert else Alert(),
            dispatch=dispatch[0] if dispatch else None,
            tests=values.get("tests", ()),
            file=draft.file,
            line=values.node.file.position(values.node.start)[0],
        )


def plain_value(value: Any) -> Any:
    """What a kind takes, from what was read."""
    if isinstance(value, MeasureDraft):
        return value.measure
    if isinstance(value, Passage):
        return squeeze(value.text)
    if isinstance(value, SelectorDraft):
        return True
    if isinstance(value, tuple) and value and isinstance(value[0], StepDraft):
        return tuple(draft.step for draft in value)
    return value


def _interval(expression: Expression, by: tuple[str, ...]) -> Callable[[KeyValues], Micros | None]:
    def every(key: KeyValues) -> Micros | None:
        try:
            found = expression(dict(zip(by, key, strict=True)))
        except EvalError:
            return None
        return int(found) if found is not None and found > 0 else None

    return every


def _key_part(built: Iterable[Built], index: int) -> Expression | None:
    for one in built:
        if one.selector is not None:
            return one.selector.by[index]
    return None


def _below(node: Node, parts: list[str]) -> Node:
    """The node that a path leads to, as far as it leads."""
    for part in parts:
        if isinstance(node, MappingNode) and part in node.pairs:
            node = node.pairs[part][1]
        elif isinstance(node, Listing) and part.isdigit() and int(part) < len(node.entries):
            node = node.entries[int(part)]
    return node


def _code_of(parts: list[str]) -> Code:
    return _CODE_OF.get(parts[0], codes.CONTRADICTION) if parts else codes.CONTRADICTION
