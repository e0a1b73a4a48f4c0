"""The noise of a backtest on the terminal: a bar a day, a row a rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from streams.rules import Bundle
from streams.texts import counted
from streams.tools.backtesting.noise import Noise, RuleNoise, headline

BAR = 40
DAYS_AT_MOST, RULES_AT_MOST, NAMES_AT_MOST = 62, 30, 10
EIGHTHS = " ▏▎▍▌▋▊▉"


def show(console: Console, noise: Noise, bundle: Bundle) -> None:
    """Print it."""
    console.print(headline(noise))
    for line in histogram(noise.days, noise.by_day):
        console.print(line)
    if noise.rules:
        console.print(_table(noise.rules))
    if len(noise.rules) > RULES_AT_MOST:
        console.print(f"and {counted(len(noise.rules) - RULES_AT_MOST, 'more rule')}")
    districts = [f"{name or 'nowhere'} {number}" for name, number in noise.districts.items()]
    if len(districts) > 1:
        console.print(f"by district: {_listed(districts)}")
    found = {rule.rule for rule in noise.rules if rule.findings}
    silent = [name for name in bundle.rules if name not in found]
    if silent:
        console.print(f"{counted(len(silent), 'rule')} found nothing: {_listed(silent)}")


def histogram(days: Sequence[str], counts: Sequence[int]) -> Iterable[Text]:
    """A line a day; of many days the last."""
    most = max(counts, default=0)
    if len(days) > DAYS_AT_MOST:
        yield Text(f"  (the last {DAYS_AT_MOST} of {len(days)} days)", "dim")
    width = max(map(len, map(str, counts)), default=1)
    for day, count in list(zip(days, counts, strict=True))[-DAYS_AT_MOST:]:
        yield Text.assemble(f"  {day} {count:{width}} ", (bar(count, most), "cyan"))


def bar(count: int, most: int) -> str:
    """So long that `most` is `BAR` characters; eighths of a character count."""
    eighths = round(8 * BAR * count / most) if most else 0
    text = "█" * (eighths // 8) + EIGHTHS[eighths % 8].strip()
    return text or ("▏" if count else "")


def _table(rules: Sequence[RuleNoise]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("rule", overflow="fold")
    for name in ("findings", "a day", "most a day", "open", "corrected", "retracted"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("top keys", overflow="fold")
    for rule in rules[:RULES_AT_MOST]:
        numbers = (rule.findings, f"{rule.per_day:.2f}", rule.busiest, rule.still_open, rule.corrected, rule.retracted)
        keys = ", ".join(f"{key} {number}" for key, number in rule.top)
        table.add_row(Text(rule.rule), *map(str, numbers), Text(keys))
    return table


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMES_AT_MOST
    return ", ".join(names[:NAMES_AT_MOST]) + (f" and {more} more" if more > 0 else "")
