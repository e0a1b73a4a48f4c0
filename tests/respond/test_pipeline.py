"""The fold as a whole: replay, repetition, restart, any cut into frames."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import DAY
from streams.findings import ResponseFrame, Row, TickRow
from streams.reasons import HeldReason
from streams.respond import STAGES, Respond
from tests.responses import NOON, RULES, Store, bundle, finding, frame, logs, read, rows, rule, run


@given(logs(), st.data())
def test_the_same_log_gives_the_same_bytes_from_a_snapshot_too(log: list[ResponseFrame], data: st.DataObject) -> None:
    expected, fold = run(Respond(RULES), log), Respond(RULES)
    cut = data.draw(st.integers(0, len(log)))
    before = run(fold, log[:cut])
    again = Respond(RULES, fold.snapshot())
    assert before + run(again, log[cut:], cut) == expected
    state = again.snapshot()
    assert run(again, log) == []  # frames delivered again are skipped
    assert again.snapshot() == state


@given(logs(), st.data())
def test_any_cut_into_frames_gives_the_same_outputs(log: list[ResponseFrame], data: st.DataObject) -> None:
    together = [row for one in log for row in one.rows]
    cut = sorted(data.draw(st.sets(st.integers(0, len(together)))))
    bounds = zip([0, *cut], [*cut, len(together)], strict=True)
    other = [frame(together[start:end]) for start, end in bounds]
    assert run(Respond(RULES), other) == run(Respond(RULES), log)


@given(logs(), st.data())
def test_what_is_sent_again_counts_once(log: list[ResponseFrame], data: st.DataObject) -> None:
    seen: list[Row] = []
    repeated = []
    for one in log:
        again = data.draw(st.integers(0, len(seen)))
        repeated += [frame(seen[again:]), one]
        seen += one.rows
    once, twice = Respond(RULES), Respond(RULES)
    assert run(twice, repeated) == run(once, log)
    del twice.counts[HeldReason.REPEATED]
    assert twice.counts == once.counts
    assert twice.alerts() == once.alerts()


@given(logs(), st.data())
def test_a_restart_from_state_rows_changes_nothing(log: list[ResponseFrame], data: st.DataObject) -> None:
    expected = run(Respond(RULES), log)
    store, fold, outputs = Store(), Respond(RULES), []
    for offset, one in enumerate(log):
        outputs += fold.step(offset, one)
        if data.draw(st.booleans()):
            store.write(fold.changed())
            if data.draw(st.booleans()):
                fold = Respond(RULES)
                fold.restore(store.rows)
    assert outputs == expected


@given(logs(), st.data())
def test_a_crash_in_the_middle_of_writing_rows_loses_nothing_and_tells_nothing_new(
    log: list[ResponseFrame], data: st.DataObject
) -> None:
    told = {output.value: None for output in run(Respond(RULES), log)}
    store, fold, offset, sent = Store(), Respond(RULES), 0, dict[bytes, None]()
    crashes = data.draw(st.integers(1, 3))
    while offset < len(log):
        sent |= {output.value: None for output in fold.step(offset, log[offset])}
        offset += 1
        if data.draw(st.booleans()):
            changed = fold.changed()
            torn = crashes > 0 and data.draw(st.booleans())
            store.write(changed, data.draw(st.integers(0, len(changed))) if torn else None)
            if torn:
                crashes -= 1
                fold = Respond(RULES)
                fold.restore(store.rows)
                offset = fold.offset + 1
    assert list(sent) == list(told)


def test_ticks_change_nothing_yet() -> None:
    fold = Respond(bundle(rule()))
    assert fold.step(0, frame([TickRow(NOON + DAY)])) == []
    assert fold.offset == 0


def test_a_frame_that_cannot_be_read_is_passed_over() -> None:
    fold = Respond(bundle(rule()))
    fold.offset = 7
    assert fold.step(7, frame(rows([finding()]))) == []
    assert [output.topic for output in fold.step(8, frame(rows([finding()])))] == ["alerts"]


def test_a_new_bundle_counts_from_the_next_finding_on() -> None:
    fold = Respond(bundle(rule(severity="minor")))
    first = fold.step(0, frame(rows([finding()])))
    fold.bundle = bundle(rule(severity="severe"))
    second = fold.step(1, frame(rows([finding(sequence=2, change="updated")], offset=1)))
    assert [read(one)["data"]["severity"] for one in first + second] == ["minor", "severe"]


def test_state_of_another_version_is_refused() -> None:
    fold = Respond(bundle(rule()))
    fold.step(0, frame(rows([finding()])))
    rows_ = {name: row for name, row in fold.changed().items() if row is not None}
    rows_[b"~head"] = b"\x93\x02\x00\x00"
    with pytest.raises(ValueError, match="state of version 2, this program reads 1"):
        Respond(bundle(rule())).restore(rows_)


def test_the_order_of_the_stages() -> None:
    names = [stage.__module__.rpartition(".")[2] for stage in STAGES]
    assert names == ["repeats", "removed", "shadow", "merge", "suppress", "limit", "life", "dispatch", "publish"]
