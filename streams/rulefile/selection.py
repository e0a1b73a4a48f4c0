"""Which events a rule means: names and branches of the tree of types, and the sources that send them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from itertools import filterfalse

import msgspec

from streams.rulefile import codes
from streams.rulefile.codes import Report
from streams.rulefile.scalars import Passage, advise
from streams.rules import FINDINGS_OF, EventType, Source

MISTYPED = 0.9  # so alike that another name is hardly meant


class Chosen(msgspec.Struct, frozen=True):
    """The types a selector names.

    `patterns` are what it names, `declared` the declared types among them; `open`: undeclared ones
    may come too.
    """

    patterns: tuple[str, ...]
    declared: tuple[str, ...]
    open: bool


class Selection:
    """Finds types by name or branch.

    `broken`: texts of files that have mistakes. `unsure`: an open source could not be read, so that a
    type nobody declares may well exist.
    """

    def __init__(
        self,
        event_types: Mapping[str, EventType],
        sources: Mapping[str, Source],
        report: Report,
        broken: str = "",
        unsure: bool = False,
    ) -> None:
        self.event_types, self.sources, self.report = event_types, sources, report
        self.broken, self.unsure = broken, unsure

    def choose(self, passages: tuple[Passage, ...]) -> Chosen | None:
        """The types that are named; None, and a problem, if one of them does not exist."""
        found = [self._one(passage) for passage in passages]
        known = [one for one in found if one is not None]
        if not known or len(known) < len(found):
            return None
        return Chosen(
            tuple(dict.fromkeys(one.patterns[0] for one in known)),
            tuple(dict.fromkeys(name for one in known for name in one.declared)),
            any(one.open for one in known),
        )

    def choose_rules(self, passages: tuple[Passage, ...]) -> Chosen | None:
        """The findings of the rules that are named; None if one of them is not there, which is told already."""
        names = tuple(dict.fromkeys(FINDINGS_OF + passage.text for passage in passages))
        if all(name in self.event_types for name in names):
            return Chosen(names, names, False)
        self.report.spoil()
        return None

    def _one(self, passage: Passage) -> Chosen | None:
        pattern = passage.text
        if pattern.startswith(FINDINGS_OF):
            hint = f"write `rule: {pattern.removeprefix(FINDINGS_OF)}` in place of `event`"
            self.report.add(codes.UNKNOWN_EVENT, passage.spot, f"`{pattern}` is no event type", hint)
            return None
        branch = pattern == "*" or pattern.endswith(".*")
        declared = tuple(name for name in self.event_types if fits(pattern, name) and not is_finding(name))
        open_ones = (one.id for one in self.sources.values() if one.open and one.may_emit(pattern))
        sender = next(open_ones, None)
        if sender is not None and (branch or not declared):
            self._undeclared(passage, sender, "" if declared else self._meant(pattern))
            return Chosen((pattern,), declared, True)
        if not declared:
            self._unknown(passage)
            return None
        return Chosen((pattern,), declared, False)

    def _undeclared(self, passage: Passage, sender: str, meant: str) -> None:
        """A type that nobody declares may come; one that is nearly the name of another is hardly meant."""
        pattern = passage.text
        if meant:
            text = f"no event type `{pattern}` is declared; only that source {sender} is open makes it possible"
            self.report.add(codes.MISTYPED_EVENT, passage.spot, text, meant)
            return
        text = f"the fields of `{pattern}` are not checked: source {sender} is open and may send any"
        self.report.add(codes.OPEN_EVENT, passage.spot, text)

    def _unknown(self, passage: Passage) -> None:
        """Silent where another mistake, told already, may be the cause."""
        pattern = passage.text
        begun = f"id: {pattern.removesuffix('*')}"
        if self.unsure or begun in self.broken:
            self.report.spoil()
            return
        what = "no event type is declared in the branch" if pattern.endswith("*") else "there is no event type"
        self.report.add(codes.UNKNOWN_EVENT, passage.spot, f"{what} `{pattern}`", self._advice(pattern))

    def _advice(self, pattern: str) -> str:
        return advise(pattern, self._known(), "the declared types are") or "declare it in rules/events/"

    def _meant(self, pattern: str) -> str:
        """Of a name that an open source may send: the declared one that it is mistyped for, if it looks so."""
        close = get_close_matches(pattern, self._known() - {pattern}, 1, MISTYPED)
        return f"did you mean `{close[0]}`? else {codes.OPEN_EVENT.do}" if close else ""

    def _known(self) -> set[str]:
        """The declared types, what sources name themselves, and the branches of all."""
        names = [*filterfalse(is_finding, self.event_types), *(name for name, exact in self._prefixes() if exact)]
        return {*names, *(branch for name in names for branch in branches(name))}

    def _prefixes(self) -> list[tuple[str, bool]]:
        return [source.mapping.type.prefix for source in self.sources.values()]

    def senders(self, patterns: Iterable[str]) -> frozenset[str]:
        """The sources that may send any of these."""
        wanted = tuple(filterfalse(is_finding, patterns))
        return frozenset(
            source.id for source in self.sources.values() if any(source.may_emit(pattern) for pattern in wanted)
        )


def is_finding(event_type: str) -> bool:
    """Whether a type is that of a rule's findings."""
    return event_type.startswith(FINDINGS_OF)


def fits(pattern: str, event_type: str) -> bool:
    """Whether a type is meant by a name or a branch."""
    return event_type.startswith(pattern[:-1]) if pattern.endswith("*") else pattern == event_type


def branches(event_type: str) -> list[str]:
    """`a.b.c` lies in the branches `a.*` and `a.b.*`."""
    parts = event_type.split(".")
    return [".".join(parts[:n]) + ".*" for n in range(1, len(parts))]


def branch_of(prefix: str, exact: bool) -> str:
    """The narrowest name or branch that holds all that a source may send."""
    if exact:
        return prefix
    head, dot, _ = prefix.rpartition(".")
    return f"{head}.*" if dot else "*"
