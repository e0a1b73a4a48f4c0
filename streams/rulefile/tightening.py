"""What a district may change of a rule, and what "tighter" means for each field: the law of overrides.

A variant must find at least what the rule itself would find, no later, no less severe and for no shorter
time. A field for which that cannot be told from the two values is not for districts to change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from streams.clocks import show_duration
from streams.kinds.parts import indicators
from streams.rulefile.common import fields_of
from streams.rulefile.fields import Values
from streams.rulefile.limits import LimitDraft
from streams.rulefile.scalars import STATUSES
from streams.rulefile.structures import MeasureDraft, StepDraft
from streams.rules import SEVERITIES
from streams.specs import Rarity, Test, Window
from streams.vitals import LOW, Bands

ABOVE, BELOW = ("gt", "gte"), ("lt", "lte")
GROWING = ("count", "distinct", "max")  # measures that more events can only raise
SPANS = ("for", "keep_firing_for", "suppress_for", "every", "grace", "forget_after", "within")


class Change(msgspec.Struct, frozen=True):
    """A field in the rule and in its variant: the values as read, None where there is none."""

    name: str
    base: Any
    new: Any
    kind: str
    rule: Values

    def no(self, may: str) -> tuple[str, str]:
        """What is wrong, and what would be right."""
        told = f"`{self.name}` may be {may} in a district: the rule has {self.shown(self.base)}"
        return f"{told}, this is {self.shown(self.new)}", ""

    def shown(self, value: Any) -> str:
        """A value in a sentence."""
        if value is None:
            return "none"
        if isinstance(value, Test):
            return f"{{{value.op}: {value.value}}}"
        if isinstance(value, Window):
            return show_duration(value.size or 0) if value.type == "sliding" else f"a {value.type} window"
        return show_duration(value) if self.name in SPANS and isinstance(value, int) else str(value)


Wrong = tuple[str, str] | None


class Law(msgspec.Struct, frozen=True):
    """What a district may do to a field: in words, and as a judge of a change."""

    doc: str
    judge: Callable[[Change], Wrong]


def judge(name: str, kind: str, base: Values, variant: Values) -> Wrong:
    """What is wrong with a changed field: (text, hint); None if it is tightened, or not changed."""
    fields = (*indicators.FIELDS, *indicators.ABOUT_FIELDS) if kind == indicators.NAME else fields_of(kind)
    default = {field.name: field.default for field in fields}.get(name)
    change = Change(name, base.get(name, default), variant.get(name, default), kind, base)
    return None if change.base == change.new else laws_of(kind)[name].judge(change)


def laws_of(kind: str) -> Mapping[str, Law]:
    """What a district may change of a rule of this kind, or of an indicator."""
    return SIGN_LAWS if kind == indicators.NAME else LAWS


def _free(change: Change) -> Wrong:
    return None


def _lower(change: Change) -> Wrong:
    return None if _numbers(change) and change.new <= change.base else change.no("lower")


def _shorter(change: Change) -> Wrong:
    return None if _numbers(change) and change.new <= change.base else change.no("shorter")


def _longer(change: Change) -> Wrong:
    return None if _numbers(change) and change.new >= change.base else change.no("longer")


def _numbers(change: Change) -> bool:
    """Whether the two can be compared: an expression can not."""
    return isinstance(change.base, int | float) and isinstance(change.new, int | float)


def _condition(change: Change) -> Wrong:
    base, new = change.base, change.new
    if not isinstance(base, Test) or not isinstance(new, Test) or base.op != new.op or base.op not in ABOVE + BELOW:
        return change.no("the same comparison with another number")
    if base.op in ABOVE:
        return None if new.value <= base.value else change.no("lower")
    return None if new.value >= base.value else change.no("higher")


def _recovery(change: Change) -> Wrong:
    """Harder to reach, so that an episode lasts at least as long."""
    base, new = change.base, change.new
    if base is None:
        return None
    if not isinstance(new, Test) or base.op != new.op or base.op not in ABOVE + BELOW:
        return change.no("the same comparison with another number")
    if base.op in BELOW:
        return None if new.value <= base.value else change.no("lower")
    return None if new.value >= base.value else change.no("higher")


def _window(change: Change) -> Wrong:
    """Only where it is sure what more events do to the measure."""
    base, new, condition = change.base, change.new, change.rule.get("condition")
    measure = change.rule.get("measure")
    name = measure.measure.name if isinstance(measure, MeasureDraft) else "count"
    rising = isinstance(condition, Test) and condition.op in ABOVE
    sliding = all(isinstance(one, Window) and one.type == "sliding" for one in (base, new))
    known = name in GROWING if rising else name in ("count", "distinct", "min")
    if not sliding or not isinstance(condition, Test) or condition.op not in ABOVE + BELOW or not known:
        return "`window` may not be changed in a district: a longer or shorter one can hide what the rule finds", ""
    more = rising or name == "min"
    if more:
        return None if new.size >= base.size else change.no("longer")
    return None if new.size <= base.size else change.no("shorter")


def _within(change: Change) -> Wrong:
    """Longer gives steps more time; shorter gives a missing answer less."""
    steps: tuple[StepDraft, ...] = change.rule.get("steps", ())
    negated = [step.step.negated for step in steps]
    if not any(negated):
        return _longer(change)
    if negated == [False, True] and steps[0].step.max_count == 1:
        return _shorter(change)
    return "`within` may not be changed in a district: both longer and shorter can hide what the rule finds", ""


def _ranked(words: tuple[str, ...], may: str) -> Callable[[Change], Wrong]:
    def law(change: Change) -> Wrong:
        if change.base not in words or change.new not in words:
            return change.no(f"{may}, both being words")
        return None if words.index(change.new) >= words.index(change.base) else change.no(may)

    return law


def _higher(change: Change) -> Wrong:
    return None if _numbers(change) and change.new >= change.base else change.no("higher")


def _bands(change: Change) -> Wrong:
    """Of an indicator: amber and red begin earlier."""
    base, new, every = change.base, change.new, change.rule.get("every", 0)
    high = change.rule.get("good", LOW) != LOW
    if not isinstance(base, Bands) or not isinstance(new, Bands):
        return change.no("bands too")
    for before, after in ((base.amber, new.amber), (base.red, new.red)):
        if isinstance(before, Rarity) and isinstance(after, Rarity):
            earlier = before.side == after.side and after.bound(every) >= before.bound(every)
        elif isinstance(before, Rarity) or isinstance(after, Rarity):
            earlier = False
        else:
            earlier = after >= before if high else after <= before
        if not earlier:
            return "`bands` may begin earlier in a district, each in the way that the indicator has it", ""
    return None


def _limit(change: Change) -> Wrong:
    base = change.base if isinstance(change.base, LimitDraft) else LimitDraft()
    new = change.new if isinstance(change.new, LimitDraft) else LimitDraft()
    fewer = (new.matches or 1000) < (base.matches or 1000)
    if new.alerts is not None and base.alerts is None:
        fewer = True
    if new.alerts is not None and base.alerts is not None:
        fewer = fewer or new.alerts.per != base.alerts.per or new.alerts.alerts < base.alerts.alerts
    return ("`limit` may be higher in a district, for the same time", "") if fewer else None


def _alert(change: Change) -> Wrong:
    base = change.base[0].category if change.base else ""
    if base and change.new and change.new[0].category != base:
        return f"the category {base} says who is told, and stays in a district", "remove `category`"
    return None


def _dispatch(change: Change) -> Wrong:
    if change.base is None or change.new is None or change.new[0].priority <= change.base[0].priority:
        return None
    text = f"`priority` may be more urgent in a district: the rule has {change.base[0].priority}"
    return f"{text}, this is {change.new[0].priority}", "1 is the most urgent"


LAWS: Mapping[str, Law] = {
    "title": Law("anything", _free),
    "description": Law("anything", _free),
    "owner": Law("anything: the one who looks after it there", _free),
    "alert": Law("other texts and another runbook, not another `category`", _alert),
    "dispatch": Law("another `to` and another instruction, and a more urgent `priority`; one may be added", _dispatch),
    "severity": Law("more severe, where both are words", _ranked(SEVERITIES, "more severe")),
    "status": Law("nearer to `stable`", _ranked(STATUSES[:3], "nearer to stable")),
    "condition": Law("the same comparison: lower for `gt gte`, higher for `lt lte`", _condition),
    "recovery": Law("the same comparison, harder to reach; one may be added", _recovery),
    "window": Law("a sliding one, where it is sure what more events do: longer for `gt gte` of count, distinct and max "
                  "and for `lt lte` of min, shorter for `lt lte` of count and distinct", _window),
    "min_events": Law("lower", _lower),
    "for": Law("shorter", _shorter),
    "keep_firing_for": Law("longer", _longer),
    "suppress_for": Law("shorter", _shorter),
    "within": Law("longer where all steps must happen; shorter where an answer to one step must not fail to come",
                  _within),
    "every": Law("shorter, where both are durations", _shorter),
    "grace": Law("shorter", _shorter),
    "forget_after": Law("longer", _longer),
    "limit": Law("higher, for the same time", _limit),
}


SIGN_LAWS: Mapping[str, Law] = {
    "title": LAWS["title"],
    "description": LAWS["description"],
    "owner": LAWS["owner"],
    "bands": Law("amber and red nearer to what is good, each a value, or each as rare or less rare", _bands),
    "recovery": Law("higher: it gets better later", _higher),
    "weight": Law("higher", _higher),
}


def rows(kind: str = "") -> Iterator[tuple[str, str]]:
    """Each field with what a district may do to it, for the manual."""
    for name, law in laws_of(kind).items():
        yield name, law.doc
