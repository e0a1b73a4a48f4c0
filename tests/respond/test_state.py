"""What is remembered ends bounded: everything that ended is forgotten, and not too early."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given

from streams.clocks import MINUTE
from streams.findings import CLOSED, FindingRow, ResponseFrame
from streams.judging.episodes import HoldOptions
from streams.kinds.match import Match
from streams.respond import Respond
from streams.respond.cases.table import ENDED
from streams.respond.pipeline import retention
from streams.respond.state import RETENTION
from tests.responses import RULES, Store, bundle, finding, frame, logs, rows, rule, run, tell


@given(logs())
def test_the_state_ends_bounded(log: list[ResponseFrame]) -> None:
    """Long after all was retracted or closed, only the newcomer, marks, times, rules and open cases are left."""
    fold = Respond(RULES)
    run(fold, log)
    last = {row.finding.id: row.finding for one in log for row in one.rows if isinstance(row, FindingRow)}
    closings = [finding(id, one.sequence + 1, CLOSED, rule=one.rule, key=one.key, closed=200)
                for id, one in last.items()]
    start = fold.offset + 1
    run(fold, [frame(rows(closings, offset=1000))], start)
    late = finding("late", rule="plain", opened=40 * 24 * 60)
    run(fold, [frame(rows([late], offset=2000))], start + 1)
    assert fold.alerts() == {"firing": 1}
    store = Store()
    store.write(fold.changed())
    store.write(fold.changed())
    left = {name: case for name, case in fold.people.cases.rows.cases.items() if case.state in ENDED}
    assert left == {}
    assert {name.partition(b"/")[0] for name in store.rows} - {b"case"} == {
        b"alert", b"part", b"operator", b"clock", b"mark", b"rule", b"~head"}


def test_an_alert_is_forgotten_after_its_retention_and_not_before() -> None:
    fold = Respond(bundle(rule()))
    span = RETENTION // MINUTE
    tell(fold, finding(closed=10, at=10), finding("g", opened=10 + span, key={"district": "east"}))
    assert tell(fold, finding(sequence=2, change="updated", closed=12)) == ["alerts updated 3"]
    tell(fold, finding("h", opened=10 + 2 * span + 1, key={"district": "north"}))
    assert tell(fold, finding(sequence=3, change="updated", closed=13)) == ["audit unknown_finding"]


def test_what_ends_far_behind_the_newest_finding_is_kept_as_long() -> None:
    """A feed that is read days late may still correct what it told."""
    fold = Respond(bundle(rule()))
    tell(fold, finding("g", opened=5 * RETENTION // MINUTE, key={"district": "east"}), finding(closed=10, at=10))
    tell(fold, finding("h", opened=6 * RETENTION // MINUTE, key={"district": "north"}))
    assert tell(fold, finding(sequence=2, change="updated", closed=12)) == ["alerts updated 3"]


def test_an_alert_that_fires_again_is_not_forgotten() -> None:
    fold = Respond(bundle(rule()))
    tell(fold, finding(closed=10, at=10), finding(sequence=2, change="updated"),
         finding("g", opened=5 * RETENTION // MINUTE, key={"district": "east"}))
    assert tell(fold, finding(sequence=3, change="closed", closed=12)) == ["alerts resolved 4"]


FEEDS = bundle(
    rule("slow", sources=frozenset(["calls"])), rule("slow-too", sources=frozenset(["calls"])),
    rule("fast", sources=frozenset(["gauges"])), rule("both", sources=frozenset(["calls", "gauges"])))


@pytest.mark.parametrize("other", ["fast", "both"])
def test_a_feed_that_runs_ahead_forgets_nothing_of_another(other: str) -> None:
    fold, span = Respond(FEEDS), RETENTION // MINUTE
    tell(fold, finding(rule="slow", closed=10, at=10))
    for days in range(1, 12):
        at = days * span
        tell(fold, finding(f"g{days}", rule=other, opened=at, key={"district": f"d{days}"}, closed=at))
        fold = Respond(FEEDS, fold.snapshot())
    assert tell(fold, finding(sequence=2, change="updated", rule="slow", closed=12)) == ["alerts updated 3"]
    tell(fold, finding("h", rule="slow-too", opened=12 + span + 1, key={"district": "north"}))
    assert tell(fold, finding(sequence=3, change="updated", rule="slow", closed=13)) == ["audit unknown_finding"]
    assert fold.alerts()["firing"] <= 4  # of the one that ran ahead the old ones are forgotten


def test_what_a_rule_that_is_gone_told_is_forgotten_as_time_goes_on_anywhere() -> None:
    fold, span = Respond(FEEDS), RETENTION // MINUTE
    tell(fold, finding(rule="slow", closed=10, at=10))
    fold.bundle = bundle(rule("fast", sources=frozenset(["gauges"])))
    tell(fold, finding("g", rule="fast", opened=11 + span))
    assert fold.alerts() == {"firing": 1}


def test_a_rule_that_reads_other_feeds_from_now_on_forgets_by_their_time() -> None:
    fold, span = Respond(FEEDS), RETENTION // MINUTE
    tell(fold, finding(rule="slow", closed=10, at=10))
    fold.bundle = bundle(rule("slow", sources=frozenset(["gauges"])), rule("fast", sources=frozenset(["gauges"])))
    tell(fold, finding("g", rule="fast", opened=11 + span))
    assert fold.alerts() == {"firing": 1}


def test_a_rule_that_reads_rules_forgets_by_the_time_of_their_feeds() -> None:
    top = rule("top", sources=frozenset(), bases=("slow",))
    fold, span = Respond(bundle(*FEEDS.rules.values(), top)), RETENTION // MINUTE
    tell(fold, finding("t", rule="top", closed=10, at=10))
    tell(fold, finding("g", rule="fast", opened=11 + span))
    assert fold.alerts() == {"resolved": 1, "firing": 1}
    assert tell(fold, finding("t", 2, "updated", rule="top", closed=12, at=12)) == ["alerts updated 3"]


def test_what_ended_is_remembered_as_long_as_it_can_be_corrected_through_two_rules() -> None:
    slow = Match(HoldOptions(keep=RETENTION))
    base, top = (msgspec.structs.replace(rule(name, bases=read), detector=slow) for name, read in
                 (("base", ()), ("top", ("base",))))
    assert retention(bundle(base, top)) == 2 * RETENTION


def test_a_clock_that_was_finished_forgets_nothing() -> None:
    fold = Respond(bundle(rule()))
    end = finding("g", key={"district": "east"}, at=2**62 // MINUTE)
    tell(fold, finding(closed=10, at=10), end)
    assert tell(fold, finding(sequence=2, change="updated", closed=12)) == ["alerts updated 3"]
