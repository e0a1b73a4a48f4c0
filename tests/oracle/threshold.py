"""The kind `threshold`, said slowly: over the whole history, without state and without timers.

First every moment at which the window is judged, each from the bare list of events; then the
episodes, read off the list of judgements.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from math import inf
from typing import Any
from zoneinfo import ZoneInfo

from streams.clocks import AFTER_ALL, DAY, HOUR, MINUTE, WEEK, moment, parse_rfc3339
from streams.judging.episodes import EVIDENCE_LIMIT
from streams.records import Member
from streams.specs import Measure, Test, Window

BEFORE_EVENTS, EVENT, AFTER_EVENTS, DEADLINE = range(4)
Moment = tuple[int, int, int]
UTC = ZoneInfo("UTC")


@dataclass(frozen=True)
class Case:
    """A rule and its key's history."""

    window: Window
    measure: Measure
    condition: Test
    members: tuple[Member, ...]
    recovery: Test | None = None
    min_events: int = 0
    wait: int = 0
    keep: int = 0
    zone: ZoneInfo = UTC


@dataclass(frozen=True)
class Judgement:
    """What is found at a moment: `met`, `unmet`, `between` (neither condition nor recovery), `absent`."""

    moment: Moment
    status: str
    value: Any = None
    inside: tuple[Member, ...] = ()
    fresh: tuple[Member, ...] = ()

    @property
    def at(self) -> int:
        return self.moment[0]


@dataclass
class Told:
    """An episode as the oracle tells it."""

    opened: int
    closed: int | None
    value: Any
    ended: str
    evidence: list[str]


# --- what a window measures


def nearest(exact: Fraction) -> float:
    """The float next to it; beyond the largest it is infinite."""
    try:
        return float(exact)
    except OverflowError:
        return inf if exact > 0 else -inf


def measured(measure: Measure, inside: tuple[Member, ...]) -> Any:
    values = [one.value for one in inside]
    match measure.name:
        case "count":
            return len(values)
        case "distinct":
            return len({(type(v) is bool, v) for v in values})
        case "sum":
            total = sum(map(Fraction, values), Fraction())
            whole = all(type(v) is int for v in values) and -2**63 <= total < 2**63
            return int(total) if whole else nearest(total)
    if not values:
        return None
    match measure.name:
        case "avg":
            return nearest(sum(map(Fraction, values), Fraction()) / len(values))
        case "max" | "min":
            best = max(values) if measure.name == "max" else min(values)
            return [v for v in values if v == best][-1]
        case "percentile":
            return percentile(sorted(values), measure.percentile or 0)
        case "ratio":
            return float(Fraction(values.count(True), len(values)))
        case "slope":
            return slope(inside, measure.per)
        case "spread":
            largest, smallest = (measured(Measure(name, measure.text), inside) for name in ("max", "min"))
            return fitted(largest - smallest)
        case "deviation":
            return deviation(inside)
    raise AssertionError(measure.name)


def fitted(found: Any) -> Any:
    return float(found) if found >= 2**63 else found


def deviation(inside: tuple[Member, ...]) -> Any:
    """The distance of the middle of the newest's place from the middle of those of the other places."""
    of: dict[Any, list[Any]] = {}
    for one in inside:
        assert one.position is not None
        of.setdefault((one.position.lat, one.position.lon), []).append(one.value)
        newest = (one.position.lat, one.position.lon)
    others = [middle(values) for place, values in of.items() if place != newest]
    return float(abs(middle(of[newest]) - middle(others))) if len(others) >= 3 else None


