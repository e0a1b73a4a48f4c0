"""A made-up city: series of hourly counts with a weekly profile in common, and incidents of many sizes in them.

Each series is a little busier or quieter than its neighbours, with chance of its own: a good or bad day, scatter beyond
Poisson, a slow trend; see `bench/detection/series.py`. An incident is planted every second week, so that what is normal
stays known, at an hour that moves through the week. Only seeds are drawn from.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import NamedTuple

from bench.detection.series import DAY_SCATTER, HOUR_SIZE, HOURS_A_WEEK, TREND, WARM_UP, poisson

WEEKS = 26  # that are judged, after WARM_UP
EVERY = 2  # weeks


class Incident(NamedTuple):
    """What is planted: for so many hours so many deviations more, or that share of what is expected more.

    A `growing` share grows evenly, over its first three quarters. A share of -1 is silence.
    """

    name: str
    hours: int
    deviations: float = 0.0
    share: float = 0.0
    growing: bool = False

    @property
    def fewer(self) -> bool:
        """Whether less happens than normally."""
        return self.share < 0


INCIDENTS = (
    Incident("spike of an hour, 3 σ", 1, deviations=3), Incident("spike of an hour, 5 σ", 1, deviations=5),
    Incident("spike of an hour, 8 σ", 1, deviations=8), Incident("half a day +50 %", 12, share=0.5),
    Incident("half a day +100 %", 12, share=1.0), Incident("four days, growing to +30 %", 96, share=0.3, growing=True),
    Incident("silence of half a day", 12, share=-1.0),
)


class Series(NamedTuple):
    """Counts by hour; the first hours of what was planted."""

    counts: list[int]
    begins: list[int]


def series(seed: int, mean: float, incident: Incident | None) -> Series:
    """One series of the city, reproducible by its seed; None plants nothing."""
    chance = random.Random(f"city {seed} {mean}")
    means = list(_means(chance, mean * chance.uniform(0.8, 1.25)))
    counts = [poisson(chance, chance.gammavariate(HOUR_SIZE, mu / HOUR_SIZE)) for mu in means]
    if incident is None:
        return Series(counts, [])
    begins = [week * HOURS_A_WEEK + (31 * week + 17 * seed) % 72 for week in range(WARM_UP, WARM_UP + WEEKS, EVERY)]
    for begin in begins:
        for hour in range(begin, begin + incident.hours):
            counts[hour] = _with(incident, hour - begin, counts[hour], means[hour], chance)
    return Series(counts, begins)


def _with(incident: Incident, since: int, count: int, mean: float, chance: random.Random) -> int:
    """What comes in an hour of an incident, so many hours since it began."""
    if incident.fewer:
        return round(count * (1 + incident.share))
    grown = min(1.0, (since + 1) / (0.75 * incident.hours)) if incident.growing else 1.0
    more = poisson(chance, incident.share * grown * mean) if incident.share else 0
    scatter = mean + mean * mean * (1 / HOUR_SIZE + DAY_SCATTER ** 2)
    return count + more + max(1, round(incident.deviations * math.sqrt(scatter))) * (incident.deviations > 0)


def _means(chance: random.Random, mean: float) -> Iterator[float]:
    """What is expected of each hour, the day's chance included."""
    day = 1.0
    for hour in range((WARM_UP + WEEKS) * HOURS_A_WEEK):
        if hour % 24 == 0:
            day = max(0.2, chance.gauss(1.0, DAY_SCATTER))
        yield mean * PROFILE[hour % HOURS_A_WEEK] * day * (1.0 + TREND) ** (hour / HOURS_A_WEEK)


def _profile() -> list[float]:
    """The week that all series have in common: a morning and an evening peak, quieter weekends."""
    hours = [0.35 + math.exp(-((hour - 9) / 3.0) ** 2) + 0.9 * math.exp(-((hour - 17.5) / 3.5) ** 2)
             for hour in range(24)]
    week = [hours[hour % 24] * (0.8 if hour >= 120 else 1.0) for hour in range(HOURS_A_WEEK)]
    return [hour * len(week) / sum(week) for hour in week]


PROFILE = _profile()
