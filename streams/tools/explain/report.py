"""The explanation for people, as text, and for programs, as plain values: the verdict, then the funnel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from streams.clocks import BEFORE_ALL, rfc3339, show_duration
from streams.explained import Explained
from streams.reasons import SENTENCES, Fate
from streams.records import Micros
from streams.texts import counted
from streams.tools.explain.explaining import Explanation
from streams.tools.explain.fits import Look, parts_of
from streams.tools.explain.folding import FOR_EVER
from streams.tools.explain.sentences import said
from streams.tools.explain.whynot import why_out
from streams.tools.explain.wording import amount, number, shown

EVENTS_SHOWN = 20
TAKEN = "taken"
HOLDS = ("pending_since", "open_since", "bridged_since", "next_due")


def as_json(one: Explanation) -> dict[str, Any]:
    """Everything, as plain values; times are RFC 3339."""
    at = one.asked.at
    return {
        "rule": one.rule.id, "kind": one.rule.kind, "key": dict(zip(parts_of(one.rule), one.key, strict=False)),
        "place": None if one.area is None else str(one.area), "at": None if at is None else rfc3339(at),
        "verdict": {"fired": one.fired, "reason": one.reason, "sentence": one.sentence},
        "reasons": [{"reason": cause.reason, "text": _said(one, index)} for index, cause in enumerate(one.causes)],
        "funnel": funnel(one), "events": [_event(one, look) for look in shown_looks(one)],
        "events_left_out": len(near_looks(one)) - len(shown_looks(one)),
        "state": state(one, _time), "clock": _time(one.story.clock),
        "clocks": {name: _time(clock) for name, clock in sorted(one.story.clocks.items())},
        "findings": [_finding(finding) for finding in one.findings],
        "response": [{"topic": envelope.topic, "change": envelope.change, "finding": envelope.finding,
                      "alert": envelope.alert, "reason": envelope.about.get("reason", "")}
                     for envelope in one.envelopes],
    }


def funnel(one: Explanation) -> dict[str, int]:
    """How many were left after each step, near the moment: from records to what the key took."""
    near = near_looks(one)
    events = {look.event.order: look.arrived for look in near}
    dead = sum(1 for arrived in one.story.arrived if arrived.fate is Fate.DEAD
               and (arrived.time is None or one.asked.holds(arrived.time)))
    fates = Counter(arrived.fate for arrived in events.values())
    fitting = [look for look in near if look.arrived.fate is Fate.EVENT]
    left = {"records that could be for it": len(events) + dead, "understood": len(events)}
    left["accepted, neither late nor twice"] = fates[Fate.EVENT]
    divided = any(selector.area is not None for selector in one.rule.selectors)
    for name, passes in (("meet the condition", lambda look: look.holds is True),
                         ("where the rule holds", lambda look: look.kept_out != "other_district"),
                         ("on duty, not excepted", lambda look: not look.kept_out),
                         ("of this key", lambda look: look.key == one.key),
                         ("with a value", lambda look: not look.valueless)):
        if name == "where the rule holds" and not divided:
            continue
        fitting = [look for look in fitting if passes(look)]
        left[name] = len({look.event.order for look in fitting})
    return left


def state(one: Explanation, show: Callable[[Micros], str | None]) -> dict[str, Any]:
    """What the key's state holds at the moment: the measure or the steps, timers, `for`, what is open.

    `show` spells times.
    """
    at = moment_of(one)
    if at <= BEFORE_ALL:
        return {}
    head = one.lane.state_at(at)
    explain = getattr(one.lane.detector, "explain", None)
    found = {} if explain is None else _facts(one, explain(head, at), show)
    hold = head.hold
    times = (None if hold.pending is None else hold.pending.opened, None if hold.open is None else hold.open.opened,
             hold.false_since, one.lane.detector.due(head))
    return {"at": show(at), **found,
            **{name: None if time is None else show(time) for name, time in zip(HOLDS, times, strict=True)}}


def moment_of(one: Explanation) -> int:
    """The moment asked about; else that of the reason, else how far time has come."""
    if one.asked.at is not None:
        return one.asked.at
    facts = one.causes[0].facts
    episode = facts.get("finding") or facts.get("episode")
    at = facts.get("at", one.story.clock if episode is None else episode.opened)
    return min(int(at), FOR_EVER)


def _facts(one: Explanation, facts: Explained, show: Callable[[Micros], str | None]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if facts.measured is not None:
        measured = facts.measured
        found["measure"] = {
            "name": measured.name, "value": measured.value, "condition": {measured.test.op: measured.test.value},
            "from": show(measured.begin), "to": show(measured.end), "said": amount(one.rule, measured),
            "members": [member.id for member in measured.members]}
    if one.rule.kind == "sequence":
        found["matches"] = [
            {"bound": {name: [member.id for member in members] for name, members in match.bound.items()},
             "wanted": match.wanted, "undone_by": match.guards,
             "until": None if match.until is None else show(match.until)} for match in facts.standing]
    if facts.watched is not None:
        watched = facts.watched
        found["watch"] = {"every": show_duration(watched.every), "registered": watched.registered,
                          "since": None if watched.since is None else show(watched.since),
                          "deadline": None if watched.deadline is None else show(watched.deadline)}
    return found


def near_looks(one: Explanation) -> list[Look]:
    """The events near the moment."""
    return [look for look in one.looks if one.asked.holds(look.event.time)]


def shown_looks(one: Explanation) -> list[Look]:
    """The events near the moment, at most `EVENTS_SHOWN`: the nearest, in order of time."""
    near = near_looks(one)
    if one.asked.at is not None:
        at = one.asked.at
        near.sort(key=lambda look: abs(look.event.time - at))
    return sorted(near[:EVENTS_SHOWN], key=lambda look: (look.event.order, look.role))


def verdict_of(one: Explanation, look: Look) -> str:
    """`taken`, or why the event is not among those of the key."""
    if look.arrived.fate is Fate.EVENT and look.fits and look.key == one.key:
        return TAKEN
    return why_out(look, one.key) or look.arrived.fate.value


def _event(one: Explanation, look: Look) -> dict[str, Any]:
    return {
        "id": look.event.id, "type": look.event.type, "time": rfc3339(look.event.time), "source": look.event.source,
        "place": look.arrived.place, "fate": look.arrived.fate.value, "step": look.name,
        "outcome": verdict_of(one, look), "condition": look.holds,
        "clauses": [{"text": hurdle.text, "values": {path: _plain(value) for path, value in hurdle.values.items()},
                     "failure": hurdle.failure} for hurdle in look.hurdles],
        "key": None if look.key is None else list(look.key), "missing": look.keyless or look.valueless or None,
    }


def _finding(finding: Any) -> dict[str, Any]:
    return {
        "finding": finding.id, "change": finding.change, "sequence": finding.sequence,
        "opened": _time(finding.opened), "closed": None if finding.closed is None else _time(finding.closed),
        "value": finding.value, "evidence": finding.evidence, "at": _time(finding.at), "cause": finding.cause,
        "ended": finding.ended,
    }


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _time(time: int) -> str | None:
    return rfc3339(time) if abs(time) < FOR_EVER // 16 else None


def _said(one: Explanation, index: int) -> str:
    return said(one.story, one.key, one.asked, one.causes[index], one.words)


# For people


def as_text(one: Explanation, root: str = "") -> str:
    """The verdict first, then what led to it. `root` stands before the files of rules."""
    return "\n".join([one.sentence, "", *_head(one, root), "", *_funnel(one), *_events(one), *_state(one),
                      *_findings(one), *_more(one)]).rstrip()


def _head(one: Explanation, root: str) -> Iterator[str]:
    words, rule = one.words, one.rule
    key = ", ".join(f"{name} = {shown(part)}" for name, part in zip(parts_of(rule), one.key, strict=False)) or "none"
    yield f"rule      {rule.id} ({rule.kind}; {root}{rule.file}:{rule.line})" if rule.file else f"rule      {rule.id}"
    yield f"key       {key}"
    if one.area is not None:
        yield f"place     {one.area}"
    others = len(one.keys) - (one.key in one.keys)
    if others and rule.by:
        yield f"          {others} other key{'s' if others > 1 else ''} had events"
    if one.asked.at is None:
        yield "asked     at any time"
    else:
        yield f"asked     at {words.dated(one.asked.at)}, looked at {words.span(one.asked.low, one.asked.high)}"
    if words.start is None:
        yield f"times     {words.zone}"
    if BEFORE_ALL < one.story.clock < FOR_EVER:
        yield f"clock     {words.dated(one.story.clock)}"


def _funnel(one: Explanation) -> Iterator[str]:
    yield "The funnel:"
    for name, left in funnel(one).items():
        yield f"  {left:>6}  {name}"


def _events(one: Explanation) -> Iterator[str]:
    looks = shown_looks(one)
    if looks:
        yield ""
        yield "Events:"
    for look in looks:
        step = f" [{look.name}]" if look.name else ""
        when = f"{one.words.time(look.event.time):>19}"
        yield f"  {when}  {look.event.id}  {look.event.type}{step}  {verdict_of(one, look)}"
        for hurdle in look.hurdles:
            values = ", ".join(f"{path} = {shown(value)}" for path, value in hurdle.values.items())
            yield f"{'':>23}{hurdle.text}: {hurdle.failure or 'false'}{f' ({values})' if values else ''}"
        if look.keyless or look.valueless:
            yield f"{'':>23}{look.valueless or 'missing: ' + ', '.join(look.keyless)}"
    left = len(near_looks(one)) - len(looks)
    if left:
        yield f"{'':>23}and {left} more, {'later ones' if one.asked.at is None else 'farther from that moment'}"


def _state(one: Explanation) -> Iterator[str]:
    found = state(one, one.words.time)
    if not found:
        return
    yield ""
    yield f"State at {one.words.time(moment_of(one))}:"
    if "measure" in found:
        yield f"  measure   {found['measure']['said']}; events {', '.join(found['measure']['members'][-10:]) or 'none'}"
    for match in found.get("matches", ()):
        bound = ", ".join(f"{name}: {' '.join(ids)}" for name, ids in match["bound"].items())
        wanted = ", ".join(match["wanted"]) or "nothing"
        yield f"  match     {bound}; wanted: {wanted}; until {match['until'] or 'ever'}"
    if "watch" in found:
        watch = found["watch"]
        yield f"  watch     every {watch['every']}, due by {watch['deadline'] or 'never'}"
    for name in HOLDS:
        if found.get(name):
            yield f"  {name.replace('_', ' '):<14}{found[name]}"


def _findings(one: Explanation) -> Iterator[str]:
    if one.findings:
        yield ""
        yield "Findings of this key:"
    for finding in one.findings[-EVENTS_SHOWN:]:
        closed = "" if finding.closed is None else f" to {one.words.time(finding.closed)}"
        value = "" if finding.value is None else f", value {number(finding.value)}"
        when = f"{one.words.time(finding.opened)}{closed}"
        yield f"  {finding.id}/{finding.sequence} {finding.change}: {when}{value}, {counted(finding.count, 'event')}"
    for envelope in one.envelopes[-EVENTS_SHOWN:]:
        reason = str(envelope.about.get("reason", ""))
        why = f": {reason}, {SENTENCES.get(reason, '')}" if reason else ""
        yield f"    {envelope.topic}: {envelope.change}{why}"


def _more(one: Explanation) -> Iterator[str]:
    if len(one.causes) > 1:
        yield ""
        yield "Besides:"
    for index in range(1, min(len(one.causes), 6)):
        yield f"  - {_said(one, index)}"
