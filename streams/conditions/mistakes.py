"""An author's mistakes in one expression: the checker's texts, read, placed and put so that they teach."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

import msgspec

from streams.conditions.scope import EVENT_PARTS, Scope


class ExpressionProblem(msgspec.Struct, frozen=True):
    """One mistake. `line` and `column` count from 1 in the expression's own text, in code points.

    `hint` tells what to do; `length` is how many code points are meant, from the column on. `sort` is one
    of syntax, name, type, result (the whole has another type than wanted), value (a literal), size, macro (one
    that does not fit where it is called) and told (the cause is told elsewhere).
    """

    line: int
    column: int
    message: str
    hint: str = ""
    length: int = 1
    sort: str = "name"


def is_function(name: str) -> bool:
    """Whether CEL, or one of our functions, goes by this name already."""
    return name in _SIGNATURES or name in ("null_type", "list", "map")


def signatures() -> Mapping[str, str]:
    """How each function is written, by its name: `startsWith` is `text.startsWith("x")`."""
    return dict(_SIGNATURES)


class ExpressionProblems(Exception):
    """All the mistakes of an expression that could be found at once, in the order of the text."""

    def __init__(self, problems: Iterable[ExpressionProblem]) -> None:
        self.problems = sorted(set(problems), key=lambda one: (one.line, one.column, one.message))
        super().__init__("; ".join(f"{one.line}:{one.column}: {one.message}" for one in self.problems))


def at(text: str, offset: int, message: str, hint: str = "", length: int = 1) -> ExpressionProblem:
    """A problem at an offset of the text."""
    before = text[:offset]
    line = before.count("\n") + 1
    return ExpressionProblem(line, offset - (before.rfind("\n") + 1) + 1, message, hint, length)


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that looks most like this one, or nothing."""
    names = sorted(set(known))
    folded = {one.casefold(): one for one in reversed(names)}
    close = difflib.get_close_matches(name.casefold(), list(folded), 1, 0.6)
    return folded[close[0]] if close else ""


def nearest_hint(name: str, known: Iterable[str]) -> str:
    """`did you mean x?`, or which names there are."""
    names = sorted(set(known))
    close = nearest(name, names)
    if close:
        return f"did you mean `{close}`?"
    shown = ", ".join(names[:12]) + (" ..." if len(names) > 12 else "")
    return f"known: {shown}" if names else "none is declared"


class Finding(msgspec.Struct):
    """One text of the checker with its place, and the scope to explain it by."""

    scope: Scope
    text: str
    line: int
    column: int
    found: re.Match[str]

    @property
    def offset(self) -> int:
        """Where in the text."""
        lines = self.text.split("\n")
        return sum(len(one) + 1 for one in lines[:self.line - 1]) + self.column - 1

    def at(self, offset: int, message: str, hint: str = "", length: int = 1) -> list[ExpressionProblem]:
        """One problem, at an offset."""
        return [at(self.text, max(0, offset), message, hint, max(1, length))]


_ERROR = re.compile(r"^(?:[A-Z_]+: )?ERROR: <input>:(-?\d+):(-?\d+): (.*?)(?: \[[A-Z_]+\])?$", re.MULTILINE)


def read(error: str, text: str, scope: Scope) -> list[ExpressionProblem]:
    """The checker's text as problems."""
    problems: list[ExpressionProblem] = []
    for line, column, message in _ERROR.findall(error):
        problems += _explained(message, text, scope, max(1, int(line)), max(1, int(column)))
    if problems:
        return problems
    return _explained(error, text, scope, 1, 1) or [ExpressionProblem(1, 1, error.removesuffix(" [CANCELLED]"))]


def _explained(message: str, text: str, scope: Scope, line: int, column: int) -> list[ExpressionProblem]:
    for pattern, explain, sort in _TEXTS:
        found = pattern.search(message)
        if found is not None:
            problems = explain(Finding(scope, text, line, column, found))
            return [msgspec.structs.replace(one, sort=sort) for one in problems]
    return [ExpressionProblem(line, column, message, sort="type")]


# Names


def _unknown(one: Finding) -> list[ExpressionProblem]:
    name = one.found.group(1).removeprefix(".")
    if one.text[one.offset:one.offset + 1] == "(":
        return _unknown_function(one, name)
    start = one.offset
    if "." in name:  # the checker points to the last dot
        start = max(0, one.text.rfind(name.partition(".")[0], 0, one.offset))
    head, _, rest = name.partition(".")
    if head == "lists":
        told = f"there is no list `{rest}`" if rest else "a list has a name: lists.name"
        return one.at(start, told, nearest_hint(rest, one.scope.lists), len(name))
    told, hint = explain_name(head, one.scope)
    if not hint.startswith("did") and re.search(r"(?:[=!]=|\bin\s*\[[^\]]*)\s*$", one.text[:start]):
        hint = f'a text stands in quotes: "{head}"'
    return one.at(start, told, hint, len(head))


