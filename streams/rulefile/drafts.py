"""A rule between its file and its meaning: its fields as read, and its selectors as understood."""

from __future__ import annotations

import json

import msgspec

from streams.kinds import Kind
from streams.rulefile.fields import Values
from streams.rulefile.scalars import Passage
from streams.rulefile.selection import Chosen
from streams.rulefile.structures import SelectorDraft, StepDraft
from streams.rules import Selector


class Origin(msgspec.Struct, frozen=True):
    """What a rule was made of, if not written as it is, and where it holds.

    `rule` is the id of the rule that it is an instance or a variant of, `template` and `instance` those of an
    instance. `district` is the only one it sees, `outside` are those it does not see. `reason` is why a district has
    its own.
    """

    rule: str = ""
    template: str = ""
    instance: str = ""
    district: str = ""
    outside: tuple[str, ...] = ()
    reason: str = ""

    @property
    def guard(self) -> str:
        """The condition on the event that a match begins with; "" if there is none."""
        if self.district:
            return f"place.district == {json.dumps(self.district, ensure_ascii=False)}"
        names = json.dumps(self.outside, ensure_ascii=False)
        return f"!(has(place.district) && place.district in {names})" if self.outside else ""

    def sees(self, district: str | None) -> bool:
        """Whether it is about things of a district."""
        return district == self.district if self.district else district not in self.outside


class Document(msgspec.Struct, frozen=True):
    """One document. `path` is that of its file below the rules' folder."""

    kind: str
    values: Values
    path: str
    origin: Origin = Origin()

    @property
    def id(self) -> str:
        """Its id; "" if that is missing or wrong."""
        name: str = self.values.get("id", "")
        return name


class RuleDraft(msgspec.Struct, frozen=True):
    """A rule's fields as read. `file` is the path below the rules' folder."""

    kind: Kind
    values: Values
    file: str
    origin: Origin = Origin()

    @property
    def by(self) -> tuple[Passage, ...]:
        """The parts of the key that every event says."""
        of_steps = [passage for passage, _ in self.things]
        given: tuple[Passage, ...] = self.values.get("by", ())
        return tuple(passage for passage in given if passage not in of_steps)

    @property
    def things(self) -> tuple[tuple[Passage, int], ...]:
        """With `near`, the parts of the key that one step says (`cover.device`), each with the step's number."""
        if "near" not in self.values:
            return ()
        named = {step.step.name: index for index, step in enumerate(self.steps)}
        parts = ((passage, *passage.text.strip().partition(".")[:2]) for passage in self.values.get("by", ()))
        return tuple((passage, named[head]) for passage, head, dot in parts if dot and head in named)

    @property
    def first(self) -> int:
        """The number of the selector whose event says in which district a match lies."""
        must = [index for index, step in enumerate(self.steps) if not step.step.negated and not step.step.optional]
        around = [index for index in must if self.steps[index].step.name == self.values.get("around")]
        return (around or must or [0])[0]

    @property
    def steps(self) -> tuple[StepDraft, ...]:
        """The steps, if it has any."""
        steps: tuple[StepDraft, ...] = self.values.get("steps", ())
        return steps


class Built(msgspec.Struct, frozen=True):
    """A selector and what is known of it; None where something is wrong."""

    draft: SelectorDraft
    chosen: Chosen | None
    selector: Selector | None
