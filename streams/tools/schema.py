"""schema: the JSON Schema (draft 2020-12) of rule files, made of the tables of fields that they are read by.

One schema fits every document: its `kind` decides which. Many editors know draft 07 only, so nothing is used that means
something else there; what they do not know (`dependentRequired`) they pass over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from streams.clocks import show_duration
from streams.kinds import Field, all_kinds
from streams.rulefile.assembling import LATER
from streams.tools import shapes
from streams.tools.shapes import Anything, Either, Many, Named, One, Role, RuleWithin, Shape, Table, shape_of

DRAFT = "https://json-schema.org/draft/2020-12/schema"
TESTS = "tests"
_WITHIN = "in_template_"
_PLACEHOLDER = {"type": "string", "pattern": r"\$"}
Json = dict[str, Any]


def schema_of(kind: str | None = None, version: str = "") -> Json:
    """The schema of every document, or of the documents of one kind (`tests` for a `.test.yaml`). KeyError if none."""
    writer = _Writer()
    title = "Tocsin: rule files" if kind is None else f"Tocsin: {kind}"
    head = {"$schema": DRAFT, "title": title, **({"$comment": f"tocsin {version}"} if version else {})}
    whole = writer.every() if kind is None else writer.table(tables()[kind])
    return {**head, **whole, "$defs": dict(sorted(writer.parts.items()))}


def tables() -> Mapping[str, Table]:
    """What there are schemas of, by name."""
    return {**shapes.kinds(), TESTS: shapes.tests_file()}


class _Writer:
    """Writes shapes as schemas; what has a name stands once among the `parts`. `within` a template values may wait."""

    def __init__(self, parts: Json | None = None, within: bool = False) -> None:
        self.parts: Json = {} if parts is None else parts
        self.within = within

    def every(self) -> Json:
        """Any document; one that has `tests` and no kind is a file of tests."""
        documents = self._by_kind(shapes.kinds(), [*shapes.kinds(), *sorted(LATER)])
        no_kind: Json = {"required": [TESTS], "not": {"required": ["kind"]}}
        return {"type": "object", "if": no_kind, "then": self.table(shapes.tests_file()), "else": documents}

    def _by_kind(self, known: Mapping[str, Table], names: Iterable[str]) -> Json:
        """What its `kind` says that it is."""
        cases = [
            {"if": {"properties": {"kind": {"const": name}}, "required": ["kind"]}, "then": self.table(table)}
            for name, table in known.items()
        ]
        kind = {"description": "What the document is.", "enum": [*names, *([] if self.within else [TESTS])]}
        return {"required": ["kind"], "properties": {"kind": kind}, "allOf": cases}

    def of(self, shape: Shape) -> Json:
        """The schema of a shape."""
        match shape:
            case One():
                return self._one(shape)
            case Table():
                return self.table(shape)
            case Named():
                return self._named(shape)
            case Many():
                bounds = {"minItems": shape.least or None, "maxItems": shape.most}
                return _without_none({"type": "array", "items": self.of(shape.of), **bounds})
            case Either():
                return {"anyOf": [self.of(one) for one in shape.of]}
            case RuleWithin():
                return self._rule_within()
            case Anything():
                return {}

    def _one(self, one: One) -> Json:
        types: Any = one.types[0] if len(one.types) == 1 else list(one.types)
        plain: Json = {"type": types, "pattern": one.pattern or None, "minimum": one.least, "maximum": one.most}
        if one.values:
            values = [value == "true" for value in one.values] if one.types == ("boolean",) else list(one.values)
            plain = {"enum": values}
        plain = _without_none(plain)
        waits = self.within and not (one.role in (Role.EXPRESSION, Role.TEXT) or plain == {"type": list(shapes.TEXT)})
        return {"anyOf": [plain, _PLACEHOLDER]} if waits else plain

    def _named(self, named: Named) -> Json:
        but = {"enum": list(named.but)} if named.but else None
        names = _without_none({"pattern": named.pattern or None, "not": but})
        whole = {"type": "object", "additionalProperties": self.of(named.of), "propertyNames": names or None}
        return _without_none(whole)

    def _rule_within(self) -> Json:
        name = f"{_WITHIN}rule"
        if name not in self.parts:
            inner = _Writer(self.parts, within=True)
            self.parts[name] = {}
            rules = {kind: shapes.within(kind) for kind in all_kinds()}
            self.parts[name] = {"type": "object", **inner._by_kind(rules, rules)}
        return {"$ref": f"#/$defs/{name}"}

    def table(self, table: Table) -> Json:
        """The schema of a table of fields, as a reference to it."""
        name = f"{_WITHIN}{table.name}" if self.within else table.name
        if name not in self.parts:
            self.parts[name] = {}  # known while its fields are written, should one hold such a table again
            self.parts[name] = self._written(table)
        return {"$ref": f"#/$defs/{name}"}

    def _written(self, table: Table) -> Json:
        needed = [field.name for field in table.fields if field.required and not field.instead]
        groups = [*shapes.groups(table.fields), *table.one_of]
        cases = [self._one_of(group) for group in dict.fromkeys(groups)] + [*self._forms(table)]
        return _without_none({
            "description": about(table.doc) or None,
            "type": "object",
            "properties": {field.name: self._property(field) for field in table.fields},
            "additionalProperties": table.more,
            "required": needed or None,
            "minProperties": table.least or None,
            "maxProperties": table.most,
            "dependentRequired": {name: [other] for name, other in table.pairs} or None,
            "allOf": cases or None,
        })

    def _property(self, field: Field) -> Json:
        return {"description": about(field.doc), **default_of(field), **self.of(shape_of(field))}

    @staticmethod
    def _one_of(group: tuple[str, ...]) -> Json:
        return {"oneOf": [{"required": [name]} for name in group]}

    @staticmethod
    def _forms(table: Table) -> Iterable[Json]:
        """Which fields go with which `type`, the default one where none is given."""
        kind = table.field("type")
        for name, (needed, allowed) in table.forms.items():
            given: Json = {"properties": {"type": {"const": name}}}
            if kind is None or kind.default != name:
                given["required"] = ["type"]
            names = ["type", *needed, *allowed]
            yield {"if": given, "then": {"required": list(needed), "propertyNames": {"enum": names}}}


def about(doc: str) -> str:
    """A field's doc as a sentence."""
    text = doc.strip()
    return text[:1].upper() + text[1:].rstrip(".") + "." if text else ""


def default_of(field: Field) -> Json:
    """The default as it would be written; nothing where there is none to speak of."""
    value = field.default
    if field.required or value in (None, "", (), {}) or not isinstance(value, str | int | float):
        return {}
    if field.type.startswith("duration"):
        return {"default": show_duration(int(value))}
    return {"default": value}


def _without_none(part: Json) -> Json:
    return {name: value for name, value in part.items() if value is not None}