def explain_name(name: str, scope: Scope) -> tuple[str, str]:
    """What is wrong with a name that is none here, and what to do."""
    if name in scope.macros:
        return f"`{name}` is a macro, which is called", f"write {scope.macros[name].signature}"
    own = {path for path in scope.declared if not path.startswith("lists.")}
    holders = [type_id for type_id, fields in scope.holders.items() if name in fields]
    if not scope.holders:
        return f"nothing is called `{name}` here", nearest_hint(name, own)
    if holders:
        told = f"`{name}` is no field of {_these(scope.types)}"
        return told, f"it is a field of {_listed(holders)}: ask for that type under `event`"
    told = f"no event type has a field `{name}`"
    close = nearest(name, own)
    if not close:
        return told, nearest_hint(name, own - {"event"})
    having = [type_id for type_id in scope.types if close in scope.holders.get(type_id, ())]
    where = " (every event has it)" if close in EVENT_PARTS else f" (a field of {_listed(having)})" if having else ""
    return told, f"did you mean `{close}`?{where}"


def _these(types: Iterable[str]) -> str:
    return _listed(list(types)) or "these events"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


_SIGNATURES = {
    "distance": "distance(place, place)", "in_zone": 'in_zone(place, "zone")', "local": "local(time)",
    "extract": "extract(text, r'pattern with one (group)')", "slug": "slug(text)",
    "register": 'register("name", key).field', "size": "size(text or list or map)",
    "timestamp": 'timestamp("2026-01-31T08:00:00Z")',
    "duration": 'duration("1h30m")', "startsWith": 'text.startsWith("x")', "endsWith": 'text.endsWith("x")',
    "contains": 'text.contains("x")', "matches": "text.matches(r'pattern')", "charAt": "text.charAt(0)",
    "indexOf": 'text.indexOf("x")', "lastIndexOf": 'text.lastIndexOf("x")', "join": 'list.join(", ")',
    "lowerAscii": "text.lowerAscii()", "upperAscii": "text.upperAscii()", "trim": "text.trim()",
    "replace": 'text.replace("old", "new")', "split": 'text.split(",")', "substring": "text.substring(0, 3)",
    "format": '"%s".format([x])', "reverse": "text.reverse()", "string": "string(x)", "int": "int(x)",
    "uint": "uint(x)", "double": "double(x)", "bool": "bool(x)", "bytes": "bytes(x)", "type": "type(x)",
    "dyn": "dyn(x)", "all": "list.all(x, x > 1)", "exists": "list.exists(x, x > 1)", "map": "list.map(x, x + 1)",
    "exists_one": "list.exists_one(x, x > 1)", "filter": "list.filter(x, x > 1)", "has": "has(event.field)",
    **{name: f"time.{name}()" for name in (
        "getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfYear", "getDayOfWeek", "getHours",
        "getMinutes", "getSeconds", "getMilliseconds")},
}
_OTHER_WORDS = {"lower": "lowerAscii", "upper": "upperAscii", "length": "size", "len": "size", "like": "matches",
                "toString": "string", "abs": "x < 0 ? -x : x", "now": "time", "strip": "trim", "regex": "matches"}


def _unknown_function(one: Finding, name: str) -> list[ExpressionProblem]:
    start = one.offset - len(name)
    if name in _SIGNATURES:
        return one.at(start, f"`{name}` is not called like this", f"write {_SIGNATURES[name]}", len(name))
    known = {**_SIGNATURES, **{macro.name: macro.signature for macro in one.scope.macros.values()}}
    close = _OTHER_WORDS.get(name) or nearest(name, known)
    hint = f"write {known.get(close, close)}" if close else "the manual lists the functions"
    return one.at(start, f"there is no function `{name}`", hint, len(name))


