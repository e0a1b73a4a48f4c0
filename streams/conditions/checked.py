"""The checked tree of an expression, decoded from the bytes that cel-expr-python serialises.

The few protobuf messages needed are described here by a table of names and numbers (those of
cel/expr/checked.proto and syntax.proto), so that no generated package is needed. Comprehensions are
turned back into the macros that authors wrote.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory

_FIELD = descriptor_pb2.FieldDescriptorProto
_KINDS = {
    "int64": _FIELD.TYPE_INT64, "uint64": _FIELD.TYPE_UINT64, "int32": _FIELD.TYPE_INT32,
    "double": _FIELD.TYPE_DOUBLE, "bool": _FIELD.TYPE_BOOL, "string": _FIELD.TYPE_STRING,
    "bytes": _FIELD.TYPE_BYTES,
}
# message -> "name number type", `*` repeated, `|` member of the message's only oneof.
_MESSAGES: dict[str, str] = {
    "Empty": "",
    "Constant": "null_value 1 int32|, bool_value 2 bool|, int64_value 3 int64|, uint64_value 4 uint64|,"
                " double_value 5 double|, string_value 6 string|, bytes_value 7 bytes|",
    "Ident": "name 1 string",
    "Select": "operand 1 Expr, field 2 string, test_only 3 bool",
    "Call": "target 1 Expr, function 2 string, args 3 Expr*",
    "CreateList": "elements 1 Expr*",
    "Entry": "id 1 int64, field_key 2 string|, map_key 3 Expr|, value 4 Expr",
    "CreateStruct": "message_name 1 string, entries 2 Entry*",
    "Comprehension": "iter_var 1 string, iter_range 2 Expr, accu_var 3 string, accu_init 4 Expr,"
                     " loop_condition 5 Expr, loop_step 6 Expr, result 7 Expr, iter_var2 8 string",
    "Expr": "id 2 int64, const_expr 3 Constant|, ident_expr 4 Ident|, select_expr 5 Select|,"
            " call_expr 6 Call|, list_expr 7 CreateList|, struct_expr 8 CreateStruct|,"
            " comprehension_expr 9 Comprehension|",
    "Position": "key 1 int64, value 2 int32",
    "SourceInfo": "positions 4 Position*",
    "ListType": "elem_type 1 Type",
    "MapType": "key_type 1 Type, value_type 2 Type",
    "AbstractType": "name 1 string, parameter_types 2 Type*",
    "Type": "dyn 1 Empty|, null 2 int32|, primitive 3 int32|, wrapper 4 int32|, well_known 5 int32|,"
            " list_type 6 ListType|, map_type 7 MapType|, message_type 9 string|, type_param 10 string|,"
            " type 11 Type|, error 12 Empty|, abstract_type 14 AbstractType|",
    "Reference": "name 1 string, overload_id 3 string*",
    "TypeEntry": "key 1 int64, value 2 Type",
    "ReferenceEntry": "key 1 int64, value 2 Reference",
    "ParsedExpr": "expr 2 Expr, source_info 3 SourceInfo",
    "CheckedExpr": "reference_map 2 ReferenceEntry*, type_map 3 TypeEntry*, expr 4 Expr, source_info 5 SourceInfo",
}
_PRIMITIVES = ("", "bool", "int", "uint", "double", "string", "bytes")
_WELL_KNOWN = ("", "any", "timestamp", "duration")


def _describe() -> descriptor_pb2.FileDescriptorProto:
    """The table above as protobuf describes a file."""
    file = descriptor_pb2.FileDescriptorProto(name="tocsin_tree.proto", package="tree", syntax="proto3")
    for name, text in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for part in filter(None, map(str.strip, text.split(","))):
            field, number, kind = part.split()
            if kind.endswith("|") and not message.oneof_decl:
                message.oneof_decl.add(name="kind")
            _add_field(message, field, int(number), kind)
    return file


def _add_field(message: Any, name: str, number: int, kind: str) -> None:
    bare = kind.rstrip("*|")
    field = message.field.add(name=name, number=number)
    field.label = _FIELD.LABEL_REPEATED if kind.endswith("*") else _FIELD.LABEL_OPTIONAL
    field.type = _KINDS.get(bare, _FIELD.TYPE_MESSAGE)
    if bare not in _KINDS:
        field.type_name = f".tree.{bare}"
    if kind.endswith("|"):
        field.oneof_index = 0


_POOL = descriptor_pool.DescriptorPool()
_POOL.Add(_describe())
_CHECKED: Any = message_factory.GetMessageClass(_POOL.FindMessageTypeByName("tree.CheckedExpr"))
_PARSED: Any = message_factory.GetMessageClass(_POOL.FindMessageTypeByName("tree.ParsedExpr"))


class Node(msgspec.Struct, kw_only=True):
    """One place in the tree: its offset in the text (code points), its checked type (`dyn` if unchecked)."""

    offset: int = 0
    type: str = "dyn"
    reference: str = ""

    def children(self) -> Iterator[Node]:
        """The nodes directly below."""
        yield from ()


class Const(Node, kw_only=True):
    """A literal. `type` is its own, also where nothing was checked."""

    value: Any


class Ident(Node, kw_only=True):
    """A name; `reference` is the variable it means if the checker found one."""

    name: str


class Select(Node, kw_only=True):
    """`operand.field`, or `has(operand.field)` with `test`."""

    operand: Node
    field: str
    test: bool = False

    def children(self) -> Iterator[Node]:
        yield self.operand


class Call(Node, kw_only=True):
    """A function or operator; of a `member` call the first argument is the target."""

    function: str
    args: list[Node]
    member: bool = False

    def children(self) -> Iterator[Node]:
        yield from self.args


class ListOf(Node, kw_only=True):
    """`[a, b]`."""

    elements: list[Node]

    def children(self) -> Iterator[Node]:
        yield from self.elements


class MapOf(Node, kw_only=True):
    """`{k: v}`."""

    entries: list[tuple[Node, Node]]

    def children(self) -> Iterator[Node]:
        for key, value in self.entries:
            yield key
            yield value


class Message(Node, kw_only=True):
    """`some.Message{field: v}`: nothing of ours is made that way."""

    name: str


class Used(Node, kw_only=True):
    """A call of a named expression, with its body in its place; `offset` is that of the call."""

    name: str
    body: Node

    def children(self) -> Iterator[Node]:
        yield self.body


class Macro(Node, kw_only=True):
    """`range.all(variable, body)` and its like; `kind` is all, exists, exists_one, map or filter.

    A map has a `transform` and, with three arguments, a `body` that chooses.
    """

    kind: str
    range: Node
    variable: str
    body: Node | None = None
    transform: Node | None = None

    def children(self) -> Iterator[Node]:
        yield self.range
        if self.body is not None:
            yield self.body
        if self.transform is not None:
            yield self.transform


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it."""
    yield node
    for child in node.children():
        yield from walk(child)


