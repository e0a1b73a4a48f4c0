"""What a bundle of rule files means once it is read: sources, event types, registers, rules.

Plain data and compiled expressions; `rulefile` makes it, ingest, engine and respond read it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from streams.conditions import EvalError, Expression
from streams.kinds import Detector
from streams.policy import Policy
from streams.records import Event, KeyValues, Micros, Place
from streams.schedules import Schedule
from streams.specs import Written
from streams.vitals import Vital
from streams.zones import Districts, Zone

SEVERITIES = ("info", "minor", "moderate", "severe", "extreme")
"""CAP's words, from the least grave to the gravest."""
FINDINGS_OF = "rule:"
"""What begins the event type, and the source, of a rule's findings; the rule's id follows."""
COUNTS = "/counts"
"""What ends the reference, and the name as a source, of what counts a rule's events first."""
SILENCE_OF = "source-silent."
"""What begins the id of the rule that a source brings along; the source's id follows."""


class FieldType(msgspec.Struct, frozen=True):
    """A declared field. `type`: string int double bool duration timestamp place list map dyn.

    `range`: from where to where a reading can be; an instrument that reads otherwise is faulty.
    """

    name: str
    type: str
    required: bool = False
    personal: bool = False
    values: tuple[str, ...] = ()
    unit: str = ""
    register: str = ""
    range: tuple[float, float] | None = None


class EventType(msgspec.Struct, frozen=True):
    """What can happen: a dotted name and its fields."""

    id: str
    title: str = ""
    fields: Mapping[str, FieldType] = {}


class TimeMapping(msgspec.Struct, frozen=True):
    """How a record's text becomes an instant. `format` is strptime's, or `rfc3339`, `epoch_s`, `epoch_ms`.

    `otherwise`: `received` takes the time of receipt where the value is missing or unreadable.
    """

    value: Expression
    format: str = "rfc3339"
    zone: str = "UTC"
    otherwise: str = ""


class RecordMapping(msgspec.Struct, frozen=True):
    """How a record becomes an event: one expression a part (the `event:` of a source)."""

    id: Expression
    type: Expression
    time: TimeMapping
    received: TimeMapping | None = None
    severity: Expression | None = None
    place: Mapping[str, Expression] = {}
    fields: Mapping[str, Expression] = {}


class Source(msgspec.Struct, frozen=True):
    """A feed. `idle` and `silence` are None where switched off. `skew` caps times in the future."""

    id: str
    topic: str
    format: str
    mapping: RecordMapping
    title: str = ""
    zone: str = "UTC"
    disorder: Micros = 30_000_000
    lateness: Micros = 3_600_000_000
    idle: Micros | None = 60_000_000
    silence: Micros | None = None
    skew: Micros = 300_000_000
    open: bool = False

    def may_emit(self, pattern: str) -> bool:
        """Whether an event type, or a branch `a.b.*`, can come from this source."""
        known, exact = self.mapping.type.prefix
        wanted = pattern.removesuffix("*")
        if exact:
            return known == wanted or (pattern.endswith("*") and known.startswith(wanted))
        return known.startswith(wanted) or wanted.startswith(known)


class Register(msgspec.Struct, frozen=True):
    """A table of things that exist; `rows` by the key column's value."""

    id: str
    key: str
    fields: Mapping[str, FieldType]
    rows: Mapping[Any, Mapping[str, Any]]


class City(msgspec.Struct, frozen=True):
    """`rules/city.yaml`."""

    name: str = "city"
    zone: str = "UTC"
    districts: tuple[str, ...] = ()


class Exemption(msgspec.Struct, frozen=True):
    """An exception of a rule: what is known and needs no alert, by event time before `expires`.

    `where` is over the events of the selector whose guard it is; over the key where it stands in the rule itself.
    """

    name: str
    where: Expression
    expires: Micros
    reason: str
    owner: str

    def covers(self, about: Any) -> bool:
        """Whether it covers an event, or a key; one that fails does not."""
        try:
            return self.where.function(about) is True
        except EvalError:
            return False


