"""Parse and type-check an expression with cel-expr-python against a scope: text in, checked tree out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any

import msgspec
from cel_expr_python import cel
from cel_expr_python.ext import ext_strings
from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, struct_pb2, timestamp_pb2

from streams.conditions import bounds, mistakes
from streams.conditions.checked import Call, Const, Ident, Macro, Node, decode, walk
from streams.conditions.macros import Definition, calls, may_call
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


def _macros(bodies: Iterable[tuple[Definition, Node]]) -> Any:
    """One function a macro; a parameter of type double takes an int too."""
    declared = []
    for definition, body in bodies:
        kinds = [("double", "int") if kind == "double" else (kind,) for kind in definition.parameters.values()]
        overloads = [
            cel.Overload(f"{definition.name}_{number}", return_type=_result_type(body.type),
                         parameters=[cel_type(type_word(one)) for one in chosen])
            for number, chosen in enumerate(product(*kinds))
        ]
        declared.append(cel.FunctionDecl(definition.name, overloads))
    return cel.CelExtension("macros", declared)


def _result_type(kind: str) -> Any:
    """The type of a checked tree as cel-expr-python's; what can have no name is of dynamic type."""
    try:
        return cel_type(re.sub(r"message:tocsin\.(?!place)", "shape:", kind).replace("message:tocsin.", ""))
    except ValueError:
        return cel.Type.DYN


class Compiler:
    """The environments of one scope: one as declared, more for names beyond that and for the macros that are used.

    `bodies` are the macros that were used, each with its checked tree, in which others are put in place.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.pool = _pool(scope)
        self.environments: dict[tuple[tuple[tuple[str, str], ...], tuple[str, ...]], Any] = {}
        self.register_numbers = {name: number for number, name in enumerate(scope.registers)}
        self.bodies: dict[str, tuple[Definition, Node]] = {}
        self.wrong: dict[str, list[ExpressionProblem]] = {}

    def environment(self, more: Mapping[str, str] = {}, macros: Iterable[str] = ()) -> Any:
        """cel-expr-python's environment of this scope, with more names of these types, and with macros."""
        key = (tuple(sorted(more.items())), tuple(sorted(set(macros))))
        found = self.environments.get(key)
        if found is None:
            found = self.environments[key] = self._make(*key)
        return found

    def _make(self, more: Iterable[tuple[str, str]], macros: Iterable[str]) -> Any:
        prefix = self.scope.prefix
        variables = {
            prefix + name: cel_type(kind) for name, kind in self.scope.declared.items() if name not in RESERVED
        }
        variables |= {prefix + name: cel_type(type_word(kind)) for name, kind in more}
        extensions = [_numbers(), _functions(self.scope), ext_strings.ExtStrings()]
        used = [self.bodies[name] for name in macros]
        return cel.NewEnv(
            self.pool, variables=variables, container=self.scope.container,
            extensions=[*extensions, _macros(used)] if used else extensions,
        )

    def parse(self, text: str) -> Node:
        """The tree of a text, unchecked; ExpressionProblems if it is none."""
        return self._compiled(self.environment(), text, text, unchecked=True)

    def _compiled(self, environment: Any, text: str, original: str, unchecked: bool = False) -> Node:
        try:
            return decode(environment.compile(text, disable_check=unchecked).serialize())
        except RuntimeError as error:
            raise ExpressionProblems(mistakes.read(str(error), original, self.scope)) from None

    def check(self, text: str, parameters: Mapping[str, str] = {}) -> Node:
        """The checked tree, macros called in it; ExpressionProblems with all that is wrong."""
        macros = may_call(text, self.scope.macros)
        if self.scope.open is None and "register" not in text and not macros:  # nothing need be known before checking
            return self._compiled(self.environment(parameters), text, text)
        parsed = self.parse(text)
        used = self._bodies(text, parsed) if macros else ()
        rewritten = self._registers(text, parsed)
        unknown = dict.fromkeys(self._unknown(parsed), "dyn") if self.scope.open is not None else {}
        return self._compiled(self.environment({**unknown, **parameters}, used), rewritten, text)

    def body(self, name: str) -> list[ExpressionProblem]:
        """Check a macro with the names of this scope; what is wrong, placed in its own text."""
        if name in self.bodies:
            return []
        if name not in self.wrong:
            definition = self.scope.macros[name]
            if definition.broken:
                return [ExpressionProblem(1, 1, f"`{name}` is wrong in itself", sort="told")]
            try:
                tree = self.check(definition.text, definition.parameters)
                self.wrong[name] = bounds.found_in(tree, definition.text, self.scope, definition.parameters)
            except ExpressionProblems as error:
                self.wrong[name] = error.problems
            if not self.wrong[name]:
                self.bodies[name] = (definition, tree)
        return self.wrong[name]

    def _bodies(self, text: str, parsed: Node) -> set[str]:
        """The macros that a text calls, each with its body ready; a problem at each call that cannot work."""
        found = calls(parsed, self.scope.macros)
        problems = []
        for call in found:
            name, start = call.function, text.rfind(call.function, 0, call.offset + 1)
            definition = self.scope.macros[name]
            for problem in self.body(name):
                told = f"in `{name}` ({definition.place(problem.line, problem.column)}): {problem.message}"
                one = mistakes.at(text, start, told, problem.hint, len(name))
                problems.append(msgspec.structs.replace(one, sort="told" if problem.sort == "told" else "macro"))
        if problems:
            raise ExpressionProblems(problems)
        return {call.function for call in found}

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


def called_macros(text: str, macros: Mapping[str, Definition]) -> list[str]:
    """The macros that a text calls; ExpressionProblems if it is no expression."""
    return [call.function for call in calls(Compiler(Scope({}, ())).parse(text), macros)]


def macro_problems(name: str, scope: Scope) -> list[ExpressionProblem]:
    """What is wrong with a macro where these names are known, placed in its own text."""
    if scope.compiler is None:
        scope.compiler = Compiler(scope)
    problems: list[ExpressionProblem] = scope.compiler.body(name)
    return problems


def macros_called(scope: Scope) -> frozenset[str]:
    """The macros that were called in expressions of this scope, right or wrong."""
    return frozenset() if scope.compiler is None else frozenset((*scope.compiler.bodies, *scope.compiler.wrong))


def _padding(replaced: str, used: int) -> str:
    """What keeps lines and columns behind the replaced text where they were."""
    lines = replaced.count("\n")
    return "\n" * lines + " " * len(replaced.rpartition("\n")[2]) if lines else " " * (len(replaced) - used)


def _wrong(text: str, offset: int, length: int, message: str, hint: str = "") -> ExpressionProblems:
    return ExpressionProblems([mistakes.at(text, offset, message, hint, length)])


STRING = re.compile(
    r"""[rRbB]{0,2}(?:'''(?:\\.|[^\\])*?'''|\"""(?:\\.|[^\\])*?\"""|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")""", re.DOTALL
)


def string_literals(text: str) -> Iterator[tuple[int, int, bool]]:
    """Where the string literals of an expression stand, and whether each is a raw one."""
    for found in STRING.finditer(text):
        yield found.start(), found.end(), found[0][:2].lower().startswith(("r", "br"))


_COMMA = re.compile(r"(?:\s|//[^\n]*)*,")


def _after_comma(text: str, start: int) -> int:
    """The offset behind the comma that follows the string literal at `start`."""
    literal = STRING.match(text, start)
    comma = _COMMA.match(text, literal.end()) if literal else None
    assert comma is not None, "the parser saw a literal and a second argument here"
    return comma.end()
