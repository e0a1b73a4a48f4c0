"""An expression inside a YAML scalar: where each of its characters stands in the file.

YAML removes quotes, escapes, indentation and line breaks from a scalar's text. `offsets` walks
text and file side by side and so finds every character again. Only white space, where YAML may fold
several characters into one, is placed approximately.
"""

from __future__ import annotations

import re

from streams.rulefile.nodes import Scalar
from streams.rulefile.spots import Spot

_CONTINUED = re.compile(r"\\(?:\r\n|[\n\r\x85\u2028\u2029])[ \t]*")  # a line break that is no part of the text
_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_BLANK = " \t\n\r\x85\u2028\u2029"


def spot_in(node: Scalar, start: int, end: int | None = None) -> Spot:
    """The stretch of the file in which characters `start` to `end` of the node's text stand."""
    places = offsets(node)
    visible = len(node.text.rstrip())
    if start >= visible > 0:  # behind the end: right after what can be seen
        return Spot(node.file, places[visible - 1] + 1, places[visible - 1] + 2)
    last = max(start + 1, min(start + 1 if end is None else end, visible))
    return Spot(node.file, places[start], max(places[start], places[min(last, len(node.text)) - 1]) + 1)


def offset_of(text: str, line: int, column: int) -> int:
    """The offset of a line and column (both from 1, lines ended by line feeds) in a text."""
    lines = text.split("\n")
    before = lines[: max(0, line - 1)]
    return min(len(text), sum(len(one) + 1 for one in before) + max(0, column - 1))


def offsets(node: Scalar) -> list[int]:
    """For each character of the node's text its offset in the file, and one more for the end."""
    if node.origin is not None:
        source, marks = node.origin
        found = offsets(source)
        return [found[mark] for mark in marks]
    raw = node.file.text[node.start : node.end]
    begin = {"'": 1, '"': 1, "|": raw.find("\n") + 1, ">": raw.find("\n") + 1}.get(node.style, 0)
    places: list[int] = []
    at = begin
    for char in node.text:
        at = _skip(node.style, raw, at, char in _BLANK)
        places.append(node.start + min(at, len(raw)))
        at += _width(node.style, raw, at, char)
    places.append(places[-1] + 1 if places else node.start + begin)
    return places


def _skip(style: str, raw: str, at: int, blank: bool) -> int:
    """Past what is no part of the text: escaped line breaks and, before a visible character, white space."""
    while at < len(raw):
        broken = _CONTINUED.match(raw, at) if style == '"' else None
        if broken is not None:
            at = broken.end()
        elif not blank and raw[at] in _BLANK:
            at += 1
        else:
            break
    return at


def _width(style: str, raw: str, at: int, char: str) -> int:
    """How many characters of the file the character at `at` takes."""
    found = _ESCAPE.match(raw, at) if style == '"' else None
    if found is not None:
        return found.end() - at
    if char in _BLANK:
        return 1 if raw[at : at + 1] in tuple(_BLANK) else 0
    return 2 if style == "'" and raw.startswith("''", at) else 1
