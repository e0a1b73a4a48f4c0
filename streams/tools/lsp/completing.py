"""What can be written at the cursor: fields, values, names of other documents, names within expressions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from streams.kinds import Field
from streams.rulefile.nodes import Mapping
from streams.rulefile.selection import branches
from streams.tools import shapes
from streams.tools.lsp.cursor import MARK, Written, places_at
from streams.tools.lsp.folder import Document, Folder, text_at
from streams.tools.lsp.phrase import compared_with, phrase_of, text_phrase
from streams.tools.lsp.scope import Name, columns_of, field_doc, names_at, placeholders, steps_of, types_at
from streams.tools.lsp.standing import Standing, node_at, standing
from streams.tools.schema import about, default_of
from streams.tools.shapes import Role, groups

EVENT_OF_A_TEST = "event_of_a_test"
EVENT = "event."
"""What may stand before a field, and must in `has(event.level)`."""


class Suggestion(msgspec.Struct, frozen=True):
    """Something that can be written. `begun` is what of it stands before the cursor and is replaced.

    `sort` is field, value, event_type, rule, list, register, macro, function, step, part or district; `detail` a few
    words beside it, `doc` what it means, `first` whether it is needed.
    """

    label: str
    insert: str
    begun: str
    sort: str
    detail: str = ""
    doc: str = ""
    first: bool = False


def suggestions(folder: Folder, path: str, text: str, offset: int) -> list[Suggestion]:
    """Everything that can be written at an offset of a file, each once."""
    found: dict[tuple[str, str], Suggestion] = {}
    for one in places_at(text, offset):
        place = standing(one.document, one.path, path)
        of_place = _names_of_fields(folder, one, place, path) if one.key else _values(folder, one, place, path)
        for suggestion in of_place:
            if suggestion.label.startswith(_sure(suggestion.begun)):
                found.setdefault((suggestion.label, suggestion.begun), suggestion)
    return list(found.values())


def _sure(begun: str) -> str:
    """What of a word that is begun is surely meant: what stands before its last dot, and the sign of a placeholder."""
    return begun[: begun.rfind(".") + 1] or begun[: begun.startswith("$")]


def _names_of_fields(folder: Folder, one: Written, place: Standing, path: str) -> Iterator[Suggestion]:
    """Fields that the mapping does not have yet."""
    mapping = node_at(one.document, one.path)
    given = {name for name in (mapping.pairs if mapping is not None else ()) if MARK not in name}
    for table in place.tables:
        instead = {name for group in (*groups(table.fields), *table.one_of) if given & set(group) for name in group}
        for field in table.fields:
            if field.name not in given | instead:
                yield _field(field, one.before)
        if table.name == EVENT_OF_A_TEST and mapping is not None:
            yield from _fields_of_event(folder, text_at(mapping, "event"), given, one.before)


def _field(field: Field, begun: str) -> Suggestion:
    default = default_of(field).get("default")
    detail = "required" if field.required else "" if default is None else f"default {str(default).lower()}"
    return Suggestion(field.name, f"{field.name}: ", begun, "field", detail, about(field.doc), field.required)


def _fields_of_event(folder: Folder, event_type: str, given: set[str], begun: str) -> Iterator[Suggestion]:
    for known in folder.fields(event_type).values():
        if known.name not in given:
            yield Suggestion(known.name, f"{known.name}: ", begun, "field", known.type, field_doc(known), first=True)


def _values(folder: Folder, one: Written, place: Standing, path: str) -> Iterator[Suggestion]:
    """What a single value can be."""
    for shape in place.ones:
        yield from (Suggestion(value, value, one.before, "value", doc=_about_value(place.field, value))
                    for value in shape.values)
        if shape.types == ("boolean",) and not shape.values:
            yield from (Suggestion(value, value, one.before, "value") for value in ("true", "false"))
        yield from _by_role(folder, one, place, shape.role)
    if one.before.startswith("$"):
        yield from (_named(name, one.before) for name in placeholders(one.document) if place.rule is not None)
    if one.path and _in_test_event(one, path):
        yield from _values_of_field(folder, one)


def _about_value(field: Field | None, value: str) -> str:
    """What a value means: of `kind` what such a document is."""
    table = shapes.kinds().get(value) if field is not None and field.type == "kind" else None
    return "" if table is None else table.doc


def _by_role(folder: Folder, one: Written, place: Standing, role: Role) -> Iterator[Suggestion]:
    match role:
        case Role.EVENT_TYPE:
            near = types_at(folder, one.document, one.path, place) if "tests" in one.path else []
            yield from _event_types(folder, one.before, near)
        case Role.RULE:
            yield from _documents((*folder.of("rule").values(), *folder.of("template").values()), one.before, "rule")
        case Role.REGISTER:
            yield from _documents(folder.of("register").values(), one.before, "register")
        case Role.LIST:
            yield from (Suggestion(f"lists.{each.id}", f"lists.{each.id}", one.before, "list", doc=each.title)
                        for each in folder.of("list").values())
        case Role.DISTRICT:
            yield from (Suggestion(name, name, one.before, "district") for name in folder.districts)
        case Role.OWNER:
            yield from (Suggestion(name, name, one.before, "value", "an owner elsewhere") for name in folder.owners)
        case Role.STEP:
            rule = None if place.rule is None else node_at(one.document, place.rule)
            yield from _steps(rule, one.before)
        case Role.EXPRESSION | Role.TEXT:
            yield from _in_expression(folder, one, place, role)
        case Role.PLAIN:
            return


def _event_types(folder: Folder, begun: str, near: Iterable[str]) -> Iterator[Suggestion]:
    """The declared types, those `near` first, and the branches of their tree."""
    declared = folder.of("event_type")
    for one in declared.values():
        yield Suggestion(one.id, one.id, begun, "event_type", one.title, event_type_doc(folder, one), one.id in near)
    for branch in sorted({branch for name in declared for branch in branches(name)}):
        yield Suggestion(branch, branch, begun, "event_type", "a branch")


def event_type_doc(folder: Folder, one: Document) -> str:
    """An event type's description and its fields."""
    rows = [f"- `{field.name}`: {field.type}{f'; {field.doc}' if field.doc else ''}"
            for field in folder.fields(one.id).values()]
    said = text_at(one.node, "description")
    return "\n".join([*([about(said), ""] if said else []), *rows])


