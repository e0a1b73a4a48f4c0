"""One event, seen with the eyes of one rule: which selector it fits, which clause it fails, which key it has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from streams.clocks import rfc3339, show_duration
from streams.conditions import Clause, EvalError, Expression, Logic, logic
from streams.ingest.guards import off_duty
from streams.ingest.route import Router, fits
from streams.places import CELL
from streams.records import Event, KeyValues, Member, Position, key_part
from streams.rulefile.deriving import VARIANT
from streams.rules import FINDINGS_OF, Bundle, Guard, Rule, Selector
from streams.tools.explain.areas import Area
from streams.tools.explain.story import Arrived


class Hurdle(msgspec.Struct, frozen=True):
    """A clause that kept an event out: its text, the values that it read, and why it failed, if it did.

    `wanted`: whether it should have been true.
    """

    text: str
    values: Mapping[str, Any]
    failure: str
    wanted: bool = True


class Look(msgspec.Struct, frozen=True):
    """An event before one selector of the rule. `name` is the step's; "" where the rule has but one.

    `holds` None: its condition could not be evaluated. `key` None: a part of it, named in `keyless`, is missing;
    `valueless` says why there is nothing to measure. `kept_out`: exception, off_schedule or other_district;
    `kept_out_by` in words. What districts ask of the place is no part of the condition.
    """

    arrived: Arrived
    role: int
    name: str
    holds: bool | None
    hurdles: list[Hurdle]
    key: KeyValues | None
    keyless: list[str]
    valueless: str
    kept_out: str = ""
    kept_out_by: str = ""

    @property
    def event(self) -> Event:
        """The event."""
        assert self.arrived.event is not None
        return self.arrived.event

    @property
    def fits(self) -> bool:
        """Whether the rule would take it."""
        return self.holds is True and self.key is not None and not self.valueless and not self.kept_out


class Onlooker:
    """Looks at events for one rule."""

    def __init__(self, bundle: Bundle, rule: Rule, area: Area | None = None) -> None:
        self.rule, self.area = rule, area
        self.logics: list[Logic | None] = [
            None if one.written is None or one.written.form is None else logic(one.written) for one in rule.selectors]
        self.names = names_of(rule)
        undivided = msgspec.structs.replace(rule, counting=None)
        single = msgspec.structs.replace(bundle, rules={rule.id: undivided})
        self.routers = {findings: Router(single, findings) for findings in (False, True)}
        self.by = parts_of(rule)

    def members(self, event: Event) -> list[tuple[KeyValues, Member]]:
        """What the rule takes of an event, by key. With `near` the map is one cell: each event is there once.

        Only what lies in the `area` that is asked about, if one is, can be the centre of a circle.
        """
        wanted = self.routers[event.type.startswith(FINDINGS_OF)].route(event)
        if self.rule.near is None:
            return [(key, member) for _, key, member in wanted]
        return [(key[1:], self._centred(member)) for _, key, member in wanted
                if member.position is not None and member.position.own]

    def near(self, event: Event) -> bool:
        """Whether an event is so near the area that is asked about that it has to do with it."""
        near, place = self.rule.near, event.place
        if self.area is None or near is None or place is None or place.lat is None or place.lon is None:
            return True
        return self.area.touches(place.lat, place.lon, near.radius)

    def _centred(self, member: Member) -> Member:
        where = member.position
        if where is None or self.area is None or self.area.holds(where.lat, where.lon):
            return member
        return msgspec.structs.replace(member, position=msgspec.structs.replace(where, own=False))

    def looks(self, arrived: Arrived) -> Iterator[Look]:
        """The event before each selector that asks for its type."""
        event = arrived.event
        for role, selector in enumerate(self.rule.selectors):
            if event is not None and any(fits(pattern, event.type) for pattern in selector.types):
                yield self._look(arrived, event, role, selector)

    def member(self, look: Look, key: KeyValues | None = None) -> Member:
        """The member that the event would be if it fitted."""
        event = look.event
        value = None if self.rule.value is None or look.valueless else self.rule.value(event)
        return self._centred(Member(event.time, event.source, event.partition, event.offset, event.id, 1 << look.role,
                                    value, position=self._position(look.role, event)))

    def _look(self, arrived: Arrived, event: Event, role: int, selector: Selector) -> Look:
        holds = True if selector.written is None else _true(selector.written, event)
        hurdles = [] if holds else self._hurdles(role, event)
        key = [_part(one, event) for one in selector.by]
        keyless = [name for name, part in zip(self.by, key, strict=False) if part is None]
        if self.rule.near is not None and self._position(role, event) is None:
            keyless.append("place")
        return Look(arrived, role, self.names[role], holds, hurdles, None if keyless else tuple(key), keyless,
                    self._valueless(event), *(self._elsewhere(selector, event) or kept_out(selector.guard, event)))

    def _elsewhere(self, selector: Selector, event: Event) -> tuple[str, str] | None:
        """That an event is another district's, if it is, and whose."""
        if selector.covers(event):
            return None
        lies = (event.place.district if event.place is not None else None) or "no district"
        if self.rule.district:
            return "other_district", f"{lies}, and {self.rule.id} sees {self.rule.district} only"
        return "other_district", f"{lies}, where {self.rule.id}{VARIANT}{lies} stands in its place"

    def _position(self, role: int, event: Event) -> Position | None:
        near, place = self.rule.near, event.place
        if near is None or place is None or place.lat is None or place.lon is None:
            return None
        things = tuple(_part(one.value, event) if one.role == role else None for one in near.things)
        return Position(place.lat, place.lon, True, things)

    def _hurdles(self, role: int, event: Event) -> list[Hurdle]:
        found = self.logics[role]
        return [] if found is None else [_hurdle(one, event) for one in found.against(True, event)]

    def _valueless(self, event: Event) -> str:
        if self.rule.value is None:
            return ""
        try:
            self.rule.value(event)
        except EvalError as error:
            return str(error)
        return ""


