"""What kind `absence` means, said slowly: the whole history, no state, no timers.

The watch runs from each event (or the start of it) to the next. Within such a stretch the entity is silent from its
deadline on, if the next event comes later than that; it is forgotten at the end of `forget_after`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from streams.clocks import AFTER_ALL
from streams.records import Member, Micros

Told = tuple[Micros, Micros | None, list[str], str]
NEVER = 10**18


class Terms(msgspec.Struct, frozen=True):
    """The numbers of a rule; `start`: a registered entity is watched from then on."""

    every: Micros
    grace: Micros = 0
    forget: Micros = NEVER
    start: Micros | None = None
    wait: Micros = 0
    keep: Micros = 0

    @property
    def registered(self) -> bool:
        """Whether a register expects it: then it is never forgotten."""
        return self.start is not None


def episodes(members: Sequence[Member], terms: Terms, until: Micros = AFTER_ALL) -> list[Told]:
    """(opened, closed, evidence, ended) of the silences, `for` and `keep_firing_for` applied to them."""
    return _held(_silences(sorted(members, key=lambda member: member.order), terms, until), terms, until)


def _silences(ordered: Sequence[Member], terms: Terms, until: Micros) -> list[tuple[Micros, Micros | None, str, str]]:
    """(begin, end, last event, why it ended) of every silence that is over or begun before `until`."""
    marks = [(one.time, one.id) for one in ordered]
    if terms.start is not None:
        marks = [(terms.start, ""), *marks]
    found: list[tuple[Micros, Micros | None, str, str]] = []
    for number, (time, identity) in enumerate(marks):
        following = marks[number + 1][0] if number + 1 < len(marks) else None
        begin = time + terms.every + terms.grace
        if begin >= (until if following is None else min(following, until)):
            continue
        forgotten = time + max(terms.forget, terms.every + terms.grace) + 1
        limit = until if following is None else following
        if not terms.registered and forgotten < limit:
            found.append((begin, forgotten, identity, "forgotten"))
        else:
            found.append((begin, following, identity, ""))
    return found


def _held(silences: list[tuple[Micros, Micros | None, str, str]], terms: Terms, until: Micros) -> list[Told]:
    """Each silence lasts `for` before it counts; gaps of at most `keep` are bridged."""
    joined: list[tuple[Micros, Micros | None, list[str], str]] = []
    for begin, end, identity, why in silences:
        opened = begin + terms.wait
        proof = [identity] if identity else []
        previous = joined[-1] if joined else None
        bridged = previous is not None and previous[1] is not None and begin <= previous[1] + terms.keep and terms.keep
        if bridged and previous is not None and previous[3] != "forgotten":
            joined[-1] = (previous[0], end, [*previous[2], *proof], why)
        elif opened < (until if end is None else min(end, until)):
            joined.append((opened, end, proof, why))
    told: list[Told] = []
    for opened, end, proof, why in joined:
        if end is None:
            told.append((opened, None, proof, ""))
        elif why == "forgotten":
            told.append((opened, end, proof, why))
        else:
            closed = end + terms.keep
            told.append((opened, closed if not terms.keep or closed < until else None, proof, ""))
    return told
