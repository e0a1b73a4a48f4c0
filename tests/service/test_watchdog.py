"""The watchdog: what it takes for a hang, and that it ends the process."""

from __future__ import annotations

import threading
import time

from streams.service.watchdog import EXIT_STALLED, Watchdog


def test_a_loop_that_does_not_turn_is_a_hang() -> None:
    dog = Watchdog(10)
    dog.beat({})
    now = time.monotonic()
    assert dog.verdict(now + 9) is None
    assert "has not turned" in str(dog.verdict(now + 11))


def test_work_that_does_not_move_is_a_hang_and_idleness_is_none() -> None:
    dog = Watchdog(10)
    now = time.monotonic()
    dog.beat({"detect/0": 1, "detect/1": 1})
    dog.beat({"detect/0": 2, "detect/1": 1})  # the other partition's work is no excuse
    later = now + 15
    dog._beat_at = later
    assert "detect/" in str(dog.verdict(later))
    dog._behind["detect/0"] = (2, later)
    assert "detect/1 has work, but has stood at 1" in str(dog.verdict(later))
    dog._behind.clear()
    assert dog.verdict(later) is None
    dog.beat({"detect/1": 1})
    dog.beat({})
    assert dog._behind == {}


def test_it_ends_the_process() -> None:
    ended, codes = threading.Event(), []

    def end(code: int) -> None:
        codes.append(code)
        ended.set()

    dog = Watchdog(0.0, ended=end)
    dog.start()
    assert ended.wait(10)
    assert codes == [EXIT_STALLED]
