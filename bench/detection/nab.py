"""Five series of the Numenta Anomaly Benchmark: rules with a baseline beside a moving Gaussian, by its scoring rule.

Ours goes the whole way: a CSV source, two rules (`above` and `below`), a backtest; a finding is one alarm, at the first
row that is there when it is told. The bound `p` is chosen for all series together, for each profile, as the benchmark
chooses it. What other detectors got on the same series is computed from the scores by file that the benchmark's
repository holds; their bounds were chosen on all of its 58 series.
"""

from __future__ import annotations

import csv
import json
import math
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from bench.detection.scoring import PROFILES, Labelled, best, in_proportion, score
from bench.workload import shared
from streams.findings import RETRACTED
from streams.kinds.parts.exceedance import WARMING
from streams.rulefile import load
from streams.tools.backtest import Backtest

SERIES = ("realTraffic/speed_6005", "realTraffic/occupancy_6005", "realTraffic/TravelTime_451",
          "artificialNoAnomaly/art_daily_small_noise", "artificialWithAnomaly/art_daily_jumpsup")
BOUNDS = (3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 1e-6, 1e-7)
GAUSSIAN = 1000  # values of the moving Gaussian, as the benchmark tuned it
SOURCE = """
kind: city
name: nab
zone: UTC
---
kind: source
id: sensor
title: A sensor of the benchmark
topic: nab.sensor
format: csv
zone: UTC
disorder: 0s
idle: "off"
event:
  id: string(row)
  type: "'reading'"
  time: {value: record.timestamp, format: "%Y-%m-%d %H:%M:%S"}
  fields: {value: double(record.value)}
---
kind: event_type
id: reading
title: A value that was measured
fields: {value: {type: double}}
"""
RULE = """
---
kind: threshold
id: {season}-{size}-{side}-{number}
title: Unusual
event: reading
window: {{type: tumbling, size: {size}}}
measure: {{avg: value}}
baseline: {{season: {season}, memory: 8w, min_samples: {enough}}}
condition: {{{side}: {{p: {bound}}}}}
owner: bench
"""


class Way(NamedTuple):
    """How a baseline looks at a sensor: its season, its bins, and after how many days or bins it is believed."""

    season: str
    size: str
    enough: int


WAYS = (Way("hour_of_day", "1h", 2), Way("hour_of_day", "15m", 2), Way("none", "1h", 48), Way("none", "15m", 192))
PUBLISHED = {  # results/<detector>/<detector>_standard_scores.csv of numenta/NAB, in the order of SERIES
    "Numenta HTM": (0.729318715936, 0.64133725997, 0.568159134461, 0.0, 0.748908670438),
    "Twitter ADVec": (0.842622001756, 0.751332040976, -1.0, -0.88, 0.760614306128),
    "Etsy Skyline": (0.8426220017559383, -1.0, -1.0, 0.0, -1.0),
    "Bayesian change point": (0.6226220017559383, -1.0, -1.1097565965686436, -1.3200000000000003, -0.29153155684725807),
    "windowed Gaussian": (-1.0, -1.0, -1.0, 0.0, -1.0),
}


class Sensor(NamedTuple):
    """A series of the benchmark: its file, when each row is from (µs), its values, where its anomalies are."""

    path: Path
    times: list[int]
    values: list[float]
    labelled: Labelled


@cache
def sensors() -> list[Sensor]:
    """The series that are at hand; none where the shared data lack them."""
    folder = shared() / "data" / "nab"
    if not folder.is_dir():
        return []
    windows = json.loads((folder / "windows.json").read_text())
    return [_sensor(folder / "data" / f"{name}.csv", windows[f"{name}.csv"]) for name in SERIES]


def _sensor(path: Path, windows: list[list[str]]) -> Sensor:
    with path.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    times = [_micros(row["timestamp"]) for row in rows]
    found = [(times.index(_micros(left)), times.index(_micros(right))) for left, right in windows]
    return Sensor(path, times, [float(row["value"]) for row in rows], Labelled(len(rows), tuple(found)))


def _micros(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def alarms(sensor: Sensor, ways: Sequence[Way] = WAYS) -> dict[tuple[Way, float], set[int]]:
    """The rows at which rules alarm, for each way of looking and each bound."""
    rules = [(way, bound, RULE.format(**way._asdict(), side=side, number=number, bound=bound))
             for way in ways for number, bound in enumerate(BOUNDS) for side in ("above", "below")]
    with TemporaryDirectory() as folder:
        (Path(folder) / "rules.yaml").write_text(SOURCE + "".join(text for _, _, text in rules))
        findings = Backtest(load(Path(folder)), [("sensor", sensor.path)], finish=True).final()
    told: dict[str, set[int]] = {}
    for one in findings:
        if one.change != RETRACTED and WARMING not in one.facts:
            row = bisect_left(sensor.times, one.opened)
            told.setdefault(one.rule, set()).add(min(row, len(sensor.times) - 1))
    return {(way, bound): set().union(*(told.get(f"{way.season}-{way.size}-{side}-{number}", set())
                                        for side in ("above", "below")))
            for way in ways for number, bound in enumerate(BOUNDS)}


def gaussian(values: Sequence[float]) -> Iterator[float]:
    """The moving z-score: deviations from the mean of the last values, either way."""
    window: deque[float] = deque(maxlen=GAUSSIAN)
    for value in values:
        mean = sum(window) / len(window) if window else value
        scatter = math.sqrt(sum((one - mean) ** 2 for one in window) / len(window)) if window else 0.0
        yield abs(value - mean) / (scatter or 1e-6)
        window.append(value)


def ours(way: Way, found: Sequence[dict[tuple[Way, float], set[int]]]) -> list[tuple[float, float]]:
    """For each profile the bound and the score in proportion."""
    corpus = [sensor.labelled for sensor in sensors()]
    told = []
    for profile in PROFILES:
        sums = [sum(score(series, one[way, bound], profile) for series, one in zip(corpus, found, strict=True))
                for bound in BOUNDS]
        most = max(range(len(BOUNDS)), key=sums.__getitem__)
        told.append((BOUNDS[most], in_proportion(sums[most], corpus, profile)))
    return told


def rows() -> list[str]:
    """The lines of the table."""
    corpus = [sensor.labelled for sensor in sensors()]
    found = [alarms(sensor) for sensor in sensors()]
    lines = [_line(f"`baseline`, {way.season}, bins of {way.size}", ours(way, found)) for way in WAYS]
    scores = [list(gaussian(sensor.values)) for sensor in sensors()]
    lines.append(_line("moving z-score, 1,000 values", [best(corpus, scores, profile) for profile in PROFILES]))
    for name, published in PUBLISHED.items():
        lines.append(f"| {name}, as published | {in_proportion(sum(published), corpus, PROFILES[0]):.1f} | | | |")
    return lines


def _line(name: str, told: list[tuple[float, float]]) -> str:
    bounds = " / ".join(f"{bound:.2g}" for bound, _ in told)
    return f"| {name} | {' | '.join(f'{value:.1f}' for _, value in told)} | {bounds} |"
