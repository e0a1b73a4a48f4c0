"""The verdict in one sentence: one function a reason, made of its facts and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import msgspec

from streams.clocks import show_duration
from streams.explained import Explained, Standing
from streams.findings import Finding
from streams.judging.episodes import Episode, HoldOptions
from streams.reasons import SENTENCES
from streams.records import KeyValues, Member, Micros
from streams.rules import FINDINGS_OF, Exemption, Rule
from streams.specs import Rarity, Test, Trend
from streams.tools.explain.causes import FIRED, Cause
from streams.tools.explain.fits import Look
from streams.tools.explain.folding import Region
from streams.tools.explain.story import Arrived, Story
from streams.tools.explain.wording import (
    Words,
    amount,
    compared,
    few,
    for_key,
    hurdle,
    number,
    ordinal,
    silent_above,
    steps_of,
    window,
)


class Told(msgspec.Struct, frozen=True):
    """What a sentence is made from."""

    story: Story
    key: KeyValues
    asked: Region
    facts: Mapping[str, Any]
    words: Words

    @property
    def rule(self) -> Rule:
        """The rule."""
        return self.story.rule

    @property
    def options(self) -> HoldOptions:
        """Its `for` and `keep_firing_for`."""
        detector: Any = self.rule.detector
        found: HoldOptions = detector.options if hasattr(detector, "options") else detector.judge.options
        return found

    @property
    def looks(self) -> Sequence[Look]:
        """The events that it is about."""
        found: Sequence[Look] = self.facts.get("looks", ())
        return found

    @property
    def short(self) -> str:
        """What was there instead, as a clause that may follow."""
        found: Explained | None = self.facts.get("facts")
        if found is None or found.measured is None:
            return ""
        return f", which leaves {amount(self.rule, found.measured)}"


def sentence(story: Story, key: KeyValues, asked: Region, cause: Cause, words: Words) -> str:
    """The verdict as one sentence."""
    text = said(story, key, asked, cause, words)
    return f"{text}." if cause.reason in FIRED else f"It did not fire{for_key(story.rule, key)}: {text}."


def said(story: Story, key: KeyValues, asked: Region, cause: Cause, words: Words) -> str:
    """A reason as a clause."""
    return SAID[cause.reason](Told(story, key, asked, cause.facts, words))


# It held


def _because(told: Told) -> str:
    """`5 events in 10m`, as the finding has it."""
    finding: Finding = told.facts["finding"]
    rule = told.rule
    test: Test | Rarity | None = rule.spec.get("condition")
    if rule.kind == "threshold" and isinstance(test, Trend):
        seen = {name: finding.facts.get(name) for name in ("expected", "since", "delay")}
        return (f"{number(finding.value)} since {seen['since']}, normally {seen['expected']}; such a {test.side} is"
                f" found within about {seen['delay']}")
    if rule.kind == "threshold" and isinstance(test, Rarity):
        seen = {name: finding.facts.get(name) for name in ("expected", "low", "high", "during", "recurrence")}
        normal = f"normally {seen['expected']} ({seen['low']} to {seen['high']})"
        return f"{number(finding.value)} {seen['during']}, {normal}, about once in {seen['recurrence']}"
    if rule.kind == "threshold" and isinstance(test, Test):
        measure = rule.spec.get("measure")
        name = "count" if measure is None else f"{measure.name} {measure.text}".strip()
        if name == "count":
            events = "event" if finding.value == 1 else "events"
            return f"{number(finding.value)} {events}{window(rule)}, {compared(test)} are asked for"
        return f"{name} is {number(finding.value)}{window(rule)}, {compared(test)} is asked for"
    if rule.kind == "hotspot":
        seen = {name: finding.facts.get(name) for name in ("observed", "radius", "span", "expected", "recurrence")}
        where = f"{seen['observed']} events within {seen['radius']} m in {seen['span']}"
        return f"{where}, normally {seen['expected']}, about once in {seen['recurrence']}"
    if rule.kind == "absence":
        last = finding.evidence[-1] if finding.evidence else ""
        return f"nothing came after event {last}" if last else "nothing ever came"
    if finding.bound:
        parts = [f"{name} (event {', '.join(ids)})" for name, ids in finding.bound.items()]
        left = [step.name for step in steps_of(rule) if step.negated]
        return " then ".join(parts) + (f", and no {' or '.join(left)}" if left else "")
    return f"event {finding.evidence[-1]} meets it"


def _fired_at(told: Told) -> str:
    finding: Finding = told.facts["finding"]
    return told.words.time(finding.opened)


def _fired(told: Told) -> str:
    finding: Finding = told.facts["finding"]
    ended = "" if finding.closed in (None, finding.opened) else f" until {told.words.time(finding.closed or 0)}"
    sent = [one.change for one in told.facts["envelopes"] if one.topic == "dispatches"]
    news = [one.change for one in told.facts["envelopes"] if one.topic == "alerts"]
    became = f"; its alert is {news[-1]}" if news else ""
    became += f", its dispatch {sent[-1]}" if sent else ""
    return f"It fired{for_key(told.rule, told.key)} at {_fired_at(told)}{ended}: {_because(told)}{became}"


def _still_open(told: Told) -> str:
    episode: Episode = told.facts["episode"]
    keep = f"`keep_firing_for: {show_duration(told.options.keep)}`"
    return (f"It has fired{for_key(told.rule, told.key)} since {_fired_at(told)}: {keep} bridged the gap, so what came"
            f" at {told.words.time(episode.opened)} belongs to that finding and makes no new one")


def _suppressed(told: Told) -> str:
    before: Finding | None = told.facts.get("before")
    since = "" if before is None else f" at {told.words.time(before.opened)}"
    return (f"It was found{for_key(told.rule, told.key)} at {_fired_at(told)} ({_because(told)}) and not told: an alert"
            f" of this rule and key was sent{since}, within `suppress_for: {show_duration(told.rule.suppress_for)}`")


def _merged(told: Told) -> str:
    return (f"It was found{for_key(told.rule, told.key)} at {_fired_at(told)} and became part of the alert"
            f" {told.facts['alert']}, with which it shares events")


def _shadow(told: Told) -> str:
    return (f"It was found{for_key(told.rule, told.key)} at {_fired_at(told)} ({_because(told)}) and is only observed:"
            f" `status: {told.rule.status}` sends it to the shadow topic and nobody out")


def _held_back(told: Told) -> str:
    held = told.facts["held"]
    return (f"It was found{for_key(told.rule, told.key)} at {_fired_at(told)} and held back ({held}):"
            f" {SENTENCES.get(held, held)}").rstrip(".")


# Time


def _retracted(told: Told) -> str:
    finding: Finding = told.facts["finding"]
    cause: Arrived | None = told.facts["cause"]
    said = f"it was told at {told.words.time(told.facts['told'])} and taken back"
    if cause is None:
        return f"{said} ({finding.cause})"
    return f"{said} when {told.words.event(cause)} came late"


def _not_yet(told: Told) -> str:
    episode: Episode = told.facts["episode"]
    later = show_duration(episode.opened - (told.asked.at or 0))
    found: Explained | None = told.facts.get("facts")
    now = f"{amount(told.rule, found.measured)} then, and " if found is not None and found.measured is not None else ""
    return f"not yet: {now}it did at {told.words.time(episode.opened)}, {later} later"


def _over(told: Told) -> str:
    episode: Episode = told.facts["episode"]
    if episode.closed == episode.opened:
        return f"it did at {told.words.time(episode.opened)}, and not again"
    return f"it did from {told.words.time(episode.opened)} to {told.words.time(episode.closed or 0)}, and not again"


def _waits(told: Told) -> str:
    name, story, words = told.facts["source"], told.story, told.words
    source = story.bundle.sources.get(name)
    lag = "" if source is None else f" (`disorder: {show_duration(source.disorder)}`)"
    return (f"it waits for the clock: what is due at {words.time(told.facts['due'])} is concluded when the clock of"
            f" {name} has passed that, and it stands at {words.time(story.clock)}{lag}")


def _silent(told: Told) -> str:
    name, story, words = told.facts["source"], told.story, told.words
    head = story.heads.get(name)
    last = "it sent nothing" if head is None else f"its last event is of {words.time(head)}"
    return (f"the source {name} is silent itself: {last}, so its clock has not come to {words.time(told.facts['due'])},"
            " when the silence would be concluded")


def _no_finding(told: Told) -> str:
    episode: Episode = told.facts["episode"]
    return (f"by its events it holds at {told.words.time(episode.opened)}, but no finding is known: the rule was"
            " changed since, or what was told is older than what is kept")


# Demands


def _for_too_short(told: Told) -> str:
    episode: Episode = told.facts["episode"]
    wait = show_duration(told.options.wait)
    held = "" if episode.closed is None else f", {show_duration(episode.closed - episode.opened)}"
    until = "" if episode.closed is None else f" to {told.words.time(episode.closed)}"
    return f"the condition held from {told.words.time(episode.opened)}{until}{held}, and `for` asks for {wait}"


def _culprit(told: Told) -> str:
    culprit: Member | None = told.facts.get("culprit")
    return "an event" if culprit is None else told.words.event(culprit)


def _step_forbidden(told: Told) -> str:
    return f"step `{told.facts['step']}`, which must not happen, did: {_culprit(told)}"


def _until(told: Told) -> str:
    return f"`until` ended what was under way: {_culprit(told)}"


def _used_up(told: Told) -> str:
    before: Episode | None = told.facts.get("before")
    match = "a match before" if before is None else f"the match of {told.words.time(before.opened)}"
    return f"its events are used up by {match} (`select: {told.rule.spec.get('select') or 'first'}`)"


def _between(told: Told) -> str:
    return f"{_path(told)}, but another event stood between steps that must follow directly (`strict`)"


def _wrong_order(told: Told) -> str:
    bound = told.facts["bound"]
    came = sorted((members[-1].time, name) for name, members in bound.items())
    order = " then ".join(f"{name} at {told.words.time(time)}" for time, name in came)
    wanted = " then ".join(step.name for step in steps_of(told.rule) if not step.negated)
    return f"the steps came in another order: {order}, and {wanted} is asked for"


def _path(told: Told) -> str:
    bound: Mapping[str, Sequence[Member]] = told.facts["bound"]
    return " then ".join(f"{name} at {told.words.time(members[-1].time)}" for name, members in bound.items())


def _step_too_late(told: Told) -> str:
    bound: Mapping[str, Sequence[Member]] = told.facts["bound"]
    taken = [(name, member) for name, members in bound.items() for member in members]
    own = {step.name: step.within for step in steps_of(told.rule)}
    for (_, before), (name, member) in pairwise(taken):
        limit, took = own.get(name), member.time - before.time
        if limit is not None and took > limit:
            return _late_step(told, name, member, took, limit)
    name, last = taken[-1]
    within = told.rule.spec.get("within") or 0
    return _late_step(told, name, last, last.time - taken[0][1].time, within)


def _late_step(told: Told, name: str, member: Member, took: Micros, limit: Micros) -> str:
    over = show_duration(took - limit)
    return (f"step `{name}` came {over} too late: {told.words.event(member)} is {show_duration(took)} after what it"
            f" counts from, and `within` allows {show_duration(limit)}")


def _too_few(told: Told) -> str:
    found: Explained | None = told.facts.get("facts")
    seen = len(found.measured.members) if found is not None and found.measured is not None else 0
    counted = f"{seen} of " if seen else "fewer than "
    return f"{counted}{told.rule.spec.get('min_events')} events{window(told.rule)}, so there is no value (`min_events`)"


def _as_usual(told: Told) -> str:
    found: Explained | None = told.facts.get("facts")
    scanned = None if found is None else found.scanned
    if scanned is None:
        return "nowhere did more happen than usual"
    if scanned.learnt < scanned.needed:
        return f"what is usual is not known yet, {scanned.learnt} of {scanned.needed} bins are learnt"
    when = "" if told.facts.get("at") is None else f", at {told.words.time(told.facts['at'])}"
    if not scanned.observed:
        return f"nowhere did more happen than usual{when}"
    where = f"{scanned.observed} events within {scanned.radius} m in {show_duration(scanned.span)}"
    return f"what stood out most were {where}, normally {scanned.expected:.2g}{when}: chance explains that"


def _window_short(told: Told) -> str:
    found: Explained | None = told.facts.get("facts")
    if found is None or found.measured is None:
        return f"too little came{window(told.rule)}"
    amounts = amount(told.rule, found.measured)
    if "over" not in told.facts:
        when = "" if told.facts.get("at") is None else f", at {told.words.time(told.facts['at'])}"
        least = found.measured.name == "count" or found.measured.value is None
        nearest = "at most" if least else "no nearer than"
        told_of = found.measured.value is not None or few(told.rule, found.measured)
        return f"{nearest} {amounts}{when}" if told_of else amounts
    over: Micros = told.facts["over"]
    after = f"{show_duration(over)} after the window" if over else "just when the first had left the window"
    need, value = found.measured.test.value, found.measured.value or 0
    if found.measured.name == "count" and need - value <= 1:
        return f"{amounts}; the {ordinal(int(value) + 1)} came {after}"
    return f"{amounts}; what was missing came {after}"


# Events


def _but(told: Told) -> str:
    """How many more events the same is true of, and what that leaves."""
    return _more(told) + told.short


def _more(told: Told) -> str:
    more = told.facts.get("others", 0)
    return f" (and {more} more)" if more else ""


def _named(look: Look) -> str:
    return f" for step `{look.name}`" if look.name else ""


def _condition_false(told: Told) -> str:
    looks = told.looks
    first = looks[0]
    hurdles = " and ".join(hurdle(one) for one in first.hurdles) or "its condition is false"
    if len(looks) > 1:
        like = told.words.event(first.arrived)
        return f"{len(looks)} events do not meet the condition{_named(first)}, such as {like}: {hurdles}"
    return f"{told.words.event(first.arrived)} does not meet the condition{_named(first)}: {hurdles}{_but(told)}"


def _condition_failed(told: Told) -> str:
    first = told.looks[0]
    hurdles = " and ".join(hurdle(one) for one in first.hurdles) or "its condition failed"
    return f"the condition{_named(first)} failed for {told.words.event(first.arrived)}: {hurdles}{_but(told)}"


def _late(told: Told) -> str:
    one = told.looks[0].arrived
    behind = show_duration(max(0, one.clock - told.looks[0].event.time))
    takes = show_duration(told.story.bundle.sources[one.source].lateness)
    return (f"{told.words.event(one)} came too late: {behind} behind the clock of {one.source}, where `lateness` is"
            f" {takes}{_but(told)}")


def _duplicate(told: Told) -> str:
    return f"{told.words.event(told.looks[0].arrived)} came twice and counts once{_but(told)}"


def _no_key(told: Told) -> str:
    first = told.looks[0]
    names = " and ".join(f"`{name}`" for name in first.keyless)
    return f"{told.words.event(first.arrived)} has no key: {names} is absent or empty{_but(told)}"


def _no_value(told: Told) -> str:
    first = told.looks[0]
    return f"{told.words.event(first.arrived)} has nothing to measure: {first.valueless}{_but(told)}"


def _kept_out(told: Told) -> str:
    covering: Exemption | None = told.facts.get("exemption")
    if covering is not None:
        return f"the exception `{covering.name}` covers it ({covering.reason}; {covering.owner})"
    first = told.looks[0]
    return f"{told.words.event(first.arrived)} {first.kept_out_by}{_but(told)}"


def _other_district(told: Told) -> str:
    looks = told.looks
    first = looks[0]
    which = told.words.event(first.arrived)
    if len(looks) == 1:
        return f"{which} lies in {first.kept_out_by}{_but(told)}"
    return f"{len(looks)} events, such as {which}, lie in {first.kept_out_by}"


def _too_far(told: Told) -> str:
    needed, radius = told.facts["needed"], told.facts["radius"]
    found: Explained | None = told.facts.get("facts")
    have = f"{amount(told.rule, found.measured)}; " if found is not None and found.measured is not None else ""
    return f"{have}what came lies {needed:.0f} m apart, and `near` is {radius:g} m"


def _other_key(told: Told) -> str:
    found: Explained | None = told.facts.get("facts")
    have = f"{amount(told.rule, found.measured)}; " if found is not None and found.measured is not None else ""
    number_of, key = len(told.looks), for_key(told.rule, told.facts["key"]).removeprefix(" for ")
    stand = "1 more stands" if number_of == 1 else f"{number_of} more stand"
    return f"{have}{stand} under another key, {key}"


def _dead(told: Told) -> str:
    if "unread" in told.facts:
        unread, around = told.facts["unread"], "" if told.asked.at is None else " near that time"
        return (f"{unread} record{'' if unread == 1 else 's'} of its sources{around} became"
                f" {'a dead letter' if unread == 1 else 'dead letters'}; nothing in"
                f" {'it' if unread == 1 else 'them'} names what it asks for")
    one: Arrived = told.facts["arrived"]
    if told.facts.get("perhaps"):
        return (f"perhaps it is the record at {one.place} of {one.source}, which became a dead letter ({one.reason}):"
                f" {one.problem}{_more(told)}")
    return f"the record at {one.place} of {one.source} became a dead letter ({one.reason}): {one.problem}{_but(told)}"


# Nothing


def _step_missing(told: Told) -> str:
    found: Explained | None = told.facts.get("facts")
    if found is None or not found.standing:
        return f"no match began: step `{steps_of(told.rule)[0].name}` did not come"
    one: Standing = max(found.standing, key=lambda standing: standing.progress)
    last = [member for members in one.bound.values() for member in members][-1]
    until = "" if one.until is None else f" until {told.words.time(one.until)}"
    if not one.wanted:
        return f"{' or '.join(one.guards)} must not come{until}, after {' and '.join(one.bound)}"
    wanted = one.wanted[0]
    return f"step `{wanted}` did not come{until}, after {' and '.join(one.bound)} ({told.words.event(last)})"


def _reported(told: Told) -> str:
    found: Explained | None = told.facts.get("facts")
    last: Member | None = told.facts.get("last")
    watched = found.watched if found is not None else None
    due = "" if watched is None or watched.deadline is None else \
        f", so the next is not overdue before {told.words.time(watched.deadline)}"
    if last is None:
        return f"it is counted from the beginning{due}"
    return f"it reported: {told.words.event(last)}{due}"


def _above_silent(told: Told) -> str:
    found: Explained = told.facts["facts"]
    silent = {} if found.watched is None else found.watched.above
    return f"unknown, because {silent_above(told.story.bundle, told.rule, told.key, silent, told.words)}"


def _not_watched(told: Told) -> str:
    expect = told.rule.spec.get("expect")
    register = getattr(expect, "register", None)
    if register and told.key not in told.rule.expected:
        return f"it is not watched: the register {register} has no such row, and nothing was heard of it"
    found: Explained | None = told.facts.get("facts")
    if found is not None and found.watched is not None and not found.watched.every:
        return "it is not watched: `every` gives no time for it"
    return "it is not watched: nothing was heard of it" + (
        " for so long that it was forgotten" if told.facts.get("last") is not None else "")


def _no_event(told: Told) -> str:
    names = dict.fromkeys(name for one in told.rule.selectors for name in one.types)
    types = ", ".join(f"a finding of {name.removeprefix(FINDINGS_OF)}" if name.startswith(FINDINGS_OF) else name
                      for name in names)
    around = "" if told.asked.at is None else f" {told.words.span(told.asked.low, told.asked.high)}"
    seen, outside, close = len(told.facts.get("seen", ())), told.facts.get("outside"), told.facts.get("close")
    others = f"; {seen} came, none of them for it" if seen else ""
    others += f"; the records at hand are of {told.words.time(outside[0])} to {told.words.time(outside[1])}" \
        if outside else ""
    others += f"; spelled nearly so is {for_key(told.rule, close).removeprefix(' for ')}" if close else ""
    return f"no event {types} came{around}{others}"


def _not_fed(told: Told) -> str:
    return f"nothing at hand feeds it: it listens to {', '.join(sorted(told.story.feeds)) or 'no source'}"


SAID: dict[str, Callable[[Told], str]] = {
    "fired": _fired, "still_open": _still_open, "suppressed": _suppressed, "merged": _merged, "shadow": _shadow,
    "held_back": _held_back, "retracted": _retracted, "not_yet": _not_yet, "waits_for_clock": _waits,
    "source_silent": _silent, "no_finding": _no_finding, "for_too_short": _for_too_short,
    "step_forbidden": _step_forbidden, "ended_by_until": _until, "used_up": _used_up, "step_between": _between,
    "wrong_order": _wrong_order, "condition_failed": _condition_failed, "late": _late, "duplicate": _duplicate,
    "no_key": _no_key, "no_value": _no_value, "exception": _kept_out, "off_schedule": _kept_out,
    "other_district": _other_district,
    "condition_false": _condition_false, "window_short": _window_short, "as_usual": _as_usual,
    "too_few_events": _too_few,
    "step_too_late": _step_too_late, "too_far": _too_far, "other_key": _other_key, "dead_letter": _dead,
    "unknown_type": _dead, "step_missing": _step_missing, "reported_in_time": _reported,
    "above_silent": _above_silent, "not_watched": _not_watched, "no_event": _no_event, "not_fed": _not_fed,
    "over": _over,
}
