"""Rules made again over other registers and lists."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from streams.problems import Problems
from streams.rulefile import Workshop, workshop

FILES = """\
kind: event_type
id: sensor.gas
fields: {device: string, level: double}
---
kind: source
id: sensors
topic: city.sensors
format: json
event: {id: record.id, type: "'sensor.gas'", time: record.time, fields: {device: record.device, level: record.level}}
---
kind: list
id: watched
values: [a, b]
---
kind: register
id: devices
key: device
fields: {device: string, limit: double}
---
kind: match
id: watched
event: sensor.gas
where: device in lists.watched
by: device
severity: minor
owner: test
---
kind: match
id: above
event: sensor.gas
where: level > register("devices", device).limit
by: device
severity: minor
owner: test
---
kind: threshold
id: many
rule: watched
window: 1h
condition: {gte: 2}
severity: minor
owner: test
"""


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    (tmp_path / "rules.yaml").write_text(FILES)
    (tmp_path / "devices.csv").write_text("device,limit\na,20\n")
    return workshop(tmp_path)


def test_a_rule_is_made_again_with_the_list_given(shop: Workshop) -> None:
    made = shop.rebuild("watched", {}, {"watched": ("c",)})
    where = made.rules["watched"].selectors[0].where
    assert where is not None
    assert where.equalities == {"device": frozenset(["c"])}
    assert made.lists == {"watched": ("c",)}


def test_no_other_rule_is_made_again_but_those_that_it_reads(shop: Workshop) -> None:
    before = shop.bundle.rules
    alone = shop.rebuild("above", {}, {}).rules
    assert [name for name in before if alone[name] is not before[name]] == ["above"]
    both = shop.rebuild("many", {}, {}).rules
    assert {name for name in before if both[name] is not before[name]} == {"watched", "many"}


def test_the_bundle_itself_stays_as_it_was(shop: Workshop) -> None:
    where = shop.bundle.rules["watched"].selectors[0].where
    shop.rebuild("watched", {}, {"watched": ("c",)})
    assert where is not None
    assert where.equalities == {"device": frozenset(["a", "b"])}
    assert shop.bundle.lists == {"watched": ("a", "b")}


def test_a_register_s_rows_are_those_given(shop: Workshop) -> None:
    rows = {"z": {"device": "z", "limit": 1.0}}
    made = shop.rebuild("above", {"devices": msgspec.structs.replace(shop.bundle.registers["devices"], rows=rows)}, {})
    assert made.registers["devices"].rows == rows


def test_what_does_not_fit_is_a_problem(shop: Workshop) -> None:
    with pytest.raises(Problems) as found:
        shop.rebuild("watched", {}, {"watched": (1, 2)})
    assert [problem.code for problem in found.value.problems] == ["TOC031"]
    shop.rebuild("watched", {}, {"watched": ("a",)})


def test_every_document_can_be_read_as_it_is_written(shop: Workshop) -> None:
    found = shop.written()
    assert set(found) == {("event_type", "sensor.gas"), ("source", "sensors"), ("list", "watched"),
                          ("register", "devices"), ("rule", "watched"), ("rule", "above"), ("rule", "many")}
    many = found["rule", "many"]
    assert many.value["condition"] == {"gte": 2}
    assert many.spots["condition",] == (FILES.splitlines().index("condition: {gte: 2}") + 1, 12)


def test_a_name_means_a_rule_and_what_is_made_of_it(tmp_path: Path) -> None:
    template = """\
---
kind: template
id: level
parameters: {limit: double}
instances: [{id: low, limit: 5.0}, {id: high, limit: 9.0}]
rule: {kind: match, event: sensor.gas, where: level > $limit, by: device, severity: minor, owner: test}
"""
    (tmp_path / "rules.yaml").write_text(FILES + template)
    (tmp_path / "devices.csv").write_text("device,limit\na,20\n")
    shop = workshop(tmp_path)
    assert shop.meant(["watched", "level", "nobody"]) == (["watched", "level.low", "level.high"], ["nobody"])
    assert shop.written()["rule", "level.low"].value["where"] == "level > 5.0"


def test_a_folder_with_mistakes_is_no_workshop(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(FILES.replace("owner: test", "owenr: test", 1))
    with pytest.raises(Problems):
        workshop(tmp_path)
