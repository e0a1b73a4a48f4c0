"""From a checked tree to one Python function.

Two forms of the same tree: the fast one uses plain operators where the checker knows the types, and
only when it raises the exact one runs, in which `&&` and `||` absorb failures as CEL wants. The exact
form is made at its first use. Python syntax is built as a tree from fixed names; what authors write
gets in as constants only, and the code runs without builtins.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from streams.conditions import functions, runtime, times, values
from streams.conditions.calls import FUNCTIONS, METHODS, OPERATORS
from streams.conditions.checked import (
    Call,
    Const,
    Ident,
    ListOf,
    Macro,
    MapOf,
    Message,
    Node,
    Select,
    Used,
)
from streams.conditions.names import Resolver, constant_list, dotted
from streams.conditions.scope import Access, Scope, type_word
from streams.conditions.values import TypeName, UInt

PLAIN = frozenset({"bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration"})
_HASHED = PLAIN - {"double"}
_COMPARISONS: dict[str, type[ast.cmpop]] = {
    "_==_": ast.Eq, "_!=_": ast.NotEq, "_<_": ast.Lt, "_<=_": ast.LtE, "_>_": ast.Gt, "_>=_": ast.GtE,
}
_ARITHMETIC: dict[str, type[ast.operator]] = {"_+_": ast.Add, "_-_": ast.Sub, "_*_": ast.Mult}
_TEXT_METHODS = {"startsWith": "startswith", "endsWith": "endswith"}
_STORED: dict[str, Callable[[Any], Any]] = {
    "timestamp": runtime.timestamp_in, "duration": runtime.duration_in, "uint": UInt,
}
_EXACT_INT = 2**53  # whole numbers that a double holds exactly


def build(tree: Node, scope: Scope, finish: Callable[[Any], Any] | None = None) -> Callable[..., Any]:
    """The function of a tree; `finish` is applied to its value. It raises EvalError only."""
    exact: Callable[..., Any] | None = None

    def again(*args: Any) -> Any:
        nonlocal exact
        if exact is None:
            exact = _Emitter(scope, exact=True).function(tree, finish, None)
        try:
            return exact(*args)
        except Exception as error:  # noqa: BLE001  raised again as what it means
            raise values.failure(error) from None

    return _Emitter(scope, exact=False).function(tree, finish, again)


def build_all(
    forms: Sequence[tuple[Node, Scope, Callable[[Any], Any] | None]], alone: Sequence[Callable[..., Any]]
) -> Callable[..., tuple[Any, ...]]:
    """One function that gives the values of all trees of one scope in their order, None for each that fails.

    `alone` are the functions of each by itself, for where it raises.
    """
    emitter = _Emitter(forms[0][1], exact=False)
    return emitter.all_of([(tree, finish, one) for (tree, _, finish), one in zip(forms, alone, strict=True)])


def _or_none(function: Callable[..., Any], *args: Any) -> Any:
    try:
        return function(*args)
    except values.EvalError:
        return None


def _name(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())


def _lambda(body: ast.expr, *parameters: str) -> ast.expr:
    return ast.Lambda(_parameters(parameters), body)


def terms(node: Node, function: str) -> list[Node]:
    """The terms of a chain of one operator, in order."""
    if isinstance(node, Call) and node.function == function:
        return [term for one in node.args for term in terms(one, function)]
    return [node]


def _parameters(names: Iterable[str]) -> ast.arguments:
    plain = [ast.arg(name) for name in names]
    return ast.arguments(posonlyargs=[], args=plain, kwonlyargs=[], kw_defaults=[], defaults=[])


def reach(access: Access) -> ast.expr:
    """The Python syntax of an access."""
    found = _name(access.root)
    for step in access.steps:
        if step.attribute:
            found = ast.Attribute(found, step.name, ast.Load())
        else:
            found = ast.Subscript(found, ast.Constant(step.name), ast.Load())
    return found


class _Emitter:
    """Makes the Python syntax of one form of one tree."""

    def __init__(self, scope: Scope, exact: bool) -> None:
        self.scope, self.exact = scope, exact
        self.names = Resolver(scope)
        self.globals: dict[str, Any] = {"__builtins__": {}}
        self.macros = 0

    def function(self, tree: Node, finish: Callable[[Any], Any] | None, again: Callable[..., Any] | None
                 ) -> Callable[..., Any]:
        """The compiled function; `again` takes over where the body raises."""
        statements = self.body(tree, finish)
        if again is not None:
            retry = self.call(again, *(_name(one) for one in self.scope.args))
            statements = [self.attempt(statements, [ast.Pass()]), ast.Return(retry)]
        return self.defined(statements)

    def all_of(self, parts: Sequence[tuple[Node, Callable[[Any], Any] | None, Callable[..., Any]]]
               ) -> Callable[..., Any]:
        """The function of several trees; each falls back on the function beside it where it raises."""
        statements: list[ast.stmt] = []
        names = [f"p{number}" for number in range(len(parts))]
        for name, (tree, finish, alone) in zip(names, parts, strict=True):
            body = self.emit(tree)
            store: list[ast.expr] = [ast.Name(name, ast.Store())]
            retry = self.call(_or_none, self.constant(alone), *(_name(one) for one in self.scope.args))
            statements.append(self.attempt(
                [ast.Assign(store, body if finish is None else self.call(finish, body))], [ast.Assign(store, retry)]))
        found = ast.Tuple([_name(name) for name in names], ast.Load())
        return self.defined([*statements, ast.Return(found)])

    def defined(self, statements: list[ast.stmt]) -> Callable[..., Any]:
        """The function of these statements."""
        made = ast.FunctionDef("expression", _parameters(self.scope.args), statements, [], None)
        module = ast.fix_missing_locations(ast.Module([made], []))
        exec(compile(module, "<expression>", "exec"), self.globals)  # noqa: S102  our own syntax, no builtins
        return self.globals["expression"]  # type: ignore[no-any-return]

    def body(self, tree: Node, finish: Callable[[Any], Any] | None) -> list[ast.stmt]:
        """The statements that give the tree's value."""
        if self.exact and isinstance(tree, Call) and tree.function in ("_&&_", "_||_"):
            return self.chain(tree)
        body = self.emit(tree)
        return [ast.Return(body if finish is None else self.call(finish, body))]

    def attempt(self, body: list[ast.stmt], otherwise: list[ast.stmt], name: str | None = None) -> ast.stmt:
        return ast.Try(body, [ast.ExceptHandler(self.constant(Exception), name, otherwise)], [], [])

    def chain(self, tree: Call) -> list[ast.stmt]:
        """The terms of a top-level `&&` or `||` one after another; the last failure stands if none decides.

        Without a call each, because failing is frequent where a field is optional.
        """
        decides = tree.function == "_||_"
        keep: list[ast.stmt] = [ast.Assign([ast.Name("failed", ast.Store())], _name("error"))]
        statements: list[ast.stmt] = [ast.Assign([ast.Name("failed", ast.Store())], ast.Constant(None))]
        for term in terms(tree, tree.function):
            found = self.truth(term)
            test = found if decides else ast.UnaryOp(ast.Not(), found)
            decided = ast.If(test, [ast.Return(ast.Constant(decides))], [])
            statements.append(self.attempt([decided], keep, "error"))
        failed = ast.Compare(_name("failed"), [ast.IsNot()], [ast.Constant(None)])
        statements.append(ast.If(failed, [ast.Raise(_name("failed"), None)], []))
        return [*statements, ast.Return(ast.Constant(not decides))]

    def constant(self, value: Any) -> ast.expr:
        """A value by a name of its own."""
        name = f"c{len(self.globals)}"
        self.globals[name] = value
        return _name(name)

    def call(self, function: Callable[..., Any], *args: ast.expr) -> ast.expr:
        name = f"f_{function.__name__}"
        if self.globals.setdefault(name, function) is not function:
            return ast.Call(self.constant(function), list(args), [])
        return ast.Call(_name(name), list(args), [])

    def emit(self, node: Node) -> ast.expr:
        """The syntax of a node."""
        path = self.names.path(node)
        if path is not None:
            return self.read(path)
        make: Callable[[Any], ast.expr] = getattr(self, f"_{type(node).__name__.lower()}")
        return make(node)

    # Names

    def read(self, path: str) -> ast.expr:
        variable = self.names.variable(path)
        assert variable is not None
        access = variable.access
        if not access.root:
            return self.constant(access.constant)
        found = reach(access)
        if access.optional:
            found = self.call(runtime.given, found, ast.Constant(path))
        if variable.stored and variable.type in _STORED:
            return self.call(_STORED[variable.type], found)
        return found

    def _ident(self, node: Ident) -> ast.expr:
        if node.name in self.names.bound:
            return _name(self.names.bound[node.name])
        return self._type_or_nothing(node, node.name)

    def _type_or_nothing(self, node: Node, name: str) -> ast.expr:
        """A type as a value; unchecked a name may also mean nothing, which fails when it is evaluated."""
        known = node.reference or name.removeprefix(".")
        if known in values.TYPE_NAMES:
            return self.constant(TypeName(known))
        return self.call(runtime.nothing, ast.Constant(name))

    def _select(self, node: Select) -> ast.expr:
        if node.test:
            return self._has(node)
        chain = dotted(node)
        if chain and (node.reference or chain.removeprefix(".")) in values.TYPE_NAMES:
            return self._type_or_nothing(node, chain)
        kind, operand = node.operand.type, self.emit(node.operand)
        if kind == "message:tocsin.place":
            return self.call(functions.place_part, operand, ast.Constant(node.field))
        if kind.startswith("message:tocsin.register_"):
            return self._cell(node, operand)
        if kind.startswith("map(string") and not self.exact:
            return ast.Subscript(operand, ast.Constant(node.field), ast.Load())
        return self.call(runtime.select, operand, ast.Constant(node.field))

    def _cell(self, node: Select, row: ast.expr) -> ast.expr:
        found = self.call(functions.cell_of, row, ast.Constant(node.field))
        register = list(self.scope.registers.values())[int(node.operand.type.rpartition("_")[2])]
        kind = type_word(register.fields[node.field])
        return self.call(_STORED[kind], found) if kind in _STORED else found

    def _has(self, node: Select) -> ast.expr:
        path = self.names.part(node)
        if path is not None:
            return self._has_path(path)
        operand = self.emit(node.operand)
        test: Callable[..., Any] = runtime.has
        if node.operand.type == "message:tocsin.place":
            test = functions.has_place_part
        elif node.operand.type.startswith("message:tocsin.register_"):
            test = functions.has_cell
        return self.call(test, operand, ast.Constant(node.field))

    def _has_path(self, path: str) -> ast.expr:
        variable = self.names.variable(path)
        assert variable is not None
        access = variable.access
        last = access.steps[-1] if access.steps else None
        if self.exact or last is None:
            return self.call(runtime.present, _lambda(reach(access)))
        if last.attribute or access.optional:
            return ast.Compare(reach(access), [ast.IsNot()], [ast.Constant(None)])
        holder = reach(Access(access.root, access.steps[:-1]))
        return ast.Compare(ast.Constant(last.name), [ast.In()], [holder])

    # Literals

    def _const(self, node: Const) -> ast.expr:
        return self.constant(UInt(node.value)) if node.type == "uint" else ast.Constant(node.value)

    def _used(self, node: Used) -> ast.expr:
        return self.emit(node.body)

    def _listof(self, node: ListOf) -> ast.expr:
        return ast.List([self.emit(one) for one in node.elements], ast.Load())

    def _mapof(self, node: MapOf) -> ast.expr:
        pairs: list[ast.expr] = [
            ast.Tuple([self.emit(key), self.emit(value)], ast.Load()) for key, value in node.entries
        ]
        return self.call(runtime.make_map, *pairs)

    def _message(self, node: Message) -> ast.expr:
        return self.call(runtime.nothing, ast.Constant(node.name))

    # Macros

    def _macro(self, node: Macro) -> ast.expr:
        over = self.emit(node.range)
        if self.exact or not node.range.type.startswith(("list(", "map(string", "map(int")):
            over = self.call(runtime.elements, over)
        self.macros += 1
        name = f"v{self.macros}"
        outer = self.names.bound
        self.names.bound = {**outer, node.variable: name}
        try:
            return self._over(node, name, over)
        finally:
            self.names.bound = outer

    def _over(self, node: Macro, name: str, over: ast.expr) -> ast.expr:
        body = None if node.body is None else self.truth(node.body)
        loop = ast.comprehension(ast.Name(name, ast.Store()), over, [], 0)
        if node.kind in ("map", "filter"):
            loop.ifs = [] if body is None else [body]
            return ast.ListComp(_name(name) if node.transform is None else self.emit(node.transform), [loop])
        assert body is not None
        if node.kind == "exists_one":
            count = self.call(sum, ast.GeneratorExp(body, [loop]))
            return ast.Compare(count, [ast.Eq()], [ast.Constant(1)])
        if self.exact:
            judge: Callable[..., bool] = runtime.every if node.kind == "all" else runtime.some
            return self.call(judge, over, _lambda(body, name))
        decide: Callable[..., bool] = all if node.kind == "all" else any
        return self.call(decide, ast.GeneratorExp(body, [loop]))

    # Calls

    def truth(self, node: Node) -> ast.expr:
        """A node that must be true or false."""
        found = self.emit(node)
        return found if node.type == "bool" and not self.exact else self.call(runtime.boolean, found)

    def _call(self, node: Call) -> ast.expr:
        name = node.function
        if name in ("_&&_", "_||_"):
            return self._logic(node)
        if name == "_?_:_":
            test, yes, no = node.args
            return ast.IfExp(self.truth(test), self.emit(yes), self.emit(no))
        if name == "!_":
            return ast.UnaryOp(ast.Not(), self.truth(node.args[0]))
        folded = self._folded(node)
        if folded is not None:
            return folded
        if not self.exact:
            fast = self._fast(node)
            if fast is not None:
                return fast
        return self._general(node)

    def _logic(self, node: Call) -> ast.expr:
        if self.exact:
            judge: Callable[..., bool] = runtime.both if node.function == "_&&_" else runtime.either
            return self.call(judge, *(_lambda(self.emit(one)) for one in node.args))
        operator = ast.And() if node.function == "_&&_" else ast.Or()
        return ast.BoolOp(operator, [self.truth(one) for one in node.args])

    def _general(self, node: Call) -> ast.expr:
        table = OPERATORS if node.function in OPERATORS else METHODS if node.member else FUNCTIONS
        function = table.get(node.function)
        if function is None:
            return self.call(runtime.nothing, ast.Constant(node.function))
        return self.call(function, *(self.emit(one) for one in node.args))

    def _folded(self, node: Call) -> ast.expr | None:
        """Calls that need something known when compiling: a literal, a register, an area, a zone."""
        name = node.function
        if name == "local":
            return self.call(times.local, self.emit(node.args[0]), self.constant(times.zone_named(self.scope.zone)))
        if name.startswith("register_"):
            register, its = list(self.scope.registers.items())[int(name[9:])]
            return self.call(functions.row, self.constant(its.rows), ast.Constant(register), self.emit(node.args[0]))
        literal = node.args[-1].value if node.args and isinstance(node.args[-1], Const) else None
        if not isinstance(literal, str):
            return None
        if name in ("timestamp", "duration") and not node.member:
            return self.constant(FUNCTIONS[name](literal))
        if name == "in_zone" and self.scope.zones is not None:
            return self.call(functions.in_zone, self.constant(self.scope.zones[literal]), self.emit(node.args[0]))
        return None

    def _fast(self, node: Call) -> ast.expr | None:
        """Plain Python where the types make it mean the same."""
        kinds = tuple(one.type for one in node.args)
        comparison = _COMPARISONS.get(node.function)
        if comparison is not None and self._plainly_comparable(node, kinds):
            left, right = (self.emit(one) for one in node.args)
            return ast.Compare(left, [comparison()], [right])
        if node.function in _ARITHMETIC and _plainly_added(node.function, kinds):
            left, right = (self.emit(one) for one in node.args)
            return ast.BinOp(left, _ARITHMETIC[node.function](), right)
        if node.function == "@in":
            return self._fast_in(node, kinds)
        if node.function == "_[_]" and kinds[0].startswith("map(string") and kinds[1] == "string":
            return ast.Subscript(self.emit(node.args[0]), self.emit(node.args[1]), ast.Load())
        if node.function == "size" and kinds[0].startswith(("string", "bytes", "list", "map")):
            return self.call(len, self.emit(node.args[0]))
        return self._fast_text(node, kinds)

    @staticmethod
    def _plainly_comparable(node: Call, kinds: tuple[str, ...]) -> bool:
        if kinds[0] == kinds[1]:
            return kinds[0] in PLAIN
        return set(kinds) == {"int", "double"} and any(
            isinstance(one, Const) and one.type == "int" and abs(one.value) <= _EXACT_INT for one in node.args
        )

    def _fast_text(self, node: Call, kinds: tuple[str, ...]) -> ast.expr | None:
        if kinds != ("string", "string") or not node.member:
            return None
        text, other = node.args
        if node.function in _TEXT_METHODS:
            method = ast.Attribute(self.emit(text), _TEXT_METHODS[node.function], ast.Load())
            return ast.Call(method, [self.emit(other)], [])
        if node.function == "contains":
            return ast.Compare(self.emit(other), [ast.In()], [self.emit(text)])
        if node.function == "matches" and isinstance(other, Const):
            return ast.Call(self.constant(functions.searcher(other.value)), [self.emit(text)], [])
        return None

    def _fast_in(self, node: Call, kinds: tuple[str, ...]) -> ast.expr | None:
        value, holder = node.args
        if kinds[0] not in _HASHED:
            return None
        if kinds[1].startswith(f"map({kinds[0]},") and kinds[0] != "bool":
            return ast.Compare(self.emit(value), [ast.In()], [self.emit(holder)])
        if kinds[1] != f"list({kinds[0]})":
            return None
        known = constant_list(holder, self.names)
        held = self.emit(holder) if known is None else self.constant(frozenset(known))
        return ast.Compare(self.emit(value), [ast.In()], [held])


def _plainly_added(function: str, kinds: tuple[str, ...]) -> bool:
    """Whether Python's operator is CEL's: no overflow to watch, no other meaning."""
    if kinds == ("double", "double"):
        return True
    return function == "_+_" and kinds in (("string", "string"), ("bytes", "bytes"))


