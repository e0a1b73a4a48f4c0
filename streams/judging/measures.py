"""What is measured over the events of a window, one event in or out at a time, without drift.

A measure is a pure function of the events in the window: having taken in and let go any number of
others leaves no trace in its value, not even in the last bit of a float. Sums are therefore exact
rationals, rounded once when read. A value is None where there is nothing to measure; an empty
window sums to 0 and has 0 distinct values.
"""

from __future__ import annotations

import math
import operator
from bisect import bisect_left, insort
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from streams.clocks import HOUR
from streams.judging.extremes import INT64, Deviation, Extreme, Spread
from streams.records import Member, Micros
from streams.specs import Measure, Test

COMPACT_AT_LEAST = 16
_NEGATED = {"gt": "lte", "gte": "lt", "lt": "gte", "lte": "gt", "eq": "neq", "neq": "eq"}


class Measured(Protocol):
    """The measure of one window, kept up to date."""

    def add(self, member: Member) -> None:
        """A new event, the newest."""

    def drop(self, member: Member) -> None:
        """The oldest event leaves."""

    def value(self) -> Any:
        """What the events in the window measure; None if they measure nothing."""


def measured_by(measure: Measure) -> Callable[[], Measured] | None:
    """How to begin measuring an empty window; None for `count`, which needs no value."""
    if measure.name == "count":
        return None
    if measure.name == "percentile":
        percent = measure.percentile or 50
        return lambda: Percentile(percent)
    if measure.name == "slope":
        per = measure.per
        return lambda: Slope(per)
    return _MEASURES[measure.name]


def usable(measure: Measure) -> Callable[[Any], bool] | None:
    """Which values count: finite numbers; for `ratio` true and false; for `distinct` all but null and NaN.

    None for `count`, which asks for none. A value of another type can come from a field that is
    not declared.
    """
    match measure.name:
        case "count":
            return None
        case "distinct":
            return _is_itself
        case "ratio":
            return _is_bool
    return _is_number


def _is_number(value: Any) -> bool:
    kind = value.__class__
    if kind is float:
        return math.isfinite(value)
    return kind is int or (isinstance(value, int) and kind is not bool)


def _is_bool(value: Any) -> bool:
    return value is True or value is False


def _is_itself(value: Any) -> bool:
    return value is not None and bool(value == value)  # noqa: PLR0124  NaN is not


def quotient(top: int, bottom: int) -> float:
    """The nearest float; infinite where none is large enough. `bottom` is positive."""
    try:
        return top / bottom
    except OverflowError:
        return math.inf if top > 0 else -math.inf


class Contents(Protocol):
    """What the state of a window must have: its events are `members[head:]`, in order."""

    members: list[Member]
    head: int


class Gauge:
    """Which events are in a window and what they measure.

    The measure is kept beside the fields of the state, under the name `measured`, and made again
    from the members where it is missing (after a restart). Fewer events than `min_events` measure
    nothing.
    """

    def __init__(self, measure: Measure, min_events: int = 0) -> None:
        self.min_events = min_events
        self._begin = measured_by(measure)
        self._usable = usable(measure)

    def value(self, state: Contents) -> Any:
        """What the events in the window measure; None if absent."""
        count = len(state.members) - state.head
        if count < self.min_events:
            return None
        return count if self._begin is None else self._measured(state).value()

    def take(self, state: Contents, member: Member) -> bool:
        """Add the newest event; False if it has no value to measure."""
        if self._begin is not None:
            if self._usable is not None and not self._usable(member.value):
                return False
            self._measured(state).add(member)
        state.members.append(member)
        return True

    def drop_until(self, state: Contents, time: Micros) -> None:
        """Let go of the events at or before `time`."""
        members, head = state.members, state.head
        measured = None if self._begin is None else self._measured(state)
        while head < len(members) and members[head].time <= time:
            if measured is not None:
                measured.drop(members[head])
            head += 1
        if head == len(members):
            self.clear(state)
        elif head >= COMPACT_AT_LEAST and 2 * head >= len(members):
            del members[:head]
            state.head = 0
        else:
            state.head = head

    def clear(self, state: Contents) -> None:
        """Let go of all events."""
        state.members.clear()
        state.head = 0
        state.__dict__.pop("measured", None)

    def _measured(self, state: Contents) -> Measured:
        measured: Measured | None = state.__dict__.get("measured")
        if measured is None:
            assert self._begin is not None
            measured = state.__dict__["measured"] = self._begin()
            for member in state.members[state.head:]:
                measured.add(member)
        return measured


