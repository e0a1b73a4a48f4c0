"""The key of a rule: parts that are another with every event, so that no two events ever meet."""

from __future__ import annotations

from streams.conditions import Expression
from streams.conditions.analysis import Reading
from streams.conditions.checked import Call
from streams.conditions.names import Resolver
from streams.rulefile import codes
from streams.rulefile.advice.around import Around
from streams.rulefile.drafts import RuleDraft
from streams.rulefile.spots import Spot
from streams.rules import Rule

OF_EACH_EVENT = ("id", "time", "received")
MEASURED = {"double": "a measured value", "timestamp": "an instant", "duration": "a span of time"}


def advise(draft: RuleDraft, rule: Rule, around: Around) -> None:
    """Parts of the key that tell every event from every other, in all selectors: else one event names another."""
    keys = [one.by for one in rule.selectors]
    for index in range(min(map(len, keys), default=0)):
        parts = [key[index] for key in keys]
        why = changing(parts[0])
        if why and all(map(changing, parts)):
            told = f"`{parts[0].text.strip()}` is {why}: each event has a key of its own"
            around.report.add(codes.KEY_CHANGES, _spot(draft, parts[0].text), told)


def _spot(draft: RuleDraft, text: str) -> Spot:
    passages = [*draft.by, *(passage for step in draft.steps for passage in step.selector.by or ())]
    return next((one.spot for one in passages if one.text.strip() == text.strip()), draft.values.spot("by"))


def changing(part: Expression) -> str:
    """Why a part of a key is another with every event; "" if it is not known to be."""
    assert part.form is not None
    node = part.form[0]
    if isinstance(node, Call) and node.function == "string" and len(node.args) == 1:
        node = node.args[0]
    path = Reading(Resolver(part.form[1])).path(node)
    if path is None:
        return ""
    if path.removeprefix("event.") in OF_EACH_EVENT:
        return "another with every event"
    return MEASURED.get(node.type, "")
