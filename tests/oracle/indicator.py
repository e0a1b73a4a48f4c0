"""Indicators, said slowly: every period's window is measured over the whole history, every status looked up anew."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from streams.records import Member
from streams.unusual.baselines import Baseline, Counts, Learnt, Season, Values

GRAVITY = {"green": 0, "amber": 1, "red": 2}


@dataclass
class Asked:
    """What is measured; times are µs from a midnight, no zone. `measure` is count, sum, avg or p50; `top` a number.

    With `memory` there is a baseline, believed after `enough` periods; `rare` says that `amber` and `red` are
    probabilities.
    """

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
    memory: int = 0
    enough: int = 4
    rare: bool = False

    @property
    def counts(self) -> bool:
        return bool(self.top) or self.measure == "count"

    @property
    def baseline(self) -> Baseline:
        season = Season("none", self.every, ZoneInfo("UTC"))
        return (Counts if self.counts else Values)(season, self.memory, self.enough, self.window // self.every)


@dataclass
class Told:
    """A reading as the oracle tells it."""

    at: int
    value: Any
    count: int
    status: str
    since: int
    usual: list[Any] | None = None


@dataclass
class Known:
    """What is known before a period ends: what the baseline has learnt, and how often each thing came."""

    learnt: Learnt
    came: dict[str, float] = field(default_factory=dict)
    total: float = 0.0


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
        known = _known(asked, counted, end, bool(inside)) if asked.memory else None
        usual = None if known is None else _usual(asked, known, end)
        if asked.top:
            before = [one for one in counted if end - 2 * asked.window <= one.time < end - asked.window]
            run.append(Told(end, _top(asked, inside, before, known), len(inside), "none", 0, usual))
        else:
            value = _value(asked, inside)
            marks = (asked.amber, asked.red) if usual is None else (usual[4], usual[5])
            warming = usual is not None and asked.rare and usual[3]
            run.append(Told(end, value, len(inside), _status(asked, run, value, marks, warming), 0, usual))
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


def _top(asked: Asked, inside: list[Member], before: list[Member], known: Known | None) -> list[Any]:
    now, then = (sorted(Counter(tuple(one.value) for one in part).items(), key=lambda pair: (-pair[1], pair[0]))
                 for part in (inside, before))
    earlier, places = dict(then), [parts for parts, _ in then]
    return [[list(parts), number, earlier.get(parts, 0), places.index(parts) + 1 if parts in places else None,
             *_of_late(asked, parts, earlier, known)] for parts, number in now][: asked.top]


def _of_late(asked: Asked, parts: tuple[Any, ...], earlier: dict[Any, int], known: Known | None) -> tuple[Any, bool]:
    """How often a thing usually comes, and whether it is new."""
    if known is None:
        return None, parts not in earlier
    came = known.came.get(f'["{parts[0]}"]', 0.0)
    blind = known.learnt.bins < asked.enough / 4
    expected = asked.baseline.outlook(known.learnt, 0).mean
    share = min(1.0, came / known.total) if known.total else 0.0
    return None if blind else round(expected * share, 2), came < (1e-9 if blind else 0.5) and parts not in earlier


def _known(asked: Asked, counted: list[Member], end: int, heard: bool) -> Known:
    """Everything learnt before a period ends, from the beginning; of one that is `heard`, empty ones before it too."""
    baseline, window, every = asked.baseline, asked.window, asked.every
    known, first, last = Known(baseline.begin()), counted[0].time, None
    for at in range(every, end + every, every):
        inside = [one for one in counted if at - window <= one.time < at]
        begun = min((one.time for one in inside), default=0)
        if last is not None and begun >= last + asked.memory and not _kept(asked, counted, begun // every * every):
            known, first, last = Known(baseline.begin()), inside[0].time, None
        if asked.counts and last is not None and inside and (at < end or heard):
            _learn_quiet(asked, known, baseline, range(last, at - every, every))
        if at == end or not inside:
            continue
        value = len(inside) if asked.counts else _value(asked, inside)
        if at - window >= first and value is not None:
            baseline.learn(known.learnt, at - every, value)
            if asked.top:
                _learn_came(asked, known, inside)
        last = at
    return known


def _learn_quiet(asked: Asked, known: Known, baseline: Baseline, quiet: range) -> None:
    apart = max(1, asked.window // asked.every)
    if quiet and (known.learnt.bins < asked.enough / 4 or not baseline.silent(known.learnt, list(quiet)[::apart])):
        for begin in quiet:
            baseline.learn(known.learnt, begin, 0)
            _learn_came(asked, known, [])


def _learn_came(asked: Asked, known: Known, inside: list[Member]) -> None:
    keep = 1.0 - min(1.0, asked.every / asked.memory)
    known.total = keep * known.total + len(inside)
    known.came = {name: keep * value for name, value in known.came.items()}
    for one in inside:
        name = f'["{one.value[0]}"]'
        known.came[name] = known.came.get(name, 0.0) + 1


def _usual(asked: Asked, known: Known, end: int) -> list[Any]:
    """Expected, low, high, whether it is warming, and where amber and red begin."""
    baseline = asked.baseline
    outlook, warming = baseline.outlook(known.learnt, end - asked.every), known.learnt.bins < asked.enough
    marks: list[Any] = [None if asked.top else asked.amber, None if asked.top else asked.red]
    if asked.rare:
        look = baseline.least if asked.good == "low" else baseline.most
        marks = [None if warming else look(outlook, p) for p in (asked.amber, asked.red)]
        marks = [None if asked.counts and mark is not None and mark < 0 else mark for mark in marks]
    if known.learnt.bins < asked.enough / 4:
        return [None, None, None, True, *marks]
    low, high = baseline.between(outlook)
    digits = 1 if asked.counts else max(0, 1 - math.floor(math.log10(max(1e-9, high - low))))
    return [*(round(one, digits) for one in (outlook.mean, low, high)), warming, *marks]


def _band(asked: Asked, value: float, margin: float, marks: tuple[Any, Any]) -> str:
    sign = 1 if asked.good == "low" else -1
    amber, red = (mark is not None and sign * (value - mark) >= -margin for mark in marks)
    return "red" if red else "amber" if amber else "green"


def _asks(asked: Asked, status: str, value: Any, marks: tuple[Any, Any]) -> str:
    """What a value asks for while the status is another one."""
    plain = _band(asked, value, 0, marks)
    if GRAVITY[plain] >= GRAVITY[status]:
        return plain
    held = _band(asked, value, asked.margin, marks)
    return held if GRAVITY[held] < GRAVITY[status] else status


def _status(asked: Asked, run: list[Told], value: Any, marks: tuple[Any, Any], warming: bool) -> str:
    if value is None or (warming and _band(asked, value, 0, marks) == "green"):
        return "unknown"
    if not run or run[-1].status == "unknown":
        return _band(asked, value, 0, marks)
    status = run[-1].status
    since_change = [one for one in run if one.at > run[-1].since and one.value is not None]
    sides = [_side(asked, status, one.value, _marks(asked, one)) for one in since_change]
    last = [*sides, _side(asked, status, value, marks)][-asked.hold:]
    turned = len(last) == asked.hold and all(side == last[0] != 0 for side in last)
    return _asks(asked, status, value, marks) if turned else status


def _marks(asked: Asked, told: Told) -> tuple[Any, Any]:
    return (asked.amber, asked.red) if told.usual is None else (told.usual[4], told.usual[5])


def _side(asked: Asked, status: str, value: Any, marks: tuple[Any, Any]) -> int:
    wanted = GRAVITY[_asks(asked, status, value, marks)] - GRAVITY[status]
    return (wanted > 0) - (wanted < 0)


def _since(run: list[Told]) -> int:
    if len(run) > 1 and run[-1].status == run[-2].status:
        return run[-2].since
    return run[-1].at
