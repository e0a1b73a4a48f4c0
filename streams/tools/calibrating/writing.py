"""What `tocsin calibrate` writes: the document of a baseline, and the condition in a rule's own file. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable

from streams.clocks import show_duration
from streams.records import KeyValues, Micros
from streams.rulefile.nodes import Node
from streams.unusual.profiles import Profile

FOLDER = "baselines"


def path_of(rule: str) -> str:
    """Where the document of a rule's baseline stands, below the rules' folder."""
    return f"{FOLDER}/{rule}.yaml"


def document(rule: str, season: str, size: Micros, profile: Profile, about: Iterable[str]) -> str:
    """The document, with what it was made from as comments."""
    lines = ["# Written by `tocsin calibrate`: what the keys of this rule begin with.", *(f"# {one}" for one in about),
             "kind: baseline", f"id: {rule}", f"season: {season}", f"size: {show_duration(size).replace(' ', '')}",
             f"bins: {profile.bins}", f"scatter: {profile.scatter:g}", f"others: {profile.others:g}", "curve:"]
    lines += [f"  - [{', '.join(f'{one:g}' for one in row)}]" for row in _rows(profile.curve)]
    lines += ["levels:"] if profile.levels else []
    lines += [f"  - [{_parts(key)}{level:g}]" for key, level in profile.levels.items()]
    return "\n".join(lines) + "\n"


def replaced(text: str, node: Node, condition: str) -> str:
    """The text of a rule's file with another condition in place of one that stands there; all else stays."""
    before = text[node.start:node.end]
    return text[:node.start] + condition + before[len(before.rstrip()):] + text[node.end:]


def condition_of(side: str, p: float) -> str:
    """The condition as it stands in a rule."""
    return f"{{{side}: {{p: {p:.15g}}}}}"


def _rows(curve: tuple[float, ...]) -> list[tuple[float, ...]]:
    """A row a day where there are days."""
    days = 7 if len(curve) % 7 == 0 else 1
    width = len(curve) // days
    return [curve[at:at + width] for at in range(0, len(curve), width)]


def _parts(key: KeyValues) -> str:
    return "".join(f"{json.dumps(part, ensure_ascii=False)}, " for part in key)
