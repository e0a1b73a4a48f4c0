"""What a command of the desk says, and what it is asked in the same words as others."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from streams.clocks import duration
from streams.tools.asking import Misasked
from streams.tools.desk.desk import Desk, Person
from streams.tools.desk.naming import SHORTEST
from streams.tools.desk.posting import Outcome


class Said(msgspec.Struct):
    """What a command says: as text, as plain values (a line each), what goes to stderr, and its exit code."""

    text: str = ""
    lines: list[dict[str, Any]] = []
    wrong: str = ""
    code: int = 0


def acted(desk: Desk, outcomes: Iterable[Outcome]) -> Said:
    """What became of actions: exit code 1 if one was not done."""
    said = Said(lines=[])
    for one in outcomes:
        said.lines.append(one.as_json())
        if one.done:
            said.text += f"{desk.told(one)}\n"
        else:
            of = f" {one.action.subject[:SHORTEST]}" if one.action.subject else ""
            said.wrong += f"{one.action.name}{of}: {one.sentence}\n"
            said.code = 1
    return said


def person(options: argparse.Namespace) -> Person:
    """Who acts, by the options of every action."""
    return Person(options.actor, options.role, options.reason, options.expect)


def span(text: str, option: str) -> int:
    """A duration as people write it, in µs. Raises Misasked."""
    try:
        return duration(text)
    except ValueError as error:
        raise Misasked(f"{option} {error}") from None


def pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    """`NAME=VALUE` each. Raises Misasked."""
    found = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise Misasked(f"{option} {text!r}: write NAME=VALUE")
        found[name] = value
    return found
