"""Rules, and logics of rules, that are there no more: what was open under them is closed, whatever detect knows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import MINUTE
from streams.findings import CLOSED, RETRACTED, UPDATED, Finding, ResponseFrame, TickRow
from streams.respond import Respond
from streams.respond.state import RETENTION
from streams.rules import Bundle, Dispatch
from tests.responses import NOON, RULES, bundle, finding, frame, logs, of_alerts, read, rows, rule, run, short, tell

OLD = bundle(rule(severity="severe", dispatch=Dispatch("police", 1)), rule("other"))
EDITED = bundle(rule(logic="new", title="Six crashes"), rule("other"))
REMOVED = bundle(rule("other"))
OTHER = finding("o", rule="other", key={"district": "o"}, opened=3)


def open_in(start: Bundle, now: Bundle, *told: Finding, restart: bool = True) -> Respond:
    """A fold that told findings under one bundle and goes on under another."""
    fold = Respond(start)
    tell(fold, *told)
    if restart:
        return Respond(now, fold.snapshot())
    fold.bundle = now
    return fold


@pytest.mark.parametrize("restart", [True, False])
@pytest.mark.parametrize("now", [EDITED, REMOVED])
def test_what_is_open_under_a_rule_that_is_gone_is_closed_at_the_next_row(now: Bundle, restart: bool) -> None:
    fold = open_in(OLD, now, finding(), restart=restart)
    told = [read(one) for one in of_alerts(fold.step(9, frame(rows([OTHER], offset=9))))]
    assert [one["type"].rpartition(".")[2] for one in told] == ["resolved", "firing"]
    seen = told[0]["data"]
    assert (seen["ended"], seen["cause"], seen["title"], seen["severity"], seen["closed_at"]) == (
        "rule_removed", "rule_removed", "Five crashes in ten minutes", "severe", "2025-07-01T12:00:00.000000Z")
    assert fold.alerts() == {"resolved": 1, "firing": 1}


def test_a_tick_is_a_row_too() -> None:
    fold = open_in(OLD, REMOVED, finding())
    assert fold.overdue
    assert [short(one) for one in of_alerts(fold.step(9, frame([TickRow(NOON)])))] == ["alerts resolved 2"]
    assert not fold.overdue


@pytest.mark.parametrize("now", [OLD, bundle(rule(title="Others", severity="minor"), rule("other"))])
def test_nothing_is_closed_while_the_logic_stays(now: Bundle) -> None:
    fold = open_in(OLD, now, finding())
    assert not fold.overdue
    assert tell(fold, OTHER) == ["alerts firing 1"]


def test_what_has_ended_stays_as_it_is() -> None:
    fold = open_in(OLD, REMOVED, finding(closed=2), finding("g", closed=0, key={"district": "east"}))
    assert tell(fold, OTHER) == ["alerts firing 1"]


@pytest.mark.parametrize(("late", "expected"), [
    (finding(sequence=2, change=UPDATED, value=9), ["audit rule_removed"]),
    (finding(sequence=2, change=CLOSED, closed=4), ["audit rule_removed"]),
    (finding(sequence=2, change=CLOSED, closed=4, ended="rule_removed"), ["audit rule_removed"]),
    (finding(sequence=1, change=CLOSED, closed=4, ended="rule_removed"), ["audit outdated"]),
    (finding(sequence=2, change=RETRACTED), ["alerts retracted 3", "dispatches cancelled 2"]),
])
def test_what_the_old_logic_still_says_does_not_open_it_again(late: Finding, expected: list[str]) -> None:
    fold = open_in(OLD, EDITED, finding())
    assert tell(fold, late) == ["alerts resolved 2", *expected]
    assert fold.alerts()["firing"] == 0


def test_an_opening_of_the_old_logic_ends_as_it_begins() -> None:
    """It may have been told before a crash, under the old rules: who read that must read its end too."""
    fold = open_in(OLD, REMOVED, OTHER)
    told = [finding(at=5), finding(sequence=2, change=UPDATED, value=9)]
    assert tell(fold, *told) == ["alerts firing 1", "alerts resolved 2", "audit rule_removed"]
    assert tell(fold, finding("g", closed=7, opened=7)) == ["alerts firing 1"]


def test_a_logic_that_is_not_known_yet_is_not_gone() -> None:
    """detect was started with the new rules before respond."""
    newer = finding("n", logic="new")
    fold = open_in(OLD, EDITED, finding(), newer)
    assert tell(fold, OTHER) == ["alerts resolved 2", "alerts firing 1"]
    assert tell(fold, finding("n", 2, UPDATED, logic="new", value=9)) == ["alerts updated 2"]


def test_rules_that_come_back_open_again_what_goes_on() -> None:
    fold = open_in(OLD, REMOVED, finding())
    tell(fold, OTHER)
    fold.bundle = OLD
    assert tell(fold, finding(sequence=2, change=UPDATED, value=9)) == ["alerts firing 3"]


def test_the_end_of_a_removed_rule_counts_though_detect_has_forgotten_what_it_said_last() -> None:
    """detect was killed and goes on from its state of before."""
    fold = Respond(OLD)
    last = finding(sequence=1, change=CLOSED, closed=4, value=5, ended="rule_removed", cause="rule_removed")
    told = [finding(), finding(sequence=2, change=UPDATED, value=9), last]
    seen = [read(one) for one in of_alerts(run(fold, [frame(rows(told))]))]
    assert [one["type"].rpartition(".")[2] for one in seen] == ["firing", "requested", "updated", "resolved"]
    assert (seen[-1]["data"]["value"], seen[-1]["data"]["ended"]) == (9, "rule_removed")


def test_what_was_held_back_ends_too() -> None:
    quiet = bundle(rule(suppress_for=30 * MINUTE), rule("other"))
    fold = open_in(quiet, REMOVED, finding(), finding("g", opened=1))
    assert tell(fold, OTHER) == ["alerts resolved 2", "alerts firing 1"]
    tell(fold, finding("p", rule="other", opened=3 * RETENTION // MINUTE, key={"district": "p"}))
    assert tell(fold, finding("g", 2, UPDATED, opened=1)) == ["audit unknown_finding"]


def test_rules_that_are_gone_for_long_are_forgotten() -> None:
    fold = open_in(OLD, REMOVED, OTHER)
    tell(fold, finding("p", rule="other", opened=2 * RETENTION // MINUTE, key={"district": "p"}))
    fold.bundle = bundle(rule("other"), rule("third"))
    tell(fold, finding("q", rule="other", opened=2 * RETENTION // MINUTE, key={"district": "q"}))
    assert {name for name in fold.state() if name.startswith(b"rule/")} == {b"rule/other@logic", b"rule/third@logic"}


CHANGED = bundle(*(one for one in RULES.rules.values() if one.id != "quiet"), rule("new"))


@given(logs(), st.data())
def test_a_replay_over_a_change_of_rules_gives_the_same_bytes(log: list[ResponseFrame], data: st.DataObject) -> None:
    log = [frame([TickRow(NOON)]), *log, frame([TickRow(NOON)])]
    change = data.draw(st.integers(1, len(log) - 1))
    fold = Respond(RULES)
    before = run(fold, log[:change])
    state = fold.snapshot()
    fold.bundle = CHANGED
    after = run(fold, log[change:], change)
    cut = data.draw(st.integers(change, len(log)))
    again = Respond(CHANGED, state)
    told = run(again, log[change:cut], change)
    told += run(Respond(CHANGED, again.snapshot()), log[cut:], cut)
    assert told == after
    last = {one.key: read(one)["data"] for one in before + after if one.topic == "alerts"}
    assert not [seen for seen in last.values() if (seen["rule"], seen["state"], seen["closed_at"]) == (
        "quiet", "firing", None)]
