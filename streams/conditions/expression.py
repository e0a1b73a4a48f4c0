"""An expression, compiled: what it gives, what it reads, and the function itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from streams.conditions import analysis, bounds, runtime
from streams.conditions.check import Compiler
from streams.conditions.checked import Call, Ident, Node, Select
from streams.conditions.compile import build, build_all
from streams.conditions.macros import expanded
from streams.conditions.mistakes import ExpressionProblems, friendly
from streams.conditions.names import Resolver
from streams.conditions.scope import Scope
from streams.conditions.values import EvalError

_STRUCTURED = ("list(", "map(", "wrapper(")
Form: TypeAlias = tuple[Node, Scope, Callable[[Any], Any] | None]


class Expression:
    """A compiled expression: call it with the scope's arguments for its value; it raises EvalError only.

    `type` is the checked type of the value as a type text. Outside an expression instants and spans
    are integers of µs. `paths` are the variables it reads. `equalities` tell, path by path, of which values
    one must be there if it is to be true. `prefix` is how the text that it gives begins, and whether that
    is the whole text. `function` is the bare function, for where a call's cost counts. `decided` names the path
    whose equality is all that it asks. `form` is what it was made from: the tree, its scope, and what turns its
    value into one of the world outside.
    """

    __slots__ = ("beside", "decided", "equalities", "form", "function", "paths", "prefix", "text", "type")

    def __init__(
        self, text: str, type: str, function: Callable[..., Any], paths: frozenset[str] = frozenset(),
        equalities: Mapping[str, frozenset[Any]] | None = None, prefix: tuple[str, bool] = ("", False),
        decided: str = "", form: Form | None = None,
    ) -> None:
        self.text, self.type, self.function = text, type, function
        self.paths, self.equalities, self.prefix = paths, equalities or {}, prefix
        self.decided, self.form = decided, form
        self.beside: tuple[tuple[Expression, ...], Callable[..., tuple[Any, ...]]] | None = None  # see `together`

    def __call__(self, *args: Any) -> Any:
        """The value for these arguments."""
        return self.function(*args)

    def __repr__(self) -> str:
        return f"Expression({self.text!r}: {self.type})"


def compile_expression(
    text: str, scope: Scope, expect: str | None = None, *, checked: bool = True, outside: bool = True
) -> Expression:
    """The function of a text; ExpressionProblems with all mistakes at once.

    `expect` is the type it must have, or several (`int|double`). A value of dynamic type is accepted where
    its type can only be known when it runs; an int where a double is wanted becomes one. Not `checked`:
    only parsed, all types show when it runs. Not `outside`: the value as expressions hold it (`values`).
    """
    if scope.compiler is None:
        scope.compiler = Compiler(scope)
    tree = scope.compiler.check(text) if checked else scope.compiler.parse(text)
    problems = bounds.found_in(tree, text, scope)
    if scope.compiler.bodies and not problems:
        tree = expanded(tree, scope.compiler.bodies, scope.prefix)
    problems = bounds.too_large(tree, text, scope) + problems
    if expect is not None and not problems:
        problems += bounds.unexpected(tree, text, expect)
    if problems:
        raise ExpressionProblems(problems)
    finish = _finish(tree.type, expect) if outside and not (expect is None and _as_it_came(tree)) else None
    return _expression(text, tree, scope, finish)


def _expression(text: str, tree: Node, scope: Scope, finish: Callable[[Any], Any] | None) -> Expression:
    reading = analysis.Reading(Resolver(scope))
    return Expression(
        text, friendly(tree.type), build(tree, scope, finish), frozenset(reading.paths(tree)),
        reading.equalities(tree) if tree.type == "bool" else {}, analysis.prefix(tree),
        reading.decided(tree), (tree, scope, finish),
    )


def both(one: Expression, other: Expression) -> Expression:
    """Two conditions of one scope as one: `one && other`."""
    assert one.form is not None
    assert other.form is not None
    tree = Call(function="_&&_", args=[one.form[0], other.form[0]], type="bool")
    return _expression(f"{one.text} && ({other.text})", tree, one.form[1], _finish("bool", "bool"))


def part_of(whole: Expression, node: Node, text: str, expect: str | None) -> Expression:
    """The expression of a node of a compiled one's tree, by itself; `text` is what it is called."""
    assert whole.form is not None
    return _expression(text, node, whole.form[1], _finish(node.type, expect))


def together(parts: Sequence[Expression]) -> Callable[..., tuple[Any, ...]]:
    """One function for the values of several expressions of one scope, None for each that fails.

    One call instead of one for each part: a record of many fields is read so. The first part remembers it, because
    compiling takes long and every engine of a bundle, each time it restarts, wants the same.
    """
    if not parts:
        return lambda *args: ()
    kept, whole = parts[0].beside, tuple(parts)
    if kept is None or kept[0] != whole:
        kept = parts[0].beside = whole, _together(whole)
    return kept[1]


def _together(parts: tuple[Expression, ...]) -> Callable[..., tuple[Any, ...]]:
    functions = [part.function for part in parts]
    forms = [part.form for part in parts if part.form is not None]
    if len(forms) == len(parts) and all(scope is forms[0][1] for _, scope, _ in forms):
        return build_all(forms, functions)
    return lambda *args: tuple([_or_none(function, args) for function in functions])


def _or_none(function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    try:
        return function(*args)
    except EvalError:
        return None


def _as_it_came(tree: Node) -> bool:
    """Whether the value is a part of the record that nothing has touched: it is one of the world outside already."""
    while isinstance(tree, Select) and not tree.test:
        tree = tree.operand
    return isinstance(tree, Ident) and tree.name == "record"


def _finish(type: str, expect: str | None) -> Callable[[Any], Any] | None:
    """What turns the value inside into the value outside."""
    if expect == "bool" and type == "dyn":
        return runtime.boolean
    if expect == "double" and type == "int":
        return float
    if type in ("timestamp", "duration"):
        return runtime.micros_out
    if type == "uint":
        return int
    return runtime.outside if type == "dyn" or type.startswith(_STRUCTURED) else None


