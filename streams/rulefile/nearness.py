"""`near`: whether place can be the key of a rule, and the parts of its key that are things and not places."""

from __future__ import annotations

import msgspec

from streams.places import CELL
from streams.rulefile import codes
from streams.rulefile.codes import Report
from streams.rulefile.drafts import Built, RuleDraft
from streams.rulefile.expressions import Expressions, Names, said_type
from streams.rulefile.logic import squeeze
from streams.rulefile.scalars import Passage, a_or_an
from streams.rulefile.selection import Selection, is_finding
from streams.rulefile.selectors import KEY_TYPES
from streams.rules import Near, Source, Thing


class Nearness:
    """Understands `near`."""

    def __init__(self, names: Names, selection: Selection, expressions: Expressions, report: Report) -> None:
        self.names, self.selection = names, selection
        self.expressions, self.report = expressions, report

    def of(self, draft: RuleDraft, built: list[Built], by: tuple[str, ...]) -> Near | None:
        """Place as the key; None for a rule without `near`, and where something is wrong. `by` are its other parts."""
        radius = draft.values.get("near")
        if radius is None:
            return None
        match = draft.kind.NAME == "match"
        if match and not draft.values.get("keep_firing_for"):
            text = "matches near each other are one episode, but nothing says for how long"
            self.report.add(codes.BAD_NEAR, draft.values.spot("near"), text, "add `keep_firing_for: 30m`")
        if CELL in by:
            text = f"`{CELL}` is what `near` calls its own part of the key"
            self.report.add(codes.BAD_KEY, draft.values.spot("by"), text, "leave it out, or name `place.cell`")
        for one in built:
            self.check_placed(one, "circle")
        things = [self._thing(draft, built, passage, step) for passage, step in draft.things]
        return Near(radius, 2 * radius if match else radius, tuple(thing for thing in things if thing is not None))

    def check_placed(self, built: Built, where: str) -> None:
        """Events of which nobody says where they happen are in no circle, in no cell."""
        patterns = () if built.chosen is None else built.chosen.patterns
        feeds = [self.selection.sources[name] for name in self.selection.senders(patterns)]
        if not feeds or any(is_finding(pattern) or _has_place(feed) for pattern in patterns for feed in feeds):
            return
        text = f"no source says where events of `{', '.join(patterns)}` happen: they are in no {where}"
        hint = f"add `place: {{lat: ..., lon: ...}}` to the source {' or '.join(sorted(feed.id for feed in feeds))}"
        self.report.add(codes.NO_PLACE, built.draft.types[0].spot, text, hint)

    def _thing(self, draft: RuleDraft, built: list[Built], passage: Passage, index: int) -> Thing | None:
        """What a step says of a part of the key: `cover.device` is `device` in the events of the step `cover`."""
        step, chosen = draft.steps[index].step, built[index].chosen if index < len(built) else None
        if step.negated or step.optional:
            text = f"the step `{step.name}` need not happen, so it cannot say what the finding is about"
            self.report.add(codes.BAD_KEY, passage.spot, text, "name a step that must happen")
            return None
        if chosen is None:
            return None
        # the step's name becomes white space, so that mistakes are told at their places
        blank = passage.text.replace(f"{step.name}.", " " * (len(step.name) + 1), 1)
        inner = msgspec.structs.replace(passage, text=blank)
        value = self.expressions.compile(inner, self.names.event(chosen.declared, chosen.open))
        if value is not None and value.type not in KEY_TYPES:
            text = f"a key cannot be {a_or_an(said_type(value.type))}"
            self.report.add(codes.CEL_RESULT, passage.spot, text, "name a text or a number")
        return None if value is None else Thing(squeeze(passage.text), index, value)


def _has_place(source: Source) -> bool:
    return "lat" in source.mapping.place and "lon" in source.mapping.place
