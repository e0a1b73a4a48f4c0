"""What belongs at a place of a document: its shapes by the tables of fields, and the field that it is the value of."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from streams.kinds import Field, all_kinds
from streams.rulefile.assembling import LATER
from streams.rulefile.nodes import Mapping, Path
from streams.tools import shapes
from streams.tools.lsp.folder import text_at
from streams.tools.schema import tables
from streams.tools.shapes import Either, Many, Named, One, RuleWithin, Shape, Table, shape_of

TESTS_SUFFIX = ".test.yaml"
KIND = Table("document", (Field("kind", "kind", "what the document is", required=True,
                                values=(*shapes.kinds(), *sorted(LATER))),))
"""What a document is that does not say its kind yet."""

RULE = Table("rule", (Field("kind", "kind", "what sort of rule it is", required=True, values=tuple(all_kinds())),))


class Standing(msgspec.Struct, frozen=True):
    """What may stand at a place, and the field whose value it is, or is part of; `rule` is the path to a rule there."""

    shapes: tuple[Shape, ...]
    field: Field | None = None
    rule: Path | None = None

    @property
    def tables(self) -> list[Table]:
        """The tables of which a mapping here would be."""
        return [one for one in self.shapes if isinstance(one, Table)]

    @property
    def ones(self) -> list[One]:
        """The single values that may stand here."""
        return [one for one in self.shapes if isinstance(one, One)]


def standing(document: Mapping, path: Path, file: str = "") -> Standing:
    """What belongs where a path leads; without shapes where nothing is known of it. `file` is the file's path."""
    here = Standing((table_of(document, file),), rule=() if text_at(document, "kind") in all_kinds() else None)
    for index, part in enumerate(path):
        here = _below(here, part, document, path[: index + 1])
    return here


def table_of(document: Mapping, file: str = "") -> Table:
    """The table of a document: that of its kind, if it says one."""
    known = tables()
    kind = text_at(document, "kind")
    if not kind and (file.endswith(TESTS_SUFFIX) or "tests" in document.pairs):
        kind = "tests"
    return known.get(kind, KIND)


def _below(here: Standing, part: str | int, document: Mapping, path: Path) -> Standing:
    """One step from a place to a part of it."""
    for shape in here.shapes:
        if isinstance(part, int):
            if isinstance(shape, Many):
                return msgspec.structs.replace(here, shapes=tuple(_flat(shape.of, document, path)))
        elif isinstance(shape, Table) and (field := shape.field(part)) is not None:
            found = shape_of(field)
            rule = path if isinstance(found, RuleWithin) else here.rule
            return Standing(tuple(_flat(found, document, path)), field, rule)
        elif isinstance(shape, Named):
            return msgspec.structs.replace(here, shapes=tuple(_flat(shape.of, document, path)))
    return Standing((), None, here.rule)


def _flat(shape: Shape, document: Mapping, path: Path) -> Iterator[Shape]:
    """A shape's alternatives; the rule of a template is of the kind that it says."""
    if isinstance(shape, Either):
        for one in shape.of:
            yield from _flat(one, document, path)
    elif isinstance(shape, RuleWithin):
        kind = text_at(node_at(document, path), "kind")
        yield shapes.within(kind) if kind in all_kinds() else RULE
    else:
        yield shape


def node_at(document: Mapping, path: Path) -> Mapping | None:
    """The mapping that a path leads to; None if it leads to none."""
    node: object = document
    for part in path:
        if isinstance(node, Mapping) and isinstance(part, str):
            node = node.get(part)
        else:
            entries = getattr(node, "entries", ())
            node = entries[part] if isinstance(part, int) and part < len(entries) else None
    return node if isinstance(node, Mapping) else None
