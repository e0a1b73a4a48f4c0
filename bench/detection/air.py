"""A year of air at Marylebone Road, London, hour by hour with its real gaps: what rules find, also of what is planted.

For each of three pollutants there are four rules, as an author would write them: higher and lower than this hour of the
week normally is, the same value for eight hours, no value for three hours. A gap must be found as missing, and must
neither be found as low or stuck nor unsettle what is normal. Into the same series spikes, shifts and stuck values are
planted, one a week from the eleventh week on. All goes the whole way: CSV, rules, backtest.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from bench.detection.rivals import moving
from bench.workload import shared
from streams.clocks import HOUR
from streams.findings import RETRACTED, Finding
from streams.kinds.parts.exceedance import WARMING
from streams.rulefile import load
from streams.tools.backtest import Backtest

FILE = "data/london_air/marylebone_2003.csv.gz"
POLLUTANTS = ("no2", "pm10", "pm25")
WARM_UP, WEEK = 10, 168  # weeks, hours
MISSING, STUCK = 3, 8  # hours
BUDGET = "2/month"
SOURCE = """
kind: city
name: london
zone: UTC
---
kind: source
id: air
title: A station that measures air
topic: london.air
format: csv
zone: UTC
disorder: 0s
idle: "off"
event:
  id: string(row)
  type: "'air'"
  time: {value: record.date, format: "%Y-%m-%d %H:%M:%S"}
  fields: {no2: double(record.no2), pm10: double(record.pm10), pm25: double(record.pm25)}
---
kind: event_type
id: air
title: What a station measured in an hour; what it could not measure is left out
fields: {no2: {type: double}, pm10: {type: double}, pm25: {type: double}}
"""
UNUSUAL = """
---
kind: threshold
id: {pollutant}-{side}
title: Unusual
event: air
window: {{type: tumbling, size: 1h}}
measure: {{avg: {pollutant}}}
baseline: {{season: hour_of_week, memory: 8w}}
condition: {{{side}: {{budget: {budget}}}}}
owner: bench
"""
FAULTY = """
---
kind: threshold
id: {pollutant}-stuck
title: Stuck
event: air
window: {stuck}h
measure: {{distinct: {pollutant}}}
condition: {{lte: 1}}
min_events: {stuck}
owner: bench
---
kind: absence
id: {pollutant}-missing
title: Missing
event: air
where: has(event.{pollutant})
every: {missing}h
owner: bench
"""
Values = list[float | None]


class Incident(NamedTuple):
    """What is planted at an hour: so many robust deviations more, for so many hours; or the value stays."""

    name: str
    hours: int
    deviations: float = 0.0
    stuck: bool = False


INCIDENTS = (Incident("spike of an hour, 3 σ", 1, 3), Incident("spike of an hour, 5 σ", 1, 5),
             Incident("spike of an hour, 8 σ", 1, 8), Incident("a day 2 σ higher", 24, 2),
             Incident("a day 4 σ higher", 24, 4), Incident("a day 2 σ lower", 24, -2),
             Incident("stuck for 12 hours", 12, stuck=True))


@cache
def year() -> dict[str, Values]:
    """The hourly values of each pollutant; nothing where the shared data lack them."""
    path = shared() / FILE
    if not path.is_file():
        return {}
    with gzip.open(path, "rt", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return {name: [float(row[name]) if row[name] else None for row in rows] for name in POLLUTANTS}


def gaps(values: Values, hours: int = MISSING) -> list[tuple[int, int]]:
    """Runs of at least so many hours without a value: the first, and the first hour with one again."""
    found, begin = [], None
    for hour, value in enumerate([*values, 0.0]):
        if value is None:
            begin = hour if begin is None else begin
        elif begin is not None:
            found += [(begin, hour)] if hour - begin >= hours else []
            begin = None
    return found


def deviation(values: Values) -> float:
    """The robust deviation from the median of the same hour of the day."""
    usual = [median(value for value in values[hour::24] if value is not None) for hour in range(24)]
    off = [abs(value - usual[hour % 24]) for hour, value in enumerate(values) if value is not None]
    return 1.4826 * median(off)


def planted(values: Values, first: int) -> tuple[Values, list[tuple[int, Incident]]]:
    """The series with an incident a week, the kinds in turn from `first` on; none where a value is missing."""
    made, where, scale = list(values), [], deviation(values)
    for week in range(WARM_UP, len(values) // WEEK):
        incident = INCIDENTS[(week + first) % len(INCIDENTS)]
        begin = week * WEEK + (29 * week + 53 * first) % 120
        hours = range(begin, begin + incident.hours)
        if any(value is None for value in values[begin - 1:begin + incident.hours]):
            continue
        where.append((begin, incident))
        for hour in hours:
            before = made[begin - 1] if incident.stuck else made[hour]
            made[hour] = max(0.0, round((before or 0.0) + incident.deviations * scale, 3))
    return made, where


def rules(budget: str = BUDGET) -> str:
    """The rule file."""
    return SOURCE + "".join(
        "".join(UNUSUAL.format(pollutant=one, side=side, budget=budget) for side in ("above", "below"))
        + FAULTY.format(pollutant=one, stuck=STUCK, missing=MISSING) for one in POLLUTANTS)


def backtest(series: dict[str, Values]) -> list[Finding]:
    """What the rules find, but for what came while they learnt."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "rules.yaml").write_text(rules())
        path = Path(folder) / "air.csv"
        with path.open("w", newline="") as lines:
            table = csv.writer(lines)
            table.writerow(["date", *POLLUTANTS])
            for hour, values in enumerate(zip(*(series[name] for name in POLLUTANTS), strict=True)):
                table.writerow([f"{_time(hour):%Y-%m-%d %H:%M:%S}", *values])
        found = Backtest(load(Path(folder)), [("air", path)], finish=True).final()
    return [one for one in found if one.change != RETRACTED and WARMING not in one.facts]


