"""The scan statistic equals a naive enumeration, its probabilities what chance brings."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.unusual.dice import Dice, tail
from streams.unusual.scanning import Ground, Zone


def line(cells: int, rings: int) -> list[list[list[int]]]:
    """Cells in a row: the neighbours at each distance."""
    return [[[at for at in sorted({cell - ring, cell + ring}) if 0 <= at < cells] for ring in range(rings + 1)]
            for cell in range(cells)]


def poisson(chance: random.Random, expected: float) -> int:
    """A count, drawn the plainest way."""
    count, left = 0, chance.random()
    term = math.exp(-expected)
    while left > term:
        left -= term
        count += 1
        term *= expected / count
    return count


def naive(rates: Sequence[float], rings: list[list[list[int]]], bins: int, least: int,
          counts: Sequence[Sequence[int]]) -> dict[tuple[int, int, int], tuple[float, int, float]]:
    """Score, count and expected count of every zone, by centre, ring and length."""
    found = {}
    for centre, around in enumerate(rings):
        for ring in range(len(around)):
            cells = [cell for one in around[:ring + 1] for cell in one]
            for length in range(1, bins + 1):
                seen = sum(counts[cell][age] for cell in cells for age in range(length))
                expected = sum(rates[cell] for cell in cells) * length
                if seen >= least and seen > expected:
                    value = seen * math.log(seen / expected) - (seen - expected)
                    found[centre, ring, length] = value, seen, expected
    return found


@st.composite
def cities(draw: st.DrawFn) -> tuple[list[float], list[list[list[int]]], int, int, list[list[int]]]:
    cells, bins = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    rates = draw(st.lists(st.sampled_from([0.01, 0.3, 1.0, 2.5]), min_size=cells, max_size=cells))
    counts = draw(st.lists(st.lists(st.integers(0, 9), min_size=bins, max_size=bins), min_size=cells, max_size=cells))
    return rates, line(cells, draw(st.integers(0, 2))), bins, draw(st.integers(1, 4)), counts


@given(cities())
def test_the_statistic_is_that_of_a_naive_enumeration(made: tuple[list[float], list[list[list[int]]], int, int,
                                                                  list[list[int]]]) -> None:
    rates, rings, bins, least, counts = made
    given_counts = {cell: ages for cell, ages in enumerate(counts) if any(ages)}
    found = Ground(rates, rings, bins, least).best(given_counts)
    every = naive(rates, rings, bins, least, counts)
    assert [zone.score for zone in found] == sorted((zone.score for zone in found), reverse=True)
    assert {zone.centre for zone in found} == {centre for centre, _, _ in every}
    for zone in found:
        assert zone.score == pytest.approx(max(value for (at, _, _), (value, _, _) in every.items()
                                               if at == zone.centre))
        assert (zone.score, zone.observed, zone.expected) == pytest.approx(every[zone.centre, zone.ring, zone.length])
        assert sorted(zone.cells) == sorted(cell for one in rings[zone.centre][:zone.ring + 1] for cell in one)


@given(st.integers(0, 60), st.floats(0.001, 50))
def test_a_tail_is_the_sum_of_its_terms(above: int, expected: float) -> None:
    least = math.ceil(expected) + above
    terms = (math.exp(count * math.log(expected) - expected - math.lgamma(count + 1))
             for count in range(least, least + 400))
    assert tail(least, expected) == pytest.approx(min(1.0, math.fsum(terms)), rel=1e-9)


def test_dice_follow_from_their_seed_alone() -> None:
    one, same, other = Dice(b"a"), Dice(b"a"), Dice(b"b")
    rolls = [one.roll() for _ in range(3000)]
    assert rolls == [same.roll() for _ in range(3000)]
    assert rolls != [other.roll() for _ in range(3000)]
    assert all(0 <= roll < 1 for roll in rolls)
    assert sum(rolls) / len(rolls) == pytest.approx(0.5, abs=0.02)
    assert len(set(rolls)) == 3000


def test_drawn_counts_have_the_mean_that_is_expected_of_them() -> None:
    dice = Dice(b"mean")
    plain = [dice.poisson(2.5) for _ in range(4000)]
    assert sum(plain) / 4000 == pytest.approx(2.5, abs=4 * math.sqrt(2.5 / 4000))
    most = [dice.at_least(5, 2.5) for _ in range(4000)]
    assert min(most) == 5
    whole = tail(5, 2.5)
    mean = math.fsum(count * (tail(count, 2.5) - tail(count + 1, 2.5)) for count in range(5, 40)) / whole
    assert sum(most) / 4000 == pytest.approx(mean, abs=0.06)


@pytest.mark.parametrize(("rate", "least"), [(0.05, 1), (0.4, 3), (3.0, 3)])
def test_the_probability_agrees_with_a_large_monte_carlo(rate: float, least: int) -> None:
    chance, cells, bins, runs = random.Random(7), 12, 4, 3000
    rates = [rate * (0.5 + at / cells) for at in range(cells)]
    ground = Ground(rates, line(cells, 2), bins, least)
    tops = []
    for _ in range(runs):
        counts = {cell: [poisson(chance, one) for _ in range(bins)] for cell, one in enumerate(rates)}
        best = ground.best(counts)
        tops.append(best[0].score if best else 0.0)
    for share in (0.1, 0.02, 0.005):
        bar = sorted(tops)[int(runs * (1 - share))]
        drawn = sum(top >= bar for top in tops) / runs
        found = ground.chance(bar, b"seed", 400)
        error = 3 * math.sqrt(drawn / runs) + 0.15 * drawn
        assert found == pytest.approx(drawn, abs=error)
        assert found <= ground.ceiling(bar) + 1e-12


def test_a_few_draws_scatter_little_and_tell_one_in_a_million() -> None:
    ground = Ground([0.2] * 30, line(30, 2), 6, 2)
    rare = [ground.chance(20.0, bytes([seed])) for seed in range(20)]
    mean = sum(rare) / len(rare)
    assert 1e-8 < mean < 1e-5
    assert max(abs(one - mean) for one in rare) < 0.6 * mean
    assert ground.chance(20.0, b"same") == ground.chance(20.0, b"same")


def test_one_zone_by_itself_is_never_rarer_than_all_together() -> None:
    ground = Ground([0.2] * 10, line(10, 2), 3)
    zone = ground.best({4: [5, 0, 0]})[0]
    assert (zone.centre, zone.ring, zone.length, zone.observed, zone.cells) == (4, 0, 1, 5, (4,))
    assert isinstance(zone, Zone)
    assert ground.single(zone) <= ground.chance(zone.score, b"x", 200) <= ground.ceiling(zone.score)


@pytest.mark.parametrize(("rate", "levels"), [(0.05, ()), (3.0, (2.0, 0.5, 1.0, 1.0))])
def test_what_is_judged_at_little_cost_is_judged_rightly(rate: float, levels: tuple[float, ...]) -> None:
    ground = Ground([rate * (0.5 + at / 20) for at in range(20)], line(20, 2), 4, 2, levels)
    for bar in (3.0, 6.0, 9.0, 30.0):
        zone = Zone(bar, 4, 0, 1, 40, ground.spans[0] * ground.rates[4], (4,))
        exact = ground.chance(bar, b"x", 600)
        assert ground.floor(bar, 1.0) <= 1.2 * exact
        for limit in (1e-8, 0.01, 0.3):
            found = ground.judged(zone, limit, 1e-12, b"y")
            assert (found > limit) == (exact > limit)
            assert found <= limit / 2 or found == pytest.approx(exact, rel=0.5) or exact > limit


def test_where_nothing_happened_there_is_no_zone() -> None:
    assert Ground([0.5] * 3, line(3, 1), 2).best({}) == []
    assert Ground([], [], 2).chance(3.0, b"x") == 0.0
