"""Cases as subscribers read them: a CloudEvent for each thing that happens to one, and what it says of itself.

`subject` is the case, `sequence` its version. Beside our own states stand those of EIDO and of Open311.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.clocks import SECOND
from streams.formats import cloudevents
from streams.records import Micros
from streams.respond.cases.life import CaseNews
from streams.respond.cases.state import Case
from streams.respond.cases.table import CANCELLED, CLOSED, ENDED
from streams.respond.envelopes import source_of
from streams.respond.identity import identity
from streams.respond.view import stamp
from streams.rules import Bundle

CASE_SCHEMA = "urn:tocsin:schema:case:1"
EIDO = {
    "discovered": "Active", "registered": "Active", "rejected": "Active", "parked": "Active",
    "dispatched": "ResourcesAssigned", "accepted": "ResourcesAssigned", "en_route": "ResourcesEnroute",
    "on_scene": "ResourcesOnscene", "disposed": "ResourcesOnscene", "verified": "ResourcesOnscene",
    CANCELLED: "Cancelled", "merged": "Closed", CLOSED: "Closed",
}
"""The incident status of NENA-STA-021 for each state; a new attempt is `ReOpened` until somebody is sent."""
MEASURED = {"acknowledge": "accepted", "arrive": "on_scene", "dispose": "disposed", "close": "closed"}
"""The figures of a case, each by the stage that ends it, from its birth."""


def case_event(bundle: Bundle, news: CaseNews) -> bytes:
    """`tocsin.case.<change>`."""
    case, at = news.case, stamp(news.at) or ""
    attributes = {
        "id": identity(case.id, case.version), "source": source_of(bundle), "type": f"tocsin.case.{news.change}",
        "subject": case.id, "time": at, "dataschema": CASE_SCHEMA, "sequence": str(case.version),
        "correlationid": case.alert or case.id, "causationid": case.alert, "recordedtime": at,
    }
    return cloudevents.encode({name: value for name, value in attributes.items() if value}, _case(news))


def _case(news: CaseNews) -> dict[str, Any]:
    """All fields, always."""
    case = news.case
    return {
        "case": case.id, "alert": case.alert, "title": case.title, "change": news.change, "state": case.state,
        "attempt": case.attempt, "level": case.level, "unit": case.unit, "priority": case.priority,
        **{name: case.labels.get(name, "") for name in ("rule", "severity", "category", "district", "owner")},
        "labels": case.labels, "discovered_by": case.discovered_by, "actor": news.actor, "reason": news.reason,
        "stage": news.stage, "notify": news.notify, "disposition": case.disposition,
        "opened_at": stamp(case.opened), "born_at": stamp(case.born), "began_at": stamp(case.began),
        "parked_at": stamp(case.parked), "resolved_at": stamp(case.resolved),
        "stages": _stamped(case.stages), "due": _stamped(case.due), "promised": _stamped(case.promised),
        "missed": case.missed, "extensions": case.extensions, "merged_into": case.merged_into,
        "split_from": case.split_from, "seconds": seconds(case), "on_time": not case.missed,
        "reworked": case.attempt > 1, "active": case.discovered_by == "rule",
        "incident_status": incident_status(case), "open311_status": "closed" if case.state in ENDED else "open",
    }


def seconds(case: Case) -> dict[str, float | None]:
    """How long it took to discover it, and from its birth to each stage that counts; None for what has not come."""
    found: dict[str, float | None] = {"discover": (case.born - case.opened) / SECOND}
    for name, stage in MEASURED.items():
        at = case.first.get(stage)
        found[name] = None if at is None else (at - case.born) / SECOND
    return found


def incident_status(case: Case) -> str:
    """The status of an EIDO incident."""
    if case.attempt > 1 and case.state in ("discovered", "registered"):
        return "ReOpened"
    return EIDO[case.state]


def _stamped(times: Mapping[str, Micros]) -> dict[str, str | None]:
    return {name: stamp(at) for name, at in sorted(times.items(), key=lambda one: (one[1], one[0]))}
