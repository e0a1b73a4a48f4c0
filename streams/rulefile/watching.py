"""Who must report and how often: the interval of each key, and the keys that a register expects."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from streams.conditions import EvalError, Expression
from streams.records import KeyValues, Micros, Place, key_part
from streams.rulefile import codes
from streams.rulefile.codes import Report
from streams.rulefile.drafts import Built, RuleDraft
from streams.rulefile.expressions import Expressions, Names
from streams.rulefile.nodes import below
from streams.rulefile.scalars import Passage, a_or_an, advise
from streams.rules import Register
from streams.specs import Expect

_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)


class Watching:
    """Understands `every` and `expect`."""

    def __init__(self, names: Names, expressions: Expressions, report: Report) -> None:
        self.names, self.expressions, self.report = names, expressions, report

    def every(
        self, draft: RuleDraft, built: list[Built], by: tuple[str, ...]
    ) -> Callable[[KeyValues], Micros | None] | None:
        """From a key to the time its entity may be silent; None where the rule has no `every`."""
        every = draft.values.get("every")
        if isinstance(every, int):
            return lambda key: every
        if not isinstance(every, Passage):
            return None
        selector = built[0].selector if built else None
        if by and selector is None:
            return None  # the key itself is wrong: what it says of `every` would be noise
        expression = self.expressions.compile(every, self.names.key(key_types(built, by)), "duration")
        return None if expression is None else _interval(expression, by)

    def expected(self, draft: RuleDraft, built: list[Built], by: tuple[str, ...]) -> tuple[KeyValues, ...]:
        """The keys of the rows of the register that `expect` names."""
        expect = draft.values.get("expect")
        if not isinstance(expect, Expect) or expect.register is None:
            return ()
        register = self.names.registers.get(expect.register)
        if register is None:
            spot = below(draft.values.node, ("expect", "register")).spot
            text = f"there is no register `{expect.register}`"
            hint = advise(expect.register, self.names.registers, "the registers are")
            self.report.add(codes.UNKNOWN_REGISTER, spot, text, hint)
            return ()
        if not by:
            text = "the rows of a register need a key to compare with"
            hint = f"add `by:` with the field that holds `{register.key}`"
            self.report.add(codes.BAD_KEY, draft.values.spot("expect"), text, hint)
            return ()
        return self._rows(draft, built, by, register)

    def _rows(
        self, draft: RuleDraft, built: list[Built], by: tuple[str, ...], register: Register
    ) -> tuple[KeyValues, ...]:
        columns = [register.key] if len(by) == 1 else [name.rpartition(".")[2] for name in by]
        selector = next((one.selector for one in built if one.selector is not None), None)
        paths = frozenset().union(*(part.paths for part in selector.by)) if selector is not None else frozenset()
        if len(paths) == 1 and not all(map(_PATH.fullmatch, by)):
            return self._groups(draft, built, by, min(paths), register)
        for index, (name, column) in enumerate(zip(by, columns, strict=True)):
            kind = None if selector is None else selector.by[index].type
            if not self._fits(draft, name, kind, column, register):
                return ()
        seen = [row for row in register.rows.values() if self._sees(draft, row)]
        rows = (tuple(row.get(column) for column in columns) for row in seen)
        return tuple(dict.fromkeys(key for key in rows if None not in key))

    def _groups(
        self, draft: RuleDraft, built: list[Built], by: tuple[str, ...], path: str, register: Register
    ) -> tuple[KeyValues, ...]:
        """The keys that the rows come to, where the key is computed of what names a row: their cabinets, say."""
        if not self._fits(draft, path, None, register.key, register):
            return ()
        scope = self.names.key({path: register.fields[register.key].type})
        parts = [self.expressions.quiet(text, scope) for text in by]
        found: dict[KeyValues, None] = {}
        for name, row in register.rows.items():
            if self._sees(draft, row) and None not in (key := tuple(_part(part, path, name) for part in parts)):
                found[key] = None
        return tuple(found)

    def _sees(self, draft: RuleDraft, row: Mapping[str, Any]) -> bool:
        """Whether a row is of a district that the rule is about; one that says none is of no district."""
        if not draft.origin.guard:
            return True
        district, place = row.get("district"), row.get("place")
        if district is None and isinstance(place, Place):
            district = place.district if self.names.districts is None else self.names.districts.of(place)
        return draft.origin.sees(district)

    def _fits(self, draft: RuleDraft, name: str, kind: str | None, column: str, register: Register) -> bool:
        """Whether a part of the key can equal a value of the column."""
        spot, field = draft.values.spot("by"), register.fields.get(column)
        if field is None:
            text = f"the register {register.id} has no column `{column}`"
            self.report.add(codes.BAD_KEY, spot, text, advise(column, register.fields, "its columns are"))
        elif kind is not None and kind != field.type and "dyn" not in (kind, field.type):
            text = f"`{name}` is {a_or_an(kind)}, and the column `{column}` of {register.id} {a_or_an(field.type)}"
            self.report.add(codes.BAD_KEY, spot, text, f"write string({name}), or change the column's type")
        return field is not None


def longest(
    every: Callable[[KeyValues], Micros | None], expected: Iterable[KeyValues], built: Sequence[Built]
) -> Micros | None:
    """The longest time that an entity may be silent, where only those count that a register expects; else None.

    Only those count if a key that stands in no register has no such time.
    """
    selector = built[0].selector if built else None
    intervals = [span for key in expected if (span := every(key)) is not None]
    if not intervals or selector is None or any(part.type != "string" for part in selector.by):
        return None
    return None if every(tuple("\0" for _ in selector.by)) is not None else max(intervals)


def key_types(built: Sequence[Built], by: tuple[str, ...]) -> dict[str, str]:
    """The parts of the key that expressions can name, each with its type."""
    selector = built[0].selector if built else None
    parts = zip(by, selector.by if selector is not None else (), strict=False)
    return {name: part.type for name, part in parts if _PATH.fullmatch(name)}


def _part(part: Expression | None, path: str, name: Any) -> Any:
    """A part of the key of what has this name; None where there is none."""
    try:
        return None if part is None else key_part(part({path: name}))
    except EvalError:
        return None


def _interval(expression: Expression, by: tuple[str, ...]) -> Callable[[KeyValues], Micros | None]:
    def every(key: KeyValues) -> Micros | None:
        try:
            found = expression(dict(zip(by, key, strict=True)))
        except EvalError:
            return None
        return int(found) if found is not None and found > 0 else None

    return every
