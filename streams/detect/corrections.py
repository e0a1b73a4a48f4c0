"""What a correction changes: episodes before and after a refold, matched one to one.

A finding keeps the id it was born with. Episodes are the same if they already share a finding;
else by the rule of their kind (`Identity`); what stays unmatched was retracted or is born.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Any

import msgspec

from streams.clocks import AFTER_ALL
from streams.detect.keys import KeyRow
from streams.findings import Finding
from streams.judging.episodes import Episode, Hold
from streams.kinds import Identity
from streams.records import KeyValues, Micros
from streams.rules import Rule

RULE_REMOVED = "rule_removed"
_packer = msgspec.msgpack.Encoder()


class Change(msgspec.Struct, frozen=True):
    """One difference: `change` is opened, updated, closed or retracted (design, section 6)."""

    change: str
    episode: Episode
    merged_into: str = ""


def compare(old: list[Episode], new: list[Episode], identity: Identity) -> list[Change]:
    """The differences in the order they are told: retractions first, then by opening.

    Matched new episodes take over finding, sequence and number of corrections of the old ones.
    """
    pairs = _matched(old, new, identity)
    known = {id(after): before for before, after in pairs}
    kept = {id(before) for before, _ in pairs}
    for before, after in pairs:
        after.finding = before.finding
    heirs = [episode for episode in new if episode.finding]
    changes = [_retraction(gone, heirs) for gone in old if id(gone) not in kept]
    for episode in new:
        told = known.get(id(episode))
        if told is None:
            changes.append(Change("opened", episode))
        elif (change := _inherit(told, episode)) is not None:
            changes.append(change)
    return changes


def _inherit(told: Episode, episode: Episode) -> Change | None:
    episode.inherit(told)
    if episode.same_as(told):
        return None
    episode.corrections += 1
    closes = told.closed is None and episode.closed is not None
    return Change("closed" if closes else "updated", episode)


def _retraction(gone: Episode, heirs: Iterable[Episode]) -> Change:
    """A retracted episode names the one that took most of its evidence, if there is one."""
    proof = set(gone.evidence)
    related = (heir for heir in heirs if heir.key == gone.key)
    best = max(related, key=lambda heir: len(proof & set(heir.evidence)), default=None)
    taken = best is not None and bool(proof & set(best.evidence))
    return Change("retracted", gone, best.finding if best is not None and taken else "")


def _matched(
    old: list[Episode], new: list[Episode], identity: Identity
) -> list[tuple[Episode, Episode]]:
    """Pairs (before, after), each episode in at most one."""
    pairs: list[tuple[Episode, Episode]] = []
    before, after = list(old), list(new)

    def take(a: Episode, b: Episode) -> None:
        pairs.append((a, b))
        _drop(before, a)
        _drop(after, b)

    by_finding = {episode.finding: episode for episode in old if episode.finding}
    for episode in new:
        if episode.finding in by_finding:
            take(by_finding[episode.finding], episode)
    _match_equal(before, after, take)
    ranked = _by_evidence if identity is Identity.EVIDENCE else _by_overlap
    for a, b in ranked(before, after):
        if any(a is x for x in before) and any(b is x for x in after):
            take(a, b)
    return pairs


def _drop(episodes: list[Episode], gone: Episode) -> None:
    for index, episode in enumerate(episodes):
        if episode is gone:
            del episodes[index]
            return


def _match_equal(before: list[Episode], after: list[Episode],
                 take: Callable[[Episode, Episode], None]) -> None:
    """Episodes that did not change at all: most of them, so they are found by a look-up."""
    unchanged = {_print(episode): episode for episode in reversed(before)}
    for episode in list(after):
        told = unchanged.pop(_print(episode), None)
        if told is not None:
            take(told, episode)


def _print(episode: Episode) -> tuple[object, ...]:
    return (episode.opened, episode.closed, episode.count, tuple(episode.evidence), episode.last, _things(episode))


def _things(episode: Episode) -> tuple[object, ...]:
    """What of its key is its own: an episode about other things is another one."""
    return () if episode.key is None else tuple(episode.key.items())


def _by_evidence(before: list[Episode], after: list[Episode]) -> list[tuple[Episode, Episode]]:
    """Same last evidence first, then most shared evidence, then the earliest start."""
    scored = []
    for i, a in enumerate(before):
        proof = set(a.evidence)
        for j, b in enumerate(after):
            shared = len(proof & set(b.evidence))
            if (shared or a.last == b.last) and a.key == b.key:
                scored.append((a.last != b.last, -shared, a.opened, b.opened, i, j, a, b))
    return [(row[-2], row[-1]) for row in sorted(scored, key=lambda row: row[:6])]


def _by_overlap(before: list[Episode], after: list[Episode]) -> list[tuple[Episode, Episode]]:
    """The longest overlap in time first, then the earliest start."""
    scored = []
    for i, a in enumerate(before):
        for j, b in enumerate(after):
            overlap = min(_end(a), _end(b)) - max(a.opened, b.opened)
            if overlap >= 0:
                scored.append((-overlap, a.opened, b.opened, i, j, a, b))
    return [(row[-2], row[-1]) for row in sorted(scored, key=lambda row: row[:5])]


def _end(episode: Episode) -> int:
    return AFTER_ALL if episode.closed is None else episode.closed


def finding_id(rule: Rule, key: KeyValues, episode: Episode, position: tuple[Any, ...]) -> str:
    """The id of a finding that is born; `position` is where the row stood of which it follows."""
    birth: tuple[Any, ...] = (rule.id, rule.logic, key, episode.opened, episode.evidence, episode.bound, position)
    if rule.near is not None:  # circles of one instant may share all the evidence that is listed
        birth = (*birth, episode.last, episode.key)
    return blake2b(_packer.encode(birth), digest_size=12).hexdigest()


def orphans(row: KeyRow, names: tuple[str, ...], clock: Micros) -> list[Finding]:
    """What was open for a key whose rule, or whose logic, is there no more: closed, with that as the reason."""
    hold = msgspec.convert(msgspec.msgpack.decode(row.head)[0], Hold)
    rule, _, logic = row.rule.rpartition("@")
    return [
        Finding(one.finding, one.sequence + 1, "closed", rule, logic, one.named(names, row.key), one.opened,
                max(one.opened, clock), one.value, list(one.evidence), one.count, one.bound, one.facts, RULE_REMOVED,
                one.corrections, max(one.opened, clock), RULE_REMOVED)
        for one in hold.episodes if one.closed is None and one.finding]
