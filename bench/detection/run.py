"""`make detection`: false alarms and power on made-up series, ours beside others; a table in bench/README.md.

A detector's false alarms are the hours without a planted spike at which it alarms at its nominal rate of one in 1,000.
Its power is the share of planted spikes that it catches, at that rate and where it is set to just one in 1,000.
"""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from bench.detection.rivals import DETECTORS
from bench.detection.series import HOURS_A_WEEK, WARM_UP, series

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "bench" / "README.md"
END = "<!-- the table of detection ends here -->"
MEANS, SERIES, WEEKS = (0.5, 3.0, 20.0), 60, 52


class Outcome(NamedTuple):
    """False alarms in 1,000 hours, spikes caught at the nominal rate, and at exactly one false alarm in 1,000 hours."""

    false: float
    caught: float
    at_one: float


def outcome(number: int, mean: float) -> Outcome:
    """What one detector does on all series of a mean."""
    detector = DETECTORS[number]
    quiet: list[float] = []
    spikes: list[float] = []
    for seed in range(SERIES):
        made = series(seed, mean, WARM_UP + WEEKS)
        for hour, score in enumerate(detector.scores(made.counts)):
            if hour >= WARM_UP * HOURS_A_WEEK:
                (spikes if hour in made.spikes else quiet).append(score)
    strict = sorted(quiet, reverse=True)[len(quiet) // 1000]
    return Outcome(1000 * sum(score > detector.bound for score in quiet) / len(quiet),
                   sum(score > detector.bound for score in spikes) / len(spikes),
                   sum(score > strict for score in spikes) / len(spikes))


def row(number: int, outcomes: list[Outcome]) -> str:
    """A line of the table."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, stdout=subprocess.PIPE, text=True,
                            check=False).stdout.strip()
    parts = (" / ".join(f"{one.false:.2f}" for one in outcomes),
             " / ".join(f"{100 * one.caught:.0f}" for one in outcomes) + " %",
             " / ".join(f"{100 * one.at_one:.0f}" for one in outcomes) + " %")
    return f"| {datetime.now(UTC).date().isoformat()} | {commit} | {DETECTORS[number].name} | {' | '.join(parts)} |"


def main() -> int:
    """Measure, show, write."""
    tasks = [(number, mean) for number in range(len(DETECTORS)) for mean in MEANS]
    with ProcessPoolExecutor(2) as pool:
        found = list(pool.map(outcome, *zip(*tasks, strict=True)))
    each = [found[first:first + len(MEANS)] for first in range(0, len(found), len(MEANS))]
    lines = [row(number, outcomes) for number, outcomes in enumerate(each)]
    print("\n".join(lines))
    page = PAGE.read_text("utf-8")
    PAGE.write_text(page.replace(END, "\n".join([*lines, END])), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
