"""Feeds that are silent in a test: `silent: {sensors: [20m, 2h]}`. All others, and these at other times, are awake.

The rule that a source brings along finds its silence in the test as it does in service. That a feed is heard of at
other times is said to that rule by made-up reports, which no other rule sees.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from streams.clocks import duration
from streams.composites import feeds
from streams.frames import MemberRow
from streams.records import Member, Micros
from streams.rules import SILENCE_OF, Bundle, Rule
from streams.tools.timeline import Arrival, Misread

Hushed: TypeAlias = Mapping[str, tuple[Micros, Micros | None]]
"""By source after when it tells nothing, and when it is heard of again (None: never)."""
AWAKE = 1  # a partition of the feed that it does not have, so that their numbers disturb no clock's


def hushed_of(bundle: Bundle, rule: Rule, test: Mapping[str, Any], start: Micros,
              arrivals: Iterable[Arrival]) -> dict[str, tuple[Micros, Micros | None]]:
    """What a test says under `silent`. Raises Misread."""
    given = test.get("silent", {})
    if not isinstance(given, Mapping):
        raise Misread("`silent` is a mapping such as {sensors: [20m, 2h]}", "silent")
    found = {}
    for name, span in given.items():
        if name not in feeds(bundle, rule):
            known = ", ".join(sorted(feeds(bundle, rule))) or "no source"
            raise Misread(f"the rule does not listen to `{name}`; it listens to {known}", "silent", name)
        if SILENCE_OF + name not in bundle.rules:
            raise Misread(f"the source `{name}` has no `silence`, so nobody would notice", "silent", name)
        begin, end = found[name] = _span(name, span, start)
        for one in arrivals:
            if one.event.source == name and begin < one.event.time and (end is None or one.event.time < end):
                raise Misread(f"event {one.event.id} is of `{name}`, and that is silent then", "silent", name)
    return found


def heard_of(bundle: Bundle, hushed: Hushed, start: Micros, end: Micros) -> Iterator[MemberRow]:
    """What tells the rules of silent feeds when these are heard of, up to `end`."""
    for name, (begin, again) in hushed.items():
        rule, step = bundle.rules[SILENCE_OF + name], (bundle.sources[name].silence or 0) // 2
        times = [*range(start, begin, step), begin, *(() if again is None else range(again, end, step))]
        for number, time in enumerate(times):
            yield MemberRow(0, rule.ref, (name,), Member(time, name, AWAKE, number, f"{name} at {time}"))


def _span(name: str, span: Any, start: Micros) -> tuple[Micros, Micros | None]:
    wrong = Misread(f"`silent` of `{name}` is [20m, 2h]: after when, until when; [20m] for ever", "silent", name)
    if not isinstance(span, Sequence) or isinstance(span, str) or not 1 <= len(span) <= 2:
        raise wrong
    try:
        begin, *rest = (start + duration(str(one)) for one in span)
    except ValueError:
        raise wrong from None
    if rest and rest[0] <= begin:
        raise wrong
    return begin, rest[0] if rest else None
