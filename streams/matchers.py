"""Matchers: conditions over labels as Alertmanager writes them, `severity=~"severe|extreme"`. Pure.

A label that is absent is an empty one. Regular expressions are RE2's and must match the whole value.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import re2

from streams.policy import Condition

OPERATORS = ("=~", "!~", "!=", "=")
_FORM = re.compile(r"""\s*([^\s=!~"{},]+)\s*(=~|!~|!=|=)\s*(?:"((?:\\.|[^"\\])*)"|([^\s"]*))\s*""")
_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}


class Matcher(msgspec.Struct, frozen=True):
    """One comparison of a label with a text."""

    label: str
    operator: str
    value: str

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.label}{self.operator}"{escaped}"'

    def compiled(self) -> Condition:
        """The function; ValueError for a pattern that is none."""
        label, value = self.label, self.value
        if self.operator in ("=", "!="):
            same = operator.eq if self.operator == "=" else operator.ne
            return lambda labels: bool(same(labels.get(label, ""), value))
        try:
            pattern = re2.compile(value)
        except re2.error as error:
            raise ValueError(f"{value!r} is no pattern: {_told(error)}") from None
        wanted = self.operator == "=~"
        return lambda labels: (pattern.fullmatch(str(labels.get(label, ""))) is not None) == wanted


def parse(text: str) -> Matcher:
    """The matcher of a text; ValueError, in words, if it is none."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no matcher")
    label, operation, quoted, bare = found.groups()
    value = bare if quoted is None else re.sub(r"\\(.)", lambda one: _ESCAPES.get(one[1], one[0]), quoted)
    return Matcher(label, operation, value)


def all_of(matchers: Iterable[Matcher]) -> Condition:
    """Whether a notice meets them all; ValueError for a pattern that is none."""
    parts = tuple(one.compiled() for one in matchers)
    if len(parts) == 1:
        return parts[0]
    return lambda labels: all(part(labels) for part in parts)


def either(conditions: Iterable[Condition]) -> Condition:
    """Whether a notice meets any of them."""
    parts = tuple(conditions)
    return lambda labels: any(part(labels) for part in parts)


def within(condition: Condition | None, label: str, value: str) -> Condition:
    """The condition, for those alone that have a label of this value."""

    def meant(labels: Mapping[str, Any]) -> bool:
        return labels.get(label) == value and (condition is None or condition(labels))

    return meant


def _told(error: Exception) -> str:
    text = error.args[0] if error.args else ""
    return text.decode() if isinstance(text, bytes) else str(text)
