"""`make bench`: the workload through the engine alone and end to end, each in a process of its own.

Outputs are compared with the truth first; a figure whose outputs differ is not written. The table stands in
bench/README.md between its marks: newest last, with date and commit.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

from bench.workload import ROOT

PAGE = ROOT / "bench" / "README.md"
MARK = "<!-- the table ends here -->"
COLUMNS = ("date", "commit", "where", "rules", "events", "events_per_s", "cpu_us_per_event", "peak_mb")


def main() -> int:
    """Run what was asked for; 1 if any outputs differ from the truth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counties", type=int, default=24, choices=(2, 24), help="size of the workload")
    parser.add_argument("--no-table", action="store_true", help="print the rows only")
    options = parser.parse_args()
    rows = [row for words in _runs() if (row := _measure([*words, str(options.counties)])) is not None]
    equal = [row for row in rows if row["outputs"] == "equal"]
    if not options.no_table:
        _write([_line(row) for row in equal])
    return 0 if len(equal) == len(rows) else 1


def _runs() -> list[list[str]]:
    broker = os.environ.get("TOCSIN_BROKER")
    runs = [["bench.memory", which] for which in ("BASE", "MANY10", "MANY100", "MANY1000")]
    runs.append(["bench.service", "embedded", "BASE"])
    if broker:
        runs.append(["bench.service", broker, "BASE"])
    else:
        print("no Kafka: TOCSIN_BROKER is not set (make bench starts one)", file=sys.stderr)
    return runs


def _measure(words: list[str]) -> dict[str, Any] | None:
    done = subprocess.run([sys.executable, "-m", *words], cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True)
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(json.dumps(row), flush=True)
    return row


def _line(row: dict[str, Any]) -> str:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, stdout=subprocess.PIPE, text=True,
                            check=True).stdout.strip()
    named = {**row, "date": datetime.now(UTC).date().isoformat(), "commit": commit}
    return "| " + " | ".join(f"{named[column]:,}" if isinstance(named[column], int) else str(named[column])
                             for column in COLUMNS) + " |"


def _write(lines: list[str]) -> None:
    text = PAGE.read_text()
    before, mark, after = text.partition(MARK)
    assert mark, f"{PAGE} has lost the line {MARK}"
    PAGE.write_text(before + "".join(line + "\n" for line in lines) + mark + after)


if __name__ == "__main__":
    sys.exit(main())