def middle(values: list[Any]) -> Any:
    low, high = sorted(values)[(len(values) - 1) // 2], sorted(values)[len(values) // 2]
    return low if len(values) % 2 else (low + high) / 2


def percentile(values: list[Any], percent: int) -> float:
    place = Fraction((len(values) - 1) * percent, 100)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return nearest(Fraction(values[low]) + (place - low) * (Fraction(values[high]) - Fraction(values[low])))


def slope(inside: tuple[Member, ...], per: int) -> float | None:
    middle = Fraction(sum(one.time for one in inside), len(inside))
    mean = sum((Fraction(one.value) for one in inside), Fraction()) / len(inside)
    spread = sum(((one.time - middle) ** 2 for one in inside), Fraction())
    rise = sum(((one.time - middle) * (Fraction(one.value) - mean) for one in inside), Fraction())
    return nearest(rise / spread * per) if spread else None


# --- where windows end


@lru_cache(maxsize=1000)
def day_begins(zone: ZoneInfo, day: date) -> int:
    """The first minute that shows the date, found by looking at every one of them."""
    noon = parse_rfc3339(f"{day.isoformat()}T12:00:00Z")
    return next(t for t in range(noon - 30 * 60 * MINUTE, noon + 30 * 60 * MINUTE, MINUTE)
                if moment(t, zone).date() >= day)


@lru_cache(maxsize=10_000)
def edges(window: Window, zone: ZoneInfo, first: int, last: int) -> list[int]:
    """All ends of windows in [first, last]."""
    hop = (window.size if window.type == "tumbling" else window.hop) or 0
    day, found = moment(first, zone).date() - timedelta(days=2 + hop // DAY), []
    while day_begins(zone, day) <= last:
        begin, end = day_begins(zone, day), day_begins(zone, day + timedelta(days=1))
        if hop % DAY:
            skipped = max(0, (first - begin) // hop)
            found += list(range(begin + skipped * hop, min(end, last + 1), hop))
        elif (day - (date(1970, 1, 1) if hop % WEEK else date(1969, 12, 29))).days % (hop // DAY) == 0:
            found.append(begin)
        day += timedelta(days=1)
    return [edge for edge in sorted(set(found)) if first <= edge <= last]


def change(window: Window) -> int:
    """By how much more a day can be too long; nothing for windows so short that no day matters."""
    return 2 * HOUR if (window.size or 0) >= MINUTE else 0


@lru_cache(maxsize=10_000)
def begins(window: Window, zone: ZoneInfo, end: int) -> int:
    """Where the window that ends at the edge `end` begins."""
    size, hop = window.size or 0, window.hop or 0
    if window.type == "tumbling":
        return max(edge for edge in edges(window, zone, end - size - change(window), end) if edge < end)
    if size % DAY == 0 and hop % DAY == 0:
        return day_begins(zone, moment(end, zone).date() - timedelta(days=size // DAY))
    return end - size


# --- every moment at which the window is judged


def reaching(case: Case) -> bool:
    return (case.measure.name, case.condition.op) in {
        ("count", "gt"), ("count", "gte"), ("distinct", "gt"), ("distinct", "gte"), ("max", "gt"),
        ("max", "gte"), ("min", "lt"), ("min", "lte"), ("spread", "gt"), ("spread", "gte")}


def judged(case: Case, moment: Moment, inside: tuple[Member, ...], fresh: tuple[Member, ...]) -> Judgement:
    value = None if len(inside) < case.min_events else measured(case.measure, inside)
    if value is None:
        status = "absent"
    elif case.condition.holds(value):
        status = "met"
    elif case.recovery is None or case.recovery.holds(value):
        status = "unmet"
    else:
        status = "between"
    return Judgement(moment, status, value, inside, fresh)


def judgements(case: Case) -> list[Judgement]:
    by_type = {"sliding": sliding, "tumbling": aligned, "hopping": aligned, "session": sessions}
    found = list(by_type[case.window.type](case)) if case.members else []
    return sorted(found, key=lambda one: one.moment)


def sliding(case: Case) -> Iterator[Judgement]:
    members, size = case.members, case.window.size or 0
    for i, one in enumerate(members):
        inside = tuple(m for m in members[:i + 1] if m.time > one.time - size)
        yield judged(case, (one.time, EVENT, i), inside, (one,))
    for leaves in {one.time + size for one in members}:
        inside = tuple(m for m in members if leaves - size < m.time < leaves)
        yield judged(case, (leaves, BEFORE_EVENTS, 0), inside, ())


def aligned(case: Case) -> Iterator[Judgement]:
    members, window, zone = case.members, case.window, case.zone
    last = members[-1].time + (window.size or 0) + 3 * (window.hop or window.size or 0) + change(window)
    ends = edges(window, zone, members[0].time + 1, last)
    for end, following in pairwise(ends):
        begin, next_begin = begins(window, zone, end), begins(window, zone, following)
        inside = tuple(m for m in members if begin <= m.time < end)
        begun = tuple(m for m in members if next_begin <= m.time < end)
        whole = judged(case, (end, BEFORE_EVENTS, 0), inside, inside)
        if not reaching(case):
            yield whole
        elif judged(case, whole.moment, begun, ()).status != "met":
            yield at_end(case, whole)
    if reaching(case):
        for i, one in enumerate(members):
            begin = begins(window, zone, min(edge for edge in ends if edge > one.time))
            inside = tuple(m for m in members[:i + 1] if m.time >= begin)
            yield from met_only(judged(case, (one.time, EVENT, i), inside, (one,)))


def sessions(case: Case) -> Iterator[Judgement]:
    for run in runs(case):
        moment = run_ends(case, run)
        whole = judged(case, moment, run, run)
        yield at_end(case, whole) if reaching(case) else whole
        yield Judgement((*moment[:2], 1), "absent")
        if reaching(case):
            for i in range(len(run)):
                at = (run[i].time, EVENT, case.members.index(run[i]))
                yield from met_only(judged(case, at, run[:i + 1], (run[i],)))


def runs(case: Case) -> list[tuple[Member, ...]]:
    found: list[list[Member]] = []
    for one in case.members:
        longest = case.window.max
        near = bool(found) and one.time - found[-1][-1].time <= (case.window.gap or 0)
        if near and (longest is None or one.time < found[-1][0].time + longest):
            found[-1].append(one)
        else:
            found.append([one])
    return [tuple(run) for run in found]


def run_ends(case: Case, run: tuple[Member, ...]) -> Moment:
    end = run[-1].time + (case.window.gap or 0)
    if case.window.max is not None and run[0].time + case.window.max <= end:
        return (run[0].time + case.window.max, BEFORE_EVENTS, 0)
    return (end, AFTER_EVENTS, 0)


def met_only(judgement: Judgement) -> Iterator[Judgement]:
    """Before a window's end a reaching condition can be met; that it is not yet says nothing."""
    if judgement.status == "met":
        yield judgement


def at_end(case: Case, whole: Judgement) -> Judgement:
    """The end of a window ends what it met, but with `recovery` only if its whole value satisfies that."""
    if case.recovery is None:
        status = "unmet"
    elif whole.status == "met":
        status = "between"
    else:
        status = whole.status
    return Judgement(whole.moment, status, whole.value)


# --- the episodes that follow from the judgements


def given_up(case: Case, since: int) -> int:
    """The last moment at which a value absent `since` may come back."""
    window = case.window
    span = window.size or window.max or window.gap or 0
    deadline = since + max(span, case.wait, case.keep)
    if window.type == "session":
        for run in runs(case):
            if run[0].time <= deadline <= run_ends(case, run)[0]:
                return run_ends(case, run)[0]
    elif window.type != "sliding":
        hop = window.hop or window.size or 0
        end = edges(window, case.zone, deadline + 1, deadline + hop + change(window))[0]
        begin = begins(window, case.zone, end)
        if any(begin <= m.time <= deadline for m in case.members):
            return end
    return deadline


def episodes(case: Case, until: int = AFTER_ALL) -> list[Told]:
    """What is known when the clock stands at `until`: what is due at or before it, before its events."""
    now = (until, BEFORE_EVENTS, 9)
    known = [one for one in judgements(case) if one.moment <= now]
    found: list[Told] = []
    place = 0
    while place < len(known):
        if known[place].status == "met":
            told, place = episode(case, known, place, now)
            found += [told] if told else []
        else:
            place += 1
    return found


def over(deadline: int, moment: Moment) -> bool:
    return (deadline, DEADLINE, 0) < moment


def episode(case: Case, known: list[Judgement], first: int, now: Moment) -> tuple[Told | None, int]:
    """The episode of a condition met at `known[first]`, if it opens, and where to go on."""
    opened, place = opening(case, known, first, now)
    if opened is None:
        return None, place
    closed, ended, onward = closing(case, known, place, now)
    proof, values = list(known[first].inside), []
    for one in known[first:onward]:
        if one.status == "met":
            values.append(one.value)
            proof += [m for m in one.fresh if m not in proof]
    return tell(case, opened, closed, values, ended, proof), onward


def closing(case: Case, known: list[Judgement], place: int, now: Moment) -> tuple[int | None, str, int]:
    """When an episode opened at or after `known[place]` closes, why, and where to go on."""
    bridged = absent = None
    for index in range(place + 1, len(known) + 1):
        moment = known[index].moment if index < len(known) else now
        if bridged is not None and over(bridged + case.keep, moment):
            return bridged + case.keep, "", index
        if bridged is None and absent is not None and over(given_up(case, absent), moment):
            return absent, "no_data", index
        if index == len(known):
            break
        one = known[index]
        if one.status == "absent":
            absent = one.at if absent is None else absent
            continue
        absent = None
        if one.status == "met":
            bridged = None
        elif one.status == "unmet" and not case.keep:
            return one.at, "", index
        elif one.status == "unmet" and bridged is None:
            bridged = one.at
    return None, "", len(known)


def opening(case: Case, known: list[Judgement], first: int, now: Moment) -> tuple[int | None, int]:
    """When `for` is over, and the judgement then in force; (None, where to go on) if it was broken."""
    deadline = known[first].at + case.wait
    if not case.wait:
        return known[first].at, first
    absent: int | None = None
    for index in range(first, len(known)):
        one = known[index]
        if absent is not None and over(given_up(case, absent), one.moment):
            return None, index
        if one.status == "absent":
            absent = one.at if absent is None else absent
        elif one.status != "met":
            return None, index + 1
        else:
            if absent is not None and one.at > deadline:
                return one.at, index
            absent = None
            following = known[index + 1].moment if index + 1 < len(known) else now
            if over(deadline, following):
                return deadline, index
    return None, len(known)


def tell(case: Case, opened: int, closed: int | None, values: list[Any], ended: str,
         proof: list[Member]) -> Told:
    value = values[0]
    for one in values[1:]:
        if case.condition.op in ("gt", "gte"):
            value = max(value, one)
        elif case.condition.op in ("lt", "lte"):
            value = min(value, one)
        else:
            value = one
    return Told(opened, closed, value, ended, [one.id for one in proof[:EVIDENCE_LIMIT]])
