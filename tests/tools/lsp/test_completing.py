"""What is offered at the cursor, in files that are whole and in files that somebody is writing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.kinds import all_kinds
from streams.rulefile.common import fields_of
from streams.tools.lsp.completing import Suggestion, suggestions
from streams.tools.lsp.folder import Folder
from streams.tools.shapes import kinds
from tests.conftest import ROOT
from tests.tools.lsp.files import check, cut, written

GAS = "kind: threshold\nid: a\nevent: sensor.gas\n"
LIFT = """\
kind: sequence
id: s
by: incident
within: 5m
steps:
  - {name: alarm, event: lift.trapped}
  - {name: answer, not: {event: sensor.gas}}
"""
TEMPLATE = """\
kind: template
id: t
parameters: {device: string, limit: {type: double, default: 3}}
instances: [{id: a, device: d1}]
rule:
  kind: threshold
  event: sensor.gas
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return check(written(tmp_path_factory.mktemp("rules"))).folder


def offered(folder: Folder, text: str, path: str = "detect/new.yaml") -> dict[str, Suggestion]:
    return {one.label: one for one in suggestions(folder, path, *cut(text))}


def labels(folder: Folder, text: str, path: str = "detect/new.yaml") -> set[str]:
    return set(offered(folder, text, path))


def test_a_document_begins_with_its_kind(folder: Folder) -> None:
    assert labels(folder, "|") == {"kind"} == labels(folder, "k|") == labels(folder, "ki|\nid: a\n")
    found = offered(folder, "kind: t|\n")
    assert found.keys() > kinds().keys()
    assert found["absence"].doc.startswith("Kind `absence`: an entity that should report")
    assert found["template"].doc == kinds()["template"].doc


@pytest.mark.parametrize("kind", sorted(all_kinds()))
def test_all_fields_of_a_kind_that_are_not_there_yet(folder: Folder, kind: str) -> None:
    found = offered(folder, f"kind: {kind}\nid: a\n|\n")
    wanted = {field.name: field for field in fields_of(kind) if field.type != "later"}
    assert found.keys() == wanted.keys() - {"kind", "id"}
    for name, one in found.items():
        assert one.insert == f"{name}: "
        assert one.first == wanted[name].required
        assert wanted[name].doc.rstrip(".")[1:] in one.doc


@pytest.mark.parametrize("line", ["w|", "|", "  |", "where|\nby: device"])
def test_in_the_midst_of_a_document(folder: Folder, line: str) -> None:
    found = labels(folder, f"kind: city\n---\n{GAS}{line}\n---\nkind: list\n")
    assert ("window" in found) == (line != "  |")
    assert "districts" not in found


@pytest.mark.parametrize("before", ['has(event.|', 'ppm > 3 && event.|', 'has(event.pp|)', '!has(event.|)'])
def test_fields_after_the_word_event(folder: Folder, before: str) -> None:
    found = offered(folder, GAS + f'where: {before}\n' if before[0] != "!" else GAS + f'where: "{before}"\n')
    assert {"event.ppm", "event.device", "event.time", "event.place.district"} <= set(found)
    assert found["event.ppm"].begun == before[before.index("event"):before.index("|")]
    assert found["event.ppm"].insert == "event.ppm"


def test_values_of_a_field_after_the_word_event(folder: Folder) -> None:
    assert {'"chlorine"', '"methane"'} <= labels(folder, GAS + "where: event.substance == |\n")


def test_what_stands_in_place_of_each_other_is_offered_once(folder: Folder) -> None:
    assert "rule" not in labels(folder, GAS + "|")
    assert {"event", "rule"} <= labels(folder, "kind: match\nid: a\n|")
    assert "file" not in labels(folder, "kind: list\nid: a\nvalues: [b]\n|")


