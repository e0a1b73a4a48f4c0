"""Farrington's method (1996), for many times at once: how far a count stands above what reference counts foretell.

A quasi-Poisson regression on the time of the reference counts, fitted twice: the second time, counts that stood out
weigh less. A trend is kept where it is significant and foretells no more than was ever seen. What is foretold and the
count are compared on the scale of the power 2/3, where they are nearly normal. As R's `surveillance::algo.farrington`;
instead of years back ours looks some weeks back, at the hours around the same hour.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Rows = NDArray[np.float64]  # one row for each time that is judged, one column for each of its reference counts
Each = NDArray[np.float64]  # one number for each time that is judged
WEEKS_BACK, HOURS_AROUND = 8, 1
CASES, IN_THE_LAST = 5, 4  # no alarm where fewer came in so many of the last hours
POWER = 2 / 3
STEPS, NEAR_ENOUGH, FAR = 25, 1e-8, 15.0


class Fit(NamedTuple):
    """A regression: the logarithm foretold at time 0 and its rise, what is foretold, and what gives its errors."""

    level: Each
    rise: Each
    means: Rows
    scatter: Each  # the variance in proportion to the mean, as it is estimated
    covariance: tuple[Each, Each, Each]  # of level, of both, of rise; for a scatter of 1


def fit(counts: Rows, times: Rows, weights: Rows, trend: bool) -> Fit:
    """The quasi-Poisson regression with a logarithmic link, by reweighted least squares."""
    eta = np.log(counts + 0.1)
    level = rise = np.zeros(len(counts))
    for _ in range(STEPS):
        means = np.exp(eta)
        weight, working = weights * means, eta + (counts - means) / means
        before = eta
        level, rise = _line(weight, times, working, trend)
        eta = np.clip(level[:, None] + rise[:, None] * times, -FAR, FAR)
        if np.max(np.abs(eta - before)) < NEAR_ENOUGH:
            break
    means = np.exp(eta)
    left = counts.shape[1] - (2 if trend else 1)
    scatter = (weights * (counts - means) ** 2 / means).sum(axis=1) / left
    return Fit(level, rise, means, scatter, _covariance(weights * means, times, trend))


def _line(weight: Rows, times: Rows, values: Rows, trend: bool) -> tuple[Each, Each]:
    """The straight line through values, by weighted least squares."""
    whole = weight.sum(axis=1)
    middle = (weight * values).sum(axis=1) / whole
    if not trend:
        return middle, np.zeros(len(middle))
    at = (weight * times).sum(axis=1) / whole
    off = times - at[:, None]
    rise = (weight * off * values).sum(axis=1) / (weight * off * off).sum(axis=1)
    return middle - rise * at, rise


def _covariance(weight: Rows, times: Rows, trend: bool) -> tuple[Each, Each, Each]:
    whole = weight.sum(axis=1)
    if not trend:
        none = np.zeros(len(whole))
        return 1 / whole, none, none
    first, second = (weight * times).sum(axis=1), (weight * times * times).sum(axis=1)
    determinant = whole * second - first * first
    return second / determinant, -first / determinant, whole / determinant


def _standing_out_less(counts: Rows, times: Rows, once: Fit) -> Rows:
    """Weights: counts whose Anscombe residual is above 1 weigh the less, the more they stood out."""
    a, b, c = (one[:, None] for one in once.covariance)
    leverage = once.means * (a + 2 * b * times + c * times * times)
    residuals = 1.5 * (counts ** POWER * once.means ** (-1 / 6) - np.sqrt(once.means))
    residuals /= np.sqrt(np.maximum(once.scatter, 1.0)[:, None] * np.maximum(1 - leverage, 1e-9))
    weights = np.where(residuals > 1, 1 / np.maximum(residuals, 1) ** 2, 1.0)
    return np.asarray(weights * (counts.shape[1] / weights.sum(axis=1))[:, None])


def twice(counts: Rows, times: Rows, trend: bool) -> Fit:
    """The regression, and once more with less weight to what stood out."""
    once = fit(counts, times, np.ones_like(counts), trend)
    return fit(counts, times, _standing_out_less(counts, times, once), trend)


class Foretold(NamedTuple):
    """What is foretold of each time: the mean, and the deviation on the scale of the power 2/3."""

    mean: Each
    deviation: Each

    def above(self, counts: Each) -> Each:
        """How many deviations counts lie above what is foretold."""
        return np.asarray((counts ** POWER - self.mean ** POWER) / self.deviation)

    def bound(self, deviations: float) -> Each:
        """The count from which on an alarm is given."""
        return np.asarray((self.mean ** POWER + deviations * self.deviation) ** (1 / POWER))


def deviation_of(mean: Each, scatter: Each, error: Each) -> Each:
    """The deviation on the scale of the power 2/3, of a count around a mean that has an error itself."""
    return np.asarray(np.sqrt(4 / 9 * mean ** (1 / 3) * (scatter + error ** 2 / mean)))


def foretell(counts: Rows, times: Rows) -> Foretold:
    """What reference counts foretell of time 0, with a trend where it is believed."""
    plain, sloping = twice(counts, times, trend=False), twice(counts, times, trend=True)
    steep = np.abs(sloping.rise) / np.sqrt(sloping.scatter * sloping.covariance[2] + 1e-300)
    significant = steep > stats.t.ppf(0.975, counts.shape[1] - 2)
    believed = significant & (np.exp(np.clip(sloping.level, -FAR, FAR)) <= counts.max(axis=1))
    mean = np.exp(np.clip(np.where(believed, sloping.level, plain.level), -FAR, FAR))
    scatter = np.maximum(1.0, np.where(believed, sloping.scatter, plain.scatter))
    error = mean * np.sqrt(scatter * np.where(believed, sloping.covariance[0], plain.covariance[0]))
    return Foretold(mean, deviation_of(mean, scatter, error))


def hourly(counts: list[int], week: int = 168) -> tuple[Foretold, int]:
    """What is foretold of each hour from the first that has all its reference counts, and which that is."""
    first = WEEKS_BACK * week + HOURS_AROUND
    back = np.array([around - weeks * week for weeks in range(WEEKS_BACK, 0, -1)
                     for around in range(-HOURS_AROUND, HOURS_AROUND + 1)])
    at = np.arange(first, len(counts))[:, None] + back
    times = np.broadcast_to(back / week, at.shape).astype(np.float64)
    return foretell(np.asarray(counts, dtype=np.float64)[at], times), first


def enough(counts: list[int]) -> NDArray[np.bool_]:
    """Whether as many cases as an alarm needs came in the last hours, this one included."""
    sums = np.convolve(counts, np.ones(IN_THE_LAST))[:len(counts)]
    return np.asarray(sums >= CASES)
