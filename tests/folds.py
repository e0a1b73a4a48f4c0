"""The plainest way to run a detector: one key, everything in order. For tests of kinds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from streams.clocks import AFTER_ALL
from streams.episodes import Episode
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
