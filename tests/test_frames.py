"""Frames: cut where a clock stands, bounded in size, read back as they were."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import frames
from streams.frames import AcceptedRow, ClockRow, MemberRow, WorkFrame, WorkRow
from streams.records import BYTES_AT_MOST, Event, Member, Place

MEMBER = MemberRow(0, "r@x", ("k", 1, True), Member(1, "s", 0, 2, "id", 3, 4.5, {"place.lat": 1.0}))
CLOCK = ClockRow("s", 0, 2, 5, 1_000_000, 7, 9)


def accepted(size: int) -> AcceptedRow:
    fields = {"f": "x" * size, "n": [1, {"a": None}]}
    return AcceptedRow(0, 5, Event("i", "s", "t", 1, 2, Place(1.0, 2.0), None, fields, 0, 3))


@given(st.lists(st.sampled_from([MEMBER, MEMBER, CLOCK]), max_size=60), st.integers(1, 10))
def test_work_is_cut_behind_clocks_only_and_nothing_is_lost(rows: list[WorkRow], most: int) -> None:
    rows = [*rows, CLOCK]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frames, "ROWS_AT_MOST", most)
        made = [frames.decode_work(value) for value in frames.work_frames("b", rows)]
    assert [row for frame in made for row in frame.rows] == rows
    assert all(isinstance(frame.rows[-1], ClockRow) for frame in made)
    assert {frame.bundle for frame in made} == {"b"}
    longest = max(len(run) for run in "".join("c" if row is CLOCK else "m" for row in rows).split("c"))
    assert all(len(frame.rows) <= most + longest + 1 for frame in made)


@given(st.lists(st.integers(0, 400_000), max_size=12))
def test_events_are_cut_by_bytes(sizes: list[int]) -> None:
    rows = [accepted(size) for size in sizes]
    values = list(frames.events_frames(rows))
    assert [row for value in values for row in frames.decode_events(value).rows] == rows
    assert all(len(value) < 2 * BYTES_AT_MOST for value in values)


def test_a_frame_of_another_version_is_refused_in_words() -> None:
    value = frames.encode(WorkFrame(frames.VERSION + 1, "b", []))
    with pytest.raises(ValueError, match="frame version 2, this program reads 1"):
        frames.decode_work(value)
