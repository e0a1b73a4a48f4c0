"""What `tocsin alert` and `tocsin case` do at a desk, and what they say."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from streams.clocks import parse_rfc3339
from streams.respond.cases.table import STATES as CASE_STATES
from streams.respond.operating.table import STATES as SEEN
from streams.rules import SEVERITIES
from streams.tools.asking import Misasked
from streams.tools.desk import lists
from streams.tools.desk.desk import Desk
from streams.tools.desk.quiet import hush_text, hushes, quiet_json
from streams.tools.desk.saying import Said, acted, pairs, person, span
from streams.tools.desk.story import Chapter

PLAIN = re.compile(r"[\w.]+")


async def alert(desk: Desk, options: argparse.Namespace, new_id: Callable[[], str]) -> Said:
    """`tocsin alert`. Raises Misasked."""
    if options.verb == "ls":
        return _alerts(desk, options)
    names = [desk.alert_named(text) for text in options.id]
    if options.verb == "show":
        return await _shown_alert(desk, names[0])
    details = {"for": span(options.span, "--for")} if options.verb == "shelve" else {}
    action = f"alert.{options.verb.replace('-', '_')}"
    return acted(desk, await desk.act(person(options), [(new_id(), action, name, details) for name in names]))


async def case(desk: Desk, options: argparse.Namespace, new_id: Callable[[], str]) -> Said:
    """`tocsin case`. Raises Misasked."""
    if options.verb == "ls":
        return _cases(desk, options)
    if options.verb == "open":
        return acted(desk, await desk.act(person(options), [(new_id(), "case.open", "", _report(options))]))
    name = desk.case_named(options.id)
    if options.verb == "show":
        return await _shown_case(desk, name)
    wanted = (new_id(), f"case.{options.verb}", name, _details(desk, options))
    return acted(desk, await desk.act(person(options), [wanted]))


def chapters(story: Sequence[Chapter], zone: str) -> str:
    """A story as lines that people read."""
    return "".join(f"{lists.clock(parse_rfc3339(one.at), zone)}  {one.sentence}\n" for one in story)


def _alerts(desk: Desk, options: argparse.Namespace) -> Said:
    if options.severity and options.severity not in SEVERITIES:
        raise Misasked(f"--severity {options.severity!r}; there are {', '.join(SEVERITIES)}")
    if options.state and options.state not in SEEN:
        raise Misasked(f"--state {options.state!r}; there are {', '.join(SEEN)}")
    wishes = lists.AlertWishes(options.district, options.severity, options.rule, options.state, options.firing)
    known = desk.alerts
    found = lists.alerts_asked(known.values(), wishes)
    quiet = {one.id: hushes(desk, one.id) for one in found}
    reasons = {name: " ".join(sorted({hush.reason for hush in those})) for name, those in quiet.items()}
    return Said(lists.alert_table(found, known, reasons, desk.zone),
                [lists.alert_json(one) | {"quiet": quiet_json(quiet[one.id])} for one in found])


def _cases(desk: Desk, options: argparse.Namespace) -> Said:
    if options.state and options.state not in CASE_STATES:
        raise Misasked(f"--state {options.state!r}; there are {', '.join(CASE_STATES)}")
    wishes = lists.CaseWishes(options.district, options.unit, options.state, options.late)
    found = lists.cases_asked(desk.cases.values(), wishes)
    return Said(lists.case_table(found, desk.cases, desk.zone), [lists.case_json(one) for one in found])


async def _shown_alert(desk: Desk, name: str) -> Said:
    line = desk.alerts[name]
    cases = [one.id for one in desk.cases.values() if one.alert == name]
    story = await desk.story(name, cases)
    quiet = hushes(desk, name)
    head = [("alert", name), ("what", line.title), ("fires", "yes" if line.state == "firing" else line.state),
            ("seen", line.operator), ("labels", _labels(line.labels)), ("why", line.why),
            *(("quiet", hush_text(desk, one)) for one in quiet),
            ("version", str(line.version)), ("cases", ", ".join(cases))]
    return _story(head, lists.alert_json(line) | {"quiet": quiet_json(quiet)}, story, desk.zone)


async def _shown_case(desk: Desk, name: str) -> Said:
    one = desk.cases[name]
    story = await desk.story(one.alert, [name])
    head = [("case", name), ("what", one.title), ("state", f"{one.state}, attempt {one.attempt}, level {one.level}"),
            ("unit", one.unit), ("due", lists.due_text(one, desk.zone)), ("missed", ", ".join(one.missed)),
            ("labels", _labels(one.labels)), ("version", str(one.version)), ("alert", one.alert)]
    return _story(head, lists.case_json(one), story, desk.zone)


def _story(head: Sequence[tuple[str, str]], now: dict[str, Any], story: Sequence[Chapter], zone: str) -> Said:
    width = max(len(name) for name, _ in head)
    top = "".join(f"{name.ljust(width)}  {value}\n" for name, value in head if value)
    told = [{"at": one.at, "sentence": one.sentence, "event": one.event} for one in story]
    return Said(f"{top}\n{chapters(story, zone)}", [{**now, "story": told}])


def _labels(labels: Mapping[str, str]) -> str:
    """Labels in a line; of a part of a key that is an expression the value alone."""
    return ", ".join(f"{name}={value}" if PLAIN.fullmatch(name) else value for name, value in labels.items())


def _report(options: argparse.Namespace) -> dict[str, Any]:
    """What a person's report says: `tocsin case open`."""
    labels = pairs(options.label, "--label")
    if options.district:
        labels["district"] = options.district
    return {"title": options.title, "discovered_by": options.discovered_by, "labels": labels}


def _details(desk: Desk, options: argparse.Namespace) -> dict[str, Any]:
    """What an action on a case needs besides."""
    if options.verb == "extend":
        return {"by": span(options.by, "--by")}
    if options.verb == "merge":
        return {"into": desk.case_named(options.into)}
    given = {"dispatch": "unit", "dispose": "code", "split": "title"}.get(options.verb)
    return {given: value} if given is not None and (value := getattr(options, given)) else {}
