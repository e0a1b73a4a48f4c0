"""`tocsin route test`: who would be told of an alert with these labels, grouped how, and what would keep it quiet."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import msgspec

from streams.clocks import show_duration
from streams.policy import Inhibit, Route
from streams.records import Micros
from streams.respond.notifying import Notice
from streams.respond.notifying.inhibition import key_of, near
from streams.respond.notifying.routes import group_labels, matched
from streams.respond.notifying.silences import means
from streams.respond.view import stamp
from streams.tools.asking import Misasked, local_instant
from streams.tools.desk.desk import Desk
from streams.tools.desk.quiet import hush_text, state_of
from streams.tools.desk.saying import Said, pairs

TESTED = "tested"
"""The id of an alert that is only asked about."""


async def route(desk: Desk, options: argparse.Namespace) -> Said:
    """`tocsin route test`. Raises Misasked."""
    if bool(options.label) == bool(options.alert):
        raise Misasked("give the labels of an alert, LABEL=VALUE ..., or one that fires, --alert ID")
    at = _moment(options.at, desk)
    if options.alert:
        name = desk.alert_named(options.alert)
        notice = desk.memory.notices.get(name)
        if notice is None:
            raise Misasked(f"alert {name} fires no more, or nobody is notified of it: give its labels")
    else:
        labels = {name: text for name, text in pairs(options.label, "a label").items() if text}
        notice = Notice(TESTED, labels, at)
    found = tested(desk, notice, at)
    return Said(_text(desk, found), [found])


def tested(desk: Desk, notice: Notice, at: Micros) -> dict[str, Any]:
    """All that decides about an alert at a moment, as plain values."""
    policy = desk.bundle.policy
    guards = [name for name, guard in sorted(policy.guards.items()) if guard(notice.labels)]
    routes = matched(policy.root, notice.labels) if policy.root is not None else []
    return {
        "labels": notice.labels, "at": stamp(at), "standing": desk.standing, "guards": guards,
        "routes": [_route(desk, one, notice, at) for one in routes],
        "inhibit": list(_inhibits(desk, notice, at)), "silences": list(_silences(desk, notice, at)),
    }


def _route(desk: Desk, route: Route, notice: Notice, at: Micros) -> dict[str, Any]:
    """One route that takes the alert, and what keeps it quiet there."""
    notifier = desk.fold.notify.notifier
    if notice.id == TESTED:
        notifier.inhibition.put(notice)
    quiet = notifier.hushes(notice, route, at)
    if notice.id == TESTED:
        notifier.inhibition.remove(notice.id)
        notifier.silences.changed(notice.id)
    receiver = desk.bundle.policy.receivers.get(route.receiver)
    return {
        "route": route.id, "path": route.path, "receiver": route.receiver,
        "channels": [] if receiver is None else [one.type for one in receiver.channels],
        "resolved": receiver is None or receiver.resolved, "group": group_labels(route, notice.labels),
        "group_wait": show_duration(route.group_wait), "group_interval": show_duration(route.group_interval),
        "repeat_interval": show_duration(route.repeat_interval), "escalation": route.escalation,
        "active": list(route.active), "muted": list(route.muted),
        "quiet": [msgspec.structs.asdict(one) | {"sentence": hush_text(desk, one)} for one in quiet],
    }


def _inhibits(desk: Desk, notice: Notice, at: Micros) -> Iterator[dict[str, Any]]:
    """The rules of inhibition that the alert meets the target of."""
    for rule in desk.bundle.policy.inhibits:
        if rule.target(notice.labels):
            sources = list(_sources(desk, rule, notice, at))
            yield {"inhibit": rule.id, "equal": {name: notice.labels.get(name, "") for name in rule.equal},
                   "sources": sources, "why": _why(rule, notice, sources)}


def _sources(desk: Desk, rule: Inhibit, notice: Notice, at: Micros) -> Iterator[str]:
    """The alerts that explain this one now, by one rule."""
    key = key_of(rule, notice.labels)
    for name, other in sorted(desk.memory.notices.items()):
        explains = name != notice.id and key is not None and not other.over(at) and rule.source(other.labels)
        if (explains and key_of(rule, other.labels) == key
                and not (rule.longest is not None and at >= other.starts + rule.longest)
                and not (rule.source(notice.labels) and rule.target(other.labels))
                and (rule.within is None or near(other, notice, rule.within))):
            yield name


def _why(rule: Inhibit, notice: Notice, sources: list[str]) -> str:
    """Why a rule keeps the alert back, or does not."""
    if sources:
        return "an alert fires that explains it"
    lacks = [name for name in rule.equal if not notice.labels.get(name)]
    if lacks and not rule.absent_equal:
        return f"it lacks {', '.join(lacks)}, so no alert is like it"
    return "no alert fires that would explain it"


def _silences(desk: Desk, notice: Notice, at: Micros) -> Iterator[dict[str, Any]]:
    """The silences that are about the alert, in force or not."""
    for one in desk.fold.notify.notifier.silences.all:
        if means(one, notice) and state_of(desk, one) != "expired":
            yield {"silence": one.id, "state": state_of(desk, one), "owner": one.owner, "reason": one.reason,
                   "ends_at": stamp(one.ends)}


def _text(desk: Desk, found: dict[str, Any]) -> str:
    lines = ["labels   " + ", ".join(f"{name}={value}" for name, value in found["labels"].items())]
    lines += [f"guard    {name}: nothing keeps it quiet" for name in found["guards"]]
    for one in found["routes"]:
        lines += _route_lines(one)
    if not found["routes"]:
        lines.append("routes   none takes it: it is published, and nobody is notified")
    for one in found["inhibit"]:
        by = f" ({', '.join(one['sources'])})" if one["sources"] else ""
        lines.append(f"inhibit  {one['inhibit']}: {one['why']}{by}")
    lines += [f"silence  {one['silence']}: {one['state']}, of {one['owner']}: {one['reason']}"
              for one in found["silences"]]
    if not found["standing"]:
        lines.append("what fires now is not known: there is no log of a deployment here")
    lines.append(_verdict(found))
    return "\n".join(lines) + "\n"


def _route_lines(one: dict[str, Any]) -> list[str]:
    name = one["route"] or one["path"]
    group = ", ".join(f"{label}={value}" for label, value in one["group"].items()) or "all in one"
    told = f"after {one['group_wait']}, then every {one['group_interval']}, again after {one['repeat_interval']}"
    hours = "".join([f"; only within {', '.join(one['active'])}" if one["active"] else "",
                     f"; not within {', '.join(one['muted'])}" if one["muted"] else ""])
    over = "" if one["resolved"] else "; not that it is over"
    channels = f" ({', '.join(one['channels'])})" if one["channels"] else ""
    return [f"route    {name} -> {one['receiver']}{channels}",
            f"         together: {group}; {told}{hours}{over}",
            *(f"         quiet now: {hush['sentence']}" for hush in one["quiet"])]


def _verdict(found: dict[str, Any]) -> str:
    told = [one["receiver"] for one in found["routes"] if not one["quiet"]]
    kept = [one["receiver"] for one in found["routes"] if one["quiet"]]
    parts = [f"{', '.join(told)} would be told" if told else "", f"{', '.join(kept)} would not, now" if kept else ""]
    return "so       " + ("; ".join(part for part in parts if part) or "nobody would be told")


def _moment(text: str, desk: Desk) -> Micros:
    if not text:
        return desk.now
    try:
        return local_instant(text, desk.zone)
    except ValueError as error:
        raise Misasked(f"--at {error}") from None
