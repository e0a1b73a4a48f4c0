"""The tests of a rule: whether one shows it finding something, and one that it does not."""

from __future__ import annotations

from typing import Any

from streams.rulefile import codes
from streams.rulefile.advice.around import Around
from streams.rulefile.drafts import RuleDraft
from streams.rules import Rule


def advise(draft: RuleDraft, rule: Rule, around: Around) -> None:
    """What the tests leave open."""
    shown = [found for test in rule.tests if (found := finds(test.value)) is not None]
    if not shown or len(set(shown)) == 2:
        return
    never = "no test shows when it does not fire" if shown[0] else "no test shows that it fires"
    hint = "add a timeline that comes close: `expect: []`" if shown[0] else "add a timeline that fires"
    around.report.add(codes.ONE_SIDED_TESTS, draft.values.spot("id"), f"`{rule.id}`: {never}", hint)


def finds(test: Any) -> bool | None:
    """Whether a test expects a finding; None where it does not say."""
    if not isinstance(test, dict):
        return None
    told = [test[name] for name in ("expect", "alerts", "dispatches") if isinstance(test.get(name), list)]
    if any(told):
        return True
    return False if told or test.get("expect_none") is True else None
