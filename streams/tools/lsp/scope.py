"""What an expression or a text may name at a place of a document: fields, steps, lists, macros, functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from streams.conditions import signatures
from streams.conditions.scope import EVENT_PARTS, PLACE_PARTS
from streams.rulefile.documents import FORMATS
from streams.rulefile.grading import OF_FINDING
from streams.rulefile.nodes import Listing, Node, Path
from streams.rulefile.nodes import Mapping as MappingNode
from streams.rulefile.ranges import IMPOSSIBLE
from streams.rulefile.selection import fits
from streams.rulefile.spots import Spot
from streams.rulefile.wording import ABOUT_RULE
from streams.rules import FINDINGS_OF, SEVERITIES
from streams.texts import BUILT_IN
from streams.tools.lsp.folder import Document, Folder, Known, known_fields, text_at, texts_of
from streams.tools.lsp.standing import Standing, node_at

OVER_FINDING = ("severity",)
_OWN = {
    "local": "the local time of the city", "register": "a row of a register", "distance": "metres between two places",
    "extract": "the first group of a pattern; it fails where nothing is found",
    "slug": "a dotted name from a text", "in_zone": "whether a place lies in a zone",
    "has": "whether a field is there", "size": "how many characters, or entries",
}
_PARTS = {
    "id": "what makes the record the same when it comes again", "source": "the source that sent it",
    "type": "its event type", "time": "when it happened", "received": "when it came",
    "severity": "how bad its source says it is", "place": "where it happened",
}


class Name(msgspec.Struct, frozen=True):
    """Something that can be named: `sort` is field, part, step, list, macro, register, function or value.

    `type` is its type or signature, `doc` what it is, `spot` where it is declared, `values` those it can have.
    """

    name: str
    sort: str
    type: str = ""
    doc: str = ""
    spot: Spot | None = None
    values: tuple[str, ...] = ()


def names_at(folder: Folder, document: MappingNode, path: Path, place: Standing, text: bool = False) -> dict[str, Name]:
    """Everything that can be named at a place, by name; what stands nearer goes before. `text`: within `{{ }}`."""
    found: dict[str, Name] = {}
    own = _own(folder, document, path, place, text)
    common = [] if text else [*_lists(folder), *_macros(folder), *_functions()]
    if common and text_at(document, "kind") != "source":
        doc = "whether a reading of the event lies outside the range that its type declares"
        common.append(Name(IMPOSSIBLE, "function", f"{IMPOSSIBLE}()", doc))
    for one in (*own, *common):
        found.setdefault(one.name, one)
    return found


def _own(folder: Folder, document: MappingNode, path: Path, place: Standing, text: bool) -> Iterator[Name]:
    kind = text_at(document, "kind")
    if kind == "source":
        yield from _of_record(document)
    elif kind == "macro":
        yield from _of_parameters(document)
        yield from _fields(folder, folder.of("event_type"), parts=True)
    elif place.rule is not None:
        rule = node_at(document, place.rule)
        if kind == "template":
            yield from placeholders(document)
        if rule is not None:
            yield from of_rule(folder, rule, path[len(place.rule) :], text)
    elif kind == "override" and path[:1] == ("set",):
        for base in bases(folder, text_at(document, "rule")):
            yield from of_rule(folder, base, path[1:], text)


def bases(folder: Folder, name: str) -> list[MappingNode]:
    """The rule, or the template's rule, of that name."""
    rule, template = folder.one("rule", name), folder.one("template", name.partition(".")[0])
    if rule is not None:
        return [rule.node]
    inner = None if template is None else template.node.get("rule")
    return [inner] if isinstance(inner, MappingNode) else []


def of_rule(folder: Folder, rule: MappingNode, path: Path, text: bool = False) -> Iterator[Name]:
    """What a rule's expression at a path below the rule may name."""
    step = _step_at(rule, path)
    if step is not None:
        yield from _fields(folder, types_of(folder, step), parts=True)
        return
    over_finding = path[:1] in [(name,) for name in OVER_FINDING]
    if text or over_finding:
        yield from _of_finding(rule, text)
    yield from _fields(folder, _all_types(folder, rule), parts=True)
    for one in steps_of(rule):
        yield from _of_step(folder, one)


def types_at(folder: Folder, document: MappingNode, path: Path, place: Standing) -> list[str]:
    """The event types that an expression at a place is about."""
    if place.rule is None:
        return list(folder.of("event_type"))
    rule = node_at(document, place.rule)
    if rule is None:
        return []
    step = _step_at(rule, path[len(place.rule) :])
    return _all_types(folder, rule) if step is None else types_of(folder, step)


def types_of(folder: Folder, selector: Node | None) -> list[str]:
    """The declared event types, and those of findings, that a selector, a step or a rule names."""
    if not isinstance(selector, MappingNode):
        return []
    inner = selector.get("not")
    if isinstance(inner, MappingNode):
        return types_of(folder, inner)
    rules = [FINDINGS_OF + name for name in texts_of(selector.get("rule"))]
    declared = folder.of("event_type")
    patterns = texts_of(selector.get("event"))
    return [*dict.fromkeys(name for pattern in patterns for name in declared if fits(pattern, name)), *rules]


def steps_of(rule: MappingNode) -> list[MappingNode]:
    """The steps of a rule."""
    steps = rule.get("steps")
    return [one for one in steps.entries if isinstance(one, MappingNode)] if isinstance(steps, Listing) else []


