"""State rows: whatever part of a write reached the topic, the whole write counts or nothing of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.respond.slots import Slots

NAMES = st.sampled_from([b"a", b"b", b"c"])
# What is written after a torn write need not be what was torn: the rules may have changed meanwhile.
WRITES = st.lists(st.dictionaries(NAMES, st.none() | st.sampled_from([b"1", b"2"]), max_size=3), max_size=6)


class Topic:
    """A compacted topic with the head that the state writes last."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}
        self.head = -1

    def write(self, rows: dict[bytes, bytes | None], stamp: int, upto: int) -> bool:
        """Take the first `upto` rows, the head being the last; whether that was all."""
        for name, row in list(rows.items())[:upto]:
            if row is None:
                self.rows.pop(name, None)
            else:
                self.rows[name] = row
        if upto > len(rows):
            self.head = stamp
        return upto > len(rows)


@given(WRITES, st.data())
def test_a_torn_write_is_no_write(writes: list[dict[bytes, bytes | None]], data: st.DataObject) -> None:
    topic, slots, values = Topic(), Slots(), dict[bytes, bytes]()
    for stamp, fresh in enumerate(writes):
        rows = slots.give(stamp, fresh)
        if topic.write(rows, stamp, data.draw(st.integers(0, len(rows) + 1))):
            values |= {name: value for name, value in fresh.items() if value is not None}
            values = {name: value for name, value in values.items() if fresh.get(name, b"") is not None}
        else:
            slots = Slots()
            assert dict(slots.take(topic.head, topic.rows)) == values
    assert dict(Slots().take(topic.head, topic.rows)) == values


def test_what_is_gone_is_deleted_by_the_write_after() -> None:
    slots = Slots()
    assert list(slots.give(0, {b"a": b"1"})) == [b"a"]
    assert slots.give(1, {b"a": None})[b"a"] is not None
    assert slots.give(2, {}) == {b"a": None}
    assert slots.give(3, {}) == {}


def test_what_came_and_went_between_two_writes_leaves_nothing() -> None:
    assert Slots().give(0, {b"a": None}) == {}