def _unknown_part(one: Finding) -> list[ExpressionProblem]:
    name, shape = one.found.groups()
    start = one.offset + (1 if one.text[one.offset:one.offset + 1] == "." else 0)
    if start == one.offset:  # under has() the checker points to the bracket
        start = max(start, one.text.find(f".{name}", one.offset) + 1)
    if shape == "event":
        return one.at(start, *explain_name(name, one.scope), len(name))
    register = one.scope.register_called(shape)
    fields = one.scope.shapes.get(shape, {}) if register is None else one.scope.registers[register].fields
    label = "a place" if shape == "place" else shape.replace("step_", "the event of step ")
    label = label if register is None else f"register {register}"
    return one.at(start, f"{label} has no `{name}`", nearest_hint(name, fields), len(name))


def _no_parts(one: Finding) -> list[ExpressionProblem]:
    kind = friendly(one.found.group(1))
    return [] if kind == "*error*" else one.at(one.offset, f"{_a(kind)} has no fields")


def _no_range(one: Finding) -> list[ExpressionProblem]:
    kind = friendly(one.found.group(1))
    if kind == "*error*":
        return []
    return one.at(one.offset, f"all, exists, map and filter go over a list or a map, this is {_a(kind)}")


def _has_what(one: Finding) -> list[ExpressionProblem]:
    word = re.match(r"\w+", one.text[one.offset:])
    named = word.group() if word and f"event.{word.group()}" in one.scope.paths else "field"
    return one.at(one.offset, "has() asks for a field of something", f"write has(event.{named})",
                  len(word.group()) if word else 1)


def _reserved(one: Finding) -> list[ExpressionProblem]:
    word = one.found.group(1)
    hint = "write condition ? this : that" if word in ("if", "else") else f"a field of that name is event.`{word}`"
    return one.at(one.offset, f"`{word}` is a word of CEL's own and no name", hint, len(word))


# Types

_FRIENDLY = {"google.protobuf.Timestamp": "timestamp", "google.protobuf.Duration": "duration", "null_type": "null",
             "google.protobuf.Value": "dyn", "google.protobuf.Struct": "map", "google.protobuf.ListValue": "list"}
_SYMBOLS = {"@in": "in", "_[_]": "[ ]", "_?_:_": "? :", "!_": "!", "-_": "-"}


def friendly(kind: str) -> str:
    """A type as people call it."""
    for ours, theirs in _FRIENDLY.items():
        kind = kind.replace(ours, theirs)
    return re.sub(r"(?:message:)?tocsin\.(?:step_|register_)?(\w+)", r"\1", kind)


def _a(kind: str) -> str:
    return f"an {kind}" if kind[:1] in "aeio" else f"a {kind}"


def _no_overload(one: Finding) -> list[ExpressionProblem]:
    function, inner = one.found.groups()
    kinds = split_types(re.sub(r"\bregister_\d+", lambda found: one.scope.register_called(found[0]) or found[0], inner))
    symbol = _SYMBOLS.get(function, function.strip("_"))
    if not re.fullmatch(r"\w+", function.strip("_@")) or function == "@in":
        length = len(symbol) if symbol not in ("[ ]", "? :") else 1
        return one.at(one.offset, _mismatch(symbol, kinds), _conversion(symbol, kinds), length)
    told = f"`{function}` does not take {', '.join(kinds) or 'nothing'}"
    hint = f"write {_SIGNATURES[function]}" if function in _SIGNATURES else ""
    if function in one.scope.macros:
        hint = f"write {one.scope.macros[function].signature}"
    register = one.scope.register_called(function)
    if register is not None:
        told = f"the key of register {register} is not {_a(kinds[0])}"
        return one.at(one.text.rfind("register", 0, one.offset + 1), told, hint, len("register"))
    return one.at(one.offset - len(function), told, hint, len(function))


def split_types(text: str) -> list[str]:
    """`int, list(map(string, int))` as friendly types."""
    parts, depth, start = [], 0, 0
    for index, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append(text[start:index].strip())
            start = index + 1
    return [friendly(part) for part in [*parts, text[start:].strip()] if part]


def _mismatch(symbol: str, kinds: list[str]) -> str:
    if symbol in ("&&", "||"):
        return f"`{symbol}` stands between two conditions, here between {' and '.join(kinds)}"
    if symbol == "!":
        return f"`!` stands before a condition, here before {_a(kinds[0])}"
    if symbol == "? :":
        if kinds[0] not in ("bool", "dyn"):
            return f"before `?` stands a condition, here {_a(kinds[0])}"
        return f"both sides of `:` have one type, here {kinds[1]} and {kinds[2]}"
    if symbol == "in":
        return f"{_a(kinds[0])} cannot be in {_a(kinds[1])}"
    if symbol == "[ ]":
        return f"{_a(kinds[0])} has no [{kinds[1]}]"
    if len(kinds) == 1:
        return f"`{symbol}` does not take {_a(kinds[0])}"
    if symbol in ("==", "!=", "<", "<=", ">", ">="):
        return f"`{symbol}` cannot compare {kinds[0]} with {kinds[1]}"
    return f"`{symbol}` does not take {kinds[0]} and {kinds[1]}"


