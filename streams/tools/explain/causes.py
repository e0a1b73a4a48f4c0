"""The closed list of reasons why a rule fired or did not, and what is known of each: facts, no sentences."""

from __future__ import annotations

from typing import Any

import msgspec

WHY: dict[str, str] = {
    "fired": "It did: there is a finding, and what became of it.",
    "still_open": "`keep_firing_for` kept the episode before open, so what came belongs to it.",
    "suppressed": "It was found, but an alert of this rule and key was sent within `suppress_for`.",
    "merged": "It was found and became part of another alert.",
    "shadow": "It was found, but the rule is only observed (`status: experimental` or `test`).",
    "held_back": "It was found and held back for another reason, which the audit topic names.",
    "retracted": "It was told and taken back: an event that came late undid it.",
    "not_yet": "Not yet at the moment asked about, but later.",
    "waits_for_clock": "It would hold, but event time has not come so far that it can be concluded.",
    "source_silent": "The source of what is missed is silent itself, so no silence of its devices is concluded.",
    "no_finding": "By its events it holds, but the log has no finding: the rule was changed, or the log begins later.",
    "for_too_short": "The condition did not hold as long as `for` asks.",
    "step_forbidden": "A step happened that must not (`not`).",
    "ended_by_until": "An `until` event ended what was under way.",
    "used_up": "Its events belong to a match before (`select`).",
    "step_between": "Another event stood between two steps that must follow directly (`strict`).",
    "wrong_order": "All steps came, but not in order.",
    "condition_failed": "The condition could not be evaluated: a field is missing or of another type.",
    "late": "An event came more than the source's `lateness` behind the clock.",
    "duplicate": "Two records have the same id and count once.",
    "no_key": "A part of `by` is missing, so the event belongs to no key.",
    "no_value": "The field that the rule measures is missing.",
    "exception": "An exception of the rule covers an event.",
    "off_schedule": "An event happened outside the rule's `schedule`.",
    "other_district": "An event lies where another rule stands in this one's place, or outside the rule's district.",
    "condition_false": "A clause of the condition is false.",
    "window_short": "Too few events, or too little of them, in the window.",
    "as_usual": "Nowhere did so much more happen than usual that chance would not explain it.",
    "too_few_events": "Fewer events than `min_events`, so there is no value.",
    "step_too_late": "A step came later than `within` allows.",
    "too_far": "What came is farther away than `near` allows.",
    "other_key": "The events are spread over several keys.",
    "dead_letter": "A record became a dead letter, so there is no event.",
    "unknown_type": "A record's event type is not declared and its source is not `open`.",
    "step_missing": "A step did not come.",
    "reported_in_time": "It reported, and its next report is not due yet.",
    "above_silent": "Its source, or what it is part of, is silent, so nothing is known of it.",
    "not_watched": "Nothing says that it must report: it is not in the register, or was never heard of.",
    "no_event": "No event came that the rule asks for.",
    "not_fed": "None of the sources at hand can send the events that the rule asks for.",
    "over": "Its episode ended before the moment asked about.",
}

FIRED = ("fired", "still_open", "suppressed", "merged", "shadow", "held_back")
"""The reasons of a rule that holds; of them only the first two have an alert of their own."""


class Cause(msgspec.Struct, frozen=True):
    """A reason with what is known of it. The lower its `rank`, the more it explains."""

    reason: str
    rank: int
    facts: dict[str, Any] = {}
