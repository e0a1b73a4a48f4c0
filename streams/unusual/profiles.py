"""What was normal before: a curve that all keys of a rule share, and how much each of them brings. Pure.

A key whose level is known begins as if it had brought its share of the curve for half of what a baseline remembers,
so that it is believed at once and goes on learning from there. Of a key that is not known only the curve is: its
level is held for that of the middle one, and gives way to what comes within some twenty events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from streams.records import KeyValues

DIGITS = 4


class Profile(msgspec.Struct, frozen=True):
    """What a history taught.

    `curve` has a factor for each bucket, 1 in the mean; `levels` is what each key brings in a bin, `others` what a key
    is held for that is not among them; `scatter` is the variance beyond chance for a mean of 1. `bins` is how many
    bins of each key the history had.
    """

    bins: int
    scatter: float
    curve: tuple[float, ...]
    levels: Mapping[KeyValues, float]
    others: float


def pooled(bins: int, scatter: float, curve: Sequence[float], levels: Mapping[KeyValues, float]) -> Profile:
    """A profile in numbers that people can read; `curve` may be in any unit."""
    mean = sum(curve) / len(curve)
    shown = {key: significant(level) for key, level in sorted(levels.items(), key=lambda one: str(one[0]))}
    ranked = sorted(shown.values())
    factors = tuple(significant(one / mean) if mean else 1.0 for one in curve)
    return Profile(bins, significant(scatter), factors, shown, ranked[(len(ranked) - 1) // 2])


def significant(value: float) -> float:
    """The value with as many digits as count."""
    return float(f"{value:.{DIGITS}g}")
