"""rules show: the effective file of a rule, with the origin of every line. rules list: which rules there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from streams.rulefile import Workshop
from streams.rulefile.effective import Line, rendered
from streams.rulefile.scalars import advise
from streams.rulefile.silence import PREFIX as SILENCE_OF
from streams.rules import Rule
from streams.tools.asking import Misasked, rule_meant, rules_meant


def shown(shop: Workshop, rule: str, district: str = "") -> str:
    """The effective file of a rule, of that of a district if one is named: YAML. Raises Misasked."""
    about, lines = _found(shop, rule, district)
    head = "".join(f"# {text}\n" for text in about)
    return head + rendered(lines)


def as_json(shop: Workshop, rule: str, district: str = "") -> Iterator[bytes]:
    """Its lines as JSON, one a line. Raises Misasked."""
    for line in _found(shop, rule, district)[1]:
        yield orjson.dumps({"text": line.text, "file": line.file, "line": line.line})


def rows(shop: Workshop, rule: str = "", district: str = "", root: str = "") -> list[dict[str, Any]]:
    """The rules by their ids, all or those that are meant, as they stand in a district if one is named.

    `root` stands before the names of files. Of a severity that is an expression `severity` says so. Raises Misasked.
    """
    _check_district(shop, district)
    rules = shop.bundle.rules
    names = rules_meant(shop, [rule]) if rule else list(rules)
    found = [rules[name] for name in sorted(names)]
    if district:
        found = [one for one in found if one.district == district or
                 not (one.district or f"{one.id}@{district}" in rules)]
    return [_row(one, root) for one in found]


def listed(rows: Sequence[dict[str, Any]]) -> str:
    """The same as a table."""
    lines = [("rule", "kind", "severity", "owner", "status", "where")]
    lines += [(row["id"], row["kind"], row["severity"], row["owner"] or "-", row["status"],
               f"{row['file']}:{row['line']}") for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n"
                   for line in lines)


def _row(rule: Rule, root: str) -> dict[str, Any]:
    severity = rule.severity if rule.grading is None else "expression"
    return {"id": rule.id, "kind": rule.kind, "severity": severity, "owner": rule.owner, "status": rule.status,
            "district": rule.district, "file": root + rule.file, "line": rule.line}


def _check_district(shop: Workshop, district: str) -> None:
    city = shop.bundle.city
    if district and city.districts and district not in city.districts:
        raise Misasked(f"no district {district!r}; {advise(district, city.districts, 'there are')}")


def _found(shop: Workshop, rule: str, district: str) -> tuple[list[str], list[Line]]:
    rules = shop.bundle.rules
    _check_district(shop, district)
    if district and f"{rule}@{district}" in rules:
        rule = f"{rule}@{district}"
    found = shop.effective(rule_meant(shop, rule))
    if found is None:
        raise Misasked(f"{rule} has no file: the source {rule.removeprefix(SILENCE_OF)} brings it along (`silence`)")
    own = rules[rule].district
    if district and own and own != district:
        raise Misasked(f"{rule} is a rule of the district {own}, and does not hold in {district}")
    return found
