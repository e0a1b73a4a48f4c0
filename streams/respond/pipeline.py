"""respond: the fold over one partition of `tocsin.respond`. Findings in, what people read out; pure.

`STAGES` is the order in which each finding passes. Nothing disappears: what a stage does not let go
on is counted by its reason and, but for plain repetitions, listed on the audit topic.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from streams import composites
from streams.actions import Action, Refusal
from streams.findings import CLOSED, ActionRow, Finding, FindingRow, ReadingRow, ResponseFrame, TickRow
from streams.reasons import HeldReason
from streams.records import Micros
from streams.respond import dispatch, life, limit, merge, publish, removed, repeats, shadow, suppress
from streams.respond.board import Board
from streams.respond.drills import Drills
from streams.respond.notify import Notify
from streams.respond.passing import Output, Passing, Stage
from streams.respond.people import Done, People
from streams.respond.silencing import Silencing
from streams.respond.state import RETENTION, Memory, concluded
from streams.rules import SILENCE_OF, Bundle

STAGES: tuple[Stage, ...] = (
    repeats.stage,
    removed.stage,
    shadow.stage,
    merge.stage,
    suppress.stage,
    limit.stage,
    life.stage,
    dispatch.stage,
    publish.stage,
)


def retention(bundle: Bundle) -> Micros:
    """How long what ended is remembered: longer than anything can still correct it."""
    followers = composites.following(bundle)
    corrected = (composites.lateness_of(bundle, rule, followers) + rule.detector.horizon
                 for rule in bundle.rules.values())
    return max([RETENTION, *corrected])


def feeds(bundle: Bundle) -> dict[str, str]:
    """By rule a name for the set of feeds that it reads, itself or through the rules that it reads."""
    return {name: " ".join(sorted(composites.feeds(bundle, rule))) for name, rule in bundle.rules.items()}


class Respond:
    """The fold. `step` takes the next frame; `changed` gives the state rows to keep.

    `counts` says how often each reason held something back since the program started. `bundle` may
    be replaced between two steps: alerts keep what they said until they are next told; those of rules that
    are gone are closed with the next row, whatever it is.
    """

    def __init__(self, bundle: Bundle, state: bytes | None = None) -> None:
        self._bundle = bundle
        self._learned = False
        self._place = (-1, 0)
        self.counts: Counter[str] = Counter()
        self._memory = Memory(retention(bundle), feeds(bundle))
        self._sit_down()
        if state is not None:
            self.restore(msgspec.msgpack.decode(state, type=dict[bytes, bytes]))

    @property
    def bundle(self) -> Bundle:
        """The rules as they are now."""
        return self._bundle

    @bundle.setter
    def bundle(self, bundle: Bundle) -> None:
        self._bundle, self._learned = bundle, False
        self._memory.follow(retention(bundle), feeds(bundle))
        self._sit_down()

    @property
    def offset(self) -> int:
        """The offset of the last frame folded; -1 before the first."""
        return self._memory.head.offset

    @offset.setter
    def offset(self, offset: int) -> None:
        """To pass over a frame that cannot be read."""
        self._memory.head.offset = offset

    @property
    def overdue(self) -> bool:
        """Whether alerts wait for a row to be closed, because their rules are gone."""
        return not self._learned and bool(removed.orphans(self._memory, self._bundle))

    @property
    def waits(self) -> bool:
        """Whether something is open that the wall can end: ticks are of use now and then."""
        return bool(self._memory.flooding)

    @property
    def due(self) -> Micros | None:
        """The moment at which a tick is needed; None if nothing waits for one."""
        waits = [due for due in (self.people.due(), self.notify.due(), self.drills.due()) if due is not None]
        return min(waits, default=None)

    def step(self, offset: int, frame: ResponseFrame) -> list[Output]:
        """Fold one frame; the records to send, in order. A frame at or below the offset held is skipped.

        A tick changes what any row does, and ends what waits for the wall: see `limit`.
        """
        if offset <= self.offset:
            self.counts[HeldReason.REPEATED] += sum(isinstance(row, FindingRow) for row in frame.rows)
            return []
        self.offset = offset
        outputs: list[Output] = []
        for number, row in enumerate(frame.rows):
            self._place = (offset, number)
            if not self._learned:
                outputs += self._learn((offset, number))
            if isinstance(row, FindingRow):
                outputs += self._until(row)
                heard = row.finding.rule.startswith(SILENCE_OF) and not self._memory.repeated(row)
                outputs += self._pass(Passing(self.bundle, row, (offset, number)), STAGES)
                outputs += self.board.hear(row) if heard else ()
            elif isinstance(row, ReadingRow):
                outputs += self.board.take(row)
            else:
                outputs += self._by_the_wall(row)
            if self._memory.flooding:
                tick = row.at if isinstance(row, TickRow) else None
                outputs += limit.ending(self._memory, self._bundle, (offset, number), tick)
            outputs += self.notify.count_floods()
            outputs += self._played(self.drills.over(self._memory.head.now)) if self._memory.drills else ()
        return [*outputs, *self.board.turned()]

    def _until(self, row: FindingRow) -> list[Output]:
        """Who is notified before a finding comes."""
        if not self.notify.active or self._memory.repeated(row):
            return []
        return self.notify.advance(max(self._memory.head.now, concluded(row.finding)))

    def _by_the_wall(self, row: TickRow | ActionRow) -> list[Output]:
        """Time comes, or somebody does something: first what was due by then."""
        at = row.at if isinstance(row, TickRow) else row.action.at
        self._memory.come(at)
        told = [*self.notify.advance(self._memory.head.now), *self.people.advance(self._memory.head.now)]
        return told if isinstance(row, TickRow) else [*told, *self.people.act(row.action)]

    def _sit_down(self) -> None:
        """Everything that follows from the rules and the memory."""
        self.board = Board(self._bundle, self._memory, self._memory.retention)
        self.notify = Notify(self._bundle, self._memory)
        self.drills = Drills(self._bundle, self._memory)
        self._silencing = Silencing(self._bundle.policy, self._memory, self.notify.notifier)
        self.people = People(self._bundle, self._memory, {"silence": self._silence, "drill": self._drill})

    def _silence(self, action: Action) -> Done | Refusal:
        found = self._silencing.act(action)
        return found if isinstance(found, Refusal) else Done(found.version)

    def _drill(self, action: Action) -> Done | Refusal:
        found = self.drills.act(action)
        return found if isinstance(found, Refusal) else Done(0, self._played(found))

    def _played(self, found: Iterable[Finding]) -> list[Output]:
        """An exercise passes those stages that are not about what else a rule finds; at its end its case ends too."""
        outputs: list[Output] = []
        for finding in found:
            passing = Passing(self._bundle, FindingRow("respond", 0, *self._place, finding), self._place)
            passing.alert = self._memory.alert_with(finding.id)
            outputs += self._pass(passing, STAGES[STAGES.index(life.stage):])
            if finding.change == CLOSED and passing.alert is not None:
                outputs += self.people.call_off(passing.alert.id)
        return outputs

    def changed(self) -> dict[bytes, bytes | None]:
        """State rows that changed since the last call, in the order to write them; None for what is gone.

        The rows of the call before must be written when this is called.
        """
        return self._memory.changed()

    def restore(self, rows: Mapping[bytes, bytes]) -> None:
        """Take over the rows of an earlier run, whatever their order, even if the last write broke off."""
        self._memory = Memory(retention(self.bundle), feeds(self.bundle))
        self._memory.restore(rows)
        self._sit_down()

    def snapshot(self) -> bytes:
        """The whole state, for the constructor."""
        return msgspec.msgpack.encode(self.state())

    def state(self) -> dict[bytes, bytes]:
        """The whole state as rows."""
        return self._memory.rows()

    def alerts(self) -> Counter[str]:
        """How many alerts are remembered, by state: a gauge."""
        return Counter(alert.state for alert in self._memory.alerts.values())

    def _learn(self, place: tuple[int, int]) -> list[Output]:
        """The first row after the rules changed: close what is open under those that are gone."""
        self._learned = True
        self.board.learn()
        outputs: list[Output] = []
        for closing in removed.learn(self._memory, self._bundle, feeds(self._bundle)):
            passing = Passing(self._bundle, FindingRow("respond", 0, *place, closing), place)
            passing.rule = None
            outputs += self._pass(passing, STAGES[STAGES.index(removed.stage) + 1:])
        return [*outputs, *self.notify.learn()]

    def _pass(self, passing: Passing, stages: Sequence[Stage]) -> list[Output]:
        for stage in stages:
            reason = stage(self._memory, passing)
            if reason is not None:
                self.counts[reason] += 1
                told = [] if reason is HeldReason.REPEATED else [publish.held_back(passing, reason)]
                return [*told, *passing.beside]
        self.counts.update(passing.withheld)
        due = self.people.advance(self._memory.head.now)
        return [*due, *passing.outputs, *self.people.follow(passing), *self.notify.follow(passing)]
