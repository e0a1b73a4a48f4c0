"""`exceptions`: what is known and needs no alert, until a date. Reads them and says which events they keep out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec

from streams.clocks import BEFORE_ALL
from streams.conditions import Expression, Scope
from streams.kinds import Field
from streams.records import KeyValues, Micros
from streams.rulefile import codes, scalars
from streams.rulefile.codes import Report
from streams.rulefile.documents import READERS as DOCUMENT_READERS
from streams.rulefile.drafts import Built, RuleDraft
from streams.rulefile.expressions import Expressions, Names
from streams.rulefile.fields import read_fields
from streams.rulefile.nodes import Listing, Node, describe
from streams.rulefile.scalars import Bad, Passage, Reader
from streams.rulefile.spots import Spot
from streams.rulefile.structures import MeasureDraft, StepDraft
from streams.rulefile.watching import key_types
from streams.rules import Exemption, Guard
from streams.schedules import Schedule, begin_of, day_of
from streams.specs import Test

FIELDS = (
    Field("name", "string", "what it is called, in figures too", required=True),
    Field("where", "cel", "which events it covers: a condition; of a sequence over the events of one step, "
          "`cover.device in lists.works`; of an absence over the key", required=True),
    Field("expires", "date", "the day, of the city's zone, with whose beginning it ends: 2027-01-31", required=True),
    Field("reason", "string", "why there need be no alert", required=True),
    Field("owner", "string", "who answers for it", required=True),
)
OVER_KEY = frozenset(("absence",))
"""Kinds that take the absence of events for news: to keep events from them would make findings."""
_STRINGS = re.compile(r"""[rRbB]{0,2}("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')""", re.DOTALL)
_KEYS_KEPT = 10_000
_STAND_INS = {"name": "", "expires": 2**15, "reason": "", "owner": ""}
"""Where an exception lacks these; the day is far off, so that none is told to have expired."""
_NOTHING_IS_LITTLE = ("count", "distinct", "sum")


class ExceptionDraft(msgspec.Struct, frozen=True):
    """An exception as written; `expires` is a day from 1970-01-01."""

    name: str
    where: Passage
    expires: int
    reason: str
    owner: str
    spot: Spot
    date: Spot


def read_date(node: Node, field: Field, report: Report) -> int:
    """`2027-01-31` as days from 1970-01-01."""
    text = scalars.scalar(node, "a date", codes.BAD_DATE).text
    try:
        return day_of(text)
    except ValueError:
        raise Bad(codes.BAD_DATE, node.spot, f"{describe(node)} is not a date") from None


def read_exceptions(node: Node, field: Field, report: Report) -> tuple[ExceptionDraft, ...]:
    """A list of exceptions, each with a name of its own."""
    if not isinstance(node, Listing):
        hint = "write a list: - {name: ..., where: ..., expires: 2027-01-31, reason: ..., owner: ...}"
        raise Bad(codes.WRONG_TYPE, node.spot, f"{describe(node)} stands where a list of exceptions belongs", hint)
    found = [draft for draft in (_read(entry, report) for entry in node.entries) if draft is not None]
    for index, draft in enumerate(found):
        if draft.name and any(other.name == draft.name for other in found[:index]):
            report.add(codes.BAD_EXCEPTION, draft.spot, f"two exceptions are called `{draft.name}`",
                       "give each a name of its own: they are counted by it")
    return tuple(found)


def _read(node: Node, report: Report) -> ExceptionDraft | None:
    """An exception; one that lacks something, which is told, has a stand-in there so that its condition is checked."""
    values = read_fields(node, FIELDS, READERS, report, "an exception")
    if "where" not in values:
        return None
    told = {field.name: values.get(field.name, _STAND_INS.get(field.name)) for field in FIELDS}
    return ExceptionDraft(**told, spot=values.spot("name"), date=values.spot("expires"))


READERS: dict[str, Reader] = {**DOCUMENT_READERS, "date": read_date}


class Kept(msgspec.Struct, frozen=True):
    """What exceptions and schedule make of a rule: a guard a selector, and exceptions to show."""

    guards: tuple[Guard | None, ...]
    exemptions: tuple[Exemption, ...] = ()
    excused: Callable[[KeyValues], Micros] | None = None


