"""What commands are asked: names of rules and moments."""

from __future__ import annotations

import pytest

from streams.clocks import WEEK, moment, parse_rfc3339, zone_of
from streams.tools.asking import EARLIEST, LATEST, Misasked, local_instant, rule_meant, rules_meant
from streams.tools.explain.folding import region
from tests.rulefile.derived import shop
from tests.rulefile.test_overrides import BASE, WEST

TEMPLATE = """
kind: template
id: level
parameters: {device: string}
instances: [%s]
rule: {kind: match, event: level, where: device == $device, owner: a}
"""
MADE = shop(f"{BASE}---{TEMPLATE % '{id: n, device: a}, {id: s, device: b}'}", districts__west__rules=WEST)


def test_a_template_means_its_rules_and_a_rule_its_variants() -> None:
    assert rules_meant(MADE, ["level"]) == ["level.n", "level.s"]
    assert rules_meant(MADE, ["crashes"]) == ["crashes", "crashes@west"]
    assert rule_meant(MADE, "crashes@west") == "crashes@west"


@pytest.mark.parametrize(("name", "text"), [
    ("level", "level is a template; name one of its rules: level.n, level.s"),
    ("crashs", "no rule 'crashs'; did you mean `crashes`?"),
    ("zzz", "no rule 'zzz'; there are: crashes, crashes@west, level, level.n, level.s"),
])
def test_one_rule_is_asked_for(name: str, text: str) -> None:
    with pytest.raises(Misasked) as found:
        rule_meant(MADE, name)
    assert str(found.value) == text


def test_many_rules_are_not_all_named() -> None:
    many = ", ".join(f"{{id: n{number:02}, device: d{number}}}" for number in range(12))
    with pytest.raises(Misasked, match=r"n09 and 2 more$"):
        rule_meant(shop(TEMPLATE % many), "level")


def test_where_there_is_no_rule_none_is_named() -> None:
    with pytest.raises(Misasked) as found:
        rules_meant(shop(), ["x"])
    assert str(found.value) == "no rule 'x'; there is none at all"


@pytest.mark.parametrize(("text", "instant"), [
    ("2026-03-02", "2026-03-01T16:00:00Z"), ("2026-03-02T08:00", "2026-03-02T00:00:00Z"),
    ("2026-03-02T08:00:00Z", "2026-03-02T08:00:00Z"),
])
def test_a_time_without_a_zone_is_local(text: str, instant: str) -> None:
    assert local_instant(text, "Asia/Shanghai") == parse_rfc3339(instant)


def test_around_the_first_and_the_last_day_there_is_a_date_for_all() -> None:
    first, last = region(EARLIEST, WEEK), region(LATEST, WEEK)
    assert (first.low, last.high) == (EARLIEST, LATEST)
    assert [moment(time, zone_of("Pacific/Kiritimati")).year for time in (first.low, last.high)] == [1, 9999]


@pytest.mark.parametrize("text", ["monday", "", "2026-13-01", "0001-01-01", "9999-12-31T23:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        local_instant(text, "Asia/Shanghai")
