"""Running again whenever a file changes: the times and sizes of the rule files are looked at, nothing is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from streams.rulefile import SUFFIXES

POLL_S = 0.5
Print = dict[str, tuple[int, int]]


def rounds(directory: Path, wait: Callable[[], bool]) -> Iterator[int]:
    """The numbers 1, 2, ...: one at once, one after each change. `wait` pauses; True from it ends."""
    number, seen = 0, None
    while True:
        now = print_of(directory)
        if now != seen:
            number, seen = number + 1, now
            yield number
        elif wait():
            return


def print_of(directory: Path) -> Print:
    """When each rule file was last written and how large it is; a file that goes meanwhile is gone."""
    found: Print = {}
    for path in directory.rglob("*"):
        if path.suffix in SUFFIXES:
            try:
                told = path.stat()
            except OSError:
                continue
            found[path.as_posix()] = (told.st_mtime_ns, told.st_size)
    return found
