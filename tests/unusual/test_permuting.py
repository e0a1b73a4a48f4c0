"""The permutation scan: its statistic is that of a naive enumeration, its probability that of all permutations."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.unusual.permuting import Permuted
from tests.unusual.test_scanning import line

Events = list[tuple[int, int]]  # cell, age
BINS = 3  # that are looked at


def scan(events: Sequence[tuple[int, int]], rings: list[list[list[int]]], least: int = 1) -> Permuted:
    """The zones of events that were studied; all cells have some."""
    totals = Counter(cell for cell, _ in events)
    lately = Counter(age for _, age in events)
    return Permuted([totals[cell] for cell in range(len(rings))], rings, [lately[age] for age in range(BINS)],
                    len(events), least)


def counts(events: Sequence[tuple[int, int]]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for cell, age in events:
        if age < BINS:
            found.setdefault(cell, [0] * BINS)[age] += 1
    return found


def naive(events: Sequence[tuple[int, int]], rings: list[list[list[int]]], least: int) -> list[float]:
    """The score of every zone that has more events than the totals explain."""
    found, whole = [], len(events)
    for around in rings:
        for ring in range(len(around)):
            cells = {cell for one in around[:ring + 1] for cell in one}
            for length in range(1, BINS + 1):
                seen = sum(cell in cells and age < length for cell, age in events)
                expected = sum(cell in cells for cell, _ in events) * sum(age < length for _, age in events) / whole
                if seen >= least and seen > expected:
                    rest = whole - seen
                    found.append(seen * math.log(seen / expected)
                                 + (rest * math.log(rest / (whole - expected)) if rest else 0))
    return found


@st.composite
def studies(draw: st.DrawFn, most: int = 30) -> tuple[Events, int]:
    """Events in a row of cells, each of which has one, over twice as many bins as are looked at."""
    cells = draw(st.integers(1, 5))
    ages = st.integers(0, 2 * BINS - 1)
    events = [(cell, draw(ages)) for cell in range(cells)]
    return events + draw(st.lists(st.tuples(st.integers(0, cells - 1), ages), max_size=most - cells)), cells


@given(studies(), st.integers(0, 2), st.integers(1, 3))
def test_the_statistic_is_that_of_a_naive_enumeration(made: tuple[Events, int], rings: int, least: int) -> None:
    events, cells = made
    found = scan(events, line(cells, rings), least).best(counts(events))
    every = naive(events, line(cells, rings), least)
    assert (found[0].score if found else 0.0) == pytest.approx(max(every, default=0.0))


@given(studies(most=5))
def test_the_probability_is_the_share_of_all_permutations(made: tuple[Events, int]) -> None:
    events, cells = made
    ground = scan(events, line(cells, 1))
    best = ground.best(counts(events))
    if not best:
        return
    tops = [max(naive(list(zip([cell for cell, _ in events], ages, strict=True)), line(cells, 1), 1), default=0.0)
            for ages in permutations(age for _, age in events)]
    exact = sum(top >= best[0].score - 1e-9 for top in tops) / len(tops)
    found = ground.chance(best[0].score, b"seed", 300)
    assert found == pytest.approx(exact, rel=0.25)
    assert ground.single(best[0]) <= exact + 1e-9
    assert exact <= ground.ceiling(best[0].score) + 1e-9


def test_the_probability_agrees_with_a_large_monte_carlo() -> None:
    chance, cells, runs = random.Random(3), 12, 2000
    events = [(int(cells * chance.random() ** 2), int(4 * BINS * chance.random())) for _ in range(200)]
    events += [(cell, 4 * BINS - 1) for cell in range(cells)]
    ground, ages, tops = scan(events, line(cells, 2), 3), [age for _, age in events], []
    for _ in range(runs):
        chance.shuffle(ages)
        best = ground.best(counts([(cell, age) for (cell, _), age in zip(events, ages, strict=True)]))
        tops.append(best[0].score if best else 0.0)
    for share in (0.1, 0.02, 0.005):
        bar = sorted(tops)[int(runs * (1 - share))]
        drawn = sum(top >= bar for top in tops) / runs
        assert ground.chance(bar, b"seed", 200) == pytest.approx(drawn, abs=3 * math.sqrt(drawn / runs) + 0.15 * drawn)


def test_a_day_on_which_all_goes_up_and_a_place_where_much_happens_are_nothing() -> None:
    cells = 10
    events = [(cell, age) for cell in range(cells) for age in range(12) for _ in range(9 if cell == 4 else 3)]
    everywhere = [(cell, 0) for cell in range(cells) for _ in range(9 if cell == 4 else 3)]
    assert not scan([*events, *everywhere], line(cells, 1)).best(counts([*events, *everywhere]))
    there = [(2, 0)] * 12
    ground = scan([*events, *there], line(cells, 1))
    best = ground.best(counts([*events, *there]))[0]
    assert (best.centre, best.length, best.observed) == (2, 1, 15)
    assert ground.judged(best, 0.01, 0.0, b"x") < 0.01
    assert ground.judged(best, 0.01, 0.0, b"x") == ground.judged(best, 0.01, 0.0, b"x")