def _documents(documents: Iterable[Document], begun: str, sort: str) -> Iterator[Suggestion]:
    for one in documents:
        yield Suggestion(one.id, one.id, begun, sort, one.kind, one.title)


def _steps(rule: Mapping | None, begun: str) -> Iterator[Suggestion]:
    for step in steps_of(rule) if rule is not None else ():
        name = text_at(step, "name")
        if name and "not" not in step.pairs:
            yield Suggestion(name, name, begun, "step")


def _in_expression(folder: Folder, one: Written, place: Standing, role: Role) -> Iterator[Suggestion]:
    if role is Role.TEXT:
        begun = text_phrase(one.before)
        names = {} if begun is None else names_at(folder, one.document, one.path, place, text=True)
        yield from (_named(name, begun or "") for name in names.values())
        return
    phrase = phrase_of(one.before)
    if phrase is None:
        return
    names = names_at(folder, one.document, one.path, place)
    if phrase.sort == "column":
        yield from (_named(name, phrase.begun) for name in columns_of(folder, phrase.of).values())
    elif phrase.sort == "register":
        yield from _documents(folder.of("register").values(), phrase.begun, "register")
    elif phrase.sort == "zone":
        yield from (Suggestion(name, name, phrase.begun, "value", "a zone") for name in folder.learnt.zones)
    elif phrase.sort == "value":
        types = types_at(folder, one.document, one.path, place)
        yield from _compared(names.get(phrase.of.removeprefix(EVENT)), types, phrase.begun, "{}")
    else:
        types = types_at(folder, one.document, one.path, place)
        against = compared_with(one.before, phrase.begun).removeprefix(EVENT)
        yield from _compared(names.get(against), types, phrase.begun, '"{}"')
        yield from (_named(name, phrase.begun) for name in names.values())
        if phrase.begun.startswith(EVENT):
            yield from (_named(msgspec.structs.replace(name, name=EVENT + name.name), phrase.begun)
                        for name in names.values() if name.sort in ("field", "part"))


def _named(name: Name, begun: str) -> Suggestion:
    insert = f"{name.name}(" if name.sort in ("function", "macro") else name.name
    return Suggestion(name.name, insert, begun, name.sort, name.type, name.doc, name.sort in ("field", "step"))


def _compared(name: Name | None, types: Iterable[str], begun: str, form: str) -> Iterator[Suggestion]:
    """The values that a field can have, in quotes where there are none yet; of `type` the event types."""
    if name is None:
        return
    plain = name.type in ("int", "double", "bool")
    for value in types if name.name == "type" else name.values:
        insert = value if plain else form.format(value)
        yield Suggestion(insert, insert, begun, "value", f"of {name.name}", first=True)


def _in_test_event(one: Written, path: str) -> bool:
    return any(table.name == EVENT_OF_A_TEST for table in standing(one.document, one.path[:-1], path).tables)


def _values_of_field(folder: Folder, one: Written) -> Iterator[Suggestion]:
    """The values that a field of an event of a test can have."""
    event, name = node_at(one.document, one.path[:-1]), one.path[-1]
    known = folder.fields(text_at(event, "event")).get(str(name))
    for value in known.values if known is not None else ():
        yield Suggestion(value, value, one.before, "value", f"of {name}")
    if known is not None and known.type == "bool":
        yield from (Suggestion(value, value, one.before, "value") for value in ("true", "false"))
