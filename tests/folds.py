"""The plainest way to run a detector: one key, everything in order. For tests of kinds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from streams.clocks import AFTER_ALL, BEFORE_ALL
from streams.judging.episodes import Episode
from streams.kinds import Detector
from streams.records import KeyValues, Member


def member(time: int, id: str, roles: int = 1, value: Any = None, **facts: Any) -> Member:
    """A member whose offset follows from its id's digits, so that equal times have an order."""
    digits = "".join(c for c in id if c.isdigit())
    return Member(time, "s", 0, int(digits or 0), id, roles, value, facts or None)


def fold(
    detector: Detector, members: Iterable[Member], until: int = AFTER_ALL, key: KeyValues = ("k",),
    start: int = 0, restart: bool = True,
) -> list[Episode]:
    """All episodes of one key. With `restart` the state goes through its bytes at every step."""
    state = detector.start(key, start)
    for one in sorted(members, key=lambda m: m.order):
        detector.advance(state, one.time)
        detector.on_event(state, one)
        if restart:
            state = through_bytes(detector, state)
    detector.advance(state, until)
    return list(state.hold.episodes)


def through_bytes(detector: Detector, state: Any) -> Any:
    """The state as a restart would find it."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=detector.state_type)


def fold_often(detector: Detector, members: Iterable[Member], until: int = AFTER_ALL, key: KeyValues = ("k",),
               start: int = 0) -> Any:
    """The state after all members, with time told whenever something is due, and just before that.

    Asserts what `Detector.advance` promises: before a due time nothing changes, and time moves.
    """
    state = detector.start(key, start)
    for one in sorted(members, key=lambda m: m.order):
        tell_time(detector, state, one.time)
        detector.on_event(state, one)
    tell_time(detector, state, until)
    return state


def tell_time(detector: Detector, state: Any, now: int) -> None:
    """Advance by as many calls as there are due times."""
    while (due := detector.due(state)) is not None and due <= now:
        before = msgspec.msgpack.encode(state)
        detector.advance(state, due - 1)
        assert msgspec.msgpack.encode(state) == before
        detector.advance(state, due)
        following = detector.due(state)
        assert following is None or following > due
    before = msgspec.msgpack.encode(state)
    detector.advance(state, now)
    assert msgspec.msgpack.encode(state) == before


def fold_forgetting(detector: Detector, members: Iterable[Member], until: int = AFTER_ALL, key: KeyValues = ("k",),
                    start: int = 0) -> list[Episode]:
    """All episodes of one key whose state is thrown away whenever the detector says that it is empty."""
    state, told = detector.start(key, start), []
    for one in [*sorted(members, key=lambda m: m.order), None]:
        detector.advance(state, until if one is None else one.time)
        if detector.empty(state):
            told += state.hold.episodes
            state = detector.start(key, BEFORE_ALL)
        if one is not None:
            detector.on_event(state, one)
    return [*told, *state.hold.episodes]
