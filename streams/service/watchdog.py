"""The watchdog: a worker that hangs, or whose lag stands still, ends; its supervisor starts it again.

It runs in a thread of its own, because what it watches for includes a loop that does not turn.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Hashable, Mapping

EXIT_STALLED = 70
CHECK_EVERY_S = 1.0
log = logging.getLogger(__name__)


class Watchdog:
    """Ends the process when `beat` was not called, or some work did not move, for `patience_s`.

    `ended` is what ends it; a test puts its own in place.
    """

    def __init__(self, patience_s: float, ended: Callable[[int], None] = os._exit) -> None:
        self.patience_s, self.ended = patience_s, ended
        self._beat_at = time.monotonic()
        self._behind: dict[Hashable, tuple[int, float]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._beat_at = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stop.set()

    def beat(self, behind: Mapping[Hashable, int]) -> None:
        """The loop turns. `behind`: where there is work, each with a number that changes when some is done."""
        self._beat_at = now = time.monotonic()
        known = {name: seen for name, seen in self._behind.items() if seen[0] == behind.get(name)}
        self._behind = {name: known.get(name, (at, now)) for name, at in behind.items()}

    def verdict(self, now: float) -> str | None:
        """What is wrong, if anything."""
        if now - self._beat_at > self.patience_s:
            return f"the loop has not turned for {now - self._beat_at:.0f} s"
        for name, (at, since) in list(self._behind.items()):
            if now - since > self.patience_s:
                return f"{name} has work, but has stood at {at} for {now - since:.0f} s"
        return None

    def _watch(self) -> None:
        while not self._stop.wait(CHECK_EVERY_S):
            wrong = self.verdict(time.monotonic())
            if wrong is not None:
                log.critical("watchdog: %s; this worker ends so that another can take over", wrong)
                self.ended(EXIT_STALLED)
                return
