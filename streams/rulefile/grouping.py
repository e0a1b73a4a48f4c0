"""Of what the entities of an absence rule are part: `part_of`, and to which group each key belongs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, cast

import msgspec

from streams.conditions import EvalError, Expression
from streams.kinds.absence import Absence
from streams.records import KeyValues, key_part
from streams.rulefile import codes
from streams.rulefile.codes import Report
from streams.rulefile.drafts import Built, RuleDraft
from streams.rulefile.expressions import Expressions, Names
from streams.rulefile.logic import squeeze
from streams.rulefile.scalars import Passage
from streams.rulefile.watching import key_types
from streams.rules import Group, Rule

Grouping: TypeAlias = Callable[[KeyValues], KeyValues | None]


class Known(msgspec.Struct, frozen=True):
    """A rule that others may be part of: as it was built, and the texts of its key."""

    rule: Rule
    by: tuple[str, ...]


class Groups:
    """Understands `part_of`. `built` are the rules that were built so far."""

    def __init__(self, names: Names, expressions: Expressions, report: Report) -> None:
        self.names, self.expressions, self.report = names, expressions, report
        self.built: dict[str, Known] = {}

    def learn(self, draft: RuleDraft, rule: Rule) -> None:
        """A rule was built."""
        self.built[rule.id] = Known(rule, tuple(squeeze(passage.text) for passage in draft.by))

    def of(self, draft: RuleDraft, built: Sequence[Built], by: tuple[str, ...]) -> tuple[Group, ...]:
        """The rules whose silence explains that of a key, the nearest first, each with the key there."""
        found: dict[str, Group] = {}
        named: tuple[Passage, ...] = draft.values.get("part_of", ())
        for passage in named:
            known = self.built.get(passage.text)
            if known is None:
                self.report.spoil()  # it is not there, or is wrong itself, which is told
                continue
            wrong = misfit(known.rule, draft)
            if wrong is not None:
                self.report.add(wrong[0], passage.spot, f"`{passage.text}` {wrong[1]}", wrong[2])
                continue
            of = self._key(passage, known, built, by)
            if of is not None:
                found.setdefault(passage.text, Group(passage.text, of))
                for over in known.rule.groups:
                    found.setdefault(over.rule, Group(over.rule, _through(of, over.of)))
        return tuple(found.values())

    def logic(self, draft: RuleDraft) -> list[str]:
        """What of other rules decides when this one holds."""
        named: tuple[Passage, ...] = draft.values.get("part_of", ())
        return [self.built[passage.text].rule.ref for passage in named if passage.text in self.built]

    def _key(self, passage: Passage, known: Known, built: Sequence[Built], by: tuple[str, ...]) -> Grouping | None:
        """From a key to that of its group; None, and why is told, if it does not follow from it."""
        if by and (not built or built[0].selector is None):
            return None  # the key itself is wrong: what it says of groups would be noise
        scope = self.names.key(key_types(built, by))
        parts: list[int | Expression] = []
        for text in known.by:
            part = by.index(text) if text in by else self.expressions.quiet(text, scope)
            if part is None:
                told = f"which `{text}` of `{passage.text}` it is part of cannot be told from the key"
                first = by[0] if by else "device"
                hint = f'add `{text}` to `by` here, or write there by: register("...", {first}).{_column(text)}'
                self.report.add(codes.NO_GROUP_KEY, passage.spot, told, hint)
                return None
            parts.append(part)
        return _grouping(parts, by)


def misfit(group: Rule, draft: RuleDraft) -> tuple[codes.Code, str, str] | None:
    """Why a rule can be no group of what another watches; the code, and in words what is wrong and what to do."""
    if group.kind != "absence":
        return codes.NO_GROUP, f"is a {group.kind} rule, and nothing can be part of it", "name an absence rule"
    if group.shadow and draft.values.get("status", "stable") not in ("experimental", "test"):
        return (codes.GROUP_MISFIT, "is only observed: nobody would be told of either silence",
                "make its `status` stable, or remove `part_of`")
    detector = cast(Absence, group.detector)
    if detector.options.keep:
        return (codes.GROUP_MISFIT, "has `keep_firing_for`, and a group that is heard of again is silent no more",
                "remove it there")
    if group.schedule is not None and draft.values.get("schedule") is None:
        return (codes.GROUP_MISFIT, "has a `schedule`: off duty it watches nothing, while this rule goes on",
                "give both the same `schedule`")
    if detector.longest is None:
        return (codes.GROUP_MISFIT, "does not say how long it waits at most: its `every` is an expression",
                "write a duration there, or `expect: {register: ...}` with the register that `every` reads")
    return None


def _grouping(parts: Sequence[int | Expression], by: tuple[str, ...]) -> Grouping:
    def of(key: KeyValues) -> KeyValues | None:
        named = dict(zip(by, key, strict=True))
        try:
            found = tuple(key[part] if isinstance(part, int) else _value(part, named) for part in parts)
        except EvalError:
            return None
        return None if None in found else found

    return of


def _value(part: Expression, named: Mapping[str, Any]) -> Any:
    return key_part(part(named))


def _through(of: Grouping, over: Grouping) -> Grouping:
    """The group of a key's group."""
    def whole(key: KeyValues) -> KeyValues | None:
        group = of(key)
        return None if group is None else over(group)

    return whole


def _column(text: str) -> str:
    """What a column with a part of the key might be called."""
    return text.rpartition(".")[2] if text.replace(".", "").isidentifier() else "group"
