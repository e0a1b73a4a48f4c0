"""The texts of a rule: every `{{ path }}` must lead to a value, and becomes a fact of each event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from streams.conditions import Expression, Scope
from streams.conditions.scope import EVENT_PARTS, PLACE_PARTS
from streams.kinds.parts.exceedance import FACTS
from streams.kinds.parts.shifts import SHIFT_FACTS
from streams.rulefile import codes
from streams.rulefile.codes import Report
from streams.rulefile.drafts import Built, RuleDraft
from streams.rulefile.embedded import spot_in
from streams.rulefile.expressions import Expressions, Names
from streams.rulefile.scalars import Passage, advise
from streams.rulefile.selection import is_finding
from streams.specs import Rarity, Trend
from streams.texts import BUILT_IN, TextError, text_of

ALWAYS = ("place.lat", "place.lon", "place.district", "place.address")
ABOUT_RULE = ("rule.id", "rule.title", "rule.severity", "rule.owner")


class Wording:
    """Checks the texts of rules."""

    def __init__(self, names: Names, expressions: Expressions, report: Report) -> None:
        self.names, self.expressions, self.report = names, expressions, report

    def facts(
        self, draft: RuleDraft, built: list[Built], by: tuple[str, ...], more: Iterable[str] = ()
    ) -> Mapping[str, Expression]:
        """The paths that the texts read of an event, each with its expression; `ALWAYS` and `more` among them."""
        known = _known(self.names, built)
        steps = {
            step.step.name: _known(self.names, built[index : index + 1])
            for index, step in enumerate(draft.steps)
            if index < len(built) and not step.step.negated
        }
        wanted: dict[str, None] = dict.fromkeys((*ALWAYS, *more))
        for passage in _passages(draft):
            for path, column in self._paths(passage):
                plain = self._plain(draft, passage, path, column, known, steps, by)
                if plain is not None:
                    wanted[plain] = None
        scope = self._scope(built)
        found = {path: self._compiled(path, scope) for path in wanted}
        return {path: expression for path, expression in found.items() if expression is not None}

    def _paths(self, passage: Passage) -> Iterable[tuple[str, int]]:
        """The paths of a text with the offsets where they stand."""
        try:
            return [(place.path, place.column - 1) for place in text_of(passage.text).placeholders]
        except TextError as error:
            start = error.column - 1
            self.report.add(
                codes.UNKNOWN_PATH,
                spot_in(passage.node, start, start + error.length),
                error.text,
                "write for example {{ place.address }}",
            )
            return ()

    def _plain(
        self,
        draft: RuleDraft,
        passage: Passage,
        path: str,
        column: int,
        known: _Known,
        steps: Mapping[str, _Known],
        by: tuple[str, ...],
    ) -> str | None:
        """The path within an event; None if it is none of an event, or wrong."""
        head, _, rest = path.partition(".")
        if path in _told(draft):
            return None
        if known.has(path):
            return path
        if path in BUILT_IN or path in ABOUT_RULE or (head == "key" and rest in by):
            return None
        if head in steps and steps[head].has(rest):
            return rest
        if not known.sure:
            return None
        text = f"no event of this rule has `{path}`"
        hint = self._advice(path, known, steps, by)
        self.report.add(codes.UNKNOWN_PATH, spot_in(passage.node, column, column + len(path)), text, hint)
        return None

    def _advice(self, path: str, known: _Known, steps: Mapping[str, _Known], by: tuple[str, ...]) -> str:
        """Which types do have such a field; else the nearest path."""
        field = path.rpartition(".")[2]
        holders = self.names.holders(field)
        if holders and not path.startswith(("key.", "place.")):
            return f"`{field}` is a field of {', '.join(holders)}"
        of_steps = (f"{step}.{name}" for step, its in steps.items() for name in its.names)
        of_key = (f"key.{part}" for part in by)
        return advise(path, [*known.names, *BUILT_IN, *ABOUT_RULE, *of_key, *of_steps], "there are")

    def _scope(self, built: list[Built]) -> Scope:
        chosen = [one.chosen for one in built if one.chosen is not None]
        return self.names.event([name for one in chosen for name in one.declared], any(one.open for one in chosen))

    def _compiled(self, path: str, scope: Scope) -> Expression | None:
        return self.expressions.quiet(path, scope)


def _told(draft: RuleDraft) -> Iterable[str]:
    """What the kind itself tells of what it found."""
    own: Iterable[str] | None = getattr(draft.kind, "FACTS", None)
    if own is None:
        condition = draft.values.get("condition")
        return SHIFT_FACTS if isinstance(condition, Trend) else FACTS if isinstance(condition, Rarity) else ()
    return own


class _Known:
    """The paths of some events; `open`: any name may be one; `sure`: the events themselves are known."""

    def __init__(self, names: Iterable[str], open: bool, sure: bool) -> None:
        self.names, self.open, self.sure = frozenset(names), open, sure

    def has(self, path: str) -> bool:
        """Whether an event may have this."""
        return path in self.names or (self.open and "." not in path and path not in BUILT_IN)


def _known(names: Names, built: list[Built]) -> _Known:
    chosen = [one.chosen for one in built if one.chosen is not None]
    found = {f"place.{part}" for part in PLACE_PARTS} | set(EVENT_PARTS) - {"place"}
    for one in chosen:
        for type_name in one.declared:
            for field in names.event_types[type_name].fields.values():
                if is_finding(type_name) and field.name in BUILT_IN:
                    continue  # `value` is what this rule measured, not what the rule below it did
                found.add(field.name)
                if field.type == "place":
                    found |= {f"{field.name}.{part}" for part in PLACE_PARTS}
    return _Known(found, any(one.open for one in chosen), len(chosen) == len(built))


def _passages(draft: RuleDraft) -> list[Passage]:
    """All texts of a rule that hold places for values."""
    texts: list[Passage] = []
    for name in ("alert", "dispatch"):
        pair: Any = draft.values.get(name)
        texts += pair[1] if pair else ()
    return texts
