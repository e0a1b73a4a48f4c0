"""Alertmanager's time intervals, beyond its own cases: the calendar's months, and duties together."""

from __future__ import annotations

from typing import Any

import pytest

from streams import intervals
from streams.clocks import parse_rfc3339


def holds(moment: str, **parts: Any) -> bool:
    return intervals.schedule([parts]).on_duty(parse_rfc3339(moment))


@pytest.mark.parametrize(("moment", "dates", "found"), [
    ("2026-03-31T12:00:00+02:00", "-1", True),  # the month has lost an hour
    ("2026-03-30T12:00:00+02:00", "-1", False),
    ("2026-02-28T12:00:00+01:00", "-1", True),
    ("2028-02-29T12:00:00+01:00", "29:31", True),
    ("2026-02-28T12:00:00+01:00", "29:31", False),
    ("2026-04-30T12:00:00+02:00", "28:31", True),
    ("2026-04-01T12:00:00+02:00", "-31:-30", True),
    ("2026-04-29T12:00:00+02:00", "2:-2", True),
    ("2026-04-30T12:00:00+02:00", "2:-2", False),
])
def test_days_of_the_month(moment: str, dates: str, found: bool) -> None:
    assert holds(moment, days_of_month=[dates], location="Europe/Berlin") == found


def test_all_that_is_named_must_hold_and_of_several_one() -> None:
    days, months = ["monday", "friday:saturday"], ["april:june", "11"]
    for moment, found in (("2026-04-03", True), ("2026-04-05", False), ("2026-11-30", True), ("2026-07-03", False),
                          ("2027-04-02", False)):
        assert holds(f"{moment}T10:00:00Z", weekdays=days, months=months,
                     years=["2026"]) == found, moment


@pytest.mark.parametrize(("part", "told"), [
    ({"location": "Mars/Base"}, "no time zone"), ({"hours": []}, "has no 'hours'"), ({"months": ["13"]}, "no month"),
    ({"months": ["may:april"]}, "ends before it begins"), ({"years": ["2027:2026"]}, "ends before it begins"),
    ({"days_of_month": ["x"]}, "no number"), ({"days_of_month": ["0"]}, "no day of the month"),
    ({"times": [{"start_time": "7:00", "end_time": "8:00"}]}, "no time of day"),
])
def test_what_is_none_is_refused_in_words(part: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        intervals.schedule([part])
