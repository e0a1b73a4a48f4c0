"""A simulation written to files: one a source, the truth, and the registers of a larger city."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import IO, Any

import msgspec
import orjson

from streams.clocks import rfc3339
from streams.records import Micros
from streams.tools.simulate.city import NAME, ZONE
from streams.tools.simulate.day import Record, Span, arrivals, span
from streams.tools.simulate.planted import COMPLETE
from streams.tools.simulate.registers import REGISTERS, register_csv
from streams.tools.simulate.spelling import FEEDS, reason
from streams.tools.simulate.stage import Incident


class Summary(msgspec.Struct):
    """What was written. Counters by source; `dirty` by source, then by reason of refusal."""

    directory: str
    files: dict[str, str] = {}
    records: Counter[str] = Counter()
    duplicates: Counter[str] = Counter()
    dirty: dict[str, Counter[str]] = {}
    incidents: int = 0

    @property
    def total(self) -> int:
        """How many records there are in all files."""
        return self.records.total()

    def as_json(self) -> str:
        """All of it as one line of JSON."""
        return orjson.dumps({**msgspec.to_builtins(self), "total": self.total}).decode()

    def as_text(self) -> str:
        """What a person wants to know: one line a file, and what to do next."""
        dirty = {name: found.total() for name, found in self.dirty.items()}
        lines = [
            f"  {file:<16}{self.records[name]:>9} records, {self.duplicates[name]} twice, {dirty[name]} dirty"
            for name, file in self.files.items()
        ]
        head = f"{self.total} records and {self.incidents} planted incidents in {self.directory}"
        return "\n".join([head, *lines, "  truth.json      what the rules must find in them"])


def write(directory: Path, seed: int, start: Micros | date, days: float = 1.0, scale: float = 1.0) -> Summary:
    """Write some days of the city; the directory is made if need be, files of that name replaced.

    `<source>.csv` or `.jsonl` hold the records in the order of arrival, `truth.json` what the rules
    must find in them, `registers/` the devices. OSError if a file cannot be written,
    ValueError for a span that is none.
    """
    wanted = span(seed, start, days, scale)
    directory.mkdir(parents=True, exist_ok=True)
    summary = Summary(
        str(directory),
        {name: feed.file for name, feed in FEEDS.items()},
        Counter(),
        Counter(),
        {name: Counter() for name in FEEDS},
        len(wanted.incidents),
    )
    with ExitStack() as stack:
        files = {name: stack.enter_context((directory / feed.file).open("wb")) for name, feed in FEEDS.items()}
        _write_records(wanted, files, summary)
    (directory / "truth.json").write_bytes(orjson.dumps(truth(wanted, summary), option=orjson.OPT_INDENT_2) + b"\n")
    (directory / "registers").mkdir(exist_ok=True)
    for name in REGISTERS:
        text = register_csv(max(1, round(scale)), name)
        (directory / "registers" / f"{name}.csv").write_text(text, encoding="utf-8")
    return summary


def truth(wanted: Span, summary: Summary) -> dict[str, Any]:
    """The content of `truth.json`: what was planted, what is wrong, how many records there are."""
    return {
        "city": NAME,
        "zone": ZONE,
        "seed": wanted.seed,
        "scale": wanted.scale,
        "start": rfc3339(wanted.start),
        "end": rfc3339(wanted.end),
        "files": summary.files,
        "records": summary.records,
        "duplicates": summary.duplicates,
        "dirty": {name: dict(sorted(found.items())) for name, found in summary.dirty.items()},
        "complete": COMPLETE,
        "incidents": [_incident(one) for one in wanted.incidents],
        "outages": [
            {
                "source": cut.source,
                "start": rfc3339(cut.start),
                "kept_from": rfc3339(cut.kept),
                "end": rfc3339(cut.end),
            }
            for cut in wanted.outages
        ],
        "backlogs": [
            {"device": one.device, "start": rfc3339(one.start), "end": rfc3339(one.end)} for one in wanted.backlogs
        ],
    }


def _incident(one: Incident) -> dict[str, Any]:
    return {
        "rule": one.rule,
        "key": one.key,
        "opened": rfc3339(one.opened),
        "closed": None if one.closed is None else rfc3339(one.closed),
        "evidence": one.evidence,
        "story": one.story,
    }


def _write_records(wanted: Span, files: Mapping[str, IO[bytes]], summary: Summary) -> None:
    for name, feed in FEEDS.items():
        files[name].write(feed.head)
    for record in arrivals(wanted):
        files[record.source].write(record.body + b"\n")
        _count(summary, record)


def _count(summary: Summary, record: Record) -> None:
    summary.records[record.source] += 1
    if record.flaw == "duplicate":
        summary.duplicates[record.source] += 1
    elif record.flaw:
        summary.dirty[record.source][reason(FEEDS[record.source], record.flaw).value] += 1
