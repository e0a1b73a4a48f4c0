"""What the engine keeps of a key is bounded: by what can still change, and by `EVENTS_LIMIT`."""

from __future__ import annotations

from streams.clocks import DAY, HOUR, MINUTE
from streams.engine import Engine
from streams.episodes import HoldOptions
from streams.kinds.absence import Absence
from streams.kinds.match import Match
from tests.cities import Spot, bundle, frames


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
