"""What a comment puts off, and for how long."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from streams.problems import Problem
from streams.rulefile import check_files, examine

BASE = """\
kind: event_type
id: a.b
fields: {n: int}
---
kind: source
id: x
topic: t
format: json
event: {id: record.id, type: record.type, time: record.time}
---
"""
RULE = "kind: match\nid: m\nevent: a.b\nwhere: n > 1\n"
DAY = date(2026, 7, 1)


def codes(text: str, today: date | None = DAY) -> list[str]:
    _, problems = check_files({"a.yaml": f"{BASE}{text}".encode()}, today=today)
    return sorted({problem.code for problem in problems})


ALL = codes(RULE)


def without(*off: str) -> list[str]:
    return [code for code in ALL if code not in off]


@pytest.mark.parametrize("text", [
    "kind: match\nid: m\nevent: a.b\nwhere: n > 1  # tocsin: snooze TOC073 until 2026-07-02: few events\n",
    "kind: match\nid: m\nevent: a.b\n# tocsin: snooze TOC073 until 2026-07-02: few events\nwhere: n > 1\n",
    "kind: match\nid: m\nevent: a.b\n#  tocsin:  snooze  TOC073  until  2026-07-02 : few\n# of them\n\nwhere: n > 1\n",
])
def test_it_stands_at_the_line_or_above(text: str) -> None:
    assert codes(text) == without("TOC073")


def test_several_codes_and_several_comments() -> None:
    above = "# tocsin: snooze TOC070 until 2026-07-02: why\n# tocsin: snooze TOC071 until 2026-07-02: why\n"
    assert codes(RULE.replace("id: m", f"{above}id: m")) == without("TOC070", "TOC071")
    both = "# tocsin: snooze TOC070, TOC071 until 2026-07-02: why\n"
    assert codes(RULE.replace("id: m", f"{both}id: m")) == without("TOC070", "TOC071")


def test_its_day_ends_it() -> None:
    text = RULE.replace("id: m", "id: m  # tocsin: snooze TOC070 until 2026-07-01: why")
    assert codes(text, date(2026, 6, 30)) == without("TOC070")
    assert codes(text) == [*ALL, "TOC126"]
    assert codes(text, today=None) == without("TOC070")


def test_one_that_puts_nothing_off_is_told_where_everything_else_is_right() -> None:
    text = RULE.replace("id: m", "id: m  # tocsin: snooze TOC047 until 2026-07-02: why")
    assert codes(text) == [*ALL, "TOC127"]
    assert "TOC127" not in codes(text.replace("n > 1", "m > 1"))


@pytest.mark.parametrize("comment", [
    "snooze TOC070 until 2026-07-02", "snooze TOC070 until 2026-07-02:", "snooze TOC070: why",
    "snooze until 2026-07-02: why",
    "snooze TOC999 until 2026-07-02: why", "snooze TOC013 until 2026-07-02: why", "snooze TOC127 until 2026-07-02: why",
    "snooze TOC070 until 2026-02-30: why", "snoze TOC070 until 2026-07-02: why", "",
])
def test_one_that_cannot_be_read_puts_nothing_off(comment: str) -> None:
    assert codes(RULE.replace("id: m", f"id: m  # tocsin: {comment}")) == [*ALL, "TOC125"]


def test_a_mistake_is_never_put_off() -> None:
    text = RULE.replace("n > 1", "n > '1'  # tocsin: snooze TOC073 until 2026-07-02: why")
    assert "TOC031" in codes(text)


def test_what_is_put_off_is_kept_with_its_reason(tmp_path: Path) -> None:
    comment = "# tocsin: snooze TOC070 until 2026-07-02: why"
    (tmp_path / "a.yaml").write_text(BASE + RULE.replace("id: m", f"id: m {comment}"))
    found = examine(tmp_path, DAY)
    [one] = found.snoozed
    assert isinstance(one.problem, Problem)
    assert (one.problem.code, one.until, one.reason) == ("TOC070", "2026-07-02", "why")
    assert one.problem not in found.problems
    assert found.bundle is not None
