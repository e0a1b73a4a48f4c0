"""Why a rule does not hold for a key: each of its demands is left out, each event it did not take is put in.

What makes the rule hold is the reason. Every trial is a fold of the service's own code over the events of the key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher, get_close_matches
from typing import Any, TypeVar

import msgspec

from streams.clocks import BEFORE_ALL
from streams.conditions import EvalError
from streams.explained import Explained, Relaxed
from streams.judging.episodes import Episode
from streams.kinds import Detector
from streams.places import distance
from streams.reasons import DeadReason, Fate
from streams.records import KeyValues, Member, Micros
from streams.rules import Exemption, Rule
from streams.tools.explain.causes import Cause
from streams.tools.explain.fits import Look, Onlooker, parts_of
from streams.tools.explain.folding import FOR_EVER, Lane, Region, centred, nearest
from streams.tools.explain.story import Arrived, Story, selects

ALIKE, SPELLED = 0.8, 0.7
"""From which likeness on two keys are taken for one, and a key that there is not for one that is misspelt."""
TRIED_AT_MOST = 60
FARTHER = 5
"""Circles so many times as large as `near` allows and larger are the reason only where nothing else is."""
Number = TypeVar("Number", int, float)
DEMANDS = {
    "not": ("step_forbidden", 30), "until": ("ended_by_until", 31), "for": ("for_too_short", 32),
    "strict": ("step_between", 33), "select": ("used_up", 34), "min_events": ("too_few_events", 35),
    "ordered": ("wrong_order", 56), "within": ("step_too_late", 55),
}
EXCLUDED = {
    "condition_failed": 40, "late": 41, "duplicate": 42, "no_key": 43, "no_value": 44, "exception": 45,
    "off_schedule": 46, "other_district": 44, "too_far": 47, "condition_false": 50, "other_key": 60,
}
FAR_OFF = 93
CLOSE = 10
"""A window missed by less than this part of it is the reason rather than a condition that is false."""
GROUPED = 20
"""How much worse a reason ranks that needs several events."""


class Excluded(msgspec.Struct, frozen=True):
    """An event that the key did not get, why, and the member that it would have been."""

    reason: str
    look: Look
    member: Member


class Inquiry:
    """One rule, one key, one moment."""

    def __init__(self, story: Story, onlooker: Onlooker, lane: Lane, asked: Region, looks: Sequence[Look],
                 named: bool = False) -> None:
        self.story, self.onlooker, self.lane, self.asked, self.looks = story, onlooker, lane, asked, looks
        self.named = named  # the key was
        self.rule: Rule = story.rule
        self.detector: Detector = lane.detector
        self.own = [member for member in lane.members if centred(member)]
        self.times = {member.id: member.time for member in lane.members}
        self.episodes: list[Episode] = lane.fold(FOR_EVER).hold.episodes
        self.known = {one.opened for one in self.episodes}

    def causes(self) -> list[Cause]:
        """Every reason that was found, the best first."""
        found = [*self.waiting(), *self.later()]
        if not found:
            found = [*self.demands(), *self.near_miss(), *self.too_far(), *self.excluded(), *self.dead(), *self.rest()]
        return sorted(found, key=lambda cause: cause.rank)

    # Time

    def waiting(self) -> Iterator[Cause]:
        """What will be concluded once the clock has come so far."""
        now = {one.opened for one in self.lane.fold(self.story.clock).hold.episodes}
        coming = [one for one in self.episodes if one.opened not in now and self._near(one)]
        one = nearest(coming, self.asked.at)
        if one is None or self.story.clock >= FOR_EVER:
            return
        slowest = min(self.story.clocks, key=lambda name: (self.story.clocks[name], name), default="")
        facts = {"due": one.opened, "source": slowest, "episode": one}
        silent = self.rule.kind == "absence" and self.story.heads.get(slowest, BEFORE_ALL) < one.opened
        if self.asked.at is None or self.asked.at >= one.opened:
            yield Cause("source_silent" if silent else "waits_for_clock", 20, facts)

    def later(self) -> Iterator[Cause]:
        """It did, but after the moment."""
        at = self.asked.at
        if at is not None:
            coming = [one for one in self.lane.fold(self.story.clock).hold.episodes
                      if at < one.opened <= self.asked.high]
            if coming:
                yield Cause("not_yet", 25, {"episode": coming[0], **self._state(at)})

    def _near(self, one: Episode) -> bool:
        """Whether an episode has to do with the moment, by itself or by the events that prove it."""
        if self.asked.holds(one.opened) or self.asked.covers(one.opened, one.closed):
            return True
        return any(self.asked.holds(self.times.get(id, BEFORE_ALL)) for id in one.evidence)

    def _new(self, detector: Detector | None = None, more: Sequence[Member] = (), without: int = 0) -> Episode | None:
        """An episode near the moment that the rule as it is does not have."""
        found = self.lane.fold(FOR_EVER, detector, more, without).hold.episodes
        return nearest([one for one in found if one.opened not in self.known and self._near(one)], self.asked.at)

    # Demands

    def demands(self) -> Iterator[Cause]:
        """Demands of the rule without which it would hold."""
        offered: Callable[[], Iterator[Relaxed]] | None = getattr(self.detector, "relaxed", None)
        for one in offered() if offered is not None else ():
            if one.demand in DEMANDS:
                episode = self._new(one.detector, without=one.ignored)
                if episode is not None:
                    reason, rank = DEMANDS[one.demand]
                    if one.demand == "min_events":
                        yield from self._too_few(episode)
                        continue
                    facts = {"episode": episode, "step": one.step, **self._of_demand(one, episode)}
                    yield Cause(reason, FAR_OFF if self._far_off(one, facts) else rank, facts)

    def _far_off(self, one: Relaxed, facts: Mapping[str, Any]) -> bool:
        """Whether the steps lie more than twice as far apart as the rule allows: then they hardly belong together."""
        within: Micros | None = self.rule.spec.get("within")
        times = [member.time for members in facts.get("bound", {}).values() for member in members]
        return one.demand == "within" and within is not None and max(times) - min(times) > 2 * within

    def _too_few(self, episode: Episode) -> Iterator[Cause]:
        """Fewer events than `min_events` are no news where fewer of them help the condition."""
        facts = self._state(max([episode.opened, *(self.times.get(id, BEFORE_ALL) for id in episode.evidence)]))
        measured = facts["facts"].measured
        few = measured is not None and len(measured.members) < (self.rule.spec.get("min_events") or 0)
        if few and measured.test.op in ("gt", "gte"):
            yield Cause("too_few_events", DEMANDS["min_events"][1], facts)

    def _of_demand(self, one: Relaxed, episode: Episode) -> dict[str, Any]:
        members = {member.id: member for member in self.lane.members}
        if one.ignored:
            first = members[episode.evidence[0]].time if episode.evidence else BEFORE_ALL
            culprits = [member for member in self.lane.members
                        if member.roles & one.ignored and first <= member.time <= episode.opened]
            early = [member for member in self.lane.members if member.roles & one.ignored and member.time < first]
            return {"culprit": culprits[0] if culprits else early[-1] if early else None}
        if one.demand == "for":
            return {"until": episode.closed}
        if one.demand == "select":
            return {"before": self._user_of(episode)}
        bound = {name: [members[id] for id in ids] for name, ids in (episode.bound or {}).items()}
        return {"bound": bound}

    def _user_of(self, episode: Episode) -> Episode | None:
        """The match that took the events of this one, or that covers its start."""
        taken = set(episode.evidence)
        others = self.episodes
        shared = [one for one in others if taken & set(one.evidence)]
        found = shared or nearest_before(others, episode)
        return found[0] if found else None

    # The window

    def near_miss(self) -> Iterator[Cause]:
        """How much longer the window would have to be."""
        wider = getattr(self.detector, "wider", None)
        size: Micros = getattr(self.detector, "size", 0)
        if wider is None or wider(size) is None:
            return
        found = first_that(self._sizes(size), lambda one: self._new(wider(one)) is not None)
        if found is not None:
            over, episode = found - 1 - size, self._new(wider(found))
            rank = 48 if over * CLOSE <= size else 55
            yield Cause("window_short", rank, {"over": over, "episode": episode, **self._best()})

    def too_far(self) -> Iterator[Cause]:
        """How much larger the circles would have to be."""
        farther = getattr(self.detector, "farther", None)
        radius: float = getattr(self.detector, "radius", 0.0)
        if farther is None:
            return
        radii = self._radii(radius)
        found = first_that(radii, lambda one: self._new(farther(one)) is not None)
        if found is not None:
            rank = 48 if found - radius <= radius / CLOSE else 57 if found <= FARTHER * radius else 88
            yield Cause("too_far", rank, {"radius": radius, "needed": found, "episode": self._new(farther(found)),
                                          **self._best()})

    def _radii(self, radius: float) -> list[float]:
        """The larger circles that could hold more."""
        here = ([one.position for one in members if one.position is not None and self.asked.holds(one.time)]
                for members in (self.own, self.lane.members))
        centres, places = (one[-TRIED_AT_MOST:] for one in here)
        apart = {distance(a.lat, a.lon, b.lat, b.lon) + 1e-6 for a in centres for b in places}
        return sorted(one for one in apart if radius < one)

    def _sizes(self, size: Micros) -> list[Micros]:
        """The longer windows that could hold more, up to twice as long."""
        times = [one.time for one in self.lane.members if self.asked.at is None
                 or self.asked.low - 2 * size <= one.time <= self.asked.high + 2 * size][-TRIED_AT_MOST:]
        return sorted({b - a + 1 for a in times for b in times if size <= b - a <= 2 * size})

    # Events

    def excluded(self) -> Iterator[Cause]:
        """Events that the key did not get and with which the rule would hold; no event makes an absence."""
        if self.rule.kind == "absence":
            return
        groups: dict[str, list[Excluded]] = {}
        for one in self._excluded():
            groups.setdefault(one.reason, []).append(one)
        for reason, ones in groups.items():
            rank, last = EXCLUDED[reason], self._nearest(ones)
            if reason == "no_value" or (self.rule.near is not None and ones[0].member.position is None):
                yield Cause(reason, rank, {"looks": [one.look for one in ones], **self._best()})
                continue
            if reason == "other_key":
                yield from self._split(ones)
                continue
            alone = next((one for one in last if self._new(more=[one.member])), None)
            if alone is not None:
                yield Cause(reason, rank, {"looks": [alone.look], "others": len(ones) - 1, **self._best()})
            elif self._new(more=[one.member for one in last]):
                yield Cause(reason, rank + GROUPED, {"looks": [one.look for one in ones], **self._best()})

    def _nearest(self, ones: Sequence[Excluded]) -> list[Excluded]:
        """As many as are tried: those nearest to the moment, or the last ones."""
        at = self.asked.at
        ranked = sorted(ones, key=lambda one: (-one.look.event.time if at is None else abs(one.look.event.time - at)))
        return ranked[:TRIED_AT_MOST]

    def _excluded(self) -> Iterator[Excluded]:
        taken = {one.id for one in self.lane.members}
        for look in self.looks:
            if not self.asked.holds(look.event.time):
                continue
            reason = why_out(look, self.lane.key)
            if reason and not (reason == "duplicate" and look.event.id not in taken):
                yield Excluded(reason, look, self.onlooker.member(look))

    def _split(self, ones: Sequence[Excluded]) -> Iterator[Cause]:
        """Other keys whose events would do together with these; one that is spelled alike is the better reason."""
        by_key: dict[KeyValues, list[Excluded]] = {}
        for one in ones:
            by_key.setdefault(one.look.key or (), []).append(one)
        ranked = sorted(by_key, key=lambda key: (-_alike(key, self.lane.key), str(key)))[:TRIED_AT_MOST]
        for key in ranked:
            if self._new(more=[one.member for one in by_key[key]]):
                alike = _alike(key, self.lane.key) > ALIKE
                facts = {"key": key, "looks": [one.look for one in by_key[key]], **self._best()}
                rank = EXCLUDED["other_key"] if alike else 92 if self.named else EXCLUDED["other_key"] + GROUPED
                yield Cause("other_key", rank, facts)
                return

    def dead(self) -> Iterator[Cause]:
        """Dead letters near the moment: those that speak of the key, those that may, and how many others there are.

        Those that speak of it are the reason if they are as many as are missed. An absence is not for want of a record.
        """
        if self.rule.kind == "absence":
            return
        near = [one for one in self.story.arrived if one.fate is Fate.DEAD and one.time is not None
                and self.asked.holds(one.time)]
        speaking = [one for one in near if self._speaks(one)]
        others = [one for one in near if one not in speaking]
        perhaps = [one for one in others if self._may_be_meant(one)]
        missed = 0 < self._missed() <= len(speaking)
        for ones, rank, facts in ((speaking, 49 if missed else 95, self._best()), (perhaps, 96, {"perhaps": True})):
            if ones:
                reason = "unknown_type" if ones[0].reason == DeadReason.UNKNOWN_TYPE else "dead_letter"
                yield Cause(reason, rank, {"arrived": ones[0], "others": len(ones) - 1, **facts})
        if len(others) > len(perhaps):
            yield Cause("dead_letter", 97, {"unread": len(others) - len(perhaps)})

    def _speaks(self, one: Arrived) -> bool:
        """Whether a record is of a type that the rule asks for, or nearly, and names the key."""
        return self._asks_for(one.told_type) and all(names_it(one.text, str(part)) for part in self.lane.key)

    def _asks_for(self, kind: str) -> bool:
        """Whether the rule asks for an event type, or for one that is spelled nearly so."""
        return selects(self.rule, kind) or bool(get_close_matches(kind, self._types(), 1, ALIKE))

    def _types(self) -> list[str]:
        return [name for selector in self.rule.selectors for name in selector.types]

    def _may_be_meant(self, one: Arrived) -> bool:
        """Whether a record has anything of the rule: its type, or the text of one or of the key."""
        parts = [str(part) for part in self.lane.key if part != ""]
        kinds = [] if one.told_type else [name.removesuffix(".*").rpartition(".")[2] for name in self._types()]
        return (bool(one.told_type) and self._asks_for(one.told_type)) or any(
            names_it(one.text, text) for text in kinds) or bool(parts) and all(
            names_it(one.text, text) for text in parts)

    def _missed(self) -> int:
        """How many events are missed; 0 where nobody can say."""
        facts: Explained | None = self._best().get("facts")
        if facts is None or facts.measured is None:
            return 1
        name, test, value = facts.measured.name, facts.measured.test, facts.measured.value
        if not name.startswith(("count", "distinct")) or test.op not in ("gt", "gte"):
            return 0
        return max(1, int(test.value) - int(value or 0))

    # What remains

    def rest(self) -> Iterator[Cause]:
        """What can be said where nothing alone would have made it hold."""
        at, kind = self.asked.at, self.rule.kind
        closed = [one for one in self.lane.fold(self.story.clock).hold.episodes
                  if at is not None and one.closed is not None and self.asked.low <= one.closed < at]
        best = self._best()
        if not self.rule.sources & self.story.sources and not self.rule.bases:
            yield Cause("not_fed", 10, {})
        elif kind == "absence":
            yield from self._absent(at)
        elif best and self.own:
            short = {"threshold": "window_short", "sequence": "step_missing", "hotspot": "as_usual"}
            reason = short.get(kind, "no_event")
            yield Cause(reason, 91, best)
        elif not closed or not any(self.asked.holds(one.time) for one in self.own):
            yield self._nothing()
        if closed:
            yield Cause("over", 95 if kind == "absence" else 70, {"episode": closed[-1]})

    def _nothing(self) -> Cause:
        """Nothing came for the key near the moment: it is another district's, or spelled otherwise, or there is none.

        `outside`: between which times the records are, where the moment is not among them.
        """
        own = [look for look in self.looks if look.key == self.lane.key and self.asked.holds(look.event.time)]
        if own and all(look.kept_out == "other_district" for look in own):
            return Cause("other_district", 89, {"looks": own})
        first, last = min(self.story.firsts.values(), default=None), max(self.story.heads.values(), default=None)
        facts: dict[str, Any] = {"seen": self._seen()}
        if first is not None and last is not None and (self.asked.high < first or last < self.asked.low):
            facts["outside"] = (first, last)
        keys = {look.key for look in self.looks if look.key is not None}
        close = max(keys, key=lambda key: (_alike(key, self.lane.key), str(key)), default=())
        if self.named and self.lane.key not in keys and _alike(close, self.lane.key) >= SPELLED:
            facts["close"] = close
        return Cause("no_event", 90, facts)

    def _absent(self, at: Micros | None) -> Iterator[Cause]:
        time = min(self.story.clock, FOR_EVER) if at is None else at
        named = dict(zip(parts_of(self.rule), self.lane.key, strict=False))
        for one in self.rule.exemptions:
            if time < one.expires and covers(one, named):
                yield Cause("exception", 45, {"exemption": one})
        facts = self._state(time)
        watched = facts["facts"].watched if facts.get("facts") else None
        if watched is not None and watched.above:
            yield Cause("above_silent", 83, facts)
        unwatched = watched is None or watched.since is None or not watched.every
        before = [one for one in self.lane.members if one.time <= time]
        yield Cause("not_watched" if unwatched else "reported_in_time", 84, {
            **facts, "last": before[-1] if before else None})

    def _seen(self) -> list[Arrived]:
        """Events of the rule's types near the moment, whatever their key."""
        return [look.arrived for look in self.looks if self.asked.holds(look.event.time)]

    def _state(self, time: Micros) -> dict[str, Any]:
        """The facts at a moment."""
        explain = getattr(self.detector, "explain", None)
        return {} if explain is None else {"at": time, "facts": explain(self.lane.state_at(time), time)}

    def _best(self) -> dict[str, Any]:
        """The facts of the moment at which it came nearest."""
        found = self.lane.best(self.asked, self._free())
        return {} if found is None else {"at": found[0], "facts": found[1]}

    def _free(self) -> Micros:
        """Since when no episode was open before the moment."""
        at = self.asked.at
        ends = [one.closed for one in self.episodes if at is not None and one.closed is not None and one.closed < at]
        return max(ends, default=BEFORE_ALL)


