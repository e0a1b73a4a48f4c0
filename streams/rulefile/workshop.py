"""A folder's rules with what they were read from, so that single rules can be made again.

An expression holds the lists and registers that it was compiled with. A test that has others of its own
needs the rule under test compiled once more, and no other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from streams.composites import bases
from streams.problems import Gravity, Problems
from streams.rulefile.assembling import Assembler
from streams.rulefile.effective import Line, about, lines_of
from streams.rulefile.nodes import Node
from streams.rulefile.structures import written
from streams.rules import Bundle, Register
from streams.specs import Written


class Workshop:
    """A bundle and the documents behind it."""

    def __init__(self, assembler: Assembler, bundle: Bundle) -> None:
        self._assembler, self.bundle = assembler, bundle

    @property
    def files(self) -> Mapping[str, bytes]:
        """What was read, by the path below the folder."""
        return self._assembler.files

    def written(self) -> dict[tuple[str, str], Written]:
        """What stands in each document, by the sort of document and its id; all kinds of rules are `rule`."""
        shelves = self._assembler.documents.items()
        return {(shelf, one.id): written(one.values.node) for shelf, own in shelves for one in own.values()}

    def node(self, rule: str, field: str) -> tuple[str, Node] | None:
        """Where a rule says a field: its file below the folder, and the value; None if other documents say it."""
        document = self._assembler.documents.get("rule", {}).get(rule)
        if document is None or document.origin.rule or document.origin.template:
            return None
        value = document.values.node.get(field)
        return None if value is None else (document.path, value)

    @property
    def families(self) -> Mapping[str, Sequence[str]]:
        """Every id by which rules can be named, templates among them, each with the rules that it means."""
        own = {name: [name] for name in self._assembler.documents.get("rule", {})}
        return {**own, **self._assembler.derived.families}

    def meant(self, names: Sequence[str]) -> tuple[list[str], list[str]]:
        """The rules that these names mean, and the names that mean none."""
        known = {**{name: [name] for name in self.bundle.rules}, **self.families}
        return [rule for name in names for rule in known.get(name, ())], [name for name in names if name not in known]

    def effective(self, rule: str) -> tuple[list[str], list[Line]] | None:
        """A rule as it stands in the end: what is to be known of it, and its lines; None if no document made it."""
        document = self._assembler.documents.get("rule", {}).get(rule)
        if document is None:
            return None
        return about(document, [name for name in self.families[rule] if name != rule]), lines_of(document)

    def rebuild(self, rule: str, registers: Mapping[str, Register], lists: Mapping[str, tuple[Any, ...]]) -> Bundle:
        """The bundle with these registers and lists in place of its own; raises Problems where that cannot be.

        Only this rule and those that it reads are made again: the others stay as they are.
        """
        made = msgspec.structs.replace(
            self.bundle, registers={**self.bundle.registers, **registers}, lists={**self.bundle.lists, **lists})
        wanted = {rule, *(base.id for base in bases(self.bundle, self.bundle.rules[rule]))}
        rules, problems = self._assembler.again(wanted, made.registers, made.lists)
        wrong = [problem for problem in problems if problem.gravity in (Gravity.FATAL, Gravity.BUG)]
        if wrong:
            raise Problems(wrong)
        return msgspec.structs.replace(made, rules={**made.rules, **rules})
