"""What is normal: a seasonal baseline that learns from one bin after the other, in constant time and space. Pure.

A baseline has a bucket for each hour of the week (or of the day, or one) with decayed sums of what its bins brought.
What a bucket is expected to bring is its mean, smoothed with its neighbours by ½-1-½, drawn a little to the mean of
all (so that a bucket seen once says not much), and scaled by the level of late: what lately came in proportion to
what the buckets told to expect.

*Counts* are negative binomial around that; how much they scatter beyond chance (`1 / size`) is estimated from what
came, all buckets together. *Values* are Student's t around that with one scale for all buckets; there the level is
added. What is rarer than `CLIP` is learnt as if it were just that rare, so that an incident does not become normal,
while a change for good does within some weeks.

The buckets are 32-bit floats in one row of bytes: 168 of them take 1.4 kB.
"""

from __future__ import annotations

import math
import struct
from zoneinfo import ZoneInfo

import msgspec

from streams.clocks import DAY, HOUR, WEEK, moment
from streams.records import Micros
from streams.unusual.tails import at_least, at_most, none_at_all, quantile, rare_from, t_above, t_quantile

SEASONS = {"hour_of_week": WEEK, "hour_of_day": DAY, "none": 0}
ENOUGH = {"hour_of_week": 4, "hour_of_day": 14, "none": 100}
"""How many weeks, days or bins are learnt before a rule with such a season is believed, if it does not say."""
CLIP = 1e-3
LOW, HIGH = 0.05, 0.95
SMOOTH_AT_MOST = 3 * HOUR  # longer buckets are no neighbours in the sense of one curve
HELD = 0.5  # so many events are held for seen in one bin, so that none is no certainty
DRAWN = 1.0  # how many bins the mean of all counts for, beside those of a bucket
LEVEL_SHARE = 4  # the level follows so many times as fast as the buckets
LEVEL_MASS = 20.0  # so many expected events speak for the level of the buckets
SPREAD_PRIOR, SPREAD_MASS = 0.1, 20.0  # what is held of the scatter beyond chance before anything is known
SPREAD_LEAST, SPREAD_MOST = 1e-3, 20.0
VALUE_FREEDOM = 5.0
SUNDAY = 6
UNLIKELY_SILENCE = math.log(1e-6)
_PAIR, _SIDES = struct.Struct("<2f"), struct.Struct("<6f")
_MEAN_SIZE = 0.949  # of |T| with 5 degrees of freedom: see `Values`


