"""A backtest as one HTML page: nothing is loaded from anywhere, so that it can be sent and kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import msgspec

from streams.findings import RETRACTED, Finding
from streams.records import Micros
from streams.rules import Bundle
from streams.texts import counted, show
from streams.tools.backtesting.drawing import MARKS_AT_MOST, Mark, Stretch, bars, map_of, time_line
from streams.tools.backtesting.noise import Noise, RuleNoise, district, headline, placed_key, position
from streams.tools.backtesting.verdict import RuleDifferences, Verdict, sentence, span

ROWS_AT_MOST = 2_000
COLOURS = ("#3b6fb6", "#c2571a", "#2e8b57", "#8e5bb5", "#b08a00", "#c43b5c", "#1a9ba8", "#7a7a2e", "#a0522d", "#5b6b7b")
SORTS = {"added": "#2e8b57", "removed": "#c43b5c", "changed": "#b08a00", "same": "#9aa3ad"}
SAME = "same"
STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
th, td { text-align: left; padding: 0.25rem 0.6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
svg { width: 100%; height: auto; background: var(--soft); border: 1px solid var(--line); }
svg text { font-size: 11px; fill: currentColor; } svg text.row { text-anchor: end; }
.area { fill: none; stroke: currentColor; stroke-opacity: 0.35; } .tick { stroke: var(--line); }
.scale { stroke: currentColor; stroke-width: 2; } circle { fill-opacity: 0.65; }
.swatch { display: inline-block; width: 0.8em; height: 0.8em; margin: 0 0.3em 0 0.9em; }
.soft { opacity: 0.7; }
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


class Run(msgspec.Struct, frozen=True):
    """What a page tells of a run: the last words on its findings, the noise, the summary, the times of events."""

    findings: Sequence[Finding]
    noise: Noise
    summary: Mapping[str, Any]
    first: Micros | None
    last: Micros | None


def page(title: str, run: Run, bundle: Bundle, verdict: Verdict | None = None) -> str:
    """The page; with a verdict it tells what differs, and `run` is the newer of the two."""
    kept = [one for one in run.findings if one.change != RETRACTED]
    looks = _looks(kept, verdict)
    parts = [f"<h1>{escape(title)}</h1>", _headline(run, verdict), *_drawn(kept, run, bundle, looks, verdict)]
    if verdict is not None:
        parts += ["<h2>What differs, and why</h2>", *(_differences(rule, bundle) for rule in verdict.rules)]
    parts += ["<h2>Rules</h2>", _rules(run.noise.rules), "<h2>Findings</h2>", _findings(kept, bundle),
              "<h2>What was read</h2>", _summary(run.summary)]
    head = (f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
            f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title>')
    colours = {**{f"c{number}": colour for number, colour in enumerate(COLOURS)}, **SORTS}
    rules = "".join(f".{name} {{ fill: {colour}; background: {colour}; }}" for name, colour in colours.items())
    body = "\n".join(part for part in parts if part)
    head += f"<style>{STYLE}{rules}</style>"
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>\n'


def _looks(findings: Iterable[Finding], verdict: Verdict | None) -> dict[str, str]:
    """The class of each rule, or, where versions are compared, nothing: then findings have theirs."""
    if verdict is not None:
        return {name: name for name in SORTS}
    names = dict.fromkeys(one.rule for one in findings)
    return {name: f"c{number % len(COLOURS)}" for number, name in enumerate(names)}


def _headline(run: Run, verdict: Verdict | None) -> str:
    noise = run.noise
    told = f"{headline(noise)}."
    if verdict is None:
        return f"<p>{told}</p>"
    counts = ", ".join(f"{verdict.counts[sort]} {sort}" for sort in ("added", "removed", "changed"))
    old, new = map(escape, verdict.names)
    return (f"<p>From {old} to {new}: {counts}.</p><p>Before: {counted(verdict.old.findings, 'finding')}, "
            f"{verdict.old.per_day:.1f} a day. Now: {told}</p>")


def _drawn(kept: Sequence[Finding], run: Run, bundle: Bundle, looks: Mapping[str, str],
           verdict: Verdict | None) -> list[str]:
    """The three drawings, with what their colours mean."""
    shown = _shown(kept, looks, verdict)
    zone = bundle.city.zone
    marks = [Mark(*at, look, _told(one, zone)) for one, look in shown if (at := position(one)) is not None]
    stretches = [Stretch(one.rule, one.opened, one.closed, look, _told(one, zone)) for one, look in shown]
    first = min([one.opened for one, _ in shown] + [time for time in (run.first,) if time is not None], default=0)
    last = max([one.opened for one, _ in shown] + [time for time in (run.last,) if time is not None], default=0)
    areas = bundle.districts.zones if bundle.districts is not None else ()
    series = [("c0", run.noise.by_day)]
    if verdict is not None and verdict.old.days == run.noise.days:
        series = [(SAME, verdict.old.by_day), *series]
    parts = [("Findings a day", bars(run.noise.days, series)), ("Where", map_of(marks, areas)),
             ("When", time_line(stretches, first, last, zone))]
    many = len(shown) > MARKS_AT_MOST
    cut = f'<p class="soft">Of {len(shown)} findings {MARKS_AT_MOST} are drawn.</p>' if many else ""
    legend = "".join(f'<span class="swatch {look}"></span>{escape(name)}' for name, look in looks.items())
    return [*(f"<h2>{name}</h2>{drawing}" for name, drawing in parts if drawing), cut, f"<p>{legend}</p>"]


def _shown(kept: Sequence[Finding], looks: Mapping[str, str], verdict: Verdict | None) -> list[tuple[Finding, str]]:
    """What is drawn with its class; what differs is drawn last, on top."""
    if verdict is None:
        return [(one, looks[one.rule]) for one in kept]
    differing = [(one.finding, one.sort) for rule in verdict.rules for one in rule.differences]
    known = {one.id for one, _ in differing}
    return [*((one, SAME) for one in kept if one.id not in known), *differing]


def _told(finding: Finding, zone: str) -> str:
    return f"{finding.rule}: {placed_key(finding)}, {span(finding, zone)}"


def _differences(rule: RuleDifferences, bundle: Bundle) -> str:
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in rule.reasons)
    districts = ", ".join(f"{escape(name or 'nowhere')} {counts.total()}" for name, counts in rule.districts.items())
    rows = [(one.sort, sentence(one, bundle.city.zone)) for one in rule.differences]
    counts = ", ".join(f"{rule.counts[sort]} {sort}" for sort in ("added", "removed", "changed"))
    return (f"<details open><summary><b>{escape(rule.rule)}</b>: {counts}</summary><p>Because:</p><ul>{reasons}</ul>"
            f"<p>By district: {districts}</p>{_table(('', 'finding'), rows)}</details>")


def _rules(rules: Sequence[RuleNoise]) -> str:
    heads = ("rule", "findings", "a day", "most a day", "open", "corrected", "retracted", "top keys")
    rows = [(one.rule, one.findings, f"{one.per_day:.2f}", one.busiest, one.still_open, one.corrected, one.retracted,
             ", ".join(f"{key} {number}" for key, number in one.top)) for one in rules]
    return _table(heads, rows, numbers=range(1, 7))


def _findings(findings: Sequence[Finding], bundle: Bundle) -> str:
    zone = bundle.city.zone
    rows = [(span(one, zone), one.rule, placed_key(one), district(one), "" if one.value is None else show(one.value),
             one.count, one.corrections) for one in findings[:ROWS_AT_MOST]]
    more = len(findings) - len(rows)
    cut = f'<p class="soft">And {more} more.</p>' if more > 0 else ""
    heads = ("when", "rule", "key", "district", "value", "events", "corrections")
    head = counted(len(findings), "finding")
    return f"<details><summary>{head}</summary>{_table(heads, rows, range(4, 7))}{cut}</details>"


def _summary(summary: Mapping[str, Any]) -> str:
    rows = []
    for name, value in summary.items():
        told = ", ".join(f"{key} {number}" for key, number in value.items()) if isinstance(value, Mapping) else value
        rows.append((name.replace("_", " "), "none" if told == "" else told))
    return _table(("", ""), rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[Any]], numbers: Iterable[int] = ()) -> str:
    right = frozenset(numbers)

    def cell(tag: str, index: int, value: Any) -> str:
        look = ' class="number"' if index in right else ""
        return f"<{tag}{look}>{escape(str(value))}</{tag}>"

    lines = ["".join(cell("td", index, value) for index, value in enumerate(row)) for row in rows]
    head = "".join(cell("th", index, name) for index, name in enumerate(heads))
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"