class Guard(msgspec.Struct, frozen=True):
    """What keeps events that a selector means out of its rule. Not `blocks`: exceptions are counted, no more."""

    schedule: Schedule | None = None
    exemptions: tuple[Exemption, ...] = ()
    blocks: bool = True


class Selector(msgspec.Struct, frozen=True):
    """Which events: declared types (`sensor.*` for a branch) and a condition; `by` its key paths.

    Where districts divide a rule, `area` says which events are this one's; `where` asks for that too, and `asked`
    is what its author wrote.
    """

    types: tuple[str, ...]
    where: Expression | None
    by: tuple[Expression, ...]
    guard: Guard | None = None
    area: Expression | None = None
    asked: Expression | None = None

    @property
    def written(self) -> Expression | None:
        """The condition as its author wrote it."""
        return self.where if self.area is None else self.asked

    def covers(self, event: Event) -> bool:
        """Whether an event lies where the rule holds."""
        try:
            return self.area is None or self.area(event) is True
        except EvalError:
            return False


class Alert(msgspec.Struct, frozen=True):
    """What people read; the texts hold `{{ path }}`."""

    title: str = ""
    summary: str = ""
    runbook: str = ""
    category: str = ""


class Dispatch(msgspec.Struct, frozen=True):
    """Who is sent. `priority` 1 is the most urgent."""

    to: str
    priority: int = 3
    instruction: str = ""


class Limit(msgspec.Struct, frozen=True):
    """How many alerts of a rule are told within `per`."""

    alerts: int
    per: Micros


class Grading(msgspec.Struct, frozen=True):
    """A severity that is computed of a finding.

    `expression` is a function of a mapping from paths (`value`, `count`, `opened`, a part of the key, a fact of the
    newest event, of a sequence also `step.fact`) to values. `real`: it takes the value as a double.
    """

    expression: Expression
    real: bool = False

    def word(self, found: Mapping[str, Any]) -> str | None:
        """The severity; None where it cannot be evaluated, or gives another word."""
        value = found.get("value")
        if self.real and type(value) is int:
            found = {**found, "value": float(value)}
        try:
            word = self.expression.function(found)
        except EvalError:
            return None
        return word if word in SEVERITIES else None


class Thing(msgspec.Struct, frozen=True):
    """A part of a key that one step of a sequence says: `cover.device`. `role` is the number of the step."""

    name: str
    role: int
    value: Expression


class Near(msgspec.Struct, frozen=True):
    """Place as the key. `radius` is that of a circle, `reach` how far around it events matter; metres.

    The first part of the rule's key is a cell of the map. `things` take its place in a finding's key.
    """

    radius: float
    reach: float
    things: tuple[Thing, ...] = ()


class Group(msgspec.Struct, frozen=True):
    """A rule for groups of what another rule watches, and of which group a key is part (None: of none)."""

    rule: str
    of: Callable[[KeyValues], KeyValues | None]


