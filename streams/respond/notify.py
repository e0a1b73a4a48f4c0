"""Tenth stage: who is notified of alerts. It follows their news, lets time come, and writes down what is told.

Nothing happens, and nothing is remembered, as long as the policy has no routes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from streams.records import Micros
from streams.respond.life import FIRING
from streams.respond.notices import OVER_LIMIT, notice_of, notice_of_flood
from streams.respond.notify_events import notification_event, suppression_event
from streams.respond.notifying import News, Notification, Notifier, Suppression
from streams.respond.passing import Output, Passing
from streams.respond.publish import output
from streams.respond.state import Memory
from streams.rules import Bundle


class Notify:
    """Notifications over one memory. `told` counts them by receiver and reason, `quiet` what kept alerts back."""

    def __init__(self, bundle: Bundle, memory: Memory) -> None:
        self.bundle, self.memory = bundle, memory
        self.notifier = Notifier(bundle.policy, memory)
        self.active = bundle.policy.root is not None or bool(memory.notices or memory.groups)
        self.told: Counter[tuple[str, str]] = Counter()
        self.quiet: Counter[str] = Counter()
        self._floods = {name for name, one in memory.notices.items() if OVER_LIMIT in one.labels}

    def follow(self, passing: Passing) -> list[Output]:
        """What alerts say now."""
        if not self.active:
            return []
        now, news = self.memory.head.now, {one.alert.id: one for one in passing.news}
        born = {one.alert.id for one in passing.news if one.change == FIRING}
        found: list[News] = []
        for name, one in news.items():
            if not one.alert.shadow:
                notice = notice_of(passing.rule, one.alert.rule, name, one.state, one.view, one.words, now)
                found += self.notifier.take(notice, now, name in born)
        return self._outputs(found)

    def count_floods(self) -> list[Output]:
        """The alerts that count others are such as any other; they come and go by themselves."""
        if not self.active or not (self.memory.flooding or self._floods):
            return []
        now = self.memory.head.now
        found: list[News] = []
        open_now = {flood.alert: flood for flood in map(self.memory.floods.__getitem__, sorted(self.memory.flooding))
                    if not flood.shadow}
        for name, flood in open_now.items():
            known = self.memory.notices.get(name)
            notice = notice_of_flood(self.bundle.rules.get(flood.rule), flood, None)
            if known is None or (known.labels, known.title, known.summary) != (
                    notice.labels, notice.title, notice.summary):
                found += self.notifier.take(notice, now, name not in self._floods)
        for name in sorted(self._floods - set(open_now)):
            known = self.memory.notices.get(name)
            if known is not None and known.ends is None:
                known.ends = now
                found += self.notifier.take(known, now)
        self._floods = set(open_now)
        return self._outputs(found)

    def learn(self) -> list[Output]:
        """The policy, or the rules, may be others: everybody is seated by them, and told what is open."""
        if not self.active:
            return []
        now = self.memory.head.now
        found: list[News] = []
        for name, alert in sorted(self.memory.alerts.items()):
            if alert.state != FIRING or alert.shadow or name in self.memory.notices or alert.words is None:
                continue
            view = self.memory.view(alert)
            if not view.instant:
                rule = self.bundle.rules.get(alert.rule)
                found += self.notifier.take(
                    notice_of(rule, alert.rule, name, alert.state, view, alert.words, now), now)
        self.notifier.learn(now)
        return self._outputs(found)

    def due(self) -> Micros | None:
        """When `advance` has something to do; None if nothing waits."""
        return self.notifier.due() if self.active else None

    def advance(self, now: Micros) -> list[Output]:
        """Do what is due at or before `now`."""
        return self._outputs(self.notifier.advance(now)) if self.active else []

    def _outputs(self, news: Iterable[News]) -> list[Output]:
        return [self._written(one) for one in news]

    def _written(self, one: Notification | Suppression) -> Output:
        if isinstance(one, Notification):
            self.told[one.receiver, one.reason] += 1
            return output("notifications", one.receiver, notification_event(self.bundle, one))
        for hush in one.hushes:
            self.quiet[hush.reason] += 1
        return output("alerts", one.alert, suppression_event(self.bundle, one))

