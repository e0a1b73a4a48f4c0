"""Texts that people read, with places for values: `Chlorine at {{ place.address }}`.

A place holds a path and nothing else: no expressions, no code. `parse` finds every mistake when a
rule is loaded; `render` fails on nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from streams.clocks import show_duration

BUILT_IN: Mapping[str, str] = {
    "value": "what the rule measured",
    "count": "how many events prove it",
    "opened": "when it began",
    "closed": "when it ended",
}
"""What a text may name though no event has a field of that name; a declared field goes before these."""
VALUE_LIMIT = 500
"""How many characters of one value are shown."""

_OPENING, _CLOSING = "{{", "}}"
_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)
# Control characters and marks that turn the direction of writing could falsify what a line shows.
_UNSEEN = dict.fromkeys([*range(32), *range(127, 160), 0x2028, 0x2029], " ") | dict.fromkeys(
    [0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)], None)


def counted(number: int, word: str) -> str:
    """`1 day`, `2 days`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


class TextError(ValueError):
    """A mistake in a text: `column` counts from 1, `length` is in characters."""

    def __init__(self, column: int, length: int, text: str) -> None:
        super().__init__(f"column {column}: {text}")
        self.column, self.length, self.text = column, max(1, length), text


class Placeholder(msgspec.Struct, frozen=True):
    """A path in a text; `column` is where the path begins, from 1."""

    path: str
    column: int

    @property
    def length(self) -> int:
        """How many characters the path has."""
        return len(self.path)


class Text(msgspec.Struct, frozen=True):
    """A parsed text: what is fixed, and the paths between."""

    parts: tuple[str | Placeholder, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Text:
        """The text's parts; TextError (a ValueError) for a place that is not closed or names no path."""
        parts: list[str | Placeholder] = []
        at = 0
        while (start := text.find(_OPENING, at)) >= 0:
            end = text.find(_CLOSING, start)
            if end < 0:
                raise TextError(start + 1, 2, "`{{` is not closed; write {{ path }}")
            parts += [text[at:start], _placeholder(text, start, end)]
            at = end + len(_CLOSING)
        return cls(tuple(part for part in (*parts, text[at:]) if part != ""))

    @property
    def placeholders(self) -> tuple[Placeholder, ...]:
        """All places, in order."""
        return tuple(part for part in self.parts if isinstance(part, Placeholder))

    @property
    def paths(self) -> tuple[str, ...]:
        """All paths, each once, in order."""
        return tuple(dict.fromkeys(place.path for place in self.placeholders))

    def render(self, values: Mapping[str, Any], zone: timezone | ZoneInfo = UTC) -> str:
        """The text with its values; a missing one is empty. Instants are shown in `zone`.

        `values` may hold a path as a whole (`{"place.address": …}`) or level by level.
        """
        return "".join(part if isinstance(part, str) else show(look_up(values, part.path), zone)
                       for part in self.parts)


@lru_cache(maxsize=4096)
def text_of(text: str) -> Text:
    """`Text.parse`, remembered."""
    return Text.parse(text)


def look_up(values: Mapping[str, Any], path: str) -> Any:
    """The value at a path, written as a whole or level by level; None if there is none."""
    if path in values:
        return values[path]
    head, _, rest = path.partition(".")
    inner = values.get(head)
    return look_up(inner, rest) if rest and isinstance(inner, Mapping) else None


def show(value: Any, zone: timezone | ZoneInfo = UTC) -> str:
    """A value as people write it: 5 for 5.0, local time, yes and no; at most `VALUE_LIMIT` characters."""
    text = _shown(value, zone).translate(_UNSEEN)
    return text if len(text) <= VALUE_LIMIT else text[: VALUE_LIMIT - 1] + "…"


def show_part(name: str, value: Any) -> str:
    """A part of a key: `device m1`; of one that is an expression, which has no plain name, the value alone."""
    return f"{name} {show(value)}" if name.replace(".", "_").isidentifier() else show(value)


def _placeholder(text: str, start: int, end: int) -> Placeholder:
    inner = text[start + len(_OPENING) : end]
    path = inner.strip()
    column = start + len(_OPENING) + len(inner) - len(inner.lstrip()) + 1
    if not path:
        raise TextError(start + 1, end + len(_CLOSING) - start, "`{{ }}` names no value; write {{ path }}")
    if not _PATH.fullmatch(path):
        raise TextError(column, len(path), f"{path!r} is not a path; write names with dots: place.address")
    return Placeholder(path, column)


def _shown(value: Any, zone: timezone | ZoneInfo) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, datetime):
        return _instant(value, zone)
    if isinstance(value, timedelta):
        return show_duration(value // timedelta(microseconds=1))
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {show(part, zone)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(show(part, zone) for part in value)
    return str(value)


def _number(value: float) -> str:
    """Without `.0`, and without the dust of binary fractions; what is no number is empty."""
    if not math.isfinite(value):
        return ""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.12g}"


def _instant(value: datetime, zone: timezone | ZoneInfo) -> str:
    """`2026-07-01 18:00:00`, local; an instant without a zone is shown as it is."""
    try:
        local = value if value.tzinfo is None else value.astimezone(zone)
    except OverflowError:  # a zone can lead past the first or last year
        local = value
    return local.replace(microsecond=0, tzinfo=None).isoformat(" ")
