"""The watchdog: a worker that hangs, or whose lag stands still, ends; its supervisor starts it again.

It runs in a thread of its own, because what it watches for includes a loop that does not turn.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable

EXIT_STALLED = 70
CHECK_EVERY_S = 1.0
log = logging.getLogger(__name__)


class Watchdog:
    """Ends the process when `beat` was not called, or work did not move, for `patience_s`.

    `ended` is what ends it; a test puts its own in place.
    """

    def __init__(self, patience_s: float, ended: Callable[[int], None] = os._exit) -> None:
        self.patience_s, self.ended = patience_s, ended
        self._beat_at = self._moved_at = time.monotonic()
        self._progress: object = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._beat_at = self._moved_at = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stop.set()

    def beat(self, behind: bool, progress: object) -> None:
        """The loop turns. `behind`: there is work; `progress` changes whenever some is done."""
        self._beat_at = time.monotonic()
        if not behind or progress != self._progress:
            self._moved_at = self._beat_at
        self._progress = progress

    def verdict(self, now: float) -> str | None:
        """What is wrong, if anything."""
        if now - self._beat_at > self.patience_s:
            return f"the loop has not turned for {now - self._beat_at:.0f} s"
        if now - self._moved_at > self.patience_s:
            return f"there is work, but none was done for {now - self._moved_at:.0f} s"
        return None

    def _watch(self) -> None:
        while not self._stop.wait(CHECK_EVERY_S):
            wrong = self.verdict(time.monotonic())
            if wrong is not None:
                log.critical("watchdog: %s; this worker ends so that another can take over", wrong)
                self.ended(EXIT_STALLED)
                return
