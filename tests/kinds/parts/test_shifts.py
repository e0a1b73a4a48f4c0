"""What `rise` and `fall` find: each bin against a plain recomputation, time told at will, silences, what is told."""

from __future__ import annotations

import math
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import AFTER_ALL, HOUR, MINUTE, WEEK, parse_rfc3339
from streams.judging.episodes import Episode, HoldOptions
from streams.kinds import threshold
from streams.kinds.parts.exceedance import WARMING, Question
from streams.kinds.parts.shifts import Shifted, since
from streams.records import Member
from streams.specs import Learning, Measure, Test, Trend, Window
from streams.unusual.cusum import Shifting
from tests.folds import fold, fold_often, member, through_bytes

UTC = ZoneInfo("UTC")
MONDAY = parse_rfc3339("2026-01-05T00:00:00Z")


def shifted(size: int = HOUR, side: str = "rise", by: float = 0.3, p: float = 2 / 720, share: bool = True,
            over: int = 6 * HOUR, measure: Measure = Measure(), memory: int = 8 * WEEK,  # noqa: B008
            enough: int = 1, wait: int = 0, keep: int = 0) -> Shifted:
    trend = Trend(side, p, by=by, share=share, over=over)
    spec = {"window": Window("tumbling", size), "condition": trend, "measure": measure,
            "baseline": Learning("none", memory, enough)}
    made = threshold.compile_rule(spec, HoldOptions(wait, keep), UTC)
    assert isinstance(made, Shifted)
    return made


class Told(NamedTuple):
    """What of an episode is compared."""

    opened: int
    closed: int | None
    value: Any
    events: int
    ended: str


def told(episodes: list[Episode]) -> list[Told]:
    return [Told(one.opened, one.closed, one.value, one.count, one.ended) for one in episodes]


