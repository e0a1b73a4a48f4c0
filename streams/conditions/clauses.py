"""A condition in its clauses: the parts that `&&`, `||` and `!` join, each with its text and a function of its own.

What is true of a whole condition says little; which clause was false, and of which values, says why. A
clause is cut from the author's own text, so that people see again what they wrote. What stands within a
function, a macro (`tags.exists(t, ...)`) or a choice (`a ? b : c`) is not cut further.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from operator import itemgetter
from typing import Any

from streams.conditions.analysis import Reading
from streams.conditions.check import STRING
from streams.conditions.checked import Call, Macro, Node, Select
from streams.conditions.compile import terms
from streams.conditions.expression import Expression, Form, part_of
from streams.conditions.names import Resolver
from streams.conditions.values import EvalError

AND, OR, NOT = "_&&_", "_||_", "!_"
_SIGNS = {AND: "&&", OR: "||"}
_COMMENT_OR_STRING = re.compile(rf"//[^\n]*|{STRING.pattern}", re.DOTALL)
_PAIR_OF_NOT = re.compile(r"!\s*!")


class Clause:
    """One clause of a condition. `text` is the author's, from the offset `start` (code points) of the whole text.

    `negated`: it stands under an odd number of `!`, so that it must be false to help the whole.
    `expression` is the clause by itself: a function of the same arguments as the whole.
    """

    def __init__(self, expression: Expression, start: int, negated: bool) -> None:
        self.expression, self.start, self.negated = expression, start, negated

    def __repr__(self) -> str:
        return f"Clause({'!' if self.negated else ''}{self.text!r} at {self.start})"

    @property
    def text(self) -> str:
        """What its author wrote, on one line."""
        return " ".join(self.expression.text.split())

    @property
    def function(self) -> Callable[..., Any]:
        """Gives true or false, without the `!` before it; raises EvalError."""
        return self.expression.function

    @property
    def paths(self) -> frozenset[str]:
        """What it reads."""
        return self.expression.paths

    @cached_property
    def reads(self) -> Mapping[str, Expression]:
        """For each path that it reads, an expression that gives its value."""
        return dict(sorted(_reads(self.expression), key=itemgetter(0)))

    def outcome(self, *args: Any) -> bool | None:
        """True or false for these arguments, None where it fails."""
        try:
            return bool(self.function(*args))
        except EvalError:
            return None

    def values(self, *args: Any) -> dict[str, Any]:
        """The values of what it reads; what is missing is not there."""
        found = {}
        for path, read in self.reads.items():
            try:
                found[path] = read(*args)
            except EvalError:
                continue
        return found

    def failure(self, *args: Any) -> str:
        """Why it fails for these arguments, in words; "" where it does not."""
        try:
            self.function(*args)
        except EvalError as error:
            return str(error)
        return ""


class Logic:
    """How a condition is made of its clauses: `op` is `_&&_`, `_||_`, `!_` over `parts`, or "" for a `clause`."""

    def __init__(self, op: str, parts: Sequence[Logic] = (), clause: Clause | None = None) -> None:
        self.op, self.parts, self.clause = op, tuple(parts), clause

    def clauses(self) -> Iterator[Clause]:
        """All clauses, in the order of the text."""
        if self.clause is not None:
            yield self.clause
        for part in self.parts:
            yield from part.clauses()

    def outcome(self, *args: Any) -> bool | None:
        """True, false, or None where it fails, as CEL has it: a failure counts only where nothing else decides."""
        if self.clause is not None:
            return self.clause.outcome(*args)
        found = [part.outcome(*args) for part in self.parts]
        if self.op == NOT:
            return None if found[0] is None else not found[0]
        decides = self.op == OR
        if decides in found:
            return decides
        return None if None in found else not decides

    def against(self, wanted: bool, *args: Any) -> list[Clause]:
        """The clauses that keep it from being `wanted`; empty where it is."""
        if self.outcome(*args) is wanted:
            return []
        if self.clause is not None:
            return [self.clause]
        if self.op == NOT:
            return self.parts[0].against(not wanted, *args)
        return [clause for part in self.parts for clause in part.against(wanted, *args)]


def clauses(expression: Expression) -> list[Clause]:
    """The clauses of a condition in the order of its text; one, the whole, if nothing joins any."""
    return list(logic(expression).clauses())


def logic(expression: Expression) -> Logic:
    """A condition as its clauses and what joins them. The expression is one that `compile_expression` gave."""
    assert expression.form is not None, "only what was compiled from a text has clauses"
    return _logic(expression, expression.form, 0, len(expression.text), negated=False)


def spans(expression: Expression) -> dict[int, tuple[int, int]]:
    """Where the clauses of a condition, and what joins them, stand in its text: by the `id` of the tree's node."""
    assert expression.form is not None
    return dict(_spans(expression.form[0], _without_comments(expression.text), 0, len(expression.text)))


