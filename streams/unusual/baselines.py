"""What is normal: a seasonal baseline that learns from one bin after the other, in constant time and space. Pure.

A baseline has a bucket for each hour of the week (or of the day, or one) with decayed sums of what its bins brought.
What a bucket is expected to bring is its mean, smoothed with its neighbours by ½-1-½ and drawn a little to the mean
of all (so that a bucket seen once says not much), and scaled by the level of late: what lately came in proportion to
what the buckets told to expect.

*Counts* of one bucket alone say little, so days help each other: first comes the curve of the day, all days together;
then by how much this day stood above or below it around this hour; then the bucket itself. What each step adds is
believed as far as there is evidence for it (`ALIKE`). Scaled is by two levels, that of weeks and that of the last
hours, because a day that is busy all over is no row of incidents. Counts are negative binomial around that; how much
they scatter beyond chance (`1 / size`) is estimated from what came, all buckets together.

*Values* are Student's t around what is expected, with one scale for all buckets; the levels are added to it. That of
the last hours is the faded mean of how far they were off; hours without a value fade it. What is normal is learnt
against the level of weeks and its scale, as if there were no other, so that a change for good takes its time.

What is rarer than `CLIP` is learnt as if it were just that rare, so that an incident does not become normal, while a
change for good does within some weeks.

The buckets are 32-bit floats in one row of bytes: 168 of them take 1.4 kB.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from zoneinfo import ZoneInfo

import msgspec

from streams.clocks import DAY, HOUR, WEEK, moment
from streams.records import KeyValues, Micros
from streams.unusual.profiles import Profile, pooled
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
LATELY, LATELY_MASS = 12 * HOUR, 60.0  # how far back the level of the last hours looks, and what speaks against one
HOURS_OF_VALUES, MASS_OF_VALUES = 8 * HOUR, 2.0  # the same of values; so many bins speak against such a level
BEGUN = 0.5  # the share of what can be remembered that a profile stands for
HEARSAY = 15.0  # so many events of `LEVEL_MASS` do not speak for a level that is nothing but that of others
ALIKE = 40.0  # so many events, as good as those of Poisson, speak for a bucket to be as the days and hours around it
AROUND = 2 * HOUR  # hours so near have the level of a day in common
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
    what came and of what the buckets foretold; `scatter` and `base` make the estimate of the spread. `fresh` and
    `awaited` are as `came` and `foretold`, of the last hours. Of counts each event of a bin adds to the last six
    as much as it tells.

    Of values `fresh` and `awaited` are how far the last hours were off and how many they are, when the bin that began
    at `last` was learnt; `left` is as `scatter`, of what is off with the level of the last hours too.
    """

    cells: bytearray
    bins: int = 0
    total: float = 0.0
    weight: float = 0.0
    came: float = 0.0
    foretold: float = 0.0
    scatter: float = 0.0
    base: float = 0.0
    fresh: float = 0.0
    awaited: float = 0.0
    left: float = 0.0
    last: Micros = 0


class Outlook(msgspec.Struct, frozen=True):
    """What a bin is expected to bring: `plain` by the buckets alone, `mean` with the level of late, and the spread.

    The spread of counts is the negative binomial's size, that of values the scale of Student's t. `steady` is with the
    level of weeks, without that of the last hours, and `swing` the spread around that.
    """

    plain: float
    mean: float
    spread: float
    steady: float
    swing: float


class Judgement(msgspec.Struct, frozen=True):
    """How rare a value is: `p` that one is as extreme, and the interval in which nine of ten lie."""

    expected: float
    low: float
    high: float
    p: float


