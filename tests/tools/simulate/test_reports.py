"""The series of break-ins that is made up is what the shipped rule finds, with its place, and little else."""

from __future__ import annotations

from datetime import datetime
from functools import cache

import msgspec
import pytest

from streams.clocks import DAY, HOUR, WEEK, micros, zone_of
from streams.findings import RETRACTED, Finding
from streams.places import distance
from streams.rules import Bundle
from streams.tools.playing import alone, play
from streams.tools.simulate.city import ZONE, city
from streams.tools.simulate.everyday import Hour
from streams.tools.simulate.reports import burglaries, series_of
from streams.tools.timeline import Arrival
from tests.conftest import shipped

BEGIN = micros(datetime(2026, 3, 2, tzinfo=zone_of(ZONE)))
FRIDAY, WEEKS = BEGIN + 11 * WEEK + 4 * DAY, 13


@cache
def bundle() -> Bundle:
    return shipped()


def found(seed: int, rule: str) -> list[Finding]:
    """The last word on each finding of a rule, when all reports of thirteen weeks are in."""
    reports = [event for start in range(BEGIN, BEGIN + WEEKS * WEEK, HOUR)
               for event in burglaries(Hour(seed, city(), start, 1.0))]
    events = [msgspec.structs.replace(event, offset=number) for number, event in enumerate(reports)]
    known = bundle().rules[rule]
    told = play(alone(bundle(), known), known, [Arrival(event.time, event) for event in events], BEGIN)
    last = {one.id: one for one in told}
    return [one for one in last.values() if one.change != RETRACTED]


def test_the_series_is_in_one_weekend_of_thirteen_around_one_estate() -> None:
    when = [start for start in range(BEGIN, BEGIN + WEEKS * WEEK, HOUR) if series_of(1, city(), start)]
    assert (when[0], when[-1]) == (FRIDAY, FRIDAY + 3 * DAY - HOUR)
    assert len({series_of(1, city(), start) for start in when}) == 1


@pytest.mark.parametrize("seed", [1, 2])
def test_the_shipped_rule_finds_the_series_where_it_is(seed: int) -> None:
    estate = series_of(seed, city(), FRIDAY)
    assert estate is not None
    every = found(seed, "break-ins-concentrated")
    first = min((one for one in every if one.opened > FRIDAY), key=lambda one: one.opened)
    assert first.opened <= FRIDAY + 2 * DAY
    assert distance(estate.lat, estate.lon, first.facts["place.lat"], first.facts["place.lon"]) < 500
    assert first.value >= 10
    assert len(every) <= 2  # in fifteen days that are judged


def test_neighbours_of_a_series_are_told() -> None:
    assert len([one for one in found(1, "burglary-near-repeat") if FRIDAY < one.opened < FRIDAY + 3 * DAY]) >= 3
