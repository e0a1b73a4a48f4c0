"""Readings and roll-ups as subscribers read them: CloudEvents on `tocsin.vitals`.

`subject` names the reading (indicator, key and end of the period) or the roll-up; `sequence` orders what is told of it,
the highest is what holds. `id` follows from both, as with alerts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.clocks import show_duration
from streams.findings import Reading
from streams.formats import cloudevents
from streams.respond.envelopes import source_of
from streams.respond.identity import identity
from streams.respond.rows import RollUp
from streams.respond.view import stamp
from streams.rules import Bundle, Rule
from streams.vitals import DISTRICT_PARTS, UNKNOWN, Usual, Vital, entries

READING_SCHEMA = "urn:tocsin:schema:reading:1"
ROLLUP_SCHEMA = "urn:tocsin:schema:rollup:1"
SILENT = "source_silent"
NO_VALUE = "no_value"
WITHDRAWN = "withdrawn"
WARMING = "warming"


def reading_event(bundle: Bundle, rule: Rule, reading: Reading, shown: str) -> bytes:
    """`tocsin.vital.reading`; `shown` is the status that people see."""
    about = identity("reading", reading.indicator, list(reading.key.items()), reading.at, reading.cause == SILENT)
    attributes = {
        "id": identity(about, reading.sequence), "source": source_of(bundle), "type": "tocsin.vital.reading",
        "subject": about, "time": stamp(reading.at) or "", "dataschema": READING_SCHEMA,
        "sequence": str(reading.sequence), "recordedtime": stamp(reading.concluded) or "",
    }
    return cloudevents.encode(attributes, _reading(rule, reading, shown))


def rollup_event(bundle: Bundle, one: RollUp, scores: Mapping[int, int], causes: list[dict[str, Any]]) -> bytes:
    """`tocsin.vital.rollup`: the status of a district or of the city, each time that it changes."""
    about = identity("rollup", one.level, one.name)
    at = stamp(one.since) or ""
    attributes = {
        "id": identity(about, one.sequence), "source": source_of(bundle), "type": "tocsin.vital.rollup",
        "subject": about, "time": at, "dataschema": ROLLUP_SCHEMA, "sequence": str(one.sequence), "recordedtime": at,
    }
    return cloudevents.encode(attributes, {
        "level": one.level, "name": one.name, "status": one.status, "since": at,
        "green": scores.get(0, 0), "amber": scores.get(1, 0), "red": scores.get(2, 0), "unknown": scores.get(-1, 0),
        "causes": causes,
    })


def _reading(rule: Rule, reading: Reading, shown: str) -> dict[str, Any]:
    """All fields, always."""
    vital = rule.vital
    assert vital is not None
    return {
        "indicator": rule.base, "title": rule.title, "description": vital.description, "owner": rule.owner,
        "key": reading.key, "district": next((reading.key[part] for part in DISTRICT_PARTS if part in reading.key), ""),
        "end": stamp(reading.at), "window": show_duration(vital.window), "every": show_duration(vital.every),
        "value": None if vital.top else reading.value, "unit": vital.unit, "events": reading.count,
        "top": _top(vital, reading.value), "status": shown,
        "since": stamp(reading.since if shown == reading.status else reading.at),
        "reason": _reason(reading, shown), "good": vital.good, "bands": _bands(vital, reading.usual),
        "weight": vital.weight, "usual": _usual(reading.usual),
        "cause": "" if reading.cause == SILENT else reading.cause,
    }


def _reason(reading: Reading, shown: str) -> str:
    """Why there is no status; "" where there is one."""
    if reading.gone:
        return WITHDRAWN
    if shown != UNKNOWN:
        return ""
    if reading.status != UNKNOWN or reading.cause == SILENT:
        return SILENT
    return NO_VALUE if reading.value is None else WARMING


def _bands(vital: Vital, usual: Usual | None) -> dict[str, Any] | None:
    """Where amber and red began for this reading."""
    if vital.bands is None:
        return None
    amber, red = vital.marks(usual)
    return {"amber": amber, "red": red}


def _usual(usual: Usual | None) -> dict[str, Any] | None:
    if usual is None:
        return None
    return {"expected": usual.expected, "low": usual.low, "high": usual.high, "warming": usual.warming}


def _top(vital: Vital, value: Any) -> list[dict[str, Any]] | None:
    if vital.top is None:
        return None
    return [{"of": dict(zip(vital.top.by, one.of, strict=True)), "rank": rank, "count": one.count, "before": one.before,
             "change": one.count - one.before, "rank_before": one.rank_before, "usual": one.usual,
             "percent": one.percent, "new": one.new} for rank, one in enumerate(entries(value), 1)]