class Distinct:
    """How many different values; true and 1 differ, 1 and 1.0 do not."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[Any, int] = {}

    def add(self, member: Member) -> None:
        """Count the value once more."""
        value = _identity(member.value)
        self._counts[value] = self._counts.get(value, 0) + 1

    def drop(self, member: Member) -> None:
        """Count the value once less."""
        value = _identity(member.value)
        left = self._counts[value] - 1
        if left:
            self._counts[value] = left
        else:
            del self._counts[value]

    def value(self) -> int:
        """The number of values present."""
        return len(self._counts)


def _identity(value: Any) -> Any:
    """What stands for a value among others: lists and maps cannot be keys, true would pass for 1."""
    kind = value.__class__
    if kind is bool:
        return (value,)
    if kind in (list, dict, tuple):
        return (msgspec.msgpack.encode(value, order="deterministic"),)
    return value


class Sum:
    """The sum: an int while all values are ints (and 64 bits hold it), else the float nearest to it."""

    __slots__ = ("_count", "_floats", "_shift", "_total")

    def __init__(self) -> None:
        self._count = self._floats = 0
        self._total = self._shift = 0  # the sum is total / 2**shift, exactly

    def add(self, member: Member) -> None:
        """Add the value."""
        self._count += 1
        self._move(member.value, 1)

    def drop(self, member: Member) -> None:
        """Take the value away again."""
        self._count -= 1
        self._move(member.value, -1)

    def value(self) -> int | float:
        """The sum; 0 for an empty window."""
        if not self._floats:
            whole = self._total >> self._shift
            if -INT64 <= whole < INT64:
                return whole
        return quotient(self._total, 1 << self._shift)

    def _move(self, value: int | float, sign: int) -> None:
        if value.__class__ is float:
            self._floats += sign
        top, bottom = value.as_integer_ratio()
        shift = bottom.bit_length() - 1
        if shift > self._shift:
            self._total <<= shift - self._shift
            self._shift = shift
        self._total += sign * (top << (self._shift - shift))


class Average(Sum):
    """The float nearest to the exact mean."""

    __slots__ = ()

    def value(self) -> Any:
        """The mean; None for an empty window."""
        return quotient(self._total, self._count << self._shift) if self._count else None


class Percentile:
    """The value below which `percent` % lie, between two neighbours in proportion (as numpy does).

    It stands at place `(n - 1) * percent / 100` of the sorted values, counted from 0.
    """

    __slots__ = ("_percent", "_sorted")

    def __init__(self, percent: int) -> None:
        self._percent = percent
        self._sorted: list[Any] = []

    def add(self, member: Member) -> None:
        """Put the value in its place."""
        insort(self._sorted, member.value)

    def drop(self, member: Member) -> None:
        """Remove one such value."""
        del self._sorted[bisect_left(self._sorted, member.value)]

    def value(self) -> float | None:
        """The percentile as the nearest float; None for an empty window."""
        if not self._sorted:
            return None
        place, part = divmod((len(self._sorted) - 1) * self._percent, 100)
        low = self._sorted[place]
        if not part:
            return float(low) + 0.0  # -0.0 and 0.0 stand for each other in the list: never tell which
        (a, below), (b, above) = low.as_integer_ratio(), self._sorted[place + 1].as_integer_ratio()
        bottom = max(below, above)
        return quotient(a * (bottom // below) * (100 - part) + b * (bottom // above) * part, 100 * bottom)


class Slope:
    """The least-squares slope of the value over time, per `per` microseconds."""

    __slots__ = ("_count", "_per", "_shift", "_t", "_tt", "_tv", "_v")

    def __init__(self, per: int = HOUR) -> None:
        self._per = per
        self._count = self._shift = 0
        self._t = self._tt = self._v = self._tv = 0  # sums; those with v are scaled by 2**shift

    def add(self, member: Member) -> None:
        """Add a point."""
        self._move(member, 1)

    def drop(self, member: Member) -> None:
        """Take the point away again."""
        self._move(member, -1)

    def value(self) -> float | None:
        """The slope; None while all events are of one instant."""
        spread = self._count * self._tt - self._t * self._t
        if not spread:
            return None
        rise = self._count * self._tv - self._t * self._v
        return quotient(rise * self._per, spread << self._shift)

    def _move(self, member: Member, sign: int) -> None:
        time = member.time
        top, bottom = member.value.as_integer_ratio()
        shift = bottom.bit_length() - 1
        if shift > self._shift:
            self._v <<= shift - self._shift
            self._tv <<= shift - self._shift
            self._shift = shift
        scaled = sign * (top << (self._shift - shift))
        self._count += sign
        self._t += sign * time
        self._tt += sign * time * time
        self._v += scaled
        self._tv += scaled * time


class Ratio:
    """The share of events whose value is true, 0.0 to 1.0."""

    __slots__ = ("_count", "_true")

    def __init__(self) -> None:
        self._count = self._true = 0

    def add(self, member: Member) -> None:
        """Count an event."""
        self._count += 1
        self._true += bool(member.value)

    def drop(self, member: Member) -> None:
        """Count an event less."""
        self._count -= 1
        self._true -= bool(member.value)

    def value(self) -> float | None:
        """The share; None for an empty window."""
        return self._true / self._count if self._count else None


_MEASURES: dict[str, Callable[[], Measured]] = {
    "distinct": Distinct, "sum": Sum, "avg": Average, "ratio": Ratio,
    "max": lambda: Extreme(operator.ge), "min": lambda: Extreme(operator.le), "spread": Spread, "deviation": Deviation,
}


class Extent(msgspec.Struct, frozen=True):
    """Which values a measure can have: from `low` to `high` (None: any), `whole` numbers only."""

    low: float | None = None
    high: float | None = None
    whole: bool = False


def extent(measure: Measure, fewest: int) -> Extent:
    """Which values can be measured of `fewest` events or more."""
    if measure.name == "count":
        return Extent(fewest, None, whole=True)
    if measure.name == "distinct":
        return Extent(min(fewest, 1), None, whole=True)
    if measure.name in ("spread", "deviation"):
        return Extent(0)
    return Extent(0, 1) if measure.name == "ratio" else Extent()


def never(test: Test, extent: Extent) -> bool:
    """Whether no value that the measure can have passes."""
    low, high, bound = extent.low, extent.high, test.value
    match test.op:
        case "gt" | "gte":
            return high is not None and not (high >= bound if test.op == "gte" else high > bound)
        case "lt" | "lte":
            return low is not None and not (low <= bound if test.op == "lte" else low < bound)
        case "eq":
            outside = (low is not None and bound < low) or (high is not None and bound > high)
            return outside or (extent.whole and bound != math.floor(bound))
    return low is not None and low == high == bound


def always(test: Test, extent: Extent) -> bool:
    """Whether every value that the measure can have passes."""
    return never(Test(_NEGATED[test.op], test.value), extent)


def overlap(one: Test, other: Test, extent: Extent) -> bool:
    """Whether a value that the measure can have passes both."""
    ends = {end for end in (one.value, other.value, extent.low, extent.high) if end is not None}
    middles = {(a + b) / 2 for a in ends for b in ends}
    near = {math.floor(end) + more for end in ends for more in (-1, 0, 1, 2)}
    return any(one.holds(value) and other.holds(value) for value in ends | middles | near
               if _within(value, extent))


def _within(value: float, extent: Extent) -> bool:
    return ((extent.low is None or value >= extent.low) and (extent.high is None or value <= extent.high)
            and not (extent.whole and value != math.floor(value)))
