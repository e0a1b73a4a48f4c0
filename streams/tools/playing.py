"""A rule's test, played: its rule and events as the test has them, and what the engine of the service tells of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from streams.clocks import DAY
from streams.composites import bases, feeds, reach_of
from streams.detect.engine import Engine
from streams.findings import Finding, Reading
from streams.frames import CLOCK_ROW, VERSION, ClockRow, MemberRow, WorkFrame, WorkRow
from streams.ingest.route import Router
from streams.kinds.parts.exceedance import Exceedance
from streams.records import Micros
from streams.rules import SILENCE_OF, Bundle, Rule
from streams.tools.hushed import Hushed, heard_of, hushed_of
from streams.tools.standins import Rebuild, overridden
from streams.tools.timeline import START, Arrival, Setting, setting_of, timeline, too_late


class Staged(msgspec.Struct, frozen=True):
    """What a test begins with: the rule over the test's own registers and lists, and its events in order of arrival.

    `late` are the ids of those that come too late to count, `hushed` the feeds that are silent for a while.
    """

    bundle: Bundle
    rule: Rule
    setting: Setting
    arrivals: list[Arrival]
    late: list[str]
    hushed: Hushed = {}

    @property
    def alone(self) -> Bundle:
        """The bundle with this rule, those that it reads and those that find the silence of feeds that are silent."""
        made = alone(self.bundle, self.rule)
        names = (SILENCE_OF + name for name in self.hushed)
        silences = {name: self.bundle.rules[name] for name in names}
        return msgspec.structs.replace(made, rules={**made.rules, **silences})

    @property
    def end(self) -> Micros:
        """A moment when nothing waits any more."""
        return end_of(self.bundle, self.rule, self.arrivals, self.setting.start)

    def play(self) -> list[Finding]:
        """Every finding as it is told, of the rule and of those it reads, until nothing waits any more."""
        return play(self.alone, self.rule, self._in_time, self.setting.start, self.hushed)

    def read(self) -> list[Reading]:
        """Every reading of an indicator as it is told."""
        return [reading for _, told in
                steps(self.alone, self.rule, self._in_time, self.setting.start, self.hushed) for reading in told]

    @property
    def _in_time(self) -> list[Arrival]:
        return [one for one in self.arrivals if one.event.id not in self.late]


def staged(bundle: Bundle, rule: Rule, test: Mapping[str, Any], rebuild: Rebuild | None = None) -> Staged:
    """A test before it is played. Raises Misread. For `rebuild` see `standins.overridden`."""
    bundle, rule = overridden(bundle, rule, test, rebuild)
    rule = untaught(rule)
    setting = setting_of(test, bundle.city.zone)
    arrivals = timeline(bundle, rule, test.get("events", ()), setting)
    late = [one.event.id for one in arrivals if too_late(bundle, one)]
    hushed = hushed_of(bundle, rule, test, setting.start, arrivals)
    return Staged(bundle, watching(rule, test), setting, arrivals, late, hushed)


def alone(bundle: Bundle, rule: Rule) -> Bundle:
    """The bundle with this rule and those that it reads; without the silences of sources, which are all awake."""
    read = {one.id: untaught(one) for one in bases(bundle, rule) if not one.id.startswith(SILENCE_OF)}
    if rule.vital is not None:
        return msgspec.structs.replace(bundle, rules=read, indicators={rule.id: rule})
    return msgspec.structs.replace(bundle, rules={rule.id: rule, **read}, indicators={})


def untaught(rule: Rule) -> Rule:
    """The rule without a baseline that was learnt before: in a test nothing was, whatever a file says today."""
    detector = rule.detector
    return msgspec.structs.replace(rule, detector=detector.untaught()) if isinstance(detector, Exceedance) else rule


def play(bundle: Bundle, rule: Rule, arrivals: Sequence[Arrival], start: Micros = START,
         hushed: Hushed | None = None) -> list[Finding]:
    """Every finding as it is told, until time has run on so far that nothing waits."""
    return [finding for found, _ in steps(bundle, rule, arrivals, start, hushed) for finding in found]


def steps(bundle: Bundle, rule: Rule, arrivals: Sequence[Arrival], start: Micros = START,
          hushed: Hushed | None = None) -> Iterator[tuple[list[Finding], list[Reading]]]:
    """What each step tells, until time has run on so far that nothing waits.

    All feeds are awake: when an event arrives, each has told of everything until its `disorder` ago; but those that
    are `hushed` were not heard of for a while.
    """
    router, engine = Router(bundle), Engine(bundle)
    lags = {name: bundle.sources[name].disorder for name in sorted(feeds(bundle, rule))}
    end = end_of(bundle, rule, arrivals, start)
    frames: list[list[WorkRow]] = [[*heard_of(bundle, hushed or {}, start, end),
                                    *(_clock(name, -1, CLOCK_ROW, start) for name in lags)]]
    for one in arrivals:
        clocks = [_clock(name, one.event.offset - 1, CLOCK_ROW + 1, max(start, one.at - lag))
                  for name, lag in lags.items()]
        members = [MemberRow(row, ref, key, member) for row, (ref, key, member) in enumerate(router.route(one.event))]
        frames.append([*clocks, *members])
    last = arrivals[-1].event.offset + 1 if arrivals else 0
    frames.append([_clock(name, last, CLOCK_ROW, end) for name in lags])
    for rows in frames:
        yield engine.step_through(WorkFrame(VERSION, bundle.id, rows)), engine.readings


def end_of(bundle: Bundle, rule: Rule, arrivals: Sequence[Arrival], start: Micros) -> Micros:
    """A moment when nothing of a rule waits any more."""
    return max([start, *(one.at for one in arrivals)]) + reach_of(bundle, rule) + DAY


def watching(rule: Rule, test: Mapping[str, Any]) -> Rule:
    """The rule, expecting only those registered keys that the test speaks of; all of a register of the test's own."""
    expect = rule.spec.get("expect")
    if expect is not None and expect.register in (test.get("registers") or ()):
        return rule
    rows = [row for row in test.get("events") or () if isinstance(row, Mapping)]
    spoken = {str(value) for row in rows for value in row.values()} | {str(value) for value in test.get("watch") or ()}
    expected = tuple(key for key in rule.expected if all(str(part) in spoken for part in key))
    return msgspec.structs.replace(rule, expected=expected)


def _clock(source: str, offset: int, row: int, clock: Micros) -> ClockRow:
    return ClockRow(source, 0, 1, offset, row, clock, clock)
