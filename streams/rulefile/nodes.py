"""YAML 1.2 read into nodes that know where they stand; every mistake of syntax becomes a problem.

The nodes are built from the parser's events without recursion: a file of any shape ends in nodes
or in problems. After a mistake reading goes on at the next document.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from streams.rulefile.spots import FileText, Spot

INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
NULLS = frozenset(("", "~", "null", "Null", "NULL"))
MISSING = "!missing"  # the tag of what an alias should have named
TRUES, FALSES = frozenset(("true", "True", "TRUE")), frozenset(("false", "False", "FALSE"))


class Scalar:
    """A single value. `text` is what it says, `style` how: "" (plain), ', ", | or >."""

    __slots__ = ("end", "file", "start", "style", "tag", "text", "weight")

    def __init__(self, file: FileText, start: int, end: int, text: str, style: str, tag: str = "") -> None:
        self.file, self.start, self.end = file, start, end
        self.text, self.style, self.tag = text, style, tag
        self.weight = 1

    @property
    def spot(self) -> Spot:
        """Where it stands."""
        return Spot(self.file, self.start, self.end)

    @property
    def value(self) -> Any:
        """Its meaning by YAML 1.2's core schema: None, bool, int, float or str."""
        if self.style or self.tag == "str":
            return self.text
        return plain_value(self.text)

    @property
    def expression(self) -> Scalar:
        """How it reads where an expression belongs: as it is."""
        return self

    @property
    def origin(self) -> tuple[Scalar, list[int]] | None:
        """What it was made from, and which character of that each of its own came from; None if it was written so."""
        return None


class Listing:
    """A YAML sequence."""

    __slots__ = ("end", "entries", "file", "start", "weight")

    def __init__(self, file: FileText, start: int) -> None:
        self.file, self.start, self.end = file, start, start
        self.entries: list[Node] = []
        self.weight = 1

    @property
    def spot(self) -> Spot:
        """Where it stands."""
        return Spot(self.file, self.start, self.end)


class Mapping:
    """A YAML mapping: pairs in the order of the file, each key once."""

    __slots__ = ("end", "file", "merged", "pairs", "start", "weight")

    def __init__(self, file: FileText, start: int) -> None:
        self.file, self.start, self.end = file, start, start
        self.pairs: dict[str, tuple[Scalar, Node]] = {}
        self.merged: dict[str, tuple[Scalar, Node]] = {}
        self.weight = 1

    @property
    def spot(self) -> Spot:
        """Where it begins: its brace or its first key; the whole would be too much to show."""
        first = next(iter(self.pairs.values()), None)
        block = first is not None and first[0].start == self.start
        return Spot(self.file, self.start, first[0].end if first is not None and block else self.start + 1)

    def get(self, name: str) -> Node | None:
        """The value of a key."""
        pair = self.pairs.get(name)
        return None if pair is None else pair[1]


Node: TypeAlias = Scalar | Listing | Mapping
Path: TypeAlias = tuple[str | int, ...]


def plain_value(text: str) -> Any:
    """What an unquoted scalar means: None, bool, int, float or the text itself."""
    if text in NULLS:
        return None
    if text in TRUES or text in FALSES:
        return text in TRUES
    if len(text) < 400 and INTEGER.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    return float(text) if NUMBER.fullmatch(text) else text


def plain(node: Node) -> Any:
    """A node as plain lists, dicts and values."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Listing):
        return [plain(entry) for entry in node.entries]
    return {name: plain(value) for name, (_, value) in node.pairs.items()}


def below(node: Node, path: Iterable[str]) -> Node:
    """The node that names and indices lead to, as far as they lead."""
    for part in path:
        if isinstance(node, Mapping) and part in node.pairs:
            node = node.pairs[part][1]
        elif isinstance(node, Listing) and part.isdigit() and int(part) < len(node.entries):
            node = node.entries[int(part)]
    return node


def walk(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """The node and all below it, each with the path that leads there."""
    yield path, node
    if isinstance(node, Listing):
        for index, entry in enumerate(node.entries):
            yield from walk(entry, (*path, index))
    elif isinstance(node, Mapping):
        for name, (_, value) in node.pairs.items():
            yield from walk(value, (*path, name))


def describe(node: Node) -> str:
    """What a node is, for a sentence: `a list`, `a mapping`, `nothing`, or its text."""
    if isinstance(node, Listing):
        return "a list"
    if isinstance(node, Mapping):
        return "a mapping"
    if node.value is None:
        return "nothing"
    return repr(node.text) if len(node.text) <= 40 else repr(node.text[:37] + "...")