def _spans(node: Node, text: str, start: int, end: int) -> Iterator[tuple[int, tuple[int, int]]]:
    start, end = _bare(text, start, end)
    yield id(node), (start, end)
    for part in _parts(node, text, start, end):
        yield from _spans(part[0], text, *part[1:])


def _logic(whole: Expression, form: Form, start: int, end: int, negated: bool) -> Logic:
    node, text = form[0], _without_comments(whole.text)
    start, end = _bare(text, start, end)
    parts = _parts(node, text, start, end)
    if not parts:
        start, end = _without_pairs_of_not(text, start, end) if _is_not(node) else (start, end)
        return Logic("", clause=Clause(part_of(whole, node, text[start:end], "bool"), start, negated))
    assert isinstance(node, Call)
    below = negated is not _is_not(node)
    return Logic(node.function, [_logic(whole, (part, *form[1:]), begin, stop, below) for part, begin, stop in parts])


def _parts(node: Node, text: str, start: int, end: int) -> list[tuple[Node, int, int]]:
    """The nodes that a node joins, each with its span; none if it is a clause, or cannot be cut."""
    if isinstance(node, Call) and node.function in (AND, OR):
        parts = terms(node, node.function)
        found = list(_pieces(text, *_without_pairs_of_not(text, start, end, _SIGNS[node.function]), node.function))
        return [(part, *span) for part, span in zip(parts, found, strict=True)] if len(parts) == len(found) else []
    if isinstance(node, Call) and _is_not(node):
        start, end = _without_pairs_of_not(text, start, end)
        return [(node.args[0], start + 1, end)] if text.startswith("!", start) else []
    return []


def _is_not(node: Node) -> bool:
    return isinstance(node, Call) and node.function == NOT


def _reads(expression: Expression) -> Iterator[tuple[str, Expression]]:
    """(path, an expression that reads it) for all that an expression reads."""
    assert expression.form is not None
    reading = Reading(Resolver(expression.form[1]))
    yield from _read_below(expression, expression.form[0], reading)


def _read_below(whole: Expression, node: Node, reading: Reading) -> Iterator[tuple[str, Expression]]:
    path = reading.path(node)
    if path is not None and path.startswith("lists."):
        return
    if path is not None:
        plain = Select(offset=node.offset, type="dyn", reference=node.reference, operand=node.operand,
                       field=node.field) if isinstance(node, Select) and node.test else node
        yield path, part_of(whole, plain, path, None)
        return
    outer = reading.names.bound
    for child in node.children():
        if isinstance(node, Macro) and child is not node.range:
            reading.names.bound = {**outer, node.variable: node.variable}
        yield from _read_below(whole, child, reading)
    reading.names.bound = outer


# The author's text, cut where the tree is


def _without_comments(text: str) -> str:
    """Blanks in their place, so that offsets stay."""
    return _COMMENT_OR_STRING.sub(
        lambda found: " " * len(found[0]) if found[0].startswith("//") else found[0], text)


def _depths(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """(offset, how many brackets are open before it) of each character outside strings and comments."""
    depth, place = 0, start
    while place < end:
        literal = STRING.match(text, place, end)
        if literal is not None:
            place = literal.end()
            continue
        depth -= text[place] in ")]}"
        yield place, depth
        depth += text[place] in "([{"
        place += 1


def _bare(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without blanks and the brackets around all of it."""
    while True:
        inner = text[start:end].strip()
        start = text.index(inner, start)
        end = start + len(inner)
        if end - start < 2 or text[start] != "(" or text[end - 1] != ")":
            return start, end
        if any(depth <= 0 and start < place < end - 1 for place, depth in _depths(text, start, end)):
            return start, end
        start, end = start + 1, end - 1


def _without_pairs_of_not(text: str, start: int, end: int, sign: str = "") -> tuple[int, int]:
    """Two `!` are none: the parser leaves them out, so the tree does not have them.

    With a `sign` (`&&`) only if they stand before all of the span and not before its first term.
    """
    while (pair := _PAIR_OF_NOT.match(text, start, end)) and not (sign and _signs(text, start, end, sign)):
        start, end = _bare(text, pair.end(), end)
    return start, end


def _signs(text: str, start: int, end: int, sign: str) -> list[int]:
    """Where a sign stands outside all brackets."""
    return [place for place, depth in _depths(text, start, end) if depth == 0 and text.startswith(sign, place)]


def _pieces(text: str, start: int, end: int, op: str) -> Iterator[tuple[int, int]]:
    """The spans of the terms of a chain of one operator, however they are bracketed."""
    start, end = _bare(text, start, end)
    cuts = _signs(text, start, end, _SIGNS[op])
    if not cuts or _signs(text, start, end, "?") or (op == AND and _signs(text, start, end, "||")):
        yield start, end
        return
    edges = [start - 2, *cuts, end]
    for before, after in pairwise(edges):
        yield from _pieces(text, before + 2, after, op)
