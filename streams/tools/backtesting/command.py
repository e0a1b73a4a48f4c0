"""What `tocsin backtest` does with its options: one run or two, told as lines, as a table, as a page."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import IO, Any

import msgspec
import orjson
from rich.console import Console

from streams.clocks import AFTER_ALL, BEFORE_ALL
from streams.composites import bases
from streams.logs import LogError, UnknownTopic, open_log
from streams.problems import Problems
from streams.records import Micros
from streams.rulefile import Workshop, workshop, workshop_of
from streams.rules import Bundle
from streams.tools.asking import Misasked, local_instant, rules_meant, signs_meant
from streams.tools.backtest import Backtest, Span, final_line, log_line
from streams.tools.backtesting import chart, verdict
from streams.tools.backtesting.alerts import alerts
from streams.tools.backtesting.compare import compare
from streams.tools.backtesting.events import EventLog
from streams.tools.backtesting.feeds import Feeds, Unfed, accepted_none, barren, sentences
from streams.tools.backtesting.noise import as_json, noise
from streams.tools.backtesting.page import Run, page
from streams.tools.backtesting.reasons import Reasons
from streams.tools.backtesting.vitals import vitals
from streams.tools.files import read_file
from streams.tools.replay import reach_over
from streams.tools.revisions import NoRevision, files_at
from streams.topics import Topics

PLAIN_WIDTH = 120  # where nobody says how wide
Advance = Callable[[int], None]
Progress = Callable[[str, int | None], AbstractContextManager[Advance]]
Inputs = Sequence[tuple[str, Path]]
Address = tuple[str, Mapping[str, Any]]


class Asked(msgspec.Struct, frozen=True):
    """What is to be folded, and how.

    `address` is that of a log, read where there are no `inputs`, from so long before the span as `ahead` says.
    """

    options: argparse.Namespace
    inputs: Inputs
    address: Address | None
    now: Micros
    progress: Progress
    ahead: Micros = 0


class Side(msgspec.Struct, frozen=True):
    """A version of the rules and what it is called."""

    name: str
    shop: Workshop


def backtest(shop: Workshop, asked: Asked) -> int:
    """Run and tell; the exit code. Raises Misasked, Problems."""
    options = asked.options
    _check(options, asked.inputs)
    try:
        if options.diff:
            return _diff(shop, asked)
        if options.log or options.alerts or options.vitals:
            return _log(shop, asked)
        return _plain(shop, asked)
    except UnknownTopic as error:
        raise Misasked(f"{error}; has a worker written to it yet?") from error
    except LogError as error:
        raise Misasked(str(error)) from error


def _check(options: argparse.Namespace, inputs: Inputs) -> None:
    if bool(inputs) == bool(options.broker):
        raise Misasked("give either --input SOURCE=FILE, as often as needed, or --broker URL to read accepted events")
    if options.jobs < 1:
        raise Misasked("--jobs must be at least 1")
    words = [f"--{name}" for name in ("log", "alerts", "vitals") if getattr(options, name)]
    word = words[0] if words else ""
    if len(words) > 1:
        raise Misasked(f"give {' or '.join(words)}, not both")
    if words and options.jobs > 1:
        raise Misasked(f"{word} takes findings in order, and so --jobs 1")
    if words and (options.diff or options.report):
        raise Misasked(f"{word} goes neither with --diff nor with --report")
    if len(options.diff) > 2:
        raise Misasked("--diff takes OLD, or OLD and NEW: folders of rules or revisions of git")


def _plain(shop: Workshop, asked: Asked) -> int:
    """A line a finding on stdout; the rest on stderr, or in a page. The exit code."""
    bundle = chosen(shop, asked.options.rule)
    one = prepared(bundle, seeing(asked, bundle))
    missing = warned(one)
    run = _run(one, asked, "backtest")
    _write(final_line(finding) for finding in run.findings)
    if asked.options.json:
        _say(orjson.dumps({**run.summary, "not_given": missing, "noise": as_json(run.noise)}).decode())
    else:
        _say(summary_text(run.summary))
        chart.show(console_on(sys.stderr), run.noise, bundle)
    _report(asked.options, f"Backtest of {asked.options.rules}", run, bundle)
    return ended(one)


def _log(shop: Workshop, asked: Asked) -> int:
    """Every emission in order, or the alerts that come of them. The exit code."""
    bundle = chosen(shop, asked.options.rule)
    one = prepared(bundle, seeing(asked, bundle))
    missing = warned(one)
    with asked.progress("backtest", total_of(one, asked)) as advance:
        if asked.options.vitals:
            _write(vitals(bundle, one.steps(advance)))
        else:
            told = one.emissions(advance)
            _write(map(log_line, told) if asked.options.log else alerts(bundle, told))
    summary = one.summary()
    _say(orjson.dumps({**summary, "not_given": missing}).decode() if asked.options.json else summary_text(summary))
    return ended(one)


def _diff(shop: Workshop, asked: Asked) -> int:
    """Two runs over the same, and what differs. The exit code."""
    options = asked.options
    sides = [_side(text, options.rules) for text in options.diff]
    old, new = sides if len(sides) == 2 else (sides[0], Side(str(options.rules), shop))
    bundles = [chosen(side.shop, options.rule, strict=False) for side in (old, new)]
    asked = seeing(asked, *bundles)  # both from the same moment on
    first, second = (prepared(one, asked) for one in bundles)
    missing = warned(first, second)
    before, after = _run(first, asked, f"backtest of {old.name}"), _run(second, asked, f"backtest of {new.name}")
    differences = compare(before.findings, after.findings)
    rules = verdict.by_rule(differences, Reasons(old.shop, new.shop).of)
    found = verdict.Verdict((old.name, new.name), before.noise, after.noise, rules)
    bundle = new.shop.bundle
    if options.json:
        _write(verdict.lines(found, final_line))
        _say(orjson.dumps({**verdict.summary(found), "not_given": missing}).decode())
    else:
        verdict.tell(console_on(sys.stdout), found, bundle.city.zone)
    _report(options, f"Backtest: {old.name} and {new.name}", after, bundle, found)
    return ended(second)


def _side(text: str, rules: Path) -> Side:
    """A folder of rules, else the rules at a revision of git."""
    if Path(text).is_dir():
        return Side(text, workshop(Path(text)))
    try:
        return Side(text, workshop_of(files_at(rules, text), f"{text}:"))
    except NoRevision as error:
        raise Misasked(f"--diff {text}: neither a folder nor a revision: {error}") from error
    except Problems as found:
        told = "\n".join(problem.render() for problem in found.problems)
        raise Misasked(f"the rules at {text} do not load:\n{told}") from found


def chosen(shop: Workshop, names: Sequence[str], strict: bool = True) -> Bundle:
    """The bundle with these rules, and those that they read, only; all where none is named. Raises Misasked.

    A template, or a rule that districts have overridden, means all rules made of it. Indicators can be named too, and
    no other is then measured.
    """
    bundle = shop.bundle
    if not names:
        return bundle
    signs = frozenset(signs_meant(shop, names))
    meant = rules_meant(shop, names, signs=True) if strict else [*shop.meant(names)[0], *signs]
    indicators = {name: one for name, one in bundle.indicators.items() if name in signs or not signs}
    wanted = [*(bundle.rules[name] for name in meant if name in bundle.rules), *(indicators.values() if signs else ())]
    kept = {one.id for rule in wanted for one in (rule, *bases(bundle, rule))}
    rules = {name: one for name, one in bundle.rules.items() if name in kept}
    return msgspec.structs.replace(bundle, rules=rules, indicators=indicators)


def seeing(asked: Asked, *bundles: Bundle) -> Asked:
    """Beginning so early that whatever can matter in the span has been seen."""
    return msgspec.structs.replace(asked, ahead=max(map(reach_over, bundles)))


def _run(one: Backtest, asked: Asked, text: str) -> Run:
    with asked.progress(text, total_of(one, asked)) as advance:
        findings = one.final(advance)
    first, last = one.seen
    return Run(findings, noise(findings, one.bundle.city.zone, first, last), one.summary(), first, last)


def warned(*runs: Backtest) -> list[Any]:
    """Say which rules miss a feed that was not given, before anybody reads what they find; the same for JSON."""
    missing = dict[Unfed, None]()
    for one in runs:
        missing |= dict.fromkeys(Feeds(one.bundle, one.replay.intakes).unfed())
    for text in sentences(missing):
        _say(f"warning: {text}")
    return [msgspec.to_builtins(one) for one in missing]


def ended(one: Backtest) -> int:
    """Say where hardly a record was understood; 1 if there is an input of which none at all was."""
    for text in barren(one.replay.intakes, one.replay.dead):
        _say(text if text.startswith(" ") else f"warning: {text}")
    return 1 if accepted_none(one.replay.intakes) else 0


def prepared(bundle: Bundle, asked: Asked) -> Backtest:
    """The run as it was asked for. Raises Misasked."""
    options = asked.options
    zone = bundle.city.zone
    span = Span(instant(options.since, zone, BEFORE_ALL, "--from"), instant(options.until, zone, AFTER_ALL, "--to"))
    inputs = [(name, path) for name, path in asked.inputs if name in bundle.sources]
    events = None if asked.address is None else _events(asked, asked.address, span)
    return Backtest(bundle, inputs, options.order, options.finish, asked.now, events=events, span=span,
                    jobs=options.jobs, vitals=options.vitals)


def _events(asked: Asked, address: Address, span: Span) -> EventLog:
    url, settings = address
    since = span.since if span.since == BEFORE_ALL else span.since - asked.ahead
    return EventLog(partial(open_log, url, **settings), Topics(asked.options.prefix).events, since)


def instant(text: str | None, zone: str, default: Micros, option: str) -> Micros:
    """A date or time, local where it names no zone. Raises Misasked."""
    if text is None:
        return default
    try:
        return local_instant(text, zone)
    except ValueError:
        raise Misasked(f"{option} {text!r}: write 2026-03-02, 2026-03-02T08:00 or 2026-03-02T08:00:00Z") from None


def total_of(one: Backtest, asked: Asked) -> int | None:
    """How many records there are to read, where a bar is shown and wants to know."""
    if one.total is not None or not sys.stderr.isatty():
        return one.total
    return sum(1 for name, path in one.inputs for _ in read_file(one.bundle.sources[name].format, path))


def _report(options: argparse.Namespace, title: str, run: Run, bundle: Bundle,
            found: verdict.Verdict | None = None) -> None:
    if options.report is not None:
        options.report.write_text(page(title, run, bundle, found), "utf-8")
        _say(f"the page is {options.report}")


def console_on(stream: IO[str]) -> Console:
    """A console that shows texts as they are, and lines as long as they are where there is no terminal."""
    return Console(file=stream, markup=False, highlight=False, emoji=False, soft_wrap=True,
                   width=None if stream.isatty() else PLAIN_WIDTH)


def summary_text(summary: Mapping[str, Any]) -> str:
    """Counts as lines of text."""
    lines = []
    for name, value in summary.items():
        shown = ", ".join(f"{key} {number}" for key, number in value.items()) if isinstance(value, dict) else value
        lines.append(f"{name.replace('_', ' ')}: {shown if shown != '' else 'none'}")
    return "\n".join(lines)


def _write(lines: Any) -> None:
    """JSON lines on stdout."""
    out = sys.stdout.buffer
    for line in lines:
        out.write(orjson.dumps(line) + b"\n")
    out.flush()


def _say(text: str) -> None:
    print(text, file=sys.stderr)
