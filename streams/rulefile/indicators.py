"""Documents of the kind `indicator`: from their fields to what the engine folds.

They are built as rules are, by the same builder, with the few common fields that a vital sign has.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, cast

import msgspec

from streams.clocks import zone_of
from streams.conditions import Expression, together
from streams.kinds import Field, Kind
from streams.kinds.parts import indicators
from streams.kinds.parts.readings import Alive
from streams.records import KeyValues, Micros, Place, key_part
from streams.rulefile import codes
from streams.rulefile.bands import TopDraft
from streams.rulefile.building import Builder, named_rules
from streams.rulefile.codes import Report
from streams.rulefile.common import COMMON
from streams.rulefile.drafts import RuleDraft
from streams.rulefile.expressions import said_type
from streams.rulefile.nodes import Scalar, below
from streams.rulefile.scalars import Passage, a_or_an, advise
from streams.rulefile.selectors import KEY_TYPES
from streams.rulefile.shared import Shared
from streams.rules import Rule
from streams.specs import Registered
from streams.zones import Districts

_SHARED = ("kind", "id", "title", "description", "event", "rule", "where", "by", "owner", "zone")
FIELDS = (
    *(field for field in COMMON if field.name in _SHARED),
    *indicators.FIELDS,
    *indicators.ABOUT_FIELDS,
    Field("tests", "tests", "timelines with the readings they must give", default=()),
)
CLOSED = Expression("closed", "timestamp", lambda event: event.fields.get("closed"), frozenset(["closed"]))
"""When a finding closed; None while it is open."""
KIND = cast(Kind, indicators)
FOREIGN = {
    field.name: "an indicator is published and not alarmed: write a rule beside it"
    for field in COMMON
    if field.name not in {one.name for one in FIELDS}
}


class Indicators:
    """Builds the indicators of a bundle. `known` are the ids of all rules that are written."""

    def __init__(self, builder: Builder, known: Collection[str], shared: Shared, report: Report) -> None:
        self.builder, self.known, self.shared, self.report = builder, known, shared, report

    def build(self, drafts: Iterable[RuleDraft]) -> dict[str, Rule]:
        """Those that are right, by id; what is wrong with the others is reported."""
        found = {}
        for draft in drafts:
            with self.shared.of(self.report, draft.origin):
                rule = self._one(draft)
            if rule is not None:
                found[rule.id] = rule
        return found

    def _one(self, draft: RuleDraft) -> Rule | None:
        values, before = draft.values, self.report.faults
        self._named(draft)
        of = values.get("of")
        named = self._thing(draft, of) if isinstance(of, Registered) else self._parts(draft)
        value = CLOSED if values.get("open") else named
        if not 0 <= values.get("weight", 1) <= 1:
            text = f"the weight {values['weight']:g} is not from 0 to 1"
            self.report.add(codes.BAD_WEIGHT, values.spot("weight"), text)
        rule = self.builder.build(draft)
        if rule is None or self.report.faults > before:
            return None
        if not rule.owner:
            self.report.add(codes.NO_OWNER, values.spot("id"), f"`{rule.id}` has no owner")
        if not rule.sources and not rule.bases:
            self.report.add(codes.NO_SOURCE, values.spot("event"), f"no source sends what `{rule.id}` measures")
        vital = indicators.vital_of(rule.spec, values.read, values.get("description", ""))
        if isinstance(of, Registered):
            rows, zone = self._rows(of, rule), zone_of(values.get("zone", self.builder.names.zone))
            vital_alone = indicators.vital_of(rule.spec, {})
            rule = msgspec.structs.replace(rule, detector=Alive(vital_alone, rows, zone))
        return msgspec.structs.replace(rule, facts={}, value=value or rule.value, vital=vital)

    def _named(self, draft: RuleDraft) -> None:
        """The rules that it reads are there; only findings can be open."""
        for passage in named_rules(draft):
            if passage.text not in self.known:
                text = f"there is no rule `{passage.text}`"
                self.report.add(codes.UNKNOWN_RULE, passage.spot, text, advise(passage.text, self.known))
        if draft.values.get("open") and not draft.values.get("rule"):
            text = "only what rules find can be open; an event is over at once"
            self.report.add(codes.BAD_OPEN, draft.values.spot("open"), text)

    def _thing(self, draft: RuleDraft, of: Registered) -> Expression | None:
        """The value that names a row of the register; what does not fit the register is reported."""
        names, spot = self.builder.names, below(draft.values.node, ("of",))
        register = names.registers.get(of.register)
        if register is None:
            text = f"there is no register `{of.register}`"
            hint = advise(of.register, names.registers, "the registers are")
            self.report.add(codes.UNKNOWN_REGISTER, below(spot, ("register",)).spot, text, hint)
            return None
        columns = [name for name, column in register.fields.items() if column.type == "duration"]
        if of.within not in columns:
            text = f"the register {of.register} has no column `{of.within}` that is a duration"
            self.report.add(codes.BAD_ALIVE, below(spot, ("within",)).spot, text, advise(of.within, columns))
        for passage in draft.by:
            if _column(passage.text) not in register.fields and _column(passage.text) != "district":
                text = f"the register {of.register} has no column `{_column(passage.text)}`"
                self.report.add(codes.BAD_ALIVE, passage.spot, text, advise(_column(passage.text), register.fields))
        chosen = self.builder.selection.choose(draft.values.get("event", ()))
        if chosen is None:
            return None
        named = below(spot, ("by",) if of.by else ("register",))
        assert isinstance(named, Scalar)
        scope = names.event(chosen.declared, chosen.open)
        return self.builder.expressions.compile(Passage(of.by or register.key, named), scope)

    def _rows(self, of: Registered, rule: Rule) -> dict[KeyValues, dict[str, Micros]]:
        """For each key the things that should be heard of, each with how long it may be silent."""
        names, found = self.builder.names, dict[KeyValues, dict[str, Micros]]()
        register = names.registers[of.register]
        for row in register.rows.values():
            key = tuple(key_part(district_of(row, names.districts) if column == "district" else row.get(column))
                        for column in map(_column, rule.by))
            if row.get(of.within) and None not in key:
                found.setdefault(key, {})[str(row[register.key])] = row[of.within] + of.grace
        return found

    def _parts(self, draft: RuleDraft) -> Expression | None:
        """What is counted by `top`: a value that holds its parts."""
        top = draft.values.get("top")
        chosen = self.builder.selection.choose(draft.values.get("event", ())) if isinstance(top, TopDraft) else None
        if not isinstance(top, TopDraft) or chosen is None:
            return None
        scope = self.builder.names.event(chosen.declared, chosen.open)
        parts = [self.builder.expressions.compile(passage, scope) for passage in top.by]
        for passage, part in zip(top.by, parts, strict=True):
            if part is not None and part.type not in KEY_TYPES:
                text = f"{a_or_an(said_type(part.type))} cannot be counted by"
                self.report.add(codes.BAD_TOP, passage.spot, text, "name a text or a number")
        known = [part for part in parts if part is not None]
        return Expression(", ".join(top.top.by), "list", _list_of(known)) if len(known) == len(parts) else None


def _column(part: str) -> str:
    """The column of a register that a part of a key is."""
    return part.strip().rpartition(".")[2]


def district_of(row: Mapping[str, Any], districts: Districts | None) -> Any:
    """Where a row of a register is: as it says, or where its place is."""
    place = row.get("place")
    if row.get("district") is not None or not isinstance(place, Place):
        return row.get("district")
    return place.district if districts is None else districts.of(place)


def _list_of(parts: list[Expression]) -> Callable[[Any], list[Any]]:
    """A function for the values of several expressions; None for what is absent."""
    read = together(parts)
    return lambda event: [key_part(part) for part in read(event)]
