"""What keeps alerts quiet: silences as lists and previews, and the reasons that hold for one alert now."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from streams.actions import Refusal
from streams.clocks import show_duration
from streams.policy import Silence
from streams.reasons import SENTENCES, QuietReason
from streams.records import Micros
from streams.respond.notifying import Hush, Notice, Quieting
from streams.respond.notifying.routes import matched
from streams.respond.silencing import matcher_sets, muted, silence_id
from streams.respond.view import stamp
from streams.rules import SEVERITIES
from streams.texts import counted
from streams.tools.asking import Misasked, local_instant
from streams.tools.desk.desk import Desk
from streams.tools.desk.lists import clock, cut
from streams.tools.desk.naming import brief, named
from streams.tools.desk.saying import Said, acted, person, span
from streams.tools.tables import table

PENDING, ACTIVE, RESTING, EXPIRED = "pending", "active", "resting", "expired"
STATES = (PENDING, ACTIVE, RESTING, EXPIRED)
"""Before its beginning; in force; within its bounds and not now (its window, or its alert); over."""


async def silence(desk: Desk, options: argparse.Namespace, new_id: Callable[[], str]) -> Said:
    """`tocsin silence`. Raises Misasked."""
    if options.verb == "ls":
        return _listed(desk, options)
    if options.verb == "preview":
        return _previewed(desk, _wanted(desk, options, "preview", desk.now + 1))
    if options.verb == "expire":
        name = named(options.id, {one.id: f"{one.text or one.id}: {one.reason}" for one in _all(desk)}, "silence")
        return acted(desk, await desk.act(person(options), [(new_id(), "silence.expire", name, {})]))
    return await _added(desk, options, new_id())


def hushes(desk: Desk, alert: str) -> list[Hush]:
    """All that keeps an alert quiet now, on any of its routes, each once."""
    notice, root = desk.memory.notices.get(alert), desk.bundle.policy.root
    if notice is None or root is None:
        return []
    found = {one: None for route in matched(root, notice.labels)
             for one in desk.fold.notify.notifier.hushes(notice, route, desk.now)}
    return list(found)


def quiet_json(found: Sequence[Hush]) -> list[dict[str, str]]:
    """What keeps an alert quiet as plain values."""
    return [{"reason": str(one.reason), "by": one.by, "source": one.source} for one in found]


def hush_text(desk: Desk, hush: Hush) -> str:
    """What keeps an alert quiet, in words: which silence until when, which other alert."""
    if hush.reason == QuietReason.SILENCED:
        one = next((one for one in _all(desk) if one.id == hush.by), None)
        if one is not None:
            until = "" if one.ends is None else f" until {clock(one.ends, desk.zone)}"
            return f"silenced by {one.owner}{until}: {one.reason} ({one.id})"
    if hush.reason == QuietReason.INHIBITED:
        other = desk.memory.notices.get(hush.source)
        title = "" if other is None else f" ({other.title})"
        return f"explained by alert {hush.source}{title}, by the rule {hush.by}"
    said = SENTENCES[QuietReason(hush.reason)]
    return f"{said} ({hush.by})" if hush.by else said


def state_of(desk: Desk, one: Silence) -> str:
    """Whether a silence is in force."""
    if one.begins > desk.now:
        return PENDING
    if one.ends is not None and one.ends <= desk.now:
        return EXPIRED
    return ACTIVE if desk.fold.notify.notifier.silences.holds(one, desk.now) else RESTING


def _all(desk: Desk) -> list[Silence]:
    return desk.fold.notify.notifier.silences.all


async def _added(desk: Desk, options: argparse.Namespace, id: str) -> Said:
    row = _wanted(desk, options, silence_id(id), None)
    details: dict[str, Any] = {"match": row.matchers, "ticket": row.ticket, "with_alert": row.with_alert,
                               "district": row.district}
    if row.ends is not None:
        details["for"] = row.ends - desk.now
    [outcome] = await desk.act(person(options), [(id, "silence.add", "", details)])
    said = acted(desk, [outcome])
    if outcome.done:
        mutes = _previewed(desk, row)
        said.text = f"silence {row.id} holds{_until(desk, row.ends)}\n{mutes.text.replace('would mute', 'mutes', 1)}"
        said.lines = [{**said.lines[0], "silence": row.id, **mutes.lines[0]}]
    return said


def _wanted(desk: Desk, options: argparse.Namespace, id: str, otherwise: Micros | None) -> Quieting:
    """The silence that is asked for, from now on. Raises Misasked."""
    sets = matcher_sets(options.match)
    if isinstance(sets, Refusal):
        raise Misasked(f"--match: {sets.sentence}")
    if options.span and options.until:
        raise Misasked("--for and --until both say when it ends; give one of them")
    ends = desk.now + span(options.span, "--for") if options.span else otherwise
    if options.until:
        try:
            ends = local_instant(options.until, desk.zone)
        except ValueError as error:
            raise Misasked(f"--until {error}") from None
    about = desk.alert_named(options.with_alert) if options.with_alert else ""
    return Quieting(id, sets, desk.now, ends, "", "", options.ticket, about, options.district)


def _previewed(desk: Desk, row: Quieting) -> Said:
    """What a silence would mute now."""
    quiet, kept = muted(desk.fold.notify.notifier, row)
    text = f"would mute {counted(len(quiet), 'alert')} now\n" + _notices(desk, quiet)
    if kept:
        text += f"{counted(len(kept), 'alert')} of these a guard keeps; nobody can silence them\n{_notices(desk, kept)}"
    return Said(text, [{"mutes": [one.id for one in quiet], "guarded": [one.id for one in kept]}])


def _notices(desk: Desk, notices: Sequence[Notice]) -> str:
    short = brief(desk.alerts)
    rows = [("  " + short.get(one.id, one.id), one.labels.get("severity", ""), one.labels.get("district", ""),
             cut(one.title)) for one in sorted(notices, key=_gravest)]
    return table(rows) if rows else ""


def _gravest(notice: Notice) -> tuple[int, str]:
    severity = notice.labels.get("severity", "")
    return (-SEVERITIES.index(severity) if severity in SEVERITIES else 1, notice.id)


def _listed(desk: Desk, options: argparse.Namespace) -> Said:
    if options.state and options.state not in STATES:
        raise Misasked(f"--state {options.state!r}; there are {', '.join(STATES)}")
    found = [(one, state) for one in _all(desk)
             if (state := state_of(desk, one)) and state in ([options.state] if options.state else STATES[:3])]
    short = brief(one.id for one in _all(desk))
    made = desk.memory.silences
    rows = [(short[one.id] if one.id in made else one.id, state, _match(one), _ending(desk, one).strip(), one.owner,
             one.ticket, one.reason) for one, state in found]
    head = ("silence", "state", "what", "until", "owner", "ticket", "reason")
    text = table([head, *rows]) if rows else "there is no silence, or none of what was asked for\n"
    return Said(text, [_as_json(one, state, one.id in made) for one, state in found])


def _as_json(one: Silence, state: str, made: bool) -> dict[str, Any]:
    return {"silence": one.id, "state": state, "match": one.text, "begins_at": stamp(one.begins),
            "ends_at": stamp(one.ends), "with_alert": one.with_alert, "district": one.district, "owner": one.owner,
            "ticket": one.ticket, "reason": one.reason, "filed": not made}


def _match(one: Silence) -> str:
    district = f"{one.district}: " if one.district else ""
    return district + (one.text or "see the rule files")


def _ending(desk: Desk, one: Silence) -> str:
    end = f"with alert {one.with_alert[:6]}" if one.with_alert else ""
    return end + ("" if one.ends is None else f" {clock(one.ends, desk.zone)}")


def _until(desk: Desk, ends: Micros | None) -> str:
    """How long it holds, counted from now."""
    return "" if ends is None else f" for {show_duration(ends - desk.now)}, until {clock(ends, desk.zone)}"
