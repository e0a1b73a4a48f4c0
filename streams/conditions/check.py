"""Parse and type-check an expression with cel-expr-python against a scope: text in, checked tree out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from cel_expr_python import cel
from cel_expr_python.ext import ext_strings
from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, struct_pb2, timestamp_pb2

from streams.conditions import mistakes
from streams.conditions.checked import Call, Const, Ident, Macro, Node, decode, walk
from streams.conditions.mistakes import ExpressionProblem, ExpressionProblems
from streams.conditions.scope import Scope, type_word

_SIMPLE = {
    "bool": cel.Type.BOOL, "int": cel.Type.INT, "uint": cel.Type.UINT, "double": cel.Type.DOUBLE,
    "string": cel.Type.STRING, "bytes": cel.Type.BYTES, "timestamp": cel.Type.TIMESTAMP,
    "duration": cel.Type.DURATION, "dyn": cel.Type.DYN, "null": cel.Type.NULL, "type": cel.Type.TYPE,
}
RESERVED = frozenset(
    "as break const continue else for function if import in let loop package namespace return var void while"
    " true false null".split()
)


def cel_type(text: str) -> Any:
    """A type text as cel-expr-python's type; ValueError if it is none."""
    if text in _SIMPLE:
        return _SIMPLE[text]
    if text == "place":
        return cel.Type("tocsin.place")
    head, _, rest = text.partition(":")
    if head == "shape":
        return cel.Type(f"tocsin.{rest}")
    head, _, rest = text.partition("(")
    inner = mistakes.split_types(rest.removesuffix(")"))
    if head == "list" and len(inner) == 1:
        return cel.Type.List(cel_type(inner[0]))
    if head == "map" and len(inner) == 2:
        return cel.Type.Map(cel_type(inner[0]), cel_type(inner[1]))
    if head == "wrapper":
        return cel.Type(text)
    raise ValueError(f"{text!r} is not a type")


_FIELD = descriptor_pb2.FieldDescriptorProto
_PROTO = {
    "bool": _FIELD.TYPE_BOOL, "int": _FIELD.TYPE_INT64, "uint": _FIELD.TYPE_UINT64, "double": _FIELD.TYPE_DOUBLE,
    "string": _FIELD.TYPE_STRING, "bytes": _FIELD.TYPE_BYTES,
}
_PROTO_NAMES = {
    "timestamp": ".google.protobuf.Timestamp", "duration": ".google.protobuf.Duration",
    "dyn": ".google.protobuf.Value", "place": ".tocsin.place",
}


def _pool(scope: Scope) -> descriptor_pool.DescriptorPool:
    """The scope's shapes and registers as protobuf messages: how the checker knows structures."""
    pool = descriptor_pool.DescriptorPool()
    file = descriptor_pb2.FileDescriptorProto(name="tocsin.proto", package="tocsin", syntax="proto2")
    for module in (duration_pb2, struct_pb2, timestamp_pb2):
        file.dependency.append(module.DESCRIPTOR.name)
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    for name, fields in scope.shapes.items():
        _add_message(file.message_type.add(name=name), fields)
    for number, register in enumerate(scope.registers.values()):
        fields = {name: type_word(field) for name, field in register.fields.items()}
        _add_message(file.message_type.add(name=f"register_{number}"), fields)
    pool.Add(file)
    return pool


def _add_message(message: Any, fields: Any) -> None:
    for number, (name, kind) in enumerate(fields.items(), 1):
        field = message.field.add(name=name, number=number, label=_FIELD.LABEL_OPTIONAL, json_name=f"f{number}")
        if kind in _PROTO:
            field.type = _PROTO[kind]
            continue
        field.type = _FIELD.TYPE_MESSAGE
        field.type_name = _PROTO_NAMES.get(kind, "")
        if kind.startswith("list("):
            _repeat(field, kind[5:-1])
        elif kind.startswith("map("):
            field.type_name = ".google.protobuf.Struct"


def _repeat(field: Any, element: str) -> None:
    if element in _PROTO and element != "dyn":
        field.type, field.label = _PROTO[element], _FIELD.LABEL_REPEATED
        field.ClearField("type_name")
    else:
        field.type_name = ".google.protobuf.ListValue"


def _overload(id: str, result: str, *parameters: str) -> Any:
    return cel.Overload(id, return_type=cel_type(result), parameters=[cel_type(one) for one in parameters])


def _numbers() -> Any:
    """Overloads that take an int beside a double, so that `mm_per_h >= 30` is what it looks like."""
    declared = []
    for name in ("_<_", "_<=_", "_>_", "_>=_", "_==_", "_!=_", "_+_", "_-_", "_*_", "_/_"):
        result = "bool" if name in ("_<_", "_<=_", "_>_", "_>=_", "_==_", "_!=_") else "double"
        declared.append(cel.FunctionDecl(name, [
            _overload(f"{name}double_int", result, "double", "int"),
            _overload(f"{name}int_double", result, "int", "double"),
        ]))
    declared.append(cel.FunctionDecl("@in", [
        _overload("in_double_ints", "bool", "double", "list(int)"),
    ]))
    return cel.CelExtension("numbers", declared)


