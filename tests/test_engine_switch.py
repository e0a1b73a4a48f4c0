"""A restart, also with other files: a clock never goes back, what is settled stays, registers change."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from streams.clocks import BEFORE_ALL
from streams.engine import META, Engine, Meta
from streams.episodes import HoldOptions
from streams.findings import Finding
from streams.frames import CLOCK_ROW, VERSION, ClockRow, MemberRow, WorkFrame, WorkRow
from streams.kinds.absence import Absence
from streams.kinds.match import Match
from streams.records import Member
from streams.rules import Bundle
from tests.cities import bundle
from tests.test_engine import keep


class Run:
    """Engines one after the other over one log, each restored from what the one before has kept."""

    def __init__(self, city: Bundle) -> None:
        self.rows: dict[bytes, bytes] = {}
        self.offset = -1
        self.engine = Engine(city)

    def step(self, *rows: WorkRow) -> list[Finding]:
        """The next frame."""
        self.offset += 1
        return self.engine.step(self.offset, WorkFrame(VERSION, "b", list(rows)))

    def switch(self, city: Bundle) -> None:
        """Stop and start again, with these files."""
        keep(self.rows, self.engine)
        self.engine = Engine(city)
        self.engine.restore(self.rows)

    def heard(self, time: int, key: str = "a", partition: int = 0) -> MemberRow:
        """An event of rule `one`."""
        member = Member(time, "s", partition, self.offset + 1, f"{partition}-{self.offset + 1}", 1)
        return MemberRow(0, "one@logic", (key,), member)

    def clock(self, clock: int, partition: int = 0, partitions: int = 1, source: str = "s") -> ClockRow:
        """How far a source's partition is."""
        return ClockRow(source, partition, partitions, self.offset + 1, CLOCK_ROW, clock, clock)


def silent(every: int, register: bool = False, forget_after: int = 10**9) -> Absence:
    """An absence rule."""
    return Absence(HoldOptions(), lambda key: every, 0, forget_after, register)


def told(found: list[Finding]) -> list[tuple[Any, ...]]:
    """The findings, in short."""
    return [(one.change, one.key["k"], one.opened, one.closed, one.ended) for one in found]


def test_a_clock_does_not_go_back_at_a_restart_after_a_topic_got_more_partitions() -> None:
    city = bundle({"one": silent(1000)}, 0, 10)
    run = Run(city)
    run.step(run.heard(0), run.clock(0))
    run.step(run.clock(900))
    run.step(run.clock(950, partitions=2))
    assert run.engine.clock("one") == 900
    run.switch(city)
    assert run.engine.clock("one") == 900
    run.step(run.clock(1600, partitions=2))
    assert run.engine.clock("one") == 900
    assert told(run.step(run.clock(1500, 1, 2))) == [("opened", "a", 1000, None, "")]


def test_a_rule_that_gets_another_source_waits_for_it() -> None:
    city = bundle({"one": silent(1000)}, 0, 10)
    run = Run(city)
    run.step(run.heard(0), run.clock(900))
    other = msgspec.structs.replace(city.sources["s"], id="other")
    rules = {"one": msgspec.structs.replace(city.rules["one"], sources=frozenset(["s", "other"]))}
    run.switch(msgspec.structs.replace(city, sources={**city.sources, "other": other}, rules=rules))
    assert run.engine.clock("one") == BEFORE_ALL
    assert told(run.step(run.clock(2000))) == []
    assert told(run.step(run.clock(1500, source="other"))) == [("opened", "a", 1000, None, "")]


def test_state_of_the_first_version_is_read() -> None:
    city = bundle({"one": silent(1000)}, 0, 10)
    run = Run(city)
    run.step(run.heard(0), run.clock(900))
    keep(run.rows, run.engine)
    first = msgspec.msgpack.decode(run.rows[META])[:5]
    first[0] = 1
    run.rows[META] = msgspec.msgpack.encode(first)
    assert msgspec.msgpack.decode(run.rows[META], type=Meta).version == 1
    run.engine = Engine(city)
    run.engine.restore(run.rows)
    assert run.engine.clock("one") == 900
    assert told(run.step(run.clock(1500))) == [("opened", "a", 1000, None, "")]


def test_what_was_open_under_a_rule_that_is_gone_is_closed_though_a_partition_was_never_heard_of() -> None:
    run = Run(bundle({"one": silent(1000)}, 0, 10))
    run.step(run.heard(0), run.clock(0))
    run.step(run.clock(1500))
    run.step(run.clock(1600, partitions=2))
    run.switch(bundle({"two": Match(HoldOptions())}, 0, 10))
    assert told(run.step(run.clock(1700, partitions=2))) == [("closed", "a", 1000, 1500, "rule_removed")]


def test_an_event_below_what_was_settled_comes_too_late_though_lateness_was_raised() -> None:
    run = Run(bundle({"one": silent(1000)}, 0, 10))
    run.step(run.heard(5000), run.clock(5000))
    run.step(run.clock(5500))
    run.switch(bundle({"one": silent(1000)}, 0, 100_000))
    assert told(run.step(run.heard(4000), run.clock(5500))) == []
    assert run.engine.counts["older_than_settled"] == 1
    assert told(run.step(run.heard(5495), run.clock(5500))) == []
    assert told(run.step(run.clock(7000))) == [("opened", "a", 6495, None, "")]


def test_an_event_of_a_new_partition_below_what_was_settled_comes_too_late() -> None:
    run = Run(bundle({"one": silent(1000)}, 0, 10))
    run.step(run.heard(5000), run.clock(5000))
    run.step(run.clock(5500))
    run.step(run.heard(4000, partition=1), run.clock(4000, 1, 2))
    assert told(run.step(run.clock(7000, 0, 2), run.clock(7000, 1, 2))) == [("opened", "a", 6000, None, "")]
    assert run.engine.counts == {"older_than_settled": 1}


@pytest.mark.parametrize("again", [False, True])
def test_an_event_of_a_key_that_was_settled_and_is_gone_comes_too_late(again: bool) -> None:
    """Nothing is left of the key to say so: the clock's domain does."""
    city = bundle({"one": Match(HoldOptions(keep=100))}, 0, 10)
    run = Run(city)
    run.step(run.heard(5000), run.clock(5000))
    run.step(run.clock(6000))
    assert run.engine.open_keys == 0
    if again:
        run.switch(bundle({"one": Match(HoldOptions(keep=100))}, 0, 100_000))
    assert told(run.step(run.heard(4950, partition=1), run.clock(4950, 1, 2))) == []
    assert run.engine.counts == {"older_than_settled": 1}
    assert told(run.step(run.heard(5990, partition=1), run.clock(5990, 1, 2))) == [("opened", "a", 5990, None, "")]


@pytest.mark.parametrize("again", [False, True])
def test_what_a_part_of_a_key_settled_stays(again: bool) -> None:
    city = bundle({"one": Match(HoldOptions(keep=100))}, 0, 1000)
    run = Run(city)
    for time in [*range(0, 5000, 10), *range(5500, 12_000, 10)]:
        run.step(run.heard(time), run.clock(time))
    [key] = run.engine._live["one@logic"].keys.values()
    assert key.base is not None
    assert key.events
    if again:
        run.switch(bundle({"one": Match(HoldOptions(keep=100))}, 0, 100_000))
    assert told(run.step(run.heard(5200), run.clock(12_000))) == []
    assert run.engine.counts["older_than_settled"] == 1
