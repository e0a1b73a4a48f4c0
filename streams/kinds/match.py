"""Kind `match`: each event that fits is worth a finding of its own.

An episode is the event's instant. With `keep_firing_for` events of one key that follow each other
within that time are one episode.

With `near` and `keep_firing_for` matches that are near each other in place and time are one episode. A match with no
other within `near` in the `keep_firing_for` before it is the first of an episode, and matches within `near` of that
first one prolong it. One that is near to others that are farther from the first, or to none but those, has an episode
of its own, which begins with all that it is near to: together they are one alert.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from streams.explained import Explained, Relaxed
from streams.judging.episodes import Hold, HoldOptions
from streams.kinds import Detector, Field, Frontier, Identity
from streams.kinds.parts.circles import MatchCircles
from streams.records import KeyValues, Member, Micros

NAME = "match"
FIELDS: tuple[Field, ...] = (
    Field("near", "distance", "Place as the key: matches within this distance (`100m`, `2km`) and within "
          "`keep_firing_for` of each other are one episode."),
)


class MatchState(msgspec.Struct, array_like=True):
    """The episodes; nothing else waits."""

    hold: Hold


class Match:
    """A `match` rule, compiled."""

    frontier = Frontier.HEAD
    identity = Identity.EVIDENCE
    why = "an event that fits is a fact at once; nothing that comes later can undo it"
    state_type = MatchState

    def __init__(self, options: HoldOptions) -> None:
        self.options = options
        self.horizon = options.keep

    def start(self, key: KeyValues, now: Micros) -> MatchState:
        """Nothing yet."""
        return MatchState(Hold())

    def on_event(self, state: MatchState, member: Member) -> None:
        """An episode of this instant, or one more event of the one still open."""
        state.hold.pulse(self.options, member.time, None, (member,))

    def due(self, state: MatchState) -> Micros | None:
        """When `keep_firing_for` is over."""
        return state.hold.due(self.options)

    def advance(self, state: MatchState, now: Micros) -> None:
        """End the episode that nothing prolonged."""
        state.hold.advance(self.options, now)

    def empty(self, state: MatchState) -> bool:
        """No episode is open."""
        return state.hold.idle

    def span(self, key: KeyValues) -> Micros:
        return self.options.keep

    def explain(self, state: MatchState, now: Micros) -> Explained:
        """An event is all there is to it."""
        return Explained()

    def relaxed(self) -> Iterator[Relaxed]:
        if self.options.keep:
            yield Relaxed("keep_firing_for", Match(HoldOptions()))


def problems(spec: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """A match has no fields of its own that could contradict each other."""
    return []


def compile_rule(spec: Mapping[str, Any], options: HoldOptions, zone: ZoneInfo, **context: Any) -> Detector:
    """A detector for one rule; `for` has no meaning for an instant."""
    options, near = HoldOptions(keep=options.keep), spec.get("near")
    return Match(options) if near is None else MatchCircles(options, near)
