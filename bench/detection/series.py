"""Made-up hourly counts of a city: an hour-of-week profile, day-level chance, scatter beyond chance, a slow trend.

Each series has spikes of one hour planted after its warm-up. Only a seed is drawn from.
"""

from __future__ import annotations

import math
import random
from typing import NamedTuple

HOURS_A_WEEK = 168
WARM_UP = 10  # weeks
DAY_SCATTER, HOUR_SIZE, TREND = 0.12, 10.0, 0.004
SPIKES_A_WEEK = 1.0


class Series(NamedTuple):
    """Counts by hour, and the hours into which a spike was planted."""

    counts: list[int]
    spikes: frozenset[int]


def series(seed: int, mean: float, weeks: int = 26, planted: bool = True) -> Series:
    """One series with this mean an hour, reproducible by its seed."""
    chance = random.Random(f"{seed} {mean}")
    profile = _profile(chance)
    counts: list[int] = []
    spikes: set[int] = set()
    day = 1.0
    for hour in range(weeks * HOURS_A_WEEK):
        if hour % 24 == 0:
            day = max(0.2, chance.gauss(1.0, DAY_SCATTER))
        mu = mean * profile[hour % HOURS_A_WEEK] * day * (1.0 + TREND) ** (hour / HOURS_A_WEEK)
        count = poisson(chance, chance.gammavariate(HOUR_SIZE, mu / HOUR_SIZE))
        if hour >= WARM_UP * HOURS_A_WEEK and chance.random() < SPIKES_A_WEEK / HOURS_A_WEEK and planted:
            count += round(max(4.0, 5.0 * math.sqrt(1.5 * mu)))
            spikes.add(hour)
        counts.append(count)
    return Series(counts, frozenset(spikes))


def _profile(chance: random.Random) -> list[float]:
    """How an hour of the week stands to the mean of all: a morning and an evening peak, quieter weekends."""
    evening, weekend = chance.uniform(0.6, 1.2), chance.uniform(0.6, 1.0)
    hours = [0.35 + math.exp(-((hour - 9) / 3.0) ** 2) + evening * math.exp(-((hour - 17.5) / 3.5) ** 2)
             for hour in range(24)]
    week = [hours[hour % 24] * (weekend if hour >= 120 else 1.0) for hour in range(HOURS_A_WEEK)]
    mean = sum(week) / len(week)
    return [hour / mean for hour in week]


def poisson(chance: random.Random, mean: float) -> int:
    """A Poisson number, by the product of uniform ones, in parts that do not underflow."""
    count = 0
    while mean > 30.0:
        count += poisson(chance, 30.0)
        mean -= 30.0
    bound, product = math.exp(-mean), chance.random()
    while product > bound:
        count += 1
        product *= chance.random()
    return count
