"""Kind `sequence`: steps happened, or failed to happen, within a time.

`patterns` knows which event may follow which; this file keeps the matches under way, tells when
time concludes or ends them, and chooses among matches (`select`). A match is an episode of an
instant: that of its last event or, if the last step is a `not`, its deadline.

With `near` the key is a place. Each event of the step `around` is the centre of a circle; a match is one of events
in that circle, its centre among them. `select` chooses among the matches of one circle, so that an event serves as
many circles as it lies in. Where a part of `by` names a step (`by: cover.device`) the finding's key is that thing and
not the cell of the map. `keep_firing_for` joins the matches of one thing in one cell; without things, of one circle.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from streams.clocks import AFTER_ALL
from streams.explained import Explained, Relaxed
from streams.judging.choices import CHOICES, Choice, Last, recent
from streams.judging.episodes import Hold, HoldOptions
from streams.judging.patterns import Chain, Gathering, Partial, Pattern, Seen, relaxations
from streams.kinds import Detector, Field, Frontier, Identity
from streams.kinds.parts.circles import CellState, SequenceCircles
from streams.records import KeyValues, Member, Micros
from streams.specs import Step

Found = tuple[str, str, str]
NAME = "sequence"
SELECTS = ("first", "last", "each", "all")
LIMIT = 1000
FIELDS = (
    Field("steps", "steps", "What happened, one after the other; each step a `name` and `event`, or `not` "
          "for what must not happen. `count: 3` or `count: {min: 2, max: 5}` asks for repeats, "
          "`optional: true` lets a step be missing, `strict: true` lets no other event of this rule and key "
          "stand before it, `within` limits the time since the step before it.", required=True),
    Field("ordered", "boolean", "`false`: the steps may come in any order.", default=True),
    Field("within", "duration", "The longest time from the first event to the last; exactly that long still "
          "counts. A `not` at the end concludes when it has passed."),
    Field("until", "selector", "An event that ends everything under way for its key; looked at before the "
          "steps."),
    Field("select", "string", "Which matches count. `first`: the earliest start wins; its events, and every "
          "start up to its last event, are used up. `last`: a newer start replaces an older one that stands "
          "at the same step. `each`: every start matches once, on its own. `all`: every combination of "
          "events, as many as `limit` allows to be under way.", default="first", values=SELECTS),
    Field("near", "distance", "Place as the key: all events of a match lie within this distance (`100m`, `2km`) of "
          "that of the step `around`."),
    Field("around", "name", "With `near`, the step around which the circle is drawn; the last that must happen, if "
          "not given."),
)


class SequenceState(msgspec.Struct, array_like=True):
    """The matches under way, by the time that ends them.

    `seen` is when each leading `not` was last met; `waiting` a bit set of the steps that some partial
    waits for, `strict` whether one waits for the very next event; `dropped` counts partials beyond
    the limit.
    """

    hold: Hold
    partials: list[Partial]
    seen: Seen
    waiting: int = 0
    strict: bool = False
    dropped: int = 0


class Sequence:
    """A `sequence` rule, compiled. `until`: whether bit `len(steps)` of the roles ends what is under way."""

    identity = Identity.EVIDENCE
    state_type: type[msgspec.Struct] = SequenceState

    def __init__(self, options: HoldOptions, pattern: Pattern, select: str = "first", until: bool = False,
                 limit: int = LIMIT) -> None:
        self.options, self.pattern, self.limit = options, pattern, limit
        self._select, self._choice = select, CHOICES[select]
        self._until = pattern.end if until else 0
        self._steps = pattern.positive | pattern.negative
        self.frontier, self.why = _frontier(pattern, until)
        self.horizon = min(AFTER_ALL, _horizon(pattern) + options.keep)

    def start(self, key: KeyValues, now: Micros) -> SequenceState:
        """Nothing is under way."""
        return SequenceState(Hold(), [], [None] * len(self.pattern.steps) if self.pattern.leading else [])

    def on_event(self, state: SequenceState, member: Member) -> None:
        """`until` first, then the matches under way, then the ones that begin here."""
        roles = member.roles
        if roles & self._until:
            _clear(state)
        known = roles & state.waiting or state.strict
        if not known and not roles & self.pattern.roots and not self.pattern.looks_at_all:
            return
        born = self._shown(state, member) if known else []
        born += self.pattern.begin(member, state.seen)
        if state.seen:
            self.pattern.remember(member, state.seen)
        if born:
            self._add(state, member.time, born)

    def due(self, state: SequenceState) -> Micros | None:
        """The next of: a match under way concludes or ends, a leading `not` is out of sight, the hold."""
        due = state.hold.due(self.options)
        if state.partials and state.partials[0].ends < AFTER_ALL:
            ends = state.partials[0].ends + 1
            due = ends if due is None or ends < due else due
        if state.seen:
            for _, forgotten in self._sights(state):
                due = forgotten if due is None or forgotten < due else due
        return due

    def advance(self, state: SequenceState, now: Micros) -> None:
        """Conclude and end what is over before `now`, in order of time."""
        while (due := self.due(state)) is not None and due <= now:
            if state.partials and state.partials[0].ends < due:
                self._end(state, due - 1)
            if state.seen:
                for index, forgotten in list(self._sights(state)):
                    if forgotten <= due:
                        state.seen[index] = None
            state.hold.advance(self.options, due)

    def empty(self, state: SequenceState) -> bool:
        """Nothing is under way, no leading `not` in sight, no episode open."""
        return not state.partials and not any(met is not None for met in state.seen) and state.hold.idle

    def span(self, key: KeyValues) -> Micros:
        return self.horizon - self.options.keep

    def explain(self, state: SequenceState, now: Micros) -> Explained:
        """The matches under way."""
        return Explained(standing=tuple(self.pattern.standing(partial) for partial in state.partials))

    def relaxed(self) -> Iterator[Relaxed]:
        for index in self.pattern.negatives:
            yield Relaxed("not", self, 1 << index, self.pattern.steps[index].name)
        if self._until:
            yield Relaxed("until", self, self._until)
        for demand, pattern in relaxations(self.pattern):
            yield Relaxed(demand, self._with(pattern, self._select))
        if self._select != "all":
            yield Relaxed("select", self._with(self.pattern.exhausting(), "all"))

    def _with(self, pattern: Pattern, select: str) -> Sequence:
        return Sequence(self.options, pattern, select, bool(self._until), self.limit)

    def _shown(self, state: SequenceState, member: Member) -> list[Partial]:
        """Show an event to all partials; gives the prolonged ones."""
        pattern, born, kept, moved = self.pattern, [], [], False
        for partial in state.partials:
            before = partial.open
            if before & member.roles or state.strict:
                born += pattern.meet(partial, member)
                if partial.open != before:
                    pattern.reckon(partial)
                    if not pattern.lives(partial) or partial.ends < member.time:
                        continue
                    moved = True
            kept.append(partial)
        if moved:
            kept.sort(key=_ends)
        _clear(state)
        state.partials = kept
        for partial in kept:
            self._await(state, partial)
        return born

    def _add(self, state: SequenceState, at: Micros, born: list[Partial]) -> None:
        """Conclude the new partials that are matches and keep those that can become one."""
        pattern = self.pattern
        done = [partial for partial in born if pattern.concludes(partial)]
        if done:
            choice = self._conclude(state, at, done)
            born = [partial for partial in born if choice.left(partial)]
            for partial in done:
                partial.open &= ~pattern.end
        if self._choice is Last:
            born.sort(key=recent)
        for partial in born:
            if pattern.lives(partial):
                pattern.reckon(partial)
                self._keep(state, partial)

    def _end(self, state: SequenceState, at: Micros) -> None:
        """What ends at `at`: a match if it may conclude, nothing otherwise."""
        over = bisect_right(state.partials, at, key=_ends)
        done = [partial for partial in state.partials[:over] if partial.open & self.pattern.end]
        state.partials = state.partials[over:]
        if done:
            choice = self._conclude(state, at, done)
            for partial in done:
                partial.open &= ~self.pattern.end
                self.pattern.reckon(partial)
                if choice.left(partial) and self.pattern.lives(partial) and partial.ends > at:
                    self._keep(state, partial)
        if not state.partials:
            _clear(state)

    def _conclude(self, state: SequenceState, at: Micros, found: list[Partial]) -> Choice:
        """Tell the matches that count and drop what they use up."""
        choice = self._choice()
        choice.sort(found)
        for match in found:
            if choice.left(match):
                choice.take(match)
                self._tell(state, at, match)
        state.partials = [partial for partial in state.partials if choice.left(partial)]
        return choice

    def _tell(self, state: SequenceState, at: Micros, match: Partial) -> None:
        self.tell(state.hold, at, match)

    def tell(self, hold: Hold, at: Micros, match: Partial) -> None:
        """An episode of this instant; with `keep_firing_for` only what is new joins the one before."""
        bound = self.pattern.bound(match)
        facts = dict(match.members[-1].facts or {})
        facts.update((step, members[-1].facts) for step, members in bound.items() if members[-1].facts)
        current = hold.open
        known = current.evidence if current is not None else ()
        new = [member for member in match.members if member.id not in known]
        ids = {step: [member.id for member in members] for step, members in bound.items()}
        hold.pulse(self.options, at, len(match.members), new, ids, facts)

    def _keep(self, state: SequenceState, partial: Partial) -> None:
        """Put a partial under way, within the limit."""
        partials = state.partials
        if self._choice is Last:
            place = self.pattern.place_of(partial)
            partials[:] = [other for other in partials if self.pattern.place_of(other) != place]
        if partials and partials[-1].ends > partial.ends:
            insort(partials, partial, key=_ends)
        else:
            partials.append(partial)
        self._await(state, partial)
        if len(partials) > self.limit:
            del partials[self._oldest(partials)]
            state.dropped += 1

    def _oldest(self, partials: list[Partial]) -> int:
        """The index of the shortest partial of the earliest start.

        Where all live equally long after their start, it is among those that end first.
        """
        count = len(partials)
        if self.pattern.span is not None:
            count = bisect_right(partials, partials[0].ends, key=_ends)
        return min(range(count), key=lambda index: recent(partials[index]))

    def _await(self, state: SequenceState, partial: Partial) -> None:
        state.waiting |= partial.open & self._steps
        state.strict = state.strict or bool(partial.open & self.pattern.strict_next(partial))

    def _sights(self, state: SequenceState) -> Iterable[tuple[int, Micros]]:
        """Leading `not` steps that were met, and when they are out of sight."""
        for index, met in enumerate(state.seen):
            span = self.pattern.look_back(index)
            if met is not None and span is not None:
                yield index, met + span + 1


class CircleState(SequenceState, array_like=True):
    """The matches under way around one event, the centre; all of them hold it once it has come.

    `found` are those that concluded just now, each with its time.
    """

    centre: Member | None = None
    found: list[tuple[Micros, Partial]] = []


class Encircled(Sequence):
    """A `sequence` within circles, each around an event of the step `around`: the newest one of it in a match."""

    state_type = CircleState

    def __init__(self, options: HoldOptions, pattern: Pattern, around: int, **how: Any) -> None:
        super().__init__(options, pattern, **how)
        self.around = 1 << around
        self._repeats = pattern.steps[around].max_count != 1

    def begin(self, inside: Iterable[Member], centre: Member) -> CircleState:
        """The matches that a centre may be part of, from the events in its circle before it."""
        state = CircleState(Hold(), [], [None] * len(self.pattern.steps) if self.pattern.leading else [])
        for member in inside:
            self.advance(state, member.time)
            self.on_event(state, member if self._repeats else self._masked(member))
        self.advance(state, centre.time)
        state.centre = centre
        self.on_event(state, centre)
        self._shrink(state)
        return state

    def show(self, state: CircleState, member: Member) -> None:
        """Take a later event of the circle; none of them is of the step `around` here."""
        self.on_event(state, self._masked(member))
        self._shrink(state)

    def _with(self, pattern: Pattern, select: str) -> Sequence:
        around = self.around.bit_length() - 1
        return Encircled(self.options, pattern, around, select=select, until=bool(self._until), limit=self.limit)

    def _masked(self, member: Member) -> Member:
        if not member.roles & self.around:
            return member
        return msgspec.structs.replace(member, roles=member.roles & ~self.around)

    def _shrink(self, state: CircleState) -> None:
        """Drop the partials that can hold the centre no more."""
        kept = [partial for partial in state.partials if self._centred(state, partial)]
        _clear(state)
        state.partials = kept
        for partial in kept:
            self._await(state, partial)

    def _centred(self, state: CircleState, partial: Partial) -> bool:
        for member, index in zip(reversed(partial.members), reversed(partial.steps), strict=True):
            if 1 << index == self.around:
                return state.centre is not None and member.order == state.centre.order
        return False

    def _conclude(self, state: SequenceState, at: Micros, found: list[Partial]) -> Choice:
        assert isinstance(state, CircleState)
        return super()._conclude(state, at, [match for match in found if self._centred(state, match)])

    def _tell(self, state: SequenceState, at: Micros, match: Partial) -> None:
        assert isinstance(state, CircleState)
        state.found.append((at, match))


def compile_rule(spec: Mapping[str, Any], options: HoldOptions, zone: ZoneInfo, **context: Any) -> Detector:
    """A detector for one rule; `for` has no meaning for an instant.

    `steps` are `Step`s; `until` is only asked whether it is there. `context["things"]`, beside `near`: name and
    step of each part of the key that is a thing.
    """
    select, near, keep = spec.get("select") or "first", spec.get("near"), HoldOptions(keep=options.keep)
    shape = Chain if spec.get("ordered", True) else Gathering
    pattern = shape(tuple(spec["steps"]), spec.get("within"), select == "all")
    until, limit = bool(spec.get("until")), spec.get("limit") or LIMIT
    if near is None:
        return Sequence(keep, pattern, select, until, limit)
    inner = Encircled(keep, pattern, centre_step(spec), select=select, until=until, limit=limit)
    return SequenceCircles(inner, near, context.get("things", ()), CellState[CircleState])


def centre_step(spec: Mapping[str, Any]) -> int:
    """The step around which circles are drawn: the one named, else the last that must happen."""
    steps: tuple[Step, ...] = tuple(spec["steps"])
    wanted = [index for index, step in enumerate(steps) if not step.negated and not step.optional]
    return next((index for index in wanted if steps[index].name == spec.get("around")), wanted[-1])


def problems(spec: Mapping[str, Any]) -> list[Found]:
    """Contradictions within the fields: (field, what is wrong, what to do). `steps` are `Step`s."""
    steps: tuple[Step, ...] = tuple(spec.get("steps") or ())
    positives = [step for step in steps if not step.negated]
    if not steps:
        return []
    if not positives:
        return [("steps", "every step is a `not`: nothing begins a match",
                 "name the step after which it must not happen, or use kind: absence")]
    ordered = spec.get("ordered", True)
    found = _step_problems(steps, ordered) + _time_problems(steps, ordered, spec.get("within"))
    found += _around_problems(steps, spec)
    if all(step.optional for step in positives):
        found.append(("steps", "every step is optional", "let at least one step be required"))
    elif ordered and steps[-1].optional and spec.get("select") != "all":
        found.append(("steps", f"the last step `{steps[-1].name}` is optional: nothing waits for it",
                      "remove the step, or its `optional`"))
    return found


def _around_problems(steps: tuple[Step, ...], spec: Mapping[str, Any]) -> list[Found]:
    name = spec.get("around")
    if name is None:
        return []
    if spec.get("near") is None:
        return [("around", "without `near` there is no circle to draw around a step", "add `near`, or remove `around`")]
    named = next((step for step in steps if step.name == name), None)
    good = ", ".join(step.name for step in steps if not step.negated and not step.optional)
    if named is None:
        return [("around", f"there is no step called {name}", f"name one of the steps: {good}")]
    if named.negated or named.optional:
        what = "must not happen" if named.negated else "may be missing"
        wrong = f"the step {name} {what}, so no circle can be drawn around it"
        return [("around", wrong, f"name another step: {good}")]
    return []


def _step_problems(steps: tuple[Step, ...], ordered: bool) -> list[Found]:
    """What is wrong with one step."""
    found = []
    first = next(step for step in steps if not step.negated)
    for index, step in enumerate(steps):
        name = f"the step `{step.name}`"
        if any(other.name == step.name for other in steps[:index]):
            found.append(("steps", f"two steps are called `{step.name}`", "give each step a name of its own"))
        if step.negated and (step.optional or (step.min_count, step.max_count) != (1, 1)):
            found.append(("steps", f"{name} is a `not`, so it cannot be optional or counted",
                          "remove `optional` and `count`"))
        if step.strict and not ordered:
            found.append(("steps", f"{name} is strict, but with `ordered: false` no step stands before it",
                          "remove `strict`, or `ordered`"))
        elif step.strict and step is first:
            found.append(("steps", f"{name} is strict, but it is the first", "remove `strict`"))
        alone = not ordered or (step is first and step.max_count == 1)
        if step.within is not None and not step.negated and alone:
            found.append(("steps", f"{name} has a `within`, but no step stands before it",
                          "put `within` beside `steps`"))
    return found


def _time_problems(steps: tuple[Step, ...], ordered: bool, within: Micros | None) -> list[Found]:
    """What is too long, too short, or without an end."""
    found = []
    if any(span is not None and span <= 0 for span in (within, *(step.within for step in steps))):
        found.append(("within", "`within` must be longer than zero", "give a duration such as 10m"))
    first, *later = [index for index, step in enumerate(steps) if not step.negated]
    last = later[-1] if later else first
    required = [index for index in (first, *later) if not steps[index].optional] or [first]
    for index, step in enumerate(steps):
        amid = required[0] < index < required[-1]
        if step.negated and within is None and step.within is None and not amid:
            found.append(("within", f"nothing says how long `{step.name}` must not happen",
                          f"add `within` beside `steps` or to the step `{step.name}`"))
        if step.within is not None and within is not None and step.within > within and first <= index <= last:
            found.append(("steps", f"the step `{step.name}` may take longer than the whole sequence",
                          "shorten its `within`, or lengthen the one beside `steps`"))
    counted = [steps[i] for i in (first, *later) if i != first or steps[i].max_count != 1]
    if within is None and (any(step.within is None for step in counted) or (later and not ordered)):
        found.append(("within", "nothing says how long a match may stay under way",
                      "add `within`, for example `within: 10m`"))
    return found


def _frontier(pattern: Pattern, until: bool) -> tuple[Frontier, str]:
    """Whether a straggler can undo a match, and one sentence that says why."""
    if pattern.negatives:
        return Frontier.CLOCK, "that a `not` step stayed out is only known once the clock has passed it"
    if until:
        return Frontier.CLOCK, "an `until` event that comes late would undo a match"
    if any(step.strict or step.repeats_strictly for step in pattern.steps):
        return Frontier.CLOCK, "an event that comes late may stand where steps must follow directly"
    if any(step.within is not None for step in pattern.steps[1:]) and not _first_step_is_fixed(pattern):
        return Frontier.CLOCK, "an event that comes late may start a step's own `within` earlier"
    return Frontier.HEAD, "steps that happened in time are a fact at once; nothing that comes can undo it"


def _first_step_is_fixed(pattern: Pattern) -> bool:
    """Whether each own `within` counts from the match's start, which no straggler moves."""
    first = pattern.steps[0]
    return first.max_count == 1 and not first.optional and all(s.within is None for s in pattern.steps[2:])


def _horizon(pattern: Pattern) -> Micros:
    """How long an event can matter: as a `not` before the start, then until the match concludes."""
    first, *later = pattern.positives
    back = max((_endless(pattern.look_back(k)) for k in pattern.leading), default=0)
    tail = max((pattern.steps[k].within or 0 for k in pattern.negatives if k > first), default=0)
    if pattern.within is not None:
        return back + pattern.within + tail
    counted = later if pattern.steps[first].max_count == 1 else pattern.positives
    return min(AFTER_ALL, back + sum(_endless(pattern.steps[i].within) for i in counted) + tail)


def _endless(span: Micros | None) -> Micros:
    return AFTER_ALL if span is None else span


def _clear(state: SequenceState) -> None:
    state.partials, state.waiting, state.strict = [], 0, False


def _ends(partial: Partial) -> Micros:
    return partial.ends
