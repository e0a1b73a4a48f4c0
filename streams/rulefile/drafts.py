"""A rule between its file and its meaning: its fields as read, and its selectors as understood."""

from __future__ import annotations

import msgspec

from streams.kinds import Kind
from streams.rulefile.fields import Values
from streams.rulefile.selection import Chosen
from streams.rulefile.structures import SelectorDraft, StepDraft
from streams.rules import Selector


class RuleDraft(msgspec.Struct, frozen=True):
    """A rule's fields as read. `file` is the path below the rules' folder."""

    kind: Kind
    values: Values
    file: str

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
