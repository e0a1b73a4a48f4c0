"""Matchers: the four comparisons, absent labels, whole values, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.matchers import OPERATORS, Matcher, all_of, either, parse, within

CASES: tuple[tuple[str, dict[str, str], bool], ...] = (
    ('severity="severe"', {"severity": "severe"}, True),
    ("severity = severe", {"severity": "severe"}, True),
    ('severity!="severe"', {}, True),
    ('district=""', {}, True),
    ('rule=~"crash|fire"', {"rule": "crash"}, True),
    ('rule=~"crash"', {"rule": "crash-series"}, False),
    ('rule!~"crash.*"', {"rule": "crash-series"}, False),
    ('feeder=~"(x)?"', {}, True),
    ('place.district="west"', {"place.district": "west"}, True),
    (r'title="a \"quoted\" one"', {"title": 'a "quoted" one'}, True),
)


@pytest.mark.parametrize(("text", "labels", "expected"), CASES)
def test_a_matcher_decides(text: str, labels: dict[str, str], expected: bool) -> None:
    assert parse(text).compiled()(labels) is expected


@pytest.mark.parametrize("text", ["", "severity", '="x"', 'severity=="x"', 'severity="x', 'a="b" c="d"'])
def test_what_is_none_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="is no matcher"):
        parse(text)


def test_a_pattern_that_is_none_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"'\(' is no pattern: missing"):
        parse('rule=~"("').compiled()


@given(st.from_regex(r"[a-z_.]{1,8}", fullmatch=True), st.sampled_from(OPERATORS), st.text(max_size=8))
def test_what_is_written_is_read_again(label: str, operator: str, value: str) -> None:
    one = Matcher(label, operator, value)
    assert parse(str(one)) == one


def test_conditions_are_joined() -> None:
    both = all_of([parse("a=1"), parse("b=2")])
    assert both({"a": "1", "b": "2"})
    assert not both({"a": "1"})
    assert either([parse("a=1").compiled(), parse("b=2").compiled()])({"b": "2"})
    west = within(None, "district", "west")
    assert west({"district": "west"})
    assert not west({})