class Season(msgspec.Struct, frozen=True):
    """Which bins are alike: `type` is a key of `SEASONS`, `size` that of a bin, `holidays` local days like Sundays."""

    type: str
    size: Micros
    zone: ZoneInfo
    holidays: frozenset[int] = frozenset()

    @property
    def width(self) -> Micros:
        """How long a bucket is."""
        return max(HOUR, self.size)

    @property
    def buckets(self) -> int:
        """How many buckets there are."""
        return max(1, SEASONS[self.type] // self.width)

    @property
    def smooth(self) -> bool:
        """Whether a bucket learns from its neighbours."""
        return self.buckets > 3 and self.width <= SMOOTH_AT_MOST

    def bucket(self, begin: Micros) -> int:
        """The bucket of the bin that begins then: by what the clocks of the zone show."""
        if self.type == "none":
            return 0
        local = moment(begin, self.zone)
        of_day = (local.hour * HOUR + local.minute * 60_000_000) // self.width
        if self.type == "hour_of_day":
            return of_day
        day = SUNDAY if self.holidays and local.toordinal() - 719_163 in self.holidays else local.weekday()
        return day * (DAY // self.width) + of_day

    def bins(self, memory: Micros) -> float:
        """How many bins of one bucket lie in a memory."""
        return memory / (self.size * self.buckets)


class Learnt(msgspec.Struct, array_like=True):
    """What a baseline knows. `cells` holds sum and weight of each bucket; `bins` counts what was learnt.

    `total` and `weight` are the decayed sum of all and its weight; `came` and `foretold` the same of late, of
    what came and of what the buckets foretold; `scatter` and `base` make the estimate of the spread.
    """

    cells: bytearray
    bins: int = 0
    total: float = 0.0
    weight: float = 0.0
    came: float = 0.0
    foretold: float = 0.0
    scatter: float = 0.0
    base: float = 0.0


class Outlook(msgspec.Struct, frozen=True):
    """What a bin is expected to bring: `plain` by the buckets alone, `mean` with the level of late, and the spread.

    The spread of counts is the negative binomial's size, that of values the scale of Student's t.
    """

    plain: float
    mean: float
    spread: float


class Judgement(msgspec.Struct, frozen=True):
    """How rare a value is: `p` that one is as extreme, and the interval in which nine of ten lie."""

    expected: float
    low: float
    high: float
    p: float


class Baseline:
    """How one rule's baselines learn; `memory` is how far they look back, in the mean. A subclass knows what of."""

    def __init__(self, season: Season, memory: Micros, min_samples: int | None = None) -> None:
        self.season, self.memory = season, memory
        enough = ENOUGH[season.type] if min_samples is None else min_samples
        self.enough = enough * max(1, SEASONS[season.type] // season.size)
        self._fade = _fade(season.bins(memory))
        self._fade_all = _fade(memory / season.size)
        self._fade_level = _fade(memory / season.size / LEVEL_SHARE)

    def begin(self) -> Learnt:
        """Nothing learnt."""
        return Learnt(bytearray(_PAIR.size * self.season.buckets))

    def warming(self, learnt: Learnt) -> bool:
        """Whether too little is learnt to be believed."""
        return learnt.bins < self.enough

    def outlook(self, learnt: Learnt, begin: Micros) -> Outlook:
        """What is expected of the bin that begins then."""
        raise NotImplementedError

    def learn(self, learnt: Learnt, begin: Micros, value: float) -> None:
        """Take a bin that is over."""
        raise NotImplementedError

    def above(self, outlook: Outlook, value: float) -> float:
        """How probable so much or more is."""
        raise NotImplementedError

    def below(self, outlook: Outlook, value: float) -> float:
        """How probable so little or less is."""
        raise NotImplementedError

    def between(self, outlook: Outlook) -> tuple[float, float]:
        """The interval in which nine of ten lie."""
        raise NotImplementedError

    def least(self, outlook: Outlook, p: float) -> float:
        """The value from which on `above` is less than `p`."""
        raise NotImplementedError

    def most(self, outlook: Outlook, p: float) -> float:
        """The value down from which `below` is less than `p`; of counts -1 where even none is not so rare."""
        raise NotImplementedError

    def judge(self, outlook: Outlook, value: float, p: float) -> Judgement:
        """What is told of a value whose `p` is known."""
        return Judgement(outlook.mean, *self.between(outlook), p)

    def far(self, outlook: Outlook, value: float) -> bool:
        """Whether `above` need be computed at all: what lies within half a deviation is not rare."""
        raise NotImplementedError

    def silent(self, learnt: Learnt, begins: list[Micros]) -> bool:
        """Whether bins without anything can hardly be chance: then they were not seen, and teach nothing."""
        return True

    def _around(self, learnt: Learnt, bucket: int) -> tuple[float, float]:
        """Sum and weight of a bucket, smoothed."""
        cells, last = learnt.cells, self.season.buckets - 1
        if not self.season.smooth:
            total, weight = _PAIR.unpack_from(cells, 8 * bucket)
            return total, weight
        if 0 < bucket < last:
            a, u, b, v, c, w = _SIDES.unpack_from(cells, 8 * bucket - 8)
        else:
            a, u = _PAIR.unpack_from(cells, 8 * ((bucket or last + 1) - 1))
            b, v = _PAIR.unpack_from(cells, 8 * bucket)
            c, w = _PAIR.unpack_from(cells, 8 * (0 if bucket == last else bucket + 1))
        return b + 0.5 * (a + c), v + 0.5 * (u + w)

    def _plain(self, learnt: Learnt, begin: Micros) -> float:
        """What the buckets alone say."""
        total, weight = self._around(learnt, self.season.bucket(begin))
        return (total + DRAWN * self._of_all(learnt)) / (weight + DRAWN)

    def _of_all(self, learnt: Learnt) -> float:
        """The mean of all bins."""
        return learnt.total / learnt.weight if learnt.weight else 0.0

    def _keep(self, learnt: Learnt, begin: Micros, value: float) -> None:
        """Add a value to its bucket and to the sum of all."""
        place = _PAIR.size * self.season.bucket(begin)
        total, weight = _PAIR.unpack_from(learnt.cells, place)
        _PAIR.pack_into(learnt.cells, place, self._fade * total + value, self._fade * weight + 1.0)
        learnt.total = self._fade_all * learnt.total + value
        learnt.weight = self._fade_all * learnt.weight + 1.0
        learnt.bins += 1


class Counts(Baseline):
    """Of counts: an empty bin counts 0."""

    def outlook(self, learnt: Learnt, begin: Micros) -> Outlook:
        plain = self._plain(learnt, begin)
        mean = plain * (learnt.came + LEVEL_MASS) / (learnt.foretold + LEVEL_MASS)
        scatter = (learnt.scatter + SPREAD_PRIOR * SPREAD_MASS) / (learnt.base + SPREAD_MASS)
        return Outlook(plain, mean, 1.0 / min(SPREAD_MOST, max(SPREAD_LEAST, scatter)))

    def learn(self, learnt: Learnt, begin: Micros, value: float) -> None:
        if learnt.bins:
            outlook = self.outlook(learnt, begin)
            mean, spread = outlook.mean, outlook.spread
            if self.far(outlook, value) and at_least(int(value), mean, spread) < CLIP:
                value = min(value, rare_from(CLIP, mean, spread))
            off = value - mean
            learnt.scatter = self._fade_all * learnt.scatter + off * off - mean
            learnt.base = self._fade_all * learnt.base + mean * mean
            learnt.came = self._fade_level * learnt.came + value
            learnt.foretold = self._fade_level * learnt.foretold + outlook.plain
        self._keep(learnt, begin, value)

    def above(self, outlook: Outlook, value: float) -> float:
        return at_least(int(value), outlook.mean, outlook.spread)

    def below(self, outlook: Outlook, value: float) -> float:
        return at_most(int(value), outlook.mean, outlook.spread)

    def between(self, outlook: Outlook) -> tuple[float, float]:
        return quantile(LOW, outlook.mean, outlook.spread), quantile(HIGH, outlook.mean, outlook.spread)

    def least(self, outlook: Outlook, p: float) -> float:
        return rare_from(p, outlook.mean, outlook.spread)

    def most(self, outlook: Outlook, p: float) -> float:
        return rare_from(1.0 - p, outlook.mean, outlook.spread) - 2 if self.below(outlook, 0) < p else -1

    def silent(self, learnt: Learnt, begins: list[Micros]) -> bool:
        chance = 0.0
        for begin in begins:
            outlook = self.outlook(learnt, begin)
            chance += none_at_all(outlook.mean, outlook.spread)
        return chance < UNLIKELY_SILENCE

    def far(self, outlook: Outlook, value: float) -> bool:
        mean = outlook.mean
        return value > mean + 0.5 * math.sqrt(mean + mean * mean / outlook.spread)

    def _of_all(self, learnt: Learnt) -> float:
        return (learnt.total + HELD) / (learnt.weight + 1.0)


class Values(Baseline):
    """Of measured values: a bin without one is no bin. `scatter / base` is the mean distance from what was expected."""

    def outlook(self, learnt: Learnt, begin: Micros) -> Outlook:
        plain = self._plain(learnt, begin)
        level = learnt.came / (learnt.foretold + 1.0)
        scale = learnt.scatter / learnt.base / _MEAN_SIZE if learnt.base else 0.0
        return Outlook(plain, plain + level, max(scale, 1e-9 * (1.0 + abs(plain))))

    def learn(self, learnt: Learnt, begin: Micros, value: float) -> None:
        if not learnt.bins:
            self._keep(learnt, begin, value)
            return
        outlook = self.outlook(learnt, begin)
        off = value - outlook.mean
        if learnt.bins > 20:  # before, what is far cannot be told from what is not known
            most = _CLIPPED * outlook.spread
            off = max(-most, min(most, off))
        value = outlook.mean + off
        learnt.scatter = self._fade_all * learnt.scatter + abs(off)
        learnt.base = self._fade_all * learnt.base + 1.0
        learnt.came = self._fade_level * learnt.came + value - outlook.plain
        learnt.foretold = self._fade_level * learnt.foretold + 1.0
        self._keep(learnt, begin, value)

    def above(self, outlook: Outlook, value: float) -> float:
        return t_above((value - outlook.mean) / outlook.spread, VALUE_FREEDOM)

    def below(self, outlook: Outlook, value: float) -> float:
        return t_above((outlook.mean - value) / outlook.spread, VALUE_FREEDOM)

    def far(self, outlook: Outlook, value: float) -> bool:
        return value > outlook.mean + 0.5 * outlook.spread

    def between(self, outlook: Outlook) -> tuple[float, float]:
        half = _NINE_OF_TEN * outlook.spread
        return outlook.mean - half, outlook.mean + half

    def least(self, outlook: Outlook, p: float) -> float:
        return outlook.mean + outlook.spread * t_quantile(1.0 - p, VALUE_FREEDOM)

    def most(self, outlook: Outlook, p: float) -> float:
        return outlook.mean - outlook.spread * t_quantile(1.0 - p, VALUE_FREEDOM)


_CLIPPED, _NINE_OF_TEN = t_quantile(1.0 - CLIP, VALUE_FREEDOM), t_quantile(HIGH, VALUE_FREEDOM)


def _fade(bins: float) -> float:
    """What a bin keeps of what was before, so that on average so many are remembered."""
    return 1.0 - 1.0 / max(1.0, bins)
