"""Vital signs: which status a measured value has, and what becomes of it in a roll-up. Plain data, pure.

A *reading* is what an indicator measures for one key at the end of one period. Its status is green, amber or
red by the indicator's bands, `unknown` where there is no value, and `none` where nothing is judged (a list of
the most frequent).
"""

from __future__ import annotations

import math

import msgspec

from streams.records import Micros

GREEN, AMBER, RED, UNKNOWN, NONE = "green", "amber", "red", "unknown", "none"
GRAVITY = {GREEN: 0, AMBER: 1, RED: 2}
STATUSES = (*GRAVITY, UNKNOWN, NONE)
LOW, HIGH = "low", "high"
CITY, DISTRICT, NOWHERE = "city", "district", "none"
ROLLUPS = (CITY, DISTRICT, NOWHERE)
DISTRICT_PARTS = ("place.district", "district")
"""The parts of a key that name a district."""


class Bands(msgspec.Struct, frozen=True):
    """Where amber and red begin; both belong to the graver side."""

    amber: float
    red: float

    @property
    def good(self) -> str:
        """Which values are good, as far as the bands themselves tell."""
        return LOW if self.red >= self.amber else HIGH


class Top(msgspec.Struct, frozen=True):
    """A list of the `k` most frequent; `by` names the parts of what is counted."""

    by: tuple[str, ...]
    k: int


class Vital(msgspec.Struct, frozen=True):
    """What makes an indicator of a measure.

    `margin`: how far beyond a band a value must be before its status gets better. `hold`: of how many readings in a
    row another status must be before it is taken. `weight`: 1 counts fully in a roll-up, 0 not at all. `rollup` is
    one of `ROLLUPS`: how far up it counts. `every` and `window` are µs.
    """

    every: Micros
    window: Micros
    bands: Bands | None = None
    good: str = LOW
    unit: str = ""
    margin: float = 0
    hold: int = 1
    weight: float = 1
    rollup: str = CITY
    top: Top | None = None
    description: str = ""

    def band(self, value: float, margin: float = 0) -> str:
        """The status of a value; with a margin, as if the bands began so much earlier."""
        assert self.bands is not None
        sign = 1 if self.good == LOW else -1
        for status, bound in ((RED, self.bands.red), (AMBER, self.bands.amber)):
            if sign * value >= sign * bound - margin:
                return status
        return GREEN

    def wanted(self, status: str, value: float | None) -> str:
        """The status that a value asks for after `status`: to get better it must clear the margin."""
        if self.bands is None:
            return NONE
        if value is None:
            return UNKNOWN
        plain = self.band(value)
        if status not in GRAVITY or GRAVITY[plain] >= GRAVITY[status]:
            return plain
        return min(status, self.band(value, self.margin), key=GRAVITY.__getitem__)

    def score(self, status: str) -> int:
        """How grave a status counts in a roll-up: 2 as red, 1 as amber, 0 as green; -1 where it is unknown."""
        if status not in GRAVITY:
            return -1
        return math.floor(GRAVITY[status] * self.weight + 0.5)


class Standing(msgspec.Struct, frozen=True, array_like=True):
    """Where an indicator stands for a key. `run` counts readings in a row that were worse (above 0) or better."""

    status: str = ""
    since: Micros = 0
    run: int = 0

    def after(self, vital: Vital, at: Micros, value: float | None) -> Standing:
        """Where it stands after one more reading."""
        wanted = vital.wanted(self.status, value)
        if wanted == self.status:
            return Standing(self.status, self.since)
        if self.status not in GRAVITY or wanted not in GRAVITY:
            return Standing(wanted, at)
        step = 1 if GRAVITY[wanted] > GRAVITY[self.status] else -1
        run = self.run + step if self.run * step > 0 else step
        if abs(run) >= vital.hold:
            return Standing(wanted, at)
        return Standing(self.status, self.since, run)


def worst(scores: dict[int, int]) -> str:
    """The status of a roll-up, from how many count with which score."""
    gravest = max((score for score, number in scores.items() if number), default=-1)
    return UNKNOWN if gravest < 0 else (GREEN, AMBER, RED)[gravest]
