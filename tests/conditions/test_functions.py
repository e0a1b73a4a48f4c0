"""The functions of our own, and CEL's where cities lean on them: time zones, texts, patterns."""

from __future__ import annotations

import math
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import Polygon

from streams.clocks import micros, moment, zone_of
from streams.conditions import EvalError, Failure, compile_expression, event_scope
from streams.conditions.functions import distance, extract, place_of, slug
from streams.conditions.times import parse_duration, parse_timestamp, show_duration, show_timestamp
from streams.conditions.values import Duration, Timestamp
from streams.records import Event, Place
from streams.zones import Zone
from tests.conditions.events import ACCIDENT, TIME, event, reason, value

SQUARE = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)]
HOLE = [(4.0, 4.0), (6.0, 4.0), (6.0, 6.0), (4.0, 6.0)]
ZONES = {"ring": Zone("ring", Polygon(SQUARE, [HOLE])), "north bank": Zone("north bank", Polygon(SQUARE))}
SCOPE = event_scope([ACCIDENT], zone="Asia/Shanghai", zones=ZONES)


@pytest.mark.parametrize(("text", "name"), [
    ("Traffic: VEHICLE ACCIDENT -", "traffic.vehicle_accident"),
    ("EMS: FALL VICTIM", "ems.fall_victim"),
    ("Fire:GAS-ODOR/LEAK", "fire.gas_odor_leak"),
    ("  a__b  ", "a_b"),
    ("交通: 事故 2", "交通.事故_2"),
    ("EMS:", "ems"),
    (":: -", ""),
    ("", ""),
])
def test_slug(text: str, name: str) -> None:
    assert slug(text) == name


@given(st.text())
def test_a_slug_is_a_dotted_name_and_stays_itself_part_by_part(text: str) -> None:
    parts = slug(text).split(".")
    for part in parts:
        assert slug(part) == part or not part.isascii()  # some letters fold further only in a second lower()
        assert not part.startswith("_")
        assert not part.endswith("_")


def test_extract_gives_the_first_group() -> None:
    desc = "REINDEER CT; Station 332; 2015-12-10 @ 17:10:52;"
    assert extract(desc, r"(\d{4}-\d\d-\d\d @ \d\d:\d\d:\d\d)") == "2015-12-10 @ 17:10:52"
    assert extract("größe 12 µm", r"größe (\d+ µ)") == "12 µ"
    for text, pattern in (("none", r"(\d+)"), ("ab", r"a(x)?b")):
        with pytest.raises(EvalError) as failed:
            extract(text, pattern)
        assert failed.value.reason == Failure.NO_MATCH


def test_matches_searches_and_counts_characters() -> None:
    assert value("lane.matches('o.e')", SCOPE, event(lane="größe")) is False
    assert value("lane.matches('gr.ße') && lane.matches('ß') && !lane.matches('^ß')", SCOPE, event(lane="größe")) is True


def test_distance_in_metres() -> None:
    quarter = distance(Place(0.0, 0.0), Place(0.0, 90.0))
    assert quarter == pytest.approx(6_371_008.8 * math.pi / 2)
    assert distance([1.0, 2.0], Place(1.0, 2.0)) == 0.0
    assert distance({"lat": 0.0, "lon": 0.0}, [0.0, 180.0]) == pytest.approx(2 * quarter)
    with pytest.raises(EvalError):
        distance(Place(district="west"), Place(0.0, 0.0))
    with pytest.raises(EvalError):
        place_of("1,2")


DEGREES = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@given(DEGREES, DEGREES)
def test_distance_is_the_same_both_ways_and_never_beyond_half_the_earth(a: tuple[float, float], b: tuple[float, float]
                                                                      ) -> None:
    assert distance(list(a), list(b)) == pytest.approx(distance(list(b), list(a)), abs=1e-6)
    assert 0 <= distance(list(a), list(b)) <= 6_371_008.8 * math.pi + 1e-6


def test_zones_have_holes() -> None:
    assert value('in_zone(place, "ring") && in_zone(place, "north bank")', SCOPE, event(place=Place(1.0, 2.0))) is True
    assert value('in_zone(place, "ring")', SCOPE, event(place=Place(5.0, 5.0))) is False
    assert value('in_zone(place, "north bank")', SCOPE, event(place=Place(5.0, 5.0))) is True
    assert value('in_zone(place, "ring")', SCOPE, event(place=Place(5.0, 11.0))) is False
    assert reason('in_zone(place, "ring")', SCOPE, event(place=Place(district="x"))) == "missing"
    assert value('in_zone(place, "ring")', SCOPE, event(place=Place(4.0, 5.0))) is True, "a border is inside"
    assert value('in_zone(place, "ring")', SCOPE, event(place=Place(0.0, 0.0))) is True


