"""Macros of a folder: callable in every expression, part of the logic of the rules that use them."""

from __future__ import annotations

from streams.problems import Gravity
from streams.records import Event, Place
from streams.rulefile import check_files
from streams.rules import Bundle

CITY = """
kind: event_type
id: sensor.rain
fields: {device: string, mm_per_h: double}
---
kind: register
id: gauges
key: device
fields: {device: string, every: duration}
---
kind: source
id: rain
topic: rain
format: json
event: {id: named(record.id), type: "'sensor.rain'", time: record.time, fields: {device: record.device}}
---
kind: macro
id: named
parameters: {id: dyn}
expression: "'rain-' + string(id)"
---
kind: macro
id: interval
parameters: {device: string}
expression: register("gauges", device).every
---
kind: macro
id: heavy
parameters: {from: double}
expression: mm_per_h >= from
---
kind: macro
id: heavy_here
expression: heavy(30) && place.district in lists.low
---
kind: list
id: low
values: [harbour]
"""
RULES = """
kind: match
id: heavy-rain
event: sensor.rain
where: heavy_here()
---
kind: threshold
id: wet-hour
event: sensor.rain
by: "named(device)"
window: 1h
measure: {sum: "heavy(3) ? mm_per_h : 0.0"}
condition: {gte: 3}
---
kind: absence
id: silent
event: sensor.rain
by: device
every: interval(device)
---
kind: match
id: other
event: sensor.rain
"""


def loaded(city: str = CITY) -> Bundle:
    files = {"city.yaml": city.encode(), "rules.yaml": RULES.encode(), "gauges.csv": b"device,every\nr1,10m\n"}
    bundle, problems = check_files(files)
    assert bundle is not None, [problem.render() for problem in problems]
    assert not [problem for problem in problems if problem.gravity is Gravity.BUG]
    return bundle


def rain(**fields: object) -> Event:
    return Event("1", "rain", "sensor.rain", 0, 0, Place(district="harbour"), None, dict(fields), 0, 0)


def test_macros_are_called_in_every_expression() -> None:
    bundle = loaded()
    where = bundle.rules["heavy-rain"].selectors[0].where
    assert where is not None
    assert where(rain(mm_per_h=30.0)) is True
    assert where(rain(mm_per_h=29.0)) is False
    hour = bundle.rules["wet-hour"]
    assert hour.value is not None
    assert [part(rain(device="r1")) for part in hour.selectors[0].by] == ["rain-r1"]
    assert [hour.value(rain(mm_per_h=wet)) for wet in (2.0, 5.0)] == [0.0, 5.0]
    assert bundle.sources["rain"].mapping.id({"id": 7}, 0) == "rain-7"


def test_a_changed_macro_changes_the_logic_of_the_rules_that_call_it() -> None:
    before = {name: rule.logic for name, rule in loaded().rules.items()}
    after = {
        name: rule.logic for name, rule in loaded(CITY.replace("mm_per_h >= from", "mm_per_h > from")).rules.items()
    }
    assert {name for name in before if before[name] != after[name]} == {"heavy-rain", "wet-hour"}
    laid_out = {
        name: rule.logic for name, rule in loaded(CITY.replace("mm_per_h >= from", "mm_per_h  >=  from")).rules.items()
    }
    assert laid_out == before


def test_values_of_a_list_and_rows_of_a_register_are_no_logic() -> None:
    before = {name: rule.logic for name, rule in loaded().rules.items()}
    assert {
        name: rule.logic for name, rule in loaded(CITY.replace("[harbour]", "[harbour, west]")).rules.items()
    } == before


def test_words_of_a_severity_are_looked_for_in_macros() -> None:
    macro = "---\nkind: macro\nid: grade\nparameters: {n: double}\nexpression: \"n > 9.0 ? 'severe' : 'awful'\"\n"
    rule = "---\nkind: threshold\nid: r\nevent: sensor.rain\nwindow: 1h\nmeasure: {max: mm_per_h}\n"
    rest = "condition: {gte: 3}\nseverity: grade(value)\n"
    files = {"city.yaml": CITY.encode(), "gauges.csv": b"device,every\n", "rules.yaml": (macro + rule + rest).encode()}
    told = [(one.code, one.line, one.column) for one in check_files(files)[1] if one.gravity is Gravity.BUG]
    assert told == [("TOC106", 13, 11)]