class Slow:
    """One bin after the other, the empty ones too; what is known of the silence is looked up each time."""

    def __init__(self, rule: Shifted, members: list[Member]) -> None:
        self.rule, self.baseline = rule, rule.baseline
        self.bins: dict[int, list[Member]] = {}
        for one in sorted(members, key=lambda one: one.order):
            self.bins.setdefault(one.time // rule.size * rule.size, []).append(one)
        self._anew()
        self.found: list[list[Any]] = []  # opened, closed, value, count, ended; strength
        self.strength = 0.0

    def _anew(self) -> None:
        self.learnt, self.sum, self.empty, self.heard = self.baseline.begin(), Shifting(), list[int](), -1

    def episodes(self) -> list[Told]:
        rule, memory = self.rule, self.rule.question.learning.memory
        for begin, inside in self.bins.items():
            self._quiet(min(begin, self.heard + memory) if self.heard >= 0 else begin)
            if self.heard >= 0 and begin > self.heard + memory:
                self._close(self.heard + memory, "no_data")
                self._anew()
            self._learn_quiet()
            if self.heard >= 0:
                value = rule.gauge.value(self._state(inside))
                self._take(begin, value, inside)
                self.baseline.learn(self.learnt, begin, value)
            self.heard, self.empty = begin + rule.size, []
        if self.heard >= 0:
            self._quiet(self.heard + memory)
            self._close(self.heard + memory, "no_data")
        return [Told(*one) for one in self.found]

    def _state(self, inside: list[Member]) -> Any:
        state = self.rule.start((), 0)
        for one in inside:
            self.rule.gauge.take(state, one)
        return state

    def _quiet(self, until: int) -> None:
        """The bins without events before `until`."""
        while self.heard >= 0 and (begin := self.heard + len(self.empty) * self.rule.size) + self.rule.size <= until:
            self.empty.append(begin)
            blind = self.learnt.bins < self.rule.blind
            if self.rule.counts and (blind or not self.baseline.silent(self.learnt, self.empty)):
                self._take(begin, 0, [])
            elif begin + self.rule.size - self.heard >= self.rule.over:
                self.sum.rest()
                self._close(begin + self.rule.size, "no_data")

    def _learn_quiet(self) -> None:
        blind = self.learnt.bins < self.rule.blind
        if self.rule.counts and self.empty and (blind or not self.baseline.silent(self.learnt, self.empty)):
            for begin in self.empty:
                self.baseline.learn(self.learnt, begin, 0)

    def _take(self, begin: int, value: Any, inside: list[Member]) -> None:
        if self.learnt.bins < self.rule.blind:
            return
        end = begin + self.rule.size
        self.rule.shift.take(self.sum, begin, value, self.baseline.outlook(self.learnt, begin))
        going = bool(self.found) and self.found[-1][1] is None
        if self.sum.since is None:
            self._close(end, "")
        elif self.rule.shift.found(self.sum) or (going and self.sum.strength > self.strength):
            if not going:
                self.found.append([end, None, None, 0, ""])
            self.found[-1][3] += len(inside)
            if not going or self.sum.strength > self.strength:
                self.strength = self.sum.strength
                self.found[-1][2] = round(self.sum.came, 1 if self.sum.foretold < 10 else 0)

    def _close(self, at: int, ended: str) -> None:
        if self.found and self.found[-1][1] is None:
            self.found[-1][1], self.found[-1][4] = at, ended


@st.composite
def histories(draw: st.DrawFn) -> list[Member]:
    """Some events a bin of ten, with quiet bins, busy hours in a row and long silences."""
    runs = draw(st.lists(st.tuples(st.sampled_from([0, 1, 2, 3, 3, 4, 7, 12]), st.integers(1, 6)), min_size=1,
                         max_size=8))
    counts = [count for count, many in runs for _ in range(many)]
    gap, place = draw(st.sampled_from([0, 0, 7, 90])), draw(st.integers(0, len(counts)))
    times = [10 * (number + (gap if number >= place else 0)) + at % 10
             for number, count in enumerate(counts) for at in range(count)]
    return [member(time, f"e{at}") for at, time in enumerate(sorted(times))]


rules = st.builds(
    lambda side, by, p, over, memory, enough: shifted(10, side, by, p, over=over, memory=memory, enough=enough),
    st.sampled_from(["rise", "fall"]), st.sampled_from([0.3, 0.9]), st.sampled_from([0.05, 0.2]),
    st.sampled_from([10, 40]), st.sampled_from([320, 640]), st.sampled_from([1, 4, 20]))


@given(rules, histories())
def test_it_finds_what_a_slow_recomputation_finds(rule: Shifted, members: list[Member]) -> None:
    assert told(fold(rule, members)) == Slow(rule, members).episodes()


waiting = st.builds(
    lambda side, p, wait, keep, name: shifted(
        10, side, 0.5, p, name == "count", 20, Measure(name, "x" if name != "count" else ""), 320,
        wait=wait, keep=keep),
    st.sampled_from(["rise", "fall"]), st.sampled_from([0.05, 0.2]), st.sampled_from([0, 5, 20]),
    st.sampled_from([0, 25]), st.sampled_from(["count", "avg", "max"]))


@given(rules | waiting, histories(), st.lists(st.integers(0, 40), min_size=1))
def test_when_time_is_told_changes_no_byte(rule: Shifted, members: list[Member], values: list[int]) -> None:
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


USUAL = [20, 17, 23, 19, 25, 16, 20, 22, 18] * 40


def test_what_is_told_of_a_slow_rise() -> None:
    counts = [*USUAL, *[27, 24, 29, 26, 27, 25, 28, 26], *USUAL[:18]]
    (found,) = fold(shifted(), hours(counts), MONDAY + len(counts) * HOUR)
    begin = MONDAY + len(USUAL) * HOUR
    assert begin + 3 * HOUR <= found.opened <= begin + 8 * HOUR
    assert found.closed is not None
    assert begin + 8 * HOUR < found.closed <= begin + 20 * HOUR
    assert (found.value, found.facts["expected"], found.facts["percent"]) == (212, 161, 31)
    assert found.facts["since"] == "00:00"
    assert found.facts["delay"].endswith(" hours")
    assert found.facts["place.district"] == "Norristown"


def test_a_slow_fall_is_found_too() -> None:
    counts = [*USUAL, *[13, 14, 12, 13, 15, 14, 12, 13], *USUAL[:18]]
    assert fold(shifted(), hours(counts), MONDAY + len(counts) * HOUR) == []
    (found,) = fold(shifted(side="fall"), hours(counts), MONDAY + len(counts) * HOUR)
    assert found.facts["percent"] in range(28, 40)


def test_a_silent_source_is_no_fall() -> None:
    members = [*hours(USUAL), *hours(USUAL[:9], MONDAY + (len(USUAL) + 12) * HOUR)]
    assert fold(shifted(side="fall"), members, MONDAY + (len(USUAL) + 21) * HOUR) == []


def test_before_enough_is_learnt_it_says_so() -> None:
    counts = [*USUAL[:150], *[32] * 8, 20]
    (found,) = fold(shifted(enough=300), hours(counts), MONDAY + len(counts) * HOUR)
    assert found.facts[WARMING] is True


def readings(values: list[float]) -> list[Member]:
    return [member(MONDAY + at * HOUR, f"e{at}", value=value) for at, value in enumerate(values)]


def test_the_level_of_a_sensor_shifts() -> None:
    steady = [0.30 + 0.01 * math.sin(3.7 * at) for at in range(400)]
    members = readings([*steady, *(one - 0.03 for one in steady[:30])])
    rule = shifted(side="fall", by=0.02, share=False, measure=Measure("avg", "x"))
    assert fold(rule, readings(steady), MONDAY + 400 * HOUR) == []
    (found,) = fold(rule, members, MONDAY + 430 * HOUR)
    assert found.opened <= MONDAY + 406 * HOUR
    assert found.value < 0.28
    assert found.facts["change"] > 0.02
    assert found.facts["since"] == "2026-01-21 16:00"  # the 400th hour; 30 hours later


def test_a_sensor_that_is_silent_is_not_known() -> None:
    steady = [0.30 + 0.01 * math.sin(3.7 * at) for at in range(400)]
    members = readings([*steady, *(one + 0.05 for one in steady[:10])])
    rule = shifted(by=0.02, share=False, measure=Measure("avg", "x"), enough=100)
    (found,) = fold(rule, members, MONDAY + 430 * HOUR)
    assert (found.ended, found.closed) == ("no_data", MONDAY + 416 * HOUR)


def test_since_when_is_told_as_people_do() -> None:
    assert since(MONDAY + 2 * HOUR, MONDAY + 9 * HOUR, UTC) == "02:00"
    assert since(MONDAY + 2 * HOUR, MONDAY + 40 * HOUR, UTC) == "2026-01-05 02:00"


def test_its_demand_is_told() -> None:
    rule = shifted(wait=HOUR)
    assert [one.demand for one in rule.relaxed()] == ["for"]
    state = rule.start((), 0)
    for one in hours(USUAL):
        rule.advance(state, one.time)
        rule.on_event(state, one)
    measured = rule.explain(state, MONDAY + len(USUAL) * HOUR).measured
    assert measured is not None
    assert measured.name == "evidence of a rise"
    assert measured.test == Test("gte", round(rule.shift.limit(state.shifting), 2))


def test_a_key_costs_less_than_two_kilobytes() -> None:
    question = Question(Window("tumbling", HOUR), Measure(), Trend("rise", 1e-3, by=0.3, share=True),
                        Learning("hour_of_week", 8 * WEEK), 0, HoldOptions())
    rule = Shifted(question, UTC)
    state = rule.start((), 0)
    for one in hours([4, 3, 5, 4, 6, 2, 4] * 24 * 5):
        rule.advance(state, one.time)
        rule.on_event(state, one)
    rule.advance(state, MONDAY + 40 * 24 * HOUR)
    assert len(msgspec.msgpack.encode(state)) < 2000
