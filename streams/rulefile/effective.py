"""The effective file of a rule: what stands in the end, and of each line where it comes from.

An instance of a template has its values in place, a district's variant its changes. The text is YAML that
reads as the rule does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from streams.rulefile.drafts import Document
from streams.rulefile.nodes import Listing, Mapping, Node, Scalar
from streams.rulefile.scalars import Passage

PLAIN = re.compile(r"[\w./$][^\n#:]*(?::[^\s,][^\n#:]*)*")
FLOW = re.compile(r"[,\[\]{}]")
WIDEST = 72


class Line(msgspec.Struct, frozen=True):
    """One line of an effective file, and the file and line that it comes from."""

    text: str
    file: str
    line: int


def lines_of(document: Document) -> list[Line]:
    """The lines of a rule, in the order of its fields; `id` is the one by which the bundle knows it."""
    writer = _Writer(dict(_expressions(document.values.read)))
    found: list[Line] = []
    for name, (key, node) in document.values.node.pairs.items():
        if name == "id" and isinstance(node, Scalar):
            found.append(_line(f"id: {document.id}", node))
        else:
            found += writer.entry(f"{_scalar(key)}:", key, node, "")
    return found


def rendered(lines: Iterable[Line]) -> str:
    """The lines as a file, each with `# from file:line` behind it."""
    known = list(lines)
    width = min(WIDEST, max((len(one.text) for one in known), default=0))
    return "".join(f"{one.text:<{width}}  # from {one.file}:{one.line}\n" for one in known)


def about(document: Document, variants: Iterable[str]) -> list[str]:
    """What the text itself does not say: of what the rule was made, and where it holds."""
    origin = document.origin
    told = [f"instance {origin.instance} of the template {origin.template}"] if origin.template else []
    if origin.district:
        told.append(f"in the district {origin.district} only" + (f": {origin.reason}" if origin.reason else ""))
    if origin.outside:
        told.append(f"everywhere but in {', '.join(origin.outside)}: there stands {', '.join(variants)}")
    return told


class _Writer:
    """Writes nodes. `expressions` are the filled texts of what a template holds as an expression, by place."""

    def __init__(self, expressions: dict[tuple[str, int], str]) -> None:
        self.expressions = expressions

    def entry(self, head: str, key: Node, node: Node, indent: str) -> Iterator[Line]:
        """A value behind its head, on the same line where it fits."""
        if isinstance(node, Scalar) or _of_one_line(node):
            yield _line(f"{indent}{head} {self._flow(node)}".rstrip(), node)
        elif isinstance(node, Mapping):
            yield _line(f"{indent}{head}", key)
            yield from self._pairs(node, f"{indent}  ")
        else:
            yield _line(f"{indent}{head}", key)
            for one in node.entries:
                yield from self._listed(one, f"{indent}  ")

    def _pairs(self, node: Mapping, indent: str) -> Iterator[Line]:
        for key, value in node.pairs.values():
            yield from self.entry(f"{_scalar(key)}:", key, value, indent)

    def _listed(self, node: Node, indent: str) -> Iterator[Line]:
        """An entry of a list: a mapping begins on the line of its dash."""
        if not isinstance(node, Mapping) or _of_one_line(node):
            yield from self.entry("-", node, node, indent)
            return
        for number, line in enumerate(self._pairs(node, f"{indent}  ")):
            text = f"{indent}- {line.text[len(indent) + 2 :]}" if number == 0 else line.text
            yield msgspec.structs.replace(line, text=text)

    def _flow(self, node: Node, within: bool = False) -> str:
        """A value on one line; `within` brackets more texts need quotes."""
        if isinstance(node, Listing):
            return f"[{', '.join(self._flow(one, within=True) for one in node.entries)}]"
        if isinstance(node, Mapping):
            parts = [[self._flow(one, within=True) for one in pair] for pair in node.pairs.values()]
            return f"{{{', '.join(map(': '.join, parts))}}}"
        text = self.expressions.get((node.file.name, node.start), node.text) if node.origin else node.text
        if (within and FLOW.search(text) and isinstance(node.value, str)) or text != node.text:
            return json.dumps(text, ensure_ascii=False)
        return _scalar(node)


def _expressions(value: Any) -> Iterator[tuple[tuple[str, int], str]]:
    """The expressions among the values of a rule that were filled in, by place."""
    if isinstance(value, Passage):
        if value.node.origin is not None:
            yield (value.node.file.name, value.node.start), value.text
    elif isinstance(value, dict):
        for one in value.values():
            yield from _expressions(one)
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _expressions(one)
    elif isinstance(value, msgspec.Struct):
        yield from _expressions([getattr(value, name) for name in value.__struct_fields__])


def _of_one_line(node: Node) -> bool:
    """Whether all of a value comes from one line."""
    return len(set(_places(node))) == 1 or not _children(node)


def _places(node: Node) -> Iterator[tuple[str, int]]:
    yield node.file.name, node.file.position(node.start)[0]
    for child in _children(node):
        yield from _places(child)


def _children(node: Node) -> list[Node]:
    if isinstance(node, Listing):
        return node.entries
    return [one for pair in node.pairs.values() for one in pair] if isinstance(node, Mapping) else []


def _scalar(node: Scalar) -> str:
    """A scalar in YAML: as it is where that means the same, else in quotes."""
    text = node.text
    if not isinstance(node.value, str):
        return text or "null"
    plain = PLAIN.fullmatch(text) is not None and text == text.strip()
    like_another = not isinstance(Scalar(node.file, 0, 0, text, "").value, str)
    return text if plain and not like_another else json.dumps(text, ensure_ascii=False)


def _line(text: str, node: Node) -> Line:
    return Line(text, node.file.name, node.file.position(node.start)[0])
