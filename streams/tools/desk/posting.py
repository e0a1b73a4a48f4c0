"""Posting actions, and waiting for what became of them: done, refused with a sentence, or not yet taken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import orjson

from streams.actions import Action
from streams.formats import feedback
from streams.logs import Log, Outgoing
from streams.topics import Topics

PATIENCE_S = 30.0
"""How long answers are waited for."""
NEWS_WITHIN_S = 5.0
"""How long after the answers the news of what changed is waited for; both are sent together."""
SOURCE = "/tocsin/desk"
ANSWERED = "tocsin.audit.action"
TOLD = ("tocsin.case.", "tocsin.alert.operator")
UNANSWERED = ("no worker with the role respond has answered; the action stands on the log and will be taken when one "
              "runs")


class Outcome(msgspec.Struct, frozen=True):
    """What became of an action. `answer` is the `data` of its answer, None if there was none in time.

    `news` is the event of what it changed, None if it changed nothing that has one.
    """

    action: Action
    answer: dict[str, Any] | None
    news: dict[str, Any] | None = None

    @property
    def done(self) -> bool:
        """Whether it was done."""
        return self.answer is not None and bool(self.answer["done"])

    @property
    def sentence(self) -> str:
        """Why it was not done; "" if it was."""
        return UNANSWERED if self.answer is None else str(self.answer["sentence"])

    def as_json(self) -> dict[str, Any]:
        """The outcome as plain values."""
        answer = self.answer or {}
        return {"action": self.action.id, "name": self.action.name, "subject": self.action.subject, "done": self.done,
                "refused": answer.get("refused", "unanswered"), "sentence": self.sentence,
                "version": answer.get("version", 0), "event": self.news}


async def act(log: Log, topics: Topics, actions: Sequence[Action]) -> list[Outcome]:
    """Post actions and wait for their answers. Raises LogError; UnknownTopic where no worker has made the topics."""
    places = (topics.audit, topics.alerts, topics.cases)
    since = {topic: await log.end_offset(topic, 0) for topic in places}
    await log.post([Outgoing(topics.feedback, 0, one.id.encode(), feedback.encode(one, SOURCE)) for one in actions])
    wanted = {one.id: one for one in actions}
    answers: dict[str, dict[str, Any]] = {}

    def answered(event: Mapping[str, Any]) -> bool:
        if event["type"] == ANSWERED and event["correlationid"] in wanted:
            answers.setdefault(event["correlationid"], event["data"])
        return len(answers) == len(wanted)

    await _follow(log, topics.audit, since[topics.audit], PATIENCE_S, answered)
    news: dict[str, dict[str, Any]] = {}
    for topic, room in ((topics.alerts, "alert"), (topics.cases, "case")):
        left = {name: answers[name]["version"] for name, one in wanted.items()
                if one.name.startswith(f"{room}.") and _changed(answers.get(name))}
        await _news(log, topic, since[topic], wanted, left, news)
    return [Outcome(one, answers.get(one.id), news.get(one.id)) for one in actions]


def _changed(answer: Mapping[str, Any] | None) -> bool:
    """Whether what was done has an event of its own."""
    return answer is not None and answer["done"] and answer["version"] and not answer["again"]


async def _news(log: Log, topic: str, since: int, actions: Mapping[str, Action], left: dict[str, int],
                news: dict[str, dict[str, Any]]) -> None:
    """Find the events of what was changed; `left` are the versions that actions made."""

    def found(event: dict[str, Any]) -> bool:
        for name, version in list(left.items()):
            action = actions[name]
            mine = action.subject in ("", event["subject"]) and event["data"].get("actor") == action.actor
            if mine and event["type"].startswith(TOLD) and event["sequence"] == str(version):
                news[name] = event
                del left[name]
                break
        return not left

    if left:
        await _follow(log, topic, since, NEWS_WITHIN_S, found)


async def _follow(log: Log, topic: str, since: int, patience_s: float,
                  enough: Callable[[dict[str, Any]], bool]) -> None:
    """Read events from an offset on, as they come, until it is enough or takes too long."""
    try:
        async with asyncio.timeout(patience_s):
            async for batch in log.follow(topic, 0, since):
                for entry in batch:
                    if enough(orjson.loads(entry.value or b"{}")):
                        return
    except TimeoutError:
        return  # what did not come in time is told by its absence
