"""vitals: how the city stands now, as a person reads it: roll-ups, the newest reading of each indicator, the lists.

It is read from what respond keeps (`tocsin.state.respond`), so it is just what the worker's gauges show.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from streams.clocks import moment, rfc3339, zone_of
from streams.logs import Log
from streams.respond.board import Board
from streams.respond.rows import RollUp, Sign
from streams.rulefile.scalars import advise
from streams.rules import Bundle, Rule
from streams.tools.asking import Misasked
from streams.tools.standing import respond_of
from streams.tools.tables import table
from streams.topics import Topics
from streams.vitals import AMBER, CITY, DISTRICT_PARTS, GREEN, NONE, RED, UNKNOWN, entries

WORST_FIRST = (RED, AMBER, UNKNOWN, GREEN, NONE)
LIST_AT_MOST = 10


class Wishes(msgspec.Struct, frozen=True):
    """What is asked: these indicators (none: all), of one district ("": all), `bad`: only what is amber or red."""

    indicators: tuple[str, ...] = ()
    district: str = ""
    bad: bool = False


async def board_of(log: Log, topics: Topics, bundle: Bundle) -> Board:
    """What is shown at the moment."""
    return (await respond_of(log, topics, bundle)).board


def signs_of(board: Board, bundle: Bundle, wishes: Wishes) -> list[tuple[Rule, Sign]]:
    """What was asked for, the worst first. Raises Misasked."""
    names = {name: rule.base for name, rule in bundle.indicators.items()}
    for name in wishes.indicators:
        if name not in names.values():
            hint = advise(name, sorted(set(names.values())), "there are") or "there is none at all"
            raise Misasked(f"no indicator {name!r}; {hint}")
    known = bundle.indicators
    found = [(known[sign.indicator], sign) for sign in board.memory.signs.values() if sign.indicator in known]
    return sorted(
        (one for one in found if _asked(*one, wishes)),
        key=lambda one: (WORST_FIRST.index(one[1].shown), one[0].id, str(list(one[1].key.values()))))


def rollups_of(board: Board, wishes: Wishes) -> list[RollUp]:
    """The roll-ups, that of the city first."""
    found = [one for one in board.memory.rollups.values()
             if (one.name == wishes.district or not wishes.district) and (not wishes.bad or one.status in (RED, AMBER))]
    return sorted(found, key=lambda one: (one.level != CITY, one.name))


def shown(board: Board, bundle: Bundle, wishes: Wishes) -> str:
    """The board as text."""
    found, zone = signs_of(board, bundle, wishes), bundle.city.zone
    lines = [("status", "where", "since")]
    lines += [(one.status, one.name or "city", _when(one.since, zone)) for one in rollups_of(board, wishes)]
    parts = [table(lines)] if len(lines) > 1 else []
    judged = [one for one in found if not _lists(one[0])]
    if judged:
        head = ("status", "indicator", "of", "value", "usual", "since", "until")
        parts.append(table([head, *(_line(rule, sign, zone) for rule, sign in judged)]))
    parts += [_listed(rule, sign, zone) for rule, sign in found if _lists(rule)]
    return "\n".join(parts) or "nothing is shown yet, or nothing of what was asked for\n"


def as_json(board: Board, bundle: Bundle, wishes: Wishes) -> Iterable[dict[str, Any]]:
    """The same as plain values, one for each roll-up and reading."""
    for one in rollups_of(board, wishes):
        yield {"level": one.level, "name": one.name, "status": one.status, "since": rfc3339(one.since)}
    for rule, sign in signs_of(board, bundle, wishes):
        top = _lists(rule)
        listed = [{**msgspec.structs.asdict(one), "percent": one.percent} for one in entries(sign.value if top else ())]
        yield {"indicator": rule.base, "title": rule.title, "key": sign.key, "status": sign.shown,
               "value": None if top or sign.shown == UNKNOWN else sign.value, "top": listed if top else None,
               "usual": None if sign.usual is None else msgspec.structs.asdict(sign.usual),
               "since": rfc3339(sign.since), "end": rfc3339(sign.at), "events": sign.count}


def _lists(rule: Rule) -> bool:
    """Whether it gives a list in place of a value."""
    return rule.vital is not None and rule.vital.top is not None


def _asked(rule: Rule, sign: Sign, wishes: Wishes) -> bool:
    where = next((str(sign.key[part]) for part in DISTRICT_PARTS if part in sign.key), "")
    return ((not wishes.indicators or rule.base in wishes.indicators)
            and (not wishes.district or where == wishes.district) and (not wishes.bad or sign.shown in (RED, AMBER)))


def _line(rule: Rule, sign: Sign, zone: str) -> tuple[str, ...]:
    usual = sign.usual
    normal = "" if usual is None or usual.expected is None else (
        f"{usual.expected:g} ({usual.low:g}–{usual.high:g})" + (" warming" if usual.warming else ""))
    value = "" if sign.value is None or sign.shown == UNKNOWN else f"{sign.value:.6g}"
    unit = "" if rule.vital is None or not value else rule.vital.unit
    return (sign.shown, rule.base, _key(sign), f"{value} {unit}".strip(), normal, _when(sign.since, zone),
            _when(sign.at, zone))


def _listed(rule: Rule, sign: Sign, zone: str) -> str:
    lines = [("", "count", "before", "usual", "change", "of")]
    for rank, one in enumerate(entries(sign.value)[:LIST_AT_MOST], 1):
        change = "new" if one.new else "" if one.percent is None else f"{one.percent:+d}%"
        normal = "" if one.usual is None else f"{one.usual:g}"
        lines.append((str(rank), str(one.count), str(one.before), normal, change, ", ".join(map(str, one.of))))
    of = _key(sign)
    return f"{rule.title}{f', {of}' if of else ''}, until {_when(sign.at, zone)}\n{table(lines)}"


def _key(sign: Sign) -> str:
    return ", ".join(str(part) for part in sign.key.values())


def _when(at: int, zone: str) -> str:
    return f"{moment(at, zone_of(zone)):%Y-%m-%d %H:%M}"
