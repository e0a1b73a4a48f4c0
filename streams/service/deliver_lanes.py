"""A lane: what waits for one way to one receiver, delivered in order, tried again with growing pauses.

Lanes are tasks of their own, so no receiver holds up another. What is refused for good, or too often, becomes a dead
letter, and the lane goes on. Where too much waits behind what fails, the oldest is given up without more ado: a
receiver that is back wants to hear of today.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from streams.logs import Entry
from streams.service.deliver_ways import Answer, Way

log = logging.getLogger(__name__)


class Patience(msgspec.Struct, frozen=True):
    """How often is tried, how long a pause lasts before (doubled each time, in s), how many may wait in a lane."""

    tries: int = 12
    first_s: float = 1.0
    longest_s: float = 300.0
    waiting: int = 1000

    def pause(self, failed: int, chance: float, asked: float) -> float:
        """The pause after so many failures, half to all of it by chance in [0, 1).

        At least what is `asked` for, up to the longest.
        """
        full = min(self.first_s * 2.0 ** min(failed - 1, 60), self.longest_s)
        return max(full * (0.5 + chance / 2), min(asked, self.longest_s))


class Waiting(msgspec.Struct, frozen=True):
    """A notification that waits."""

    entry: Entry
    event: Mapping[str, Any]


class Hooks(msgspec.Struct, frozen=True):
    """What a lane asks of outside: `sleep` (s), `chance` in [0, 1), `bury` (a dead letter), `count` an outcome."""

    sleep: Callable[[float], Awaitable[None]]
    chance: Callable[[], float]
    bury: Callable[[Lane, Waiting, str], Awaitable[None]]
    count: Callable[[Lane, str], None]


class Lane:
    """One way to one receiver. `name` is unique, `channel` its type; what is below `position` is delivered."""

    def __init__(self, name: str, receiver: str, channel: str, way: Way, hooks: Hooks, patience: Patience) -> None:
        self.name, self.receiver, self.channel, self.way = name, receiver, channel, way
        self.hooks, self.patience = hooks, patience
        self.waiting: deque[Waiting] = deque()
        self.position = self.kept = 0
        self.answer = Answer(done=True)
        self._filled, self._crowd = asyncio.Event(), asyncio.Event()

    @property
    def crowded(self) -> bool:
        """Whether too much waits."""
        return len(self.waiting) > self.patience.waiting

    def put(self, one: Waiting) -> None:
        """Deliver it after what waits already; what was delivered before is passed over."""
        if one.entry.offset >= self.position:
            self.waiting.append(one)
            self._filled.set()
            if self.crowded:
                self._crowd.set()

    async def run(self) -> None:
        """Deliver whatever is put, until cancelled. Raises LogError."""
        while True:
            await self._filled.wait()
            self._filled.clear()
            while self.waiting:
                await self._serve(self.waiting[0])
                self.position = self.waiting.popleft().entry.offset + 1
                if not self.crowded:
                    self._crowd.clear()

    async def _serve(self, one: Waiting) -> None:
        """Deliver it, or bury it."""
        for number in range(1, self.patience.tries + 1):
            if self.answer.again and self.crowded:
                break
            before, self.answer = self.answer, await self.way.send(one.entry, one.event)
            if self.answer.done:
                self.hooks.count(self, "delivered")
                return
            if not before.again:  # once a failure, not with each attempt
                log.warning("%s cannot be told by %s: %s", self.receiver, self.channel, self.answer.text)
            if not self.answer.again:
                break
            if number < self.patience.tries:
                self.hooks.count(self, "again")
                await self._pause(self.patience.pause(number, self.hooks.chance(), self.answer.after))
        self.hooks.count(self, "given_up" if self.answer.again else "refused")
        await self.hooks.bury(self, one, self.answer.text)

    async def _pause(self, seconds: float) -> None:
        """Wait so long, or until too much waits."""
        both = [asyncio.ensure_future(self.hooks.sleep(seconds)), asyncio.ensure_future(self._crowd.wait())]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in both:
                one.cancel()
