"""Where what is named at the cursor is declared: an event type, its field, a rule, register, list, macro, step."""

from __future__ import annotations

from streams.rulefile.spots import Spot
from streams.tools.lsp.cursor import written_at
from streams.tools.lsp.folder import Folder, text_at
from streams.tools.lsp.hovering import found_name, named
from streams.tools.lsp.scope import steps_of
from streams.tools.lsp.standing import node_at, standing
from streams.tools.shapes import Role


def definition(folder: Folder, path: str, text: str, offset: int) -> Spot | None:
    """The place of the declaration; its file's name is the path below the folder, or "" for the file itself."""
    one = written_at(text, offset)
    if one is None:
        return None
    place = standing(one.document, one.path, path)
    if one.key:
        event = text_at(node_at(one.document, one.path), "event")
        known = folder.fields(event).get(one.text)
        return None if known is None else known.spot
    for shape in place.ones:
        if shape.role in (Role.EXPRESSION, Role.TEXT):
            name = found_name(folder, one, place, shape.role)
            return None if name is None else name.spot
        document = named(folder, shape.role, one.text)
        if document is not None:
            return document.spot
        if shape.role is Role.STEP and place.rule is not None:
            rule = node_at(one.document, place.rule)
            steps = steps_of(rule) if rule is not None else []
            return next((step.pairs["name"][1].spot for step in steps if text_at(step, "name") == one.text), None)
    return None
