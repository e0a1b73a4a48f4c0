"""The board of vital signs: the newest reading of each indicator and key, and the roll-ups that follow from them.

It is not a stage: readings are no findings and make no alert. They come in the same log and pass beside the stages,
because here one partition sees all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from streams.composites import feeds
from streams.findings import CLOSED, RETRACTED, FindingRow, Reading, ReadingRow
from streams.records import Micros
from streams.respond.identity import identity
from streams.respond.passing import Output
from streams.respond.publish import output
from streams.respond.rows import Quiet, RollUp, Sign
from streams.respond.state import Memory
from streams.respond.vital_events import SILENT, reading_event, rollup_event
from streams.rules import SILENCE_OF, Bundle, Rule
from streams.vitals import CITY, DISTRICT, DISTRICT_PARTS, NOWHERE, UNKNOWN, Usual, worst

Level = tuple[str, str]


class Board:
    """What is shown at the moment. Its rows stand in the memory; `_scores` are counted anew from them.

    `retention`: how long the last reading of a key without events is remembered. What a frame brings is taken first;
    `turned` then tells the roll-ups that it has changed, so that they do not turn with every single reading.
    """

    def __init__(self, bundle: Bundle, memory: Memory, retention: Micros) -> None:
        self.bundle, self.memory, self.retention = bundle, memory, retention
        self._feeds = {name: feeds(bundle, rule) for name, rule in bundle.indicators.items()}
        self._by_indicator: dict[str, dict[str, None]] = {}
        self._swept: dict[str, Micros] = {}
        self._scores: dict[Level, Counter[int]] = {}
        self._touched: dict[Level, Micros] = {}
        for name, sign in memory.signs.items():
            self._place(name, sign)
            self._swept[sign.indicator] = max(sign.at, self._swept.get(sign.indicator, sign.at))

    def take(self, row: ReadingRow) -> list[Output]:
        """Tell a reading that was not told yet."""
        reading = row.reading
        rule = self.bundle.indicators.get(reading.indicator)
        if not self.memory.marked(row) or rule is None or rule.logic != reading.logic:
            return []
        shown = UNKNOWN if self._silent(rule) else reading.status
        told = [output("vitals", self._key(reading), reading_event(self.bundle, rule, reading, shown))]
        name = self._key(reading)
        known = self.memory.signs.get(name)
        if known is not None and reading.at < known.at:
            return told
        before = None if known is None else known.shown
        sign = Sign(rule.id, rule.logic, reading.key, reading.at, reading.value, reading.count, reading.status,
                    reading.since, shown, usual=reading.usual)
        if reading.gone:
            self._forget(name, rule, reading.at)
            return told
        self.memory.put("sign", name, sign)
        self._place(name, sign, before)
        self._touch(rule, sign.key, sign.at)
        self._sweep(rule, reading.at)
        return told

    def hear(self, row: FindingRow) -> list[Output]:
        """A finding about a source: while it is silent, what is read from it is unknown."""
        finding = row.finding
        source = finding.rule.removeprefix(SILENCE_OF)
        silent = finding.closed is None and finding.change not in (CLOSED, RETRACTED)
        known = self.memory.quiet.get(source)
        if known is not None and not silent and known.finding != finding.id:
            return []  # of a silence before the one that lasts
        self.memory.put("quiet", source, Quiet(finding.id, silent))
        return list(self._hush(source, finding.at)) if silent else []

    def turned(self) -> list[Output]:
        """The roll-ups whose status has changed since the last call."""
        touched, self._touched = self._touched, {}
        return [told for level, at in sorted(touched.items()) for told in self._tell(level, at)]

    def learn(self) -> None:
        """Other rules: what is shown of indicators that are gone, or measure something else, is forgotten."""
        newest = max((sign.at for sign in self.memory.signs.values()), default=0)
        for name, sign in list(self.memory.signs.items()):
            rule = self.bundle.indicators.get(sign.indicator)
            if rule is None or rule.logic != sign.logic:
                self._take_away(name, sign)
                self.memory.drop("sign", name)
        for one in self.memory.rollups.values():
            if worst(self._scores.get((one.level, one.name), Counter())) != one.status:
                self._touched[one.level, one.name] = newest

    def gauges(self) -> Iterator[tuple[str, Mapping[str, Any], Any, str]]:
        """(indicator, key, value, status) of everything that is shown."""
        for sign in list(self.memory.signs.values()):
            yield base_of(sign.indicator), sign.key, sign.value if sign.shown != UNKNOWN else None, sign.shown

    def usuals(self) -> Iterator[tuple[str, Mapping[str, Any], Usual]]:
        """(indicator, key, what its newest reading was held against) of everything that has a baseline."""
        for sign in list(self.memory.signs.values()):
            if sign.usual is not None:
                yield base_of(sign.indicator), sign.key, sign.usual

    def rollups(self) -> Iterator[tuple[str, str, str]]:
        """(level, name, status) of every roll-up."""
        for one in list(self.memory.rollups.values()):
            yield one.level, one.name, one.status

    def _key(self, reading: Reading) -> str:
        return identity("sign", reading.indicator, list(reading.key.items()))

    def _silent(self, rule: Rule) -> bool:
        quiet = self.memory.quiet
        return any(source in quiet and quiet[source].silent for source in self._feeds[rule.id])

    def _hush(self, source: str, at: Micros) -> Iterator[Output]:
        """Tell of everything that is read from a source that it is unknown now."""
        for rule in self.bundle.indicators.values():
            if source not in self._feeds[rule.id]:
                continue
            for name in sorted(self._by_indicator.get(rule.id, ())):
                sign = self.memory.signs[name]
                if sign.shown == UNKNOWN:
                    continue
                hushed = msgspec.structs.replace(sign, shown=UNKNOWN)
                self.memory.put("sign", name, hushed)
                self._place(name, hushed, sign.shown)
                reading = Reading(rule.id, rule.logic, sign.key, at, None, 0, UNKNOWN, at, concluded=at, cause=SILENT)
                yield output("vitals", name, reading_event(self.bundle, rule, reading, UNKNOWN))
                self._touch(rule, sign.key, at)

    def _sweep(self, rule: Rule, at: Micros) -> None:
        """Once a period: forget keys of which nothing was heard for long."""
        if at <= self._swept.get(rule.id, at - 1):
            return
        self._swept[rule.id] = at
        for name in sorted(self._by_indicator.get(rule.id, ())):
            sign = self.memory.signs[name]
            if not sign.count and sign.at + self.retention < at:
                self._forget(name, rule, at)

    def _forget(self, name: str, rule: Rule, at: Micros) -> None:
        sign = self.memory.signs.get(name)
        if sign is not None:
            self._take_away(name, sign)
            self.memory.drop("sign", name)
            self._touch(rule, sign.key, at)

    # the arithmetic of roll-ups

    def _place(self, name: str, sign: Sign, before: str | None = None) -> None:
        """Count what is shown of a key, in place of what was."""
        rule = self.bundle.indicators.get(sign.indicator)
        self._by_indicator.setdefault(sign.indicator, {})[name] = None
        if rule is None or rule.vital is None:
            return
        for level in levels(rule, sign.key):
            scores = self._scores.setdefault(level, Counter())
            if before is not None:
                scores[rule.vital.score(before)] -= 1
            scores[rule.vital.score(sign.shown)] += 1

    def _take_away(self, name: str, sign: Sign) -> None:
        self._by_indicator.get(sign.indicator, {}).pop(name, None)
        rule = self.bundle.indicators.get(sign.indicator)
        if rule is not None and rule.vital is not None:
            for level in levels(rule, sign.key):
                self._scores[level][rule.vital.score(sign.shown)] -= 1

    def _touch(self, rule: Rule, key: Mapping[str, Any], at: Micros) -> None:
        """Note that roll-ups may have changed."""
        for level in levels(rule, key):
            self._touched[level] = max(at, self._touched.get(level, at))

    def _tell(self, level: Level, at: Micros) -> Iterator[Output]:
        scores = self._scores.get(level, Counter())
        status, name = worst(scores), identity("rollup", *level)
        known = self.memory.rollups.get(name)
        if known is not None and known.status == status:
            return
        one = RollUp(*level, status, at, 1 if known is None else known.sequence + 1)
        self.memory.put("rollup", name, one)
        yield output("vitals", name, rollup_event(self.bundle, one, scores, self._causes(level, status)))

    def _causes(self, level: Level, status: str) -> list[dict[str, Any]]:
        """The first of those that make a roll-up what it is."""
        if status == UNKNOWN:
            return []
        gravest = max(score for score, number in self._scores[level].items() if number)
        found = []
        for _name, sign in sorted(self.memory.signs.items()):
            rule = self.bundle.indicators.get(sign.indicator)
            if rule is None or rule.vital is None or level not in levels(rule, sign.key):
                continue
            if gravest and rule.vital.score(sign.shown) == gravest:
                found.append({"indicator": rule.base, "key": sign.key, "value": sign.value, "status": sign.shown})
        return found[:CAUSES_AT_MOST]


CAUSES_AT_MOST = 10


def base_of(indicator: str) -> str:
    """The id by which people know an indicator, whatever districts have made of it."""
    return indicator.partition("@")[0]


def levels(rule: Rule, key: Mapping[str, Any]) -> list[Level]:
    """The roll-ups in which a key of an indicator counts."""
    vital = rule.vital
    if vital is None or vital.rollup == NOWHERE or vital.bands is None:
        return []
    district = next((str(key[part]) for part in DISTRICT_PARTS if part in key), None)
    found = [] if district is None else [(DISTRICT, district)]
    return [*found, (CITY, "")] if vital.rollup == CITY else found
