"""A rule between its file and its meaning: its fields as read, and its selectors as understood."""

from __future__ import annotations

import msgspec

from streams.kinds import Kind
from streams.rulefile.fields import Values
from streams.rulefile.scalars import Passage
from streams.rulefile.selection import Chosen
from streams.rulefile.structures import SelectorDraft, StepDraft
from streams.rules import Selector


class RuleDraft(msgspec.Struct, frozen=True):
    """A rule's fields as read. `file` is the path below the rules' folder."""

    kind: Kind
    values: Values
    file: str

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
    def steps(self) -> tuple[StepDraft, ...]:
        """The steps, if it has any."""
        steps: tuple[StepDraft, ...] = self.values.get("steps", ())
        return steps


class Built(msgspec.Struct, frozen=True):
    """A selector and what is known of it; None where something is wrong."""

    draft: SelectorDraft
    chosen: Chosen | None
    selector: Selector | None
