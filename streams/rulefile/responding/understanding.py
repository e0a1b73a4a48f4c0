"""From the documents of the response to the policy that respond acts by.

What stands in a district's folder holds for that district's alerts alone. Routes are tried in this order: the
city's locked ones, those of districts, the city's others; within these as files and documents stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from streams import matchers
from streams.policy import (
    ALL_LABELS,
    NOTICE,
    Channel,
    Condition,
    Deadlines,
    Inhibit,
    Owner,
    Policy,
    Receiver,
    Route,
    Silence,
    Step,
    Storm,
)
from streams.rulefile import codes
from streams.rulefile.codes import Report
from streams.rulefile.drafts import Document
from streams.rulefile.duty import Duties, ScheduleDraft
from streams.rulefile.expressions import Expressions, Names
from streams.rulefile.fields import Values
from streams.rulefile.overrides import folder_of
from streams.rulefile.responding.conditions import Conditions
from streams.rulefile.responding.tables import passages
from streams.rulefile.scalars import advise
from streams.rulefile.silence import PREFIX
from streams.rulefile.structures import CATEGORIES
from streams.rules import SEVERITIES, City, Rule
from streams.schedules import Schedule

T = TypeVar("T")
CITY_ONLY = ("guard", "storm", "response")
"""What a district cannot say, because it would reach beyond it."""
INHERITED = ("receiver", "group_by", "group_wait", "group_interval", "repeat_interval", "escalation")
NAMED_KINDS = {"active": "time_window", "muted": "time_window", "receiver": "receiver", "notify": "receiver",
               "escalation": "escalation"}


class Responding:
    """Understands the documents of the response; `every` gives those of a kind."""

    def __init__(self, every: Callable[[str], Iterable[Document]], names: Names, expressions: Expressions, city: City,
                 rules: Mapping[str, Rule], report: Report) -> None:
        self.every, self.names, self.city, self.report = every, names, city, report
        self.duties = Duties(names, report)
        labels = {*NOTICE, *(part for rule in rules.values() for part in rule.by)}
        silent = (PREFIX + one.id for one in every("source") if one.values.get("silence"))
        values = {"rule": frozenset((*(rule.base for rule in rules.values()), *silent)),
                  "severity": frozenset(SEVERITIES), "category": frozenset(CATEGORIES),
                  "district": frozenset(city.districts)}
        self.conditions = Conditions(names, expressions, labels, values, report)
        self.known = {kind: {one.id for one in every(kind)} for kind in set(NAMED_KINDS.values())}

    def policy(self) -> Policy:
        """The whole policy; what is wrong with it is reported."""
        for kind in CITY_ONLY:
            for one in self.every(kind):
                self._of_city(one)
        response: Any = next((one.values for one in self.every("response")), {})
        compat = response.get("compat") == "alertmanager"
        owners, fallback = self._ownership()
        return Policy(
            root=self._root(),
            receivers={one.id: _receiver(one) for one in self.every("receiver")},
            windows=_sound({one.id: self._hours(one.values) for one in self.every("time_window")}),
            inhibits=tuple(_sound({one.id: self._inhibit(one, compat) for one in self.every("inhibit")}).values()),
            silences=tuple(_sound({one.id: self._silence(one) for one in self.every("silence")}).values()),
            guards=_sound({one.id: self.conditions.of(one.values) for one in self.every("guard")}),
            escalations={one.id: self._chain(one.values) for one in self.every("escalation")},
            owners=owners, fallback=fallback, storm=self._storm(), deadlines=tuple(self._deadlines()),
            resolved_through_silence=not compat and response.get("resolved_through_silence", True), compat=compat,
            **{name: response.get(name) for name in ("ack_timeout", "auto_close") if response.get(name)},
        )

    # routes

    def _root(self) -> Route | None:
        """The tree: what has no condition is its root."""
        documents = list(self.every("route"))
        plain = [one for one in documents if not _conditional(one.values) and not folder_of(one.path)]
        if not documents:
            return None
        if not plain:
            spot = documents[0].values.spot("id")
            self.report.add(codes.NO_DEFAULT_ROUTE, spot, "there is no route for what no other route takes")
        root, *others = plain or documents  # a stand-in, so that all that is wrong is told
        for one in others if plain else ():
            text = f"`{root.id}` takes already what no other route takes"
            self.report.add(codes.NO_DEFAULT_ROUTE, one.values.spot("id"), text, "say which alerts with `when`")
        if "receiver" not in root.values.node.pairs:
            self.report.add(codes.MISSING_FIELD, root.values.spot("id"), f"`{root.id}` needs `receiver`")
        given = {"receiver": "", **root.values.read}
        when = None if plain else self.conditions.of(root.values)
        return self._route(root.values, root.id, "0", when, given, self._branches(documents, root, given))

    def _branches(self, documents: list[Document], root: Document, given: Mapping[str, Any]) -> tuple[Route, ...]:
        """The children of the root; a district's routes see its alerts alone."""
        children = [one for one in documents if one is not root]
        children.sort(key=lambda one: 1 if folder_of(one.path) else 0 if one.values.get("locked") else 2)
        found = []
        for number, one in enumerate(children):
            district = folder_of(one.path)
            if district and one.values.get("locked"):
                self.report.add(codes.CITY_ALONE, one.values.key_spot("locked"), "only the city can lock a route")
            when = self._confined(self.conditions.of(one.values), district)
            found.append(self._route(one.values, one.id, f"0.{number}", when, given))
        own = self._within(root.values, given, "0", len(found))
        return (*found, *own)

    def _within(self, values: Values, given: Mapping[str, Any], path: str, first: int = 0) -> tuple[Route, ...]:
        return tuple(self._route(inner, "", f"{path}.{number}", self.conditions.of(inner), given)
                     for number, inner in enumerate(values.get("routes", ()), first))

    def _route(self, values: Values, name: str, path: str, when: Condition | None, above: Mapping[str, Any],
               routes: tuple[Route, ...] | None = None) -> Route:
        for field in ("receiver", "escalation", "active", "muted"):
            self._exists(values, field)
        self._labels(values, "group_by")
        given = {**{field: above[field] for field in INHERITED if field in above}, **values.read}
        taken = {field: given[field] for field in (*INHERITED, "active", "muted") if field in given}
        inner = self._within(values, given, path) if routes is None else routes
        return Route(path, name, when=when, go_on=values.get("continue", False), routes=inner, **taken)

    # what keeps quiet

    def _inhibit(self, one: Document, compat: bool) -> Inhibit | None:
        values, district = one.values, folder_of(one.path)
        self._labels(values, "equal")
        if not values.get("equal") and "within" not in values:
            text = f"`{one.id}` does not say what the two have in common: every source would keep back every target"
            self.report.add(codes.NO_EQUALITY, values.spot("id"), text)
        source, target = (self.conditions.of(values, field) for field in ("source", "target"))
        if source is None or target is None:
            return None
        return Inhibit(one.id, self._confined(source, district), self._confined(target, district),
                       values.get("equal", ()), values.get("within"), values.get("max_duration"), compat)

    def _silence(self, one: Document) -> Silence | None:
        values, district = one.values, folder_of(one.path)
        match, span = self.conditions.of(values, "match"), values.get("window")
        if match is None or span is None or not span.sound:
            return None
        zone = span.get("zone", self.city.zone)
        begins, ends = span["from"].at(zone), span["to"].at(zone)
        if ends <= begins:
            self.report.add(codes.BAD_SPAN, span.spot("to"), "the silence ends before it begins", "correct the dates")
        text = values["match"].text if "match" in values else ", ".join(part.text for part in values["matchers"])
        return Silence(one.id, self._confined(match, district), begins, ends, values.get("owner", ""),
                       values.get("reason", ""), values.get("ticket", ""), self._hours(values), "", district, text)

    def _hours(self, values: Values) -> Schedule | None:
        written = values.get("schedule", values.get("intervals"))
        if not isinstance(written, ScheduleDraft):
            return written if isinstance(written, Schedule) else None
        return self.duties.schedule(written, self.city.zone, values.spot("schedule"))

    def _storm(self) -> Storm | None:
        found = [one for one in self.every("storm") if one.values.sound]
        for one in found[1:]:
            text = f"there is a limit for storms already, `{found[0].id}`"
            self.report.add(codes.DUPLICATE_ID, one.values.spot("id"), text, "keep one of the two")
        return Storm(found[0].values["alerts"], found[0].values["per"]) if found else None

    # cases

    def _chain(self, values: Values) -> tuple[Step, ...]:
        steps: list[Step] = []
        for inner in values.get("steps", ()):
            self._exists(inner, "notify")
            if inner.sound:
                step = Step(inner["after"], inner["notify"], inner.get("unless", ""), inner.get("raise", 0))
                if steps and step.after < steps[-1].after:
                    self.report.add(codes.BAD_SPAN, inner.spot("after"), "this step comes before the one above it")
                steps.append(step)
        return tuple(steps)

    def _ownership(self) -> tuple[tuple[Owner, ...], str]:
        """All lines of all tables, a district's for itself; and who is responsible where no line says so."""
        owners: list[Owner] = []
        named: list[Document] = []
        for one in self.every("ownership"):
            district = folder_of(one.path)
            owners += [self._owner(line, district) for line in one.values.get("owners", ()) if line.sound]
            if "fallback" in one.values:
                named.append(one)
        for one in named[1:]:
            text = "there is a fallback already, and there can be but one"
            self.report.add(codes.NO_FALLBACK, one.values.spot("fallback"), text)
        if owners and not named:
            spot = next(iter(self.every("ownership"))).values.spot("id")
            self.report.add(codes.NO_FALLBACK, spot, "nobody is responsible for what no line of the table names")
        return tuple(owners), named[0].values["fallback"] if named else ""

    def _owner(self, line: Values, district: str) -> Owner:
        found = Owner(line["unit"], line.get("category", ""), line.get("district", ""), line.get("grid", ""))
        if district and found.district not in ("", district):
            text = f"the table is {district}'s, and a district decides nothing in another"
            self.report.add(codes.OTHER_DISTRICT, line.spot("district"), text)
        known = self.city.districts
        if found.district and known and found.district not in known:
            hint = advise(found.district, known, "the districts are")
            self.report.add(codes.OTHER_DISTRICT, line.spot("district"), f"there is no district `{found.district}`",
                            hint)
        return msgspec.structs.replace(found, district=found.district or district)

    def _deadlines(self) -> Iterable[Deadlines]:
        """The city's in order, then those of districts, which only shorten them."""
        documents = sorted(self.every("deadlines"), key=lambda one: bool(folder_of(one.path)))
        for one in documents:
            self._exists(one.values, "escalation")
            district = folder_of(one.path)
            when = self.conditions.of(one.values)
            yield Deadlines(one.id, one.values.get("within", {}), self._confined(when, district) if district else when,
                            one.values.get("escalation", ""), bool(district))

    # what all have in common

    def _confined(self, when: Condition | None, district: str) -> Any:
        return matchers.within(when, "district", district) if district else when

    def _of_city(self, one: Document) -> None:
        if folder_of(one.path):
            text = f"a {one.kind} holds for the whole city, and this file is {folder_of(one.path)}'s"
            self.report.add(codes.CITY_ALONE, one.values.spot("kind"), text, "put it into the city's files")

    def _exists(self, values: Values, field: str) -> None:
        """What a field names must be there."""
        kind = NAMED_KINDS[field]
        for passage in passages(values, field) if field in values else ():
            if passage.text not in self.known[kind]:
                text = f"there is no {kind} `{passage.text}`"
                self.report.add(codes.NOT_THERE, passage.spot, text, advise(passage.text, self.known[kind]))

    def _labels(self, values: Values, field: str) -> None:
        for passage in passages(values, field) if field in values else ():
            if passage.text != ALL_LABELS:
                self.conditions.label(passage.text, passage)


def _sound(found: Mapping[str, T | None]) -> dict[str, T]:
    """What could be understood."""
    return {name: one for name, one in found.items() if one is not None}


def _conditional(values: Values) -> bool:
    return "when" in values.node.pairs or "matchers" in values.node.pairs


def _receiver(one: Document) -> Receiver:
    channels = tuple(Channel(inner["type"], {name: value for name, value in inner.read.items() if name != "type"})
                     for inner in one.values.get("channels", ()) if inner.sound)
    return Receiver(one.id, one.values.get("title", ""), channels, one.values.get("resolved", True))
