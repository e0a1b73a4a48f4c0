"""`make detection [PARTS="nab air"]`: how well what is unusual is found, part by part; tables in bench/README.md.

The parts: `series` (false alarms and power by made-up series), `incidents` (power and delay by size), `nab` (the
Numenta benchmark), `air` (a year of London), `calls` (the shipped rules on seven weeks of real calls).
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

from bench.detection import air, calls, incidents, nab, run
from bench.detection.page import write

ABSENT = "its data are not there; set TOCSIN_SHARED to the folder that holds data/"
OF_INCIDENTS = f"| incident | mean an hour | {' | '.join(incidents.NAMES)} |"
OF_NAB = "| detector | standard | reward low FP | reward low FN | bounds |"
OF_GAPS = ("| pollutant | gaps of 3 h | found as missing | found in gaps as low / stuck | alarms / 1,000 h "
           "| in the day after a gap |")
OF_AIR = "| planted | times | found by rules, after | by a moving z-score of a week |"
OF_CALLS = "| rule | keys | days judged | budget | found | of these in the storms |"
OF_FOUND = "| opened | rule | key | value | expected | as much once in |"


def of_series() -> None:
    """The table of made-up series; a row a detector is added."""
    run.main()


def of_incidents() -> None:
    """Power and delay."""
    with ProcessPoolExecutor(2) as pool:
        write("incidents", OF_INCIDENTS, incidents.rows(pool))


def of_nab() -> None:
    """The Numenta benchmark."""
    write("nab", OF_NAB, nab.rows()) if nab.sensors() else print(f"nab: {ABSENT}")


def of_air() -> None:
    """A year of London's air."""
    if not air.year():
        print(f"air: {ABSENT}")
        return
    real, planted = air.rows()
    write("gaps", OF_GAPS, real)
    write("air", OF_AIR, planted)


def of_calls() -> None:
    """The shipped rules on the real calls."""
    if not calls.at_hand():
        print(f"calls: {ABSENT}")
        return
    budgets, found = calls.rows()
    write("calls", OF_CALLS, budgets)
    write("found", OF_FOUND, found)


PARTS: dict[str, Callable[[], None]] = {
    "series": of_series, "incidents": of_incidents, "nab": of_nab, "air": of_air, "calls": of_calls,
}


def main(names: list[str]) -> int:
    """Run these parts, or all."""
    if unknown := [name for name in names if name not in PARTS]:
        print(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    for name in names or list(PARTS):
        begin = time.monotonic()
        PARTS[name]()
        print(f"{name}: {time.monotonic() - begin:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # two processes on two cores
    sys.exit(main(sys.argv[1:]))
