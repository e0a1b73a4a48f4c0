"""Circles on the map: what rules with `near` find in the events of one cell. Pure.

A rule with `near` has a key for each cell of the map. An event is sent to the cell that owns its place and to the
neighbours that its circle touches; it is the centre of a circle in its own cell alone, so that each circle is judged
once and what is found does not depend on where the borders of cells lie. A cell has episodes of many circles at once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from streams.explained import Explained, Measured, Relaxed
from streams.judging.episodes import Episode, Hold, HoldOptions
from streams.judging.patterns import Partial, Pattern
from streams.kinds import Frontier, Identity
from streams.places import Circle
from streams.records import KeyValues, Member, Micros

NO_MARK = -1
S = TypeVar("S")


class Circles(Hold, array_like=True):
    """The episodes of all circles of a cell. `marks` number them, rising; `changed` are the marks of those with news.

    Each circle has a small `Hold` of its own, which is lent its open episode while it works on it.
    """

    marks: list[int] = msgspec.field(default_factory=list)
    following: int = 0
    changed: list[int] = msgspec.field(default_factory=list)

    @property
    def idle(self) -> bool:
        """Whether no episode is open."""
        return all(episode.closed is not None for episode in self.episodes)

    def news(self) -> list[Episode]:
        """The episodes that changed since the last call."""
        told, self.changed = [self._at(mark) for mark in self.changed], []
        self.fresh = len(self.episodes)
        return told

    def lend(self, hold: Hold, mark: int) -> None:
        """Give a circle's hold its open episode, if it has one."""
        hold.episodes = [] if mark == NO_MARK else [self._at(mark)]
        hold.fresh = len(hold.episodes)

    def take_back(self, hold: Hold, mark: int, key: dict[str, Any] | None = None) -> int:
        """Take over what a circle's hold did to its episodes; the mark of the one that is open now.

        `key` is that of its new episodes.
        """
        known = 0 if mark == NO_MARK else 1
        for place, episode in enumerate(hold.episodes):
            if place >= known:
                episode.key = key
                mark = self.following
                self.following += 1
                self.episodes.append(episode)
                self.marks.append(mark)
            if place >= min(known, hold.fresh):
                self._change(mark)
        last = hold.episodes[-1] if hold.episodes else None
        hold.episodes, hold.fresh = [], 0
        return mark if last is not None and last.closed is None else NO_MARK

    def _change(self, mark: int) -> None:
        if mark not in self.changed:
            self.changed.append(mark)
        self.fresh = 0

    def _at(self, mark: int) -> Episode:
        return self.episodes[bisect_left(self.marks, mark)]

    def _forget(self, places: list[int]) -> None:
        gone = frozenset(places)
        self.episodes = [one for place, one in enumerate(self.episodes) if place not in gone]
        self.marks = [mark for place, mark in enumerate(self.marks) if place not in gone]
        self.changed = []


class Joint(msgspec.Struct, array_like=True):
    """Circles whose episodes `keep_firing_for` joins; `tag` is what they have in common."""

    tag: list[Any]
    hold: Hold
    mark: int = NO_MARK


class CellState(msgspec.Struct, Generic[S], array_like=True):
    """A cell: the events that can still be in a new circle, in order, and the circles under way.

    `due` is when `advance` has something to do.
    """

    hold: Circles
    members: list[Member] = []
    discs: list[S] = []
    due: Micros | None = None
    joints: list[Joint] = []


