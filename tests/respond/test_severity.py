"""A severity that is computed: of the finding as it is now, told again when it rises, never without a word."""

from __future__ import annotations

from typing import Any

import pytest

from streams.conditions import compile_expression, key_scope
from streams.findings import UPDATED
from streams.respond import Respond
from streams.rules import Alert, Grading, Rule
from tests.responses import bundle, finding, frame, read, rows, rule, tell

NAMES = {"value": "double", "count": "int", "opened": "timestamp", "district": "string", "cars": "int",
         "first.cars": "int", "place.address": "string"}


def graded(text: str, otherwise: str = "severe", **parts: Any) -> Rule:
    expression = compile_expression(text, key_scope(NAMES), "string")
    return rule(grading=Grading(expression, True), severity=otherwise, **parts)


def severity(text: str, **parts: Any) -> str:
    [output] = Respond(bundle(graded(text))).step(0, frame(rows([finding(**parts)])))
    found: str = read(output)["data"]["severity"]
    return found


@pytest.mark.parametrize(("text", "parts", "expected"), [
    ("value >= 10 ? 'severe' : 'moderate'", {"value": 10}, "severe"),
    ("value >= 10 ? 'severe' : 'moderate'", {"value": 9.5}, "moderate"),
    ("value / 2 > 2.4 ? 'severe' : 'minor'", {"value": 5}, "severe"),
    ("count > 3 ? 'severe' : 'info'", {"evidence": "a b c d"}, "severe"),
    ("district == 'west' ? 'extreme' : 'info'", {}, "extreme"),
    ("cars > 2 ? 'extreme' : 'info'", {"facts": {"cars": 3}}, "extreme"),
    ("first.cars > 2 ? 'extreme' : 'info'", {"facts": {"first": {"cars": 3}}, "bound": {"first": ["e1"]}}, "extreme"),
    ("local(opened).getHours() >= 22 ? 'extreme' : 'info'", {}, "info"),
])
def test_it_is_of_value_count_key_and_facts(text: str, parts: dict[str, Any], expected: str) -> None:
    assert severity(text, **parts) == expected


@pytest.mark.parametrize(("text", "parts"), [
    ("cars > 2 ? 'minor' : 'info'", {}),  # the fact is missing
    ("value > 2.0 ? 'minor' : 'info'", {"value": None}),
    ("district", {}),  # "west" is no severity
])
def test_where_it_gives_no_severity_the_gravest_word_stands(text: str, parts: dict[str, Any]) -> None:
    assert severity(text, **parts) == "severe"


def test_a_rise_is_news_that_says_from_what() -> None:
    fold = Respond(bundle(graded("value >= 10 ? 'severe' : 'moderate'", alert=Alert("{{ rule.severity }}"))))
    told = [read(fold.step(number, frame(rows([one], offset=number)))[0])["data"] for number, one in enumerate([
        finding(value=5), finding(sequence=2, change=UPDATED, value=12), finding(sequence=3, change=UPDATED, value=13),
        finding(sequence=4, change=UPDATED, value=6)])]
    assert [(one["severity"], one["raised_from"], one["title"]) for one in told] == [
        ("moderate", "", "moderate"), ("severe", "moderate", "severe"), ("severe", "", "severe"),
        ("moderate", "", "moderate")]
    assert [one["urgency"] for one in told] == ["expected", "immediate", "immediate", "expected"]


def test_a_severity_that_stays_is_no_news() -> None:
    fold = Respond(bundle(graded("count > 100 ? 'severe' : 'moderate'")))
    assert tell(fold, finding(), finding(sequence=2, change=UPDATED)) == ["alerts firing 1", "audit unchanged"]
