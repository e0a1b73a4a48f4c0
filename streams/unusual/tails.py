"""How rare a value is: tails of the negative binomial and of Student's t, in plain Python. Pure.

Both are incomplete beta functions, computed by a continued fraction. Right to about ten digits for the sizes that a
baseline has (`size` from 1e-3 to 1e4, degrees of freedom from 1 to 1e4).
"""

from __future__ import annotations

import math

_STEPS = 2000
_TINY = 1e-300
_ENOUGH = 1e-14
COUNT_AT_MOST = 2**40  # what quantiles are looked for below


def beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function, for `a` and `b` above 0 and `x` from 0 to 1."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _fraction(x, a, b) / a
    return 1.0 - front * _fraction(1.0 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    """Lentz's way through the continued fraction of the incomplete beta function."""
    c, d = 1.0, 1.0 / _apart(1.0 - (a + b) * x / (a + 1.0))
    found = d
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        d = 1.0 / _apart(1.0 + even * d)
        c = _apart(1.0 + even / c)
        found *= d * c
        d = 1.0 / _apart(1.0 + odd * d)
        c = _apart(1.0 + odd / c)
        step = d * c
        found *= step
        if abs(step - 1.0) < _ENOUGH:
            break
    return found


def _apart(value: float) -> float:
    """The value, kept away from zero."""
    return value if abs(value) > _TINY else _TINY


def at_least(count: int, mean: float, size: float) -> float:
    """P(X >= count) of a negative binomial with this mean and the variance `mean + mean² / size`."""
    if count <= 0:
        return 1.0
    return beta(mean / (mean + size), count, size) if mean > 0.0 else 0.0


def at_most(count: int, mean: float, size: float) -> float:
    """P(X <= count)."""
    if count < 0:
        return 0.0
    return beta(size / (mean + size), size, count + 1.0) if mean > 0.0 else 1.0


def none_at_all(mean: float, size: float) -> float:
    """The natural logarithm of P(X = 0)."""
    return -size * math.log1p(mean / size)


def rare_from(p: float, mean: float, size: float) -> int:
    """The least count that is reached with a probability below `p`."""
    low, high = 0, max(4, 2 * math.ceil(mean))
    while at_least(high, mean, size) >= p and high < COUNT_AT_MOST:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if at_least(middle, mean, size) < p:
            high = middle
        else:
            low = middle
    return high


def quantile(p: float, mean: float, size: float) -> int:
    """The least count `k` with `P(X <= k) >= p`."""
    return rare_from(1.0 - p, mean, size) - 1 if at_most(0, mean, size) < p else 0


def t_above(value: float, freedom: float) -> float:
    """P(T >= value) of Student's t."""
    tail = 0.5 * beta(freedom / (freedom + value * value), 0.5 * freedom, 0.5)
    return tail if value > 0.0 else 1.0 - tail


def t_quantile(p: float, freedom: float) -> float:
    """The value that T does not exceed with probability `p`, from 0 to 1 exclusive."""
    if p < 0.5:
        return -t_quantile(1.0 - p, freedom)
    high = 1.0
    while t_above(high, freedom) > 1.0 - p:
        high *= 2.0
    low = 0.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        if t_above(middle, freedom) > 1.0 - p:
            low = middle
        else:
            high = middle
    return high
