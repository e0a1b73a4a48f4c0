"""A cluster of worker processes on one machine, and what it said. For tests and benches."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from streams import findings
from streams.findings import RETRACTED, Finding, FindingRow
from streams.logs import Log, open_log
from streams.respond import Respond
from streams.rules import Bundle
from streams.topics import Topics

POLL_S = 0.1


class WorkerProcess:
    """`tocsin run` as a process. Its output goes to a file."""

    def __init__(self, name: str, broker: str, rules: Path, prefix: str, folder: Path, role: str = "all",
                 partitions: int = 4) -> None:
        self.name, self.output = name, folder / f"{name}.log"
        self.words = [sys.executable, "-m", "streams.cli", "run", "--broker", broker, "--rules", str(rules),
                      "--prefix", prefix, "--role", role, "--partitions", str(partitions), "--port", "0"]
        self.process: subprocess.Popen[bytes] | None = None
        self.starts = 0

    def start(self) -> None:
        """Start it, or start it again."""
        self.starts += 1
        with self.output.open("ab") as out:
            self.process = subprocess.Popen(self.words, stdout=out, stderr=out, env={**os.environ})

    def kill(self) -> None:
        """As a power cut would."""
        self._signal(signal.SIGKILL)

    def stop(self, within_s: float = 60.0) -> int:
        """Tell it to stop; its exit code."""
        self._signal(signal.SIGTERM)
        assert self.process is not None
        return self.process.wait(within_s)

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.poll() is None

    @property
    def port(self) -> int | None:
        """Its port for metrics, once it says it."""
        for line in reversed(self.output.read_text("utf-8", "replace").splitlines()):
            if "metrics on port" in line:
                return int(line.rsplit(" ", 1)[1])
        return None

    def _signal(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            if number == signal.SIGKILL:
                self.process.wait()


def get(port: int, path: str) -> tuple[int, str]:
    """Status and body of a worker's port."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


async def until(condition: Callable[[], Awaitable[bool]], within_s: float, what: str) -> None:
    """Wait for a condition; AssertionError at the deadline."""
    deadline = time.monotonic() + within_s
    while not await condition():
        assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {what}"
        await asyncio.sleep(POLL_S)


async def told(log: Log, topics: Topics) -> list[Finding]:
    """Every finding on the respond topic, repeats too."""
    found = []
    async for batch in log.read(topics.respond, 0):
        for entry in batch:
            rows = findings.decode(entry.value or b"").rows
            found += [row.finding for row in rows if isinstance(row, FindingRow)]
    return found


def conflicts(found: list[Finding]) -> list[tuple[str, int]]:
    """Finding ids (with sequence) that carry two contents."""
    contents: dict[tuple[str, int], set[str]] = defaultdict(set)
    for finding in found:
        contents[finding.id, finding.sequence].add(repr(finding))
    return [identity for identity, told in contents.items() if len(told) > 1]


async def values(log: Log, topic: str) -> set[bytes]:
    """Everything that stands on a topic of one partition, repeats once."""
    return {entry.value or b"" async for batch in log.read(topic, 0) for entry in batch}


async def answers(log: Log, topics: Topics, bundle: Bundle) -> dict[str, set[bytes]]:
    """What respond must have sent, by topic: the fold over its log, which is the same wherever it runs."""
    fold, sent = Respond(bundle), defaultdict[str, set[bytes]](set)
    async for batch in log.read(topics.respond, 0):
        for entry in batch:
            for output in fold.step(entry.offset, findings.decode(entry.value or b"")):
                sent[output.topic].add(output.value)
    return sent


def episodes(found: list[Finding]) -> list[tuple[Any, ...]]:
    """The final, not retracted episodes; evidence as a set, since partitions order equal times otherwise.

    A finding among the evidence stands for its rule, key and opening: its id tells where it was born.
    """
    last: dict[str, Finding] = {}
    for finding in found:
        if finding.id not in last or finding.sequence >= last[finding.id].sequence:
            last[finding.id] = finding
    named = {f.id: f"{f.rule} {f.key} {f.opened}" for f in last.values()}
    proofs = {f.id: tuple(sorted(named.get(one, one) for one in f.evidence)) for f in last.values()}
    return sorted((f.rule, str(f.key), f.opened, f.closed or 0, repr(f.value), proofs[f.id], f.count)
                  for f in last.values() if f.change != RETRACTED)


async def opened(broker: str) -> Log:
    """The cluster's logs."""
    log = open_log(broker)
    await log.start()
    return log