def first_that(values: Sequence[Number], does: Callable[[Number], bool]) -> Number | None:
    """The least of rising values that does, where all greater ones do too; None if none does."""
    low, high = 0, len(values)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if does(values[middle]) else (middle + 1, high)
    return values[low] if low < len(values) else None


def names_it(text: str, name: str) -> bool:
    """Whether a text has a name in it as a word of its own; every text has the empty one."""
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None if name else True


def covers(exemption: Exemption, named: Mapping[str, Any]) -> bool:
    """Whether an exception of a rule about keys covers this one."""
    try:
        return exemption.where(named) is True
    except EvalError:
        return False


def nearest_before(episodes: Sequence[Episode], one: Episode) -> list[Episode]:
    """The last episode that opened before another, in a list; empty if none did."""
    return [other for other in episodes if other.opened <= one.opened][-1:]


def why_out(look: Look, key: KeyValues) -> str:
    """The reason why an event is not among those of a key; "" if it is, or if it has several."""
    ours = look.key == key
    reasons = [
        look.kept_out,
        "condition_failed" if look.holds is None else "condition_false" if look.holds is False else "",
        "no_key" if look.key is None else "" if ours else "other_key",
        "no_value" if look.valueless else "",
        {Fate.LATE: "late", Fate.DUPLICATE: "duplicate"}.get(look.arrived.fate, ""),
    ]
    found = [reason for reason in reasons if reason]
    return found[0] if len(found) == 1 else ""


def _alike(key: KeyValues, other: KeyValues) -> float:
    """How alike two keys are spelled, 0 to 1: case, blanks and signs do not count."""
    one, two = ("".join(sign for sign in str(text).casefold() if sign.isalnum()) for text in (key, other))
    return SequenceMatcher(None, one, two).ratio()
