"""`tocsin shift report`: what one shift hands over to the next. Exercises are told apart and count nowhere."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import msgspec
import orjson

from streams.clocks import DAY, HOUR, parse_rfc3339, rfc3339
from streams.reasons import SENTENCES, HeldReason
from streams.records import Micros
from streams.respond.cases.state import Case
from streams.respond.cases.table import CLOSED, ENDED
from streams.respond.exercise import is_exercise
from streams.respond.operating.table import OUT, SHELVED
from streams.rules import SEVERITIES
from streams.tools.asking import Misasked, local_instant
from streams.tools.desk.desk import Desk
from streams.tools.desk.lists import clock
from streams.tools.desk.saying import Said
from streams.tools.desk.story import beginning
from streams.tools.vitals import Wishes, signs_of
from streams.vitals import DISTRICT_PARTS

SHIFT: Micros = 8 * HOUR
AGES = ((HOUR, "under 1h"), (4 * HOUR, "under 4h"), (DAY, "under 1d"))
OLDER = "older"
RULES_AT_MOST = 10


class Tally(msgspec.Struct):
    """What happened within the shift; alerts and cases by their ids."""

    fired: dict[str, tuple[str, str]] = {}  # severity, rule
    exercises: dict[str, None] = {}
    acked: dict[str, None] = {}
    notified: dict[str, None] = {}
    quiet: dict[str, list[str]] = {}
    held: Counter[str] = msgspec.field(default_factory=Counter)
    late: Counter[str] = msgspec.field(default_factory=Counter)
    closed: dict[str, dict[str, Any]] = {}


async def shift(desk: Desk, options: argparse.Namespace) -> Said:
    """`tocsin shift report`. Raises Misasked."""
    until = _moment(options.until, desk.zone, "--to") if options.until else desk.now
    since = _moment(options.since, desk.zone, "--from") if options.since else until - SHIFT
    if since >= until:
        raise Misasked("--from is not before --to")
    tally = Tally()
    for topic, take in ((desk.topics.alerts, _alert), (desk.topics.notifications, _notification),
                        (desk.topics.audit, _held), (desk.topics.cases, _case)):
        async for event in _events(desk, topic, since, until):
            take(tally, event, options.district)
    found = report(desk, tally, options.district) | {"from": rfc3339(since), "to": rfc3339(until),
                                                     "district": options.district}
    return Said(_text(found, since, until, desk.zone), [found])


def report(desk: Desk, tally: Tally, district: str) -> dict[str, Any]:
    """The figures, as plain values."""
    by_severity = Counter(severity for severity, _ in tally.fired.values())
    untold = [name for name in tally.fired if name not in tally.notified]
    cases = [one for one in desk.cases.values() if one.state not in ENDED and _mine(one, district)]
    operators = [one for one in desk.memory.operators.values() if district in ("", one.district)]
    signs = [(rule, sign) for rule, sign in signs_of(desk.fold.board, desk.bundle, Wishes((), district, True))]
    return {
        "alerts": len(tally.fired), "by_severity": {name: by_severity[name] for name in reversed(SEVERITIES)
                                                    if by_severity[name]},
        "by_rule": dict(Counter(rule for _, rule in tally.fired.values()).most_common(RULES_AT_MOST)),
        "notified": len(tally.fired) - len(untold),
        "kept_quiet": dict(sorted(Counter(reason for name in untold for reason in tally.quiet.get(name, ())).items())),
        "held_back": dict(sorted(tally.held.items())), "acked": len(tally.acked),
        "shelved": sum(one.state == SHELVED for one in operators),
        "out_of_service": sum(one.state == OUT for one in operators), "open_cases": len(cases),
        "by_stage": dict(sorted(Counter(one.state for one in cases).items())), "by_age": _ages(cases, desk.now),
        "late_stages": dict(sorted(tally.late.items())), **_rates(tally.closed.values()),
        "exercises": len(tally.exercises),
        "indicators": [{"indicator": rule.base, "key": sign.key, "status": sign.shown} for rule, sign in signs],
    }


def _alert(tally: Tally, event: Mapping[str, Any], district: str) -> None:
    """News of an alert, of its operators, or of what keeps it quiet."""
    told, name, change = event["data"], event["subject"], event["type"].rpartition(".")[2]
    if change == "operator" and told["state"] == "acked" and name not in tally.exercises:
        tally.acked[name] = None
    elif change == "suppressed":
        tally.quiet[name] = [one["reason"] for one in told["suppressed_by"]]
    elif change == "firing" and told["status"] == "exercise":
        tally.exercises[name] = None
    elif change == "firing" and district in ("", told["district"]):
        tally.fired[name] = (told["severity"], told["rule"].partition("@")[0])
    elif change == "updated" and name in tally.fired:
        tally.fired[name] = (told["severity"], tally.fired[name][1])


def _notification(tally: Tally, event: Mapping[str, Any], district: str) -> None:
    tally.notified.update(dict.fromkeys(one["alert"] for one in event["data"]["alerts"]))


def _held(tally: Tally, event: Mapping[str, Any], district: str) -> None:
    """A finding for which nothing was sent."""
    told = event["data"]
    if event["type"] != "tocsin.audit.held_back" or told["reason"] == HeldReason.UNCHANGED:
        return
    where = next((str(told["key"][part]) for part in DISTRICT_PARTS if part in told["key"]), "")
    if district in ("", where):
        tally.held[told["reason"]] += 1


def _case(tally: Tally, event: Mapping[str, Any], district: str) -> None:
    told = event["data"]
    if district not in ("", told["district"]) or is_exercise(told["labels"]):
        return
    if told["change"] == "overdue":
        tally.late[told["stage"]] += 1
    elif told["change"] == CLOSED:
        tally.closed[told["case"]] = told


def _mine(case: Case, district: str) -> bool:
    return district in ("", case.labels.get("district", "")) and not is_exercise(case.labels)


def _ages(cases: Iterable[Case], now: Micros) -> dict[str, int]:
    """How many are open for how long."""
    found = Counter(next((name for limit, name in AGES if now - one.born < limit), OLDER) for one in cases)
    return {name: found[name] for name in (*(name for _, name in AGES), OLDER) if found[name]}


def _rates(closed: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Of the cases that were closed, how many in time and how many after rework; None where there is none."""
    cases = list(closed)
    number = len(cases)
    return {"closed_cases": number,
            "on_time": sum(one["on_time"] for one in cases) / number if number else None,
            "reworked": sum(one["reworked"] for one in cases) / number if number else None}


