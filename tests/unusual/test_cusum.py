"""Shifts: the evidence against scipy's likelihoods, the sum against a slow one, alarms and delays on made-up series."""

from __future__ import annotations

import math
import random
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench.detection.series import HOURS_A_WEEK, WARM_UP, poisson, series
from streams.clocks import HOUR, WEEK, parse_rfc3339
from streams.unusual.baselines import VALUE_FREEDOM, Counts, Outlook, Season
from streams.unusual.cusum import SPANS_HELD, Shift, Shifting
from streams.unusual.tails import rare_from

MONDAY = parse_rfc3339("2026-01-05T00:00:00Z")
WEEKLY = Season("hour_of_week", HOUR, ZoneInfo("UTC"))
MONTH = 720.0
KEEP = 1 - 1 / 1344


def looked(mean: float, spread: float) -> Outlook:
    """All levels alike, and all spreads."""
    return Outlook(*(spread if name in ("spread", "swing") else mean for name in Outlook.__struct_fields__))


def shift(by: float = 0.3, up: bool = True, counts: bool = True, span: int = 12, apart: float = MONTH,
          share: bool = True) -> Shift:
    return Shift(by, share, up, counts, span, apart, KEEP)


@given(st.integers(0, 200), st.floats(0.1, 100), st.floats(0.1, 1e3), st.sampled_from([True, False]))
def test_what_a_count_tells_is_how_much_likelier_it_is(value: int, mean: float, size: float, up: bool) -> None:
    state, one = Shifting(), shift(up=up)
    told, against = one._evidence(value, looked(mean, size), 1.0)
    dispersed = [stats.nbinom(size, size / (size + each)) for each in (mean, one.shifted(mean))]
    assert told == pytest.approx(dispersed[1].logpmf(value) - dispersed[0].logpmf(value), abs=1e-6)
    assert against > 0.0
    assert one.limit(state) == math.log(MONTH)  # nothing is known of what a bin tells


@given(st.floats(-50, 50), st.floats(-10, 10), st.floats(0.1, 10), st.floats(0.1, 5), st.floats(1, 9))
def test_what_a_value_tells_is_how_much_likelier_it_is(value: float, mean: float, scale: float, by: float,
                                                      strain: float) -> None:
    told, _ = shift(by, counts=False, share=False)._evidence(value, looked(mean, scale), strain)
    wider = scale * math.sqrt(strain)
    before, after = (stats.t(VALUE_FREEDOM, loc=at, scale=wider) for at in (mean, mean + by))
    assert told == pytest.approx(after.logpdf(value) - before.logpdf(value), abs=1e-6)


@given(st.lists(st.integers(0, 30), max_size=60), st.integers(1, 5), st.sampled_from([True, False]))
def test_the_sum_is_what_a_slow_recomputation_says(values: list[int], span: int, up: bool) -> None:
    one, state = shift(up=up, span=span, apart=30.0), Shifting()
    outlooks = [looked(6.0 + at % 3, 12.0) for at in range(len(values))]
    evidence: list[float] = []
    limits: list[float] = []
    for at, (value, outlook) in enumerate(zip(values, outlooks, strict=True)):
        evidence.append(one._evidence(value, outlook, slow_strain(values[:at], outlooks, span))[0])
        one.take(state, at, value, outlook)
        limits.append(one.limit(state))
    height, first = 0.0, 0
    for at, (told, limit) in enumerate(zip(evidence, limits, strict=True)):
        height = min(max(0.0, height + told), limit)
        first = at + 1 if height == 0.0 else first
    assert state.height == pytest.approx(height)
    assert state.since == (first if first < len(values) else None)
    assert state.came == sum(values[first:])
    assert state.foretold == pytest.approx(sum(one.steady for one in outlooks[first:]))
    assert state.strength == pytest.approx(sum(evidence[first:]))


def slow_strain(values: list[int], outlooks: list[Outlook], span: int) -> float:
    """How much more sums of spans scatter than their bins let expect."""
    strain = 1.0
    seen: list[float] = []
    for begin, end in pairwise(range(0, len(values) + 1, span)):
        inside = range(begin, end)
        off = sum(values[at] - outlooks[at].steady for at in inside)
        due = sum(outlooks[at].steady + outlooks[at].steady**2 / outlooks[at].spread for at in inside)
        seen.append(min(off * off / due, 9.0 * strain))
        old = [KEEP ** (span * back) for back in reversed(range(len(seen)))]
        weighed = sum(weight * one for weight, one in zip(old, seen, strict=True))
        strain = max(1.0, (weighed + SPANS_HELD) / (sum(old) + SPANS_HELD))
    return strain


