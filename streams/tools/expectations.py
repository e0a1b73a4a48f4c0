"""What a test expects, against what was found: every difference in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from streams.clocks import duration
from streams.tools.timeline import Misread

TIMES = ("opened", "closed", "at", "since")
MAIN_WORDS = ("at", "alert", "of", "status", "state", "to", "reason", "firing", "over", "by", "title", "opened",
              "closed", "evidence", "value", "key")
USUAL = "actual"  # the status of an alert that is no exercise: nobody need read it
KEY_PART = "key."
PARTIAL = ("usual", "top")  # of which only what is wanted is compared

Told = Mapping[str, Any]
Difference = tuple[str, tuple[str | int, ...]]
"""A difference in words, and the path in the test that it belongs to."""


def differences(what: str, where: str, found: Sequence[Told], expected: Any) -> list[Difference]:
    """What differs from the complete list that was expected; empty if nothing does. Raises Misread.

    `what` is an episode, an alert or a dispatch; `where` the word of the test that lists them.
    """
    check_list(what, where, expected)
    problems: list[Difference] = []
    for index, wanted in enumerate(expected):
        if index >= len(found):
            problems.append((f"{what} missing: {shown(wanted)}", (where, index)))
            continue
        for name, value in wanted.items():
            problems += _compare(f"{what} {index + 1}", (where, index), found[index], name, value)
    problems += [(f"{what} not expected: {shown(told)}", (where,)) for told in found[len(expected):]]
    return problems


def check_list(what: str, where: str, expected: Any) -> None:
    """An expected list is a list of mappings. Raises Misread."""
    if not isinstance(expected, Sequence) or isinstance(expected, str):
        raise Misread(f"`{where}` is a list; write [] for none", where)
    for index, wanted in enumerate(expected):
        _check_words(what, where, index, wanted)


def shown(told: Told) -> str:
    """An episode, an alert or a dispatch in a few words."""
    words = [name for name in MAIN_WORDS if name in told and told[name] not in (USUAL, [])]
    words += [name for name in told if name.startswith(KEY_PART)]
    texts = {name: _text(told.get("count") if name == "evidence" and "count" in told else told[name]) for name in words}
    return ", ".join(f"{name} {text}" for name, text in texts.items() if text)


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {part}" for name, part in value.items())
    return "" if value is None else str(value)


def _check_words(what: str, where: str, index: int, wanted: Any) -> None:
    if not isinstance(wanted, Mapping):
        raise Misread(f"{what} {index + 1} of `{where}` is a mapping such as {{opened: 5m}}", where, index)


def _compare(subject: str, path: tuple[str | int, ...], told: Told, name: str, wanted: Any) -> list[Difference]:
    found = _found(subject, path, told, name, wanted)
    try:
        same = _equal(name, found, wanted)
    except ValueError as error:
        raise Misread(f"{subject}: {name}: {error}", *path) from error
    said = f"{subject}: {name} is {_text(found) or 'none'}, expected {_text(wanted) or 'none'}"
    return [] if same else [(said, path)]


def _found(subject: str, path: tuple[str | int, ...], told: Told, name: str, wanted: Any) -> Any:
    """What was found under a name; `evidence` is a list of ids where such a list is wanted, else their number."""
    if name.startswith(KEY_PART):
        return told["key"].get(name.removeprefix(KEY_PART))
    if name == "evidence" and not isinstance(wanted, list):
        return told["count"]
    if name not in told:
        what = subject.rpartition(" ")[0]
        raise Misread(f"an expected {what} knows no {name!r}; there are {', '.join(sorted(told))}", *path)
    return told[name]


def _equal(name: str, told: Any, wanted: Any) -> bool:
    if name in TIMES:
        if told is None or wanted is None:
            return told is None and wanted is None
        return duration(str(told)) == duration(str(wanted))
    if name == "key" and isinstance(wanted, Mapping):
        return all(str(told.get(part)) == str(value) for part, value in wanted.items())
    if name in PARTIAL:
        return _agrees(told, wanted)
    if name == "key" or name.startswith(KEY_PART):
        parts = told.values() if isinstance(told, Mapping) else [told]
        return [str(part) for part in parts] == [str(wanted)]
    return bool(_spelled(told) == _spelled(wanted))


def _agrees(told: Any, wanted: Any) -> bool:
    """Whether all is there that is wanted; of a mapping only the names that are wanted count."""
    if isinstance(told, Mapping) and isinstance(wanted, Mapping):
        return all(name in told and _agrees(told[name], one) for name, one in wanted.items())
    if isinstance(told, list) and isinstance(wanted, list):
        return len(told) == len(wanted) and all(map(_agrees, told, wanted))
    return bool(told == wanted)


def _spelled(value: Any) -> Any:
    """Ids of events are texts, and numbers where an author writes them in a list."""
    if isinstance(value, Mapping):
        return {name: _spelled(part) for name, part in value.items()}
    return [str(one) for one in value] if isinstance(value, list) else value
