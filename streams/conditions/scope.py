"""What names an expression may use: variables with their types, and how Python reaches them.

A scope is made once for a set of event types and compiles many expressions.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from streams.conditions.macros import Definition

PLACE_PARTS = {"lat": "double", "lon": "double", "district": "string", "cell": "string", "address": "string"}
EVENT_PARTS = {
    "id": "string", "source": "string", "type": "string", "time": "timestamp", "received": "timestamp",
    "severity": "string", "place": "place",
}
_OPTIONAL_PARTS = {"severity", "place"}
_TYPE_WORDS = {"list": "list(dyn)", "map": "map(string, dyn)"}

class EventTypeLike(Protocol):
    """An event type: its dotted name and its fields; a field is a type text or has one as `.type`."""

    @property
    def id(self) -> str: ...
    @property
    def fields(self) -> Mapping[str, Any]: ...


class RegisterLike(Protocol):
    """A register: its key column, its fields (as an event type's) and its rows by key."""

    @property
    def key(self) -> str: ...
    @property
    def fields(self) -> Mapping[str, Any]: ...
    @property
    def rows(self) -> Mapping[Any, Mapping[str, Any]]: ...


class ZoneLike(Protocol):
    """A named area."""

    def covers(self, lat: float, lon: float) -> bool:
        """Whether a place, in degrees, lies inside or on the border."""


class Step(msgspec.Struct, frozen=True):
    """One step from a value to a part of it: an attribute, or an entry of a mapping."""

    name: str
    attribute: bool = False


class Access(msgspec.Struct, frozen=True):
    """How the generated function reaches a value: a parameter, then steps.

    `optional`: None there means absent. `constant`: a value known when compiling, in place of all that.
    """

    root: str = ""
    steps: tuple[Step, ...] = ()
    optional: bool = False
    constant: Any = None

    def attribute(self, name: str, optional: bool = False) -> Access:
        """The access to `.name` of this value."""
        return Access(self.root, (*self.steps, Step(name, True)), optional)

    def entry(self, name: str, optional: bool = False) -> Access:
        """The access to `[name]` of this value."""
        return Access(self.root, (*self.steps, Step(name)), optional)


class Variable(msgspec.Struct, frozen=True):
    """A name's type text and how it is reached.

    `path`: what the expression is said to read (the name itself if empty). `stored`: instants and spans
    are plain integers of µs there.
    """

    type: str
    access: Access
    path: str = ""
    stored: bool = True


class Limits(msgspec.Struct, frozen=True):
    """How large an expression may be, so that its cost has a bound."""

    nodes: int = 500
    nesting: int = 2
    literal_patterns: bool = True


class Scope:
    """What an expression may use.

    `variables`: name (maybe dotted) to (type text, access), where the access is a `Variable` or code such
    as `e.place.lat` or `labels["road"]`, made of names, attributes and literal keys. `args` are the
    parameters of the generated function. `shapes` are structures that a variable's type may name
    (`shape:x`), field -> type text, and `parts` tells how each `variable.field` is reached. `lists` are
    list documents, `registers` registers, `zones` named areas. `zone` is the
    city's time zone, for `local`. `open`: unknown names are fields of dynamic type, found there.
    `holders`: event type -> fields, to tell which types have a field; `types` are the scope's own. `values`:
    what a path can be, where that is closed. `container` is for names as CEL
    resolves them; by default those of an event may be called as CEL's own types are (`type`).
    """

    def __init__(
        self,
        variables: Mapping[str, Variable | tuple[str, str]],
        args: Sequence[str],
        *,
        shapes: Mapping[str, Mapping[str, str]] | None = None,
        parts: Mapping[str, Variable] | None = None,
        lists: Mapping[str, Iterable[Any]] | None = None,
        registers: Mapping[str, RegisterLike] | None = None,
        zones: Mapping[str, ZoneLike] | None = None,
        zone: str = "UTC",
        open: Access | None = None,
        holders: Mapping[str, Mapping[str, str]] | None = None,
        limits: Limits | None = None,
        container: str | None = None,
    ) -> None:
        self.args = tuple(args)
        self.shapes = {"place": PLACE_PARTS, **(shapes or {})}
        self.lists = {name: tuple(values) for name, values in (lists or {}).items()}
        self.registers = dict(registers or {})
        self.zones = zones
        self.zone = zone
        self.open = open
        self.holders = dict(holders or {})
        self.limits = limits or Limits()
        self.container = "_" if container is None else container
        self.prefix = "_." if container is None else ""
        self.paths: dict[str, Variable] = dict(parts or {})
        self.declared: dict[str, str] = {}
        self.types: tuple[str, ...] = ()
        self.values: dict[str, tuple[Any, ...]] = {}
        self.ranges: Mapping[str, tuple[float, float]] = {}  # of readings that are no fault
        self.macros: Mapping[str, Definition] = {}  # that may be called here
        self.compiler: Any = None  # what check.py keeps for this scope
        for name, given in variables.items():
            self._declare(name, given if isinstance(given, Variable) else Variable(given[0], code_access(given[1])))
        for name, values in self.lists.items():
            self._declare(f"lists.{name}", Variable(f"list({_common_type(values)})", Access(constant=values)))

    def register_called(self, name: str) -> str | None:
        """The register that the checker knows as `register_0` and so on."""
        head, _, number = name.rpartition("_")
        return list(self.registers)[int(number)] if head == "register" and number.isdecimal() else None

    def _declare(self, name: str, variable: Variable) -> None:
        self.paths[name] = variable
        self.declared[name] = variable.type


def code_access(code: str) -> Access:
    """The access that code like `alert.severity` or `labels["road"]` tells; ValueError if it is more."""
    steps: list[Step] = []
    node = ast.parse(code, mode="eval").body
    while not isinstance(node, ast.Name):
        if isinstance(node, ast.Attribute):
            steps.insert(0, Step(node.attr, True))
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            steps.insert(0, Step(str(node.slice.value)))
        else:
            raise ValueError(f"{code!r} is not a plain access")
        node = node.value
    return Access(node.id, tuple(steps))


def type_word(field: Any) -> str:
    """The type text of a declared field: `list` and `map` hold values of dynamic type."""
    text = field if isinstance(field, str) else field.type
    return _TYPE_WORDS.get(text, text)


def _common_type(values: Iterable[Any]) -> str:
    names = {bool: "bool", int: "int", float: "double", str: "string"}
    found = {names.get(type(value), "dyn") for value in values}
    return found.pop() if len(found) == 1 else ("double" if found == {"int", "double"} else "dyn")


def _merged(types: Iterable[EventTypeLike]) -> dict[str, str]:
    """All the fields of some event types; where two types disagree the field is of dynamic type."""
    merged: dict[str, str] = {}
    for one in types:
        for name, field in one.fields.items():
            text = type_word(field)
            merged[name] = text if merged.get(name, text) == text else "dyn"
    return merged


def event_scope(
    types: Sequence[EventTypeLike],
    *,
    open: bool = False,
    lists: Mapping[str, Iterable[Any]] | None = None,
    registers: Mapping[str, RegisterLike] | None = None,
    bound: Mapping[str, Sequence[EventTypeLike]] | None = None,
    zones: Mapping[str, ZoneLike] | None = None,
    zone: str = "UTC",
    known: Sequence[EventTypeLike] = (),
    called: str = "",
) -> Scope:
    """For expressions over events of these types: functions of `e` (a records.Event).

    Each declared field stands at top level (and as `event.field`, for `has(event.field)`); the parts of
    every event too, which win over a field of the same name. `open`: events of undeclared types may come
    too, whose fields are of dynamic type. `bound` names the steps whose events are known: then the
    function has a second parameter, a mapping step -> facts of its event by path (`device`,
    `place.district`, `place`, `time`). `known` are all types, to tell who has a field that these have not.
    `called` is a further name for the event itself: with `cover`, `cover.device` is what `event.device` is.
    """
    variables = _event_variables(types)
    parts = {f"event.{name}": _called(name, one) for name, one in variables.items()}
    parts |= _place_parts()
    shapes = {"event": {name: one.type for name, one in variables.items()}}
    variables["event"] = Variable("dyn" if open else "shape:event", Access("e"))
    if called:
        shapes[f"step_{called}"] = shapes["event"]
        variables[called] = Variable("dyn" if open else f"shape:step_{called}", Access("e"))
        parts |= {called + path.removeprefix("event"): one for path, one in parts.items() if path.startswith("event.")}
    for step, its_types in (bound or {}).items():
        shapes[f"step_{step}"] = {name: one.type for name, one in _event_variables(its_types).items()}
        variables[step] = Variable(f"shape:step_{step}", Access("bound").entry(step))
        parts |= _bound_parts(step, shapes[f"step_{step}"])
    scope = Scope(
        variables, ("e",) if bound is None else ("e", "bound"), shapes=shapes, parts=parts, lists=lists,
        registers=registers, zones=zones, zone=zone, holders=_holders((*known, *types)),
        open=Access("e").attribute("fields") if open else None,
    )
    scope.types = tuple(one.id for one in types)
    if not open:
        scope.values = {**_closed_values(types), "type": scope.types}
    return scope


def _closed_values(types: Sequence[EventTypeLike]) -> dict[str, tuple[Any, ...]]:
    """The fields whose values are declared wherever they are declared."""
    found: dict[str, tuple[Any, ...]] = {}
    for name in _merged(types):
        its = [getattr(one.fields[name], "values", ()) for one in types if name in one.fields]
        if all(its) and name not in EVENT_PARTS:
            found[name] = tuple(dict.fromkeys(value for values in its for value in values))
    return found


def _event_variables(types: Iterable[EventTypeLike]) -> dict[str, Variable]:
    """The names of an event of these types; the parts of every event win over declared fields."""
    event = Access("e")
    found = {
        name: Variable(kind, event.attribute("fields").entry(name)) for name, kind in _merged(types).items()
    }
    for name, kind in EVENT_PARTS.items():
        found[name] = Variable(kind, event.attribute(name, name in _OPTIONAL_PARTS))
    return found


def _place_parts() -> dict[str, Variable]:
    """`place.lat` and its like: the event's place is a structure, unlike a field of type place."""
    place = Access("e").attribute("place")
    parts = {f"place.{part}": Variable(kind, place.attribute(part, True), f"place.{part}")
             for part, kind in PLACE_PARTS.items()}
    return parts | {f"event.{path}": one for path, one in parts.items()}


def _called(path: str, variable: Variable) -> Variable:
    return msgspec.structs.replace(variable, path=path)


def _bound_parts(step: str, fields: Mapping[str, str]) -> dict[str, Variable]:
    """How the facts of a bound event are reached: by path, also the parts of a place."""
    facts = Access("bound").entry(step)
    names = dict(fields)
    for name, kind in fields.items():
        if kind == "place":
            names |= {f"{name}.{part}": its for part, its in PLACE_PARTS.items()}
    return {
        f"{step}.{name}": Variable(kind, facts.entry(name, optional=True), f"{step}.{name}")
        for name, kind in names.items()
    }


def _holders(types: Iterable[EventTypeLike]) -> dict[str, dict[str, str]]:
    return {one.id: {name: type_word(field) for name, field in one.fields.items()} for one in types}


def record_scope(format: str, *, lists: Mapping[str, Iterable[Any]] | None = None,
                 registers: Mapping[str, RegisterLike] | None = None,
                 zones: Mapping[str, ZoneLike] | None = None, zone: str = "UTC") -> Scope:
    """For a source's mapping: functions of `record` and `row`.

    `record` is a map of strings (csv) or of values of dynamic type (json, cloudevents); `row` the
    record's number.
    """
    kind = "map(string, string)" if format == "csv" else "map(string, dyn)"
    variables = {"record": Variable(kind, Access("record")), "row": Variable("int", Access("row"))}
    return Scope(variables, ("record", "row"), lists=lists, registers=registers, zones=zones, zone=zone)


def key_scope(
    names: Mapping[str, str], *, lists: Mapping[str, Iterable[Any]] | None = None,
    registers: Mapping[str, RegisterLike] | None = None, zones: Mapping[str, ZoneLike] | None = None,
    zone: str = "UTC",
) -> Scope:
    """For what depends on a key alone: functions of `key`, a mapping of the `by` parts by path.

    `names`: path (`device`, `place.district`) -> type text.
    """
    variables = {
        name: Variable(type_word(kind), Access("key").entry(name, optional=True)) for name, kind in names.items()
    }
    return Scope(variables, ("key",), lists=lists, registers=registers, zones=zones, zone=zone)


def notice_scope(
    names: Iterable[str], *, lists: Mapping[str, Iterable[Any]] | None = None, zone: str = "UTC",
) -> Scope:
    """For what is decided of alerts: functions of `labels`, a mapping of texts by name.

    `names` are labels that every alert has: they stand at top level, and as `alert.x`. All labels are found
    as `labels.x`, or `labels["place.district"]`.
    """
    alert = Access("labels")
    variables = {name: Variable("string", alert.entry(name, optional=True)) for name in names}
    parts = {f"alert.{name}": _called(name, one) for name, one in variables.items()}
    variables |= {"labels": Variable("map(string, string)", alert), "alert": Variable("shape:alert", alert)}
    return Scope(variables, ("labels",), shapes={"alert": dict.fromkeys(names, "string")}, parts=parts,
                 lists=lists, zone=zone)
