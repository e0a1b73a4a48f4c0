"""Vital signs: which status a measured value has, and what becomes of it in a roll-up. Plain data, pure.

A *reading* is what an indicator measures for one key at the end of one period. Its status is green, amber or
red by the indicator's bands, `unknown` where there is no value, and `none` where nothing is judged (a list of
the most frequent).
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import msgspec

from streams.records import Micros
from streams.specs import Learning, Rarity

GREEN, AMBER, RED, UNKNOWN, NONE = "green", "amber", "red", "unknown", "none"
GRAVITY = {GREEN: 0, AMBER: 1, RED: 2}
STATUSES = (*GRAVITY, UNKNOWN, NONE)
LOW, HIGH = "low", "high"
CITY, DISTRICT, NOWHERE = "city", "district", "none"
ROLLUPS = (CITY, DISTRICT, NOWHERE)
DISTRICT_PARTS = ("place.district", "district")
"""The parts of a key that name a district."""


Mark: TypeAlias = float | Rarity
"""Where a status begins: at a value, or where values become so rare against the baseline."""


class Bands(msgspec.Struct, frozen=True):
    """Where amber and red begin; both belong to the graver side."""

    amber: Mark
    red: Mark

    @property
    def rarities(self) -> list[Rarity]:
        """The marks that stand in the baseline."""
        return [mark for mark in (self.amber, self.red) if isinstance(mark, Rarity)]

    @property
    def good(self) -> str | None:
        """Which values are good, as far as the bands themselves tell."""
        if self.rarities:
            return {"above": LOW, "below": HIGH}[self.rarities[0].side]
        if self.amber == self.red:
            return None
        return LOW if self.marks()[1] > self.marks()[0] else HIGH  # type: ignore[operator]

    def marks(self) -> tuple[float | None, float | None]:
        """Where amber and red begin whatever is usual."""
        amber, red = (None if isinstance(mark, Rarity) else mark for mark in (self.amber, self.red))
        return amber, red


class Usual(msgspec.Struct, frozen=True, array_like=True):
    """What a reading is held against: what its baseline expected, and the range in which nine of ten values lie.

    All three are None while next to nothing is learnt; `warming`: not enough is learnt to judge by. `amber` and `red`
    are where these statuses began for this reading, None where they began nowhere.
    """

    expected: float | None = None
    low: float | None = None
    high: float | None = None
    warming: bool = False
    amber: float | None = None
    red: float | None = None


class Top(msgspec.Struct, frozen=True):
    """A list of the `k` most frequent; `by` names the parts of what is counted."""

    by: tuple[str, ...]
    k: int


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One of the most frequent: its parts, how often it came in the window and how often in the window before.

    `rank_before` is its place then (from 1, None: it did not come). `usual` is how often it comes as a rule, or
    somewhat less often; None without a baseline, and while next to nothing is learnt. `new`: it came neither in the
    window before nor, where there is a baseline, in what that remembers.
    """

    of: list[Any]
    count: int
    before: int
    rank_before: int | None = None
    usual: float | None = None
    new: bool = False

    @property
    def percent(self) -> int | None:
        """How much more (or less) often than usual it came."""
        return round(100 * (self.count - self.usual) / self.usual) if self.usual else None


def entries(value: Any) -> list[Entry]:
    """A list of the most frequent, from the value of a reading."""
    return msgspec.convert(value or [], list[Entry])


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
    learning: Learning | None = None

    def marks(self, usual: Usual | None) -> tuple[float | None, float | None]:
        """Where amber and red begin; `usual` is what a reading is held against."""
        assert self.bands is not None
        return self.bands.marks() if usual is None else (usual.amber, usual.red)

    def band(self, value: float, margin: float = 0, usual: Usual | None = None) -> str:
        """The status of a value; with a margin, as if the bands began so much earlier."""
        amber, red = self.marks(usual)
        sign = 1 if self.good == LOW else -1
        for status, bound in ((RED, red), (AMBER, amber)):
            if bound is not None and sign * value >= sign * bound - margin:
                return status
        return GREEN

    def wanted(self, status: str, value: float | None, usual: Usual | None = None) -> str:
        """The status that a value asks for after `status`: to get better it must clear the margin.

        While too little is learnt of what is usual, bands that need it can call nothing green.
        """
        if self.bands is None:
            return NONE
        if value is None:
            return UNKNOWN
        plain = self.band(value, 0, usual)
        if plain == GREEN and usual is not None and usual.warming and self.bands.rarities:
            return UNKNOWN
        if status not in GRAVITY or GRAVITY[plain] >= GRAVITY[status]:
            return plain
        return min(status, self.band(value, self.margin, usual), key=GRAVITY.__getitem__)

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

    def after(self, vital: Vital, at: Micros, value: float | None, usual: Usual | None = None) -> Standing:
        """Where it stands after one more reading, which is held against what is usual."""
        wanted = vital.wanted(self.status, value, usual)
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
