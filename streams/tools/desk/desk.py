"""A desk: a deployment's log with what stands on it now, and the moment and the name of whoever sits there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from streams.actions import Action
from streams.clocks import parse_rfc3339
from streams.logs import Log
from streams.records import Micros
from streams.respond import Respond
from streams.respond.cases.state import Case
from streams.rules import Bundle
from streams.tools.desk import lists
from streams.tools.desk.naming import SHORTEST, named
from streams.tools.desk.posting import Outcome, act
from streams.tools.desk.sentences import Sentences
from streams.tools.desk.story import Chapter, story_of
from streams.tools.standing import respond_of
from streams.topics import Topics


class Person(msgspec.Struct, frozen=True):
    """Who sits at the desk: name and role; why they act, and the version that they saw (None: they do not say)."""

    name: str
    role: str
    reason: str = ""
    expected: int | None = None


class Desk:
    """What commands work with. `now` is the moment (µs). Not `standing`: the rules alone are known, there is no log."""

    def __init__(self, log: Log, topics: Topics, bundle: Bundle, fold: Respond, now: Micros,
                 standing: bool = True) -> None:
        self.standing = standing
        self.log, self.topics, self.bundle, self.fold, self.now = log, topics, bundle, fold, now
        self.zone = bundle.city.zone
        self.memory = fold.people.memory

    @property
    def alerts(self) -> dict[str, lists.AlertLine]:
        """All alerts that are remembered."""
        return lists.alerts_of(self.fold, self.bundle)

    @property
    def cases(self) -> Mapping[str, Case]:
        """All cases that are remembered."""
        return self.memory.cases

    def alert_named(self, text: str) -> str:
        """The id of an alert by its beginning. Raises Misasked."""
        return named(text, {name: f"{one.operator}, {one.labels['severity']}: {one.title}"
                            for name, one in self.alerts.items()}, "alert")

    def case_named(self, text: str) -> str:
        """The id of a case by its beginning. Raises Misasked."""
        return named(text, {name: f"{one.state}: {one.title}" for name, one in self.cases.items()}, "case")

    async def again(self) -> Desk:
        """The desk as it is now."""
        return await sit_down(self.log, self.topics, self.bundle, self.now)

    async def act(self, person: Person, wanted: Iterable[tuple[str, str, str, Mapping[str, Any]]]) -> list[Outcome]:
        """Do something: (id of the action, its name, its subject, its details) each."""
        actions = [Action(id, self.now, person.name, (person.role,), name, subject, person.reason, person.expected,
                          details=dict(details)) for id, name, subject, details in wanted]
        return await act(self.log, self.topics, actions)

    def told(self, outcome: Outcome) -> str:
        """What there is to say of an action that was done."""
        subject, event = outcome.action.subject[:SHORTEST], outcome.news
        if event is None:
            return f"{outcome.action.name} {subject}: done".replace(" :", ":")
        said = Sentences(self.zone).of(event)
        if event["type"] == "tocsin.alert.operator":
            return f"alert {subject} {said}"
        return said + self._due(event["data"]) + f" (version {event['sequence']})"

    def _due(self, told: Mapping[str, Any]) -> str:
        """What is due next, from the `data` of a case's event."""
        case = self.cases.get(told["case"]) or Case(told["case"], "", "", {}, 3, 0, 0, "")
        stages, due = _times(told["stages"]), _times(told["due"])
        seen = msgspec.structs.replace(case, state=told["state"], stages=stages, due=due)
        text = lists.due_text(seen, self.zone)
        return f"; {text.replace(' ', ' is due ', 1)}" if text else ""

    async def story(self, alert: str, cases: Sequence[str]) -> list[Chapter]:
        """All that was told of an alert and its cases."""
        line = self.alerts.get(alert)
        starts = [line.opened] if line is not None and line.opened else []
        starts += [self.cases[name].opened for name in cases if name in self.cases]
        ids = [name for name in (alert, *cases) if name]
        return await story_of(self.log, self.topics, ids, self.zone, min(starts, default=None))


def alone(log: Log, topics: Topics, bundle: Bundle, now: Micros) -> Desk:
    """A desk where the rules are all that is known."""
    return Desk(log, topics, bundle, Respond(bundle), now, standing=False)


async def sit_down(log: Log, topics: Topics, bundle: Bundle, now: Micros) -> Desk:
    """A desk at a log that is open. Raises UnknownTopic where no worker has run yet."""
    return Desk(log, topics, bundle, await respond_of(log, topics, bundle), now)


def _times(stamps: Mapping[str, str | None]) -> dict[str, Micros]:
    return {name: parse_rfc3339(text) for name, text in stamps.items() if text is not None}
