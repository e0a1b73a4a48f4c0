"""Why findings differ between two versions of rule files: what was changed that a rule depends on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from streams.composites import bases, feeds
from streams.ingest.route import fits
from streams.rulefile import Workshop
from streams.rules import Bundle, Register, Rule

TEXTS = frozenset(("title", "description", "owner", "severity", "status", "alert", "dispatch", "suppress_for", "tests"))
"""Fields of a rule that change what is said, and how often, and never what is found."""
NOT_KNOWN = "nothing that it is known to depend on"
SHOWN_AT_MOST = 60
Documents = Mapping[tuple[str, str], Any]


class Reasons:
    """Two versions, side by side. `of` tells for a rule what of it, and of what it stands on, is not the same."""

    def __init__(self, old: Workshop, new: Workshop) -> None:
        self.old, self.new, self.files = old.bundle, new.bundle, (old.files, new.files)
        self.before: Documents = {name: one.value for name, one in old.written().items()}
        self.after: Documents = {name: one.value for name, one in new.written().items()}

    def of(self, rule: str) -> list[str]:
        """In words, the nearest first; never empty."""
        before, after = self.old.rules.get(rule), self.new.rules.get(rule)
        if before is None or after is None:
            return ["the rule is new" if before is None else "the rule is gone"]
        found = [*self._of_document("rule", rule, TEXTS), *self._around(before, after)]
        for base in {one.id: one for one in (*bases(self.old, before), *bases(self.new, after))}:
            inner = self._own(base)
            found += [f"it reads {base}: {text}" for text in inner]
        return list(dict.fromkeys(found)) or [NOT_KNOWN]

    def _own(self, rule: str) -> list[str]:
        before, after = self.old.rules.get(rule), self.new.rules.get(rule)
        if before is None or after is None:
            return ["it is new" if before is None else "it is gone"]
        return [*self._of_document("rule", rule, TEXTS), *self._around(before, after)]

    def _around(self, before: Rule, after: Rule) -> Iterator[str]:
        """What the rule stands on: its feeds and their event types, what its expressions name, the city."""
        for source in sorted(feeds(self.old, before) | feeds(self.new, after)):
            yield from self._named("source", source)
        types = [pattern for rule in (before, after) for one in rule.selectors for pattern in one.types]
        for sort, name in sorted(set(self.before) | set(self.after)):
            if sort == "event_type" and any(fits(pattern, name) for pattern in types):
                yield from self._named(sort, name)
        text = self._text(after.id)
        for sort, name in self._called(text):
            yield from self._named(sort, name)
        yield from self._tables(text)
        if "in_zone" in text or "place.district" in text:
            yield from (f"{path} was changed" for path in self._drawn())
        yield from (f"city: {one}" for one in self._of_document("city", "", frozenset(("name", "title"))))

    def _named(self, sort: str, name: str) -> Iterator[str]:
        """What changed of a document, with its sort and name before it."""
        what = f"{sort.replace('_', ' ')} {name}"
        if ((sort, name) in self.before) != ((sort, name) in self.after):
            yield f"{what} is {'gone' if (sort, name) in self.before else 'new'}"
            return
        yield from (f"{what}: {one}" for one in self._of_document(sort, name, frozenset(("title", "description"))))

    def _of_document(self, sort: str, name: str, without: frozenset[str]) -> Iterator[str]:
        before, after = self._document(self.before, sort, name), self._document(self.after, sort, name)
        for field in dict.fromkeys([*before, *after]):
            if field not in without:
                yield from changes(field, before.get(field, _NONE), after.get(field, _NONE))

    def _document(self, documents: Documents, sort: str, name: str) -> Mapping[str, Any]:
        if sort == "city":
            return next((one for (kind, _), one in documents.items() if kind == "city"), {})
        found: Mapping[str, Any] = documents.get((sort, name), {})
        return found

    def _called(self, text: str) -> Iterator[tuple[str, str]]:
        """The lists, registers and macros that a rule's text names, directly or in a macro."""
        waiting, seen = [text], set[tuple[str, str]]()
        while waiting:
            part = waiting.pop()
            for sort, name in sorted(set(self.before) | set(self.after)):
                if (sort, name) not in seen and _names(part, sort, name):
                    seen.add((sort, name))
                    yield sort, name
                    if sort == "macro":
                        waiting.append(self._text(name, "macro"))

    def _tables(self, text: str) -> Iterator[str]:
        """Rows of registers and values of lists that stand in files of their own."""
        for sort, name in self._called(text):
            if sort == "register":
                yield from _rows(self.old.registers.get(name), self.new.registers.get(name))
            elif sort == "list":
                yield from _values(self.old, self.new, name)

    def _drawn(self) -> list[str]:
        """The files of borders that are not the same."""
        names = sorted({path for files in self.files for path in files if path.endswith(".geojson")})
        return [name for name in names if self.files[0].get(name) != self.files[1].get(name)]

    def _text(self, name: str, sort: str = "rule") -> str:
        """All that stands in a document, in both versions."""
        parts = [self._document(documents, sort, name) for documents in (self.before, self.after)]
        return "\n".join(str({key: value for key, value in part.items() if key not in TEXTS}) for part in parts)


_NONE = object()
_CALLS = {
    "list": r"\blists\.{}\b",
    "register": r"\bregister\(\s*\\?['\"]{0}|['\"]?register['\"]?: ['\"]{0}['\"]",
    "macro": r"\b{}\b",
}


def _names(text: str, sort: str, name: str) -> bool:
    """Whether a text calls a list, a register or a macro."""
    return sort in _CALLS and re.search(_CALLS[sort].format(re.escape(name)), text) is not None


def changes(path: str, before: Any, after: Any) -> Iterator[str]:
    """`condition.gte: 3 → 4` for each value that is not the same."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys([*before, *after]):
            yield from changes(f"{path}.{name}", before.get(name, _NONE), after.get(name, _NONE))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, pair in enumerate(zip(before, after, strict=True), 1):
            yield from changes(f"{path}[{index}]", *pair)
    elif before is _NONE or after is _NONE:
        yield f"{path}: {shown(after)} is new" if before is _NONE else f"{path}: {shown(before)} is gone"
    elif before != after:
        yield f"{path}: {shown(before)} → {shown(after)}"


def shown(value: Any) -> str:
    """A value as it may stand in the file, cut where it is long."""
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= SHOWN_AT_MOST else f"{text[:SHOWN_AT_MOST - 1]}…"


def _rows(before: Register | None, after: Register | None) -> Iterator[str]:
    if before is None or after is None:
        return
    new, gone = after.rows.keys() - before.rows.keys(), before.rows.keys() - after.rows.keys()
    other = sum(before.rows[key] != after.rows[key] for key in before.rows.keys() & after.rows.keys())
    counts = {"new": len(new), "gone": len(gone), "changed": other}
    told = [f"{number} {what}" for what, number in counts.items() if number]
    if told:
        yield f"register {after.id}: rows {', '.join(told)}"


def _values(old: Bundle, new: Bundle, name: str) -> Iterator[str]:
    if name in old.lists and name in new.lists:
        come = [one for one in new.lists[name] if one not in old.lists[name]]
        gone = [one for one in old.lists[name] if one not in new.lists[name]]
        told = [*(f"+{shown(one)}" for one in come), *(f"-{shown(one)}" for one in gone)]
        if told:
            yield f"list {name}: {', '.join(told)}"
