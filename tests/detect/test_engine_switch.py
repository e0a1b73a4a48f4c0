"""A restart, also with other files: a clock never goes back, what is settled stays, registers change."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from streams.clocks import AFTER_ALL, BEFORE_ALL
from streams.detect.domains import Meta
from streams.detect.engine import META, Engine
from streams.findings import Finding
from streams.frames import CLOCK_ROW, VERSION, ClockRow, MemberRow, WorkFrame, WorkRow
from streams.judging.episodes import HoldOptions
from streams.kinds.absence import Absence
from streams.kinds.match import Match
from streams.records import Member
from streams.rules import Bundle
from tests.cities import bundle
from tests.detect.test_engine import keep


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

    def clock(self, clock: int, partition: int = 0, partitions: int = 1, source: str = "s",
              first: int = AFTER_ALL) -> ClockRow:
        """How far a source's partition is."""
        return ClockRow(source, partition, partitions, self.offset + 1, CLOCK_ROW, clock, clock, first)


def silent(every: int, register: bool = False, forget_after: int = 10**9) -> Absence:
    """An absence rule."""
    return Absence(HoldOptions(), lambda key: every or None, 0, forget_after, register)


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


def register(*keys: str, every: int = 1000) -> Bundle:
    """A rule that expects these."""
    return bundle({"one": silent(every, register=True)}, 0, 10, expected=tuple((key,) for key in keys))


def test_a_rule_that_was_removed_and_put_back_counts_from_the_switch_to_it() -> None:
    run = Run(register("d"))
    run.step(run.clock(5))
    run.switch(bundle({"two": Match(HoldOptions())}, 0, 10))
    run.step(run.clock(10))
    run.switch(bundle({"two": Match(HoldOptions())}, 0, 10))
    run.step(run.clock(20))
    run.switch(register("d"))
    run.step(run.clock(1000))
    assert told(run.step(run.clock(9000))) == [("opened", "d", 1020, None, "")]


def test_a_row_that_a_register_gets_counts_from_the_switch_to_it() -> None:
    run = Run(register("d"))
    run.step(run.clock(5))
    run.step(run.clock(500))
    run.switch(register("d", "new"))
    assert told(run.step(run.clock(1400))) == [("opened", "d", 1005, None, "")]
    run.switch(register("d", "new"))
    assert told(run.step(run.clock(1600))) == [("opened", "new", 1500, None, "")]


def test_what_reported_before_its_row_came_counts_from_its_report() -> None:
    run = Run(register("d"))
    run.step(run.heard(100), run.clock(100))
    run.switch(register("d", "a"))
    assert told(run.step(run.clock(1500))) == [("opened", "a", 1100, None, ""), ("opened", "d", 1100, None, "")]


def test_a_row_that_is_gone_from_its_register_is_not_watched_any_more() -> None:
    run = Run(register("d", "e", "f"))
    run.step(run.clock(5))
    run.step(run.heard(900, "e"), run.clock(900))
    run.step(run.heard(950, "x"), run.clock(1100))
    run.switch(register("f"))
    assert told(run.step(run.clock(1500))) == [("closed", "d", 1005, 1100, "unregistered")]
    assert run.engine.switched == 1
    assert told(run.step(run.clock(9000))) == [("opened", "x", 1950, None, "")]  # of it no register ever knew
    assert run.engine.switched == 0
    run.switch(register("f"))
    assert run.engine.open_keys == 2
    keep(run.rows, run.engine)
    keep(run.rows, run.engine)
    assert len(run.rows) == 3  # f, x and what is not of one key


def test_a_row_that_is_gone_is_told_again_if_that_was_not_kept() -> None:
    run = Run(register("d"))
    run.step(run.clock(5))
    run.step(run.clock(1100))
    run.switch(register())
    first = run.step(run.clock(1500))
    run.engine = Engine(register())
    run.engine.restore(run.rows)
    run.offset -= 1
    assert run.step(run.clock(1500)) == first != []


def test_a_row_that_comes_back_is_watched_again() -> None:
    run = Run(register("d"))
    run.step(run.clock(5))
    run.switch(register())
    run.step(run.clock(10))
    run.switch(register("d"))
    assert told(run.step(run.clock(1500))) == [("opened", "d", 1010, None, "")]


def test_a_row_without_an_interval_is_not_watched() -> None:
    run = Run(register("d", every=0))
    run.step(run.clock(5))
    assert run.engine.open_keys == 0


@pytest.mark.parametrize("row", ["d", "e", "f", "g"])
def test_each_row_is_watched_in_one_partition(row: str) -> None:
    city = register("d", "e", "f", "g")
    homes = []
    for partition in range(3):
        engine = Engine(city, partition, 3)
        engine.step(0, WorkFrame(VERSION, "b", [ClockRow("s", 0, 1, 0, CLOCK_ROW, 5, 5)]))
        rows = {name: value for name, value in engine.changed().items() if value is not None}
        engine = Engine(city, partition, 3)
        engine.restore(rows)
        homes += [partition for live in engine._live.values() if (row,) in live.keys]
    assert len(homes) == 1


