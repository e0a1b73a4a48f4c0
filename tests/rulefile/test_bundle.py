"""A right folder becomes the bundle that its files describe."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path

import msgspec
import pytest

from streams.clocks import DAY, HOUR, MINUTE, SECOND
from streams.kinds import Frontier, all_kinds
from streams.problems import Gravity, Problems
from streams.records import Event, Place
from streams.rulefile import check, check_files, load, read_directory
from streams.rulefile.common import COMMON
from streams.rulefile.documents import MAPPING_FIELDS, PLACE_FIELDS, TIME_FIELDS
from streams.rulefile.readers import READERS
from streams.rulefile.structures import STEP_FIELDS
from streams.rules import Bundle, Limit, Rule
from streams.specs import Expect, Measure, Step, Test, Window, Written
from tests.rulefile import cities

CITY = cities.CITY


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load(CITY)


def event(type: str, source: str = "operations", place: Place | None = None, **fields: object) -> Event:
    return Event("1", source, type, 0, 0, place, None, dict(fields), 0, 0)


def test_the_city(bundle: Bundle) -> None:
    assert msgspec.structs.astuple(bundle.city) == ("Springfield", "America/New_York", ("west", "east"))


def test_event_types_have_their_fields(bundle: Bundle) -> None:
    fields = bundle.event_types["lift.trapped"].fields
    assert fields["incident"].required
    assert fields["device"].register == "sensors"
    assert fields["floor"].type == "int"
    assert fields["caller"].personal
    assert bundle.event_types["sensor.gas"].fields["substance"].values == ("chlorine", "methane")
    assert bundle.event_types["sensor.rain"].fields["mm_per_h"].unit == "mm/h"
    assert bundle.event_types["dispatch.accepted"].fields["incident"].type == "string"


def test_a_source_as_written(bundle: Bundle) -> None:
    source = bundle.sources["montco911"]
    assert (source.topic, source.format, source.open) == ("city.montco911", "csv", True)
    assert (source.disorder, source.lateness, source.idle) == (10 * MINUTE, DAY, 30 * MINUTE)
    assert (source.silence, source.skew) == (3 * HOUR, 5 * MINUTE)
    assert source.mapping.type.prefix == ("call.", False)
    assert source.mapping.time.otherwise == "received"
    assert source.mapping.time.zone == "America/New_York"
    record = {"title": "Traffic: VEHICLE ACCIDENT -", "desc": "X; 2015-12-10 @ 17:10:52;", "lat": "40.3", "twp": "W"}
    assert source.mapping.id(record, 7) == "7"
    assert source.mapping.type(record, 7) == "call.traffic.vehicle_accident"
    assert source.mapping.time.value(record, 7) == "2015-12-10 @ 17:10:52"
    assert source.mapping.place["lat"](record, 7) == 40.3
    assert set(source.mapping.fields) == {"title", "zip"}


def test_a_source_at_its_defaults(bundle: Bundle) -> None:
    source = bundle.sources["operations"]
    assert (source.disorder, source.lateness, source.idle) == (30 * SECOND, HOUR, None)
    assert (source.silence, source.open, source.zone) == (None, False, "America/New_York")
    assert source.mapping.severity is not None


def test_register_rows_are_typed(bundle: Bundle) -> None:
    assert bundle.registers["sensors"].rows == {
        "r1": {"device": "r1", "report_interval": 10 * MINUTE, "team": "drainage, north", "place": Place(40.1, -75.2)},
        "r2": {"device": "r2", "report_interval": HOUR, "team": 'say "hello"'},
        "r3": {"device": "r3"},
    }


def test_lists_stand_in_documents_or_files(bundle: Bundle) -> None:
    assert bundle.lists == {"covers_under_works": ("r1", "r2"), "quiet_streets": ("Elm St", "Oak St")}


def test_a_match(bundle: Bundle) -> None:
    rule = bundle.rules["chlorine-leak"]
    (selector,) = rule.selectors
    assert selector.types == ("call.fire.chemical", "sensor.gas")
    assert selector.where is not None
    assert selector.where.equalities == {"substance": frozenset({"chlorine"})}
    gas = event("sensor.gas", place=Place(district="west"), substance="chlorine", device="g1")
    assert selector.where(gas) is True
    assert [part(gas) for part in selector.by] == ["west", "g1"]
    assert (rule.by, rule.kind, rule.severity) == (("place.district", "device"), "match", "extreme")
    assert rule.alert.category == "CBRNE"
    assert rule.dispatch is not None
    assert (rule.dispatch.to, rule.dispatch.priority) == ("fire-brigade", 1)
    assert set(rule.facts) == {"place.lat", "place.lon", "place.district", "place.address", "device"}
    assert rule.facts["device"](gas) == "g1"
    assert rule.sources == {"montco911", "operations"}
    assert (rule.file, rule.line) == ("detect/rules.yaml", 1)


def test_a_threshold(bundle: Bundle) -> None:
    rule = bundle.rules["noise"]
    assert rule.spec == {
        "window": Window("hopping", 2 * HOUR, 30 * MINUTE), "measure": Measure("distinct", "caller"),
        "condition": Test("gte", 3), "recovery": Test("lt", 2), "min_events": 3,
    }
    assert rule.value is not None
    assert rule.value(event("request.noise", caller="a")) == "a"
    assert rule.suppress_for == HOUR
    assert bundle.rules["loudness"].spec["measure"] == Measure("percentile", "decibels", 90)
    assert bundle.rules["loudness"].shadow
    assert bundle.rules["crash-series"].value is None
    assert bundle.rules["crash-series"].title == "Five crashes in ten minutes"
    assert bundle.rules["crash-series"].detector.frontier is Frontier.HEAD


def test_a_key_may_be_an_expression(bundle: Bundle) -> None:
    rule = bundle.rules["loudness"]
    assert rule.by == ('place.district == "west" ? "w" : place.district',)
    assert rule.selectors[0].by[0](event("request.noise", place=Place(district="west"))) == "w"


def test_a_sequence_has_a_bit_for_each_step_and_for_until(bundle: Bundle) -> None:
    rule = bundle.rules["lift-alarm-unanswered"]
    assert [selector.types for selector in rule.selectors] == [
        ("lift.trapped",), ("dispatch.accepted",), ("incident.cancelled",),
    ]
    assert rule.spec["steps"] == (Step("alarm", 0), Step("answer", 1, negated=True))
    assert (rule.spec["within"], rule.spec["until"], rule.spec["select"]) == (5 * MINUTE, True, "first")
    assert all(selector.by[0](event("x", incident="i")) == "i" for selector in rule.selectors)
    assert {"device", "floor"} <= set(rule.facts)


def test_an_absence_expects_the_register(bundle: Bundle) -> None:
    rule = bundle.rules["sensor-silent"]
    assert rule.expected == (("r1",), ("r2",), ("r3",))
    assert rule.spec["expect"] == Expect(register="sensors")
    start = rule.detector.start(("r2",), 5)
    assert (start.every, start.since) == (HOUR, 5)
    assert rule.detector.start(("r3",), 5).since is None, "no interval, no watch"
    assert rule.sources == {"operations"}


def test_a_silent_source_is_a_rule(bundle: Bundle) -> None:
    rule = bundle.rules["source-silent.montco911"]
    assert (rule.kind, rule.severity, rule.owner, rule.by) == ("absence", "moderate", "city", ("source",))
    (selector,) = rule.selectors
    assert selector.types == ("call.*",)
    assert selector.where is not None
    assert selector.where(event("call.ems", source="montco911")) is True
    assert selector.where(event("call.ems", source="operations")) is False
    assert rule.spec["every"] == 3 * HOUR
    assert (rule.file, rule.line) == ("sources/montco911.yaml", 1)
    assert "source-silent.operations" not in bundle.rules


def test_tests_keep_what_is_written_and_where(bundle: Bundle) -> None:
    (written,) = bundle.rules["noise"].tests
    assert isinstance(written, Written)
    assert written.value["events"] == [{"at": "0s", "event": "request.noise", "caller": "a", "place": [0, 0]}]
    line, column = written.spots["events", 0, "at"]
    assert (CITY / "detect/rules.yaml").read_text("utf-8").splitlines()[line - 1][column - 1:].startswith("0s,")
    assert written.file.endswith("detect/rules.yaml")
    (beside,) = bundle.rules["crash-series"].tests
    assert beside.value["name"] == "five crashes"
    assert beside.file.endswith("crash-series.test.yaml")


def test_a_bundle_is_named_after_its_texts() -> None:
    files, unreadable = read_directory(CITY)
    assert not unreadable
    one, _ = check_files(files, "here/")
    two, _ = check_files(dict(reversed(files.items())), "there/")
    assert one is not None
    assert two is not None
    assert one.id == two.id == load(CITY).id
    changed, _ = check_files({**files, "city.yaml": files["city.yaml"] + b"\n"})
    assert changed is not None
    assert changed.id != one.id


def test_load_raises_all_mistakes_and_only_those(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: match\nid: a\nevent: x.y\nseverity: bad\n", "utf-8")
    with pytest.raises(Problems) as found:
        load(tmp_path)
    assert [problem.code for problem in found.value.problems] == ["TOC040", "TOC016"]
    assert all(problem.file == f"{tmp_path.as_posix()}/a.yaml" for problem in found.value.problems)


def test_what_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").symlink_to(tmp_path / "gone")
    (tmp_path / "b.yaml").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "c.yaml").write_text("{", "utf-8")
    bundle, problems = check(tmp_path)
    assert bundle is None
    assert [(problem.code, problem.gravity) for problem in problems] == [("TOC007", Gravity.FATAL)]


def test_a_folder_that_is_none_is_no_empty_bundle(tmp_path: Path) -> None:
    bundle, (problem,) = check(tmp_path / "gone")
    assert bundle is None
    assert problem.code == "TOC007"


def test_an_empty_folder_is_an_empty_bundle(tmp_path: Path) -> None:
    bundle = load(tmp_path)
    assert (bundle.rules, bundle.city.zone) == ({}, "UTC")


def test_every_field_of_every_table_can_be_read() -> None:
    tables = [*(kind.FIELDS for kind in all_kinds().values()), COMMON, STEP_FIELDS, MAPPING_FIELDS, TIME_FIELDS,
              PLACE_FIELDS]
    assert {field.type for table in tables for field in table} <= set(READERS)


EVENTS = "kind: event_type\nid: a.b\nfields: {n: int}\n"
RULE = b"kind: match\nid: r\nevent: a.b\nwhere: n > 1\n"
SOURCE = "kind: source\nid: s\ntopic: t\nformat: json\nevent: {id: record.id, type: record.type, time: record.time}\n"


def codes(**files: bytes) -> list[str]:
    """The codes of what stops these files."""
    _, problems = check_files({f"{name}.yaml": content for name, content in files.items()})
    return [one.code for one in problems if one.gravity in (Gravity.FATAL, Gravity.BUG)]


def test_what_a_broken_file_declares_is_not_missed_elsewhere() -> None:
    broken = (EVENTS + "---\nkind: 'event_type\n").encode()
    assert codes(events=broken.replace(b"fields: {n: int}", b"fields: {n: int"), rule=RULE) == ["TOC002", "TOC002"]
    assert codes(rule=RULE) == ["TOC040"]


def test_what_a_broken_open_source_may_send_is_not_missed() -> None:
    broken = (SOURCE + "open: true\nidle: never\n").encode()
    assert codes(source=broken, rule=RULE) == ["TOC015"]
    assert codes(source=(SOURCE + "idle: never\n").encode(), rule=RULE) == ["TOC040", "TOC015"]


def test_a_field_of_a_wrong_type_is_told_once() -> None:
    assert codes(events=EVENTS.replace("int", "itn").encode(), rule=RULE) == ["TOC016"]


@cache
def unedited(name: str) -> Rule:
    """A rule as it stands."""
    return load(CITY).rules[name]


def edited(name: str, old: str, new: str) -> tuple[Rule, Rule]:
    """A rule before and after an edit of its file."""
    files, _ = read_directory(CITY)
    text = files["detect/rules.yaml"].decode()
    assert old in text
    document = next(one for one in text.split("---\n") if f"id: {name}\n" in one).replace(old, new, 1)
    del files["detect/crash-series.test.yaml"]
    after, problems = check_files({**files, "detect/rules.yaml": document.encode()})
    assert after is not None, problems
    return unedited(name), after.rules[name]


def exception(path: str) -> str:
    """One that is over when 2026 begins."""
    return f"exceptions: [{{name: works, where: {path} == 'x', expires: 2026-01-01, reason: works, owner: roads}}]"


@pytest.mark.parametrize(("name", "old", "new"), [
    ("crash-series", "title: Five crashes in ten minutes", "title: Many"),
    ("crash-series", "severity: severe", "severity: minor"),
    ("crash-series", "owner: traffic-police", "owner: police\nstatus: test\nsuppress_for: 1h"),
    ("crash-series", "owner: traffic-police", "alert: {title: x}\ndispatch: {to: y}"),
    ("crash-series", "window: 10m", "window: 600s\nmeasure: count\nfor: 0s"),
    ("crash-series", "window: 10m", "window: {type: sliding, size: 10m}"),
    ("crash-series", "owner: traffic-police", "tests: []"),
    ("chlorine-leak", "[call.fire.chemical, sensor.gas]", "[sensor.gas, call.fire.chemical]"),
    ("chlorine-leak", 'where: substance == "chlorine"', 'where: "substance  == \\"chlorine\\" // leaks"'),
    ("lift-alarm-unanswered", "within: 5m", "within: 5m\nselect: first\nordered: true"),
    ("crash-series", "window: 10m", "window: 10m\nlimit: {alerts: 20, per: 1h}"),
    ("lift-alarm-unanswered", "within: 5m", "within: 5m\nlimit: {alerts: 20, per: 1h}"),
    ("crash-series", "severity: severe", "severity: \"value >= 10 ? 'extreme' : 'severe'\""),
    ("crash-series", "window: 10m", f"window: 10m\n{exception('place.district')}"),
    ("sensor-silent", "forget_after: 30d", f"forget_after: 30d\n{exception('device')}"),
])
def test_an_edit_of_words_keeps_the_state(name: str, old: str, new: str) -> None:
    before, after = edited(name, old, new)
    assert before.ref == after.ref


@pytest.mark.parametrize(("name", "old", "new"), [
    ("crash-series", "window: 10m", "window: 11m"),
    ("crash-series", "condition: {gte: 5}", "condition: {gte: 6}"),
    ("crash-series", "by: place.district", "by: place.address"),
    ("crash-series", "event: call.traffic.vehicle_accident", "event: call.traffic.*"),
    ("crash-series", "window: 10m", "window: 10m\nfor: 1m"),
    ("crash-series", "window: 10m", "window: 10m\nkeep_firing_for: 1m"),
    ("crash-series", "window: 10m", "window: 10m\nzone: UTC"),
    ("chlorine-leak", 'where: substance == "chlorine"', 'where: substance == "chlorine "'),
    ("lift-alarm-unanswered", "name: answer", "name: answered"),
    ("lift-alarm-unanswered", "within: 5m", "within: 5m\nselect: each"),
    ("lift-alarm-unanswered", "within: 5m", "within: 5m\nlimit: 10"),
    ("lift-alarm-unanswered", "within: 5m", "within: 5m\nlimit: {matches: 10}"),
    ("sensor-silent", "forget_after: 30d", "forget_after: 31d"),
    ("crash-series", "window: 10m", "window: 10m\nschedule: {days: mon}"),
    ("sensor-silent", "forget_after: 30d", "forget_after: 30d\nschedule: [{days: mon}, {from: '22:00', to: '06:00'}]"),
])
def test_an_edit_of_logic_begins_anew(name: str, old: str, new: str) -> None:
    before, after = edited(name, old, new)
    assert before.logic != after.logic


def test_a_limit_of_matches_is_written_in_two_ways() -> None:
    one = edited("lift-alarm-unanswered", "within: 5m", "within: 5m\nlimit: 10")[1]
    other = edited("lift-alarm-unanswered", "within: 5m", "within: 5m\nlimit: {matches: 10, alerts: 3, per: 1h}")[1]
    assert one.ref == other.ref
    assert (one.limit, other.limit) == (None, Limit(3, HOUR))


def test_the_order_and_the_layout_of_a_schedule_decide_nothing_but_its_hours_do() -> None:
    texts = ["schedule: {days: [mon, tue]}", "schedule: {days: [tue, mon], from: '00:00', to: '24:00'}",
             "schedule: {days: mon-tue}", "schedule: {days: mon-tue, from: '00:01'}"]
    logics = [edited("crash-series", "window: 10m", f"window: 10m\n{text}")[1].logic for text in texts]
    assert logics[0] == logics[1] == logics[2] != logics[3]


def test_that_time_passed_is_a_mistake_for_who_checks_and_stops_no_service() -> None:
    files, _ = read_directory(CITY)
    texts = {name: content.replace(b"window: 10m", f"window: 10m\n{exception('place.district')}".encode(), 1)
             for name, content in files.items()}
    told = {}
    for today in (None, date(2025, 12, 31), date(2026, 1, 1)):
        made, problems = check_files(texts, today=today)
        assert made is not None
        told[today] = [(one.code, one.gravity) for one in problems if one.code == "TOC100"]
    assert told == {None: [], date(2025, 12, 31): [], date(2026, 1, 1): [("TOC100", Gravity.BUG)]}
