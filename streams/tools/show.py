"""rules show: the effective file of a rule, with the origin of every line."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from streams.rulefile import Workshop
from streams.rulefile.effective import Line, rendered
from streams.rulefile.scalars import advise
from streams.rulefile.silence import PREFIX as SILENCE_OF
from streams.tools.asking import Misasked, rule_meant


def shown(shop: Workshop, rule: str, district: str = "") -> str:
    """The effective file of a rule, of that of a district if one is named: YAML. Raises Misasked."""
    about, lines = _found(shop, rule, district)
    head = "".join(f"# {text}\n" for text in about)
    return head + rendered(lines)


def as_json(shop: Workshop, rule: str, district: str = "") -> Iterator[bytes]:
    """Its lines as JSON, one a line. Raises Misasked."""
    for line in _found(shop, rule, district)[1]:
        yield orjson.dumps({"text": line.text, "file": line.file, "line": line.line})


def _found(shop: Workshop, rule: str, district: str) -> tuple[list[str], list[Line]]:
    rules, city = shop.bundle.rules, shop.bundle.city
    if district and city.districts and district not in city.districts:
        raise Misasked(f"no district {district!r}; {advise(district, city.districts, 'there are')}")
    if district and f"{rule}@{district}" in rules:
        rule = f"{rule}@{district}"
    found = shop.effective(rule_meant(shop, rule))
    if found is None:
        raise Misasked(f"{rule} has no file: the source {rule.removeprefix(SILENCE_OF)} brings it along (`silence`)")
    own = rules[rule].district
    if district and own and own != district:
        raise Misasked(f"{rule} is a rule of the district {own}, and does not hold in {district}")
    return found
