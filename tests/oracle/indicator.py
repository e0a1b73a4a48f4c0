"""Indicators, said slowly: every period's window is measured over the whole history, every status looked up anew."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass
from typing import Any

from streams.records import Member

GRAVITY = {"green": 0, "amber": 1, "red": 2}


@dataclass
class Asked:
    """What is measured; times are µs from a midnight, no zone. `measure` is count, sum, avg or p50; `top` a number."""

    every: int
    window: int
    measure: str = "count"
    amber: float = 0
    red: float = 0
    good: str = "low"
    margin: float = 0
    hold: int = 1
    min_events: int = 0
    top: int = 0


@dataclass
class Told:
    """A reading as the oracle tells it."""

    at: int
    value: Any
    count: int
    status: str
    since: int


def readings(asked: Asked, members: list[Member]) -> list[Told]:
    """All readings, once the clock has come to the end."""
    counted = [one for one in members if asked.measure == "count" or one.value is not None]
    if asked.top:
        counted = [one for one in members if one.value is not None and None not in one.value]
    if not counted:
        return []
    told: list[Told] = []
    run: list[Told] = []
    last = max(one.time for one in counted) // asked.every
    beyond = asked.window * 2 // asked.every + 2
    for end in range(asked.every, (last + beyond) * asked.every + 1, asked.every):
        if not _kept(asked, counted, end) and not _kept(asked, counted, end - asked.every):
            continue
        inside = [one for one in counted if end - asked.window <= one.time < end]
        if asked.top:
            before = [one for one in counted if end - 2 * asked.window <= one.time < end - asked.window]
            run.append(Told(end, _top(asked, inside, before), len(inside), "none", 0))
        else:
            value = _value(asked, inside)
            run.append(Told(end, value, len(inside), _status(asked, run, value), 0))
        run[-1].since = _since(run)
        told.append(run[-1])
        if not _kept(asked, counted, end):
            run = []
    return told


def _kept(asked: Asked, counted: list[Member], end: int) -> bool:
    """Whether anything is left in what is looked at."""
    back = asked.window * (2 if asked.top else 1)
    return any(end - back <= one.time < end for one in counted)


def _value(asked: Asked, inside: list[Member]) -> Any:
    values = [one.value for one in inside]
    if len(inside) < asked.min_events:
        return None
    match asked.measure:
        case "count":
            return len(inside)
        case "sum":
            return sum(values)
        case "avg":
            return statistics.fmean(values) if values else None
    return float(statistics.median(values)) if values else None


def _top(asked: Asked, inside: list[Member], before: list[Member]) -> list[Any]:
    now, then = Counter(tuple(one.value) for one in inside), Counter(tuple(one.value) for one in before)
    ranked = sorted(now.items(), key=lambda pair: (-pair[1], pair[0]))
    return [[list(parts), number, then[parts]] for parts, number in ranked][: asked.top]


def _band(asked: Asked, value: float, margin: float) -> str:
    if asked.good == "low":
        return "red" if value >= asked.red - margin else "amber" if value >= asked.amber - margin else "green"
    return "red" if value <= asked.red + margin else "amber" if value <= asked.amber + margin else "green"


def _asks(asked: Asked, status: str, value: Any) -> str:
    """What a value asks for while the status is another one."""
    plain = _band(asked, value, 0)
    if GRAVITY[plain] >= GRAVITY[status]:
        return plain
    held = _band(asked, value, asked.margin)
    return held if GRAVITY[held] < GRAVITY[status] else status


def _status(asked: Asked, run: list[Told], value: Any) -> str:
    if value is None:
        return "unknown"
    if not run or run[-1].status == "unknown":
        return _band(asked, value, 0)
    status = run[-1].status
    since_change = [one for one in run if one.at > run[-1].since and one.value is not None]
    sides = [_side(asked, status, one.value) for one in since_change] + [_side(asked, status, value)]
    last = sides[-asked.hold:]
    turned = len(last) == asked.hold and all(side == last[0] != 0 for side in last)
    return _asks(asked, status, value) if turned else status


def _side(asked: Asked, status: str, value: Any) -> int:
    wanted = GRAVITY[_asks(asked, status, value)] - GRAVITY[status]
    return (wanted > 0) - (wanted < 0)


def _since(run: list[Told]) -> int:
    if len(run) > 1 and run[-1].status == run[-2].status:
        return run[-2].since
    return run[-1].at
