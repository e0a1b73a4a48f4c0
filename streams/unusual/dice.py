"""Counts that chance brings: how probable they are, and draws of them that follow from a seed alone. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from hashlib import shake_128
from math import exp, lgamma, log, sqrt
from struct import Struct

_BLOCK = 1024
_BLOCK_OF = Struct(f"<{_BLOCK}Q")
_UNIT = 2.0**-53



def tail(least: int, expected: float) -> float:
    """The probability of at least so many events where `expected` are; `least` is not below `expected`."""
    term, whole, count = 1.0, 1.0, least
    while term > 1e-15 * whole:
        count += 1
        term *= expected / count
        whole += term
    return min(1.0, whole * exactly(least, expected))


class Dice:
    """Numbers from 0 to below 1 that follow from a seed alone."""

    def __init__(self, seed: bytes) -> None:
        self._seed, self._block = seed, 0
        self._numbers: list[float] = []

    def roll(self) -> float:
        """The next number."""
        if not self._numbers:
            block = self._seed + self._block.to_bytes(8, "little")
            self._block += 1
            raw = _BLOCK_OF.unpack(shake_128(block).digest(8 * _BLOCK))
            self._numbers = [(number >> 11) * _UNIT for number in raw]
        return self._numbers.pop()

    def pick(self, sums: Sequence[float]) -> int:
        """A place in a list, of which the running sums of the weights are given."""
        return min(bisect_right(sums, self.roll() * sums[-1]), len(sums) - 1)

    def take(self, things: list[int], number: int) -> list[int]:
        """So many of some things, in an order left to chance; they are gone from the list."""
        last = len(things) - 1
        for _ in range(number):
            at = int(self.roll() * (last + 1))
            things[at], things[last] = things[last], things[at]
            last -= 1
        taken = things[last + 1:]
        del things[last + 1:]
        return taken

    def poisson(self, expected: float) -> int:
        """A count: how many events of a steady stream fall into so long a time."""
        count, time = 0, -log(1.0 - self.roll())
        while time < expected:
            count += 1
            time -= log(1.0 - self.roll())
        return count

    def at_least(self, least: int, expected: float) -> int:
        """A count under the condition that it is at least so large."""
        share = self.roll() * tail(least, expected)
        term = exactly(least, expected)
        while share > term > 0.0:
            share -= term
            least += 1
            term *= expected / least
        return least


def exactly(count: int, expected: float) -> float:
    """The probability of just so many events."""
    return exp(count * log(expected) - expected - lgamma(count + 1))


def cumulated(expected: float) -> list[float]:
    """How probable it is that there are no more than 0, 1, 2, ... events, until there are hardly ever more."""
    count = max(0, int(expected - 9 * sqrt(expected)))
    found, term, whole = [0.0] * count, exactly(count, expected), 0.0
    while whole < 1.0 - 1e-13 and (count <= expected or term > 1e-17):
        whole += term
        found.append(whole)
        count += 1
        term *= expected / count
    return found
