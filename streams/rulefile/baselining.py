"""`baseline` and the conditions that it asks for, `above` and `below`, `rise` and `fall`: how they are read."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from streams.clocks import DAY, HOUR, WEEK
from streams.kinds import Field
from streams.kinds.parts.exceedance import COMMONEST, COUNTED
from streams.rulefile import codes, scalars
from streams.rulefile.codes import Report
from streams.rulefile.fields import Values, read_fields
from streams.rulefile.nodes import Node, describe
from streams.rulefile.scalars import Bad, Passage, Reader
from streams.specs import Learning, Rarity, Trend
from streams.unusual.baselines import SEASONS

SIDES, TRENDS = ("above", "below"), ("rise", "fall")
PERIODS = {"hour": HOUR, "day": DAY, "week": WEEK, "month": 30 * DAY, "year": 365 * DAY}
RAREST = 1e-12
FIELDS = (
    Field("season", "string", "which bins are alike: those of one hour of the week, of one hour of the day, or all",
          default="hour_of_week", values=tuple(SEASONS)),
    Field("memory", "duration", "how far back it looks, in the mean: what is older counts less and less",
          default=8 * WEEK),
    Field("holidays", "text", "with `hour_of_week`, the list of dates that are like Sundays: lists.public_holidays"),
    Field("min_samples", "positive", "how many weeks (hour_of_week), days (hour_of_day) or bins (none) are learnt "
          "before it is believed; 4, 14 or 100 if not given"),
)
RARITY_FIELDS = (
    Field("budget", "budget", "how many false alarms are allowed: `2/month`, per hour, day, week, month or year; of "
          "each key, or of `series` keys together"),
    Field("recurrence", "duration", "so rare that it comes about once in this time, for one key"),
    Field("p", "number", "so rare that its probability is below this, in one bin"),
    Field("series", "positive", "with `budget`, how many keys share it", default=1),
)
TREND_FIELDS = (
    Field("by", "share", "how much is looked for: `30%` of what is normal, or, of measured values, an amount",
          required=True),
    Field("over", "duration", "within what time it should be found", required=True),
    msgspec.structs.replace(RARITY_FIELDS[0], doc=f"{RARITY_FIELDS[0].doc}; 1/month if nothing is said"),
    *RARITY_FIELDS[1:],
)
_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)
_BUDGET = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*(hour|day|week|month|year)")


class BaselineDraft(msgspec.Struct, frozen=True):
    """A baseline as written."""

    learning: Learning
    holidays: Passage | None

    @property
    def logic(self) -> object:
        """What of it decides when the rule holds."""
        return [msgspec.to_builtins(self.learning), None if self.holidays is None else self.holidays.text]


def read_baseline(node: Node, field: Field, report: Report) -> BaselineDraft:
    """`{season: hour_of_week, memory: 8w}`."""
    values = read_fields(node, FIELDS, READERS, report, "a baseline")
    season, memory = values.get("season", "hour_of_week"), values.get("memory", 8 * WEEK)
    if memory < 2 * max(DAY, SEASONS[season]):
        least = "2w" if season == "hour_of_week" else "2d"
        raise Bad(codes.BAD_BASELINE, values.spot("memory"), f"the memory is too short to know {_alike(season)}",
                  f"write at least {least}")
    if "holidays" in values.node.pairs and season != "hour_of_week":
        raise Bad(codes.BAD_BASELINE, values.key_spot("holidays"), f"with the season `{season}` no day is special",
                  "remove `holidays`, or choose hour_of_week")
    holidays = values.get("holidays")
    return BaselineDraft(Learning(season, memory, values.get("min_samples"), holidays is not None), holidays)


def _alike(season: str) -> str:
    return {"hour_of_week": "the hours of a week", "hour_of_day": "the hours of a day"}.get(season, "what is normal")


def read_rarity(side: str, node: Node, report: Report) -> Rarity:
    """`{budget: 2/month}`, `{recurrence: 30d}` or `{p: 0.0001}`."""
    values = read_fields(node, RARITY_FIELDS, READERS, report, f"`{side}`")
    given = [name for name in ("budget", "recurrence", "p") if name in values.node.pairs]
    if len(given) != 1:
        raise Bad(codes.BAD_RARITY, values.spot(), f"`{side}` needs exactly one of `budget`, `recurrence` and `p`")
    return _rarity(side, values, given)


def _rarity(side: str, values: Values, given: Sequence[str]) -> Rarity:
    if "series" in values.node.pairs and given != ["budget"]:
        raise Bad(codes.BAD_RARITY, values.key_spot("series"), "`series` shares a `budget`, and there is none",
                  "remove `series`")
    p, recurrence = values.get("p"), values.get("recurrence")
    if p is not None and not RAREST <= p <= COMMONEST:
        raise Bad(codes.BAD_RARITY, values.spot("p"), f"{p} is not from {RAREST:g} to {COMMONEST:g}",
                  "write for example 0.0001")
    alarms, per = values.get("budget", (1.0, PERIODS["month"]) if given == ["budget"] else (None, 0))
    return Rarity(side, p, recurrence, alarms, per, values.get("series", 1))


def read_trend(side: str, node: Node, report: Report) -> Trend:
    """`{by: 30%, over: 6h}`, and how many false alarms are allowed."""
    values = read_fields(node, TREND_FIELDS, READERS, report, f"`{side}`")
    given = [name for name in ("budget", "recurrence", "p") if name in values.node.pairs]
    if len(given) > 1:
        text = f"`{side}` takes one of `budget`, `recurrence` and `p`"
        raise Bad(codes.BAD_TREND, values.key_spot(given[1]), text, "remove the others")
    rarity = _rarity(side, values, given or ["budget"])
    by, share = values.get("by", (1.0, True))
    return Trend(**msgspec.structs.asdict(rarity), by=by, share=share, over=values.get("over", HOUR))


def read_share(node: Node, field: Field, report: Report) -> tuple[float, bool]:
    """`30%` as (0.3, True), `0.5` as (0.5, False)."""
    text = scalars.scalar(node, "a share or an amount", codes.BAD_TREND).text
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%?)", text)
    if found is None or not float(found[1]):
        raise Bad(codes.BAD_TREND, node.spot, f"{describe(node)} is neither a share nor an amount",
                  "write for example 30%, or of measured values 0.5")
    return (float(found[1]) / 100, True) if found[2] else (float(found[1]), False)


def read_budget(node: Node, field: Field, report: Report) -> tuple[float, int]:
    """`2/month` as (2.0, a month)."""
    found = budget_of(scalars.scalar(node, "a budget", codes.BAD_RARITY).text)
    if found is None:
        raise Bad(codes.BAD_RARITY, node.spot, f"{describe(node)} is not a budget", "write for example 2/month")
    return found


def budget_of(text: str) -> tuple[float, int] | None:
    """What such a text says; None if it is no budget."""
    found = _BUDGET.fullmatch(text)
    return None if found is None or float(found[1]) <= 0 else (float(found[1]), PERIODS[found[2]])


READERS: dict[str, Reader] = {
    "string": scalars.read_string,
    "duration": scalars.read_duration,
    "text": scalars.read_text,
    "number": scalars.read_number,
    "positive": scalars.read_positive,
    "budget": read_budget,
    "share": read_share,
}


def summary_of(rarity: Rarity, measure: str, by: tuple[str, ...]) -> str:
    """The sentence of a rule that writes none: what came, where and when, what is normal, how rare it is."""
    noun = " events" if measure == "count" else ""
    named = [part for part in by if _PATH.fullmatch(part)]
    where = "".join(f" in {{{{ key.{part} }}}}" if part.startswith("place.") else f", {{{{ key.{part} }}}}"
                    for part in named)
    if isinstance(rarity, Trend):
        return _shift_of(rarity, measure in COUNTED, noun, where)
    when = " {{ during }}" if not named or named[-1].startswith("place.") else ", {{ during }}"
    much = "much" if rarity.side == "above" else "little"
    normal = "normally {{ expected }} ({{ low }}–{{ high }})"
    seldom = f"as {much} as this about once in {{{{ recurrence }}}}"
    return f"{{{{ value }}}}{noun}{where}{when}, {normal}; {seldom}"


def _shift_of(trend: Trend, counts: bool, noun: str, where: str) -> str:
    much, per = ("more", " on average") if trend.side == "rise" else ("less", " on average")
    if counts:
        much, per = "more" if trend.side == "rise" else "fewer", ""
    change = "{{ percent }} %" if trend.share else "{{ change }}"
    seen = f"{{{{ value }}}}{noun}{per}, {{{{ expected }}}} expected"
    return f"{change} {much} than normal{where} since {{{{ since }}}}: {seen}"
