"""The vital signs that come with Tocsin: they are complete, and a simulated day reads as its own events say."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams.clocks import HOUR, MINUTE, parse_rfc3339
from streams.composites import bases
from streams.records import Event, Micros
from streams.rules import Bundle
from streams.tools.backtest import Backtest
from streams.tools.backtesting.vitals import vitals
from streams.tools.simulate import write
from streams.vitals import GREEN, UNKNOWN
from tests.conftest import shipped

MONDAY = date(2026, 3, 2)


class Kept(Backtest):
    """A backtest that keeps the events that were accepted."""

    def __init__(self, *given: Any, **more: Any) -> None:
        self.events: list[Event] = []
        super().__init__(*given, **more)

    def _see(self, rows: Any) -> None:
        self.events += [row.event for row in rows]
        super()._see(rows)


class Day:
    """A simulated day of a smaller city, folded through the shipped indicators and the rules that watch the sources."""

    def __init__(self, folder: Path) -> None:
        write(folder, 1, MONDAY, scale=0.25)
        truth = json.loads((folder / "truth.json").read_bytes())
        self.bundle = only_vitals(shipped())
        run = Kept(self.bundle, [(name, folder / file) for name, file in truth["files"].items()], vitals=True)
        told = vitals(self.bundle, run.steps())
        self.events = run.events
        self.readings = [one["data"] for one in told if one["type"] == "tocsin.vital.reading"]
        self.rollups = [one["data"] for one in told if one["type"] == "tocsin.vital.rollup"]


def only_vitals(bundle: Bundle) -> Bundle:
    """The bundle with those rules of the library alone that indicators read."""
    read = {one.id for sign in bundle.indicators.values() for one in bases(bundle, sign)}
    rules = {name: rule for name, rule in bundle.rules.items() if name.startswith("source-silent.") or name in read}
    return msgspec.structs.replace(bundle, rules=rules)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    return Day(tmp_path_factory.mktemp("day"))


def test_each_says_who_owns_it_and_where_its_bands_come_from() -> None:
    indicators = shipped().indicators.values()
    assert len(indicators) >= 15
    for one in indicators:
        assert one.vital is not None
        assert one.owner, one.id
        assert one.vital.description, one.id
        assert one.title != one.id
        assert Path(one.file).parent.name == "vitals"


@pytest.mark.slow  # a day is simulated
def test_each_is_read_on_an_ordinary_day_and_most_are_green(day: Day) -> None:
    judged = {name: rule.vital.bands for name, rule in day.bundle.indicators.items()
              if rule.vital and rule.vital.bands and "cases" not in rule.sources}  # those: tests/test_case_vitals.py
    seen = Counter((one["indicator"], one["status"]) for one in day.readings)
    others = {name for name, rule in day.bundle.indicators.items() if "cases" not in rule.sources}
    assert {name for name, _ in seen} >= others - {"signals-dark"}
    learning = {name for name, bands in judged.items() if bands.rarities}
    assert {status for name, status in seen if name in learning} == {UNKNOWN}
    assert [name for name in judged.keys() - learning if name != "signals-dark" and not seen[name, GREEN]] == []


@pytest.mark.slow  # a day is simulated
def test_the_calls_of_an_hour_are_those_that_were_accepted(day: Day) -> None:
    """Every reading is counted anew from the events, and none is missing."""
    calls = [(one.time, one.place.district) for one in day.events if one.type.startswith("call.")
             and one.place and one.place.district]
    told = {(one["district"], parse_rfc3339(one["end"])): one["value"] for one in day.readings
            if one["indicator"] == "calls-an-hour"}
    assert len(told) > 200
    end = max(at for _, at in told)
    for (district, at), value in told.items():
        assert value == sum(where == district and at - HOUR <= time < at for time, where in calls)
    wanted = {(where, at) for time, where in calls for at in _ends(time) if at <= end - 2 * HOUR}
    assert wanted <= set(told)


def _ends(time: Micros) -> list[Micros]:
    """The ends of the periods whose windows hold a moment."""
    first = (time // (15 * MINUTE) + 1) * 15 * MINUTE
    return [first + number * 15 * MINUTE for number in range(4)]


@pytest.mark.slow  # a day is simulated
def test_the_most_frequent_are_listed_with_what_they_were_before(day: Day) -> None:
    lists = [one for one in day.readings if one["indicator"] == "calls-most-frequent"]
    for one in lists:
        end = parse_rfc3339(one["end"])
        now, before = (Counter(
            (event.type, event.fields["street"]) for event in day.events
            if event.type.startswith("call.") and event.fields.get("street") and start <= event.time < start + 4 * HOUR)
            for start in (end - 4 * HOUR, end - 8 * HOUR))
        listed = [(tuple(top["of"].values()), top["count"], top["before"]) for top in one["top"]]
        assert listed == [(of, now[of], before[of]) for of, _, _ in listed]
        assert [count for _, count, _ in listed] == sorted(now.values(), reverse=True)[:10]
    assert len(lists) > 12


@pytest.mark.slow  # a day is simulated
def test_the_city_is_as_bad_as_the_worst_that_counts_there(day: Day) -> None:
    last = {(one["level"], one["name"]): one for one in day.rollups}
    assert set(day.bundle.city.districts) <= {name for level, name in last if level == "district"}
    for one in last.values():
        assert one["status"] == next((status for status in ("red", "amber", "green") if one[status]), "unknown")
