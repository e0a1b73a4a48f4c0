"""What is to be said of what stands at the cursor, as Markdown: from the manual, the declarations and the problems."""

from __future__ import annotations

from collections.abc import Iterable

from streams.kinds import Field
from streams.problems import Problem
from streams.rulefile.codes import CODES
from streams.tools import shapes
from streams.tools.lsp.completing import EVENT_OF_A_TEST, event_type_doc
from streams.tools.lsp.cursor import Written, written_at
from streams.tools.lsp.folder import Document, Folder, known_fields, text_at
from streams.tools.lsp.phrase import name_around, names_register, quoted_around, register_of
from streams.tools.lsp.scope import Name, columns_of, field_doc, macro_doc, names_at, signature_of
from streams.tools.lsp.standing import Standing, node_at, standing
from streams.tools.schema import about, default_of
from streams.tools.shapes import Role

RULE = "\n\n---\n\n"


def hover(folder: Folder, path: str, text: str, offset: int, problems: Iterable[Problem] = ()) -> str:
    """Everything there is to say at an offset of a file, as Markdown; "" if there is nothing.

    `problems` are those that the place is in: the page of each one's code is added.
    """
    one = written_at(text, offset)
    parts = ["" if one is None else _of(folder, one, path), *dict.fromkeys(code_page(one.code) for one in problems)]
    return RULE.join(part for part in parts if part)


def code_page(code: str) -> str:
    """What a problem code means and what to do about it."""
    found = CODES.get(code)
    if found is None:
        return ""
    return f"**{found.code}** ({found.gravity.value}): {found.title}.\n\nWhat to do: {found.do}."


def _of(folder: Folder, one: Written, path: str) -> str:
    place = standing(one.document, one.path, path)
    return _of_key(folder, one, place) if one.key else _of_value(folder, one, place)


def _of_key(folder: Folder, one: Written, place: Standing) -> str:
    for table in place.tables:
        field = table.field(one.text)
        if field is not None:
            return field_page(field)
        if table.name == EVENT_OF_A_TEST:
            known = folder.fields(text_at(node_at(one.document, one.path), "event")).get(one.text)
            return "" if known is None else f"**{known.name}**: {known.type}\n\n{about(field_doc(known))}"
    return ""


def field_page(field: Field) -> str:
    """A field: what it means, whether it is needed, its default and its values."""
    default = default_of(field).get("default")
    told = ["required" if field.required else "", f"default `{str(default).lower()}`" if default is not None else ""]
    values = f"\n\nOne of {', '.join(f'`{value}`' for value in field.values)}." if field.values else ""
    beside = ", ".join(part for part in told if part)
    return f"**{field.name}**{f' ({beside})' if beside else ''}\n\n{about(field.doc)}{values}"


def _of_value(folder: Folder, one: Written, place: Standing) -> str:
    """What a value names, in the role that it has here."""
    for shape in place.ones:
        if shape.role in (Role.EXPRESSION, Role.TEXT):
            name = found_name(folder, one, place, shape.role)
            if name is not None:
                return name_page(name)
        document = named(folder, shape.role, one.text)
        if document is not None:
            return document_page(folder, document)
    if place.field is not None and place.field.type == "kind":
        return kind_page(one.text)
    return ""


def kind_page(kind: str) -> str:
    """What a kind of document is."""
    table = shapes.kinds().get(kind)
    return "" if table is None else f"**{kind}**\n\n{table.doc.strip()}"


def named(folder: Folder, role: Role, text: str) -> Document | None:
    """The document that a value names in its role."""
    match role:
        case Role.EVENT_TYPE:
            return folder.one("event_type", text)
        case Role.RULE:
            return folder.one("rule", text) or folder.one("template", text.partition(".")[0])
        case Role.REGISTER:
            return folder.one("register", text)
        case Role.LIST:
            return folder.one("list", text.removeprefix("lists."))
        case _:
            return None


def document_page(folder: Folder, document: Document) -> str:
    """A document that is named: its title, what it is and what it holds."""
    head = f"**{document.id}** ({document.kind}){f': {document.title}' if document.title else ''}"
    if document.kind == "event_type":
        told = event_type_doc(folder, document)
    elif document.kind == "register":
        told = "\n".join(f"- `{one.name}`: {one.type}" for one in known_fields(document))
    elif document.kind == "macro":
        told = f"{signature_of(document)}: {macro_doc(document)}"
    else:
        told = about(text_at(document.node, "description"))
    return f"{head}\n\n{told}" if told else head


def found_name(folder: Folder, one: Written, place: Standing, role: Role) -> Name | None:
    """The name in an expression, or in a text, that the cursor is in."""
    quoted = None if role is Role.TEXT else quoted_around(one.text, one.at)
    if quoted is not None:
        register = folder.one("register", quoted[0]) if names_register(quoted[1]) else None
        return None if register is None else Name(
            register.id, "register", "register", document_page(folder, register), register.spot)
    name, start = name_around(one.text, one.at)
    if role is Role.TEXT and one.text.rfind("{{", 0, one.at + 1) <= one.text.rfind("}}", 0, one.at):
        return None
    register_id = register_of(one.text[:start])
    if register_id:
        return columns_of(folder, register_id).get(name.partition(".")[0])
    names = names_at(folder, one.document, one.path, place, role is Role.TEXT)
    return names.get(name) or names.get(name.removeprefix("event."))


def name_page(name: Name) -> str:
    """A name within an expression: its type or signature, and what is declared of it."""
    if name.sort == "register":
        return name.doc
    if name.sort in ("macro", "function"):
        return f"`{name.type}`\n\n{about(name.doc)}"
    return f"**{name.name}**{f': {name.type}' if name.type else ''}\n\n{about(name.doc)}".rstrip()
