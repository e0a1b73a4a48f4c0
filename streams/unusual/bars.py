"""How much speaks for a count where fewer are expected, and how many it takes until as much does. Pure.

What speaks is the logarithm of the likelihood ratio of Poisson counts: `C log(C / B) + B - C` for C events where B
were expected, and nothing if C <= B.
"""

from __future__ import annotations

from bisect import bisect_left
from math import ceil, exp, log, sqrt

from streams.unusual.dice import exactly, tail


def score(observed: int, expected: float) -> float:
    """How much speaks for a count; 0 if no more happened than expected."""
    if observed <= expected:
        return 0.0
    return observed * log(observed / expected) + expected - observed


def least_for(bar: float, expected: float) -> int:
    """The smallest count whose score is not below `bar`."""
    count = expected + bar / 3 + sqrt(bar * bar / 9 + 2 * bar * expected)  # never too small (Bernstein)
    for _ in range(2):  # the score is convex, so Newton's steps come down and never pass
        count -= (count * log(count / expected) + expected - count - bar) / log(count / expected)
    whole = ceil(count)
    while score(whole, expected) < bar:
        whole += 1
    while whole - 1 > expected and score(whole - 1, expected) >= bar:
        whole -= 1
    return whole


class Steps:
    """The least count for a bar, and how probable it is, by the expected count: a table, for many are asked for.

    The n-th step ends where `least + n` events are just enough. Within a step a tail is nearly a power of the
    expected count; it is right to about a hundredth.
    """

    def __init__(self, bar: float, least: int, most: float) -> None:
        self.least = least
        self.ends: list[float] = []
        self._powers: list[tuple[float, float]] = [(0.0, 0.0)]  # of each step: exponent, logarithm of the factor
        share = 0.0
        while not self.ends or self.ends[-1] < most:
            count = least + len(self.ends)
            share = _share(bar / count, share)
            self.ends.append(count * share * (1 + 1e-9))  # a score just at the bar reaches it, whatever is rounded
        self._reach = tail(least, self.ends[0])  # that of the last step known, at its end

    def at(self, expected: float) -> tuple[int, float]:
        """The least count where so many are expected, and its probability."""
        step = bisect_left(self.ends, expected)
        need = self.least + step
        if step == 0:
            return need, tail(need, expected)
        while len(self._powers) <= step:
            self._powers.append(self._power(len(self._powers)))
        exponent, factor = self._powers[step]
        return need, exp(exponent * log(expected) + factor)

    def least_at(self, expected: float) -> int:
        """The least count where so many are expected."""
        return self.least + bisect_left(self.ends, expected)

    def _power(self, step: int) -> tuple[float, float]:
        need, begin, end = self.least + step, self.ends[step - 1], self.ends[step]
        if begin < 0.7 * need:
            low = log(tail(need, begin))
        else:  # one event more than the step before asks for: quicker, and nothing is lost by cancelling
            low = log(self._reach - exactly(need - 1, begin))
        self._reach = tail(need, end)
        exponent = (log(self._reach) - low) / log(end / begin)
        return exponent, low - exponent * log(begin)


def _share(bar: float, near: float) -> float:
    """Which share of a count is expected where as much speaks for the count as `bar` times itself; from below."""
    share = max(near, exp(-1.0 - bar), 1.0 - sqrt(2.0 * bar))
    while (step := (share - 1.0 - log(share) - bar) / (1.0 / share - 1.0)) > 1e-13 * share:
        share += step
    return share
