"""What is in the operators' lists now: alerts and cases, as far as they were asked for, as text and as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from streams.clocks import moment, zone_of
from streams.records import Micros
from streams.respond import Respond
from streams.respond.cases.state import Case
from streams.respond.cases.table import ENDED, reached
from streams.respond.labels import labels_of
from streams.respond.life import FIRING
from streams.respond.operating.table import NEW, NORMAL, RETURNED
from streams.respond.rows import AlertState
from streams.respond.view import stamp, why
from streams.rules import SEVERITIES, Bundle
from streams.tools.desk.naming import brief
from streams.tools.tables import table

TITLE_AT_MOST = 60


class AlertLine(msgspec.Struct, frozen=True):
    """An alert in the list: what detection says of it (`state`), and what operators made of it (`operator`).

    `version` is that of the operators' side, `until` when that ends by itself. `case` is its open case. Times are µs.
    """

    id: str
    state: str
    operator: str
    title: str
    labels: dict[str, str]
    opened: Micros
    closed: Micros | None
    version: int
    until: Micros | None
    actor: str
    case: str
    why: str = ""


class AlertWishes(msgspec.Struct, frozen=True):
    """Which alerts: of a district, severity, rule, an operators' state; "" is any. `firing`: only what still fires."""

    district: str = ""
    severity: str = ""
    rule: str = ""
    state: str = ""
    firing: bool = False


class CaseWishes(msgspec.Struct, frozen=True):
    """Which cases: of a district, unit, state; "" is any that is open. `late`: only those that have missed a stage."""

    district: str = ""
    unit: str = ""
    state: str = ""
    late: bool = False


def alerts_of(fold: Respond, bundle: Bundle) -> dict[str, AlertLine]:
    """Every alert that is remembered, but for those of rules that are only observed."""
    return {one.id: _alert(fold, bundle, one) for one in fold.people.memory.alerts.values() if not one.shadow}


def alerts_asked(lines: Iterable[AlertLine], wishes: AlertWishes) -> list[AlertLine]:
    """Those that were asked for: what nobody has seen first, then the gravest, then the newest."""
    found = [one for one in lines if _asked(one, wishes)]
    return sorted(found, key=lambda one: (one.operator not in (NEW, RETURNED), -SEVERITIES.index(
        one.labels["severity"]), -one.opened, one.id))


def cases_asked(cases: Iterable[Case], wishes: CaseWishes) -> list[Case]:
    """Those that were asked for: the most urgent first, then what is due first."""
    found = [one for one in cases
             if wishes.district in ("", one.labels.get("district", "")) and wishes.unit in ("", one.unit)
             and (one.state == wishes.state if wishes.state else one.state not in ENDED)
             and (not wishes.late or one.missed)]
    return sorted(found, key=lambda one: (one.priority, next_due(one)[1] or one.born, one.born, one.id))


def next_due(case: Case) -> tuple[str, Micros | None]:
    """The next stage that a case must come to, and by when; ("", None) if there is none."""
    if case.state in ENDED:
        return "", None
    left = [(at, stage) for stage, at in case.due.items() if stage not in case.stages and _ahead(case, stage)]
    return (min(left)[1], min(left)[0]) if left else ("", None)


def alert_table(lines: Iterable[AlertLine], known: Iterable[str], quiet: Mapping[str, str], zone: str) -> str:
    """Alerts as text; `known` are the ids among which the shown ones are their own, `quiet` what keeps them so."""
    short = brief(known)
    head = ("alert", "seen", "fires", "severity", "district", "since", "what", "quiet",
            "case")
    rows = [(short[one.id], one.operator, "yes" if one.state == FIRING else one.state, one.labels["severity"],
             one.labels.get("district", ""), clock(one.opened, zone), cut(one.title), quiet[one.id], one.case[:6])
            for one in lines]
    return table([head, *rows]) if rows else "no alert is in the list, or none of what was asked for\n"


def case_table(cases: Iterable[Case], known: Iterable[str], zone: str) -> str:
    """Cases as text."""
    short = brief(known)
    head = ("case", "state", "unit", "priority", "level", "district", "born", "due", "missed", "what")
    rows = [(short[one.id], one.state, one.unit, str(one.priority), str(one.level), one.labels.get("district", ""),
             clock(one.born, zone), due_text(one, zone), ", ".join(one.missed), cut(one.title)) for one in cases]
    return table([head, *rows]) if rows else "no case is open, or none of what was asked for\n"


def due_text(case: Case, zone: str) -> str:
    """What is due next, and when: `on_scene 14:30`."""
    stage, at = next_due(case)
    return "" if at is None else f"{stage} {clock(at, zone)}"


def alert_json(line: AlertLine) -> dict[str, Any]:
    """An alert as plain values."""
    labels = line.labels
    return {"alert": line.id, "state": line.state, "operator": line.operator, "version": line.version,
            "until": stamp(line.until), "actor": line.actor, "title": line.title, "rule": labels["rule"],
            "severity": labels["severity"], "district": labels.get("district", ""), "labels": labels,
            "opened_at": stamp(line.opened), "closed_at": stamp(line.closed), "case": line.case}


def case_json(case: Case) -> dict[str, Any]:
    """A case as plain values."""
    return {"case": case.id, "alert": case.alert, "state": case.state, "version": case.version, "title": case.title,
            "unit": case.unit, "priority": case.priority, "level": case.level, "attempt": case.attempt,
            "labels": case.labels, "born_at": stamp(case.born), "missed": case.missed,
            "stages": _stamped(case.stages), "due": _stamped(case.due), "disposition": case.disposition}


def clock(at: Micros, zone: str) -> str:
    """A moment as people on shift read it."""
    return f"{moment(at, zone_of(zone)):%m-%d %H:%M:%S}"


def cut(text: str) -> str:
    """A title that fits a line."""
    return text if len(text) <= TITLE_AT_MOST else text[:TITLE_AT_MOST - 1] + "…"


def _alert(fold: Respond, bundle: Bundle, alert: AlertState) -> AlertLine:
    memory = fold.people.memory
    words = alert.words
    row, case = memory.operators.get(alert.id), fold.people.cases.of_alert(alert.id)
    assert words is not None, "an alert that was told has words"
    rule = bundle.rules.get(alert.rule)
    opened, closed, because = 0, None, ""
    labels = {"rule": alert.rule.partition("@")[0], "severity": words.severity}
    if alert.parts:
        view = memory.view(alert)
        opened, closed, labels = view.opened, view.closed, labels_of(rule, alert.rule, view, words)
        because = why(view, words)
    return AlertLine(alert.id, alert.state, NORMAL if row is None else row.state, words.title, labels, opened, closed,
                     0 if row is None else row.version, None if row is None else row.until,
                     "" if row is None else row.actor, "" if case is None else case.id, because)


def _asked(line: AlertLine, wishes: AlertWishes) -> bool:
    wanted = {"district": wishes.district, "severity": wishes.severity, "rule": wishes.rule}
    in_list = line.operator == wishes.state if wishes.state else line.state == FIRING or line.operator != NORMAL
    return (in_list and (not wishes.firing or line.state == FIRING)
            and all(value in ("", line.labels.get(name, "")) for name, value in wanted.items()))


def _ahead(case: Case, stage: str) -> bool:
    """Whether a stage is still to be reached."""
    return not reached(case.stages, stage)


def _stamped(times: Mapping[str, Micros]) -> dict[str, str | None]:
    return {name: stamp(at) for name, at in sorted(times.items(), key=lambda one: (one[1], one[0]))}