class InCell(Generic[S]):
    """What the detectors of cells share. An event can be in a new circle for less than `span` after it."""

    identity = Identity.EVIDENCE
    frontier: Frontier
    why: str
    state_type: type[msgspec.Struct]
    horizon: Micros
    options = HoldOptions()

    def __init__(self, radius: float, span: Micros) -> None:
        self.radius, self.span_of_members = radius, span

    def start(self, key: KeyValues, now: Micros) -> CellState[S]:
        """Nothing happened here yet."""
        return CellState(Circles())

    def due(self, state: CellState[S]) -> Micros | None:
        """The next of: something is due in a circle, the newest event can be in no new circle any more."""
        return state.due

    def advance(self, state: CellState[S], now: Micros) -> None:
        """Do what is due in each circle, in order of time; a circle in which nothing waits any more is gone."""
        while state.due is not None and state.due <= now:
            due = state.due
            state.discs = [disc for disc in state.discs if self._lives(state, disc, due)]
            for joint in state.joints:
                state.hold.lend(joint.hold, joint.mark)
                joint.hold.advance(self.options, due)
                joint.mark = state.hold.take_back(joint.hold, joint.mark)
            state.joints = [joint for joint in state.joints if joint.mark != NO_MARK]
            if state.members and state.members[-1].time + self.span_of_members <= due:
                state.members.clear()
            self._schedule(state)

    def empty(self, state: CellState[S]) -> bool:
        """No event, no circle, no open episode."""
        return not state.members and not state.discs and state.hold.idle

    def span(self, key: KeyValues) -> Micros:
        """See `Explains` in `streams/kinds`."""
        return self.span_of_members

    def explain(self, state: CellState[S], now: Micros) -> Explained:
        """See `Explains` in `streams/kinds`."""
        return Explained()

    def relaxed(self) -> Iterator[Relaxed]:
        """See `Explains` in `streams/kinds`."""
        inner: Any = getattr(self, "inner", None)
        for one in inner.relaxed() if inner is not None else ():
            yield msgspec.structs.replace(one, detector=self.like(one.detector, self.radius))

    def farther(self, radius: float) -> InCell[S]:
        """The rule with larger circles."""
        return self.like(getattr(self, "inner", None), radius)

    def like(self, inner: Any, radius: float) -> InCell[S]:
        """A rule of the same make around another one without circles."""
        raise NotImplementedError

    def circle(self, member: Member) -> Circle:
        """The circle around an event."""
        assert member.position is not None
        return Circle(member.position.lat, member.position.lon, self.radius)

    def _lives(self, state: CellState[S], disc: S, due: Micros) -> bool:
        """Do what is due in a circle; whether anything waits there still."""
        raise NotImplementedError

    def _due_in(self, disc: S) -> Micros | None:
        raise NotImplementedError

    def _recent(self, state: CellState[S], now: Micros) -> list[Member]:
        """The events that can be in a circle whose centre comes now; lets go of the others."""
        members, old = state.members, now - self.span_of_members
        if members and members[0].time <= old:
            del members[:bisect_left(members, old + 1, key=lambda one: one.time)]
        return members

    def _schedule(self, state: CellState[S]) -> None:
        state.due = state.members[-1].time + self.span_of_members if state.members else None
        for disc in state.discs:
            due = self._due_in(disc)
            if due is not None and (state.due is None or due < state.due):
                state.due = due
        for joint in state.joints:
            due = joint.hold.due(self.options)
            if due is not None and (state.due is None or due < state.due):
                state.due = due


def within(circle: Circle, members: list[Member]) -> list[Member]:
    """The events whose places a circle holds."""
    return [one for one in members if one.position is not None and circle.holds(one.position.lat, one.position.lon)]


class Waning(Protocol):
    """What a circle's measure must have: its episode, and when something is due."""

    hold: Hold
    due: Micros | None


W = TypeVar("W", bound=Waning)


class Measuring(Protocol[W]):
    """A threshold over a sliding window, asked about circles."""

    frontier: Frontier
    why: str
    horizon: Micros
    need: int
    size: Micros

    def around(self, inside: list[Member]) -> W | None:
        """A state of the events in a circle, the newest its centre; None if they do not meet the condition."""

    def wane(self, state: W, now: Micros) -> None:
        """Do what is due until `now`, or until the episode is over."""

    def measured(self, members: list[Member], begin: Micros, end: Micros) -> Measured:
        """What some events measure, for people to see."""

    def wider(self, size: Micros) -> Any:
        """The rule with a longer window; None where more events can do harm."""


class Disc(msgspec.Struct, Generic[S], array_like=True):
    """A circle that met the condition, with the mark of its open episode."""

    state: S
    mark: int