def decode(serialized: bytes) -> Node:
    """The tree of what `Expression.serialize()` gives, checked or only parsed."""
    outer = any_pb2.Any.FromString(serialized)
    if outer.type_url.endswith(".CheckedExpr"):
        return _Decoder(_CHECKED.FromString(outer.value)).node
    return _Decoder(_PARSED.FromString(outer.value)).node


class _Decoder:
    """Walks one message; `node` is the result."""

    def __init__(self, message: Any) -> None:
        self.offsets = {entry.key: entry.value for entry in message.source_info.positions}
        self.types = {entry.key: type_text(entry.value) for entry in getattr(message, "type_map", ())}
        self.references = {
            entry.key: entry.value.name
            for entry in getattr(message, "reference_map", ())
            if entry.value.name and not entry.value.overload_id
        }
        self.node = self.expr(message.expr)

    def expr(self, message: Any) -> Node:
        kind = message.WhichOneof("kind") or "const_expr"
        node: Node = getattr(self, kind)(getattr(message, kind))
        node.offset = self.offsets.get(message.id, 0)
        if not isinstance(node, Const):
            node.type = self.types.get(message.id, "dyn")
        node.reference = self.references.get(message.id, "")
        return node

    def const_expr(self, message: Any) -> Node:
        kind = message.WhichOneof("kind") or "null_value"
        name = {"int64_value": "int", "uint64_value": "uint"}.get(kind, kind.removesuffix("_value"))
        return Const(value=None if name == "null" else getattr(message, kind), type=name)

    def ident_expr(self, message: Any) -> Node:
        return Ident(name=message.name)

    def select_expr(self, message: Any) -> Node:
        return Select(operand=self.expr(message.operand), field=message.field, test=message.test_only)

    def call_expr(self, message: Any) -> Node:
        args = [self.expr(one) for one in message.args]
        member = message.HasField("target")
        if member:
            args.insert(0, self.expr(message.target))
        return Call(function=message.function, args=args, member=member)

    def list_expr(self, message: Any) -> Node:
        return ListOf(elements=[self.expr(one) for one in message.elements])

    def struct_expr(self, message: Any) -> Node:
        if message.message_name:
            return Message(name=message.message_name)
        return MapOf(entries=[(self.expr(one.map_key), self.expr(one.value)) for one in message.entries])

    def comprehension_expr(self, message: Any) -> Node:
        start, step = self.expr(message.accu_init), self.expr(message.loop_step)
        macro = Macro(kind="", range=self.expr(message.iter_range), variable=message.iter_var)
        assert isinstance(step, Call)
        if isinstance(start, Const) and start.type == "bool":
            macro.kind, macro.body = ("all" if start.value else "exists"), step.args[1]
        elif isinstance(start, Const):
            macro.kind, macro.body = "exists_one", step.args[0]
        else:
            self._gathering(macro, step)
        return macro

    def _gathering(self, macro: Macro, step: Call) -> None:
        """`map` and `filter`: a step appends to a list, perhaps only where a body holds."""
        if step.function == "_?_:_":
            macro.body = step.args[0]
            inner = step.args[1]
            assert isinstance(inner, Call)
            step = inner
        appended = step.args[1]
        assert isinstance(appended, ListOf)
        element = appended.elements[0]
        same = isinstance(element, Ident) and element.name == macro.variable
        macro.kind = "filter" if same and macro.body is not None else "map"
        if macro.kind == "map":
            macro.transform = element


def type_text(message: Any) -> str:
    """A checked type as text: `int`, `list(string)`, `map(string, dyn)`, `message:x.Y`."""
    kind = message.WhichOneof("kind") or "dyn"
    value = getattr(message, kind)
    if kind == "primitive":
        return _PRIMITIVES[value]
    if kind == "wrapper":
        return f"wrapper({_PRIMITIVES[value]})"
    if kind == "well_known":
        return _WELL_KNOWN[value]
    if kind == "message_type":
        return f"message:{value}"
    if kind == "type_param":
        return f"param:{value}"
    return _compound_text(kind, value)


def _compound_text(kind: str, value: Any) -> str:
    if kind == "list_type":
        return f"list({type_text(value.elem_type)})"
    if kind == "map_type":
        return f"map({type_text(value.key_type)}, {type_text(value.value_type)})"
    if kind == "type":
        return f"type({type_text(value)})"
    if kind == "abstract_type":
        return f"{value.name}({', '.join(map(type_text, value.parameter_types))})"
    return kind
