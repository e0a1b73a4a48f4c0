"""What `tocsin calibrate` does with its options: fold the past, choose, tell, and write if it is asked to."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import orjson

from streams.clocks import AFTER_ALL, BEFORE_ALL, moment, zone_of
from streams.kinds.parts.exceedance import Exceedance
from streams.records import Micros
from streams.rulefile import Workshop
from streams.rulefile.baselining import PERIODS, budget_of
from streams.rules import Bundle, Rule
from streams.specs import Rarity, Trend
from streams.texts import counted
from streams.tools.asking import Misasked, rules_meant
from streams.tools.backtesting.command import Asked, chosen, console_on, instant, prepared, seeing, total_of, warned
from streams.tools.calibrating.chart import page, shown
from streams.tools.calibrating.choosing import Budget, Choice, History, choose, history_of
from streams.tools.calibrating.recording import Recorder
from streams.tools.calibrating.writing import condition_of, document, path_of, replaced
from streams.unusual.profiles import Profile

MONTH = PERIODS["month"]


class Wishes(msgspec.Struct, frozen=True):
    """A budget in place of the rule's own, and times in which something did happen."""

    budget: Budget | None
    known: Sequence[tuple[Micros, Micros]]


class Calibration(msgspec.Struct, frozen=True):
    """What came of one rule: its past, what is chosen, and what its keys may begin with."""

    rule: Rule
    budget: Budget
    history: History
    choice: Choice
    profile: Profile | None
    first: Micros
    last: Micros

    @property
    def condition(self) -> str:
        """The condition that is chosen, as a rule has it."""
        return condition_of(self.rule.spec["condition"].side, self.choice.p)

    def as_json(self) -> dict[str, Any]:
        """Its figures."""
        choice, history = self.choice, self.history
        found = history.findings(choice.p)
        return {
            "rule": self.rule.id, "keys": len(history.keys), "bins": history.total,
            "days": round(history.span / PERIODS["day"], 2),
            "budget_a_month": self.budget.alarms * MONTH / self.budget.per, "p": choice.p, "p_nominal": choice.nominal,
            "share_rarer_than_nominal": history.share(choice.nominal), "findings": found,
            "findings_a_month": round(history.a(MONTH, found), 2),
            "findings_at_nominal": history.findings(choice.nominal), "allowed": choice.allowed, "capped": choice.capped,
            "condition": self.condition,
        }


def calibrate(shop: Workshop, asked: Asked) -> int:
    """Calibrate the rules that are named; the exit code. Raises Misasked, Problems."""
    options = asked.options
    if bool(asked.inputs) == bool(options.broker):
        raise Misasked("give either --input SOURCE=FILE, as often as needed, or --broker URL to read accepted events")
    wishes = Wishes(_asked_budget(options.budget), _known(options.known, shop.bundle.city.zone))
    rules = [_fit(shop.bundle.rules[name]) for name in rules_meant(shop, options.rule)]
    found = _calibrated(shop, rules, asked, wishes)
    console = console_on(sys.stdout)
    for one in found:
        if options.json:
            sys.stdout.write(orjson.dumps(one.as_json()).decode() + "\n")
        else:
            for line in shown(one.rule.id, _story(one, shop), one.history, one.choice):
                console.print(line)
        if options.write:
            _write(one, shop, options.rules)
        elif not options.json:
            console.print(f"  condition: {one.condition}")
            console.print(f"  (--write puts that into the rule, and what was learnt into {path_of(one.rule.id)})")
    if options.report is not None:
        parts = [(one.rule.id, _story(one, shop), one.history, one.choice) for one in found]
        options.report.write_text(page("Calibration", parts), "utf-8")
        print(f"the page is {options.report}", file=sys.stderr)
    return 0


def _fit(rule: Rule) -> Rule:
    """The rule, if its condition can be calibrated."""
    condition = rule.spec.get("condition")
    if not isinstance(rule.detector, Exceedance) or not isinstance(condition, Rarity) or isinstance(condition, Trend):
        raise Misasked(f"{rule.id} has no condition `above` or `below` a baseline; there is nothing to calibrate")
    return rule


def _asked_budget(text: str | None) -> Budget | None:
    found = None if text is None else budget_of(text)
    if text is not None and found is None:
        raise Misasked(f"--budget {text!r}: write for example 2/month")
    return None if found is None else Budget(*found)


def _known(texts: Sequence[str], zone: str) -> list[tuple[Micros, Micros]]:
    known = sorted(_span(text, zone) for text in texts)
    if any(one[1] > other[0] for one, other in pairwise(known)):
        raise Misasked("two times of --known overlap; give one in their place")
    return known


