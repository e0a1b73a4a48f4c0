"""How much was found: by day in the city's zone, by rule, key and district; and how that looks on a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from streams.clocks import DAY, HOUR, parse_rfc3339
from streams.findings import CLOSED, RETRACTED
from streams.tools.backtesting import chart
from streams.tools.backtesting.chart import BAR, DAYS_AT_MOST, bar, histogram
from streams.tools.backtesting.noise import as_json, day_of, days_between, key_text, noise, placed_key, position
from tests.responses import NOON, bundle, finding, rule

DAY_MINUTES = 24 * 60
FINDINGS = [
    finding("a", rule="crash", opened=0, closed=5, change=CLOSED, key={"district": "west"}),
    finding("b", rule="crash", opened=10, key={"district": "west"}, corrections=2),
    finding("c", rule="crash", opened=DAY_MINUTES, closed=DAY_MINUTES, key={"district": "east"}),
    finding("d", rule="crash", opened=1, change=RETRACTED, key={"district": "west"}),
    finding("e", rule="leak", opened=2 * DAY_MINUTES, key={"street": "Elm"}, facts={"place.district": "east"}),
]


def test_each_rule_is_counted_by_day_and_key() -> None:
    found = noise(FINDINGS, "UTC", NOON, NOON + 3 * DAY)
    assert found.days == ["2025-07-01", "2025-07-02", "2025-07-03", "2025-07-04"]
    assert (found.findings, found.per_day, found.by_day) == (4, 1.0, [2, 1, 1, 0])
    assert found.districts == {"east": 2, "west": 2}
    crash, leak = found.rules
    assert (crash.rule, crash.findings, crash.per_day) == ("crash", 3, 0.75)
    assert (crash.busiest, crash.by_day) == (2, [2, 1, 0, 0])
    assert (crash.still_open, crash.retracted, crash.corrected) == (1, 1, 1)
    assert crash.top == [("west", 2), ("east", 1)]
    assert leak.top == [("Elm", 1)]
    assert as_json(found)["rules"][1]["rule"] == "leak"


def test_nothing_found_is_no_noise() -> None:
    found = noise([], "UTC", NOON, NOON)
    assert (found.days, found.findings, found.per_day, found.rules) == (["2025-07-01"], 0, 0.0, [])
    assert noise([], "UTC").days == []


def test_what_follows_only_from_finishing_is_no_day_of_its_own() -> None:
    found = noise([*FINDINGS, finding("s", rule="silent", opened=DAY_MINUTES + 30)], "UTC", NOON, NOON + DAY)
    assert found.days == ["2025-07-01", "2025-07-02"]
    assert (found.findings, found.after, found.per_day, found.by_day) == (5, 2, 1.5, [2, 1])
    silent = next(one for one in found.rules if one.rule == "silent")
    assert (silent.findings, silent.after, silent.per_day, silent.by_day) == (1, 1, 0.0, [0, 0])


def test_a_last_day_of_less_than_an_hour_counts_only_if_something_was_found_on_it() -> None:
    midnight = NOON + 12 * HOUR
    assert noise(FINDINGS[:2], "UTC", NOON, midnight + 1).days == ["2025-07-01"]
    assert noise(FINDINGS[:2], "UTC", NOON, midnight + HOUR).days == ["2025-07-01", "2025-07-02"]
    late = finding("z", opened=12 * 60)
    assert noise([*FINDINGS[:2], late], "UTC", NOON, midnight + 1).by_day == [2, 1]


@pytest.mark.parametrize(("first", "last", "zone", "days"), [
    ("2026-03-28T22:59:00Z", "2026-03-29T22:00:00Z", "Europe/Berlin", ["2026-03-28", "2026-03-29", "2026-03-30"]),
    ("2026-10-24T22:00:00Z", "2026-10-25T22:59:59Z", "Europe/Berlin", ["2026-10-25"]),
    ("2026-01-01T15:59:59Z", "2026-01-01T16:00:00Z", "Asia/Shanghai", ["2026-01-01", "2026-01-02"]),
])
def test_days_are_local_also_where_they_are_short_or_long(first: str, last: str, zone: str, days: list[str]) -> None:
    assert days_between(parse_rfc3339(first), parse_rfc3339(last), zone) == days


def test_every_instant_of_a_span_has_its_day() -> None:
    start = parse_rfc3339("2026-03-27T00:00:00Z")
    days = days_between(start, start + 5 * DAY, "Europe/Berlin")
    assert {day_of(start + hour * HOUR, "Europe/Berlin") for hour in range(121)} == set(days)


def test_a_finding_has_a_key_and_perhaps_a_position() -> None:
    assert key_text(finding(key={})) == "everywhere"
    assert key_text(finding(key={"a": 1, "b": "x"})) == "1, x"
    assert position(finding(facts={"place.lat": 1.5, "place.lon": 2})) == (1.5, 2)
    assert position(finding(facts={"place.lat": 1.5})) is None


def test_beside_a_cell_of_the_map_stands_where_it_is() -> None:
    at = {"place.lat": 30.0123456, "place.lon": 124.5}
    key = {"cell": "8a1fb", "street": "Elm"}
    assert placed_key(finding(key=key, facts=at)) == "8a1fb (30.01235, 124.50000), Elm"
    assert placed_key(finding(key=key, facts={**at, "place.address": "3 Elm"})) == "8a1fb (3 Elm), Elm"
    assert placed_key(finding(key=key)) == "8a1fb, Elm"
    assert placed_key(finding(key={"street": "Elm"}, facts=at)) == "Elm"
    crowds = [finding("a", key={"cell": "8a1fb"}, facts=at), finding("b", key={"cell": "8a1fb"}, opened=9, facts=at)]
    assert noise(crowds, "UTC").rules[0].top == [("8a1fb (30.01235, 124.50000)", 2)]


def test_a_bar_is_as_long_as_its_share() -> None:
    assert bar(10, 10) == "█" * BAR
    assert bar(5, 10) == "█" * (BAR // 2)
    assert (bar(0, 10), bar(0, 0), bar(1, 100_000)) == ("", "", "▏")


def test_of_many_days_the_last_are_shown() -> None:
    days = [f"day {number}" for number in range(DAYS_AT_MOST + 5)]
    lines = [line.plain for line in histogram(days, list(range(len(days))))]
    assert len(lines) == DAYS_AT_MOST + 1
    assert "the last 62 of 67 days" in lines[0]
    assert lines[1].startswith("  day 5  5 ")


def test_the_terminal_tells_what_is_noisy_and_what_is_silent() -> None:
    out = io.StringIO()
    console = Console(file=out, width=120, markup=False, highlight=False, emoji=False, soft_wrap=True)
    rules = bundle(rule("crash"), rule("leak"), rule("quiet"))
    chart.show(console, noise(FINDINGS, "UTC", NOON, NOON + 3 * DAY), rules)
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    assert lines[0] == "4 findings on 4 days, 1.0 a day"
    assert lines[1] == f"  2025-07-01 2 {'█' * BAR}"
    assert lines[4] == "  2025-07-04 0"
    assert lines[6].split() == ["crash", "3", "0.75", "2", "1", "1", "1", "west", "2,", "east", "1"]
    assert lines[-2:] == ["by district: east 2, west 2", "1 rule found nothing: quiet"]