class ThresholdCircles(InCell[Disc[W]]):
    """`threshold` with `near`: each event is the newest of a circle around it, which looks back over the window.

    The circle is judged as its centre comes. If it meets the condition its episode lasts as its events leave the
    window, until they meet it no more; what comes later is judged in circles of its own.
    """

    def __init__(self, inner: Measuring[W], radius: float, state_type: type[msgspec.Struct]) -> None:
        super().__init__(radius, inner.size)
        self.inner, self.state_type, self.size = inner, state_type, inner.size
        self.frontier, self.why, self.horizon = inner.frontier, inner.why, inner.horizon

    def on_event(self, state: CellState[Disc[W]], member: Member) -> None:
        """Judge the circle around the event, if its place is ours."""
        members = self._recent(state, member.time)
        members.append(member)
        if member.position is not None and member.position.own and len(members) >= self.inner.need:
            found = self.inner.around(within(self.circle(member), members))
            if found is not None:
                state.discs.append(Disc(found, state.hold.take_back(found.hold, NO_MARK)))
        self._schedule(state)

    def explain(self, state: CellState[Disc[W]], now: Micros) -> Explained:
        """The circle around the newest event that can be a centre."""
        own = (one for one in reversed(state.members) if one.position is not None and one.position.own)
        centre = next(own, None)
        if centre is None:
            return Explained(self.inner.measured([], now - self.size, now))
        begin = centre.time - self.size
        inside = [one for one in within(self.circle(centre), state.members) if one.time > begin]
        return Explained(self.inner.measured(inside, begin, centre.time))

    def wider(self, size: Micros) -> ThresholdCircles[W] | None:
        """The rule with a longer window; None where more events can do harm."""
        inner = self.inner.wider(size)
        return None if inner is None else self.like(inner, self.radius)

    def like(self, inner: Any, radius: float) -> ThresholdCircles[W]:
        """See `InCell`."""
        return ThresholdCircles(inner, radius, self.state_type)

    def _due_in(self, disc: Disc[W]) -> Micros | None:
        return disc.state.due

    def _lives(self, state: CellState[Disc[W]], disc: Disc[W], due: Micros) -> bool:
        if disc.state.due is None or disc.state.due > due:
            return True
        hold = disc.state.hold
        state.hold.lend(hold, disc.mark)
        self.inner.wane(disc.state, due)
        disc.mark = state.hold.take_back(hold, disc.mark)
        return disc.mark != NO_MARK or hold.pending is not None


class Run(msgspec.Struct, array_like=True):
    """Matches that follow each other around one centre. `last` is the newest one's time.

    `mark` is that of the open episode, `NO_MARK` where the centre is a neighbour's. A run that is not `first` takes
    no more matches.
    """

    centre: Member
    last: Micros
    first: bool
    hold: Hold
    mark: int = NO_MARK


class MatchCircles(InCell[Run]):
    """`match` with `near`: matches near each other in place and time are one episode.

    A match with no other within the circle in `keep_firing_for` before it is the first of an episode; the matches in
    its circle prolong that, as those of one key do. A match that is near to some that no such episode of its own holds
    has another, which begins with them: all are one alert. Events of twice the radius around a cell decide that.
    """

    frontier = Frontier.HEAD
    why = "an event that fits is a fact at once; nothing that comes later can undo it"
    state_type = CellState[Run]

    def __init__(self, options: HoldOptions, radius: float) -> None:
        super().__init__(radius, options.keep + 1)
        self.options = options
        self.horizon = 2 * options.keep

    def on_event(self, state: CellState[Run], member: Member) -> None:
        """Prolong the runs around it, or begin one."""
        circle, members = self.circle(member), self._recent(state, member.time)
        before = within(circle, members)
        joined = [run for run in state.discs if run.first and within(circle, [run.centre])]
        for run in joined:
            self._prolong(state, run, member)
        own = member.position is not None and member.position.own
        if not before:
            state.discs.append(self._begun(state, [member], first=True, own=own))
        elif own and not all(self._told_in(joined, other) for other in before):
            state.discs.append(self._begun(state, [*before, member], first=False, own=own))
        members.append(member)
        self._schedule(state)

    def _told_in(self, runs: list[Run], other: Member) -> bool:
        """Whether one of these runs, which go on, has taken an event before."""
        return any(run.centre.order <= other.order and within(self.circle(run.centre), [other]) for run in runs)

    def _begun(self, state: CellState[Run], proof: list[Member], first: bool, own: bool) -> Run:
        run = Run(proof[-1], proof[-1].time, first, Hold())
        if own:
            run.hold.pulse(self.options, run.last, None, proof)
            run.mark = state.hold.take_back(run.hold, NO_MARK)
        return run

    def _prolong(self, state: CellState[Run], run: Run, member: Member) -> None:
        run.last = member.time
        if run.mark != NO_MARK:
            state.hold.lend(run.hold, run.mark)
            run.hold.pulse(self.options, member.time, None, (member,))
            run.mark = state.hold.take_back(run.hold, run.mark)

    def like(self, inner: Any, radius: float) -> MatchCircles:
        """See `InCell`."""
        return MatchCircles(self.options, radius)

    def _due_in(self, disc: Run) -> Micros | None:
        return disc.last + self.options.keep + 1

    def _lives(self, state: CellState[Run], disc: Run, due: Micros) -> bool:
        if disc.last + self.options.keep >= due:
            return True
        if disc.mark != NO_MARK:
            state.hold.lend(disc.hold, disc.mark)
            disc.hold.advance(self.options, due)
            state.hold.take_back(disc.hold, disc.mark)
        return False


