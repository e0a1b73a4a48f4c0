"""What of a condition is decided before any event comes: parts that can never be true, and parts that always are.

`x == "a" && x == "b"` asks for two things of one value; `local(time).getHours() >= 22 && ... < 6` is never night.
A condition is read from left to right; after each part it is known what it asks of every value (`Known`). A part that
asks for what is excluded by then can never be true, one that asks for what is certain always is. What is not
understood decides nothing, so whatever is told is so. A value that is absent makes a condition fail either way.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, TypeAlias

import msgspec

from streams.conditions.analysis import Reading
from streams.conditions.checked import Call, Const, Ident, ListOf, Macro, MapOf, Node, Select, Used, walk
from streams.conditions.clauses import AND, NOT, OR
from streams.conditions.compile import terms
from streams.conditions.expression import Expression, part_of
from streams.conditions.names import Resolver
from streams.conditions.values import BoolKey, EvalError

Subject: TypeAlias = tuple[Any, ...]
Bound: TypeAlias = tuple[Any, bool] | None
_SWAPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "==", "in": "not in", "not in": "in"}
_ORDER = ("<", "<=", ">", ">=")
_SIGNS = {f"_{sign}_": sign for sign in _SWAPPED}
_HOLDS_OF_ITSELF = {"==": True, "<=": True, ">=": True, "!=": False, "<": False, ">": False}
_RANGES = {  # parts of an instant
    "getMonth": (0, 11), "getDayOfYear": (0, 365), "getDayOfMonth": (0, 30), "getDate": (1, 31),
    "getDayOfWeek": (0, 6), "getHours": (0, 23), "getMinutes": (0, 59), "getSeconds": (0, 59),
    "getMilliseconds": (0, 999),
}
_DEGREES: Mapping[str, tuple[float | None, float | None]] = {"place.lat": (-90, 90), "place.lon": (-180, 180)}
_FEW = 64


class Known(msgspec.Struct, frozen=True):
    """What one value can be: one of `values` (None: any) and none of `without`, between the bounds (value, open).

    `whole`: it is an integer. `said` are the parts of the condition that say so.
    """

    values: frozenset[Any] | None = None
    without: frozenset[Any] = frozenset()
    low: Bound = None
    high: Bound = None
    whole: bool = False
    said: tuple[Node, ...] = ()

    def allows(self, value: Any) -> bool:
        """Whether it can be this value."""
        if value in self.without or (self.values is not None and value not in self.values):
            return False
        return _beyond(value, self.low, above=True) and _beyond(value, self.high, above=False)

    def nothing(self) -> bool:
        """Whether no value is left."""
        if self.values is not None:
            return not self.values
        if self.low is None or self.high is None:
            return False
        if self.whole:
            return self._no_integer()
        (low, open_low), (high, open_high) = self.low, self.high
        if not _comparable(low, high):
            return True
        return bool(low > high or (low == high and (open_low or open_high or low in self.without)))

    def _no_integer(self) -> bool:
        assert self.low is not None
        assert self.high is not None
        least = math.floor(self.low[0]) + 1 if self.low[1] else math.ceil(self.low[0])
        most = math.ceil(self.high[0]) - 1 if self.high[1] else math.floor(self.high[0])
        return least > most or (most - least < _FEW and all(one in self.without for one in range(least, most + 1)))

    def narrowed(self, op: str, value: Any, said: Node) -> Known | None:
        """The same where the comparison holds; None if it cannot."""
        found = msgspec.structs.replace(self, **self._change(op, value), said=(*self.said, said))
        if found.values is not None:
            kept = frozenset(one for one in found.values if msgspec.structs.replace(found, values=None).allows(one))
            found = msgspec.structs.replace(found, values=kept)
        return None if found.nothing() else found

    def _change(self, op: str, value: Any) -> dict[str, Any]:
        if op in ("==", "in"):
            asked = frozenset([value]) if op == "==" else frozenset(value)
            return {"values": asked if self.values is None else asked & self.values}
        if op in ("!=", "not in"):
            return {"without": self.without | (frozenset([value]) if op == "!=" else frozenset(value))}
        if op in (">", ">="):
            return {"low": _tighter(self.low, (value, op == ">"), above=True)}
        return {"high": _tighter(self.high, (value, op == "<"), above=False)}

    def joined(self, other: Known) -> Known:
        """What is known where it is either this or the other."""
        said = tuple({id(one): one for one in (*self.said, *other.said)}.values())
        if self.values is not None and other.values is not None:
            return Known(self.values | other.values, whole=self.whole, said=said)
        neither = (one for one in self.without | other.without if not self.allows(one) and not other.allows(one))
        low, high = (_wider(self._bound(above), other._bound(above), above) for above in (True, False))
        return Known(None, frozenset(neither), low, high, self.whole, said)

    def _bound(self, above: bool) -> Bound:
        """The bound, of a list of values the least or the greatest."""
        if not self.values:
            return self.low if above else self.high
        try:
            return (min(self.values) if above else max(self.values)), False
        except TypeError:
            return None


Environment: TypeAlias = Mapping[Subject, Known]


class Atom(msgspec.Struct, frozen=True):
    """A comparison of a value with something fixed; `holds` where it is decided by itself, None where it fails."""

    subject: Subject = ()
    op: str = ""
    value: Any = None
    start: Known = Known()
    typed: bool = True
    holds: bool | None = None


class Decided(msgspec.Struct, frozen=True):
    """A part of a condition that is always true, or never (not `holds`); `said` are the parts that decide it.

    `known` is what its value can be before anything is asked. `fails`: it cannot be evaluated at all.
    """

    node: Node
    holds: bool
    said: tuple[Node, ...] = ()
    known: Known = Known()
    fails: bool = False


def decided(expression: Expression, plausible: bool = False) -> list[Decided]:
    """The parts of a condition that are decided before any event comes, in order; of each the largest only.

    `plausible`: where every reading lies in the range that its event type declares.
    """
    return Truth(expression, plausible).decided()


def implies(one: Expression, other: Expression) -> bool:
    """Whether it is sure that where one condition over the same events is true, the other is."""
    return Truth(one).implies(Truth(other))


class Truth:
    """What a condition asks for, read once for many questions."""

    def __init__(self, expression: Expression, plausible: bool = False) -> None:
        assert expression.form is not None
        self._tree, self._reader = expression.form[0], _Reader(expression, plausible)

    def decided(self) -> list[Decided]:
        """As the function of this name."""
        return list(self._reader.visit(self._tree, True, {}))

    def implies(self, other: Truth) -> bool:
        """As the function of this name. Of a condition that can never be true it is not said."""
        return self._asked is not None and other._reader.assume(other._tree, False, self._asked) is None

    @cached_property
    def _asked(self) -> Environment | None:
        return self._reader.assume(self._tree, True, {})


class _Reader:
    """Reads one condition."""

    def __init__(self, whole: Expression, plausible: bool) -> None:
        assert whole.form is not None
        self.whole, self.scope = whole, whole.form[1]
        self.ranges = {**self.scope.ranges, **_DEGREES} if plausible else _DEGREES
        self.reading = Reading(Resolver(self.scope))
        self.atoms: dict[int, Atom | None] = {}

    def visit(self, node: Node, sign: bool, env: Environment) -> Iterator[Decided]:
        """What is decided of a node that must be true (`sign`) or false, where `env` is known."""
        verdict = self.judged(node, sign, env)
        if verdict is not None:
            yield verdict
        elif isinstance(node, Call) and node.function == NOT:
            yield from self.visit(node.args[0], not sign, env)
        elif isinstance(node, Call) and node.function in (AND, OR):
            every = (node.function == AND) is sign
            for part in terms(node, node.function):
                yield from self.visit(part, sign, env)
                after = self.assume(part, sign is every, env)
                if after is None:
                    return
                env = after

    def judged(self, node: Node, sign: bool, env: Environment) -> Decided | None:
        """The verdict on a clause, None if it is open. Of what joins several, the one that decides is judged."""
        bare = node.args[0] if isinstance(node, Call) and node.function == NOT else node
        atom = None if _joined(bare) else self.atom(bare)
        if atom is None:
            return None
        if not atom.op and atom.holds is None:
            return Decided(node, False, fails=True)
        known = env.get(atom.subject)
        said = () if known is None else known.said
        if self.assume(node, sign, env) is None:
            return Decided(node, not sign, said, atom.start)
        return Decided(node, sign, said, atom.start) if self.assume(node, not sign, env) is None else None

    def assume(self, node: Node, sign: bool, env: Environment, leaf: Node | None = None) -> Environment | None:
        """What is known where a node is true (`sign`) or false; None if it cannot be."""
        if isinstance(node, Used):
            return self.assume(node.body, sign, env, leaf or node)
        if isinstance(node, Call) and node.function == NOT:
            return self.assume(node.args[0], not sign, env, leaf or (None if _joined(node.args[0]) else node))
        if isinstance(node, Call) and node.function in (AND, OR):
            parts = terms(node, node.function)
            if (node.function == AND) is sign:
                return self.all_of(parts, sign, env, leaf)
            return _either([self.assume(part, sign, env, leaf) for part in parts])
        return self.narrow(node, sign, env, leaf or node)

    def all_of(self, parts: list[Node], sign: bool, env: Environment, leaf: Node | None) -> Environment | None:
        found: Environment | None = env
        for part in parts:
            found = None if found is None else self.assume(part, sign, found, leaf)
        return found

    def narrow(self, node: Node, sign: bool, env: Environment, leaf: Node) -> Environment | None:
        """What is known where one comparison holds, or does not."""
        atom = self.atom(node)
        if atom is None:
            return env
        if not atom.op:
            return env if atom.holds is sign else None
        op = atom.op if sign else _OPPOSITE[atom.op]
        if not sign and atom.op in _ORDER and not atom.typed:
            return env  # a value of another type is neither
        known = env.get(atom.subject, atom.start).narrowed(op, atom.value, leaf)
        return None if known is None else {**env, atom.subject: known}

    def atom(self, node: Node) -> Atom | None:
        """The comparison that a node is; None if it is none that is understood."""
        if id(node) not in self.atoms:
            self.atoms[id(node)] = self._atom(node)
        return self.atoms[id(node)]

    def _atom(self, node: Node) -> Atom | None:
        if isinstance(node, Used):
            return self.atom(node.body)
        if _fixed(node):
            return self._constant(node)
        if isinstance(node, Call) and node.function == "@in":
            values = self._values(node.args[1])
            return None if values is None else self._compared(node.args[0], "in", values)
        sign = _SIGNS.get(node.function) if isinstance(node, Call) else None
        if sign is None or not isinstance(node, Call):
            return Atom(self.named(node), "==", BoolKey.TRUE) if node.type == "bool" else None
        left, right = node.args
        if self.named(left) == self.named(right) and left.type not in ("double", "dyn"):  # what is no number is unequal
            return Atom(holds=_HOLDS_OF_ITSELF[sign])
        for subject, other, op in ((left, right, sign), (right, left, _SWAPPED[sign])):
            if _fixed(other):
                value = self.value(other)
                return None if value is None else self._compared(subject, op, value)
        return Atom(self.named(node), "==", BoolKey.TRUE)

    def _constant(self, node: Node) -> Atom | None:
        try:
            value = part_of(self.whole, node, "", None)(*(None for _ in self.scope.args))
        except EvalError:
            return Atom()
        return Atom(holds=value) if isinstance(value, bool) else None

    def _compared(self, node: Node, op: str, value: Any) -> Atom | None:
        path = self.reading.path(node)
        if path is not None and path.startswith("lists."):
            return None
        ordered = op in _ORDER and not isinstance(value, int | float | str)
        return None if ordered else Atom(self.named(node), op, value, self.start(node, path), node.type != "dyn")

    def start(self, node: Node, path: str | None) -> Known:
        """What is known of a value before anything is asked."""
        whole = node.type in ("int", "uint")
        name = (path or "").removeprefix("event.")
        closed = self.scope.values.get(name, ())
        if closed:
            return Known(frozenset(map(_hashed, closed)), whole=whole)
        low, high = self.ranges.get(name, (None, None))
        if isinstance(node, Call) and node.args and node.args[0].type == "timestamp":
            low, high = _RANGES.get(node.function, (None, None))
        elif isinstance(node, Call) and node.function in ("size", "distance"):
            low = 0
        return Known(low=_closed(low), high=_closed(high), whole=whole)

    def _values(self, node: Node) -> list[Any] | None:
        if isinstance(node, Used):
            return self._values(node.body)
        if not isinstance(node, ListOf) or not all(_fixed(one) for one in node.elements):
            return None
        found = [self.value(one) for one in node.elements]
        return None if None in found else found

    def value(self, node: Node) -> Any:
        """What a part that reads nothing gives; None if that is nothing that can be compared."""
        if isinstance(node, Const):
            return _hashed(node.value)
        try:
            return _hashed(part_of(self.whole, node, "", None)(*(None for _ in self.scope.args)))
        except EvalError:
            return None

    def named(self, node: Node) -> Subject:
        """What a node is, wherever it stands: the same of two nodes that always have the same value."""
        if isinstance(node, Used):
            return self.named(node.body)
        if isinstance(node, Select) and node.test:
            return ("has", self.named(node.operand), node.field)
        path = self.reading.path(node)
        if path is not None:
            return ("path", path)
        return (*_label(node), *(self.named(child) for child in node.children()))


def _label(node: Node) -> Subject:
    if isinstance(node, Const):
        return ("const", node.type, node.value)
    if isinstance(node, Ident):
        return ("name", node.name)
    if isinstance(node, Select):
        return ("select", node.field)
    if isinstance(node, Call):
        return ("call", node.function)
    if isinstance(node, Macro):
        return ("macro", node.kind, node.variable, node.body is None)
    return ("list" if isinstance(node, ListOf) else "map" if isinstance(node, MapOf) else "other",)


def _joined(node: Node) -> bool:
    return isinstance(node, Call) and node.function in (AND, OR, NOT)


def _fixed(node: Node) -> bool:
    """Whether a node reads nothing, so that it always gives the same."""
    if isinstance(node, Const):
        return True
    return not any(isinstance(one, Ident | Select | Macro | Used) or _reads_more(one) for one in walk(node))


def _reads_more(node: Node) -> bool:
    return isinstance(node, Call) and node.function.startswith("register")


def _hashed(value: Any) -> Any:
    """A value as sets hold it: a truth value is no number."""
    if isinstance(value, bool):
        return BoolKey(value)
    return value if isinstance(value, int | float | str) and value == value else None  # noqa: PLR0124  no number


def _closed(value: float | None) -> Bound:
    return None if value is None else (value, False)


def _comparable(one: Any, other: Any) -> bool:
    return isinstance(one, str) == isinstance(other, str)


def _beyond(value: Any, bound: Bound, above: bool) -> bool:
    """Whether a value lies on the right side of a bound."""
    if bound is None:
        return True
    limit, open = bound
    if isinstance(value, BoolKey) or not _comparable(value, limit):
        return False
    return bool((value > limit if above else value < limit) or (value == limit and not open))


def _tighter(one: Bound, other: Bound, above: bool) -> Bound:
    return _chosen(one, other, above) if one is not None and other is not None else one or other


def _wider(one: Bound, other: Bound, above: bool) -> Bound:
    if one is None or other is None or not _comparable(one[0], other[0]):
        return None
    return other if _chosen(one, other, above) == one else one


def _chosen(one: tuple[Any, bool], other: tuple[Any, bool], above: bool) -> tuple[Any, bool]:
    """The tighter of two bounds; the new one if they cannot be compared, so that nothing is left between them."""
    if not _comparable(one[0], other[0]) or one[0] == other[0]:
        return one if one[1] else other
    higher: Callable[[Any, Any], Any] = max if above else min
    return one if higher(one[0], other[0]) == one[0] else other


def _either(found: list[Environment | None]) -> Environment | None:
    """What is known where one of these is; None if none can be."""
    possible = [env for env in found if env is not None]
    if not possible:
        return None
    first, *rest = possible
    for env in rest:
        first = {subject: known.joined(env[subject]) for subject, known in first.items() if subject in env}
    return first
