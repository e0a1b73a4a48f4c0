"""What the tests leave open: rules that no test makes fire, and rules that no test keeps from firing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from streams.rulefile.silence import PREFIX
from streams.rules import Rule
from streams.tools.ruletest import CALLED, NOTHING


class Gap(msgspec.Struct, frozen=True):
    """A rule that lacks a `positive` test, or a `negative` one."""

    rule: str
    file: str
    line: int
    lacks: str


def gaps(rules: Iterable[Rule]) -> list[Gap]:
    """What each rule lacks; the rules that sources bring along are the project's to test."""
    found = []
    for rule in rules:
        if rule.id.startswith(PREFIX):
            continue
        sorts = {is_positive(test.value) for test in rule.tests}
        found += [Gap(rule.id, rule.file, rule.line, lacks) for sort, lacks in ((True, "positive"), (False, "negative"))
                  if sort not in sorts]
    return found


def is_positive(test: Mapping[str, Any]) -> bool:
    """Whether a test expects that something is found."""
    return test.get(NOTHING) is not True and any(bool(test.get(word)) for word in CALLED)