async def _events(desk: Desk, topic: str, since: Micros, until: Micros) -> AsyncIterator[dict[str, Any]]:
    """The events of a topic whose time lies within the shift."""
    async for batch in desk.log.read(topic, 0, await beginning(desk.log, topic, since)):
        for entry in batch:
            event: dict[str, Any] = orjson.loads(entry.value or b"{}")
            if since <= parse_rfc3339(event["time"]) < until:
                yield event


def _text(found: Mapping[str, Any], since: Micros, until: Micros, zone: str) -> str:
    where = f" in {found['district']}" if found["district"] else ""
    lines = [f"{clock(since, zone)} to {clock(until, zone)}{where}", ""]
    lines.append(f"alerts          {found['alerts']}{_list(found['by_severity'])}")
    lines.append(f"  notified      {found['notified']}")
    lines += [f"  kept quiet    {number}  {reason}: {SENTENCES[reason]}"
              for reason, number in found["kept_quiet"].items()]
    lines.append(f"  seen          {found['acked']}")
    lines.append(f"held back       {sum(found['held_back'].values())}{_list(found['held_back'])}")
    lines.append(f"put aside now   {found['shelved']}, out of service {found['out_of_service']}")
    lines.append(f"open cases      {found['open_cases']}{_list(found['by_stage'])}")
    lines.append(f"  by age        {_list(found['by_age']).strip(' ()') or 'none'}")
    lines.append(f"late stages     {sum(found['late_stages'].values())}{_list(found['late_stages'])}")
    lines.append(f"closed cases    {found['closed_cases']}{_share(found)}")
    lines.append(f"exercises       {found['exercises']}")
    lines += ["", "most frequent rules"] if found["by_rule"] else []
    lines += [f"  {number:>5}  {rule}" for rule, number in found["by_rule"].items()]
    lines += ["", "indicators that are not green"] if found["indicators"] else []
    lines += [f"  {one['status']:<6} {one['indicator']} {', '.join(map(str, one['key'].values()))}".rstrip()
              for one in found["indicators"]]
    return "\n".join(lines) + "\n"


def _list(counts: Mapping[str, int]) -> str:
    return f" ({', '.join(f'{number} {name}' for name, number in counts.items())})" if counts else ""


def _share(found: Mapping[str, Any]) -> str:
    if not found["closed_cases"]:
        return ""
    return f", {found['on_time']:.0%} in time, {found['reworked']:.0%} after rework"


def _moment(text: str, zone: str, option: str) -> Micros:
    try:
        return local_instant(text, zone)
    except ValueError as error:
        raise Misasked(f"{option} {error}") from None