def kept_out(guard: Guard | None, event: Event) -> tuple[str, str]:
    """Which reason keeps an event out that a selector means, and what to say of it; two empty texts for none."""
    if guard is None:
        return "", ""
    if off_duty(guard, event):
        return "off_schedule", "lies outside the rule's `schedule`"
    for one in guard.exemptions if guard.blocks else ():
        if event.time < one.expires and _true(one.where, event):
            return "exception", f"is covered by the exception `{one.name}` ({one.reason}; {one.owner})"
    return "", ""


def parts_of(rule: Rule) -> tuple[str, ...]:
    """What the parts of a key are called, without the cell of the map."""
    return tuple(name for name in rule.by if rule.near is None or name != CELL)


def names_of(rule: Rule) -> list[str]:
    """What each selector is called: the steps, then `until`; "" where there is but one."""
    steps = [step.name for step in rule.spec.get("steps") or ()]
    return [*steps, "until"][:len(rule.selectors)] if steps else [""] * len(rule.selectors)


def _hurdle(clause: Clause, event: Event) -> Hurdle:
    text = f"!({clause.text})" if clause.negated else clause.text
    values = {path: _spelled(clause.reads[path].type, value) for path, value in clause.values(event).items()}
    return Hurdle(text, values, clause.failure(event))


def _spelled(kind: str, value: Any) -> Any:
    """Instants and spans as people write them; the rest as it is."""
    if kind == "timestamp":
        return rfc3339(value)
    return show_duration(value) if kind == "duration" else value


def _true(where: Expression, event: Event) -> bool | None:
    """Whether a condition holds; None where it fails."""
    try:
        return where(event) is True
    except EvalError:
        return None


def _part(expression: Any, event: Event) -> Any:
    try:
        return key_part(expression(event))
    except EvalError:
        return None
