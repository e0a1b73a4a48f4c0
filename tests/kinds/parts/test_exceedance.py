"""What a baseline finds: each bin against a plain recomputation, time told at will, gaps, silences, what is told."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import AFTER_ALL, DAY, HOUR, MINUTE, WEEK, parse_rfc3339
from streams.judging.episodes import Episode, HoldOptions
from streams.judging.windows import Edges
from streams.kinds import BEGINS, ENDS, threshold
from streams.kinds.parts.exceedance import WARMING, Exceedance, Question, during, how_long, misfits, rounded
from streams.records import Member
from streams.specs import Learning, Measure, Rarity, Test, Window
from tests.folds import fold, fold_often, member, through_bytes

UTC = ZoneInfo("UTC")
MONDAY = parse_rfc3339("2026-01-05T00:00:00Z")


def exceedance(size: int = HOUR, side: str = "above", p: float = 1e-3, measure: Measure = Measure(),  # noqa: B008
               season: str = "none", memory: int = 8 * WEEK, enough: int | None = 1, min_events: int = 0,
               wait: int = 0, keep: int = 0, zone: ZoneInfo = UTC) -> Exceedance:
    question = Question(Window("tumbling", size), measure, Rarity(side, p), Learning(season, memory, enough),
                        min_events, HoldOptions(wait, keep))
    return Exceedance(question, zone)


class Told(NamedTuple):
    """What of an episode is compared."""

    opened: int
    closed: int | None
    value: Any
    events: int


def told(episodes: list[Episode]) -> list[Told]:
    return [Told(one.opened, one.closed, one.value, one.count) for one in episodes]


class Slow:
    """Bins as a list: each is judged by what was learnt before it, and closes what is open if it is not rare."""

    def __init__(self, rule: Exceedance, members: list[Member]) -> None:
        self.rule, self.baseline = rule, rule.baseline
        self.bins: dict[int, list[Member]] = {}
        for one in sorted(members, key=lambda one: one.order):
            self.bins.setdefault(one.time // rule.size * rule.size, []).append(one)
        self.learnt = self.baseline.begin()
        self.found: list[list[Any]] = []  # opened, closed, value, count, p
        self.heard: int | None = None

    def episodes(self) -> list[Told]:
        rule, memory = self.rule, self.rule.question.learning.memory
        for begin, inside in self.bins.items():
            if self.heard is not None and begin > self.heard:
                self._quiet(begin)
            first = self.heard is None
            self._judge(begin, inside, first)
            if not first:
                self.baseline.learn(self.learnt, begin, len(inside))
            self.heard = begin + rule.size
        if self.heard is not None:
            self._quiet(self.heard + memory + rule.size)
        return [Told(*one[:4]) for one in self.found]

    def _quiet(self, until: int) -> None:
        """The empty bins before `until`: judged one by one, learnt together; after the memory all is forgotten."""
        assert self.heard is not None
        end = self.heard + self.rule.question.learning.memory
        empty = list(range(self.heard, until, self.rule.size))
        for begin in empty:
            if begin + self.rule.size <= end:
                self._judge(begin, [], False)
        if until > end:
            if self.found and self.found[-1][1] is None:
                self.found[-1][1] = end
            self.learnt, self.heard = self.baseline.begin(), None
        elif self.learnt.bins < self.rule.blind or not self.baseline.silent(self.learnt, empty):
            for begin in empty:
                self.baseline.learn(self.learnt, begin, 0)

    def _judge(self, begin: int, inside: list[Member], first: bool) -> None:
        rule, end = self.rule, begin + self.rule.size
        outlook = self.baseline.outlook(self.learnt, begin)
        judged = self.learnt.bins >= rule.blind
        met = False
        if rule.above:
            for number in range(1, len(inside) + 1):
                p = self.baseline.above(outlook, number)
                if judged and p < rule.bound and number >= rule.question.min_events:
                    self._meet(inside[number - 1].time, number, p, 1 if met else number)
                    met = True
        elif not first and judged and self.baseline.below(outlook, len(inside)) < rule.bound:
            self._meet(end, len(inside), self.baseline.below(outlook, len(inside)), len(inside))
            met = True
        if not met and self.found and self.found[-1][1] is None and (rule.above or not first):
            self.found[-1][1] = end

    def _meet(self, at: int, value: int, p: float, proof: int) -> None:
        if not self.found or self.found[-1][1] is not None:
            self.found.append([at, None, value, proof, p])
            return
        last = self.found[-1]
        last[3] += proof
        if float(f"{p:.2g}") < float(f"{last[4]:.2g}"):
            last[2], last[4] = value, p


@st.composite
def histories(draw: st.DrawFn) -> list[Member]:
    """Some events a bin of ten, with quiet bins, long silences and crowds between."""
    counts = draw(st.lists(st.sampled_from([0, 0, 1, 1, 1, 2, 2, 3, 9, 20, 40]), min_size=1, max_size=30))
    gap = draw(st.sampled_from([0, 0, 0, 7, 90]))
    place = draw(st.integers(0, len(counts)))
    times = [10 * (number + (gap if number >= place else 0)) + draw(st.integers(0, 9))
             for number, count in enumerate(counts) for _ in range(count)]
    return [member(time, f"e{at}") for at, time in enumerate(sorted(times))]


rules = st.builds(
    lambda side, p, memory, enough, least: exceedance(10, side, p, memory=memory, enough=enough,
                                                      min_events=least if side == "above" else 0),
    st.sampled_from(["above", "below"]), st.sampled_from([0.005, 0.05]), st.sampled_from([60, 400]),
    st.sampled_from([1, 4, 20]), st.sampled_from([0, 0, 3]))


@given(rules, histories())
def test_it_finds_what_a_slow_recomputation_finds(rule: Exceedance, members: list[Member]) -> None:
    assert told(fold(rule, members)) == Slow(rule, members).episodes()


waiting = st.builds(
    lambda side, p, wait, keep, name: exceedance(10, side, p, Measure(name, "x" if name != "count" else ""),
                                                 memory=60, wait=wait, keep=keep),
    st.sampled_from(["above", "below"]), st.sampled_from([0.005, 0.05]), st.sampled_from([0, 5, 20]),
    st.sampled_from([0, 25]), st.sampled_from(["count", "distinct", "avg", "max"]))


@given(rules | waiting, histories(), st.lists(st.integers(0, 40), min_size=1))
def test_when_time_is_told_changes_no_byte(rule: Exceedance, members: list[Member], values: list[int]) -> None:
    members = [msgspec.structs.replace(one, value=values[at % len(values)]) for at, one in enumerate(members)]
    once = rule.start(("k",), 0)
    for one in members:
        rule.advance(once, one.time)
        rule.on_event(once, one)
        once = through_bytes(rule, once)
    rule.advance(once, AFTER_ALL)
    often = fold_often(rule, members)
    assert msgspec.msgpack.encode(once) == msgspec.msgpack.encode(often)
    assert rule.empty(often)


def hours(counts: list[int], begin: int = MONDAY) -> list[Member]:
    """So many events in each hour from `begin` on, a minute apart at most."""
    facts: dict[str, Any] = {"place.district": "Norristown"}
    times = [begin + hour * HOUR + at * MINUTE // 2 for hour, count in enumerate(counts) for at in range(count)]
    return [member(time, f"e{at}", 1, None, **facts) for at, time in enumerate(times)]


def test_what_is_told_of_a_bad_hour() -> None:
    counts = [4, 3, 5, 4, 6, 2, 4] * 24 * 5
    found = fold(exceedance(), hours([*counts, 17, 4]), MONDAY + (len(counts) + 2) * HOUR)
    assert [(one.value, one.count) for one in found] == [(17, 17)]
    facts = found[0].facts
    assert facts.pop("p") < 1e-3
    assert facts.pop("recurrence").endswith(("years", "months"))
    assert facts == {"expected": 4, "low": 1, "high": 8, "during": "00:00–01:00", "place.district": "Norristown"}
    assert found[0].opened < MONDAY + len(counts) * HOUR + 10 * MINUTE  # with the event that made it too many
    assert found[0].closed == MONDAY + (len(counts) + 2) * HOUR  # the first hour that is not rare


def test_a_bad_hour_shows_the_rarest() -> None:
    counts = [4, 3, 5, 4, 6, 2, 4] * 24 * 5
    found = fold(exceedance(), hours([*counts, 15, 25, 14, 4]), MONDAY + (len(counts) + 4) * HOUR)
    assert [(one.value, one.count, one.facts["during"]) for one in found] == [(25, 54, "01:00–02:00")]


def test_before_enough_is_learnt_it_says_so() -> None:
    counts = [4, 3, 5, 4, 6, 2, 4] * 24
    warming = fold(exceedance(enough=500), hours([*counts, 17, 4]), MONDAY + (len(counts) + 2) * HOUR)
    assert [one.facts[WARMING] for one in warming] == [True]
    assert fold(exceedance(enough=1000), hours([*counts, 17, 4]), MONDAY + (len(counts) + 2) * HOUR) == []


def test_a_day_without_the_source_teaches_nothing() -> None:
    counts = [4, 3, 5, 4, 6, 2, 4] * 24 * 4
    rule = exceedance()
    states = []
    for gap in (0, 48):
        state = rule.start((), 0)
        for one in (*hours(counts), *hours([4], MONDAY + (len(counts) + gap) * HOUR)):
            rule.advance(state, one.time)
            rule.on_event(state, one)
        states.append(state.learnt)
    assert states[0] == states[1]


def outage(begin: int, end: int) -> list[Member]:
    """What the rule of a source's silence tells those below it."""
    told = [Member(begin, "rule:source-silent.s/fate", 0, 0, "o", 0, [BEGINS, "s"]),
            Member(end, "rule:source-silent.s/fate", 0, 1, "o/end", 0, [ENDS, "s"])]
    return told if end > begin else []