def test_local_reads_the_citys_clock() -> None:
    assert value("local(time).getHours()", SCOPE, event()) == 8
    assert value('local(time).getHours() == time.getHours("Asia/Shanghai")', SCOPE, event()) is True
    assert value("local(time) - time", SCOPE, event()) == 8 * 3_600_000_000


@given(st.integers(-10**9, 4 * 10**9), st.sampled_from(["America/New_York", "Europe/Berlin", "Australia/Lord_Howe"]))
def test_local_is_the_zones_clock(second: int, zone: str) -> None:
    scope = event_scope([ACCIDENT], zone=zone)
    told = compile_expression("local(reported)", scope)(event(reported=second * 1_000_000))
    wall = moment(second * 1_000_000, zone_of(zone)).replace(tzinfo=UTC)
    assert told == micros(wall)


@given(st.integers(-62_135_596_800 * 10**9, 253_402_300_799 * 10**9 + 999_999_999))
def test_timestamps_read_back(nanos: int) -> None:
    assert parse_timestamp(show_timestamp(Timestamp(nanos))) == nanos


@given(st.integers(-2**63, 2**63 - 1))
def test_durations_read_back(nanos: int) -> None:
    assert parse_duration(show_duration(Duration(nanos))) == nanos


@pytest.mark.parametrize("text", ["2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "2026-01-01 00:00:00Z", "x", "0000-01-01T00:00:00Z",
                                  "10000-01-01T00:00:00Z", "2026-01-01T25:00:00Z", "0001-01-01T00:00:00+01:00"])
def test_what_is_no_timestamp(text: str) -> None:
    with pytest.raises(EvalError):
        parse_timestamp(text)


@pytest.mark.parametrize("text", ["", "1", "1d", "s", "1.5", "--1s", "1h 2m", "1e3s", "320000000000s"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(EvalError):
        parse_duration(text)


def test_failures_name_their_reason() -> None:
    one = event(injured=0, lane="x", tags=[1], extra={"n": "1"})
    for text, why in (
        ("1 / injured == 1", Failure.DIVISION_BY_ZERO), ("9223372036854775807 + injured + 1 == 1", Failure.OVERFLOW),
        ("int(lane) == 1", Failure.BAD_VALUE), ("tags[3] == 1", Failure.MISSING), ("extra.m == 1", Failure.MISSING),
        ("extra.n + 1 == 2", Failure.WRONG_TYPE), ("speed > 1", Failure.MISSING), ("extra.n > 1", Failure.WRONG_TYPE),
    ):
        assert reason(text, SCOPE, one) == why, text


def test_a_value_of_another_type_than_declared_fails_and_breaks_nothing() -> None:
    wrong = event(lane=3, injured="x", tags=5, extra=[], reported="y")
    for text in ("lane.startsWith('x')", "injured > 1", "tags.exists(t, t == 1)", "extra.a == 1", "lane + 'x' == 'x'",
                 "injured + 1 == 2", "lane.matches('x')", "size(lane) == 1"):
        assert reason(text, SCOPE, wrong) == "wrong_type", text


def test_failures_are_absorbed_where_the_other_side_decides() -> None:
    one = event(lane="x")
    assert value("injured > 1 || lane == 'x'", SCOPE, one) is True
    assert value("lane == 'x' || injured > 1", SCOPE, one) is True
    assert value("injured > 1 && lane == 'y'", SCOPE, one) is False
    assert value("(injured > 1 && lane == 'x') || closed || lane == 'x'", SCOPE, one) is True
    assert value("[1, 0].exists(x, 1 / x == 1) && ![1, 0].all(x, 1 / x == 2)", SCOPE, one) is True
    assert reason("injured > 1 || lane == 'y'", SCOPE, one) == "missing"
    assert reason("injured > 1 && lane == 'x'", SCOPE, one) == "missing"


def test_an_int_beside_a_double_is_what_it_looks_like() -> None:
    one = event(speed=30.0, injured=2)
    for text in ("speed >= 30", "30 <= speed", "speed == 30", "speed != 31", "speed in [1, 30]", "speed / 2 == 15",
                 "speed * 2 > 59", "2 - speed < 0", "injured < speed", "speed + injured == 32", "injured * 1.5 == 3"):
        assert value(text, SCOPE, one) is True, text


def test_time_is_reached_only_where_it_is_asked_for() -> None:
    whole = Event("e", "s", "traffic.accident", TIME, TIME, None, None, {"lane": "x"}, 0, 0)
    assert value("lane == 'x'", SCOPE, whole) is True
