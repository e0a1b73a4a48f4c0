"""A backtest's feeds: rules that need one which was not given, inputs of which hardly a record was accepted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

import msgspec

from streams.ingest.intake import DeadLetter, Intake
from streams.reasons import Fate
from streams.rulefile.selection import is_finding
from streams.rules import FINDINGS_OF, Bundle, Rule, Selector
from streams.texts import counted

NAMES_AT_MOST = 10
NEARLY_ALL = 0.9  # of an input's records dead: it is hardly this source's file
REASONS_AT_MOST = 3
SHOWN_OF_A_RECORD = 160


class Unfed(msgspec.Struct, frozen=True):
    """A rule of which some feeds are there and others are not; `sources` are those, any of which would do.

    `invents`: what must not happen, or what ends it, would come from them, and so it finds what may not have been so.
    Otherwise it can find nothing.
    """

    rule: str
    sources: tuple[str, ...]
    invents: bool


class Feeds:
    """Which rules of a bundle miss something where only the sources `given` are fed.

    Rules that nothing at all feeds are not told: they are silent, and were hardly meant.
    """

    def __init__(self, bundle: Bundle, given: Iterable[str]) -> None:
        self.bundle, self.given = bundle, frozenset(given)
        self._found = cache(self._of)

    def unfed(self) -> list[Unfed]:
        """Those that find what may not have been so come first."""
        found = [one for rule in self.bundle.rules.values() if (one := self._found(rule.id)) is not None]
        return sorted(found, key=lambda one: (not one.invents, one.sources, one.rule))

    def _of(self, name: str) -> Unfed | None:
        rule = self.bundle.rules[name]
        lacking = [self._lacking(selector) for selector in rule.selectors]
        if all(lacking):
            return None
        needed, ending = self._by_role(rule, lacking)
        if needed:
            return Unfed(name, needed, False)
        if ending or (unheard := self._unheard(rule)):
            return Unfed(name, ending or unheard, True)
        return self._by_bases(rule)

    @staticmethod
    def _by_role(rule: Rule, lacking: Sequence[frozenset[str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What is not there of what must happen, and of what must not or ends the wait."""
        needed, ending = set[str](), set[str]()
        steps = rule.spec.get("steps") or ()
        for index, missing in enumerate(lacking):
            step = steps[index] if index < len(steps) else None
            if step is None or step.negated:
                ending |= missing
            elif not step.optional:
                needed |= missing
        return tuple(sorted(needed)), tuple(sorted(ending))

    def _unheard(self, rule: Rule) -> tuple[str, ...]:
        """Of a rule about silence: the feeds by which a thing that must report may report, too."""
        silent = rule.kind == "absence" and rule.sources & self.given
        return tuple(sorted(rule.sources - self.given)) if silent and rule.expected else ()

    def _by_bases(self, rule: Rule) -> Unfed | None:
        """What a rule that it reads invents, it believes."""
        for base in rule.bases:
            found = self._found(base) if base in self.bundle.rules else None
            if found is not None and found.invents:
                return Unfed(rule.id, found.sources, True)
        return None

    def _lacking(self, selector: Selector) -> frozenset[str]:
        """The sources of what a selector means, where none of them is there."""
        senders = set[str]()
        for pattern in selector.types:
            if is_finding(pattern):
                senders |= self._behind(pattern.removeprefix(FINDINGS_OF))
            else:
                senders |= {source.id for source in self.bundle.sources.values() if source.may_emit(pattern)}
        return frozenset() if senders & self.given else frozenset(senders)

    def _behind(self, name: str) -> frozenset[str]:
        """The feeds of a rule whose findings are read."""
        rule = self.bundle.rules.get(name)
        return frozenset() if rule is None else rule.sources.union(*map(self._behind, rule.bases))


def sentences(found: Iterable[Unfed]) -> Iterator[str]:
    """The same in sentences, a sentence for what misses the same feeds."""
    groups: dict[tuple[bool, tuple[str, ...]], list[str]] = {}
    for one in found:
        groups.setdefault((one.invents, one.sources), []).append(one.rule)
    for (invents, sources), rules in groups.items():
        what = "may find what was not so" if invents else "can find nothing"
        give = " ".join(f"--input {name}=FILE" for name in sources)
        it = "it reads" if len(rules) == 1 else "they read"
        yield (f"{_listed(rules)} {what}: {it} {', '.join(sources)} too, of which nothing was given; "
               f"give {give}, or choose others with --rule")


def barren(intakes: Mapping[str, Intake], dead: Sequence[DeadLetter]) -> Iterator[str]:
    """Each input of which nearly all records are dead letters, with the first reasons and a record of each."""
    for name, intake in intakes.items():
        number, bad = intake.counts.total(), intake.counts[Fate.DEAD]
        if not bad or bad < NEARLY_ALL * number:
            continue
        yield f"{bad} of {counted(number, 'record')} of {name} are dead letters; is this a file of that source?"
        for reason, count in intake.dead_reasons.most_common(REASONS_AT_MOST):
            one = next((one for one in dead if one.source == name and one.reason == reason), None)
            yield f"  {reason} {count}{'' if one is None else f', {_example(one)}'}"


def accepted_none(intakes: Mapping[str, Intake]) -> bool:
    """Whether there is an input with records of which none was accepted."""
    return any(intake.counts[Fate.DEAD] and not intake.counts[Fate.EVENT] for intake in intakes.values())


def _example(one: DeadLetter) -> str:
    record = one.record.strip()
    record = record if len(record) <= SHOWN_OF_A_RECORD else f"{record[:SHOWN_OF_A_RECORD - 3]}..."
    return f"first row {one.row}: {one.problem}: {record}"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMES_AT_MOST
    return ", ".join(names[:NAMES_AT_MOST]) + (f" and {more} more" if more > 0 else "")
