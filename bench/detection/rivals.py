"""Detectors that ours is measured against, each a few lines: a score for each hour, and from which score it alarms.

EARS C1, C2 and C3 as in R's `surveillance::earsC` (minSigma 0), on hours; a moving mean of a week; Poisson around the
mean of the same hour of the last eight weeks; Farrington. Higher scores are rarer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from bench.detection import farrington
from bench.detection.series import HOURS_A_WEEK
from streams.clocks import HOUR, WEEK
from streams.unusual.baselines import Counts, Season
from streams.unusual.tails import at_least

ALPHA, DEVIATIONS = 1e-3, 3.0902  # one false alarm in 1,000 hours, if all were as each detector assumes
WEEKS_BACK = 8
ALL_BUT_CHANCE = 1e6  # the negative binomial's size at which it is Poisson
Scores = Iterator[float]


class Detector(NamedTuple):
    """A detector: what it is called, its score of each hour, and the score from which it alarms."""

    name: str
    scores: Callable[[list[int]], Scores]
    bound: float


def moving(hours: int, gap: int = 0) -> Callable[[Sequence[float]], Scores]:
    """Deviations above the mean of so many hours, which end so many before the one that is judged."""
    def scores(counts: Sequence[float]) -> Scores:
        total = squares = 0.0
        for hour, count in enumerate(counts):
            come, gone = hour - gap - 1, hour - gap - 1 - hours
            if come >= 0:
                total, squares = total + counts[come], squares + counts[come] ** 2
            if gone >= 0:
                total, squares = total - counts[gone], squares - counts[gone] ** 2
            above = count - total / hours
            scatter = math.sqrt(max(0, hours * squares - total * total) / (hours * (hours - 1))) if total else 0.0
            yield above / scatter if scatter else (math.inf if above > 0 else 0.0)
    return scores


def c3(lags: Sequence[int] = (0, 1, 2)) -> Callable[[list[int]], Scores]:
    """By how much C2 was above 1 in all, in this hour and the two before. R's package leaves this hour out."""
    def scores(counts: list[int]) -> Scores:
        parts = [0.0, 0.0, 0.0]
        for score in moving(7, 2)(counts):
            parts = [max(0.0, score - 1), *parts[:2]]
            yield sum(parts[lag] for lag in lags)
    return scores


def _farrington(counts: list[int]) -> Scores:
    foretold, first = farrington.hourly(counts)
    above = foretold.above(np.asarray(counts[first:], dtype=np.float64)) * farrington.enough(counts)[first:]
    yield from (0.0 for _ in range(first))
    yield from above.tolist()


def _poisson(counts: list[int]) -> Scores:
    for hour, count in enumerate(counts):
        weeks = range(1, min(WEEKS_BACK, hour // HOURS_A_WEEK) + 1)
        mean = (sum(counts[hour - week * HOURS_A_WEEK] for week in weeks) + 0.5) / (len(weeks) + 1)
        yield -math.log(max(1e-300, at_least(count, mean, ALL_BUT_CHANCE))) if count > mean else 0.0


def _ours(counts: list[int]) -> Scores:
    baseline = Counts(Season("hour_of_week", HOUR, ZoneInfo("UTC")), 8 * WEEK)
    learnt = baseline.begin()
    for hour, count in enumerate(counts):
        outlook = baseline.outlook(learnt, hour * HOUR)
        p = baseline.above(outlook, count) if baseline.far(outlook, count) else 1.0
        yield -math.log(max(1e-300, p))
        baseline.learn(learnt, hour * HOUR, count)


DETECTORS = (
    Detector("EARS C1, last 7 hours", moving(7), DEVIATIONS),
    Detector("EARS C2, 7 hours and a gap of 2", moving(7, 2), DEVIATIONS),
    Detector("EARS C3, three hours of C2", c3(), DEVIATIONS),
    Detector("moving mean and deviation, 168 hours", moving(HOURS_A_WEEK), DEVIATIONS),
    Detector("Poisson, same hour of 8 weeks", _poisson, -math.log(ALPHA)),
    Detector("Farrington, 8 weeks", _farrington, DEVIATIONS),
    Detector("`baseline`", _ours, -math.log(ALPHA)),
)
