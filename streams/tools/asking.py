"""What every command is asked in the same words: which rules, which moment. What makes no sense is said in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from streams.clocks import micros, parse_rfc3339, zone_of
from streams.records import Micros
from streams.rulefile import Workshop
from streams.rulefile.scalars import advise

NAMES_AT_MOST = 10
EARLIEST, LATEST = parse_rfc3339("0001-01-03T00:00:00Z"), parse_rfc3339("9999-12-29T00:00:00Z")
"""Between them every zone has a date for every instant."""


class Misasked(Exception):
    """It cannot be done as it was asked; the text says what to do."""


def rules_meant(shop: Workshop, names: Sequence[str], signs: bool = False) -> list[str]:
    """The rules that these names mean: a template, or a rule that districts have changed, means all made of it.

    With `signs` indicators can be named too.
    """
    own = signs_meant(shop, names) if signs else []
    meant, unknown = shop.meant(names)
    unknown = [name for name in unknown if not any(one.partition("@")[0] == name or one == name for one in own)]
    if unknown:
        raise Misasked(no_rule(shop, unknown[0], signs))
    return [*meant, *own]


def signs_meant(shop: Workshop, names: Sequence[str]) -> list[str]:
    """The indicators that are named; one that districts have changed means its variants too."""
    return [one.id for name in names for one in shop.bundle.indicators.values() if name in (one.id, one.base)]


def rule_meant(shop: Workshop, name: str) -> str:
    """The one rule of that name. Raises Misasked; of a template it names the rules."""
    if name in shop.bundle.rules:
        return name
    own = shop.families.get(name, ())
    if not own:
        raise Misasked(no_rule(shop, name))
    more = f" and {len(own) - NAMES_AT_MOST} more" if len(own) > NAMES_AT_MOST else ""
    raise Misasked(f"{name} is a template; name one of its rules: {', '.join(own[:NAMES_AT_MOST])}{more}")


def no_rule(shop: Workshop, name: str, signs: bool = False) -> str:
    """That there is no such rule, and which is the nearest."""
    known = [*shop.bundle.rules, *shop.families, *(shop.bundle.indicators if signs else ())]
    return f"no rule {name!r}; {advise(name, known, 'there are') or 'there is none at all'}"


def local_instant(text: str, zone: str) -> Micros:
    """A date, a time or an instant as people write it; local where it names no zone. ValueError if it is none."""
    found = datetime.fromisoformat(text)
    time = micros(found if found.tzinfo is not None else found.replace(tzinfo=zone_of(zone)))
    if not EARLIEST <= time <= LATEST:
        raise ValueError(f"{text!r} is out of all time")
    return time
