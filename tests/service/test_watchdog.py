"""The watchdog: what it takes for a hang, and that it ends the process."""

from __future__ import annotations

import threading
import time

from streams.service.watchdog import EXIT_STALLED, Watchdog


def test_a_loop_that_does_not_turn_is_a_hang() -> None:
    dog = Watchdog(10)
    dog.beat(behind=False, progress=0)
    now = time.monotonic()
    assert dog.verdict(now + 9) is None
    assert "has not turned" in str(dog.verdict(now + 11))


def test_work_that_does_not_move_is_a_hang_and_idleness_is_none() -> None:
    dog = Watchdog(10)
    dog.beat(behind=True, progress=1)
    dog._moved_at -= 20
    dog.beat(behind=True, progress=1)
    assert "none was done" in str(dog.verdict(time.monotonic()))
    dog.beat(behind=True, progress=2)
    assert dog.verdict(time.monotonic()) is None
    dog._moved_at -= 20
    dog.beat(behind=False, progress=2)
    assert dog.verdict(time.monotonic()) is None


def test_it_ends_the_process() -> None:
    ended, codes = threading.Event(), []

    def end(code: int) -> None:
        codes.append(code)
        ended.set()

    dog = Watchdog(0.0, ended=end)
    dog.start()
    assert ended.wait(10)
    assert codes == [EXIT_STALLED]