def drawn(chance: random.Random, mean: float, size: float) -> int:
    return poisson(chance, chance.gammavariate(size, mean / size))


def alarms(mean: float, size: float, apart: float, bins: int, up: bool = True) -> float:
    """How many times as many false alarms there are as are promised, where what is expected is known."""
    chance, one, state, found = random.Random(1), shift(up=up, apart=apart), Shifting(), 0
    for at in range(bins):
        now = mean * (1.0 + 0.8 * math.sin(at * math.pi / 12))
        one.take(state, at, drawn(chance, now, size), looked(now, size))
        if one.found(state):
            found += 1
            state.rest()
    return found * apart / bins


@pytest.mark.parametrize(("mean", "size", "up"), [(0.5, 10.0, True), (3.0, 10.0, True), (20.0, 1e4, False)])
def test_false_alarms_are_those_that_are_promised(mean: float, size: float, up: bool) -> None:
    assert 0.6 < alarms(mean, size, 100.0, 12_000, up) < 1.3


def delays(mean: float, size: float, apart: float, runs: int, by: float = 0.3) -> tuple[list[int], float]:
    """After how many bins a rise is found, sorted; and after how many it is foretold."""
    chance, one, state = random.Random(2), shift(apart=apart), Shifting()
    for at in range(300):
        one.take(state, at, drawn(chance, mean, size), looked(mean, size))
    told, found = one.delay(state), []
    for _ in range(runs):
        kept, bins = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=Shifting), 0
        kept.rest()
        while not one.found(kept):
            one.take(kept, bins, drawn(chance, (1.0 + by) * mean, size), looked(mean, size))
            bins += 1
        found.append(bins)
    return sorted(found), told


def test_a_slow_rise_is_found_in_time_where_single_hours_do_not_show_it() -> None:
    found, told = delays(20.0, 1e4, MONTH / 2, 200)
    within = sum(bins <= 6 for bins in found) / len(found)
    single = rare_from(2 / MONTH, 20.0, 1e4)
    chance = 1.0 - stats.poisson(26.0).cdf(single - 1)
    assert within > 0.5
    assert within > 1.5 * (1.0 - (1.0 - chance) ** 6)
    assert told == pytest.approx(sum(found) / len(found), rel=0.2)


def test_where_counts_scatter_it_says_that_it_takes_longer() -> None:
    found, told = delays(20.0, 10.0, MONTH, 100)
    assert told > 12
    assert told == pytest.approx(sum(found) / len(found), rel=0.25)


def test_one_value_far_off_is_no_shift() -> None:
    one, state = shift(1.0, counts=False, share=False), Shifting()
    for at in range(100):
        one.take(state, at, 10.0 + at % 3 - 1.0, looked(10.0, 1.0))
    one.take(state, 100, 1e6, looked(10.0, 1.0))
    assert not one.found(state)


def test_what_never_changes_has_no_shift() -> None:
    one, state = shift(0.5, counts=False, share=False), Shifting()
    for at in range(100):
        one.take(state, at, 10.0, looked(10.0, 1e-8))
    assert not one.found(state)
    assert one.strain(state) == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("mean", [0.5, 3.0, 20.0])
@pytest.mark.parametrize("up", [True, False])
def test_half_a_year_of_a_city_has_the_false_alarms_that_are_promised(mean: float, up: bool) -> None:
    """What is expected is learnt, and each day has a level of its own, 12 % up or down."""
    found = hours = 0
    for seed in range(12):
        made, baseline = series(seed, mean, WARM_UP + 26, planted=False), Counts(WEEKLY, 8 * WEEK)
        learnt, one, state, open_now = baseline.begin(), shift(up=up), Shifting(), False
        for hour, count in enumerate(made.counts):
            if hour >= HOURS_A_WEEK:
                one.take(state, hour, count, baseline.outlook(learnt, MONDAY + hour * HOUR))
                judged = hour >= WARM_UP * HOURS_A_WEEK
                found, hours = found + (judged and not open_now and one.found(state)), hours + judged
                open_now = one.found(state) or (open_now and state.since is not None)
            baseline.learn(learnt, MONDAY + hour * HOUR, count)
    assert found * MONTH / hours <= 1.5
