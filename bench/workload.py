"""The workload: its events, its truth, its rule files, and the outputs that are compared with the truth."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from streams.findings import OPENED, RETRACTED, UPDATED, Finding

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "bench"
SOURCE = "mix"
TELLING = (OPENED, UPDATED)


def shared() -> Path:
    """The folder of the shared data."""
    return Path(os.environ.get("TOCSIN_SHARED") or ROOT.parent / "shared").resolve()


def prepare(counties: int) -> tuple[Path, dict[str, Any]]:
    """The events' file and the truth, made once by the workload's own programs; SystemExit where they are absent."""
    peers = shared() / "bench" / "peers"
    calls = shared() / "data" / "montco911" / "911_2015-12-10_2016-01-31.csv.gz"
    if not peers.is_dir() or not calls.is_file():
        raise SystemExit(f"the workload is not there: {peers}; set TOCSIN_SHARED to the folder that holds bench/peers")
    CACHE.mkdir(parents=True, exist_ok=True)
    events, truth = CACHE / f"events_c{counties}.jsonl", CACHE / f"truth_c{counties}.json"
    if not events.is_file():
        part = events.with_suffix(".part")
        _run([peers / "make_events.py", calls, part, "--counties", counties])
        part.rename(events)
    if not truth.is_file():
        _run([peers / "truth.py", events, truth])
    return events, json.loads(truth.read_text())


def rules(which: str, truth: dict[str, Any]) -> Path:
    """The rule files of BASE or MANY<n>, written anew."""
    made = CACHE / f"rules_{which}"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    own = ROOT / "bench" / "rules"
    shutil.copy(own / "mix.yaml", made)
    if which == "BASE":
        shutil.copy(own / "base.yaml", made)
    else:
        documents = [_many(number, truth["types"]) for number in range(int(which.removeprefix("MANY")))]
        (made / "many.yaml").write_text("---\n".join(documents))
    return made


def _many(number: int, types: list[str]) -> str:
    where = f'county == "c{number % 24}" && title == "{types[number % len(types)]}"'
    return (f"kind: threshold\nid: m{number}\ntitle: Two of a kind\nevent: call\nwhere: {json.dumps(where)}\n"
            "by: [county, twp]\nwindow: 10m\ncondition: {gte: 2}\nseverity: minor\nowner: bench\n")


class Outputs:
    """What the rules said, counted as the truth counts it: number and sum of ids by rule."""

    def __init__(self) -> None:
        self.number: Counter[str] = Counter()
        self.ids: Counter[str] = Counter()
        self.retracted = 0

    def add(self, findings: Iterable[Finding]) -> None:
        """Count emissions: each opening and each update is one output."""
        for finding in findings:
            self.retracted += finding.change == RETRACTED
            if finding.change in TELLING:
                self.number[finding.rule] += 1
                ids = finding.evidence if finding.rule == "S" else finding.evidence[-1:]
                self.ids[finding.rule] += sum(map(int, ids))

    def verdict(self, which: str, truth: dict[str, Any]) -> str:
        """`equal`, or what differs."""
        if which == "BASE":
            summed: dict[str, Any] = {rule: {"outputs": self.number[rule], "ids": self.ids[rule]} for rule in "TSAD"}
            wanted = truth["BASE"]
        else:
            weighed = sum((int(rule[1:]) + 1) * ids for rule, ids in self.ids.items())
            summed = {"outputs": sum(self.number.values()), "ids": weighed}
            wanted = truth["MANY"][which.removeprefix("MANY")]
        return "equal" if summed == wanted and not self.retracted else f"DIFFERS: {summed}, the truth is {wanted}"


def _run(words: list[Any]) -> None:
    subprocess.run([sys.executable, *map(str, words)], check=True)
