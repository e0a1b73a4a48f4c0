"""What is named as the reason of a difference: whatever the rule depends on, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.rulefile import workshop
from streams.tools.backtesting.reasons import NOT_KNOWN, Reasons, changes
from tests.sensors import RULES, write_rules

MORE = RULES + """\
---
kind: list
id: trusted
values: [d0, d1]
---
kind: macro
id: high
parameters: {level: double}
expression: level > 30.0
---
kind: match
id: trusted-high
event: sensor.gas
where: high(level) && device in lists.trusted
by: device
severity: minor
owner: gas
"""


def reasons(folder: Path, rule: str, *edits: tuple[str, str], devices: str = "") -> list[str]:
    old, new = write_rules(folder / "old", MORE), write_rules(folder / "new", MORE)
    text = MORE
    for before, after in edits:
        assert before in text
        text = text.replace(before, after)
    (new / "rules.yaml").write_text(text)
    if devices:
        (new / "devices.csv").write_text(devices)
    return Reasons(workshop(old), workshop(new)).of(rule)


@pytest.mark.parametrize(("rule", "before", "after", "told"), [
    ("gas", "condition: {gte: 3}", "condition: {gte: 4}", ["condition.gte: 3 → 4"]),
    ("gas", "window: 10m", "window: {type: tumbling, size: 10m}", ['window: 10m → {"type":"tumbling","size":"10m"}']),
    ("gas", "level >= 20", "level >= 25", ["where: level >= 20 → level >= 25"]),
    ("gas", "title: Gas", "title: More gas", [NOT_KNOWN]),
    ("gas", "id: gas\n", "id: gas\nfor: 1m\n", ["for: 1m is new"]),
    ("gas", "lateness: 1h", "lateness: 2h", ["source sensors: lateness: 1h → 2h"]),
    ("gas", "level: double,", "level: {type: double, unit: ppm},",
     ['event type sensor.gas: fields.level: double → {"type":"double","unit":"ppm"}']),
    ("gas", "zone: UTC", "zone: Asia/Shanghai", ["city: zone: UTC → Asia/Shanghai"]),
    ("gas-spreads", "condition: {gte: 3}", "condition: {gte: 4}", ["it reads gas: condition.gte: 3 → 4"]),
    ("far-away", "condition: {gte: 3}", "condition: {gte: 4}", [NOT_KNOWN]),
    ("trusted-high", "values: [d0, d1]", "values: [d0, d2]",
     ["list trusted: values[2]: d1 → d2", "list trusted: +d2, -d1"]),
    ("trusted-high", "expression: level > 30.0", "expression: level > 31.0",
     ["macro high: expression: level > 30.0 → level > 31.0"]),
    ("far-away", "values: [d0, d1]", "values: [d0, d2]", [NOT_KNOWN]),
])
def test_what_the_rule_depends_on_is_the_reason(tmp_path: Path, rule: str, before: str, after: str,
                                                told: list[str]) -> None:
    assert reasons(tmp_path, rule, (before, after)) == told


def test_rows_of_a_register_are_counted(tmp_path: Path) -> None:
    found = reasons(tmp_path, "silent", devices="device,district\nd0,west\nd1,east\nnew,west\n")
    assert found == ["register devices: rows 1 new, 4 gone, 1 changed"]


def test_rules_come_and_go(tmp_path: Path) -> None:
    edits = ("id: gas\n", "id: fumes\n"), ("rule: gas\n", "rule: fumes\n")
    assert reasons(tmp_path, "fumes", *edits) == ["the rule is new"]
    assert reasons(tmp_path, "gas", *edits) == ["the rule is gone"]
    told = reasons(tmp_path, "gas-spreads", *edits)
    assert told == ["rule: gas → fumes", "it reads gas: it is gone", "it reads fumes: it is new"]


def test_long_values_are_cut() -> None:
    [told] = changes("where", "a" * 100, ["b"] * 100)
    listed = ("[" + '"b",' * 100)[:59]
    assert told == f"where: {'a' * 59}… → {listed}…"
