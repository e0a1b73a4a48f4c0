"""The storm limit: after so many notifications within a time a receiver gets a digest instead, and nothing is dropped.

The first are told as ever. What comes then is gathered, and told together `per` after the first that was held; so it
goes on until in such a time no more came than the limit allows.
"""

from __future__ import annotations

from collections.abc import Iterator

from streams.policy import Policy
from streams.reasons import NotifyReason, QuietReason
from streams.records import Micros
from streams.respond.notifying.state import Hush, Notification, Rows, Storm, Suppression

MEMBERS_AT_MOST = 500
"""So many alerts are kept in full for a digest; the others are counted by rule."""
RULES_AT_MOST = 200
OTHERS = "..."
"""What alerts are counted under when there are more rules than that."""
HELD = Hush(QuietReason.STORM)


class Storms:
    """The limit, over the rows."""

    def __init__(self, policy: Policy, rows: Rows) -> None:
        self.limit, self.rows = policy.storm, rows

    def pass_on(self, told: Notification) -> bool:
        """Whether a notification may go on; else it is gathered for the digest."""
        if self.limit is None:
            return True
        row = self.rows.storms.get(told.receiver) or Storm(told.receiver)
        row.sent = [at for at in row.sent if at > told.at - self.limit.per]
        passes = row.due is None and len(row.sent) < self.limit.alerts
        if passes:
            row.sent.append(told.at)
            row.forget = told.at + self.limit.per
        else:
            _gather(row, told, self.limit.per)
        self.rows.put("storm", row.receiver, row)
        return passes

    def due(self) -> tuple[Micros | None, str]:
        """When which receiver gets a digest next; None if there is none to come."""
        waits = [(row.due, name) for name, row in self.rows.storms.items() if row.due is not None]
        return min(waits, default=(None, ""))

    def advance(self, receiver: str, at: Micros) -> list[Notification | Suppression]:
        """The digest that is due; or the storm is over."""
        row = self.rows.storms[receiver]
        told: list[Notification | Suppression] = []
        if row.held:
            told = [_digest(row, at), *_back(row, at)]
        ends = self.limit is None or row.held <= self.limit.alerts
        per = 0 if self.limit is None else self.limit.per
        self.rows.put("storm", receiver, Storm(receiver, [at], None if ends else at + per, at,
                                               forget=at + per if ends else None))
        return told


def hushed(told: Notification) -> Iterator[Suppression]:
    """What is listed of the alerts of a notification that is held."""
    for one in told.members:
        yield Suppression(told.at, one.alert, told.route, told.group, told.labels, (HELD,))


def _gather(row: Storm, told: Notification, per: Micros) -> None:
    row.forget = None
    row.held += 1
    if row.due is None:
        row.due, row.since = told.at + per, told.at
    for one in told.members:
        if one.alert not in row.alerts:
            rule = one.labels.get("rule", "")
            if rule not in row.rules and len(row.rules) >= RULES_AT_MOST:
                rule = OTHERS
            row.rules[rule] = row.rules.get(rule, 0) + 1
        if one.alert in row.alerts or len(row.alerts) < MEMBERS_AT_MOST:
            row.alerts[one.alert] = one
        else:
            row.more += 1


def _digest(row: Storm, at: Micros) -> Notification:
    """One notification for all that was held; its members are the newest words of the alerts."""
    rules = sorted(row.rules.items(), key=lambda pair: (-pair[1], pair[0]))
    digest = {"notifications": row.held, "since": row.since, "more": row.more, "rules": dict(rules)}
    return Notification(at, row.receiver, "", "", {}, NotifyReason.DIGEST, tuple(row.alerts.values()), digest)


def _back(row: Storm, at: Micros) -> Iterator[Suppression]:
    for name in row.alerts:
        yield Suppression(at, name, "", "", {}, ())