C = TypeVar("C", bound="Centred")


class Centred(Protocol):
    """What a circle around an event of a sequence must have: the centre, and the matches under way and just found."""

    centre: Member | None
    partials: list[Partial]
    found: list[tuple[Micros, Partial]]


class Encircling(Protocol[C]):
    """A sequence, asked about circles. `around` is the bit of the step that a centre fills."""

    frontier: Frontier
    why: str
    horizon: Micros
    around: int
    options: HoldOptions
    pattern: Pattern

    def span(self, key: KeyValues) -> Micros:
        """How long events that belong together can be apart."""

    def begin(self, inside: list[Member], centre: Member) -> C:
        """The state of a new circle, from the events in it before its centre."""

    def show(self, state: C, member: Member) -> None:
        """Take a later event of the circle."""

    def due(self, state: C) -> Micros | None:
        """When `advance` has something to do."""

    def advance(self, state: C, now: Micros) -> None:
        """Do what is due."""

    def tell(self, hold: Hold, at: Micros, match: Partial) -> None:
        """Tell a hold of a match."""


class SequenceCircles(InCell[C]):
    """`sequence` with `near`: all events of a match lie in a circle around the one of the step `around`.

    `things` are the parts of a finding's key that a step says, each by its name and the number of the step.
    """

    def __init__(self, inner: Encircling[C], radius: float, things: Sequence[tuple[str, int]],
                 state_type: type[msgspec.Struct]) -> None:
        super().__init__(radius, inner.span(()) + 1)
        self.inner, self.things, self.state_type = inner, tuple(things), state_type
        self.options = inner.options
        self.frontier, self.why, self.horizon = inner.frontier, inner.why, inner.horizon

    def on_event(self, state: CellState[C], member: Member) -> None:
        """Show the event to the circles that hold it; if it is a centre and ours, begin one."""
        members, kept = self._recent(state, member.time), []
        for disc in state.discs:
            assert disc.centre is not None
            if within(self.circle(disc.centre), [member]):
                self.inner.show(disc, member)
                self._tell(state, disc)
            if disc.partials:
                kept.append(disc)
        state.discs = kept
        if member.position is not None and member.position.own and member.roles & self.inner.around:
            disc = self.inner.begin(within(self.circle(member), members), member)
            self._tell(state, disc)
            if disc.partials:
                state.discs.append(disc)
        members.append(member)
        self._schedule(state)

    def explain(self, state: CellState[C], now: Micros) -> Explained:
        """The matches under way in all circles."""
        standing = self.inner.pattern.standing
        return Explained(standing=tuple(standing(one) for disc in state.discs for one in disc.partials))

    def like(self, inner: Any, radius: float) -> SequenceCircles[C]:
        """See `InCell`."""
        return SequenceCircles(inner, radius, self.things, self.state_type)

    def _due_in(self, disc: C) -> Micros | None:
        return self.inner.due(disc)

    def _lives(self, state: CellState[C], disc: C, due: Micros) -> bool:
        self.inner.advance(disc, due)
        self._tell(state, disc)
        return bool(disc.partials)

    def _tell(self, state: CellState[C], disc: C) -> None:
        found, disc.found = disc.found, []
        for at, match in found:
            key = self._key(match)
            tag = list(key.values()) if key is not None else [disc.centre.id if disc.centre is not None else ""]
            joint = next((one for one in state.joints if one.tag == tag), None)
            if joint is None:
                joint = Joint(tag, Hold())
                state.joints.append(joint)
            state.hold.lend(joint.hold, joint.mark)
            self.inner.tell(joint.hold, at, match)
            joint.mark = state.hold.take_back(joint.hold, joint.mark, key)
        state.joints = [one for one in state.joints if one.mark != NO_MARK]

    def _key(self, match: Partial) -> dict[str, Any] | None:
        """The things that a match is about; None if the rule names none."""
        if not self.things:
            return None
        newest = dict(zip(match.steps, match.members, strict=True))
        said = [newest[step].position for _, step in self.things]
        return {name: None if place is None else place.things[at] for at, ((name, _), place) in
                enumerate(zip(self.things, said, strict=True))}
