"""What cells count, bin by bin, tells a hotspot all that the events themselves would."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from streams.judging.episodes import Episode
from streams.kinds.hotspot import Hotspot
from streams.kinds.parts.tally import Bucket, Tally
from streams.records import Member
from tests.folds import fold, fold_often
from tests.kinds.test_hotspot import CELLS, END, at, cases
from tests.oracle.hotspot import Case

UTC = ZoneInfo("UTC")


def counted(members: Iterable[Member], bin: int) -> dict[str, list[Episode]]:
    """What each cell counts."""
    of: dict[str, list[Member]] = defaultdict(list)
    for member in members:
        of[member.value].append(member)
    return {cell: fold(Tally(bin, UTC), mine, END) for cell, mine in of.items()}


def gathered(members: Iterable[Member], bin: int) -> list[Member]:
    """The counts as events."""
    return [Member(one.opened, "rule:x/counts", 0, number, f"{cell} {one.opened}", 1, [cell, *one.value], one.facts)
            for number, (cell, told) in enumerate(sorted(counted(members, bin).items())) for one in told]


@given(cases(), st.sampled_from([133, 260, END]))
def test_a_hotspot_of_counts_is_that_of_the_events(made: tuple[Hotspot, Case], until: int) -> None:
    detector, case = made
    members = [msgspec.structs.replace(one, facts={"place.district": one.id}) for one in case.members
               if one.time < until]
    counts = [one for one in gathered(members, case.size) if one.time < until]
    assert fold(detector, counts, until) == fold(detector, members, until)


def test_a_count_lists_the_first_hundred_events_and_the_facts_of_the_newest_of_them() -> None:
    told, = counted([at(second, CELLS[0], second) for second in range(5, 255)], 300)[CELLS[0]]
    assert (told.opened, told.closed, told.count, told.evidence) == (299, 299, 250, [])
    count, rows = told.value
    assert (count, len(rows), rows[0], rows[-1][-1]) == (250, 100, [5, "s", 0, 5, "5"], "104")
    assert told.facts == {"place.district": "west"}


def test_counts_of_one_cell_and_bin_add_up_in_order() -> None:
    early, late = Bucket(), Bucket()
    for number in range(0, 240, 2):
        late.add(at(number, CELLS[0], number))
        early.add(at(number + 1, CELLS[0], number + 1))
    early.take(late.told(), {"place.district": "east"})
    assert early.count == 240
    assert len(early.members) == 100
    few = Bucket()
    few.add(at(1, CELLS[0], 1))
    few.take([1, [[0, "s", 0, 0, "0"]]], {"place.district": "east"})
    assert [(one.id, one.facts) for one in few.members] == [("0", None), ("1", {"place.district": "west"})]


def test_a_cell_tells_a_count_only_when_the_bin_is_over() -> None:
    state = fold_often(Tally(10, UTC), [at(time, CELLS[0], time) for time in (3, 9, 10, 35)], 60)
    assert [(one.opened, one.count) for one in state.hold.episodes] == [(9, 2), (19, 1), (39, 1)]
    assert Tally(10, UTC).empty(state)
