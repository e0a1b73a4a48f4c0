"""Placeholders of templates: `$name`, or `${name}` where a letter follows; `$$` is a plain `$`.

A scalar that is a placeholder and nothing else becomes the value with its type. Within an expression a value
stands as a literal of the language: texts in quotes, durations as durations; between quotes it is part of the
text that stands there. Filled nodes know which characters
of the template they came from, so that every problem points into the template.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

import msgspec

from streams.clocks import duration
from streams.conditions import string_literals
from streams.rulefile.nodes import Listing, Node, Scalar
from streams.rulefile.nodes import Mapping as MappingNode

PLACEHOLDER = re.compile(r"\$(?:\$|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})")


class Given(msgspec.Struct, frozen=True):
    """What an instance gives for a parameter: its type and its text as YAML has it."""

    type: str
    text: str

    @property
    def literal(self) -> str:
        """As it stands within an expression."""
        if self.type == "string":
            return json.dumps(self.text, ensure_ascii=False)
        if self.type == "duration":
            return f'duration("{duration(self.text)}us")'
        if self.type == "double" and re.fullmatch(r"[-+]?\d+", self.text):
            return _bracketed(f"{self.text}.0")
        return f"({self.text})" if self.type == "expression" else _bracketed(self.text)


class Filled(Scalar):
    """A scalar of a template with values in place of its placeholders.

    `marks` tells for each character of the text which one of the `source`'s text it came from.
    """

    __slots__ = ("given", "marks", "source")

    def __init__(self, source: Scalar, given: Mapping[str, Given], literally: bool = False) -> None:
        whole = PLACEHOLDER.fullmatch(source.text.strip())
        only = given.get(whole[1] or whole[2] or "") if whole is not None else None
        text, self.marks = _filled(source.text, given, literally and only is None)
        if only is not None:
            text = only.literal if literally and only.type != "expression" else only.text
            self.marks = _marks(0, len(source.text), len(text))
        plain = only is not None and only.type not in ("string", "expression")
        style, tag = ("", "") if plain else (source.style, "str")
        super().__init__(source.file, source.start, source.end, text, style, tag)
        self.source = source
        self.given = None if literally else given

    @property
    def expression(self) -> Scalar:
        """The same with values as literals of the language."""
        return self if self.given is None else Filled(self.source, self.given, literally=True)

    @property
    def origin(self) -> tuple[Scalar, list[int]]:
        """The scalar of the template, and for each character its own there, and one more for the end."""
        return self.source, [*self.marks, len(self.source.text)]


def fill(node: Node, given: Mapping[str, Given]) -> Node:
    """The node with values for its placeholders; what holds none stays the same node."""
    if isinstance(node, Scalar):
        return Filled(node, given) if "$" in node.text and PLACEHOLDER.search(node.text) else node
    if isinstance(node, Listing):
        entries = [fill(entry, given) for entry in node.entries]
        if all(one is other for one, other in zip(entries, node.entries, strict=True)):
            return node
        listing = Listing(node.file, node.start)
        listing.end, listing.entries, listing.weight = node.end, entries, node.weight
        return listing
    values = {name: fill(value, given) for name, (_, value) in node.pairs.items()}
    if all(values[name] is value for name, (_, value) in node.pairs.items()):
        return node
    return with_pairs(node, {name: (key, values[name]) for name, (key, _) in node.pairs.items()})


def with_pairs(node: MappingNode, pairs: dict[str, tuple[Scalar, Node]]) -> MappingNode:
    """A mapping that stands where another does, with other pairs."""
    mapping = MappingNode(node.file, node.start)
    mapping.end, mapping.pairs, mapping.weight = node.end, pairs, node.weight
    return mapping


def placeholders(node: Node) -> Iterator[tuple[str, Scalar, int, int]]:
    """The names that placeholders below a node ask for, each with its scalar and its stretch of the text."""
    if isinstance(node, Scalar):
        for found in PLACEHOLDER.finditer(node.text):
            name = found[1] or found[2]
            if name:
                yield name, node, found.start(), found.end()
        return
    children = node.entries if isinstance(node, Listing) else [value for _, value in node.pairs.values()]
    for child in children:
        yield from placeholders(child)


def _filled(text: str, given: Mapping[str, Given], literally: bool) -> tuple[str, list[int]]:
    """The text with its values, and for each character the one that it came from."""
    parts: list[str] = []
    marks: list[int] = []
    at = 0
    strings = list(string_literals(text)) if literally else []
    for found in PLACEHOLDER.finditer(text):
        name = found[1] or found[2]
        value = "$" if name is None else given[name].text
        if name is not None and literally:
            within = next((raw for start, end, raw in strings if start < found.start() < end), None)
            value = given[name].literal if within is None else value if within else _escaped(value)
        parts += [text[at : found.start()], value]
        marks += [*range(at, found.start()), *_marks(found.start(), found.end(), len(value))]
        at = found.end()
    return "".join([*parts, text[at:]]), [*marks, *range(at, len(text))]


def _marks(start: int, end: int, number: int) -> list[int]:
    """So many characters over a stretch: the first at its start, the last at its end."""
    inner = [start + min(index, end - start - 1) for index in range(number)]
    return [*inner[:-1], end - 1] if inner else []


def _escaped(text: str) -> str:
    """A text within a string literal of either quotes."""
    return "".join("\\" + char if char in "\\\"'" else char for char in text).replace("\n", "\\n")


def _bracketed(number: str) -> str:
    plain = number.removeprefix("+")
    return f"({plain})" if plain.startswith("-") else plain