def _functions(scope: Scope) -> Any:
    """Our own functions, and one a register."""
    declared = [
        cel.FunctionDecl("distance", [_overload("distance", "double", "place", "place")]),
        cel.FunctionDecl("in_zone", [_overload("in_zone", "bool", "place", "string")]),
        cel.FunctionDecl("local", [_overload("local", "timestamp", "timestamp")]),
        cel.FunctionDecl("extract", [_overload("extract", "string", "string", "string")]),
        cel.FunctionDecl("slug", [_overload("slug", "string", "string")]),
    ]
    for number, register in enumerate(scope.registers.values()):
        key = type_word(register.fields[register.key]) if register.key in register.fields else "dyn"
        name = f"register_{number}"
        declared.append(cel.FunctionDecl(name, [_overload(name, f"shape:{name}", key)]))
    return cel.CelExtension("tocsin", declared)


class Compiler:
    """The environments of one scope: one as declared, one more for each set of unknown (open) names."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.pool = _pool(scope)
        self.environments: dict[frozenset[str], Any] = {}
        self.register_numbers = {name: number for number, name in enumerate(scope.registers)}

    def environment(self, unknown: frozenset[str]) -> Any:
        """cel-expr-python's environment of this scope, with these names of dynamic type besides."""
        found = self.environments.get(unknown)
        if found is None:
            found = self.environments[unknown] = self._make(unknown)
        return found

    def _make(self, unknown: Iterable[str]) -> Any:
        prefix = self.scope.prefix
        variables = {
            prefix + name: cel_type(kind) for name, kind in self.scope.declared.items() if name not in RESERVED
        }
        variables |= {prefix + name: cel.Type.DYN for name in unknown}
        return cel.NewEnv(
            self.pool, variables=variables, container=self.scope.container,
            extensions=[_numbers(), _functions(self.scope), ext_strings.ExtStrings()],
        )

    def parse(self, text: str) -> Node:
        """The tree of a text, unchecked; ExpressionProblems if it is none."""
        return self._compiled(self.environment(frozenset()), text, text, unchecked=True)

    def _compiled(self, environment: Any, text: str, original: str, unchecked: bool = False) -> Node:
        try:
            return decode(environment.compile(text, disable_check=unchecked).serialize())
        except RuntimeError as error:
            raise ExpressionProblems(mistakes.read(str(error), original, self.scope)) from None

    def check(self, text: str) -> Node:
        """The checked tree; ExpressionProblems with all that is wrong."""
        if self.scope.open is None and "register" not in text:  # nothing needs to be known before checking
            return self._compiled(self.environment(frozenset()), text, text)
        parsed = self.parse(text)
        rewritten = self._registers(text, parsed)
        unknown = frozenset(self._unknown(parsed)) if self.scope.open is not None else frozenset()
        return self._compiled(self.environment(unknown), rewritten, text)

    def _unknown(self, parsed: Node) -> Iterator[str]:
        """Names that nothing declares."""
        bound = {one.variable for one in walk(parsed) if isinstance(one, Macro)}
        roots = {name.partition(".")[0] for name in self.scope.declared} | bound | set(_SIMPLE)
        for one in walk(parsed):
            if isinstance(one, Ident) and one.name not in roots:
                yield one.name

    def _registers(self, text: str, parsed: Node) -> str:
        """`register("r", k)` as `register_0(  k)`: one function a register, so that each has its own type."""
        problems: list[ExpressionProblem] = []
        calls = [one for one in walk(parsed)
                 if isinstance(one, Call) and one.function == "register" and not one.member]
        for call in sorted(calls, key=lambda one: one.offset, reverse=True):  # what stands before keeps its place
            try:
                text = self._one_register(text, call)
            except ExpressionProblems as error:
                problems += error.problems
        if problems:
            raise ExpressionProblems(problems)
        return text

    def _one_register(self, text: str, call: Call) -> str:
        name = call.args[0] if call.args else None
        start = text.rfind("register", 0, call.offset)
        if not (isinstance(name, Const) and isinstance(name.value, str) and len(call.args) == 2):
            raise _wrong(text, start, len("register"), "register takes a name in quotes and a key",
                         'write register("name", key).field')
        if name.value not in self.register_numbers:
            raise _wrong(text, name.offset, len(name.value) + 2, f"there is no register {name.value!r}",
                         mistakes.nearest_hint(name.value, self.register_numbers))
        end = _after_comma(text, name.offset)
        head = f"register_{self.register_numbers[name.value]}("
        return text[:start] + head + _padding(text[start:end], len(head)) + text[end:]


def _padding(replaced: str, used: int) -> str:
    """What keeps lines and columns behind the replaced text where they were."""
    lines = replaced.count("\n")
    return "\n" * lines + " " * len(replaced.rpartition("\n")[2]) if lines else " " * (len(replaced) - used)


def _wrong(text: str, offset: int, length: int, message: str, hint: str = "") -> ExpressionProblems:
    return ExpressionProblems([mistakes.at(text, offset, message, hint, length)])


STRING = re.compile(
    r"""[rRbB]{0,2}(?:'''(?:\\.|[^\\])*?'''|\"""(?:\\.|[^\\])*?\"""|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")""", re.DOTALL
)
_COMMA = re.compile(r"(?:\s|//[^\n]*)*,")


def _after_comma(text: str, start: int) -> int:
    """The offset behind the comma that follows the string literal at `start`."""
    literal = STRING.match(text, start)
    comma = _COMMA.match(text, literal.end()) if literal else None
    assert comma is not None, "the parser saw a literal and a second argument here"
    return comma.end()
