"""Alerts that keep others back: while a feeder is down nobody is told of each of its dark lights.

An alert that meets both sides of a rule is not kept back by another that meets both. One that is itself kept back, or
silenced, still keeps back others.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping

from streams.places import distance
from streams.policy import Inhibit, Policy
from streams.reasons import QuietReason
from streams.records import Micros
from streams.respond.exercise import EXERCISE
from streams.respond.notifying.state import Hush, Notice

Key = tuple[str, ...]


class Inhibition:
    """The open alerts that keep others back, found by what the two must have in common; made of the notices."""

    def __init__(self, policy: Policy, notices: Mapping[str, Notice]) -> None:
        self.rules, self.notices = policy.inhibits, notices
        self._sources: list[dict[Key, list[tuple[Micros, str]]]] = [{} for _ in self.rules]
        self._places: dict[str, list[tuple[int, Key, Micros]]] = {}  # by alert
        self._targets: dict[str, list[tuple[int, Key, bool]]] = {}
        for _, notice in sorted(notices.items()):
            self.put(notice)

    def put(self, notice: Notice) -> None:
        """An alert is new, or says something else."""
        self.remove(notice.id)
        places, targets = [], []
        for number, rule in enumerate(self.rules):
            key = key_of(rule, notice.labels)
            if key is None:
                continue
            source = rule.source(notice.labels)
            if source:
                insort(self._sources[number].setdefault(key, []), (notice.starts, notice.id))
                places.append((number, key, notice.starts))
            if rule.target(notice.labels):
                targets.append((number, key, source))
        if places:
            self._places[notice.id] = places
        if targets:
            self._targets[notice.id] = targets

    def remove(self, alert: str) -> None:
        """An alert is gone."""
        self._targets.pop(alert, None)
        for number, key, starts in self._places.pop(alert, ()):
            known = self._sources[number][key]
            del known[bisect_left(known, (starts, alert))]
            if not known:
                del self._sources[number][key]

    def hushes(self, notice: Notice, at: Micros) -> Iterator[Hush]:
        """The rules that keep an alert back at a moment, each with the oldest alert that does."""
        for number, key, both in self._targets.get(notice.id, ()):
            rule = self.rules[number]
            for _, name in self._sources[number].get(key, ()):
                if name != notice.id and self._keeps(rule, self.notices[name], notice, both, at):
                    yield Hush(QuietReason.INHIBITED, rule.id, name)
                    break

    def _keeps(self, rule: Inhibit, source: Notice, target: Notice, both: bool, at: Micros) -> bool:
        if EXERCISE in source.labels and EXERCISE not in target.labels:
            return False  # an exercise keeps no alert back that is meant
        if source.over(at) or (rule.longest is not None and at >= source.starts + rule.longest):
            return False
        if both and rule.target(source.labels):
            return False
        return rule.within is None or near(source, target, rule.within)


def key_of(rule: Inhibit, labels: Mapping[str, str]) -> Key | None:
    """What an alert has of the labels that must agree; None if one is absent and that makes it like no other."""
    key = tuple(labels.get(name, "") for name in rule.equal)
    return key if rule.absent_equal or all(key) else None


def near(one: Notice, other: Notice, metres: float) -> bool:
    """Whether two alerts lie so near each other; one without a place is near to none."""
    if one.place is None or other.place is None:
        return False
    return distance(*one.place, *other.place) <= metres