class Baseline:
    """How one rule's baselines learn; `memory` is how far they look back, in the mean. A subclass knows what of.

    An event comes in `shared` bins: more than one where bins overlap.
    """

    def __init__(self, season: Season, memory: Micros, min_samples: int | None = None, shared: int = 1) -> None:
        self.season, self.memory, self.shared = season, memory, shared
        enough = ENOUGH[season.type] if min_samples is None else min_samples
        self.enough = enough * max(1, SEASONS[season.type] // season.size)
        self._fade = _fade(season.bins(memory))
        self._fade_all = _fade(memory / season.size)
        self._fade_level = _fade(memory / season.size / LEVEL_SHARE)

    def begin(self, key: KeyValues = ()) -> Learnt:
        """What a key begins with: nothing learnt."""
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

    def _plain(self, learnt: Learnt, bucket: int) -> float:
        """What the buckets alone say."""
        total, weight = self._around(learnt, bucket)
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
    """Of counts: an empty bin counts 0. With a `profile` keys begin with what it says of them."""

    def __init__(self, season: Season, memory: Micros, min_samples: int | None = None, shared: int = 1,
                 profile: Profile | None = None) -> None:
        super().__init__(season, memory, min_samples, shared)
        self.profile = profile
        self._pairs = struct.Struct(f"<{2 * season.buckets}f")
        self._a_day = min(season.buckets, DAY // season.width)
        self._reach = max(1, AROUND // season.width)
        self._of_week = (1.0,) * season.buckets if profile is None else profile.curve
        days = season.buckets // self._a_day
        self._of_day = [sum(self._of_week[at::self._a_day]) / days for at in range(self._a_day)]
        self._fade_lately = max(0.0, 1.0 - season.size / LATELY)

    def begin(self, key: KeyValues = ()) -> Learnt:
        learnt, profile = super().begin(key), self.profile
        if profile is None:
            return learnt
        level, day = profile.levels.get(key), DAY // self.season.size
        mean, bins = (profile.others, min(profile.bins, self.enough) - day) if level is None else (level, profile.bins)
        weight = BEGUN * min(float(profile.bins), self.memory / self.season.size)
        each = weight / self.season.buckets
        self._pairs.pack_into(learnt.cells, 0, *(value for one in profile.curve for value in (each * mean * one, each)))
        learnt.total, learnt.weight, learnt.bins = weight * mean, weight, max(0, bins)
        learnt.base = 0.0 if level is None else weight * (mean * self._trust(mean, profile.scatter)) ** 2
        learnt.scatter = profile.scatter * (learnt.base + SPREAD_MASS) - SPREAD_PRIOR * SPREAD_MASS
        learnt.came = learnt.foretold = -HEARSAY if level is None else 0.0
        return learnt

    def outlook(self, learnt: Learnt, begin: Micros) -> Outlook:
        scatter = self._scatter(learnt)
        plain = self._usual(learnt, self.season.bucket(begin), scatter)
        steady = plain * (learnt.came + LEVEL_MASS) / (learnt.foretold + LEVEL_MASS)
        mean = steady * (learnt.fresh + LATELY_MASS) / (learnt.awaited + LATELY_MASS)
        return Outlook(plain, mean, 1.0 / scatter, steady, 1.0 / scatter)

    def learn(self, learnt: Learnt, begin: Micros, value: float) -> None:
        if learnt.bins:
            outlook = self.outlook(learnt, begin)
            today = value
            if self.far(outlook, value) and self.above(outlook, value) < CLIP:
                value = min(value, self.least(outlook, CLIP))
                today = outlook.mean  # an incident says nothing of the day
            self._keep_levels(learnt, outlook, value, today)
            if learnt.foretold >= 0.0:  # before, what scatters cannot be told from a level that is not known
                trust, off = self._trust(outlook.mean, 1.0 / outlook.spread), value - outlook.mean
                learnt.scatter = self._fade_all * learnt.scatter + (off * off - outlook.mean) * trust * trust
                learnt.base = self._fade_all * learnt.base + (outlook.mean * trust) ** 2
        self._keep(learnt, begin, value)

    def profile_of(self, learnt: Mapping[KeyValues, Learnt], brought: Mapping[KeyValues, int], bins: int) -> Profile:
        """What keys have in common: of what they learnt, and how much each brought in so many bins."""
        rows = [self._pairs.unpack(one.cells) for one in learnt.values()]
        cells = [sum(column) for column in zip(*rows, strict=True)]
        whole = Learnt(bytearray(), bins, *(sum(getattr(one, name) for one in learnt.values())
                                            for name in ("total", "weight", "came", "foretold", "scatter", "base")))
        cells[1::2] = [weight / len(learnt) for weight in cells[1::2]]
        whole.weight /= max(1, len(learnt))
        whole.cells = bytearray(self._pairs.pack(*cells))
        scatter = self._scatter(whole)
        curve = [self._usual(whole, bucket, scatter) for bucket in range(self.season.buckets)]
        return pooled(bins, scatter, curve, {key: number / bins for key, number in brought.items()})

    def _keep_levels(self, learnt: Learnt, outlook: Outlook, value: float, today: float) -> None:
        """Hold what came against what the buckets foretold, and against the level of weeks."""
        trust = self._trust(outlook.steady, 1.0 / outlook.spread)
        learnt.fresh = self._fade_lately * learnt.fresh + today * trust
        learnt.awaited = self._fade_lately * learnt.awaited + outlook.steady * trust
        learnt.came = self._fade_level * learnt.came + value * trust
        learnt.foretold = self._fade_level * learnt.foretold + outlook.plain * trust

    def _scatter(self, learnt: Learnt) -> float:
        """The variance beyond chance, for a mean of 1."""
        scatter = (learnt.scatter + SPREAD_PRIOR * SPREAD_MASS) / (learnt.base + SPREAD_MASS)
        return min(SPREAD_MOST, max(SPREAD_LEAST, scatter))

    def _trust(self, mean: float, scatter: float) -> float:
        """How much an event tells where so many are expected: 1 of a Poisson number, less where much is scatter."""
        return 1.0 / (1.0 + mean * scatter) / self.shared

    def _usual(self, learnt: Learnt, bucket: int, scatter: float) -> float:
        """What the buckets say of one: the curve of the day, then this day around this hour, then the bucket itself."""
        if not self.season.smooth:
            return self._plain(learnt, bucket)
        cells, last = self._pairs.unpack(learnt.cells), self.season.buckets
        near = range(bucket - self._reach, bucket + self._reach + 1)
        curve = self._curve(cells, near, self._of_all(learnt))
        own = [2 * (at % last) for at in near]
        foretold = sum(cells[at + 1] * usual for at, usual in zip(own, curve, strict=True))
        plain = self._drawn(curve[self._reach], sum(cells[at] for at in own), foretold, scatter)
        return self._drawn(plain, cells[2 * bucket], cells[2 * bucket + 1] * plain, scatter)

    def _drawn(self, usual: float, came: float, foretold: float, scatter: float) -> float:
        """What is held for usual, drawn towards what came in its stead as far as that is evidence."""
        trust = self._trust(usual, scatter)
        return usual * (came * trust + ALIKE) / (foretold * trust + ALIKE)

    def _curve(self, cells: tuple[float, ...], near: range, mean: float) -> list[float]:
        """What these hours bring, all days together: smoothed by ½-1-½ and drawn a little to the mean of all.

        Where there is a profile, in proportion to that: then it is known already in what days differ.
        """
        row, hours = 2 * self._a_day, [at % self._a_day for at in range(near.start - 1, near.stop + 1)]
        totals = [sum(cells[2 * at::row]) for at in hours]
        weights = [sum(cells[2 * at + 1::row]) * self._of_day[at] for at in hours]
        shares = [self._of_week[at % self.season.buckets] for at in near]
        sides = zip(totals, totals[1:], totals[2:], weights, weights[1:], weights[2:], strict=False)
        return [(b + 0.5 * (a + c) + DRAWN * mean) / (v + 0.5 * (u + w) + DRAWN) * share
                for share, (a, b, c, u, v, w) in zip(shares, sides, strict=True)]

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

    def __init__(self, season: Season, memory: Micros, min_samples: int | None = None, shared: int = 1) -> None:
        super().__init__(season, memory, min_samples, shared)
        # bins that overlap are as the last because they are made of the same events: that is no level
        self._mass = MASS_OF_VALUES if shared == 1 else math.inf

    def outlook(self, learnt: Learnt, begin: Micros) -> Outlook:
        plain = self._plain(learnt, self.season.bucket(begin))
        steady = plain + learnt.came / (learnt.foretold + 1.0)
        kept = _kept(learnt, begin)
        lately = learnt.fresh * kept / (learnt.awaited * kept + self._mass)
        least, base = 1e-9 * (1.0 + abs(plain)), learnt.base * _MEAN_SIZE or math.inf
        spread, swing = max(least, _left(learnt) / base), max(least, learnt.scatter / base)
        return Outlook(plain, steady + lately, spread, steady, swing)

    def learn(self, learnt: Learnt, begin: Micros, value: float) -> None:
        if learnt.bins:
            value = self._keep_levels(learnt, begin, value)
        self._keep(learnt, begin, value)

    def _keep_levels(self, learnt: Learnt, begin: Micros, value: float) -> float:
        """Hold a value against both levels; the value that the buckets learn."""
        outlook, kept = self.outlook(learnt, begin), _kept(learnt, begin)
        clip = learnt.bins > 20  # before, what is far cannot be told from what is not known
        near = _clipped(value, outlook.mean, outlook.spread) if clip else value
        value = _clipped(value, outlook.steady, outlook.swing) if clip else value
        learnt.left = self._fade_all * _left(learnt) + abs(near - outlook.mean)
        learnt.scatter = self._fade_all * learnt.scatter + abs(value - outlook.steady)
        learnt.base = self._fade_all * learnt.base + 1.0
        learnt.came = self._fade_level * learnt.came + value - outlook.plain
        learnt.foretold = self._fade_level * learnt.foretold + 1.0
        learnt.fresh, learnt.awaited = kept * learnt.fresh + near - outlook.steady, kept * learnt.awaited + 1.0
        learnt.last = begin
        return value

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


def _clipped(value: float, mean: float, scale: float) -> float:
    """A value, or what is just so rare that it is learnt in its stead."""
    return max(mean - _CLIPPED * scale, min(mean + _CLIPPED * scale, value))


def _kept(learnt: Learnt, begin: Micros) -> float:
    """What is left of the level of the last hours when a bin begins."""
    return math.exp(min(0, learnt.last - begin) / HOURS_OF_VALUES)


def _left(learnt: Learnt) -> float:
    """`left`; of what was kept before there was such a thing, `scatter`."""
    return learnt.left or learnt.scatter


def _fade(bins: float) -> float:
    """What a bin keeps of what was before, so that on average so many are remembered."""
    return 1.0 - 1.0 / max(1.0, bins)