@pytest.mark.parametrize(("text", "wanted"), [
    ("window:\n  |\n", {"type", "size", "hop", "gap", "max"}),
    ("window: {type: tumbling, |}\n", {"size", "hop", "gap", "max"}),
    ("window: {type: tumbling, |\n", {"size", "hop", "gap", "max"}),
    ("window: {type: tumbling,\n  |}\nby: device\n", {"size", "hop", "gap", "max"}),
    ("window: {type: |\nby: device\n", {"sliding", "tumbling", "hopping", "session"}),
    ("condition: {|}", {"gt", "gte", "lt", "lte", "eq", "neq"}),
    ("dispatch: {to: a, |", {"priority", "instruction"}),
    ("severity: |", {"extreme"}),
    ("status: e|", {"experimental", "test", "stable", "deprecated"}),
    ("exceptions:\n  - |", {"name", "where", "expires", "reason", "owner"}),
    ("exceptions:\n  - name: a\n    |", {"where", "expires", "reason", "owner"}),
    ("schedule: {holidays: |}", {"include", "exclude", "only"}),
    ("schedule: {calendar: |}", {"lists.known_leaks"}),
    ("owner: |", {"gas-works"}),
    ("measure: {d|}", {"distinct", "p90", "slope"}),
    ("limit:\n  alerts: 3\n  |", {"per", "matches"}),
])
def test_fields_and_values_below(folder: Folder, text: str, wanted: set[str]) -> None:
    found = labels(folder, GAS + text)
    assert wanted <= found
    assert "kind" not in found


def test_names_of_other_documents(folder: Folder) -> None:
    assert {"sensor.gas", "sensor.*", "lift.*"} <= labels(folder, "kind: match\nid: a\nevent: |\n")
    assert {"sensor.gas", "sensor.rain"} <= labels(folder, "kind: match\nid: a\nevent: [lift.trapped, sens|]\n")
    assert labels(folder, "kind: match\nid: a\nevent:\n  - sensor.|\n") == {"sensor.gas", "sensor.rain", "sensor.*"}
    assert labels(folder, "kind: match\nid: a\nrule: |\n") == {"gas-often"}
    assert labels(folder, "kind: absence\nid: a\nexpect: {register: |}\n") == {"sensors"}
    assert labels(folder, "kind: override\nid: a\ndistrict: |\n") == {"east", "west"}
    assert labels(folder, LIFT + "near: 1km\naround: |\n") == {"alarm"}


@pytest.mark.parametrize("text", ["where: |", "where: pp|", 'where: "|', "by: |", "by: [|]", "measure: {avg: |}",
                                  "where: >\n  indoors &&\n  |\n"])
def test_within_an_expression_all_that_it_may_name(folder: Folder, text: str) -> None:
    found = offered(folder, GAS + text)
    assert {"ppm", "device", "indoors", "place.district", "time"} <= set(found)
    assert {"lists.known_leaks", "strong", "register"} <= set(found)
    assert "mm" not in found
    assert (found["ppm"].detail, found["ppm"].first) == ("double", True)
    assert "ppm" in found["ppm"].doc
    assert found["strong"].insert == "strong("
    assert found["strong"].detail == "strong(level: double)"


def test_what_is_begun_narrows_and_is_replaced(folder: Folder) -> None:
    found = offered(folder, GAS + "where: indoors && place.d|")
    assert set(found) == {"place.lat", "place.lon", "place.district", "place.cell", "place.address"}
    assert found["place.district"].begun == "place.d"
    assert set(offered(folder, GAS + "where: device in lists.|")) == {"lists.known_leaks"}


def test_values_of_what_is_compared(folder: Folder) -> None:
    assert {'"chlorine"', '"methane"'} <= labels(folder, GAS + "where: substance == |")
    assert labels(folder, GAS + 'where: substance == "|"') == {"chlorine", "methane"}
    assert labels(folder, GAS + 'where: substance in ["chlorine", "|') == {"chlorine", "methane"}
    assert labels(folder, GAS + "where: place.district == '|'") == {"east", "west"}
    assert labels(folder, GAS + 'where: type == "|"') == {"sensor.gas"}
    assert labels(folder, GAS + 'where: severity == "|"') == {"info", "minor", "moderate", "severe", "extreme"}
    assert labels(folder, GAS + 'where: device.startsWith("|') == set()


