"""An author's mistakes in one expression: the checker's texts, read, placed and put so that they teach."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

import msgspec

from streams.conditions.checked import Node
from streams.conditions.scope import Scope


class ExpressionProblem(msgspec.Struct, frozen=True):
    """One mistake. `line` and `column` count from 1 in the expression's own text, in code points."""

    line: int
    column: int
    message: str
    hint: str = ""
    length: int = 1


class ExpressionProblems(Exception):
    """All the mistakes of an expression that could be found at once, in the order of the text."""

    def __init__(self, problems: Iterable[ExpressionProblem]) -> None:
        self.problems = sorted(problems, key=lambda one: (one.line, one.column))
        super().__init__("; ".join(f"{one.line}:{one.column}: {one.message}" for one in self.problems))


def at(text: str, offset: int, message: str, hint: str = "", length: int = 1) -> ExpressionProblem:
    """A problem at an offset of the text."""
    before = text[:offset]
    line = before.count("\n") + 1
    return ExpressionProblem(line, offset - (before.rfind("\n") + 1) + 1, message, hint, length)


_ERROR = re.compile(r"^(?:\w+: )?ERROR: <input>:(-?\d+):(-?\d+): (.*)$", re.MULTILINE)


def read(error: str, text: str, scope: Scope) -> list[ExpressionProblem]:
    """The checker's text as problems."""
    found = [
        ExpressionProblem(max(1, int(line)), max(1, int(column)), message.removesuffix(" [INVALID_ARGUMENT]"))
        for line, column, message in _ERROR.findall(error)
    ]
    return found or [ExpressionProblem(1, 1, error)]


def nearest_hint(name: str, known: Iterable[str]) -> str:
    """`did you mean x?`, or which names there are."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, 1, 0.6)
    if close:
        return f"did you mean {close[0]}?"
    return f"known: {', '.join(names[:12])}" if names else "none is declared"


def found_in(tree: Node, text: str, scope: Scope) -> list[ExpressionProblem]:
    """What the checker lets pass and we do not."""
    return []


def unexpected(tree: Node, text: str, expect: str) -> list[ExpressionProblem]:
    """The problem of a value of another type than wanted, if it is one."""
    wanted = expect.split("|")
    if tree.type == "dyn" or tree.type in wanted or (tree.type == "int" and "double" in wanted):
        return []
    return [ExpressionProblem(1, 1, f"this is {tree.type}, wanted is {' or '.join(wanted)}", length=len(text))]