def _conversion(symbol: str, kinds: list[str]) -> str:
    """What usually helps."""
    pair = set(kinds[:2])
    if symbol in ("<", "<=", ">", ">=") and kinds[0] == "bool":
        return "a < b < c is written a < b && b < c"
    if "null" in pair:
        return "whether a field is there says has(event.field)"
    if pair == {"timestamp", "string"}:
        return 'write timestamp("2026-01-31T08:00:00Z")'
    if "duration" in pair and pair & {"int", "double", "string"} or pair == {"timestamp", "int"}:
        return 'write a span as duration("10m")'
    if "string" in pair and pair & {"int", "double", "uint"}:
        number = (pair - {"string"}).pop()
        return f"write a text in quotes and a number without; or convert with string(x) or {number}(x)"
    if symbol == "%":
        return "% is for whole numbers: int(x) % 2"
    if symbol in ("&&", "||", "!") or (symbol == "? :" and kinds[0] != "bool"):
        return "compare it with something, for example x == 1"
    if symbol == "in":
        return 'write x in ["a", "b"], all of the type of x'
    return ""


# Syntax


def _syntax(one: Finding) -> list[ExpressionProblem]:
    rest = one.found.group(1)
    if not one.text.strip():
        return one.at(0, "the expression is empty", "write a condition or leave the field out")
    for pattern, message in _SYNTAX:
        found = re.match(pattern, rest, re.DOTALL)
        if found is not None:
            piece = found.group(1) if found.groups() else ""
            return one.at(one.offset, message.format(piece), _other_language(one, piece), len(piece.rstrip()))
    return one.at(one.offset, f"syntax: {rest}")


_SYNTAX = (
    (r"mismatched input '<EOF>'", "the expression ends too early"),
    (r"missing '(.*?)' at '<EOF>'", "the expression ends before `{}`"),
    (r"token recognition error at: '([\"'].*)'$", "the quoted text {} does not end"),
    (r"token recognition error at: '=", "`=` is no comparison"),
    (r"token recognition error at: '(.*?)'$", "`{}` means nothing in CEL"),
    (r"missing '(.*?)' at ", "`{}` is missing here"),
    (r"(?:mismatched|extraneous) input '(.*?)' expecting", "`{}` is not expected here"),
    (r"no viable alternative at input '(.*)'", "`{}` is not expected here"),
)
_OTHERS = {"and": "write &&", "or": "write ||", "not": "write !", "like": "write x.matches(r'pattern')",
           "is": "write ==", "between": "write x >= a && x <= b"}


def _other_language(one: Finding, piece: str) -> str:
    """A hint where another language's word stands."""
    if one.text[one.offset:one.offset + 1] == "=":
        return "write =="
    if piece[:1] in ("“", "”", "‘", "’", "„"):
        return 'write plain quotes: "text"'
    before = re.search(r"(\w+)\s*$", one.text[:one.offset])
    return _OTHERS.get(piece.lower(), "write !" if before and before.group(1) == "not" else "")


def _too_deep(one: Finding) -> list[ExpressionProblem]:
    return one.at(0, "the expression is nested too deeply (32 levels)",
                  "join conditions with && and ||; put long choices into a list document", len(one.text))


Explain: TypeAlias = Callable[[Finding], list[ExpressionProblem]]
_TEXTS: tuple[tuple[re.Pattern[str], Explain, str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), explain, sort)
    for pattern, explain, sort in (
        (r"undeclared reference to '(.*?)' \(in container", _unknown, "name"),
        (r"undefined field '(.*?)' not found in struct 'tocsin\.(\w+)'", _unknown_part, "name"),
        (r"found no matching overload for '(.*?)' applied to '\((.*)\)'", _no_overload, "type"),
        (r"expression of type '(.*?)' cannot be the operand of a select", _no_parts, "type"),
        (r"expression of type '(.*?)' cannot be the range of a comprehension", _no_range, "type"),
        (r"has\(\) argument must be a field selection", _has_what, "syntax"),
        (r"reserved identifier: (\w+)", _reserved, "syntax"),
        (r"recursion (?:depth|limit)", _too_deep, "size"),
        (r"Syntax error: (.*)", _syntax, "syntax"),
    )
)