@given(st.lists(st.sampled_from([0, 0, 1, 2, 5]), min_size=2, max_size=20), st.integers(0, 190), st.integers(0, 90),
       st.sampled_from(["above", "below"]))
def test_bins_under_an_outage_teach_nothing(counts: list[int], begin: int, length: int, side: str) -> None:
    """What is learnt is what a loop over all other bins learns; none is judged, so that nothing else decides."""
    rule, end = exceedance(10, side, enough=4000, memory=10_000), begin + length
    times = [10 * at + number for at, count in enumerate(counts) for number in range(count)]
    events = [member(time, f"e{at}") for at, time in enumerate(times) if not begin <= time < end]
    if not events:
        return
    heard = range(events[0].time // 10 * 10, events[-1].time + 1, 10)
    wanted = rule.baseline.begin(("k",))
    for bin_ in heard[1:]:
        if not (length and bin_ < end and begin < bin_ + 10):
            rule.baseline.learn(wanted, bin_, sum(bin_ <= one.time < bin_ + 10 for one in events))
    state = rule.start(("k",), 0)
    for one in sorted([*events, *outage(begin, end)], key=lambda one: one.order):
        if one.time >= heard[-1] + 10:
            break
        rule.advance(state, one.time)
        rule.on_event(state, one)
        state = through_bytes(rule, state)
    rule.advance(state, heard[-1] + 10)
    assert state.learnt == wanted


def test_few_under_an_outage_are_not_too_few_and_many_are_still_too_many() -> None:
    counts = [8, 7, 9, 8, 10, 6, 8] * 24 * 4
    end = MONDAY + len(counts) * HOUR
    quiet = [*hours(counts), *hours([8], end + 4 * HOUR)]
    dark = outage(end - 10 * MINUTE, end + 4 * HOUR)
    below = exceedance(side="below")
    assert fold(below, quiet, end + 5 * HOUR) != []
    assert fold(below, [*quiet, *dark], end + 5 * HOUR) == []
    flood = [*hours([*counts, 40]), *outage(end + 30 * MINUTE, end + 4 * HOUR)]
    assert [one.value for one in fold(exceedance(), flood, end + 5 * HOUR)] == [40]


def test_too_few_are_found_while_nothing_comes() -> None:
    counts = [8, 7, 9, 8, 10, 6, 8] * 24 * 4
    found = fold(exceedance(side="below"), hours([*counts, 0, 0, 8]), MONDAY + (len(counts) + 3) * HOUR)
    assert [(one.opened, one.value) for one in found] == [(MONDAY + (len(counts) + 1) * HOUR, 0)]
    assert found[0].closed == MONDAY + (len(counts) + 3) * HOUR


def test_of_a_sensor_it_finds_the_hour_that_is_off() -> None:
    readings = [20.0 + 3 * math.sin(at / 12 * math.pi) + at % 5 / 10 for at in range(24 * 60)]
    members = [member(MONDAY + at * HOUR, f"e{at}", value=value) for at, value in enumerate([*readings, 31.0, 20.2])]
    rule = exceedance(measure=Measure("avg", "x"), season="hour_of_day")
    found = fold(rule, members, MONDAY + (len(members) + 1) * HOUR)
    assert [(one.value, one.facts["expected"]) for one in found] == [(31.0, pytest.approx(20.2, abs=0.5))]
    assert found[0].closed == MONDAY + len(members) * HOUR


def test_the_hour_that_the_clocks_cut_short_is_left_out() -> None:
    zone = ZoneInfo("Australia/Lord_Howe")  # on this day half an hour is skipped
    begin = parse_rfc3339("2026-10-04T00:00:00+10:30")
    edges = Edges(zone, HOUR, HOUR)
    rule, ends = exceedance(zone=zone), [begin]
    while ends[-1] < begin + DAY:
        ends.append(edges.after(ends[-1]))
    assert [rule._whole(a, b) for a, b in pairwise(ends)].count(False) == 1


@pytest.mark.parametrize(("span", "text"), [
    (3 * 365 * DAY, "3 years"), (5 * WEEK, "5 weeks"), (90 * DAY, "3 months"), (3 * DAY, "3 days"),
    (3 * HOUR, "3 hours"), (30 * MINUTE, "30 minutes"), (11 * 365 * DAY, "more than 10 years")])
def test_how_long(span: int, text: str) -> None:
    assert how_long(span) == text


def test_times_and_numbers_are_those_of_people() -> None:
    assert during(MONDAY + 6 * HOUR, MONDAY + 7 * HOUR, ZoneInfo("America/New_York")) == "01:00–02:00"
    assert during(MONDAY, MONDAY + DAY, UTC) == "2026-01-05"
    assert [rounded(4.0, 1), rounded(3.84, 1), rounded(17.3, 0)] == [4, 3.8, 17]


def test_a_budget_is_shared_by_the_keys() -> None:
    month = 30 * DAY
    assert Rarity("above", alarms=2, per=month).bound(HOUR) == pytest.approx(2 / 720)
    assert Rarity("above", alarms=2, per=month, series=68).bound(HOUR) == pytest.approx(2 / 720 / 68)
    assert Rarity("above", recurrence=month).bound(HOUR) == pytest.approx(1 / 720)


def test_only_a_rule_with_a_baseline_becomes_one() -> None:
    spec = {"window": Window("tumbling", HOUR), "condition": Rarity("above", 1e-4),
            "baseline": Learning("hour_of_week", 8 * WEEK)}
    assert misfits(spec) == []
    assert isinstance(threshold.compile_rule(spec, HoldOptions(), UTC), Exceedance)
    plain = {"window": Window("tumbling", HOUR), "condition": Test("gte", 3)}
    assert isinstance(threshold.compile_rule(plain, HoldOptions(), UTC), threshold.Threshold)


def test_ten_thousand_keys_cost_less_than_two_kilobytes_each() -> None:
    rule = exceedance(season="hour_of_week", enough=None)
    state = rule.start(("k",), 0)
    for one in hours([4, 3, 5, 4, 6, 2, 4] * 24 * 5):
        rule.advance(state, one.time)
        rule.on_event(state, one)
    rule.advance(state, MONDAY + 40 * DAY)
    assert len(msgspec.msgpack.encode(state)) < 2000