class Exceptions:
    """Understands exceptions."""

    def __init__(self, names: Names, expressions: Expressions, report: Report) -> None:
        self.names, self.expressions, self.report = names, expressions, report

    def of(self, draft: RuleDraft, built: Sequence[Built], by: tuple[str, ...], schedule: Schedule | None) -> Kept:
        """Everything that keeps events out of the rule."""
        drafts: tuple[ExceptionDraft, ...] = draft.values.get("exceptions", ())
        for one in drafts:
            self._expired(one)
        if draft.kind.NAME in OVER_KEY:
            return self._over_key(drafts, built, by)
        chosen: list[list[Exemption]] = [[] for _ in built]
        for one in drafts:
            for index, where in self._placed(draft, built, one):
                chosen[index].append(self._exemption(one, where))
        steps = draft.steps
        guards = [
            Guard(schedule, tuple(mine)) if (schedule or mine) and _must_happen(steps, index) else None
            for index, mine in enumerate(chosen)
        ]
        shown = {exemption.name: exemption for mine in chosen for exemption in mine}
        return Kept(tuple(guards), tuple(shown.values()))

    def _expired(self, draft: ExceptionDraft) -> None:
        if self.report.today is not None and draft.expires <= self.report.today:
            text = f"the exception `{draft.name}` has expired: it covers nothing any more"
            hint = f"remove it, or let {draft.owner} renew it with a later date"
            self.report.add(codes.EXPIRED, draft.date, text, hint, stops=False)

    def _exemption(self, draft: ExceptionDraft, where: Expression) -> Exemption:
        expires = begin_of(draft.expires, self.names.zone)
        return Exemption(draft.name, where, expires, draft.reason, draft.owner)

    def _placed(
        self, draft: RuleDraft, built: Sequence[Built], one: ExceptionDraft
    ) -> list[tuple[int, Expression]]:
        """The selectors that the exception acts on, with its condition over their events."""
        if not draft.steps:
            indices = [0]
        else:
            found = self._step(draft.steps, one)
            if found is None:
                return []
            indices = found
        placed = []
        for index in indices:
            scope = self._scope(draft.steps, built, index)
            where = None if scope is None else self.expressions.compile(one.where, scope, "bool")
            if where is None:
                return []
            placed.append((index, where))
        return placed

    def _scope(self, steps: Sequence[StepDraft], built: Sequence[Built], index: int) -> Scope | None:
        chosen = built[index].chosen if index < len(built) else None
        if chosen is None:
            return None
        return self.names.event(chosen.declared, chosen.open, steps[index].step.name if steps else "")

    def _step(self, steps: Sequence[StepDraft], one: ExceptionDraft) -> list[int] | None:
        """The step that is named; all that must happen where none is; None, and a problem, if it cannot be."""
        text = _STRINGS.sub('""', one.where.text)
        named = [step for step in steps if re.search(rf"(?<![\w.]){step.step.name}\s*\.(?!\w+\s*\()", text)]
        if len(named) > 1:
            names = " and ".join(f"`{step.step.name}`" for step in named)
            text = f"an exception speaks of one step, and this of {names}"
            self.report.add(codes.BAD_EXCEPTION, one.where.spot, text, "write an exception for each of the steps")
            return None
        if named and named[0].step.negated:
            text = f"`{named[0].step.name}` must not happen: without its events the rule would only fire more often"
            self.report.add(codes.BAD_EXCEPTION, one.where.spot, text, "name a step that must happen")
            return None
        if named:
            return [named[0].step.role]
        return [step.step.role for step in steps if not step.step.negated]

    def _over_key(self, drafts: Sequence[ExceptionDraft], built: Sequence[Built], by: tuple[str, ...]) -> Kept:
        """Entities that count as seen; their events are let in, and counted."""
        selector = built[0].selector if built else None
        if not drafts or (by and selector is None):
            return Kept((None,) * len(built))
        scope = self.names.key(key_types(built, by))
        over_key, over_events = [], []
        for one in drafts:
            where = self.expressions.compile(one.where, scope, "bool")
            if where is not None:
                over_key.append(self._exemption(one, where))
            chosen = built[0].chosen
            if where is not None and chosen is not None:
                quiet = self.expressions.quiet(one.where.text, self.names.event(chosen.declared, chosen.open))
                over_events += [] if quiet is None else [self._exemption(one, quiet)]
        guard = Guard(None, tuple(over_events), blocks=False)
        return Kept((guard,), tuple(over_key), _excuses(tuple(over_key), by))


def check_taken_away(draft: RuleDraft, report: Report) -> None:
    """A problem where a rule asks for too little: what keeps events out of it would make it hold."""
    measure, condition = draft.values.get("measure"), draft.values.get("condition")
    name = measure.measure.name if isinstance(measure, MeasureDraft) else "count"
    if not isinstance(condition, Test) or name not in _NOTHING_IS_LITTLE or condition.op in ("gt", "gte"):
        return
    shown = f"{name} {condition.op} {condition.value}"
    for field in ("schedule", "exceptions"):
        if draft.values.get(field):
            text = f"`{field}` takes events away, and `{shown}` could hold because of that"
            hint = "write an absence rule, or measure something that is absent without events"
            report.add(codes.CONTRADICTION, draft.values.key_spot(field), text, hint)


def _must_happen(steps: Sequence[StepDraft], index: int) -> bool:
    """Whether a selector is the rule's own or that of a step that must happen; not a `not`, not `until`."""
    return not steps or (index < len(steps) and not steps[index].step.negated)


def _excuses(exemptions: tuple[Exemption, ...], by: tuple[str, ...]) -> Callable[[KeyValues], Micros]:
    """From a key to the time until which exceptions cover it; before all time for most."""
    known: dict[KeyValues, Micros] = {}

    def excused(key: KeyValues) -> Micros:
        found = known.get(key)
        if found is None:
            if len(known) >= _KEYS_KEPT:
                known.clear()
            named = dict(zip(by, key, strict=False))
            found = known[key] = max((one.expires for one in exemptions if one.covers(named)), default=BEFORE_ALL)
        return found

    return excused

