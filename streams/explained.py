"""What a kind can tell of a key's state, and of its rule with one demand less: facts, for people to read in words.

A detector may offer `Explains` (see `streams/kinds`); `tocsin explain` makes sentences of what it says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from streams.records import Member, Micros
from streams.specs import Test


class Measured(msgspec.Struct, frozen=True):
    """What a window measures: the `members` from `begin` to `end`, and the test that the value must pass.

    `name` is the measure as its author wrote it (`count`, `distinct caller`); `value` None: nothing is measured.
    """

    name: str
    value: Any
    test: Test
    begin: Micros
    end: Micros
    members: list[Member]

    @property
    def progress(self) -> float:
        """Sorts values by how near they come to passing."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            return float("-inf")
        if self.test.op in ("gt", "gte"):
            return float(self.value)
        return -self.value if self.test.op in ("lt", "lte") else -abs(self.value - self.test.value)


class Standing(msgspec.Struct, frozen=True):
    """A match under way: the events `bound` by step, the steps still `wanted`, and those that would undo it.

    `until` is when time decides: it is given up then, or concludes where nothing is wanted.
    """

    bound: dict[str, list[Member]]
    wanted: list[str]
    guards: list[str]
    until: Micros | None

    @property
    def progress(self) -> float:
        """Sorts matches by how far they have come."""
        return float(sum(map(len, self.bound.values())))


class Watched(msgspec.Struct, frozen=True):
    """An entity that must report: how often, since when it is counted (None: not watched), by when it is due.

    `registered`: a register expects it, whether or not it was ever heard of. `above`: what stands above it and is
    silent, by who told it, since when; while there is any, nothing is known of it.
    """

    every: Micros
    since: Micros | None
    deadline: Micros | None
    registered: bool
    above: Mapping[str, Micros] = {}


class Scanned(msgspec.Struct, frozen=True):
    """The zone of the map that stood out most: what it had, and what was expected. `score` says how far it stood out.

    `learnt` of `needed` bins are learnt; before there are enough nothing is judged.
    """

    learnt: int
    needed: int
    score: float = 0.0
    observed: int = 0
    expected: float = 0.0
    span: Micros = 0
    radius: int = 0


class Explained(msgspec.Struct, frozen=True):
    """The facts of one moment. A kind fills in what it knows."""

    measured: Measured | None = None
    standing: tuple[Standing, ...] = ()
    watched: Watched | None = None
    scanned: Scanned | None = None

    @property
    def progress(self) -> float:
        """Sorts moments by how near the rule was to hold."""
        if self.scanned is not None:
            return self.scanned.score
        found = [self.measured.progress] if self.measured is not None else [one.progress for one in self.standing]
        return max(found, default=float("-inf"))

    @property
    def rank(self) -> tuple[float, int]:
        """`progress`, and where nothing is measured how many events there were."""
        unmeasured = self.measured is not None and self.measured.value is None
        return self.progress, len(self.measured.members) if unmeasured and self.measured is not None else 0


class Relaxed(msgspec.Struct, frozen=True):
    """The rule without one of its demands: where this one holds and the rule does not, the demand is the reason.

    `demand` is the field: for, keep_firing_for, within, select, strict, ordered, not, until. `ignored` is a
    bit set of roles that are not looked at; `step` the step that is meant.
    """

    demand: str
    detector: Any
    ignored: int = 0
    step: str = ""