def _all_types(folder: Folder, rule: MappingNode) -> list[str]:
    """Those of a rule itself, or of its steps that must happen."""
    named = [rule, *(step for step in steps_of(rule) if "not" not in step.pairs)]
    return list(dict.fromkeys(name for one in named for name in types_of(folder, one)))


def _step_at(rule: MappingNode, path: Path) -> MappingNode | None:
    """The step, or the selector, whose own events an expression at the path is about."""
    if path[:1] == ("steps",) and len(path) > 2:
        return node_at(rule, path[:2])
    return node_at(rule, path[:1]) if path[:1] == ("until",) else None


def _fields(folder: Folder, types: Iterable[str], parts: bool) -> Iterator[Name]:
    """The fields of event types, with `place.district` and its like, and the parts of every event."""
    for name in types:
        for one in folder.fields(name).values():
            yield Name(one.name, "field", one.type, field_doc(one), one.spot, one.values)
            if one.type == "place":
                yield from _of_place(one.name)
    if parts:
        for name, kind in EVENT_PARTS.items():
            values = SEVERITIES if name == "severity" else ()
            yield Name(name, "part", kind, f"{_PARTS[name]}; every event has it", None, values)
        yield from _of_place("place", folder.districts)


def _of_place(name: str, districts: tuple[str, ...] = ()) -> Iterator[Name]:
    for part, kind in PLACE_PARTS.items():
        yield Name(f"{name}.{part}", "part", kind, f"the {part} of the place", None,
                   districts if part == "district" else ())


def field_doc(field: Known) -> str:
    """What is declared of a field, and whose it is."""
    whose = f"a field of {field.holder}"
    values = f"; one of {', '.join(field.values)}" if field.values else ""
    register = f"; a key of the register {field.register}" if field.register else ""
    return f"{f'{field.doc}; ' if field.doc else ''}{whose}{values}{register}"


def _of_step(folder: Folder, step: MappingNode) -> Iterator[Name]:
    """A step by its name, and the facts of its event."""
    name = text_at(step, "name")
    if not name or "not" in step.pairs:
        return
    types = types_of(folder, step)
    named = step.get("name")
    told = ", ".join(name.replace(FINDINGS_OF, "findings of ") for name in types)
    yield Name(name, "step", "event", f"the event of this step: {told}", None if named is None else named.spot)
    for one in _fields(folder, types, parts=True):
        yield msgspec.structs.replace(one, name=f"{name}.{one.name}")


def _of_finding(rule: MappingNode, text: bool) -> Iterator[Name]:
    """What is known of a finding beside the facts of its events."""
    if not text:
        yield Name("value", "value", "", "what the rule measured")
        for name, kind in OF_FINDING.items():
            yield Name(name, "value", kind, BUILT_IN.get(name, ""))
        return
    for name, doc in BUILT_IN.items():
        yield Name(name, "value", "", doc)
    for name in ABOUT_RULE:
        yield Name(name, "value", "", f"the rule's {name.partition('.')[2]}")
    for part in texts_of(rule.get("by")):
        yield Name(f"key.{part}", "value", "", "a part of the finding's key")


def _of_record(document: MappingNode) -> Iterator[Name]:
    kind = text_at(document, "format")
    yield Name("record", "value", "map", f"the record as it came, {kind if kind in FORMATS else 'by its names'}")
    yield Name("row", "value", "int", "the number of the record in its file, from 0")


def _of_parameters(document: MappingNode) -> Iterator[Name]:
    given = document.get("parameters")
    for name, (key, value) in (given.pairs.items() if isinstance(given, MappingNode) else ()):
        yield Name(name, "value", getattr(value, "text", ""), "a parameter of the macro", key.spot)


def placeholders(document: MappingNode) -> Iterator[Name]:
    """The parameters of a template, as they stand in its rule."""
    given = document.get("parameters")
    for name, (key, value) in (given.pairs.items() if isinstance(given, MappingNode) else ()):
        kind = text_at(value, "type") or getattr(value, "text", "string")
        yield Name(f"${name}", "value", kind, text_at(value, "description") or "a parameter of the template", key.spot)


def _lists(folder: Folder) -> Iterator[Name]:
    for one in folder.of("list").values():
        values = texts_of(one.node.get("values"))
        shown = ", ".join(values[:8]) + (", ..." if len(values) > 8 else "") if values else text_at(one.node, "file")
        yield Name(f"lists.{one.id}", "list", "list", f"{one.title or 'a list'}: {shown}", one.spot)


def _macros(folder: Folder) -> Iterator[Name]:
    for one in folder.of("macro").values():
        yield Name(one.id, "macro", signature_of(one), macro_doc(one), one.spot)


def macro_doc(macro: Document) -> str:
    """What a macro stands for."""
    said = text_at(macro.node, "description") or macro.title or "a macro"
    return f"{said}: `{text_at(macro.node, 'expression')}`"


def signature_of(macro: Document) -> str:
    """How a macro is called: `near_school(at: place)`."""
    given = macro.node.get("parameters")
    pairs = given.pairs.items() if isinstance(given, MappingNode) else ()
    return f"{macro.id}({', '.join(f'{name}: {text_at(given, name)}' for name, _ in pairs)})"


def _functions() -> Iterator[Name]:
    for name, example in signatures().items():
        if example.startswith(f"{name}("):
            yield Name(name, "function", example, _OWN.get(name, "a function of CEL"))


def columns_of(folder: Folder, register: str) -> dict[str, Name]:
    """The columns of a register."""
    document = folder.one("register", register)
    columns = () if document is None else known_fields(document)
    return {one.name: Name(one.name, "field", one.type, f"a column of the register {register}", one.spot, one.values)
            for one in columns}
