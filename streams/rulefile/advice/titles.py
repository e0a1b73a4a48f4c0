"""Titles: people who read an alert know the rule by its title alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from streams.rulefile import codes
from streams.rulefile.advice.around import Told
from streams.rulefile.drafts import RuleDraft
from streams.rules import Rule


def compare(advised: Sequence[tuple[RuleDraft, Rule]]) -> Iterator[Told]:
    """The rules whose titles others have already."""
    first: dict[str, Rule] = {}
    for draft, rule in advised:
        title = " ".join(rule.title.casefold().split())
        other = first.setdefault(title, rule)
        if other.base != rule.base:
            text = f"`{other.id}` has this title already"
            yield draft, partial(_tell, draft, text)


def _tell(draft: RuleDraft, text: str, report: codes.Report) -> None:
    report.add(codes.SAME_TITLE, draft.values.spot("title"), text)
