"""Silences: of the city's files, and those that people made. Which of them keep an alert quiet at a moment."""

from __future__ import annotations

from collections.abc import Iterator

from streams import matchers
from streams.clocks import DAY
from streams.policy import Policy, Silence
from streams.reasons import QuietReason
from streams.records import Micros
from streams.respond.notifying.state import Hush, Notice, Quieting, Rows

KEPT: Micros = 7 * DAY
"""How long a silence is remembered after its end."""


class Silences:
    """All silences over the rows; which of them mean an alert is found once for its labels."""

    def __init__(self, policy: Policy, rows: Rows) -> None:
        self.rows = rows
        self._filed = {one.id: one for one in policy.silences}
        self._understood: dict[str, Silence] = {}
        self._meant: dict[str, list[Silence]] = {}

    @property
    def all(self) -> list[Silence]:
        """Every silence that is known, by id in order."""
        made = self.rows.silences
        self._understood = {name: self._understood.get(name) or understood(row) for name, row in made.items()}
        return [one for _, one in sorted({**self._filed, **self._understood}.items())]

    def put(self, row: Quieting) -> None:
        """A new silence, or other bounds for one; ValueError for matchers that are none."""
        self._understood[row.id] = understood(row)
        row.forget = None if row.ends is None else row.ends + KEPT
        self.rows.put("silence", row.id, row)
        self._meant = {}

    def end(self, name: str, at: Micros) -> None:
        """It holds no longer; one that has not begun never does."""
        row = self.rows.silences[name]
        if row.ends is None or row.ends > at:
            row.begins, row.ends, row.version = min(row.begins, at), at, row.version + 1
            self.put(row)

    def changed(self, alert: str) -> None:
        """An alert has other labels, or is gone."""
        self._meant.pop(alert, None)

    def hushes(self, notice: Notice, at: Micros) -> Iterator[Hush]:
        """The silences that keep an alert quiet at a moment."""
        meant = self._meant.get(notice.id)
        if meant is None:
            meant = self._meant[notice.id] = [one for one in self.all if means(one, notice)]
        for one in meant:
            if self.holds(one, at):
                yield Hush(QuietReason.SILENCED, one.id)

    def holds(self, silence: Silence, at: Micros) -> bool:
        """Whether a silence is in force at a moment."""
        if at < silence.begins or (silence.ends is not None and at >= silence.ends):
            return False
        if silence.schedule is not None and not silence.schedule.on_duty(at):
            return False
        if not silence.with_alert:
            return True
        about = self.rows.notices.get(silence.with_alert)
        return about is not None and not about.over(at)


def means(silence: Silence, notice: Notice) -> bool:
    """Whether a silence is about an alert, whenever it holds."""
    if silence.district and notice.labels.get("district") != silence.district:
        return False
    return silence.match(notice.labels)


def understood(row: Quieting) -> Silence:
    """A person's silence as one of the files; ValueError, in words, for matchers that are none."""
    conditions = [matchers.all_of([matchers.parse(text) for text in one]) for one in row.matchers]
    text = " or ".join(", ".join(one) for one in row.matchers)
    return Silence(row.id, matchers.either(conditions), row.begins, row.ends, row.owner, row.reason, row.ticket, None,
                   row.with_alert, row.district, text)
