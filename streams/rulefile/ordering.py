"""In which order rules are understood: those whose findings others read come first; no circle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from streams.rulefile import codes
from streams.rulefile.building import named_rules
from streams.rulefile.codes import Report
from streams.rulefile.drafts import RuleDraft
from streams.rulefile.scalars import Passage, advise


def ordered(drafts: Sequence[RuleDraft], report: Report) -> Iterator[RuleDraft]:
    """The drafts, each behind those that it names; what is named and not there, and circles, are reported."""
    known = {draft.values.get("id", ""): draft for draft in drafts}
    read = {id(draft): _names(draft, known, report) for draft in drafts}
    done: set[int] = set()
    for draft in drafts:
        yield from _before(draft, known, read, done, [], report)


def observed(drafts: Iterable[RuleDraft]) -> frozenset[str]:
    """The rules whose findings are read by another."""
    return frozenset(passage.text for draft in drafts for passage in named_rules(draft))


def _named(draft: RuleDraft) -> list[Passage]:
    """The places where a rule names others that must be understood before it."""
    return [*named_rules(draft), *draft.values.get("part_of", ())]


def _names(draft: RuleDraft, known: Mapping[str, RuleDraft], report: Report) -> list[str]:
    names: dict[str, None] = {}
    for passage in _named(draft):
        if passage.text in known:
            names[passage.text] = None
            continue
        own = draft.values.get("id", "")  # itself it can never mean
        hint = advise(passage.text, [name for name in known if name not in ("", own)], "the rules are")
        report.add(codes.UNKNOWN_RULE, passage.spot, f"there is no rule `{passage.text}`", hint)
    return list(names)


def _before(draft: RuleDraft, known: Mapping[str, RuleDraft], read: Mapping[int, list[str]], done: set[int],
            path: list[str], report: Report) -> Iterator[RuleDraft]:
    """What a draft names, then itself. `path` leads to it."""
    own = draft.values.get("id", "")
    if id(draft) in done:
        return
    if own in path:
        circle = [*path[path.index(own):], own]
        report.add(codes.CYCLE, _named(draft)[0].spot, f"a circle of rules: {' reads '.join(circle)}")
        return
    for name in read[id(draft)]:
        yield from _before(known[name], known, read, done, [*path, own], report)
    if id(draft) not in done:
        done.add(id(draft))
        yield draft
