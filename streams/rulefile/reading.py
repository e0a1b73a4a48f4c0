"""From the bytes of one file to its YAML documents: `documents` reports what is wrong on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from streams.rulefile import codes
from streams.rulefile.codes import Report
from streams.rulefile.nodes import MISSING, Listing, Mapping, Node, Scalar
from streams.rulefile.parsing import events_of
from streams.rulefile.spots import FileText, Spot

DEPTH_LIMIT = 40
WEIGHT_LIMIT = 200_000
KNOWN_TAGS = frozenset(("str", "int", "float", "bool", "null", "map", "seq"))
_PROPERTIES = re.compile(r"(?:[&!]\S*\s+)+|[&!]\S*$")
_HALF = re.compile("[\ud800-\udfff]")
_NEXT_DOCUMENT = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_ADVICE = (
    ("'\\t'", "indent with spaces: YAML does not take tabs here"),
    ("mapping values are not allowed", "put quotes around a text that holds `: `, or check the indentation"),
    ("cannot start any token", "put quotes around a text that begins with this character"),
    ("unknown escape character", "double the backslash, or use single quotes"),
    ("unexpected end of stream", "close the quotes that are opened here"),
    ("document separator", "close the quotes that are opened here"),
    ("expected ',' or '", "close the bracket, or put a comma between the entries"),
    ("flow node", "close the bracket that is opened here"),
    ("expected <block end>", "indent this line like its neighbours"),
)


def decode(name: str, content: bytes, report: Report) -> FileText | None:
    """The text of a file, without a byte order mark; None, and a problem, if it is not UTF-8."""
    try:
        return FileText(name, content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", "replace")
        file = FileText(name, before + "�")
        report.add(codes.NOT_UTF8, file.spot(len(before)), f"byte 0x{content[error.start]:02x} is not UTF-8")
        return None


def documents(file: FileText, report: Report) -> Iterator[Node]:
    """The documents of a file. After a mistake reading goes on at the next `---`."""
    found = False
    base: int | None = 0
    while base is not None:
        builder = _Builder(file, base, report)
        for node in builder.documents():
            found = True
            yield node
        found = found or builder.failed
        base = _next_document(file.text, builder.reached) if builder.failed else None
    if not found:
        report.add(codes.EMPTY_FILE, file.spot(0), "there is no document in this file")


def _next_document(text: str, offset: int) -> int | None:
    found = _NEXT_DOCUMENT.search(text, offset)
    return None if found is None else found.start()


class _Builder:
    """Builds nodes from the parser's events of the text from `base` on."""

    def __init__(self, file: FileText, base: int, report: Report) -> None:
        self.file, self.base, self.report = file, base, report
        self.failed, self.reached = False, base
        self.open: list[Listing | Mapping] = []
        self.keys: list[Scalar | None] = []
        self.anchors: dict[str, Node] = {}

    def documents(self) -> Iterator[Node]:
        """Each document that could be read to its end."""
        events = events_of(self.file.text[self.base :])
        try:
            for event in events if isinstance(events, list) else _guarded(iter(events)):
                root = self._take(event)
                if root is not None and not self._is_nothing(root):
                    yield root
        except (YAMLError, _Stop) as error:
            self.failed = True
            self.reached = max(self._explain(error), self.base + 1)

    @staticmethod
    def _is_nothing(root: Node) -> bool:
        """`---` with nothing after it is no document."""
        return isinstance(root, Scalar) and root.start == root.end and not root.style

    def _explain(self, error: Exception) -> int:
        """Report why the parser gave up; the offset where."""
        if isinstance(error, ReaderError):
            offset = self.base + int(error.position)
            self.report.add(
                codes.SYNTAX,
                self.file.spot(offset),
                "a character that YAML does not allow",
                'remove the character, or write it as an escape such as "\\x07"',
            )
            return offset
        if isinstance(error, _Stop):
            self.report.add(codes.TOO_LARGE, error.spot, str(error))
            return error.spot.start
        if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
            self.report.add(codes.SYNTAX, self.file.spot(self.base), f"YAML: {error}".splitlines()[0])
            return self.base
        return self._explain_marked(error, error.problem_mark)

    def _explain_marked(self, error: MarkedYAMLError, mark: Any) -> int:
        problem, context = error.problem or "syntax error", error.context or ""
        reached = self._offset(mark)
        shown = reached
        if error.context_mark is not None and ("unexpected" in problem or "<stream end>" in problem):
            shown = self.base + error.context_mark.index
        text = f"{problem} {context}".strip()
        if error.context_mark is not None and error.context_mark.line != mark.line:
            text += f" that begins in line {self.file.position(self.base + error.context_mark.index)[0]}"
        hint = next((advice for words, advice in _ADVICE if words in text), "")
        self.report.add(codes.SYNTAX, self.file.spot(shown), f"YAML: {text}", hint)
        return reached

    def _take(self, event: Any) -> Node | None:
        """One event; returns the root when a document is complete."""
        name = type(event).__name__
        if name == "ScalarEvent":
            return self._place(self._scalar(event), event)
        if name == "AliasEvent":
            return self._place(self._alias(event), None)
        if name in ("MappingStartEvent", "SequenceStartEvent"):
            self._begin(event, Mapping if name[0] == "M" else Listing)
            return None
        if name in ("MappingEndEvent", "SequenceEndEvent"):
            return self._finish(event)
        if name == "DocumentStartEvent":
            self.anchors = {}
        return None

    def _offset(self, mark: Any) -> int:
        return self.base + int(mark.index)

    def _content_start(self, event: Any) -> int:
        """Where the value begins, behind an anchor and a tag."""
        start = self._offset(event.start_mark)
        if event.anchor is None and event.tag is None:
            return start
        found = _PROPERTIES.match(self.file.text, start, self._offset(event.end_mark))
        return start if found is None else found.end()

    def _tag(self, event: Any, start: int) -> str:
        tag = str(event.tag or "")
        short = tag.rsplit(":", 1)[-1]
        if tag and tag != "!" and short not in KNOWN_TAGS:
            self.report.add(codes.YAML_FEATURE, self.file.spot(start), f"the tag {tag} has no meaning here")
        return "str" if tag == "!" else short

    def _scalar(self, event: Any) -> Scalar:
        start, end = self._content_start(event), self._offset(event.end_mark)
        tag = self._tag(event, self._offset(event.start_mark)) if event.tag is not None else ""
        key = self.keys[-1] if start == end and self.keys else None
        if key is not None:  # `key:` with nothing behind it is best shown at the key
            start, end = key.start, key.end
        value = self._whole(event.value, start) if event.style == '"' else event.value
        return Scalar(self.file, start, end, value, event.style or "", tag)

    def _whole(self, text: str, start: int) -> str:
        """YAML's escapes can name half a character, which no encoding can write."""
        if not _HALF.search(text):
            return text
        self.report.add(codes.YAML_FEATURE, self.file.spot(start), "an escape names half a character")
        return _HALF.sub("\ufffd", text)

    def _alias(self, event: Any) -> Node:
        start, end = self._offset(event.start_mark), self._offset(event.end_mark)
        target = self.anchors.get(event.anchor)
        if target is None or any(target is node for node in self.open):
            reason = "is not defined before" if target is None else "stands within what it names"
            self.report.add(codes.YAML_FEATURE, Spot(self.file, start, end), f"the alias *{event.anchor} {reason}")
            return Scalar(self.file, start, end, "", "", MISSING)
        return target

    def _begin(self, event: Any, shape: type[Listing] | type[Mapping]) -> None:
        start = self._content_start(event)
        if event.tag is not None:
            self._tag(event, self._offset(event.start_mark))
        node = shape(self.file, start)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        if len(self.open) >= DEPTH_LIMIT:
            raise _Stop(f"more than {DEPTH_LIMIT} levels deep", self.file.spot(start))
        self.open.append(node)
        self.keys.append(None)

    def _finish(self, event: Any) -> Node | None:
        node = self.open.pop()
        self.keys.pop()
        node.end = self._offset(event.end_mark)
        if isinstance(node, Mapping):  # what stands in the mapping itself wins over what is merged in
            node.pairs = {**node.merged, **node.pairs} if node.merged else node.pairs
        return self._place(node, None)

    def _place(self, node: Node, event: Any) -> Node | None:
        """Put a complete node where it belongs; the root belongs nowhere and is returned."""
        if event is not None and event.anchor is not None:
            self.anchors[event.anchor] = node
        if not self.open:
            return node
        parent = self.open[-1]
        parent.weight += node.weight
        if parent.weight > WEIGHT_LIMIT:
            raise _Stop("too many values, counting what aliases repeat", node.spot)
        if isinstance(parent, Listing):
            parent.entries.append(node)
        else:
            self._pair(parent, node)
        return None

    def _pair(self, parent: Mapping, node: Node) -> None:
        """The next key or value of a mapping."""
        key = self.keys[-1]
        if key is not None:
            self.keys[-1] = None
            self._set(parent, key, node)
        elif isinstance(node, Scalar):
            self.keys[-1] = node
        else:
            self.report.add(codes.YAML_FEATURE, node.spot, "a key must be a single word")
            self.keys[-1] = Scalar(self.file, node.start, node.start + 1, f"\0{node.start}", "")

    def _set(self, parent: Mapping, key: Scalar, node: Node) -> None:
        if key.text.startswith("\0"):
            return
        if key.text == "<<" and not key.style:
            self._merge(parent, key, node)
        elif key.text in parent.pairs:
            line, _ = self.file.position(parent.pairs[key.text][0].start)
            self.report.add(codes.DUPLICATE_KEY, key.spot, f"`{key.text}` stands here already, in line {line}")
        else:
            parent.pairs[key.text] = (key, node)

    def _merge(self, parent: Mapping, key: Scalar, node: Node) -> None:
        """`<<: *base`: the keys of base that do not stand here themselves."""
        bases = node.entries if isinstance(node, Listing) else [node]
        for base in bases:
            if not isinstance(base, Mapping):
                self.report.add(codes.YAML_FEATURE, key.spot, "`<<` takes a mapping, by its alias")
                continue
            for name, pair in base.pairs.items():
                parent.merged.setdefault(name, pair)


def _guarded(events: Iterator[Any]) -> Iterator[Any]:
    """The parser's events. Whatever the parser trips over is a syntax error."""
    while True:
        try:
            yield next(events)
        except StopIteration:
            return
        except YAMLError:
            raise
        except Exception as error:  # a third party's parser on any input: a person must still get a place
            raise YAMLError(f"{type(error).__name__}: {error}") from error


class _Stop(Exception):
    """Reading this document cannot go on."""

    def __init__(self, text: str, spot: Spot) -> None:
        super().__init__(text)
        self.spot = spot