def _time(hour: int) -> datetime:
    return datetime.fromtimestamp(_BEGIN + 3600 * hour, UTC)


_BEGIN = int(datetime(2003, 1, 1, tzinfo=UTC).timestamp())


def hour_of(finding: Finding) -> float:
    """When a finding opened, in hours since the series begins."""
    return (finding.opened - _BEGIN * 1_000_000) / HOUR


def in_gaps(findings: Sequence[Finding], pollutant: str) -> dict[str, int]:
    """How many findings of each rule of a pollutant opened while there was no value, and how many gaps there are."""
    holes = gaps(year()[pollutant])
    counts = {"gaps": len(holes)}
    for side in ("above", "below", "stuck", "missing"):
        opened = [hour_of(one) for one in findings if one.rule == f"{pollutant}-{side}"]
        counts[side] = sum(any(first < at < again for first, again in holes) for at in opened)
    return counts


def false_alarms(findings: Sequence[Finding], pollutant: str) -> tuple[float, float]:
    """Alarms of higher and lower in 1,000 hours with a value: in the day after a gap, and otherwise."""
    values = year()[pollutant]
    after = {hour for _, again in gaps(values) for hour in range(again, again + 25)}
    judged = [hour for hour in range(WARM_UP * WEEK, len(values)) if values[hour] is not None]
    names = (f"{pollutant}-above", f"{pollutant}-below")
    opened = [hour for one in findings if one.rule in names and (hour := int(hour_of(one) - 1e-6)) >= WARM_UP * WEEK]
    near = sum(hour in after for hour in judged)
    return (1000 * sum(hour in after for hour in opened) / max(1, near),
            1000 * sum(hour not in after for hour in opened) / max(1, len(judged) - near))


def delays(alarms: Sequence[float], where: Sequence[tuple[int, Incident]]) -> Iterator[tuple[str, float | None]]:
    """Of each incident by name: how many hours after its first value was measured it was found, None if it was not."""
    for begin, incident in where:
        found = [at - begin for at in alarms if begin <= at <= begin + incident.hours + 1]
        yield incident.name, min(found, default=None)


def of_rival(values: Values, bound: float, above: bool) -> list[float]:
    """The hours at which a moving z-score of a week alarms: where it was not beyond its bound before."""
    known = [(hour, value if above else -value) for hour, value in enumerate(values) if value is not None]
    scores = moving(WEEK)([value for _, value in known])
    beyond = [(hour, score > bound) for (hour, _), score in zip(known, scores, strict=True) if hour >= WARM_UP * WEEK]
    return [hour + 1.0 for (hour, now), (_, before) in zip(beyond[1:], beyond, strict=False) if now and not before]


def bound_for(values: Values, alarms: int) -> float:
    """The bound at which the moving z-score gives no more alarms than ours, both sides together."""
    bounds = [2.0 + 0.05 * step for step in range(160)]
    return next(bound for bound in bounds
                if len(of_rival(values, bound, True)) + len(of_rival(values, bound, False)) <= alarms)


class Power(NamedTuple):
    """Delays of all planted incidents of a name, ours and the rival's; None where it was not found."""

    ours: list[float | None]
    rival: list[float | None]


def powers(quiet: Sequence[Finding]) -> dict[str, Power]:
    """What is found of the incidents planted, ours beside a moving z-score with as many alarms when nothing is."""
    found = {incident.name: Power([], []) for incident in INCIDENTS}
    bounds = {}
    for name, values in year().items():
        rules_of = (f"{name}-above", f"{name}-below")
        bounds[name] = bound_for(values, sum(one.rule in rules_of for one in quiet))
    for turn in range(len(INCIDENTS)):
        made = {name: planted(values, turn + 2 * at) for at, (name, values) in enumerate(year().items())}
        told = backtest({name: values for name, (values, _) in made.items()})
        for name, (values, where) in made.items():
            rival = {side: of_rival(values, bounds[name], side > 0) for side in (1, -1)}
            _held_against(found, where, name, told, rival)
    return found


def _held_against(found: dict[str, Power], where: Sequence[tuple[int, Incident]], pollutant: str,
                  told: Sequence[Finding], rival: dict[int, list[float]]) -> None:
    for side, rule in ((1, "above"), (-1, "below"), (0, "stuck")):
        of_side = [(begin, one) for begin, one in where if (one.deviations > 0) - (one.deviations < 0) == side]
        ours = [hour_of(one) for one in told if one.rule == f"{pollutant}-{rule}"]
        for name, delay in delays(ours, of_side):
            found[name].ours.append(delay)
        for name, delay in delays(rival.get(side, []), of_side):
            found[name].rival.append(delay)


def rows() -> tuple[list[str], list[str]]:
    """The lines of two tables: what is found in the real year, and what is found of incidents planted into it."""
    quiet = backtest(year())
    real = []
    for name in POLLUTANTS:
        counts, (after, otherwise) = in_gaps(quiet, name), false_alarms(quiet, name)
        real.append(f"| {name} | {counts['gaps']} | {counts['missing']} | {counts['below']} / {counts['stuck']} "
                    f"| {otherwise:.2f} | {after:.2f} |")
    lines = [f"| {name} | {len(power.ours)} | {told(power.ours)} | {told(power.rival) if 'stuck' not in name else ''} |"
             for name, power in powers(quiet).items()]
    return real, lines


def told(found: Sequence[float | None]) -> str:
    """`62 %, 3 h`: the share that is found, and the median delay of those."""
    known = [one for one in found if one is not None]
    share = f"{100 * len(known) / max(1, len(found)):.0f} %"
    return f"{share}, {median(known):.0f} h" if known else share
