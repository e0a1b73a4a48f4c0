"""The scoring rule of the Numenta Anomaly Benchmark, as it was published (Lavin and Ahmad 2015, arXiv 1510.03336).

A detector says of each row of a series whether it alarms. The first alarm in a window of an anomaly earns the more, the
earlier it is; a window without one costs; each alarm outside costs the more, the farther it is behind a window. Rows of
the first 15 % are not judged. A score is put in proportion: 0 is silence, 100 the first row of each window alone.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import NamedTuple

PROBATION, PROBATION_AT_MOST = 0.15, 750  # of the rows, and so many rows


class Profile(NamedTuple):
    """What a window that is found earns, an alarm outside costs, and a window that is missed."""

    name: str
    found: float
    wrong: float
    missed: float


PROFILES = (Profile("standard", 1.0, 0.11, 1.0), Profile("reward low FP", 1.0, 0.22, 1.0),
            Profile("reward low FN", 1.0, 0.11, 2.0))


class Labelled(NamedTuple):
    """A series: how many rows it has, and the windows of its anomalies as first and last row."""

    rows: int
    windows: tuple[tuple[int, int], ...]

    @property
    def first(self) -> int:
        """The first row that is judged."""
        return min(math.floor(PROBATION * self.rows), PROBATION_AT_MOST)


def sigmoid(position: float) -> float:
    """What an alarm is worth: -1 is the begin of a window, 0 its end, what is above behind it."""
    return -1.0 if position >= 3.0 else 2.0 / (1.0 + math.exp(5.0 * position)) - 1.0


class Worth(NamedTuple):
    """What an alarm at a row is worth before weights, and the number of its window; None outside of all."""

    value: float
    window: int | None


@cache
def worths(series: Labelled) -> list[Worth]:
    """Of each row."""
    found = []
    behind: tuple[int, int] | None = None
    for row in range(series.rows):
        inside = next((at for at, (left, right) in enumerate(series.windows) if left <= row <= right), None)
        if inside is not None:
            left, right = series.windows[inside]
            value = sigmoid(-(right - row + 1) / (right - left + 1)) / sigmoid(-1.0)
            behind = left, right
        else:
            value = -1.0 if behind is None else sigmoid((row - behind[1]) / (behind[1] - behind[0]))
        found.append(Worth(value, inside))
    return found


def score(series: Labelled, alarms: Collection[int], profile: Profile) -> float:
    """What alarms at these rows are worth."""
    whole = worths(series)
    earned: dict[int, float] = {}
    wrong = 0.0
    for row in sorted(alarms):
        value, window = whole[row]
        if row < series.first:
            continue
        if window is None:
            wrong += value
        else:
            earned[window] = max(earned.get(window, 0.0), value)
    missed = len(series.windows) - len(earned)
    return profile.found * sum(earned.values()) + profile.wrong * wrong - profile.missed * missed


def in_proportion(whole: float, corpus: Iterable[Labelled], profile: Profile) -> float:
    """A sum of scores, put between those of silence and of perfection."""
    windows = sum(len(series.windows) for series in corpus)
    silence, perfection = -profile.missed * windows, profile.found * windows
    return 100.0 * (whole - silence) / (perfection - silence)


def best(corpus: Sequence[Labelled], scores: Sequence[Sequence[float]], profile: Profile) -> tuple[float, float]:
    """The bound for all series that earns most, as the benchmark chooses it, and the score in proportion."""
    rows = sorted(((value, at, row) for at, series in enumerate(corpus) for row, value in enumerate(scores[at])
                   if row >= series.first), reverse=True)
    whole = [worths(series) for series in corpus]
    windows = sum(len(series.windows) for series in corpus)
    earned: dict[tuple[int, int], float] = {}
    total = most = -profile.missed * windows
    bound = math.inf
    for place, (value, at, row) in enumerate(rows):
        worth, window = whole[at][row]
        if window is None:
            total += profile.wrong * worth
        else:
            before = earned.get((at, window))
            earned[at, window] = max(worth, before or 0.0)
            total += profile.found * (earned[at, window] - (before or 0.0)) + (profile.missed if before is None else 0)
        last_of_its_value = place + 1 == len(rows) or rows[place + 1][0] != value
        if last_of_its_value and total > most:
            most, bound = total, value
    return bound, in_proportion(most, corpus, profile)
