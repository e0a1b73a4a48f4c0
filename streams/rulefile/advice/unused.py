"""Documents that nothing uses: lists, registers, macros, event types."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping

from streams.rulefile import codes
from streams.rulefile.codes import Report
from streams.rulefile.drafts import Document
from streams.rulefile.selection import fits, is_finding
from streams.rules import Rule, Source

_LIST = re.compile(r"\blists\.(\w+)")
_REGISTER = re.compile(r"""\bregister\s*(?:\(|:)\s*["']?([\w.-]+)""")


def tell_unused(
    documents: Callable[[str], Iterable[Document]],
    texts: Collection[str],
    macros: Collection[str],
    rules: Collection[Rule],
    sources: Mapping[str, Source],
    report: Report,
) -> None:
    """Report what no text names, no expression calls and no rule reads."""
    used = {
        "list": {name for text in texts for name in _LIST.findall(text)},
        "register": {name for text in texts for name in _REGISTER.findall(text)},
        "macro": set(macros),
    }
    for shelf, names in used.items():
        for one in documents(shelf):
            if one.id not in names:
                report.add(codes.UNUSED, one.values.spot("id"), f"nothing uses the {shelf} `{one.id}`")
    patterns = {pattern for rule in rules for one in rule.selectors for pattern in one.types if not is_finding(pattern)}
    for one in documents("event_type"):
        read = any(fits(pattern, one.id) for pattern in patterns)
        if not read and not any(source.may_emit(one.id) for source in sources.values()):
            text = f"no source sends `{one.id}`, and no rule reads it"
            report.add(codes.UNUSED, one.values.spot("id"), text)
