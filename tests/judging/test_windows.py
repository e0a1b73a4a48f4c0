"""Windows are aligned to local midnight, whatever the clocks do."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import DAY, HOUR, MINUTE, WEEK, moment, parse_rfc3339
from streams.judging.windows import EPOCH_DAY, Edges, local_day, midnight
from streams.specs import Window
from tests.oracle.threshold import begins, edges

ZONES = ["UTC", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kolkata"]
STEPS = [MINUTE, 7 * MINUTE, HOUR, 5 * HOUR, 12 * HOUR, DAY, 3 * DAY, WEEK, 2 * WEEK]
TIMES = st.one_of(
    st.integers(parse_rfc3339("2024-01-01T00:00:00Z"), parse_rfc3339("2024-12-31T00:00:00Z")),
    st.builds(lambda start, more: parse_rfc3339(start) + more * MINUTE // 2, st.sampled_from(
        ["2024-03-10T04:00:00Z", "2024-11-03T03:00:00Z", "2024-04-06T12:00:00Z", "2024-04-25T20:00:00Z"]),
        st.integers(0, 2000)))


@given(TIMES, st.sampled_from(STEPS), st.sampled_from(STEPS), st.sampled_from(ZONES))
def test_edges_are_what_the_oracle_says(time: int, size: int, hop: int, name: str) -> None:
    zone, hop = ZoneInfo(name), min(size, hop)
    window, found = Window("hopping", size, hop), Edges(zone, size, hop)
    after = found.after(time)
    assert after == edges(window, zone, time + 1, time + hop + 3 * HOUR)[0]
    assert found.begin(after) == begins(window, zone, after)
    assert found.after(after - 1) == after


def day(zone: ZoneInfo, text: str) -> int:
    return moment(parse_rfc3339(text + "T00:00:00Z")).toordinal() - EPOCH_DAY


@pytest.mark.parametrize(("name", "date", "begins_at"), [
    ("America/New_York", "2024-03-10", "2024-03-10T05:00:00Z"),
    ("Africa/Cairo", "2024-04-26", "2024-04-25T22:00:00Z"),  # no midnight: from 23:59 to 01:00
    ("America/Havana", "2024-11-03", "2024-11-03T04:00:00Z"),  # midnight twice on this day: the first
    ("Africa/Cairo", "2024-11-01", "2024-10-31T22:00:00Z"),  # 23:00 twice the day before: after both
    ("America/St_Johns", "1990-10-28", "1990-10-28T02:30:00Z"),  # a minute of it, then the day before again
    ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"),  # a day that was skipped begins with the next
    ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z"),
    ("America/Toronto", "1919-03-31", "1919-03-31T05:00:00Z"),  # from 23:30 to 00:30
])
def test_when_a_day_begins(name: str, date: str, begins_at: str) -> None:
    zone = ZoneInfo(name)
    assert midnight(zone, day(zone, date)) == parse_rfc3339(begins_at)


@pytest.mark.parametrize(("name", "around"), [
    ("America/St_Johns", "1990-10-28T03:00:00Z"), ("America/Toronto", "1919-03-31T04:30:00Z"),
    ("Pacific/Apia", "2011-12-30T10:00:00Z"), ("Africa/Cairo", "2024-04-25T22:00:00Z"),
    ("Africa/Cairo", "2024-10-31T21:30:00Z"), ("America/Havana", "2024-11-03T04:30:00Z"),
])
def test_every_instant_is_in_one_day(name: str, around: str) -> None:
    zone, middle = ZoneInfo(name), parse_rfc3339(around)
    for time in range(middle - 3 * HOUR, middle + 3 * HOUR, 5 * MINUTE):
        found = local_day(zone, time)
        assert midnight(zone, found) <= time < midnight(zone, found + 1)


def test_hours_of_short_and_long_days() -> None:
    zone, hours = ZoneInfo("America/New_York"), Edges(ZoneInfo("America/New_York"), HOUR, HOUR)
    for date, expected in (("2024-03-10", 23), ("2024-11-03", 25), ("2024-11-04", 24)):
        time, end = midnight(zone, day(zone, date)), midnight(zone, day(zone, date) + 1)
        found = 0
        while time < end:
            time, found = hours.after(time), found + 1
        assert (time, found) == (end, expected)


def test_the_last_window_of_a_day_is_cut() -> None:
    begin = parse_rfc3339("2024-05-05T00:00:00Z")
    sevens = Edges(ZoneInfo("UTC"), 7 * HOUR, 7 * HOUR)
    assert sevens.after(begin + 21 * HOUR) == begin + DAY


def test_weeks_begin_on_monday() -> None:
    weeks = Edges(ZoneInfo("Europe/Berlin"), WEEK, WEEK)
    end = weeks.after(parse_rfc3339("2024-05-09T12:00:00Z"))
    assert moment(end, ZoneInfo("Europe/Berlin")).isoformat() == "2024-05-13T00:00:00+02:00"
