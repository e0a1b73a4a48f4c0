"""What the engine keeps of a key is bounded: by what can still change, and by `EVENTS_LIMIT`."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from streams.clocks import DAY, HOUR, MINUTE
from streams.detect import keys
from streams.detect.engine import Engine
from streams.findings import Finding
from streams.judging.episodes import HoldOptions
from streams.kinds import Detector, threshold
from streams.kinds.absence import Absence
from streams.kinds.match import Match
from streams.specs import Measure, Test, Window
from tests.cities import Spot, bundle, final, frames
from tests.detect.test_engine import expected, keep

UTC = ZoneInfo("UTC")


def measuring(measure: Measure, condition: Test, wait: int = 0, keep: int = 0) -> Detector:
    """A threshold over the last 10 µs."""
    spec = {"window": Window("sliding", 10), "measure": measure, "condition": condition, "recovery": None,
            "min_events": 0}
    return threshold.compile_rule(spec, HoldOptions(wait, keep), UTC)


DETECTORS = [
    Match(HoldOptions()), Match(HoldOptions(keep=5)), measuring(Measure(), Test("gte", 60)),
    measuring(Measure("avg", "x"), Test("gte", 2), wait=3, keep=2),
    Absence(HoldOptions(), lambda key: 20, 0, 500, register=False)]


def held(engine: Engine) -> int:
    """How many events its keys hold."""
    return sum(len(key.events) for live in engine._live.values() for key in live.keys.values())


def test_a_settled_key_that_waits_for_long_settles_what_comes_on_time() -> None:
    """The timer of `keep_firing_for` or `every`, days ahead, is no reason to keep days of events."""
    silent = Absence(HoldOptions(), lambda key: 7 * DAY, 0, 30 * DAY, register=False)
    city = bundle({"kept": Match(HoldOptions(keep=7 * DAY)), "silent": silent}, 0, HOUR)
    plan = [Spot(time, "a", 1, None, 0, 0) for time in [0, *range(2 * HOUR, 10 * HOUR, MINUTE)]]
    plan.insert(1, Spot(HOUR + MINUTE, "b", 1, None, 0, 0))  # the clock lets the first event settle
    log, _ = frames(city, plan, lambda n: True, partitions=1)
    engine, most = Engine(city), 0
    for offset, frame in enumerate(log):
        engine.step(offset, frame)
        most = max(most, held(engine))
    assert most < 2 * 2 * 130  # two rules; an hour of events, and what waits to be worth settling


@pytest.mark.parametrize("detector", DETECTORS)
@pytest.mark.parametrize("disorder", [0, 30])
@pytest.mark.parametrize("before", [0, 1, 30])
def test_a_flood_of_one_instant_is_bounded_and_counted(detector: Detector, disorder: int, before: int) -> None:
    """There is no time between its events at which the older half could be given up."""
    city = bundle({"one": detector}, disorder, HOUR)
    times = [*range(100, 100 + before), *[150] * 200, *range(151, 160), *[200] * 90]
    log, accepted = frames(city, [Spot(time, "a", 1, 2, 0, 0) for time in times], lambda n: True, partitions=1)
    engine, most, found, rows = Engine(city), 0, list[Finding](), dict[bytes, bytes]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "EVENTS_LIMIT", 40)
        for offset, frame in enumerate(log):
            found += engine.step(offset, frame)
            most = max(most, held(engine))
            keep(rows, engine)
    assert most <= 40
    assert engine.counts["settled_early"] > 5
    assert final(found) == expected(city, accepted)
    assert engine.open_keys == 0
