"""When to check: once for each bout of changes, and never twice at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

QUIET_S = 0.2
"""How long nobody may have typed, in seconds."""


async def a_while() -> None:
    """Wait until nobody types any more, as far as one can tell."""
    await asyncio.sleep(QUIET_S)


class Pace:
    """Does a job after changes. `quiet` waits a while: what is touched meanwhile counts into the same bout."""

    def __init__(self, job: Callable[[], Awaitable[None]], quiet: Callable[[], Awaitable[None]] = a_while) -> None:
        self.job, self.quiet = job, quiet
        self._touched = asyncio.Event()

    def touch(self) -> None:
        """Something has changed."""
        self._touched.set()

    async def run(self) -> None:
        """Do the job after each bout of changes, for ever."""
        while True:
            await self._touched.wait()
            while self._touched.is_set():
                self._touched.clear()
                await self.quiet()
            await self.job()
