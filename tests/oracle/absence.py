"""The kind `absence`, said slowly: over the whole history, without state and without timers.

First every silence there was: after which report it began, and what ended it. Then the episodes,
read off the list of silences. A clock that came to `until` knows only what is over before it.
Of outages above and `keep_firing_for` together it knows nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from streams.clocks import AFTER_ALL
from streams.records import Member


@dataclass(frozen=True)
class Case:
    """A rule and its key's history. `start` is the switch to the rule; `register`: the key stands in one.

    `outages` are those of what stands above: nothing was heard of it after the first time, until the second.
    """

    every: int | None
    members: tuple[Member, ...]
    grace: int = 0
    forget_after: int = 10**9
    register: bool = False
    wait: int = 0
    keep: int = 0
    start: int = 0
    outages: tuple[tuple[int, int | None], ...] = ()


@dataclass
class Told:
    """An episode as the oracle tells it."""

    opened: int
    closed: int | None
    ended: str
    evidence: list[str]


@dataclass(frozen=True)
class Silence:
    """Nothing came from `begins` on, until `ends` (None: not yet); `before` is the last report, if any."""

    begins: int
    ends: int | None
    forgotten: bool
    before: Member | None


def silences(case: Case, until: int) -> Iterator[Silence]:
    """All silences that began before `until`."""
    if case.every is None:
        return
    first: list[tuple[int, Member | None]] = [(case.start, None)] if case.register else []
    reports = [*first, *((one.time, one) for one in case.members if one.time < until), None]
    for report, following in pairwise(reports):
        assert report is not None
        time, member = report
        counted = counted_from(case, time)
        if counted is None or counted >= until:
            continue  # nothing is known of it, or not yet
        begins = counted + case.every + case.grace
        forget = counted + max(case.forget_after, case.every + case.grace + case.wait + 1)
        heard = following is not None and (case.register or following[0] <= forget)
        if following is not None and following[0] <= begins or begins >= until:
            continue  # it reported in time, or nobody knows yet
        if heard:
            assert following is not None
            yield Silence(begins, following[0], False, member)
        elif case.register or forget >= until:
            yield Silence(begins, None, False, member)
        else:
            yield Silence(begins, forget, True, member)


def counted_from(case: Case, time: int) -> int | None:
    """From when the silence after a report is counted; None if an outage hides whether there is one."""
    assert case.every is not None
    allowed = case.every + case.grace + case.wait
    while hiding := [ends for begins, ends in case.outages
                     if begins < time + allowed and (ends is None or ends > time)]:
        ends = min((end for end in hiding if end is not None), default=None)
        if ends is None or (not case.register and time + max(case.forget_after, allowed + 1) < ends):
            return None
        time = ends
    return time


def episodes(case: Case, until: int = AFTER_ALL) -> list[Told]:
    """All that is known once the clock has come to `until`."""
    found: list[Told] = []
    bridge: int | None = None  # the last moment at which a silence goes on with the episode before it
    for one in silences(case, until):
        proof = [] if one.before is None else [one.before.id]
        if bridge is not None and one.begins <= bridge:
            found[-1].evidence += proof
        elif one.begins + case.wait < min(until, AFTER_ALL if one.ends is None else one.ends):
            found.append(Told(one.begins + case.wait, None, "", proof))
        else:
            continue  # over before `for` was
        closes = None if one.ends is None else one.ends + (0 if one.forgotten else case.keep)
        bridge = None if one.forgotten else closes
        found[-1].closed = closes if closes is not None and (one.forgotten or closes < until) else None
        found[-1].ended = "forgotten" if one.forgotten else ""
    return found
