"""Whether something has shifted, a little but for long: evidence summed up over the bins of a baseline (CUSUM). Pure.

Each bin says how much likelier its value is after the shift that is looked for than before it: the logarithm of that is
added up, and starts anew at zero whenever it falls below. Where the sum reaches a limit the shift is found; it began
with the bin in which the sum last left zero. It is over when the sum is back at zero; so that this takes no longer than
finding it did, the sum stays at the limit in between.

*Counts* are negative binomial around what is expected, *values* Student's t; see `streams/unusual/baselines.py`. What
is expected is without the level of the last hours, which would take a slow rise for normal.

The bins of a day have a good or a bad day in common, so their sum scatters more than each of them lets expect. By how
much is learnt from what came in `span` bins together, and the bins count for as much less (`strain`).

The limit follows from how many bins shall lie between two false alarms (Siegmund's approximation, never more than
Lorden's bound, the logarithm of that number), and from how much a bin tells in the mean.
"""

from __future__ import annotations

import math

import msgspec

from streams.records import Micros
from streams.unusual.baselines import VALUE_FREEDOM, Outlook
from streams.unusual.tails import t_quantile

OVERSHOOT = 1.166  # so many deviations of one bin's evidence the sum is above the limit, and below zero, on its way
SPANS_HELD = 10.0  # so many spans speak for bins that have nothing in common, before anything is known
FARTHEST = 9.0  # what is farther off than three deviations is learnt as if it were just that
LEAST_MEAN = 1e-6
LEAST_LIMIT = 1.0
_PLACES = 41
_T = tuple(t_quantile((place + 0.5) / _PLACES, VALUE_FREEDOM) for place in range(_PLACES))


class Shifting(msgspec.Struct, array_like=True):
    """The sum of one key, and what is learnt of it.

    `height` is the sum, `strength` what it would be without staying at the limit, both since the bin that began at
    `since` (None: the sum is zero); in the `bins` since then `came` came where `foretold` was expected. `off`, `due`
    and `filled` are of the span that fills: what came too much, the variance that its bins let expect, and how many
    they are; `scatter` and `base` are the decayed sums of all spans. `told` and `weight` make the mean of what a bin
    tells.
    """

    height: float = 0.0
    strength: float = 0.0
    since: Micros | None = None
    bins: int = 0
    came: float = 0.0
    foretold: float = 0.0
    off: float = 0.0
    due: float = 0.0
    filled: int = 0
    scatter: float = 0.0
    base: float = 0.0
    told: float = 0.0
    weight: float = 0.0

    def rest(self) -> None:
        """Begin at zero."""
        self.height = self.strength = self.came = self.foretold = 0.0
        self.since, self.bins = None, 0


class Shift(msgspec.Struct, frozen=True):
    """Which shift is looked for: by `by`, a share of what is expected (`share`) or an amount, `up` or down.

    `span` is how many bins may have something in common, `apart` how many shall lie between two false alarms in the
    mean; `keep` is what a bin keeps of what was learnt before.
    """

    by: float
    share: bool
    up: bool
    counts: bool
    span: int
    apart: float
    keep: float

    def shifted(self, mean: float) -> float:
        """What is expected after the shift."""
        by = self.by * abs(mean) if self.share else self.by
        return mean + by if self.up else mean - by

    def limit(self, state: Shifting) -> float:
        """From which sum on the shift is found."""
        tells = state.told / state.weight if state.weight else 0.0
        if tells <= 0.0:
            return max(LEAST_LIMIT, math.log(self.apart))
        height = _height(self.apart * tells) - OVERSHOOT * math.sqrt(2.0 * tells)
        return max(LEAST_LIMIT, min(math.log(self.apart), height))

    def delay(self, state: Shifting) -> float:
        """After how many bins such a shift is found, about, in the mean; infinite while nothing is known."""
        tells = state.told / state.weight if state.weight else 0.0
        if tells <= 0.0:
            return math.inf
        way = self.limit(state) + OVERSHOOT * math.sqrt(2.0 * tells)
        return max(1.0, (way - 1.0 + math.exp(-way)) / tells)

    def take(self, state: Shifting, begin: Micros, value: float, outlook: Outlook) -> None:
        """Add what the bin that begins then tells, against what was expected of it."""
        strain = self.strain(state)
        evidence, tells = self._evidence(value, outlook, strain)
        state.told = self.keep * state.told + tells
        state.weight = self.keep * state.weight + 1.0
        if state.height + evidence <= 0.0:
            state.rest()
        else:
            if state.since is None:
                state.since = begin
            state.height = min(state.height + evidence, self.limit(state))
            state.strength += evidence
            state.bins, state.came, state.foretold = state.bins + 1, state.came + value, state.foretold + outlook.steady
        self._learn(state, value - outlook.steady, self._variance(outlook), strain)

    def found(self, state: Shifting) -> bool:
        """Whether the sum has reached the limit."""
        return state.height >= self.limit(state)

    def strain(self, state: Shifting) -> float:
        """How much more the sum of a span scatters than its bins let expect; 1 at least."""
        return max(1.0, (state.scatter + SPANS_HELD) / (state.base + SPANS_HELD))

    def _learn(self, state: Shifting, off: float, variance: float, strain: float) -> None:
        state.off, state.due, state.filled = state.off + off, state.due + variance, state.filled + 1
        if state.filled < self.span:
            return
        seen = min(state.off * state.off / state.due, FARTHEST * strain) if state.due > 0.0 else 1.0
        fade = self.keep**self.span
        state.scatter, state.base = fade * state.scatter + seen, fade * state.base + 1.0
        state.off, state.due, state.filled = 0.0, 0.0, 0

    def _variance(self, outlook: Outlook) -> float:
        if self.counts:
            return outlook.steady + outlook.steady * outlook.steady / outlook.swing
        return outlook.swing * outlook.swing * VALUE_FREEDOM / (VALUE_FREEDOM - 2.0)

    def _evidence(self, value: float, outlook: Outlook, strain: float) -> tuple[float, float]:
        """The logarithm of how much likelier a value is after the shift; how much it speaks against one in the mean."""
        if not self.counts:
            scale = outlook.swing * math.sqrt(strain)
            return _of_value((value - outlook.steady) / scale, (self.shifted(outlook.steady) - outlook.steady) / scale)
        mean = max(LEAST_MEAN, outlook.steady)
        size = mean * mean / max(strain * self._variance(outlook) - mean, LEAST_MEAN * mean * mean)
        return _of_count(value, mean, max(LEAST_MEAN, self.shifted(mean)), size)


def _of_count(value: float, mean: float, shifted: float, size: float) -> tuple[float, float]:
    both = math.log((size + shifted) / (size + mean))
    each = math.log(shifted / mean) - both
    return each * value - size * both, size * both - each * mean


def _of_value(off: float, shift: float) -> tuple[float, float]:
    return _likelier(off, shift), -sum(_likelier(one, shift) for one in _T) / _PLACES


def _likelier(off: float, shift: float) -> float:
    far = off - shift
    return 0.5 * (VALUE_FREEDOM + 1.0) * math.log((VALUE_FREEDOM + off * off) / (VALUE_FREEDOM + far * far))


def _height(ratio: float) -> float:
    """The `h` with `e**h - h - 1` the ratio, by Newton's method from above."""
    height = math.log1p(ratio) + 2.0
    for _ in range(30):
        step = (math.exp(height) - height - 1.0 - ratio) / (math.exp(height) - 1.0)
        height -= step
        if step < 1e-9:
            break
    return height
