"""The labels of an alert: what it is, as texts by name; conditions, groups and ownership go by them."""

from __future__ import annotations

from streams.places import CELL
from streams.respond.picture import View
from streams.respond.rows import Words
from streams.respond.view import district_of
from streams.rules import Rule
from streams.texts import show


def labels_of(rule: Rule | None, rule_id: str, view: View, words: Words) -> dict[str, str]:
    """Those of `policy.NOTICE` that are not empty, and the parts of its key; no cell of the map, which is nobody's."""
    found = {name: show(value) for name, value in view.key.items() if name != CELL and value is not None}
    found |= {"rule": rule_id if rule is None else rule.base, "severity": words.severity, "category": words.category,
              "district": district_of(view), "owner": words.owner}
    return {name: text for name, text in sorted(found.items()) if text}