def test_registers_and_zones(folder: Folder) -> None:
    assert labels(folder, GAS + 'where: register("|") == 3') == {"sensors"}
    found = offered(folder, GAS + 'where: register("sensors", device).te|')
    assert set(found) == {"device", "report_interval", "team"}
    assert (found["team"].detail, found["team"].begun) == ("string", "te")
    assert labels(folder, GAS + 'where: in_zone(place, "|')  == {"school-12"}
    assert labels(folder, GAS + "where: device.trim().|") == set()


def test_steps(folder: Folder) -> None:
    assert {"name", "not", "where", "count"} <= labels(folder, LIFT + "  - |")
    assert {"event", "where"} <= labels(folder, LIFT.replace("not: {event: sensor.gas}", "not: {|}"))
    where = LIFT.replace("event: sensor.gas", "event: sensor.gas, where: |")
    assert {"ppm", "substance"} <= labels(folder, where)
    assert "incident" not in labels(folder, where)
    excepted = LIFT + "exceptions:\n  - {name: a, where: alarm.|}\n"
    assert {"alarm.incident", "alarm.lift", "alarm.place.district"} <= labels(folder, excepted)
    assert not any(label.startswith("answer") for label in labels(folder, LIFT + "by: |"))


def test_findings_are_events_too(folder: Folder) -> None:
    found = labels(folder, "kind: threshold\nid: b\nrule: gas-often\nwhere: |\n")
    assert {"device", "value", "count", "ended"} <= found
    assert "ppm" not in found


def test_texts(folder: Folder) -> None:
    found = labels(folder, GAS + 'by: device\nalert: {title: "Gas at {{ |"}')
    assert {"value", "count", "opened", "device", "ppm", "rule.title", "key.device", "place.address"} <= found
    assert not {"strong", "register"} & found
    assert labels(folder, GAS + 'alert: {title: "Gas |"}') == set()
    assert labels(folder, GAS + 'alert: {title: "{{ ppm }} |"}') == set()
    assert {"value", "count"} <= labels(folder, GAS + "severity: 'value > 3.0 ? |'")


def test_tests_of_a_rule(folder: Folder) -> None:
    head = GAS + "tests:\n  - name: x\n"
    assert {"events", "expect", "expect_none"} <= labels(folder, head + "    |")
    found = offered(folder, head + "    events:\n      - {at: 0s, event: |}")
    assert found["sensor.gas"].first
    assert not found["sensor.rain"].first
    found = offered(folder, head + "    events:\n      - {at: 0s, event: sensor.gas, pp|}")
    assert {"device", "substance", "ppm", "indoors", "place", "arrives"} == set(found) - {"severity", "source"}
    assert found["ppm"].insert == "ppm: "
    assert labels(folder, head + "    events:\n      - {at: 0s, event: sensor.gas, substance: |}") == {
        "chlorine", "methane"}
    assert labels(folder, head + "    events:\n      - {at: 0s, event: sensor.gas, indoors: |}") == {"true", "false"}
    assert {"rule", "tests"} <= labels(folder, "|", "detect/gas.test.yaml")
    assert {"name", "expect"} <= labels(folder, "tests:\n  - |", "detect/gas.test.yaml")
    assert "opened" in labels(folder, "tests:\n  - expect: [{|}]", "detect/gas.test.yaml")


