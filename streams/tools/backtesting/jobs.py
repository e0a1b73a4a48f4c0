"""detect in several jobs: each an operating-system process with its share of the keys.

Ingest runs once, in the program itself, and numbers every row; a job folds the rows of its keys and all
clocks. So each key sees what it would see alone, and the findings, with their ids, are the same. Rules
that read other rules' findings, and those that they read, stay together in the first job.
"""

from __future__ import annotations

import gc
import signal
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import cycle
from multiprocessing import get_context
from multiprocessing.connection import Connection

import msgspec

from streams.composites import bases
from streams.detect.engine import Engine
from streams.findings import Finding
from streams.frames import MemberRow, WorkFrame, WorkRow, decode_work, encode
from streams.ingest.route import partition_of
from streams.rules import Bundle

END = b""
_packer = msgspec.msgpack.Encoder()


class Told(msgspec.Struct, array_like=True):
    """What a job found: the last word on each finding, how often each change was told, keys with state.

    `routed` and `exceptions` are what a `Router` counts, of the findings that rules read.
    """

    final: list[Finding]
    changes: dict[str, int]
    open_keys: int
    routed: list[tuple[tuple[str, str], int]] = []
    exceptions: list[tuple[tuple[str, str, str], int]] = []


_told = msgspec.msgpack.Decoder(Told)


class Jobs:
    """Starts the jobs at once. `send` is in place of the engine's step; `close` gives what they found."""

    def __init__(self, bundle: Bundle, sources: Collection[str], number: int) -> None:
        self.number = number
        self.together = family(bundle)
        self._refs = frozenset(bundle.rules[name].entry for name in self.together)
        context = get_context("fork")  # the rules are compiled already and cannot be sent
        self._pipes: list[Connection] = []
        gc.collect()
        gc.freeze()  # what the program leaves behind is not a job's to clean up: it may wait for threads that it lacks
        for index in range(number):
            mine, theirs = context.Pipe()
            work = partial(self._work, theirs, (*self._pipes, mine), bundle, sources, index)
            context.Process(target=work, daemon=True).start()
            theirs.close()
            self._pipes.append(mine)
        gc.unfreeze()

    def send(self, frame: WorkFrame) -> list[Finding]:
        """Hand a frame's rows out; what follows from them is told at the end."""
        shares: list[list[WorkRow]] = [[] for _ in range(self.number + 1)]  # the last are those of the family
        for row in frame.rows:
            for share in shares if not isinstance(row, MemberRow) else (shares[self._share(row)],):
                share.append(row)
        parts = [encode(msgspec.structs.replace(frame, rows=share)) for share in shares]
        with _broken_pipes_told():
            for pipe, part in zip(self._pipes, parts[:-1], strict=True):
                pipe.send_bytes(part)
            if self.together:
                self._pipes[0].send_bytes(parts[-1])
        return []

    def close(self) -> Told:
        """Nothing more comes: what all jobs found."""
        with _broken_pipes_told():
            for pipe in self._pipes:
                pipe.send_bytes(END)
            told = [_told.decode(pipe.recv_bytes()) for pipe in self._pipes]
        changes: Counter[str] = Counter()
        for one in told:
            changes.update(one.changes)
        return Told([finding for one in told for finding in one.final], changes, sum(one.open_keys for one in told),
                    [pair for one in told for pair in one.routed], [pair for one in told for pair in one.exceptions])

    def _share(self, row: MemberRow) -> int:
        return self.number if row.rule in self._refs else partition_of(row.rule, row.key, self.number)

    def _work(self, pipe: Connection, others: Iterable[Connection], bundle: Bundle, sources: Collection[str],
              index: int) -> None:
        """A job: fold what comes until the end, then tell. `others` are ends of pipes that are not ours to hold."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the program itself is asked to stop, and then this pipe ends
        for other in others:
            other.close()
        engines = self._engines(bundle, sources, index)
        last: dict[str, Finding] = {}
        changes: Counter[str] = Counter()
        turns = cycle(engines)
        try:
            while (part := pipe.recv_bytes()) != END:
                for finding in next(turns).step_through(decode_work(part)):
                    last[finding.id] = finding
                    changes[finding.change] += 1
        except EOFError:
            return
        router = engines[-1].onward.router  # rules that read rules are all in one engine
        pipe.send_bytes(_packer.encode(Told(
            list(last.values()), changes, sum(one.open_keys for one in engines),
            list(router.counts.items()), list(router.guardian.exceptions.items()))))

    def _engines(self, bundle: Bundle, sources: Collection[str], index: int) -> list[Engine]:
        """Those that take a job's frames in turn."""
        engines = [Engine(_of(bundle, bundle.rules.keys() - self.together), index, self.number, sources)]
        if index == 0 and self.together:
            engines.append(Engine(_of(bundle, self.together), sources=sources))
        return engines


def family(bundle: Bundle) -> frozenset[str]:
    """The rules that hear of others, by findings or of silences, those others, and those whose events are counted."""
    read = {rule.id: [one.id for one in bases(bundle, rule)] for rule in bundle.rules.values()}
    hearing = [rule.id for rule in bundle.rules.values() if read[rule.id] or rule.counting is not None]
    return frozenset(name for rule in hearing for name in (rule, *read[rule]))


def _of(bundle: Bundle, names: Collection[str]) -> Bundle:
    """The bundle with these rules only, in their order."""
    return msgspec.structs.replace(bundle, rules={name: rule for name, rule in bundle.rules.items() if name in names})


@contextmanager
def _broken_pipes_told() -> Iterator[None]:
    """A pipe that breaks here is not that of who reads our output."""
    try:
        yield
    except (BrokenPipeError, EOFError) as error:
        raise RuntimeError("a job of the backtest has ended early; its last words stand above") from error


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """By opening, rule and key: the order in which a backtest prints them."""
    return sorted(findings, key=lambda one: (one.opened, one.rule, str(one.key), one.id))
