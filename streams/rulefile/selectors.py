"""The selectors of a rule, one for each bit of a member's roles, and the key they share."""

from __future__ import annotations

import msgspec

from streams.conditions import both
from streams.rulefile import codes
from streams.rulefile.codes import Report
from streams.rulefile.drafts import Built, RuleDraft
from streams.rulefile.expressions import Expressions, Names, said_type
from streams.rulefile.logic import squeeze
from streams.rulefile.scalars import Passage, a_or_an
from streams.rulefile.selection import Chosen, Selection
from streams.rulefile.spots import Spot
from streams.rulefile.structures import SelectorDraft, selector_of
from streams.rules import Selector

KEY_TYPES = frozenset(("string", "int", "double", "bool", "timestamp", "duration", "uint", "dyn"))


class Selectors:
    """Makes the selectors of rules."""

    def __init__(self, names: Names, selection: Selection, expressions: Expressions, report: Report) -> None:
        self.names, self.selection = names, selection
        self.expressions, self.report = expressions, report

    def of(self, draft: RuleDraft) -> list[Built]:
        """That of the rule itself, or those of its steps and of `until`, in the order of the bits."""
        values, rule_by = draft.values, draft.by
        if any(field.type == "steps" for field in draft.kind.FIELDS):
            drafts = [step.selector for step in draft.steps]
            more = [field.name for field in draft.kind.FIELDS if field.type == "selector"]
            drafts += [values[name] for name in more if name in values]
        else:
            drafts = [msgspec.structs.replace(selector_of(values), by=None)]
        guards = {draft.first: draft.origin.guard}
        return [
            self._one(one, one.by if one.by is not None else rule_by, guards.get(index, ""))
            for index, one in enumerate(drafts)
        ]

    def _one(self, draft: SelectorDraft, by: tuple[Passage, ...], guard: str) -> Built:
        draft = msgspec.structs.replace(draft, by=by)
        chosen = self._chosen(draft)
        if chosen is None:
            return Built(draft, None, None)
        before = self.report.faults
        scope = self.names.event(chosen.declared, chosen.open)
        where = None if draft.where is None else self.expressions.compile(draft.where, scope, "bool")
        parts = [self.expressions.compile(part, scope) for part in by]
        for passage, part in zip(by, parts, strict=True):
            if part is not None and part.type not in KEY_TYPES:
                text = f"a key cannot be {a_or_an(said_type(part.type))}"
                self.report.add(codes.CEL_RESULT, passage.spot, text, "name a text or a number")
        if self.report.faults > before:
            return Built(draft, chosen, None)
        area = self.expressions.quiet(guard, scope) if guard else None
        whole = where if area is None else area if where is None else both(area, where)
        key = tuple(part for part in parts if part)
        return Built(draft, chosen, Selector(chosen.patterns, whole, key, area=area, asked=where))

    def _chosen(self, draft: SelectorDraft) -> Chosen | None:
        """What is named: either events or rules."""
        if draft.types and draft.rules:
            text, hint = "either `event` or `rule` says what comes in", "write two rules, or two steps"
            self.report.add(codes.CONTRADICTION, draft.rules[0].spot, text, hint)
            return None
        if not draft.types and not draft.rules:  # the reader of the fields has told it
            self.report.spoil()
            return None
        return self.selection.choose_rules(draft.rules) if draft.rules else self.selection.choose(draft.types)

    def key_names(self, draft: RuleDraft, built: list[Built]) -> tuple[str, ...]:
        """What the parts of the key are called; all selectors must have the same parts in number and type."""
        rule_by = draft.by
        keys = [one.draft.by or () for one in built]
        names = rule_by or (keys[0] if keys else ())
        for one, key in zip(built, keys, strict=True):
            if len(key) != len(names):
                text = f"the key has {len(key)} parts here and {len(names)} elsewhere"
                self.report.add(codes.BAD_KEY, _shown(one, draft.values.spot()), text)
        self._same_types(built)
        return tuple(squeeze(passage.text) for passage in names)

    def _same_types(self, built: list[Built]) -> None:
        """A text never equals a number, so such keys would never meet."""
        first: dict[int, str] = {}
        for one in built:
            if one.selector is None or one.draft.by is None:
                continue
            for index, (passage, part) in enumerate(zip(one.draft.by, one.selector.by, strict=True)):
                known = first.setdefault(index, part.type)
                if known != part.type and "dyn" not in (known, part.type):
                    text = f"`{passage.text}` is {a_or_an(part.type)} here and {a_or_an(known)} in a step before"
                    hint = "convert one of the two, for example string(number)"
                    self.report.add(codes.BAD_KEY, passage.spot, text, hint)


def _shown(built: Built, otherwise: Spot) -> Spot:
    """Where a selector's key is, or would be."""
    passages = built.draft.by or built.draft.types or built.draft.rules
    return passages[0].spot if passages else otherwise
