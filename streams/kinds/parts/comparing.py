"""What an indicator's readings are held against: what is usual at such an hour, learnt from its own readings.

`streams/unusual/baselines.py` says what is normal. Each reading is judged first and learnt after that. A window that
began before the first event of its key is not learnt, for nobody knows what came before; nor is one without a value. Of
counts, periods without events are learnt as zeros when the key is heard of again, unless there were so many that a
silence is likelier than chance. A key of which nothing was heard for as long as the baseline remembers is forgotten.

Where `top` lists what is most frequent, the baseline is that of all events together, and each thing has its share of
them (`streams/unusual/shares.py`): what usually comes of it is that share of what is expected at such an hour.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from streams.clocks import BEFORE_ALL
from streams.judging.windows import Edges
from streams.records import Micros
from streams.specs import Learning, Measure, Rarity
from streams.unusual.baselines import Baseline, Counts, Learnt, Outlook, Season, Values
from streams.unusual.shares import Shares
from streams.vitals import Mark, Usual, Vital

COUNTED = ("count", "distinct")
MEASURED = ("sum", "avg", "min", "max", "percentile", "ratio")
KEPT_FOR_EACH, KEPT_AT_LEAST = 50, 500
"""So many things are remembered for each one that a list shows, and at least so many."""


class Remembered(msgspec.Struct, array_like=True):
    """What is `learnt`, and the `shares` of what is listed; the time of the `first` event that counts.

    `heard` is the end of the last window with events. The periods since then are not learnt yet.
    """

    learnt: Learnt
    shares: Shares
    first: Micros | None = None
    heard: Micros = BEFORE_ALL


class Comparer:
    """How the readings of one indicator are held against its baseline."""

    def __init__(self, vital: Vital, learning: Learning, measure: Measure, edges: Edges, zone: ZoneInfo,
                 holidays: frozenset[int] = frozenset()) -> None:
        self.vital, self.edges, self.memory = vital, edges, learning.memory
        self.counts, self.bounded = measure.name in COUNTED, measure.name == "ratio"
        kind = Counts if self.counts else Values
        season = Season(learning.season, vital.every, zone, holidays)
        self.apart = max(1, vital.window // vital.every)  # so many periods on, windows share no event
        self.baseline: Baseline = kind(season, learning.memory, learning.min_samples, self.apart)
        self.blind = self.baseline.enough / 4
        self.keep = 1.0 - min(1.0, vital.every / learning.memory)
        self.capacity = 0 if vital.top is None else max(KEPT_AT_LEAST, KEPT_FOR_EACH * vital.top.k)

    def begin(self) -> Remembered:
        """Nothing learnt."""
        return Remembered(self.baseline.begin(), Shares())

    def usual(self, kept: Remembered, end: Micros, value: Any, count: int) -> Usual:
        """What the window that ends then is held against; it is learnt after that."""
        begin = self.edges.floor(end - 1)
        if count:
            self._learn_quiet(kept, begin)
        told = self._told(kept.learnt, self.baseline.outlook(kept.learnt, begin))
        if count:
            if value is not None and self._whole(kept, end):
                self.baseline.learn(kept.learnt, begin, value)
            kept.heard = end
        return told

    def usually(self, kept: Remembered, end: Micros, names: list[str]) -> list[tuple[float | None, bool]]:
        """How often each of these usually comes in the window that ends then, and whether it was never heard of."""
        begin = self.edges.floor(end - 1)
        if names:
            self._learn_quiet(kept, begin)
        if kept.learnt.bins < self.blind:
            return [(None, not kept.shares.sum_of(name)) for name in names]
        expected = self.baseline.outlook(kept.learnt, begin).mean
        return [(round(expected * kept.shares.share(name), 2), not self._known(kept.shares, name)) for name in names]

    def learn_shares(self, kept: Remembered, end: Micros, counts: Mapping[str, int]) -> None:
        """Take how often each thing came in the window that ends then."""
        if counts and self._whole(kept, end):
            kept.shares.learn(counts, self.keep, self.capacity)

    def due(self, kept: Remembered) -> Micros | None:
        """When it is forgotten, if nothing more is heard."""
        return None if kept.heard == BEFORE_ALL else kept.heard + self.memory

    def _whole(self, kept: Remembered, end: Micros) -> bool:
        """Whether all of the window is known."""
        return kept.first is not None and self.edges.begin(end) >= kept.first

    def _known(self, shares: Shares, name: str) -> bool:
        """Whether it came, or may have come: an event counts in each of the windows that hold it."""
        return shares.sum_of(name) >= (0.5 if name in shares.kept else self.apart)

    def _learn_quiet(self, kept: Remembered, until: Micros) -> None:
        """Learn the periods without events before one that begins then and has some."""
        if not self.counts or kept.heard == BEFORE_ALL or kept.heard >= until:
            return
        quiet, begin = [], kept.heard
        while begin < until:
            quiet.append(begin)
            begin = self.edges.after(begin)
        kept.heard = until
        if kept.learnt.bins >= self.blind and self.baseline.silent(kept.learnt, quiet[:: self.apart]):
            return
        for begin in quiet:
            self.baseline.learn(kept.learnt, begin, 0)
            kept.shares.fade(self.keep)

    def _told(self, learnt: Learnt, outlook: Outlook) -> Usual:
        warming, bands = self.baseline.warming(learnt), self.vital.bands
        amber, red = (None, None) if bands is None else (
            self._mark(mark, outlook, warming) for mark in (bands.amber, bands.red))
        if learnt.bins < self.blind:
            return Usual(None, None, None, True, amber, red)
        low, high = self.baseline.between(outlook)
        if self.bounded:
            low, high = max(0.0, low), min(1.0, high)
        digits = 1 if self.counts else max(0, 1 - math.floor(math.log10(max(1e-9, high - low))))
        expected, low, high = (round(value, digits) for value in (outlook.mean, low, high))
        return Usual(expected, low, high, warming, amber, red)

    def _mark(self, mark: Mark, outlook: Outlook, warming: bool) -> float | None:
        """Where a status begins, as a value; None where it begins nowhere."""
        if not isinstance(mark, Rarity):
            return mark
        if warming:
            return None
        p = mark.bound(self.vital.every)
        if mark.side == "above":
            return self.baseline.least(outlook, p)
        found = self.baseline.most(outlook, p)
        return None if self.counts and found < 0 else found
