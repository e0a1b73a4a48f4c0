"""Where the tables of detection stand: bench/README.md, each between two marks, with the date and the commit."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "bench" / "README.md"


def stamp() -> str:
    """The date and the commit, as a line under a table."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, stdout=subprocess.PIPE, text=True,
                            check=False).stdout.strip()
    return f"{datetime.now(UTC).date().isoformat()}, commit {commit}."


def write(name: str, head: str, rows: Sequence[str]) -> None:
    """Put a table between the marks of its name, in place of what stood there; show it too."""
    rule = "|" + "---|" * (head.count("|") - 1)
    table = "\n".join([stamp(), "", head, rule, *rows])
    print(table, end="\n\n", flush=True)
    begin, end = f"<!-- {name} -->\n", f"\n<!-- end of {name} -->"
    page = PAGE.read_text("utf-8")
    before, _, rest = page.partition(begin)
    _, mark, after = rest.partition(end)
    if not mark:
        raise SystemExit(f"{PAGE} has no place for {name}: it needs the lines {begin.strip()} and {end.strip()}")
    PAGE.write_text(before + begin + table + mark + after, "utf-8")
