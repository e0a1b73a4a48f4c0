"""A notifier and what it said, for tests; in words that people read at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streams.clocks import SECOND
from streams.policy import Policy
from streams.records import Micros
from streams.respond.notifying import News, Notice, Notification, Notifier
from tests.respond.notifying.rows import Rows
from tests.responses import NOON


class Desk:
    """A notifier and what it said. With `restart` it is made again of its rows after every step."""

    def __init__(self, policy: Policy, restart: bool = False) -> None:
        self.policy, self.restart = policy, restart
        self.rows = Rows()
        self.notifier = Notifier(policy, self.rows)
        self.news: list[News] = []
        self.now = NOON

    def until(self, now: Micros) -> list[News]:
        """Let time come."""
        self.now = now
        told = self.notifier.advance(now)
        self.rows.forget(now)
        return self._said(told)

    def alert(self, name: str, now: Micros, ends: Micros | None = None, **parts: Any) -> list[News]:
        """An alert says something at a moment; its labels are what is not a part of a notice."""
        fields = {key: parts.pop(key) for key in [*parts] if key in Notice.__struct_fields__}
        starts = fields.pop("starts", now)
        told = self.until(now)
        return [*told, *self._said(self.notifier.take(Notice(name, parts, starts, ends, **fields), now))]

    def _said(self, news: Sequence[News]) -> list[News]:
        self.news += news
        if self.restart:
            self.rows = Rows(self.rows.kept)
            self.notifier = Notifier(self.policy, self.rows)
            self.notifier.learn(self.now)
        return list(news)


def minutes(number: float) -> Micros:
    """A moment, in minutes after noon."""
    return NOON + round(number * 60 * SECOND)


def short(one: News) -> str:
    """`3 duty first: a firing, b resolved`, or `3 a silenced s`; the minute comes first."""
    minute = f"{(one.at - NOON) / 60 / SECOND:g}"
    if isinstance(one, Notification):
        return f"{minute} {one.receiver} {one.reason}: " + ", ".join(f"{m.alert} {m.status}" for m in one.members)
    hushes = ", ".join(f"{hush.reason} {hush.by}".strip() for hush in one.hushes) or "heard"
    return f"{minute} {one.alert} {hushes}" + (" untold" if one.gone else "")


def said(news: Sequence[News]) -> list[str]:
    return [short(one) for one in news]