class Rule(msgspec.Struct, frozen=True):
    """One rule, compiled.

    `near`: its key begins with a cell of the map. `selectors[i]` sets bit i of a member's roles. `by` names the
    key's parts. `value` is what the kind measures of an event. `facts` are the paths its texts read, each with its
    expression. `sources` are the feeds whose events it can match, `bases` the rules whose findings: the slowest of
    them is its clock.
    `expected` are keys that must report though never heard of. `spec` holds the kind's own fields
    as parsed; `logic` is the hash of what decides when the rule holds. `severity` is the word that stands where
    `grading` gives none. `district`: the only one whose events it sees. `origins` tell file and line of each field.
    `schedule` and `exemptions` act through the guards of the selectors, or in the detector. `vital`: it is an
    indicator, which gives readings in place of findings. `counting`: what counts its events first, each `value` being
    a key of its own; the rule's detector takes the counts. `groups`: the rules whose silence explains that of its keys,
    the nearest first.
    """

    id: str
    kind: str
    title: str
    selectors: tuple[Selector, ...]
    by: tuple[str, ...]
    detector: Detector
    logic: str
    sources: frozenset[str]
    bases: tuple[str, ...] = ()
    spec: Mapping[str, Any] = {}
    value: Expression | None = None
    facts: Mapping[str, Expression] = {}
    expected: tuple[tuple[Any, ...], ...] = ()
    severity: str = "minor"
    owner: str = ""
    status: str = "stable"
    suppress_for: Micros = 0
    grading: Grading | None = None
    limit: Limit | None = None
    schedule: Schedule | None = None
    exemptions: tuple[Exemption, ...] = ()
    alert: Alert = Alert()
    dispatch: Dispatch | None = None
    tests: tuple[Any, ...] = ()
    district: str = ""
    origins: Mapping[str, tuple[str, int]] = {}
    file: str = ""
    line: int = 0
    near: Near | None = None
    vital: Vital | None = None
    counting: Detector | None = None
    groups: tuple[Group, ...] = ()

    @property
    def base(self) -> str:
        """The id by which people know it: of a district's variant `crash-series@west` that of the rule itself."""
        return self.id.partition("@")[0]

    @property
    def ref(self) -> str:
        """What state belongs to: the rule and the hash of its logic."""
        return f"{self.id}@{self.logic}"

    @property
    def entry(self) -> str:
        """Where its events go: to the rule itself, or to what counts them first."""
        return self.ref if self.counting is None else f"{self.ref}{COUNTS}"

    def grade(self, key: Mapping[str, Any], value: Any, count: int, opened: Micros, facts: Mapping[str, Any],
              steps: Iterable[str] = ()) -> str:
        """How bad a finding is: the rule's word, or what its expression makes of the finding.

        `facts` are by path; those of a `steps` name are by path once more.
        """
        if self.grading is None:
            return self.severity
        found: dict[str, Any] = {**key, "value": value, "count": count, "opened": opened}
        for path, fact in facts.items():
            nested = fact if path in steps and isinstance(fact, Mapping) else None
            found.update({path: fact} if nested is None else {f"{path}.{part}": one for part, one in nested.items()})
        return self.grading.word(found) or self.severity

    @property
    def shadow(self) -> bool:
        """Whether its findings are only observed."""
        return self.status in ("experimental", "test")


class Bundle(msgspec.Struct, frozen=True):
    """All files under `rules/`, read together; `id` is the hash of their texts.

    `districts` are those that a file draws: a place without a district gets its own from them. `indicators` are
    folded as rules are, and give readings. `policy` is what respond does with alerts, `tests` are
    those of that, by document.
    """

    id: str
    city: City
    event_types: Mapping[str, EventType]
    sources: Mapping[str, Source]
    registers: Mapping[str, Register]
    lists: Mapping[str, tuple[Any, ...]]
    rules: Mapping[str, Rule]
    zones: Mapping[str, Zone] = {}
    districts: Districts | None = None
    indicators: Mapping[str, Rule] = {}
    policy: Policy = Policy()
    tests: Mapping[str, tuple[Written, ...]] = {}

    @property
    def folded(self) -> tuple[Rule, ...]:
        """Rules and indicators: all that wants events."""
        return (*self.rules.values(), *self.indicators.values())

    def located(self, place: Place) -> Place:
        """The place with its district, where it says none and the districts are drawn."""
        if self.districts is None:
            return place
        return msgspec.structs.replace(place, district=self.districts.of(place))

    def fed_by(self, sources: Iterable[str]) -> Bundle:
        """The same rules with only these sources, so that no clock waits for a feed that is not there."""
        names = frozenset(sources)
        rules, indicators = (
            {name: msgspec.structs.replace(rule, sources=rule.sources & names) for name, rule in table.items()}
            for table in (self.rules, self.indicators))
        kept = {name: source for name, source in self.sources.items() if name in names}
        return msgspec.structs.replace(self, sources=kept, rules=rules, indicators=indicators)
