"""What is written at a place of a file, also where the file is not whole: somebody is typing there.

The parser wants whole YAML. So a mark is put where the cursor is, and what is begun there is completed in the few ways
that it can go on (a value, a name with its colon, brackets and quotes closed); what can be read then is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from streams.problems import Gravity
from streams.rulefile.codes import Report
from streams.rulefile.embedded import offsets
from streams.rulefile.nodes import Listing, Mapping, Node, Path, Scalar
from streams.rulefile.reading import documents
from streams.rulefile.spots import FileText

MARK = "\ue000"  # of Unicode's private use; YAML and expressions take it for a letter
_DOCUMENT = re.compile(r"^---(?=\s|$).*$", re.MULTILINE)
_VISIBLE = re.compile(r"[^\r\n]")
_NAME_BEGUN = re.compile(r"\s*(?:- +)*[\w.-]*")
_CLOSING = {"{": "}", "[": "]"}


class Written(msgspec.Struct, frozen=True):
    """A single value, or the name of a field (`key`), and where the cursor is in its text.

    `path` leads from the document to the value; of a name to the mapping that it stands in.
    """

    document: Mapping
    path: Path
    node: Scalar
    at: int
    key: bool = False

    @property
    def before(self) -> str:
        """The text before the cursor."""
        return self.node.text[: self.at].replace(MARK, "")

    @property
    def text(self) -> str:
        """The whole text."""
        return self.node.text.replace(MARK, "")


def written_at(text: str, offset: int) -> Written | None:
    """What stands at an offset of a file that can be read there; None if nothing does. Places are those of the file."""
    start, end = chunk(text, offset)
    alone = _VISIBLE.sub(" ", text[:start]) + text[start:end]
    for document in _read(alone) or ():
        for one in _scalars(document):
            if one.node.start <= offset <= one.node.end:
                return msgspec.structs.replace(one, at=_within(one.node, offset))
    return None


def places_at(text: str, offset: int) -> list[Written]:
    """What the word at an offset can be: a value, or the name of a field."""
    found: dict[tuple[Path, bool], Written] = {}
    start, end = chunk(text, offset)
    for line in _completed(text[start:offset], text[offset:end]):
        one = _marked(line)
        if one is not None:
            found.setdefault((one.path, one.key), one)
    return list(found.values())


def chunk(text: str, offset: int) -> tuple[int, int]:
    """From where to where the document around an offset reaches."""
    marks = [found.span() for found in _DOCUMENT.finditer(text)]
    start = max((end for _, end in marks if end <= offset), default=0)
    end = min((begin for begin, _ in marks if begin >= offset), default=len(text))
    return start, end


def _completed(before: str, after: str) -> Iterator[list[str]]:
    """The ways in which it can go on; each as texts of which the first that can be read counts."""
    line_before = before[before.rfind("\n") + 1 :]
    line_after, newline, rest = after.partition("\n")
    below = newline + rest
    closed = _closers(before)
    yield [f"{before}{MARK}{after}", f"{before}{MARK}{line_after}", f"{before}{MARK}{closed}"]
    if _NAME_BEGUN.fullmatch(line_before) and not line_after.strip():
        yield [f"{before}{MARK}: {below}", f"{before}{MARK}: "]
    if closed:
        yield [f"{before}{MARK}{closed}{below}", f"{before}{MARK}{closed}"]
        if not line_after.strip():
            yield [f"{before} {MARK}: {closed}{below}"]


def _closers(before: str) -> str:
    """What closes the quotes and brackets that are open at the end of a text, from its last line at the margin on."""
    margin = max((found.start() for found in re.finditer(r"^(?=[^\s#-])", before, re.MULTILINE)), default=0)
    open_: list[str] = []
    quote, last = "", " "
    for char in before[margin:]:
        if quote:
            quote = "" if char == quote and last != "\\" else quote
        elif char in "'\"" and last in " [{,:(":
            quote = char
        elif char in _CLOSING:
            open_.append(_CLOSING[char])
        elif open_ and char == open_[-1]:
            open_.pop()
        last = " " if char == "\n" else char
    return quote + "".join(reversed(open_))


def _marked(texts: list[str]) -> Written | None:
    """Where the mark is in the first of the texts that can be read."""
    for text in texts:
        for document in _read(text) or ():
            for one in _scalars(document):
                at = one.node.text.find(MARK)
                if at >= 0:
                    return msgspec.structs.replace(one, at=at)
    return None


def _read(text: str) -> list[Mapping] | None:
    """The documents of a text that are mappings; None if it cannot be read."""
    report = Report()
    found = list(documents(FileText("", text), report))
    if any(problem.gravity is Gravity.FATAL for problem in report.problems):
        return None
    return [_in_mapping(node) for node in found if isinstance(node, Mapping | Scalar)]


def _in_mapping(node: Mapping | Scalar) -> Mapping:
    """A document that is a single word so far is a mapping whose first name is being written."""
    if isinstance(node, Mapping):
        return node
    mapping = Mapping(node.file, node.start)
    mapping.pairs[node.text] = (node, Scalar(node.file, node.end, node.end, "", ""))
    return mapping


def _scalars(document: Mapping) -> Iterator[Written]:
    """Every single value and every name of a field, in the order of the file."""
    waiting: list[tuple[Path, Node]] = [((), document)]
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, Mapping):
            for name, (key, value) in node.pairs.items():
                yield Written(document, path, key, 0, key=True)
                waiting.append(((*path, name), value))
        elif isinstance(node, Listing):
            waiting += [((*path, index), entry) for index, entry in enumerate(node.entries)]
        elif node.start < node.end or MARK in node.text:
            yield Written(document, path, node, 0)


def _within(node: Scalar, offset: int) -> int:
    """Which character of a value's text stands at an offset of the file."""
    return next((index for index, place in enumerate(offsets(node)) if place >= offset), len(node.text))
