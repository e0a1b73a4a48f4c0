"""Ids as people write them: a beginning is enough where it fits one thing alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from streams.tools.asking import Misasked

SHORTEST = 6
"""So many characters of an id are shown at least."""
CANDIDATES_AT_MOST = 8


def named(text: str, known: Mapping[str, str], what: str) -> str:
    """The id that a person means. `known` says of each what it is; Misasked, in words, for none and for several."""
    if text in known:
        return text
    fitting = sorted(name for name in known if name.startswith(text)) if text else []
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise Misasked(f"{text!r} begins the ids of {len(fitting)} {what}s; write more of it:{_listed(fitting, known)}")
    if not known:
        raise Misasked(f"no {what} {text!r}: there is none at all")
    raise Misasked(f"no {what} {text!r}; there are:{_listed(list(known), known)}")


def brief(names: Iterable[str]) -> dict[str, str]:
    """The shortest beginning of each id that is its own among these."""
    known = sorted(names)
    found = {}
    for number, name in enumerate(known):
        beside = known[max(0, number - 1):number] + known[number + 1:number + 2]
        length = max([SHORTEST, *(_common(name, other) + 1 for other in beside)])
        found[name] = name[:length]
    return found


def _common(one: str, other: str) -> int:
    """How many characters two ids share at their beginning."""
    return next((number for number, (left, right) in enumerate(zip(one, other, strict=False)) if left != right),
                min(len(one), len(other)))


def _listed(names: list[str], known: Mapping[str, str]) -> str:
    """The first of them, a line each, with what they are."""
    short = brief(known)
    lines = [f"\n  {short[name]}  {known[name]}" for name in names[:CANDIDATES_AT_MOST]]
    more = len(names) - len(lines)
    return "".join(lines) + (f"\n  and {more} more" if more > 0 else "")