def test_templates(folder: Folder) -> None:
    assert {"window", "condition", "measure"} <= labels(folder, TEMPLATE + "  |")
    assert "id" not in labels(folder, TEMPLATE + "  |")
    assert labels(folder, TEMPLATE + "  where: ppm > $|") == {"$device", "$limit"}
    assert labels(folder, TEMPLATE + "  condition: {gte: $l|}") == {"$device", "$limit"}
    assert {"ppm", "$limit"} <= labels(folder, TEMPLATE + "  where: |")
    assert labels(folder, TEMPLATE.replace("kind: threshold", "kind: |")) == set(all_kinds())
    assert labels(folder, "kind: template\nid: t\ninstances: {register: |}") == {"sensors"}


def test_overrides(folder: Folder) -> None:
    head = "kind: override\nid: o\nrule: gas-often\ndistrict: west\n"
    assert {"condition", "severity", "window"} <= labels(folder, head + "set: {|}")
    assert {"kind", "where", "tests"} & labels(folder, head + "set: {|}") == set()
    assert {"gte", "lt"} <= labels(folder, head + "set: {condition: {|}}")
    assert {"ppm", "key.device"} <= labels(folder, head + 'set: {alert: {title: "{{ |"}}')


def test_sources_macros_and_declarations(folder: Folder) -> None:
    source = "kind: source\nid: s\nformat: csv\nevent:\n"
    assert {"record", "row", "extract", "slug"} <= labels(folder, source + "  id: |")
    assert {"lat", "lon", "district"} <= labels(folder, source + "  place: {|}")
    assert labels(folder, "kind: source\nformat: |") == {"json", "csv", "cloudevents", "cap"}
    assert {"at", "ppm", "time"} <= labels(folder, "kind: macro\nid: m\nparameters: {at: place}\nexpression: |")
    assert {"type", "enum", "unit"} <= labels(folder, "kind: event_type\nid: a\nfields:\n  x: {|}")
    assert {"string", "double"} <= labels(folder, "kind: event_type\nid: a\nfields:\n  x: |")


def test_districts_that_a_file_draws(tmp_path: Path) -> None:
    city = "kind: city\ndistricts: {file: areas/school.geojson}\n"
    drawn = check(written(tmp_path, {"city.yaml": city})).folder
    assert labels(drawn, "kind: override\nid: a\ndistrict: |\n") == {"school-12"}


def test_of_a_rule_it_knows_what_was_written_before_a_mistake_was_made(folder: Folder) -> None:
    events = folder.files["events.yaml"].content
    broken = folder.with_file("events.yaml", events.replace(b"fields:", b"fields: [", 1))
    assert {"ppm", "impossible"} <= labels(broken, GAS + "where: |")
    gone = broken.with_file("events.yaml", b"kind: event_type\nid: sensor.rain\n")
    assert "ppm" not in labels(gone, GAS + "where: |")


@given(data=st.data())
def test_nowhere_in_any_file_does_it_fail(folder: Folder, data: st.DataObject) -> None:
    """At any place of any shipped file, with a piece of it cut out, it answers; what it replaces stands there."""
    paths = sorted((ROOT / "rules").rglob("*.yaml"))
    text = data.draw(st.sampled_from(paths)).read_text()[:4000]
    start = data.draw(st.integers(0, len(text)))
    end = start + data.draw(st.integers(0, 30))
    text = text[:start] + text[end:]
    for one in suggestions(folder, "detect/any.yaml", text, start):
        assert text[:start].endswith(one.begun)


def test_the_fields_of_shipped_rules_are_offered_where_they_stand() -> None:
    """Each field at the margin of some shipped files is offered where its name is taken away."""
    folder, seen = check(ROOT / "rules").folder, 0
    for path in sorted((ROOT / "rules" / "detect").rglob("*.yaml"))[::6]:
        text, at = path.read_text(), 0
        for line in text.splitlines(keepends=True):
            name, colon, _ = line.partition(":")
            if colon and name.isidentifier() and name != "kind":
                without = f"{text[:at]}\n{text[at + len(line):]}"
                assert name in {one.label for one in suggestions(folder, "detect/x.yaml", without, at)}, (path, line)
                seen += 1
            at += len(line)
    assert seen > 50