def _calibrated(shop: Workshop, rules: Sequence[Rule], asked: Asked, wishes: Wishes) -> list[Calibration]:
    """All rules, of one run over the past."""
    recorders = {rule.id: Recorder.of(rule) for rule in rules}
    bundle = _recording(chosen(shop, [rule.id for rule in rules]), recorders)
    one = prepared(bundle, seeing(asked, bundle))
    warned(one)
    with asked.progress("calibrate", total_of(one, asked)) as advance:
        one.final(advance)
    first, last = one.seen
    if first is None or last is None:
        raise Misasked("there is no event in it")
    zone, options = bundle.city.zone, asked.options
    since, until = instant(options.since, zone, BEFORE_ALL, "--from"), instant(options.until, zone, AFTER_ALL, "--to")
    return [_one(rule, recorders[rule.id], (max(since, first), min(until, last)), wishes) for rule in rules]


def _span(text: str, zone: str) -> tuple[Micros, Micros]:
    """`2016-01-22/2016-01-25`; the second is not in it."""
    begin, slash, end = text.partition("/")
    if not slash:
        raise Misasked(f"--known {text!r}: write from when to when: 2016-01-22/2016-01-25")
    found = instant(begin, zone, BEFORE_ALL, "--known"), instant(end, zone, AFTER_ALL, "--known")
    if found[0] >= found[1]:
        raise Misasked(f"--known {text!r}: it ends before it begins")
    return found


def _recording(bundle: Bundle, recorders: Mapping[str, Recorder]) -> Bundle:
    rules = {name: msgspec.structs.replace(rule, detector=recorders[name]) if name in recorders else rule
             for name, rule in bundle.rules.items()}
    return msgspec.structs.replace(bundle, rules=rules)


def _one(rule: Rule, recorder: Recorder, time: tuple[Micros, Micros], wishes: Wishes) -> Calibration:
    """One rule, from what its recorder has written down."""
    history = history_of(recorder.pages, recorder.size, *time, wishes.known)
    if not history.keys:
        enough = counted(recorder.baseline.enough, "window")
        raise Misasked(f"{rule.id}: the past is too short to judge by; of each key {enough} are learnt first")
    budget = wishes.budget or _budget(rule.spec["condition"], len(history.keys), recorder.size)
    return Calibration(rule, budget, history, choose(history, budget), recorder.profile(*time), *time)


def _budget(condition: Rarity, keys: int, size: Micros) -> Budget:
    """What the rule allows all keys together."""
    if condition.alarms is not None:
        return Budget(condition.alarms * max(1.0, keys / condition.series), condition.per)
    return Budget(condition.bound(size) * keys * MONTH / size, MONTH)


def _story(one: Calibration, shop: Workshop) -> list[str]:
    """What was read and what is chosen, in words."""
    history, choice, zone = one.history, one.choice, zone_of(shop.bundle.city.zone)
    days = f"{moment(one.first, zone):%Y-%m-%d} to {moment(one.last, zone):%Y-%m-%d}"
    found, months = history.findings(choice.p), one.budget.alarms * MONTH / one.budget.per
    judged = f"{counted(history.total, 'window')} of {counted(len(history.keys), 'key')}"
    at_nominal = counted(history.findings(choice.nominal), "finding")
    read = f"{days}: {judged} were judged, over {history.span / PERIODS['day']:.0f} days after learning"
    asked = (f"budget: {months:.3g} a month of all keys together; nominal p {choice.nominal:.2g}; in fact "
             f"{history.share(choice.nominal):.2g} of the windows were rarer than that: {at_nominal}")
    told = (f"chosen: p {choice.p:.3g}, with which it would have had {counted(found, 'finding')}, "
            f"{history.a(MONTH, found):.2g} a month")
    short = f"so short a past allows {counted(choice.allowed, 'finding')}, too few to tell whether a larger p would do"
    return [read, asked, told, *([short] if choice.capped else [])]


def _write(one: Calibration, shop: Workshop, rules: Path) -> None:
    """Put the condition into the rule's file, and what was learnt beside it."""
    written = shop.node(one.rule.id, "condition")
    if written is None:
        print(f"{one.rule.id} is made of other documents; its condition is to be written there: {one.condition}",
              file=sys.stderr)
    else:
        file = rules / written[0]
        file.write_text(replaced(file.read_text("utf-8"), written[1], one.condition), "utf-8")
        print(f"{file}: condition: {one.condition}", file=sys.stderr)
    if one.profile is not None:
        path = rules / path_of(one.rule.id)
        path.parent.mkdir(exist_ok=True)
        learning, window = one.rule.spec["baseline"], one.rule.spec["window"]
        text = document(one.rule.id, learning.season, window.size, one.profile, _story(one, shop))
        path.write_text(text, "utf-8")
        print(f"{path}: {counted(len(one.profile.levels), 'key')}", file=sys.stderr)
