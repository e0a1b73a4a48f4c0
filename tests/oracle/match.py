"""What kind `match` means, said slowly: the whole history, no state, no timers."""

from __future__ import annotations

from collections.abc import Sequence

from streams.clocks import AFTER_ALL
from streams.records import Member, Micros

Told = tuple[Micros, Micros | None, list[str]]


def episodes(members: Sequence[Member], keep: Micros, until: Micros = AFTER_ALL) -> list[Told]:
    """(opened, closed, evidence): without `keep` one an event, else runs of events at most `keep` apart."""
    ordered = sorted(members, key=lambda member: member.order)
    if not keep:
        return [(one.time, one.time, [one.id]) for one in ordered]
    runs: list[list[Member]] = []
    for one in ordered:
        if runs and one.time - runs[-1][-1].time <= keep:
            runs[-1].append(one)
        else:
            runs.append([one])
    return [(run[0].time, _end(run[-1].time + keep, until), [one.id for one in run]) for run in runs]


def _end(deadline: Micros, until: Micros) -> Micros | None:
    """A deadline is over once time is beyond it."""
    return deadline if deadline < until else None
