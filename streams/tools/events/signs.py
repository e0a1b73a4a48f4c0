"""The `data` of vital signs as structs; see `contents`."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from streams.tools.events.contents import Key

Status: TypeAlias = Literal["green", "amber", "red", "unknown", "none"]


class Marks(msgspec.Struct):
    """Where amber and red began for a reading; null: nowhere.

    amber: Where amber began.
    red: Where red began.
    """

    amber: float | None
    red: float | None


class Normal(msgspec.Struct):
    """What a reading is held against.

    expected: What is usual at such a time.
    low: The lower end of the range in which nine of ten values lie.
    high: Its upper end.
    warming: Whether too little is learnt to judge by.
    """

    expected: float | None
    low: float | None
    high: float | None
    warming: bool


class Ranked(msgspec.Struct):
    """One of the most frequent.

    of: Which it is, by its parts.
    rank: Its place, from 1.
    count: How often it was.
    before: How often in the window before.
    change: The difference.
    rank_before: Its place before; null if it had none.
    usual: How often it usually is; null without a baseline.
    percent: The change against that; null without a baseline.
    new: Whether it is new; null without a baseline.
    """

    of: dict[str, Any]
    rank: int
    count: int
    before: int
    change: int
    rank_before: int | None
    usual: float | None
    percent: float | None
    new: bool | None


class ReadingOf(msgspec.Struct):
    """What an indicator measured for one key and period; the highest `sequence` holds.

    indicator: Which indicator.
    title: What people call it.
    description: What it says.
    owner: Whose it is.
    key: For what it was measured.
    district: For which district; may be empty.
    end: When the period ended.
    window: How far the measurement looks back.
    every: How often it is made.
    value: What was measured; null where there is none, or a list.
    unit: Of the value.
    events: Of how many events.
    top: The most frequent, of an indicator that lists them; else null.
    status: How good or bad it is.
    since: Since when it is so.
    reason: Why there is no status: `no_value`, `source_silent`, `warming`, `withdrawn`; else empty.
    good: Whether low or high values are good; null where nothing is judged.
    bands: Where amber and red began; null where nothing is judged.
    weight: How much it counts in roll-ups.
    usual: What it was held against; null without a baseline.
    cause: The event that changed it; else empty.
    """

    indicator: str
    title: str
    description: str
    owner: str
    key: Key
    district: str | int | float
    end: str
    window: str
    every: str
    value: Any
    unit: str
    events: int
    top: list[Ranked] | None
    status: Status
    since: str
    reason: str
    good: str | None
    bands: Marks | None
    weight: float
    usual: Normal | None
    cause: str


class Sign(msgspec.Struct):
    """A reading that makes a roll-up what it is.

    indicator: Which indicator.
    key: For what it was measured.
    value: What was measured.
    status: How good or bad it is.
    """

    indicator: str
    key: Key
    value: Any
    status: Status


class RollUp(msgspec.Struct):
    """The status of a district or of the city.

    level: Of a district or of the city.
    name: The district; empty for the city.
    status: How good or bad it is.
    since: Since when.
    green: How many readings count as green.
    amber: How many as amber.
    red: How many as red.
    unknown: How many are unknown.
    causes: The first ten that make it so.
    """

    level: Literal["district", "city"]
    name: str
    status: Status
    since: str
    green: int
    amber: int
    red: int
    unknown: int
    causes: list[Sign]
