"""The piece of an expression, or of a text, that the cursor is in: a name, a value in quotes, a part of something."""

from __future__ import annotations

import re

import msgspec

_PATH = re.compile(r"\$?[A-Za-z_][\w]*(?:\.\w*)*$|\$$")
_WHOLE = re.compile(r"\$?[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_REGISTER = re.compile(r"""register\(\s*["']([\w.-]*)["']\s*,[^()]*(?:\([^()]*\)[^()]*)*\)\.(\w*)$""")
_NAMES_REGISTER = re.compile(r"""register\(\s*$""")
_NAMES_ZONE = re.compile(r"""in_zone\([^"']*,\s*$""")
_COMPARED = re.compile(r"([A-Za-z_][\w.]*)\s*(?:==|!=|in\s*\[[^\]]*)\s*$")


class Phrase(msgspec.Struct, frozen=True):
    """What is being written: `sort` is name, column, register, zone or value.

    `begun` is what of it stands before the cursor; `of` the register of a column, the field that a value is compared
    with. `quoted`: it stands in quotes already.
    """

    sort: str
    begun: str
    of: str = ""
    quoted: bool = False


def phrase_of(before: str) -> Phrase | None:
    """What is being written at the end of an expression's text; None within a text that means nothing to us."""
    quote, inner = _open_quote(before)
    if quote is not None:
        outside = before[:quote]
        if _NAMES_REGISTER.search(outside):
            return Phrase("register", inner, quoted=True)
        if _NAMES_ZONE.search(outside):
            return Phrase("zone", inner, quoted=True)
        found = _COMPARED.search(_without_texts(outside))
        return None if found is None else Phrase("value", inner, found[1], quoted=True)
    column = _REGISTER.search(before)
    if column is not None:
        return Phrase("column", column[2], column[1])
    if re.search(r"[)\]\"']\.\w*$", before):  # a part of a value that has no name
        return None
    path = _PATH.search(before)
    return Phrase("name", "" if path is None else path[0])


def compared_with(before: str, begun: str) -> str:
    """The field that the word being written is compared with; "" if it is compared with none."""
    found = _COMPARED.search(_without_texts(before[: len(before) - len(begun)]))
    return "" if found is None else found[1]


def text_phrase(before: str) -> str | None:
    """The path being written in a text with `{{ }}`; None outside of such places."""
    opened = before.rfind("{{")
    if opened < 0 or "}}" in before[opened:]:
        return None
    return before[opened + 2 :].lstrip()


def name_around(text: str, at: int) -> tuple[str, int]:
    """The dotted name at a place of a text, up to the part that the place is in, and where it begins; "" if none."""
    for found in _WHOLE.finditer(text):
        if found.start() <= at <= found.end():
            end = text.find(".", at)
            return text[found.start() : found.end() if end < 0 else min(end, found.end())], found.start()
    return "", at


def quoted_around(text: str, at: int) -> tuple[str, str] | None:
    """The text in quotes around a place, and what stands before it; None outside of quotes."""
    quote, inner = _open_quote(text[:at])
    if quote is None:
        return None
    end = text.find(text[quote], at)
    return inner + (text[at:] if end < 0 else text[at:end]), text[:quote]


def register_of(before: str) -> str:
    """The register whose row's column comes next: `register("sensors", device).`; "" if none."""
    found = _REGISTER.search(before)
    return "" if found is None else found[1]


def names_register(before: str) -> bool:
    """Whether the text in quotes that comes next names a register."""
    return _NAMES_REGISTER.search(before) is not None


def _open_quote(text: str) -> tuple[int | None, str]:
    """Where the quotes open in which a text ends, and what stands in them; None if it ends outside of quotes."""
    start: int | None = None
    index = 0
    while index < len(text):
        char = text[index]
        if start is not None and char == "\\":
            index += 1
        elif start is None and char in "\"'":
            start = index
        elif start is not None and char == text[start]:
            start = None
        index += 1
    return start, "" if start is None else text[start + 1 :]


def _without_texts(text: str) -> str:
    """The text with what stands in quotes left out, so that it holds no brackets of its own."""
    return re.sub(r"\"[^\"]*\"|'[^']*'", '""', text)
