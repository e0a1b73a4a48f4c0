"""What the files of a folder declare, also while somebody writes in one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

import msgspec

from streams.kinds import all_kinds
from streams.problems import Gravity
from streams.rulefile.codes import Report
from streams.rulefile.nodes import Mapping as MappingNode
from streams.rulefile.nodes import Node, Scalar
from streams.rulefile.reading import decode, documents
from streams.rulefile.spots import Spot
from streams.rules import FINDINGS_OF, EventType

RULE = "rule"


class Document(msgspec.Struct, frozen=True):
    """A document that says its kind and its id. `path` is that of its file below the folder."""

    kind: str
    id: str
    node: MappingNode
    path: str

    @property
    def title(self) -> str:
        """What people call it; "" if it does not say."""
        return text_at(self.node, "title")

    @property
    def spot(self) -> Spot:
        """Where its id stands."""
        return (self.node.get("id") or self.node).spot


class File(msgspec.Struct, frozen=True):
    """A file as it is, and the documents in it: where it cannot be read whole, also those of before."""

    content: bytes
    documents: tuple[Document, ...]


class Known(msgspec.Struct, frozen=True):
    """A field of an event or of a row: its type, and what is declared of it."""

    name: str
    type: str
    holder: str
    doc: str = ""
    values: tuple[str, ...] = ()
    register: str = ""
    spot: Spot | None = None


class Learnt(msgspec.Struct, frozen=True):
    """The event types of rules' findings (`rule:x`), the names of zones and of districts that a file draws."""

    findings: Mapping[str, EventType] = {}
    zones: tuple[str, ...] = ()
    districts: tuple[str, ...] = ()


class Folder:
    """The files by their path below the folder. It never changes: `having` gives another that shares what is the same.

    `learnt` is what only a check knows, as the last one found it.
    """

    def __init__(self, files: Mapping[str, File] | None = None, learnt: Learnt | None = None) -> None:
        self.files: Mapping[str, File] = files or {}
        self.learnt = learnt or Learnt()

    def having(self, contents: Mapping[str, bytes]) -> Folder:
        """The folder with exactly these files."""
        files = {path: self._file(path, content) for path, content in contents.items()}
        return Folder(files, self.learnt)

    def with_file(self, path: str, content: bytes) -> Folder:
        """The folder with this file as it is now."""
        return Folder({**self.files, path: self._file(path, content)}, self.learnt)

    def told(self, learnt: Learnt) -> Folder:
        """The folder with what a check found."""
        return Folder(self.files, learnt)

    def _file(self, path: str, content: bytes) -> File:
        known = self.files.get(path)
        if known is not None and known.content == content:
            return known
        before = () if known is None else known.documents
        return File(content, _declared(path, content, before) if path.endswith(".yaml") else ())

    @cached_property
    def shelves(self) -> Mapping[str, Mapping[str, Document]]:
        """The documents by sort and id; rules of all kinds are `rule`. The first of an id counts."""
        found: dict[str, dict[str, Document]] = {}
        for path in sorted(self.files):
            for one in self.files[path].documents:
                found.setdefault(RULE if one.kind in all_kinds() else one.kind, {}).setdefault(one.id, one)
        return found

    def of(self, shelf: str) -> Mapping[str, Document]:
        """The documents of a sort by id."""
        return self.shelves.get(shelf, {})

    def one(self, shelf: str, name: str) -> Document | None:
        """The document of that id."""
        return self.of(shelf).get(name)

    def fields(self, event_type: str) -> Mapping[str, Known]:
        """The fields of an event type, or of the findings of a rule (`rule:x`)."""
        if event_type.startswith(FINDINGS_OF):
            return self._of_findings(event_type)
        declared = self.one("event_type", event_type)
        return {} if declared is None else {one.name: one for one in known_fields(declared)}

    def _of_findings(self, event_type: str) -> Mapping[str, Known]:
        found: dict[str, Known] = {}
        for name, one in self.learnt.findings.items():
            if name == event_type or name.startswith((f"{event_type}.", f"{event_type}@")):
                found |= {field.name: Known(field.name, field.type, event_type) for field in one.fields.values()}
        return found

    @property
    def districts(self) -> tuple[str, ...]:
        """The names of the city's districts: those that its document lists, else those that a file draws."""
        town = next(iter(self.of("city").values()), None)
        listed = [] if town is None else texts_of(town.node.get("districts"))
        return tuple(listed) or self.learnt.districts

    @property
    def owners(self) -> tuple[str, ...]:
        """Everyone who owns something, in order."""
        all_of_them = (one for shelf in self.shelves.values() for one in shelf.values())
        return tuple(sorted({owner for one in all_of_them if (owner := text_at(one.node, "owner"))}))


def known_fields(document: Document) -> Iterator[Known]:
    """What an event type or a register says of its fields."""
    fields = document.node.get("fields")
    if not isinstance(fields, MappingNode):
        return
    for name, (key, node) in fields.pairs.items():
        kind = node.text if isinstance(node, Scalar) else text_at(node, "type") or "string"
        values = tuple(texts_of(node.get("enum"))) if isinstance(node, MappingNode) else ()
        yield Known(name, kind, document.id, _told(node), values, text_at(node, "register"), key.spot)


def _told(node: Node) -> str:
    """Description, unit and the rest of what is declared of a field, in a line."""
    if not isinstance(node, MappingNode):
        return ""
    description, unit = text_at(node, "description"), text_at(node, "unit")
    flags = [name for name in ("required", "personal") if text_at(node, name) == "true"]
    return "; ".join(part for part in (description, f"unit {unit}" if unit else "", *flags) if part)


def text_at(node: Node | None, name: str) -> str:
    """The text of a field; "" where there is none."""
    found = node.get(name) if isinstance(node, MappingNode) else None
    return found.text if isinstance(found, Scalar) else ""


def texts_of(node: Node | None) -> list[str]:
    """A single text, or a list of them."""
    if isinstance(node, Scalar):
        return [node.text]
    entries = getattr(node, "entries", ())
    return [one.text for one in entries if isinstance(one, Scalar)]


def _declared(path: str, content: bytes, before: tuple[Document, ...]) -> tuple[Document, ...]:
    report = Report()
    file = decode(path, content, report)
    nodes = [] if file is None else list(documents(file, report))
    found = tuple(_documents(nodes, path))
    if not any(problem.gravity is Gravity.FATAL for problem in report.problems):
        return found
    here = {(one.kind, one.id) for one in found}
    return (*found, *(one for one in before if (one.kind, one.id) not in here))


def _documents(nodes: list[Node], path: str) -> Iterator[Document]:
    for node in nodes:
        kind = text_at(node, "kind")
        if isinstance(node, MappingNode) and kind:
            yield Document(kind, text_at(node, "id") or kind, node, path)
