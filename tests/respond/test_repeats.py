"""The first stage: repetitions, news out of date, news of nothing known."""

from __future__ import annotations

import pytest

from streams.findings import CLOSED, RETRACTED, UPDATED, FindingRow
from streams.kinds.parts.exceedance import WARMING
from streams.respond import Respond
from tests.responses import bundle, finding, frame, rows, rule, short, tell


def row(offset: int, number: int, id: str = "f", partition: int = 0, sender: str = "detect") -> FindingRow:
    """A row with its mark."""
    return FindingRow(sender, partition, offset, number, finding(id, key={"district": id}))


@pytest.mark.parametrize(("second", "goes_on"), [
    (row(5, 2, "g"), False),
    (row(5, 1, "g"), False),
    (row(4, 9, "g"), False),
    (row(5, 3, "g"), True),
    (row(6, 0, "g"), True),
    (row(0, 0, "g", partition=1), True),
    (row(0, 0, "g", sender="other"), True),
])
def test_rows_at_or_below_the_mark_of_their_sender_are_dropped(second: FindingRow, goes_on: bool) -> None:
    fold = Respond(bundle(rule()))
    outputs = fold.step(0, frame([row(5, 2), second]))
    assert len(outputs) == (2 if goes_on else 1)
    assert fold.counts == ({} if goes_on else {"repeated": 1})


def test_a_frame_that_repeats_itself() -> None:
    fold = Respond(bundle(rule()))
    outputs = fold.step(0, frame([row(5, 2), row(5, 2), row(5, 3, "g")]))
    assert [short(output) for output in outputs] == ["alerts firing 1", "alerts firing 1"]


@pytest.mark.parametrize("sequence", [1, 2])
def test_an_older_state_of_a_finding_is_not_told(sequence: int) -> None:
    fold = Respond(bundle(rule()))
    tell(fold, finding(), finding(sequence=2, change=UPDATED, value=6))
    assert tell(fold, finding(sequence=sequence, change=UPDATED, value=7)) == ["audit outdated"]
    assert tell(fold, finding(sequence=3, change=UPDATED, value=7)) == ["alerts updated 3"]


@pytest.mark.parametrize("change", [UPDATED, CLOSED, RETRACTED])
def test_news_of_a_finding_that_was_never_opened(change: str) -> None:
    assert tell(Respond(bundle(rule())), finding(change=change)) == ["audit unknown_finding"]


def test_news_of_a_retracted_finding() -> None:
    fold = Respond(bundle(rule()))
    tell(fold, finding(), finding(sequence=2, change=RETRACTED))
    assert tell(fold, finding(sequence=3, change=UPDATED)) == ["audit unknown_finding"]


def test_what_a_baseline_found_before_it_had_learnt_enough_is_held_back_to_its_end() -> None:
    learning = rule(spec={"baseline": True})
    fold = Respond(bundle(learning))
    facts = {WARMING: True, "expected": 4}
    told = [finding("f", 1, facts=facts), finding("f", 2, CLOSED, facts=facts, closed=200), finding("g", facts={})]
    outputs = fold.step(0, frame(rows(told)))
    assert [short(one) for one in outputs] == ["audit warming", "audit warming", "alerts firing 1"]
    assert fold.counts == {"warming": 2}
    other = Respond(bundle(rule()))  # a fact of that name says nothing of a rule without a baseline
    assert other.step(0, frame(rows([finding("f", facts=facts)])))[0].topic == "alerts"
