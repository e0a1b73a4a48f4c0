"""Power and delay: how many incidents of each size are found, how soon, by ours and others at the same false alarms.

Each detector stands where it gives one false alarm in 1,000 hours on series into which nothing is planted; an alarm is
where its score goes beyond the bound, so that a run of hours is one. An incident is found if the score is beyond the
bound in one of its hours. For silence the detectors look the other way. All series of one mean share the bound.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from functools import cache
from statistics import median
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from bench.detection import farrington
from bench.detection.city import INCIDENTS, Incident, series
from bench.detection.rivals import ALL_BUT_CHANCE, DETECTORS, WEEKS_BACK, c3, moving
from bench.detection.series import HOURS_A_WEEK, WARM_UP
from streams.clocks import HOUR, WEEK
from streams.unusual.baselines import Counts, Season
from streams.unusual.cusum import Shift, Shifting
from streams.unusual.tails import at_most

MEANS, SEEDS = (0.5, 3.0, 20.0), 6
APART = 1000  # hours between two false alarms
Scores = Callable[[list[int]], Iterator[float]]


class Detector(NamedTuple):
    """A detector by its scores: of more than is normal, and of less."""

    name: str
    more: Scores
    fewer: Scores


def _mirrored(scores: Scores) -> Scores:
    return lambda counts: scores([-count for count in counts])


def _poisson_fewer(counts: list[int]) -> Iterator[float]:
    for hour, count in enumerate(counts):
        weeks = range(1, min(WEEKS_BACK, hour // HOURS_A_WEEK) + 1)
        mean = (sum(counts[hour - week * HOURS_A_WEEK] for week in weeks) + 0.5) / (len(weeks) + 1)
        yield -math.log(max(1e-300, at_most(count, mean, ALL_BUT_CHANCE)))


def _farrington_fewer(counts: list[int]) -> Iterator[float]:
    foretold, first = farrington.hourly(counts)
    yield from (0.0 for _ in range(first))
    yield from (-foretold.above(np.asarray(counts[first:], dtype=np.float64))).tolist()


def _ours_fewer(counts: list[int]) -> Iterator[float]:
    """As the rule does it: empty hours are learnt when something comes again, if they can be chance at all."""
    baseline = Counts(Season("hour_of_week", HOUR, ZoneInfo("UTC")), 8 * WEEK)
    learnt, empty = baseline.begin(), list[int]()
    for hour, count in enumerate(counts):
        if count and empty:
            if not baseline.silent(learnt, empty):
                for begin in empty:
                    baseline.learn(learnt, begin, 0)
            empty = []
        yield -math.log(max(1e-300, baseline.below(baseline.outlook(learnt, hour * HOUR), count)))
        if count:
            baseline.learn(learnt, hour * HOUR, count)
        else:
            empty.append(hour * HOUR)


def _shift(up: bool) -> Scores:
    """The evidence for 30 % more, or less, as a rule sums it up: {rise: {by: 30%, over: 12h}}."""
    def scores(counts: list[int]) -> Iterator[float]:
        baseline = Counts(Season("hour_of_week", HOUR, ZoneInfo("UTC")), 8 * WEEK)
        shift = Shift(0.3, True, up, True, 24, APART, 1.0 - HOUR / (8 * WEEK))
        learnt, state = baseline.begin(), Shifting()
        for hour, count in enumerate(counts):
            shift.take(state, hour * HOUR, count, baseline.outlook(learnt, hour * HOUR))
            baseline.learn(learnt, hour * HOUR, count)
            yield state.strength
    return scores


FEWER: Sequence[Scores] = (_mirrored(moving(7)), _mirrored(moving(7, 2)), _mirrored(c3()),
                           _mirrored(moving(HOURS_A_WEEK)), _poisson_fewer, _farrington_fewer, _ours_fewer)
NAMES = ("C1", "C2", "C3", "moving z", "Poisson", "Farrington", "`above`, `below`", "`rise`, `fall`")
LOOKING = (*(Detector(name, one.scores, fewer) for name, one, fewer in zip(NAMES[:-1], DETECTORS, FEWER, strict=True)),
           Detector(NAMES[-1], _shift(up=True), _shift(up=False)))


def alarms(scores: Sequence[float], bound: float) -> int:
    """How often the score goes beyond a bound."""
    beyond = np.asarray(scores) > bound
    return int(np.count_nonzero(beyond[1:] & ~beyond[:-1]) + beyond[0])


def bound_for(quiet: Sequence[Sequence[float]]) -> float:
    """The lowest bound from which on no more than one alarm in APART hours is given."""
    allowed = sum(len(one) for one in quiet) // APART
    highest = sorted({score for one in quiet for score in one}, reverse=True)
    bound = highest[0]
    for score in highest:
        if sum(alarms(one, score) for one in quiet) > allowed:
            break
        bound = score
    return bound


def delay(scores: Sequence[float], begin: int, hours: int, bound: float) -> int | None:
    """After how many hours an incident is found; 0 is within its first hour, None is never."""
    return next((hour for hour in range(hours) if scores[begin + hour] > bound), None)


@cache
def _quiet(number: int, mean: float, fewer: bool) -> float:
    look = LOOKING[number].fewer if fewer else LOOKING[number].more
    return bound_for([list(look(series(seed, mean, None).counts))[WARM_UP * HOURS_A_WEEK:] for seed in range(SEEDS)])


def delays(mean: float, incident: Incident, number: int) -> list[int | None]:
    """After how many hours a detector finds each incident of all series of a mean."""
    bound, detector = _quiet(number, mean, incident.fewer), LOOKING[number]
    found: list[int | None] = []
    for seed in range(SEEDS):
        made = series(seed, mean, incident)
        scores = list((detector.fewer if incident.fewer else detector.more)(made.counts))
        found += [delay(scores, begin, incident.hours, bound) for begin in made.begins]
    return found


def _of_mean(mean: float, number: int) -> list[list[int | None]]:
    return [delays(mean, incident, number) for incident in INCIDENTS]


def rows(pool: Executor) -> list[str]:
    """The lines of the table: a line an incident and mean, a column a detector."""
    tasks = [(mean, number) for mean in MEANS for number in range(len(LOOKING))]
    found = dict(zip(tasks, pool.map(_of_mean, *zip(*tasks, strict=True)), strict=True))
    return [_line(incident.name, mean, [found[mean, number][at] for number in range(len(LOOKING))])
            for at, incident in enumerate(INCIDENTS) for mean in MEANS]


def _line(name: str, mean: float, found: Sequence[Sequence[int | None]]) -> str:
    return f"| {name} | {mean:g} | {' | '.join(map(shown, found))} |"


def shown(found: Sequence[int | None]) -> str:
    """`62 %, 3 h`: the share that is found and the median delay of those."""
    known = [one for one in found if one is not None]
    share = f"{100 * len(known) / len(found):.0f} %"
    return f"{share}, {median(known):.0f} h" if known else share
