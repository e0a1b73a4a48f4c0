"""From a story to an explanation: the key that is meant, what was found of it, and the reasons in their order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from streams.clocks import BEFORE_ALL
from streams.composites import as_event
from streams.findings import RETRACTED, Finding
from streams.judging.episodes import Episode
from streams.outages import Outage, above
from streams.places import CELL
from streams.reasons import Fate
from streams.records import KeyValues, Member, Micros
from streams.respond.identity import alert_id
from streams.rules import Bundle, Rule
from streams.tools.explain.areas import Area, area_of
from streams.tools.explain.causes import FIRED, Cause
from streams.tools.explain.fits import Look, Onlooker, parts_of
from streams.tools.explain.folding import FOR_EVER, Lane, Region, nearest, region
from streams.tools.explain.sentences import sentence
from streams.tools.explain.story import Arrived, Envelope, Story
from streams.tools.explain.whynot import Inquiry
from streams.tools.explain.wording import Words

KEYS_TRIED = 20
EVENTS_FOLDED = 5_000
QUIET = ("unchanged", "repeated", "outdated", "shadow")


class Explanation(msgspec.Struct, frozen=True):
    """All there is to say. `causes` are the reasons, the best first; `keys` the events of each key that fits."""

    story: Story
    key: KeyValues
    asked: Region
    causes: list[Cause]
    words: Words
    looks: list[Look]
    lane: Lane
    findings: list[Finding]
    envelopes: list[Envelope]
    keys: dict[KeyValues, int]
    area: Area | None = None

    @property
    def rule(self) -> Rule:
        """The rule."""
        return self.story.rule

    @property
    def reason(self) -> str:
        """The word for why, of `causes.WHY`."""
        return self.causes[0].reason

    @property
    def fired(self) -> bool:
        """Whether the rule held."""
        return self.reason in FIRED

    @property
    def sentence(self) -> str:
        """The verdict."""
        return sentence(self.story, self.key, self.asked, self.causes[0], self.words)


def explain(story: Story, wanted: Mapping[str, str], at: Micros | None, finding: str = "", near: str = ""
            ) -> Explanation:
    """Why a rule holds at a moment (None: at any) for a key, or not; or what became of a finding.

    `wanted` names parts of the key as texts, as `asking.key_of` gives them; `near` is a place, `LAT,LON`, of which
    the same can be asked where a rule has `near`. Raises ValueError in words for a place that is none.
    """
    area = area_of(story.rule, wanted.get(CELL, "") if story.rule.near is not None else "", near)
    story = with_findings(story)
    rule, onlooker = story.rule, Onlooker(story.bundle, story.rule, area)
    lanes = _lanes(story, onlooker)
    if area is not None:
        story = _around(story, area, lanes)
    looks = [look for one in story.arrived for look in onlooker.looks(one)]
    key = _chosen(story, lanes, looks, wanted, at)
    asked = region(at, _span(rule, key))
    lane = _lane(story, key, _about(rule, lanes.get(key, []), wanted), asked)
    told = [finding for finding in story.told if finding.rule == rule.id and _key_of(rule, finding) == key
            and all(str(finding.key[name]) == text for name, text in wanted.items() if name in finding.key)]
    mine = [look for look in looks if (look.key == key or _may_be(look, rule, key)) and onlooker.near(look.event)]
    inquiry = Inquiry(story, onlooker, lane, asked, looks, named=any(name != CELL for name in wanted))
    causes = _found(story, told, lane, asked, finding) or inquiry.causes()
    names = {finding.id for finding in told}
    words = Words(story.bundle.city.zone, story.start, asked.at)
    keys = {one: len(members) for one, members in lanes.items()}
    return Explanation(story, key, asked, causes, words, mine, lane, told,
                       [one for one in story.envelopes if one.finding in names], keys, area)


def with_findings(story: Story) -> Story:
    """The story with the findings that the rule reads as the events that they are."""
    if not story.rule.bases:
        return story
    known = {finding.id: finding for finding in story.told if finding.rule != story.rule.id}
    events = [_as_arrived(story.bundle, one) for one in known.values() if one.change != RETRACTED]
    return msgspec.structs.replace(story, arrived=[*story.arrived, *events])


def _around(story: Story, area: Area, lanes: Mapping[KeyValues, list[Member]]) -> Story:
    """The story with those findings of the rule only that lie in an area, by their cell or by an event of theirs."""
    own = {one.id for members in lanes.values() for one in members if one.position is not None and one.position.own}
    return msgspec.structs.replace(story, told=[
        one for one in story.told if one.rule == story.rule.id
        and (one.key[CELL] == area.cell if area.cell and CELL in one.key else bool(own & set(one.evidence)))])


def _as_arrived(bundle: Bundle, finding: Finding) -> Arrived:
    base = bundle.rules[finding.rule]
    event = as_event(base, _key_of(base, finding), _episode(finding), finding.at)
    return Arrived(Fate.EVENT, event.source, f"finding {finding.id}", finding.at, event)


def _episode(finding: Finding) -> Episode:
    return Episode(finding.opened, finding.closed, finding.value, finding.evidence, finding.count, "",
                   finding.facts, finding.bound, finding.ended, finding.id, since=finding.since)


def _key_of(rule: Rule, finding: Finding) -> KeyValues:
    return tuple(finding.key.get(name) for name in parts_of(rule))


def _lanes(story: Story, onlooker: Onlooker) -> dict[KeyValues, list[Member]]:
    found: dict[KeyValues, list[Member]] = {}
    for one in story.arrived:
        if one.fate is Fate.EVENT and one.event is not None:
            for key, member in onlooker.members(one.event):
                found.setdefault(key, []).append(member)
    return found


def _lane(story: Story, key: KeyValues, members: Sequence[Member], asked: Region) -> Lane:
    """The events of a key; of very many only those around the moment."""
    span = asked.high - asked.low
    if asked.at is not None and len(members) > EVENTS_FOLDED:
        members = [one for one in members if asked.low - 10 * span <= one.time <= asked.high + 2 * span]
    since = story.since if key in story.rule.expected else BEFORE_ALL
    return Lane(story.rule.detector, key, members, since, list(_above(story, key)))


def _above(story: Story, key: KeyValues) -> Iterator[Member]:
    """What a key is told of the silences above it."""
    last = {finding.id: finding for finding in story.told if finding.since is not None}
    for one in above(story.bundle, story.rule):
        rule = story.bundle.rules[one.rule]
        for finding in last.values():
            if finding.rule == rule.id and finding.change != RETRACTED and _key_of(rule, finding) == one.of(key):
                outage = Outage.of_episode(rule, _key_of(rule, finding), _episode(finding))
                yield from (member for _, member in outage.members if member is not None)


def _about(rule: Rule, members: list[Member], wanted: Mapping[str, str]) -> list[Member]:
    """The events without those that speak of another thing than the one that is named."""
    things = () if rule.near is None else rule.near.things
    for place, thing in enumerate(things):
        text = wanted.get(thing.name)
        if text is not None:
            members = [one for one in members if one.position is None or not one.roles >> thing.role & 1
                       or str(one.position.things[place]) == text]
    return members


def _span(rule: Rule, key: KeyValues) -> Micros:
    span = getattr(rule.detector, "span", None)
    return rule.detector.horizon if span is None else int(span(key))


# Which key


def _chosen(story: Story, lanes: Mapping[KeyValues, list[Member]], looks: Sequence[Look], wanted: Mapping[str, str],
            at: Micros | None) -> KeyValues:
    """The key that was named, or the one of which there is most to tell."""
    rule = story.rule
    seen = Counter(look.key for look in looks if look.key is not None and region(at, _span(rule, look.key)).holds(
        look.event.time))
    known = dict.fromkeys([*lanes, *(_key_of(rule, one) for one in story.told if one.rule == rule.id), *rule.expected,
                           *seen])
    fitting = [key for key in known if matches(rule, key, wanted)]
    if not fitting:
        return tuple(_part(rule, wanted, name) for name in parts_of(rule))
    if len(fitting) == 1:
        return fitting[0]
    last = {one.id: one for one in story.told if one.rule == rule.id and _key_of(rule, one) in fitting}
    found = [one for one in last.values() if one.change != RETRACTED]
    asked = region(at, _span(rule, fitting[0]))
    covering = [one for one in found if asked.covers(one.opened, one.closed)]
    if covering:
        return _key_of(rule, min(covering, key=lambda one: abs(one.opened - (at or 0))))
    counts = Counter({key: sum(asked.holds(one.time) for one in lanes.get(key, ())) for key in fitting})
    tried = sorted(fitting, key=lambda key: (-counts[key], -seen[key]))[:KEYS_TRIED]
    return max(tried, key=lambda key: (_progress(story, key, lanes.get(key, []), asked), counts[key], seen[key]))


def matches(rule: Rule, key: KeyValues, wanted: Mapping[str, str]) -> bool:
    """Whether a key has the parts that are named."""
    named = dict(zip(parts_of(rule), key, strict=False))
    return all(str(named[name]) == text for name, text in wanted.items() if name in named)


def _part(rule: Rule, wanted: Mapping[str, str], name: str) -> Any:
    text = wanted.get(name, "")
    types = dict(zip(parts_of(rule), (part.type for part in rule.selectors[0].by), strict=False))
    return int(text) if types.get(name) == "int" and text.lstrip("-").isdigit() else text


def _progress(story: Story, key: KeyValues, members: Sequence[Member], asked: Region) -> float:
    found = _lane(story, key, members, asked).best(asked)
    return float("-inf") if found is None else found[1].progress


def _may_be(look: Look, rule: Rule, key: KeyValues) -> bool:
    """Whether an event without a whole key could belong to this one."""
    if look.key is not None:
        return False
    named = {*parts_of(rule), "place"}
    return bool(look.keyless) and all(name in named for name in look.keyless)


# What was found


def _found(story: Story, told: Sequence[Finding], lane: Lane, asked: Region, named: str) -> list[Cause]:
    """The finding that answers the question, or one that was taken back; nothing if there is none."""
    last = {finding.id: finding for finding in told if named in ("", finding.id)}
    standing = [one for one in last.values() if one.change != RETRACTED and asked.covers(one.opened, one.closed)]
    if standing:
        one = min(standing, key=lambda finding: abs(finding.opened - (asked.at or 0)))
        return [_outcome(story, told, lane, asked, one)]
    gone = [one for one in last.values() if one.change == RETRACTED and asked.covers(one.opened, one.closed)]
    episode = lane.episode(asked, clock=min(story.clock, FOR_EVER))
    if gone and episode is None:
        one = gone[-1]
        cause = next((here for here in story.arrived if here.event is not None and here.event.id == one.cause), None)
        first = next(finding for finding in told if finding.id == one.id)
        return [Cause("retracted", 0, {"finding": one, "told": first.at, "cause": cause})]
    return [Cause("no_finding", 0, {"episode": episode})] if episode is not None else []


def _outcome(story: Story, told: Sequence[Finding], lane: Lane, asked: Region, one: Finding) -> Cause:
    """What became of a finding that stands."""
    envelopes = [envelope for envelope in story.envelopes if envelope.finding == one.id]
    facts: dict[str, Any] = {"finding": one, "envelopes": envelopes, "members": lane.members}
    held = [str(envelope.about.get("reason")) for envelope in envelopes if envelope.change == "held_back"]
    reasons = [reason for reason in held if reason not in QUIET]
    if reasons:
        earlier = [other for other in told if other.opened < one.opened and other.id != one.id]
        before = {"before": earlier[-1]} if earlier else {}
        return Cause("suppressed" if reasons[-1] == "suppressed" else "held_back", 0,
                     {**facts, "held": reasons[-1], **before})
    alert = next((envelope.alert for envelope in reversed(envelopes) if envelope.alert), alert_id(one.id))
    merged = [envelope for envelope in envelopes if envelope.change == "merged"]
    if alert != alert_id(one.id) or merged:
        into = merged[-1].about.get("merged_into") if merged else alert
        return Cause("merged", 0, {**facts, "alert": into})
    if one.shadow:
        return Cause("shadow", 0, {**facts, "alert": alert})
    return _still_open(lane, asked, one, facts) or Cause("fired", 0, {**facts, "alert": alert})


def _still_open(lane: Lane, asked: Region, one: Finding, facts: dict[str, Any]) -> Cause | None:
    """Whether `keep_firing_for` alone joins what happened at the moment to what was before."""
    if asked.at is None or asked.at <= one.opened:
        return None
    offered = getattr(lane.detector, "relaxed", None)
    for relaxed in offered() if offered is not None else ():
        if relaxed.demand == "keep_firing_for":
            apart = [episode for episode in lane.fold(FOR_EVER, relaxed.detector).hold.episodes
                     if one.opened < episode.opened <= asked.at and asked.low <= episode.opened]
            if apart:
                return Cause("still_open", 0, {**facts, "episode": nearest(apart, asked.at)})
    return None
