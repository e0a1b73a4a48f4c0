"""The kinds of rules. A kind is one file: fields, manual text and fold; this table names them all.

What a kind must offer is `Detector`: a rule of that kind, compiled. It sees the members of one
key in order and knows nothing of lateness, logs or other keys; its state is a msgspec struct that
holds a `Hold`. The engine owns order, corrections, timers and identity.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any, Protocol, cast, runtime_checkable
from zoneinfo import ZoneInfo

import msgspec

from streams.explained import Explained, Relaxed
from streams.judging.episodes import Hold, HoldOptions
from streams.records import KeyValues, Member, Micros

BEGINS, ENDS, LOST = range(3)
"""What a member without roles tells, `[what, source]`: an outage above begins, was over, or was forgotten."""


class Frontier(enum.StrEnum):
    """How far a rule's conclusions run: to the newest event at once, or only to the clock."""

    HEAD = "head"
    CLOCK = "clock"


class Identity(enum.StrEnum):
    """How episodes before and after a correction are recognised as the same."""

    EVIDENCE = "evidence"  # same last evidence, else most shared evidence: match, sequence
    TIME = "time"  # the longest overlap in time: threshold, absence, hotspot


class Field(msgspec.Struct, frozen=True):
    """One field of a document: its name, its type for people and for `rulefile`, its manual text.

    `type` is one of the words that `rulefile` can read (duration, cel, path, integer, number,
    string, boolean, condition, window, measure, steps, expect ...); `values` closes a string. `instead` names
    the field that may stand in its place.
    """

    name: str
    type: str
    doc: str
    required: bool = False
    default: Any = None
    values: tuple[str, ...] = ()
    instead: str = ""


class State(Protocol):
    """What every kind's state has: the episodes. It is a msgspec struct."""

    hold: Hold


class Detector(Protocol):
    """One rule of a kind, compiled. All times are event time.

    The engine calls, in order of time: `advance(state, now)` with `now` = the next member's time,
    then `on_event`; and `advance(state, now)` as the clock moves. `advance` does what is due at or
    before `now` and nothing else: without a due time it changes nothing.
    """

    @property
    def frontier(self) -> Frontier:
        """How far its conclusions run."""

    @property
    def identity(self) -> Identity:
        """How its episodes are recognised after a correction."""

    @property
    def state_type(self) -> type[msgspec.Struct]:
        """The struct that `start` gives."""

    why: str  # one sentence for the author: why this frontier
    horizon: Micros  # how long after an event a conclusion can still follow from it

    def start(self, key: KeyValues, now: Micros) -> Any:
        """A new key's state."""

    def on_event(self, state: Any, member: Member) -> None:
        """Take the next member."""

    def due(self, state: Any) -> Micros | None:
        """When `advance` has something to do; None if nothing waits for time."""

    def advance(self, state: Any, now: Micros) -> None:
        """Do what is due at or before `now`, in order of time."""

    def empty(self, state: Any) -> bool:
        """Whether nothing is left but closed episodes, so that the key can be forgotten."""


@runtime_checkable
class Renews(Protocol):
    """What a detector offers whose states hold something that the bundle's registers say of their key."""

    def renew(self, state: Any, key: KeyValues) -> bool:
        """Take over what the registers say now; whether that is something else. The state is then folded on."""


@runtime_checkable
class StandsAbove(Protocol):
    """What a detector offers whose rule can explain silences of others."""

    def undecided(self, state: Any) -> Micros | None:
        """From when on an episode may be found that began before the clock; None: there can be none."""


class Explains(Protocol):
    """What a detector may offer besides, so that people can be told why it holds, or not."""

    def span(self, key: KeyValues) -> Micros:
        """How far from a moment, both ways, events have to do with it."""

    def explain(self, state: Any, now: Micros) -> Explained:
        """The facts of a state that has come to `now`."""

    def relaxed(self) -> Iterator[Relaxed]:
        """The rule without one of its demands, for each that can be why it does not hold."""


class Kind(Protocol):
    """A kind, as its file offers it: `FIELDS` beside the common ones, and how a rule of it is compiled.

    It may offer besides: `FACTS`, what texts can name beside what events say, each with its meaning; `SUMMARY`, the
    text of a rule that writes none; `measured(spec)`, the expression of what it keeps of an event, where no
    `measure` says that; and `counting(spec, zone)`, a detector for what is measured, each value being a key of its own:
    its episodes then are the events of the rule's detector (`Rule.counting`).
    """

    NAME: str
    FIELDS: tuple[Field, ...]

    def problems(self, spec: Mapping[str, Any]) -> list[tuple[str, str, str]]:
        """Contradictions within the fields as parsed: (field, what is wrong, what to do)."""

    def compile_rule(self, spec: Mapping[str, Any], options: HoldOptions, zone: ZoneInfo, **context: Any) -> Detector:
        """A detector for one rule whose fields have no problems."""


NAMES = ("match", "threshold", "sequence", "absence", "hotspot")


@cache
def all_kinds() -> Mapping[str, Kind]:
    """Every kind by its name."""
    return {name: cast(Kind, import_module(f"streams.kinds.{name}")) for name in NAMES}
