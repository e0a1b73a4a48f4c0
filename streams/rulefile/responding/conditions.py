"""Conditions over alerts: CEL or matchers, as one function of an alert's labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from streams import matchers
from streams.conditions import EvalError, Expression, Scope, notice_scope
from streams.matchers import Matcher
from streams.policy import NOTICE, Condition
from streams.rulefile import codes
from streams.rulefile.codes import Report
from streams.rulefile.expressions import Expressions, Names
from streams.rulefile.fields import Values
from streams.rulefile.scalars import Passage, advise

CLOSED = ("rule", "severity", "category", "district")
"""The labels whose values are known beforehand."""


class Conditions:
    """Understands conditions. `labels` are the names that alerts have; `values` what the closed ones can be."""

    def __init__(self, names: Names, expressions: Expressions, labels: Iterable[str],
                 values: Mapping[str, frozenset[str]], report: Report) -> None:
        self.scope: Scope = notice_scope(NOTICE, lists=names.lists, zone=names.zone)
        self.expressions, self.report = expressions, report
        self.labels, self.values = frozenset(labels), values

    def of(self, values: Values, field: str = "when") -> Condition | None:
        """The condition of a document: of its field in CEL, else of `matchers`; None if it has none, or a wrong one."""
        if field in values:
            return self.cel(values[field])
        return self.all_of(values["matchers"]) if "matchers" in values else None

    def cel(self, passage: Passage) -> Condition | None:
        """An expression that gives true or false."""
        found = self.expressions.compile(passage, self.scope, "bool")
        if found is None:
            return None
        for label, named in found.equalities.items():
            self._known_values(label, sorted(map(str, named)), passage)
        return _safe(found)

    def all_of(self, passages: Iterable[Passage]) -> Condition | None:
        """Matchers, all of which must hold."""
        found = [self._matcher(one) for one in passages]
        known = [one for one in found if one is not None]
        return matchers.all_of(known) if len(known) == len(found) else None

    def label(self, name: str, passage: Passage) -> None:
        """Tell of a label that no alert has."""
        if name not in self.labels:
            hint = advise(name, self.labels, "alerts have the labels")
            self.report.add(codes.UNKNOWN_LABEL, passage.spot, f"no alert has a label `{name}`", hint)

    def _matcher(self, passage: Passage) -> Matcher | None:
        try:
            found = matchers.parse(passage.text)
            found.compiled()
        except ValueError as error:
            self.report.add(codes.BAD_MATCHER, passage.spot, str(error))
            return None
        self.label(found.label, passage)
        if found.operator == "=" and found.value:
            self._known_values(found.label, [found.value], passage)
        return found

    def _known_values(self, label: str, named: Iterable[str], passage: Passage) -> None:
        known = self.values.get(label)
        for value in named:
            if known and value not in known:
                text = f"there is no {label} {value!r}, so this is never met"
                self.report.add(codes.NEVER_MET, passage.spot, text, advise(value, known))


def _safe(expression: Expression) -> Condition:
    function = expression.function

    def meant(labels: Mapping[str, Any]) -> bool:
        try:
            return function(labels) is True
        except EvalError:
            return False

    return meant
