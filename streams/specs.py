"""What the structured fields of a rule file mean: windows, measures, tests of a value, steps.

Plain frozen data, made by `rulefile` and read by the kinds. Durations are microseconds.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from streams.clocks import HOUR
from streams.records import Micros

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le,
    "eq": operator.eq, "neq": operator.ne,
}
WINDOW_TYPES = ("sliding", "tumbling", "hopping", "session")
PLAIN_MEASURES = ("count", "distinct", "sum", "avg", "min", "max", "spread", "slope", "ratio", "deviation")


class Window(msgspec.Struct, frozen=True):
    """The span a threshold looks at; `type` is one of `WINDOW_TYPES`.

    `size` belongs to sliding, tumbling and hopping, `hop` to hopping, `gap` and `max` (the longest
    a session may last, None: no bound) to session.
    """

    type: str = "sliding"
    size: Micros | None = None
    hop: Micros | None = None
    gap: Micros | None = None
    max: Micros | None = None


class Measure(msgspec.Struct, frozen=True):
    """What is measured over a window; `name` is one of `PLAIN_MEASURES` or `percentile`.

    `text` is the expression's text ("" for `count`); its value reaches the kind as `Member.value`:
    a number, for `distinct` any value, for `ratio` a bool. `percentile` is 50 to 99 for `p50` to
    `p99`, else None. `per` is the unit of time of a `slope`.
    """

    name: str = "count"
    text: str = ""
    percentile: int | None = None
    per: Micros = HOUR


class Test(msgspec.Struct, frozen=True):
    """A comparison with a fixed value: `{gte: 3}` is `Test("gte", 3)`; `op` is a key of `OPERATORS`."""

    __test__ = False  # the name is the domain's; pytest must not collect it

    op: str
    value: Any

    def holds(self, measured: Any) -> bool:
        """Whether the measured value passes. None (nothing measured) passes no comparison."""
        return measured is not None and OPERATORS[self.op](measured, self.value)


class Rarity(msgspec.Struct, frozen=True):
    """How rare a value must be against its baseline; `side` is `above` or `below`.

    One of `p` (as probable as that, or less), `recurrence` (so rare that it comes once in that time) and `alarms` in
    each `per`, which `series` keys share.
    """

    side: str
    p: float | None = None
    recurrence: Micros | None = None
    alarms: float | None = None
    per: Micros = 0
    series: int = 1

    def bound(self, size: Micros) -> float:
        """The probability that a value must not reach, where one of such a size is judged after the other."""
        if self.p is not None:
            return self.p
        if self.recurrence is not None:
            return size / self.recurrence
        return (self.alarms or 0.0) * size / (self.per * self.series)


class Trend(Rarity, frozen=True):
    """Which shift from the baseline is looked for: `side` is `rise` or `fall`.

    By `by`, which is a share of what is expected (`share`) or an amount; `over` is within what time it should be found.
    """

    by: float = 0.0
    share: bool = False
    over: Micros = HOUR


class Learning(msgspec.Struct, frozen=True):
    """How a baseline learns: `season` is hour_of_week, hour_of_day or none; see `streams/unusual/baselines.py`."""

    season: str
    memory: Micros
    min_samples: int | None = None
    holidays: bool = False


class Step(msgspec.Struct, frozen=True):
    """One step of a sequence. `role` is the bit number of its selector in `Member.roles`.

    A `negated` step must not happen. `max_count` None: any number. `within` counts from the step
    before it. `strict`: the very next event; `consecutive` says it of its repeats (None: as `strict`).
    """

    name: str
    role: int
    negated: bool = False
    min_count: int = 1
    max_count: int | None = 1
    strict: bool = False
    optional: bool = False
    within: Micros | None = None
    consecutive: bool | None = None

    @property
    def repeats_strictly(self) -> bool:
        """Whether each repeat must be the very next event after the one before it."""
        return self.strict if self.consecutive is None else self.consecutive


class Expect(msgspec.Struct, frozen=True):
    """Who must report: the keys of a register's rows, or whoever was `seen_within` a duration."""

    register: str | None = None
    seen_within: Micros | None = None


class Registered(msgspec.Struct, frozen=True):
    """Which rows of a register were heard of in time.

    `by` is the expression that names the row of an event ("": the field called as the register's key), `within` the
    column that says how often each reports, to which `grace` is added.
    """

    register: str
    by: str
    within: str
    grace: Micros = 0


class Written(msgspec.Struct, frozen=True):
    """A part of a rule file as it is written: plain values, and line and column (from 1) of each.

    `spots` has an entry for every path of names and indices that leads to a value; () is the whole.
    """

    value: Any
    file: str
    spots: Mapping[tuple[str | int, ...], tuple[int, int]]
