"""What the tests of a rule leave open."""

from __future__ import annotations

from typing import Any

import pytest

from streams.specs import Written
from streams.tools.testing.gaps import gaps, is_positive
from tests.responses import rule


@pytest.mark.parametrize(("test", "positive"), [
    ({"expect": [{}]}, True),
    ({"expect": []}, False),
    ({"expect_none": True}, False),
    ({"alerts": [{}]}, True),
    ({"expect": [], "alerts": []}, False),
    ({"dispatches": []}, False),
])
def test_a_test_is_positive_if_something_is_to_be_found(test: dict[str, Any], positive: bool) -> None:
    assert is_positive(test) is positive


def test_each_rule_needs_both() -> None:
    fires: dict[str, Any] = {"expect": [{}]}
    keeps: dict[str, Any] = {"expect": []}
    rules = [rule(name, tests=tuple(Written(test, "f.yaml", {}) for test in tests), file="f.yaml", line=line)
             for line, (name, tests) in enumerate({"both": [fires, keeps], "fires": [fires, fires], "keeps": [keeps],
                                                   "none": [], "source-silent.calls": []}.items())]
    assert [(gap.rule, gap.lacks, gap.line) for gap in gaps(rules)] == [
        ("fires", "negative", 1), ("keeps", "positive", 2), ("none", "positive", 3), ("none", "negative", 3)]
