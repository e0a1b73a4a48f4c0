"""The trade between what is missed and what is alarmed for: how many findings a month each probability gives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from rich.text import Text

from streams.rulefile.baselining import PERIODS
from streams.tools.backtesting.chart import bar
from streams.tools.backtesting.page import POLICY, STYLE
from streams.tools.calibrating.choosing import Choice, History, ladder

MONTH = PERIODS["month"]
WIDTH, ROW, LABEL = 960, 22, 230


def rungs(history: History, choice: Choice) -> list[tuple[float, int, str]]:
    """Each probability of the chart, how many findings it gives, and what it is."""
    marks = {choice.p: "chosen: the nominal one"} if choice.capped else {choice.nominal: "nominal", choice.p: "chosen"}
    return [(p, history.findings(p), marks.get(p, "")) for p in ladder(history, marks)]


def shown(rule: str, story: Iterable[str], history: History, choice: Choice) -> Iterable[Text]:
    """The chart on a terminal, and the story above it."""
    yield Text(rule, "bold")
    yield from (Text(f"  {line}") for line in story)
    rows = rungs(history, choice)
    most = max(number for _, number, _ in rows)
    yield Text("  p        findings  a month")
    for p, number, mark in rows:
        head = f"  {p:<8.2g} {number:>8}  {history.a(MONTH, number):>7.1f} "
        yield Text.assemble(head, (bar(number, most), "cyan" if not mark else "green"), f" {mark}" if mark else "")


def page(title: str, parts: Sequence[tuple[str, Sequence[str], History, Choice]]) -> str:
    """All of it as one HTML page, which loads nothing from anywhere."""
    body = "".join(
        f"<h2>{escape(rule)}</h2><p>{'<br>'.join(map(escape, story))}</p>{_drawn(history, choice)}"
        for rule, story, history, choice in parts)
    head = (f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
            f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
            f"<style>{STYLE}.plain {{ fill: #3b6fb6; }} .marked {{ fill: #2e8b57; }}</style>")
    return f'<!doctype html><html lang="en"><head>{head}</head><body><h1>{escape(title)}</h1>{body}</body></html>\n'


def _drawn(history: History, choice: Choice) -> str:
    """Bars as SVG."""
    rows = rungs(history, choice)
    most = max(1, *(number for _, number, _ in rows))
    parts = []
    for at, (p, number, mark) in enumerate(rows):
        y, width = at * ROW, (WIDTH - LABEL - 110) * number / most
        told = f"{history.a(MONTH, number):.1f} a month"
        parts.append(
            f'<text class="row" x="{LABEL - 8}" y="{y + 15}">p {p:.2g} {mark}</text>'
            f'<rect class="{"marked" if mark else "plain"}" x="{LABEL}" y="{y + 4}" width="{width:.1f}" height="14"/>'
            f'<text x="{LABEL + width + 6:.1f}" y="{y + 15}">{number} ({told})</text>')
    return f'<svg viewBox="0 0 {WIDTH} {len(rows) * ROW}">{"".join(parts)}</svg>'