@pytest.mark.parametrize("settled", [False, True])
def test_an_interval_that_gets_shorter_holds_for_the_silence_that_goes_on(settled: bool) -> None:
    run = Run(register("d", every=1000))
    run.step(run.clock(5))
    run.step(run.heard(100, "d"), run.clock(100))
    run.step(run.clock(600 if settled else 105))
    run.switch(register("d", every=300))
    found = run.step(run.clock(700))
    assert told(found) == [("opened", "d", 400, None, "")]
    assert told(run.step(run.heard(701, "d"), run.clock(710))) == [("closed", "d", 400, 701, "")]
    assert told(run.step(run.clock(5000))) == [("opened", "d", 1001, None, "")]


@pytest.mark.parametrize("settled", [False, True])
def test_an_interval_that_gets_longer_takes_back_what_is_no_silence_by_it(settled: bool) -> None:
    run = Run(register("d", every=300))
    run.step(run.clock(5))
    run.step(run.heard(100, "d"), run.clock(100))
    run.step(run.clock(402))
    run.step(run.clock(600 if settled else 405))
    run.switch(register("d", every=1000))
    assert told(run.step(run.clock(700))) == [("retracted", "d", 400, None, "")]
    assert run.engine.switched == 1
    assert told(run.step(run.clock(1200))) == [("opened", "d", 1100, None, "")]


def test_a_silence_that_is_one_by_both_intervals_stays_the_same_finding() -> None:
    run = Run(register("d", every=300))
    run.step(run.clock(5))
    run.step(run.clock(1000))
    run.switch(register("d", every=400))
    [first] = run.step(run.clock(1100))
    assert (first.change, first.opened, first.sequence) == ("updated", 405, 2)
    run.switch(register("d", every=400))
    assert run.step(run.clock(1200)) == []
    [last] = run.step(run.heard(1300, "d"), run.clock(1301))
    assert (last.change, last.id, last.closed) == ("closed", first.id, 1300)


def test_a_row_that_loses_its_interval_is_not_watched_until_it_has_one() -> None:
    run = Run(register("d", every=300))
    run.step(run.clock(5))
    run.step(run.clock(1000))
    run.switch(register("d", every=0))
    assert told(run.step(run.clock(1100))) == [("retracted", "d", 305, None, "")]
    run.step(run.clock(2000))
    assert run.engine.open_keys == 0
    run.switch(register("d", every=300))
    assert told(run.step(run.clock(3000))) == [("opened", "d", 2300, None, "")]


def test_what_was_never_heard_of_counts_from_the_first_event_whenever_that_came() -> None:
    run = Run(register("d"))
    run.step(run.clock(50, 0, 2, first=50))
    run.step(run.clock(45, 1, 2, first=30))
    run.step(run.clock(52, 0, 2, first=42))
    found = run.step(run.clock(1031, 0, 2, first=42), run.clock(1031, 1, 2, first=30))
    assert told(found) == [("opened", "d", 1030, None, "")]


def test_what_was_told_too_late_is_corrected_by_an_earlier_first_event() -> None:
    city = bundle({"one": silent(5, register=True)}, 0, 100, expected=(("d",),))
    run = Run(city)
    run.step(run.clock(50, first=50))
    assert told(run.step(run.clock(60, first=50))) == [("opened", "d", 55, None, "")]
    run.switch(city)
    [finding] = run.step(run.clock(60, first=20))
    assert (finding.change, finding.opened, finding.sequence, finding.corrections) == ("updated", 25, 2, 1)


def test_an_old_event_of_a_partition_that_a_topic_got_later_does_not_move_the_beginning() -> None:
    run = Run(register("d"))
    run.step(run.clock(500, first=500))
    run.step(run.clock(600, first=500))
    run.step(run.clock(300, 1, 2, first=300))
    assert told(run.step(run.clock(1600, 0, 2), run.clock(1600, 1, 2, first=300))) == [("opened", "d", 1500, None, "")]


def test_a_rule_put_back_counts_from_the_switch_and_not_from_an_earlier_first_event() -> None:
    run = Run(bundle({"two": Match(HoldOptions())}, 0, 100))
    run.step(run.clock(500, first=500))
    run.step(run.clock(550, first=500))
    run.switch(bundle({"one": silent(1000, register=True)}, 0, 100, expected=(("d",),)))
    run.step(run.clock(550, first=495))
    assert told(run.step(run.clock(1600))) == [("opened", "d", 1550, None, "")]
