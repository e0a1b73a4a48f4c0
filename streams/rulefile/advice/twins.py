"""Rules that another one covers: whenever they hold it holds too, for the same key, and is no less grave."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, TypeAlias

from streams.conditions import Expression
from streams.conditions.truth import Truth
from streams.rulefile import codes
from streams.rulefile.advice.around import Told
from streams.rulefile.advice.steps import covers
from streams.rulefile.drafts import RuleDraft
from streams.rules import SEVERITIES, Rule
from streams.specs import Measure, Test

Pair: TypeAlias = tuple[RuleDraft, Rule]
MOST = 60  # rules of one kind over the same events and key that are compared, each with each, by their conditions
_RISING, _FALLING = ("gt", "gte"), ("lt", "lte")
_MORE_HELPS = {"count": _RISING, "distinct": _RISING}  # max and min of nothing are absent, which ends no episode


class Implications:
    """Which conditions follow from which; each is read once."""

    def __init__(self) -> None:
        self._read: dict[int, Truth] = {}

    def __call__(self, one: Expression, other: Expression) -> bool:
        return self._truth(one).implies(self._truth(other))

    def _truth(self, expression: Expression) -> Truth:
        if id(expression) not in self._read:
            self._read[id(expression)] = Truth(expression)
        return self._read[id(expression)]


def compare(advised: Sequence[Pair]) -> Iterator[Told]:
    """The rules that say nothing which another does not say."""
    implied = Implications()
    for group in _groups(advised):
        rules = [rule for _, rule in group]
        for index, (draft, rule) in enumerate(group):
            other = _covering(index, rules, implied)
            if other is not None:
                same = other.logic == rule.logic
                when = "holds exactly when this one does" if same else "holds whenever this one does"
                text = f"`{other.id}` in {other.file}:{other.line} {when}, and is {_graver(other, rule)}"
                yield draft, partial(_tell, draft, text)


def _groups(advised: Sequence[Pair]) -> Iterator[list[Pair]]:
    """Rules that can cover each other; where they are many, only those of the very same logic."""
    served = [(draft, rule) for draft, rule in advised
              if not (rule.shadow or rule.status == "deprecated" or rule.district or draft.origin.outside)]
    for group in _by(_alike, served):
        yield from [group] if len(group) <= MOST else _by(lambda _, rule: rule.logic, group)


def _by(trait: Callable[[RuleDraft, Rule], Any], rules: Iterable[Pair]) -> Iterable[list[Pair]]:
    found: dict[Any, list[Pair]] = defaultdict(list)
    for draft, rule in rules:
        found[trait(draft, rule)].append((draft, rule))
    return found.values()


def _tell(draft: RuleDraft, text: str, report: codes.Report) -> None:
    report.add(codes.SHADOWED, draft.values.spot("id"), text)


def _alike(draft: RuleDraft, rule: Rule) -> tuple[Any, ...]:
    """What two rules must have in common before they are compared."""
    if rule.kind in ("threshold", "match") and rule.schedule is None:
        kept = {name: value for name, value in rule.spec.items() if name not in ("condition", "recovery")}
        held = [draft.values.get(name) for name in ("for", "keep_firing_for", "zone")]
        return (rule.kind, rule.selectors[0].types, rule.by, repr(sorted(kept.items())), repr(held))
    return (rule.logic,)


def _covering(index: int, group: list[Rule], implied: Implications) -> Rule | None:
    """The first other rule that covers one; of two that cover each other the later is superfluous."""
    mine = group[index]
    for at, other in enumerate(group):
        if at == index or not _says_all(other, mine):
            continue
        if other.logic == mine.logic:
            if at < index or SEVERITIES.index(other.severity) > SEVERITIES.index(mine.severity):
                return other
        elif _weaker(other, mine, implied) and not (at > index and _weaker(mine, other, implied)):
            return other
    return None


def _says_all(other: Rule, mine: Rule) -> bool:
    """Whether the alerts of the other say all that those of mine do."""
    if other.exemptions or other.limit is not None or other.suppress_for > mine.suppress_for:
        return False
    if mine.grading is not None or other.grading is not None:
        return False
    if mine.dispatch is not None and (other.dispatch is None or other.dispatch.to != mine.dispatch.to):
        return False
    return SEVERITIES.index(other.severity) >= SEVERITIES.index(mine.severity)


def _weaker(other: Rule, mine: Rule, implied: Implications) -> bool:
    """Whether the other holds whenever mine does."""
    if mine.kind not in ("threshold", "match") or (mine.value and other.value and mine.value.text != other.value.text):
        return False
    wide, narrow = other.selectors[0], mine.selectors[0]
    if not covers(wide, narrow, implied):
        return False
    if mine.kind == "match":
        return True
    same = covers(narrow, wide, implied) and wide.guard == narrow.guard
    return _easier(other, mine, same)


def _easier(other: Rule, mine: Rule, same: bool) -> bool:
    """Whether a threshold is reached whenever another is; not the `same` events: where more events can but help."""
    first, second = other.spec["condition"], mine.spec["condition"]
    measure = (mine.spec.get("measure") or Measure()).name
    recovers = "recovery" in other.spec or "recovery" in mine.spec
    if not isinstance(first, Test) or not isinstance(second, Test) or recovers:
        return False
    if not same and (first.op not in _MORE_HELPS.get(measure, ()) or second.op not in _MORE_HELPS[measure]):
        return False
    for direction, lower in ((_RISING, True), (_FALLING, False)):
        if first.op in direction and second.op in direction:
            wider = first.value < second.value if lower else first.value > second.value
            strict = len(first.op) == 2 and len(second.op) == 3  # gt beside gte, lt beside lte
            return bool(wider or (first.value == second.value and not strict))
    return False


def _graver(other: Rule, mine: Rule) -> str:
    return "as grave" if other.severity == mine.severity else "graver"
