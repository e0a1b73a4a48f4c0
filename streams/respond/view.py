"""What people see of an alert: the picture of its findings, in words, with the rule's texts filled in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from streams.clocks import moment, rfc3339, zone_of
from streams.places import CELL
from streams.records import Micros
from streams.respond.exercise import SEVERITY, is_exercise, marked
from streams.respond.picture import View
from streams.respond.rows import Words
from streams.rules import Bundle, Rule
from streams.texts import look_up, show, show_part, text_of

LAST_INSTANT: Micros = 253_402_300_799_999_999  # the end of the year 9999
FIRST_INSTANT: Micros = -62_135_596_800_000_000  # the beginning of the year 1


def shown(view: View) -> tuple[Any, ...]:
    """What of a view can be seen, beside the words: of the facts no more than where it is."""
    return (*msgspec.structs.astuple(msgspec.structs.replace(view, facts={})), place_of(view), district_of(view))


def words_of(rule: Rule | None, rule_id: str, view: View, bundle: Bundle, before: Words | None) -> Words:
    """The rule's texts for this view; those of before, else the rule's bare id, where it is gone."""
    if rule is None:
        return before or Words(rule_id, "", rule_id, "minor", "Other", "observed", "", "")
    estimated = rule.kind == "hotspot" or bool(rule.spec.get("baseline"))
    return Words(
        title=marked(view.key, fill(rule.alert.title, rule, view, bundle) or rule.title),
        summary=marked(view.key, fill(rule.alert.summary, rule, view, bundle)),
        headline=marked(view.key, rule.title), severity=severity_of(rule, view),
        category=rule.alert.category or "Other",
        certainty="likely" if estimated else "observed", owner=rule.owner, runbook=rule.alert.runbook,
    )


def severity_of(rule: Rule, view: View) -> str:
    """How bad this is: the rule's word, or what its expression makes of the findings; that falls with a correction."""
    if is_exercise(view.key) and SEVERITY in view.facts:
        return str(view.facts[SEVERITY])
    return rule.grade(view.key, view.value, view.count, view.opened, view.facts, view.bound or ())


def fill(text: str, rule: Rule, view: View, bundle: Bundle) -> str:
    """A text of a rule with this view's values; an event's own fields go before what is built in."""
    facts = {path: _typed(rule, path, value) for path, value in view.facts.items()}
    values = {
        **dict.fromkeys(view.bound or (), facts),
        "rule": {"id": rule.id, "title": rule.title, "severity": severity_of(rule, view), "owner": rule.owner},
        "key": view.key, "value": view.value, "count": view.count, "opened": instant(view.opened),
        "closed": None if view.closed is None else instant(view.closed), **view.key, **facts,
    }
    return text_of(text).render(values, zone_of(bundle.city.zone))


def why(view: View, words: Words) -> str:
    """One sentence for whoever asks why: what, how many events, which value, for which key; no cell of the map."""
    events = f"{view.count} event" if view.count == 1 else f"{view.count} events"
    parts = [events if view.count else "no event"]
    if view.value is not None:
        parts.append(f"value {show(view.value)}")
    parts += [show_part(name, value) for name, value in view.key.items() if name != CELL]
    return f"{words.headline}: {', '.join(parts)}."


def place_of(view: View) -> dict[str, Any] | None:
    """Where it is, as far as the facts tell; None if they tell nothing."""
    place = {part: look_up(view.facts, f"place.{part}") for part in ("lat", "lon", "address")}
    return place if any(value is not None for value in place.values()) else None


def district_of(view: View) -> str:
    """The district, from the key or the facts; "" if neither names one."""
    known = (view.key.get("place.district"), view.key.get("district"), look_up(view.facts, "place.district"))
    return next((str(name) for name in known if name), "")


def instant(time: Micros) -> datetime:
    """An instant; what lies beyond the calendar (a clock that was finished) is its end."""
    return moment(_within(time))


def stamp(time: Micros | None) -> str | None:
    """RFC 3339 with microseconds and Z, within the calendar; None for None."""
    return None if time is None else rfc3339(_within(time))


def _within(time: Micros) -> Micros:
    return min(max(time, FIRST_INSTANT), LAST_INSTANT)


def _typed(rule: Rule, path: str, value: Any) -> Any:
    """A fact for people: events hold instants and spans as microseconds, the rule knows which they are."""
    type = rule.facts[path].type if path in rule.facts else ""
    if not isinstance(value, int) or type not in ("timestamp", "duration"):
        return value
    return instant(value) if type == "timestamp" else timedelta(microseconds=value)
