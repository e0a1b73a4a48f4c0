"""Which tests are to run: by rule, and by what their names hold (`-k`)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from streams.rules import Rule
from streams.tools.ruletest import Chosen

_OR, _AND = re.compile(r"\s+or\s+"), re.compile(r"\s+and\s+")


def chosen_by(rules: Iterable[str], words: str) -> Chosen:
    """Tests of these rules (none: of all) whose rule and name fit `words`."""
    wanted = frozenset(rules)

    def chosen(rule: Rule, name: str) -> bool:
        return (not wanted or rule.id in wanted) and fits(words, f"{rule.id}: {name}")

    return chosen


def fits(words: str, text: str) -> bool:
    """Whether a text holds words joined by `and`, `or` and `not`; `and` binds closer, large and small are one."""
    whole = text.lower()
    return any(all(_holds(part, whole) for part in _AND.split(either)) for either in _OR.split(words.lower().strip()))


def _holds(part: str, text: str) -> bool:
    word = part.removeprefix("not ").strip()
    return (word in text) != part.startswith("not ")
