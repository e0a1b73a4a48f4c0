"""Templates: one rule with placeholders, and an instance of it for each entry of a list or row of a register.

The instance `south` of the template `gauge-high` is the rule `gauge-high.south`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from streams.clocks import duration, show_duration
from streams.kinds import Field
from streams.rulefile import codes, scalars
from streams.rulefile.codes import Report
from streams.rulefile.documents import ID, KIND, TITLE
from streams.rulefile.embedded import spot_in
from streams.rulefile.fields import Values, read_fields
from streams.rulefile.filling import Given, fill, placeholders, with_pairs
from streams.rulefile.nodes import INTEGER, NUMBER, Listing, Node, Scalar, describe
from streams.rulefile.nodes import Mapping as MappingNode
from streams.rulefile.parameters import TEMPLATE_TYPES, Parameter
from streams.rulefile.scalars import Bad, Told, a_or_an, advise, one_or_more
from streams.rulefile.spots import Spot
from streams.rules import Register

TEMPLATE_FIELDS = (
    KIND,
    ID,
    TITLE,
    Field("description", "string", "what its rules have in common"),
    Field("parameters", "template_parameters", "the names that stand as `$name` in the rule: a type of "
          f"{', '.join(TEMPLATE_TYPES)}, or {{type, default}}", default=()),
    Field("instances", "instances", "a list of {id: ..., and a value for each parameter}, or {register: r}: one for "
          "each row, its columns by the names of the parameters", required=True),
    Field("rule", "node", "the rule, with its `kind` and without an `id`", required=True),
)
INSTANCES_FIELDS = (Field("register", "string", "the register whose rows are the instances", required=True),)
SHOWN_AT_MOST = 20
_UNFIT = re.compile(r"[^A-Za-z0-9_.-]+")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_TEXTS: Mapping[str, Callable[[Any], str]] = {
    "double": repr, "duration": show_duration, "bool": lambda value: str(value).lower(),
}


class Instances(msgspec.Struct, frozen=True):
    """The instances as written: their nodes, or the register whose rows they are."""

    nodes: tuple[Node, ...] = ()
    register: Scalar | None = None


class Instance(msgspec.Struct, frozen=True):
    """One rule of a template: the name of the instance, and its rule with all values in place."""

    name: str
    rule: MappingNode


def read_instances(node: Node, field: Field, report: Report) -> Instances:
    """A list of mappings, or `{register: name}`."""
    if isinstance(node, Listing):
        return Instances(one_or_more(node, lambda entry: entry))
    values = read_fields(node, INSTANCES_FIELDS, {"string": scalars.read_string}, report, "`instances`")
    named = values.node.get("register")
    if "register" not in values or not isinstance(named, Scalar):
        raise Told
    return Instances(register=named)


class Template:
    """A template as read; `instances` gives its rules."""

    def __init__(self, values: Values, registers: Mapping[str, Register], report: Report) -> None:
        self.values, self.registers, self.report = values, registers, report
        self.id: str = values.get("id", "")
        parameters: tuple[Parameter, ...] = values.get("parameters", ())
        self.parameters = {parameter.name: parameter for parameter in parameters}
        self.wrong = 0

    def instances(self) -> Iterator[Instance]:
        """The rules, in the order of the instances; none if the template itself is wrong."""
        before = self.report.faults
        rule, written = self.values.get("rule"), self.values.get("instances")
        if not self.values.sound or not isinstance(rule, MappingNode) or not isinstance(written, Instances):
            if "rule" in self.values and not isinstance(rule, MappingNode):
                self._wrong(codes.WRONG_TYPE, rule.spot, f"{describe(rule)} stands where the rule belongs")
            return
        self._check_rule(rule)
        if self.report.faults > before:
            return
        taken: set[str] = set()
        for name, spot, given in self._given(written):
            if name in taken:
                self._wrong(codes.BAD_INSTANCE, spot, f"there is an instance `{name}` already", "choose another id")
                continue
            taken.add(name)
            yield Instance(name, self._filled(rule, name, given))

    def _check_rule(self, rule: MappingNode) -> None:
        """What can be said of the rule before any value is known."""
        if "id" in rule.pairs:
            text = "the rules of a template are called after its instances"
            self.report.add(codes.UNKNOWN_FIELD, rule.pairs["id"][0].spot, text, "remove `id`")
        used = set()
        for name, node, start, end in placeholders(rule):
            used.add(name)
            if name not in self.parameters:
                hint = advise(name, self.parameters, "the parameters are") or "declare it under `parameters`"
                spot = spot_in(node, start, end)
                self.report.add(codes.BAD_PLACEHOLDER, spot, f"there is no parameter `{name}`", hint)
        for name, parameter in self.parameters.items():
            if name not in used:
                self.report.add(codes.UNUSED_PARAMETER, parameter.key.spot, f"the rule does not use `${name}`")

    def _filled(self, rule: MappingNode, name: str, given: Mapping[str, Given]) -> MappingNode:
        """The rule of one instance, with its id, which is shown at the template's."""
        filled = fill(rule, given)
        assert isinstance(filled, MappingNode)
        key, named = self.values.node.pairs["id"]
        identity = Scalar(named.file, named.start, named.end, f"{self.id}.{name}", "", "str")
        return with_pairs(filled, {"id": (key, identity), **filled.pairs})

    # what each instance gives

    def _given(self, written: Instances) -> Iterator[tuple[str, Spot, dict[str, Given]]]:
        if written.register is not None:
            yield from self._rows(written.register)
            return
        for node in written.nodes:
            try:
                yield self._entry(node)
            except Bad as bad:
                self._wrong(bad.code, bad.spot, bad.text, bad.hint)

    def _entry(self, node: Node) -> tuple[str, Spot, dict[str, Given]]:
        if not isinstance(node, MappingNode):
            hint = "write {id: south, and a value for each parameter}"
            raise Bad(codes.BAD_INSTANCE, node.spot, f"{describe(node)} stands where an instance belongs", hint)
        named = node.get("id")
        if not isinstance(named, Scalar) or not _ID.fullmatch(named.text):
            spot = node.spot if named is None else named.spot
            text = "an instance needs an `id`" if named is None else f"{describe(named)} cannot be an id"
            raise Bad(codes.BAD_INSTANCE, spot, text, codes.BAD_ID.do)
        for name, (key, _) in node.pairs.items():
            if name not in self.parameters and name != "id":
                hint = advise(name, self.parameters, "the parameters are")
                raise Bad(codes.BAD_INSTANCE, key.spot, f"there is no parameter `{name}`", hint)
        found = {}
        for name, parameter in self.parameters.items():
            value = node.get(name) or parameter.default
            if value is None:
                raise Bad(codes.BAD_INSTANCE, node.spot, f"the instance gives no `{name}`")
            found[name] = _written(parameter, value)
        return named.text, named.spot, found

    def _rows(self, named: Scalar) -> Iterator[tuple[str, Spot, dict[str, Given]]]:
        register = self.registers.get(named.text)
        if register is None:
            hint = advise(named.text, self.registers, "the registers are")
            self.report.add(codes.UNKNOWN_REGISTER, named.spot, f"there is no register `{named.text}`", hint)
            return
        fitting = [self._column(parameter, register, named) for parameter in self.parameters.values()]
        if not all(fitting):
            return
        for key, row in register.rows.items():
            try:
                given = {name: self._cell(parameter, row, key) for name, parameter in self.parameters.items()}
            except _Missing as missing:
                text = f"the row {key!r} of {register.id} has no `{missing}`"
                self._wrong(codes.BAD_INSTANCE, named.spot, text, "fill in the cell, or give the parameter a default")
                continue
            yield _UNFIT.sub("-", str(key)).strip("-.") or "-", named.spot, given

    def _column(self, parameter: Parameter, register: Register, named: Scalar) -> bool:
        """Whether a register can give a parameter."""
        field = register.fields.get(parameter.name)
        if field is None and parameter.default is None:
            text = f"the register {register.id} has no column `{parameter.name}`"
            hint = advise(parameter.name, register.fields, "its columns are")
            self.report.add(codes.BAD_INSTANCE, named.spot, text, hint)
            return False
        wide = {"expression": ("string",), "double": ("double", "int")}.get(parameter.type, (parameter.type,))
        if field is not None and field.type not in wide:
            text = f"`{parameter.name}` is {a_or_an(parameter.type)}, its column {a_or_an(field.type)}"
            self.report.add(codes.BAD_INSTANCE, named.spot, text, "give both the same type")
            return False
        return True

    def _cell(self, parameter: Parameter, row: Mapping[str, Any], key: Any) -> Given:
        value = row.get(parameter.name)
        if value is not None:
            return Given(parameter.type, _TEXTS.get(parameter.type, str)(value))
        if parameter.default is None:
            raise _Missing(parameter.name)
        return _written(parameter, parameter.default)

    def _wrong(self, code: codes.Code, spot: Spot, text: str, hint: str = "") -> None:
        """Report it, unless so much is wrong already that more would not help."""
        self.wrong += 1
        if self.wrong <= SHOWN_AT_MOST:
            self.report.add(code, spot, text, hint)
        else:
            self.report.spoil()


class _Missing(Exception):
    """A cell that a parameter needs is empty."""


def _written(parameter: Parameter, node: Node) -> Given:
    """A value as it is written, if it has the parameter's type."""
    if not isinstance(node, Scalar) or node.value is None:
        text = f"{describe(node)} stands where the value of `{parameter.name}` belongs"
        raise Bad(codes.BAD_INSTANCE, node.spot, text, "write a single value")
    if not _fits(parameter.type, node):
        text = f"`{parameter.name}` is {describe(node)}, which is not {a_or_an(parameter.type)}"
        raise Bad(codes.BAD_INSTANCE, node.spot, text)
    return Given(parameter.type, node.text.strip())


def _fits(kind: str, node: Scalar) -> bool:
    if kind in ("int", "double"):
        return bool((INTEGER if kind == "int" else NUMBER).fullmatch(node.text)) and abs(float(node.value)) < 2**63
    if kind == "bool":
        return node.text in ("true", "false")
    if kind == "duration":
        try:
            duration(node.text)
        except (ValueError, OverflowError):
            return False
    return True
