"""Differences told: as JSON, as text."""

from __future__ import annotations

import io
import json
from collections import Counter

from rich.console import Console

from streams.findings import CLOSED, Finding
from streams.tools.backtest import final_line
from streams.tools.backtesting.compare import compare
from streams.tools.backtesting.noise import noise
from streams.tools.backtesting.verdict import SHOWN_AT_MOST, Verdict, by_rule, lines, summary, tell
from tests.responses import finding

OLD = [
    finding("a", opened=0, closed=10, change=CLOSED, value=5, evidence="p q"),
    finding("b", opened=60, closed=70, change=CLOSED, value=5, evidence="r s"),
    finding("x", rule="leak", opened=5, evidence="z"),
]
NEW = [
    finding("a2", opened=0, closed=20, change=CLOSED, value=6, evidence="p q t"),
    finding("c", opened=90, closed=90, change=CLOSED, value=4, key={"district": "east"}, evidence="u v"),
    finding("d", opened=95, value=4, key={"district": "east"}, evidence="w"),
]


def verdict(old: list[Finding], new: list[Finding]) -> Verdict:
    rules = by_rule(compare(old, new), lambda rule: [f"why {rule}"])
    return Verdict(("HEAD", "rules"), noise(old, "UTC"), noise(new, "UTC"), rules)


def told(found: Verdict) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=120, markup=False, highlight=False, emoji=False, soft_wrap=True)
    tell(console, found, "Asia/Shanghai")
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_each_difference_is_a_line_of_json_with_its_reasons() -> None:
    found = [json.loads(json.dumps(line)) for line in lines(verdict(OLD, NEW), final_line)]
    assert [(one["difference"], one["rule"], one["district"], one["parts"], one["reasons"]) for one in found] == [
        ("changed", "crash", "west", ["closed", "value", "count", "evidence"], ["why crash"]),
        ("removed", "crash", "west", [], ["why crash"]),
        ("added", "crash", "east", [], ["why crash"]),
        ("added", "crash", "east", [], ["why crash"]),
        ("removed", "leak", "west", [], ["why leak"]),
    ]
    assert (found[0]["old"]["finding"], found[0]["new"]["finding"]) == ("a", "a2")
    assert (found[1]["new"], found[2]["old"]) == (None, None)


def test_the_summary_counts_by_rule_and_district() -> None:
    found = summary(verdict(OLD, NEW))
    assert {sort: found[sort] for sort in ("added", "removed", "changed")} == {"added": 2, "removed": 2, "changed": 1}
    assert found["old"] == {"name": "HEAD", "findings": 3, "per_day": 3.0}
    assert found["rules"]["crash"]["districts"] == {
        "east": {"added": 2, "removed": 0, "changed": 0}, "west": {"added": 0, "removed": 1, "changed": 1}}


def test_people_read_why_and_what() -> None:
    assert told(verdict(OLD, NEW)) == [
        "crash",
        "  because why crash",
        "  2 added, 1 removed, 1 changed",
        "  by district: east +2, west -1 ~1",
        ("  ~ 2025-07-01 20:00:00 to 20:20:00  west  closed 2025-07-01 20:10:00 → 2025-07-01 20:20:00, value 5 → 6, "
         "events 2 → 3"),
        "  - 2025-07-01 21:00:00 to 21:10:00  west  value 5, 2 events",
        "  + 2025-07-01 21:30:00  east  value 4, 2 events",
        "  + 2025-07-01 21:35:00, still open  east  value 4, 1 event",
        "leak",
        "  because why leak",
        "  0 added, 1 removed, 0 changed",
        "  by district: west -1",
        "  - 2025-07-01 20:05:00, still open  west  value 5, 1 event",
        "HEAD: 3 findings, 3.0 a day; rules: 3, 3.0 a day",
        "2 added, 2 removed, 1 changed; times are those of Asia/Shanghai",
    ]


def test_nothing_is_told_as_nothing() -> None:
    assert told(verdict(OLD, OLD)) == ["HEAD: 3 findings, 3.0 a day; rules: 3, 3.0 a day", "no finding differs"]
    assert verdict(OLD, OLD).counts == Counter()


def test_many_are_cut_and_said_to_be() -> None:
    many = [finding(f"m{number}", opened=number * 10, closed=number * 10, evidence=f"e{number}")
            for number in range(SHOWN_AT_MOST + 3)]
    assert "    and 3 more; --json names all" in told(verdict([], many))
