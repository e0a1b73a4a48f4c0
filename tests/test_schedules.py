"""Schedules: what is on duty, across midnight, on holidays, where the clocks change; and how duty time runs."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import DAY, HOUR, MINUTE, micros, moment
from streams.schedules import HOLIDAYS, WHOLE_DAY, Duty, Schedule, begin_of, day_of

NEW_YORK, SHANGHAI = "America/New_York", "Asia/Shanghai"
ZONES = (NEW_YORK, SHANGHAI, "UTC", "Australia/Lord_Howe", "Pacific/Apia", "Europe/Dublin", "America/Havana")


def at(text: str, zone: str = "UTC", fold: int = 0) -> int:
    return micros(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold))


def on(duty: Duty, *texts: str) -> list[bool]:
    return [Schedule([duty]).on_duty(at(text, duty.zone)) for text in texts]


def test_a_duty_of_weekdays_begins_at_its_first_minute_and_ends_before_its_last() -> None:
    duty = Duty((0, 1, 2, 3, 4), 7 * 60, 19 * 60, SHANGHAI)
    assert on(duty, "2026-01-05 06:59:59", "2026-01-05 07:00", "2026-01-05 18:59:59", "2026-01-05 19:00") == [
        False, True, True, False]
    assert on(duty, "2026-01-09 12:00", "2026-01-10 12:00", "2026-01-11 12:00") == [True, False, False]


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    duty = Duty((4,), 22 * 60, 6 * 60, SHANGHAI)
    assert on(duty, "2026-01-09 22:00", "2026-01-10 05:59", "2026-01-10 06:00", "2026-01-10 22:00",
              "2026-01-09 05:00") == [True, True, False, False, False]


def test_holidays_are_days_like_others_left_out_added_or_all_there_is() -> None:
    new_year = frozenset([day_of("2026-01-01")])  # a Thursday
    times = ("2026-01-01 12:00", "2026-01-02 12:00", "2026-01-03 12:00")
    assert [on(Duty((3, 4), holidays=how, calendar=new_year), *times) for how in ("", *HOLIDAYS)] == [
        [True, True, False], [True, True, False], [False, True, False], [True, False, False]]
    assert on(Duty((5,), holidays="include", calendar=new_year), *times) == [True, False, True]


def test_an_edge_that_the_clocks_jump_over_is_at_the_jump() -> None:
    jump = at("2026-03-08 07:00")  # 02:00 becomes 03:00 in New York
    assert Duty(begin=150, end=300, zone=NEW_YORK).span(day_of("2026-03-08"))[0] == jump
    assert Duty(begin=60, end=150, zone=NEW_YORK).span(day_of("2026-03-08"))[1] == jump


def test_of_an_hour_that_comes_twice_a_duty_has_all() -> None:
    begin, end = Duty(begin=90, end=100, zone=NEW_YORK).span(day_of("2026-11-01"))
    assert (begin, end) == (at("2026-11-01 01:30", NEW_YORK), at("2026-11-01 01:40", NEW_YORK, 1))
    assert end - begin == HOUR + 10 * MINUTE


def test_check_hears_of_edges_that_do_not_exist() -> None:
    first = day_of("2026-01-01")
    assert list(Duty(begin=150, end=300, zone=NEW_YORK).skipped(first, 366)) == [(day_of("2026-03-08"), 150)]
    assert list(Duty(begin=22 * 60, end=150, zone=NEW_YORK).skipped(first, 366)) == [(day_of("2026-03-08"), 150)]
    assert list(Duty((0,), 150, 300, NEW_YORK).skipped(first, 366)) == []  # clocks change on Sundays
    assert list(Duty(begin=150, end=300, zone=SHANGHAI).skipped(first, 366)) == []


def test_duty_time_stands_still_off_duty() -> None:
    schedule = Schedule([Duty((0, 1, 2, 3, 4), 8 * 60, 18 * 60)])
    friday = at("2026-01-09 17:30")
    assert schedule.after(friday, 30 * MINUTE) == at("2026-01-09 18:00")
    assert schedule.after(friday, HOUR) == at("2026-01-12 08:30")
    assert schedule.after(at("2026-01-10 03:00"), HOUR) == at("2026-01-12 09:00")
    assert schedule.reach(HOUR) >= 3 * DAY


def test_a_schedule_of_holidays_that_are_over_is_never_on_duty_again() -> None:
    schedule = Schedule([Duty(holidays="only", calendar=frozenset([day_of("2026-01-01")]))])
    assert schedule.after(at("2026-01-01 23:00"), HOUR) == at("2026-01-02 00:00")
    assert schedule.after(at("2026-01-01 23:00"), 2 * HOUR) is None
    assert schedule.ever(at("2025-12-01 00:00"))
    assert not schedule.ever(at("2026-01-02 00:00"))


@pytest.mark.parametrize("text", ["2026-1-1", "2026-02-30", "tomorrow", "2026-01-01T00:00", "20260101"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"date|match|day"):
        day_of(text)


def test_a_day_begins_at_local_midnight() -> None:
    assert begin_of(day_of("2027-01-01"), SHANGHAI) == at("2026-12-31 16:00")


DUTIES = st.builds(
    Duty, days=st.lists(st.integers(0, 6), max_size=4).map(tuple), begin=st.integers(0, WHOLE_DAY - 1),
    end=st.integers(1, WHOLE_DAY), zone=st.sampled_from(ZONES), holidays=st.sampled_from(["", *HOLIDAYS]),
    calendar=st.frozensets(st.integers(15_100, 15_110) | st.integers(20_500, 20_530), max_size=5))
SCHEDULES = st.lists(DUTIES, min_size=1, max_size=3).map(Schedule)
TIMES = st.integers(15_100 * DAY, 15_110 * DAY) | st.integers(20_500 * DAY, 20_530 * DAY)


@given(SCHEDULES, TIMES)
def test_on_duty_is_what_local_clocks_say(schedule: Schedule, time: int) -> None:
    """Where no clock changes within two days: then a clock on the wall decides."""
    expected = False
    for duty in schedule.duties:
        local = moment(time, ZoneInfo(duty.zone))
        if local.utcoffset() != moment(time - 2 * DAY, local.tzinfo).utcoffset() or (  # type: ignore[arg-type]
                local.utcoffset() != moment(time + 2 * DAY, local.tzinfo).utcoffset()):  # type: ignore[arg-type]
            return
        wall = local.replace(tzinfo=None)
        until = duty.end if duty.end > duty.begin else duty.end + WHOLE_DAY
        for back in (0, 1, 2):
            midnight = datetime.combine(wall.date() - timedelta(days=back), datetime.min.time())
            begun = midnight + timedelta(minutes=duty.begin) <= wall < midnight + timedelta(minutes=until)
            expected = expected or (begun and duty.applies(midnight.toordinal() - 719_163))
    assert schedule.on_duty(time) == expected


@given(SCHEDULES, st.lists(TIMES | st.integers(20_500 * DAY, 20_501 * DAY), max_size=9))
def test_what_was_asked_before_changes_no_answer(schedule: Schedule, times: list[int]) -> None:
    assert [schedule.on_duty(time) for time in times] == [Schedule(schedule.duties).on_duty(time) for time in times]


@given(SCHEDULES, TIMES, st.integers(1, 3 * DAY))
def test_a_deadline_has_served_just_its_span(schedule: Schedule, start: int, span: int) -> None:
    deadline = schedule.after(start, span)
    if deadline is None:
        return
    served = sum(max(0, min(end, deadline) - max(begin, start)) for day in range(start // DAY, deadline // DAY + 1)
                 for begin, end in schedule._day(day))
    assert served == span
    assert schedule.on_duty(deadline - 1)
