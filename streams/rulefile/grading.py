"""`severity` as an expression over the finding: its value, its count, its key and the facts that texts may read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from streams.conditions import Expression
from streams.conditions.checked import Call, Const, Node, Used
from streams.conditions.scope import EVENT_PARTS, PLACE_PARTS, type_word
from streams.rulefile import codes
from streams.rulefile.codes import Report
from streams.rulefile.drafts import Built, RuleDraft
from streams.rulefile.embedded import spot_in
from streams.rulefile.expressions import Expressions, Names
from streams.rulefile.scalars import Passage, advise
from streams.rulefile.structures import MeasureDraft
from streams.rulefile.watching import key_types
from streams.rules import SEVERITIES, Grading

OF_FINDING = {"count": "int", "opened": "timestamp"}
_WHOLE = ("count", "distinct")


class Graded:
    """A grading as understood: what to evaluate, the word where that fails, and the facts it reads."""

    def __init__(self, grading: Grading, otherwise: str, facts: tuple[str, ...]) -> None:
        self.grading, self.otherwise, self.facts = grading, otherwise, facts


class Gradings:
    """Understands severities that are expressions."""

    def __init__(self, names: Names, expressions: Expressions, report: Report) -> None:
        self.names, self.expressions, self.report = names, expressions, report

    def of(self, draft: RuleDraft, built: Sequence[Built], by: tuple[str, ...], measured: str) -> Graded | None:
        """The grading; None where severity is a plain word, or wrong. `measured`: the type of what is measured."""
        passage = draft.values.get("severity")
        if not isinstance(passage, Passage) or any(one.chosen is None for one in built):
            return None
        facts = self._facts(draft, built)
        found = OF_FINDING | _value(draft, measured)
        names = {**facts, **found, **key_types(built, by)}
        scope = self.names.key(names)
        expression = self.expressions.compile(passage, scope, "string")
        if expression is None:
            return None
        words = self._words(passage, expression)
        read = [path for path in sorted(expression.paths) if path in facts and path not in found and path not in by]
        steps = {step.step.name for step in draft.steps}
        plain = [path.partition(".")[2] if path.partition(".")[0] in steps else path for path in read]
        gravest = max(words, key=SEVERITIES.index, default="minor")
        return Graded(Grading(expression, found.get("value") == "double"), gravest, tuple(plain))

    def _facts(self, draft: RuleDraft, built: Sequence[Built]) -> dict[str, str]:
        """What texts may read of the events, by path, with its type; of a sequence also by step."""
        found = self._of_events(built)
        for step, one in zip(draft.steps, built, strict=False):
            if not step.step.negated:
                found |= {f"{step.step.name}.{path}": kind for path, kind in self._of_events([one]).items()}
        return found

    def _of_events(self, built: Sequence[Built]) -> dict[str, str]:
        found: dict[str, str] = {}
        declared = [name for one in built if one.chosen is not None for name in one.chosen.declared]
        for field in (field for name in declared for field in self.names.event_types[name].fields.values()):
            kinds = ({f"{field.name}.{part}": kind for part, kind in PLACE_PARTS.items()} if field.type == "place"
                     else {field.name: type_word(field)})
            for path, kind in kinds.items():
                found[path] = kind if found.get(path, kind) == kind else "dyn"
        parts = {f"place.{part}": kind for part, kind in PLACE_PARTS.items()}
        return {**found, **{part: kind for part, kind in EVENT_PARTS.items() if part != "place"}, **parts}

    def _words(self, passage: Passage, expression: Expression) -> list[str]:
        """The words that it can give, as far as they stand in it; a problem for each that is no severity."""
        assert expression.form is not None
        words = []
        for node in _results(expression.form[0]):
            if node.value in SEVERITIES:
                words.append(str(node.value))
                continue
            text = f"{str(node.value)!r} is no severity"
            spot = spot_in(passage.node, node.offset, node.offset + len(str(node.value)) + 2)
            self.report.add(codes.BAD_SEVERITY, spot, text, advise(str(node.value), SEVERITIES))
        return words


def _value(draft: RuleDraft, measured: str) -> dict[str, str]:
    """The type of what the rule measures, if it measures anything."""
    kinds = {field.type for field in draft.kind.FIELDS}
    if "measure" in kinds:
        measure = draft.values.get("measure")
        if not isinstance(measure, MeasureDraft) or measure.measure.name in _WHOLE:
            return {"value": "int"}
        return {"value": measured if measured in ("duration", "dyn") else "double"}
    return {"value": "int"} if "steps" in kinds else {}


def _results(node: Node) -> Iterator[Const]:
    """The literals that can be the value of an expression."""
    if isinstance(node, Const):
        yield node
    elif isinstance(node, Call) and node.function == "_?_:_":
        for branch in node.args[1:]:
            yield from _results(branch)
    elif isinstance(node, Used):  # what a macro gives is shown at its call
        for found in _results(node.body):
            yield msgspec.structs.replace(found, offset=max(0, node.offset - len(node.name)))
