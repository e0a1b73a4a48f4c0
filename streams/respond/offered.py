"""What a city offers to report and to ask about in Open311: one service for each rule that sends somebody."""

from __future__ import annotations

from streams.formats.open311 import Service
from streams.rules import Bundle, Rule


def services(bundle: Bundle) -> list[Service]:
    """By rule, as its cases name it; variants of districts are one with their rule, rules only observed offer none."""
    sending = [rule for rule in bundle.rules.values() if rule.dispatch is not None and not rule.shadow]
    found = {rule.base: _service(rule) for rule in sorted(sending, key=lambda rule: bool(rule.district), reverse=True)}
    return [found[name] for name in sorted(found)]


def _service(rule: Rule) -> Service:
    words = (rule.owner,) if rule.owner else ()
    return Service(rule.base, rule.title, rule.title, rule.alert.category or "Other", words)
