"""`tocsin drill`: an exercise with an alert of a rule, and the end of it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from streams.respond.drills import drill_alert
from streams.rulefile.scalars import advise
from streams.tools.asking import Misasked
from streams.tools.desk.desk import Desk
from streams.tools.desk.lists import clock
from streams.tools.desk.naming import named
from streams.tools.desk.saying import Said, acted, pairs, person

END = "end"


async def drill(desk: Desk, options: argparse.Namespace, new_id: Callable[[], str]) -> Said:
    """`tocsin drill`. Raises Misasked."""
    if options.rule == END:
        return await _ended(desk, options, new_id())
    if options.id:
        raise Misasked(f"only `tocsin drill end` takes an id; {options.id!r} is a word too many")
    if options.rule not in desk.bundle.rules:
        raise Misasked(f"no rule {options.rule!r}; {advise(options.rule, desk.bundle.rules, 'there are')}")
    id, details = new_id(), dict[str, Any](key=pairs(options.key, "--key"), severity=options.severity)
    [outcome] = await desk.act(person(options), [(id, "drill.start", options.rule, details)])
    said = acted(desk, [outcome])
    if outcome.done:
        now, alert = await desk.again(), drill_alert(id)
        line, row = now.alerts[alert], now.memory.drills[alert]
        said.text = (f"{line.title}: alert {alert}{f', case {line.case}' if line.case else ''}\n"
                     f"it is over at {clock(row.ends, desk.zone)}, or with: tocsin drill end\n")
        said.lines[0] |= {"alert": alert, "case": line.case}
    return said


async def _ended(desk: Desk, options: argparse.Namespace, id: str) -> Said:
    known = {name: f"{row.finding.rule}, begun by {row.actor}" for name, row in desk.memory.drills.items()}
    subject = named(options.id, known, "exercise") if options.id else ""
    said = acted(desk, await desk.act(person(options), [(id, "drill.end", subject, {})]))
    if not said.code:
        said.text = "the exercise is over\n" if len(known) == 1 or subject else f"{len(known)} exercises are over\n"
    return said
