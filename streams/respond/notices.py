"""What an alert says to those who are notified: its labels, when it began and ended, and where it is."""

from __future__ import annotations

from streams.records import Micros
from streams.respond.labels import labels_of
from streams.respond.life import FIRING
from streams.respond.notifying import Notice
from streams.respond.picture import View
from streams.respond.rows import Flood, Words
from streams.respond.view import place_of
from streams.rules import Rule

OVER_LIMIT = "over_limit"
"""The label of an alert that counts others, which its rule's `limit` holds back."""


def notice_of(rule: Rule | None, rule_id: str, alert: str, state: str, view: View, words: Words,
              now: Micros) -> Notice:
    """The notice of an alert. It has ended by `now`, whatever its clocks say, if its state says so."""
    labels = labels_of(rule, rule_id, view, words)
    firing = state == FIRING
    ends = None if firing else min(view.closed or now, now)
    return Notice(alert, labels, view.opened, ends, _place(view), firing and view.instant, state, words.title,
                  words.summary, words.runbook)


def notice_of_flood(rule: Rule | None, flood: Flood, over: Micros | None) -> Notice:
    """The notice of the alert that says that others are held back; `over` is when it ended."""
    words = flood.words
    assert words is not None, "it is told when it begins"
    base = flood.rule if rule is None else rule.base
    labels = {OVER_LIMIT: "yes", "category": words.category, "owner": words.owner, "rule": base,
              "severity": words.severity}
    return Notice(flood.alert, {name: text for name, text in sorted(labels.items()) if text}, flood.since, over,
                  title=words.title, summary=words.summary, runbook=words.runbook)


def _place(view: View) -> tuple[float, float] | None:
    place = place_of(view) or {}
    lat, lon = place.get("lat"), place.get("lon")
    return (float(lat), float(lon)) if lat is not None and lon is not None else None
