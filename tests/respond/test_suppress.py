"""`suppress_for`: counted from the last opening that was sent, per rule and key."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import MINUTE
from streams.findings import CLOSED, RETRACTED, UPDATED
from streams.respond import Respond
from streams.respond.identity import alert_id
from tests.responses import bundle, finding, frame, read, rows, rule, tell

QUIET = bundle(rule(suppress_for=30 * MINUTE), rule("other", suppress_for=30 * MINUTE), rule("loud"))
SENT, HELD = "alerts firing 1", "audit suppressed"


@pytest.mark.parametrize(("openings", "expected"), [
    ([0, 10, 29.99, 30], [SENT, HELD, HELD, SENT]),
    ([0, 30, 59, 60], [SENT, SENT, HELD, SENT]),
    ([0, 29, 58], [SENT, HELD, SENT]),
    ([60, 40, 30, 31], [SENT, HELD, SENT, HELD]),
    ([60, 0, 70, 89, 90], [SENT, SENT, HELD, HELD, SENT]),
    ([60, 0, 10, 29.99, 30], [SENT, SENT, HELD, HELD, SENT]),
    ([0, 120, 60, 59, 91], [SENT, SENT, SENT, HELD, HELD]),
    ([0, 120, 30, 60, 90, 150], [SENT] * 6),
])
def test_counts_from_the_last_sent_opening(openings: list[float], expected: list[str]) -> None:
    fold = Respond(QUIET)
    told = [tell(fold, finding(f"f{n}", opened=opened, at=100)) for n, opened in enumerate(openings)]
    assert [one for group in told for one in group] == expected


@pytest.mark.parametrize("parts", [
    {"key": {"district": "east"}}, {"rule": "other"}, {"rule": "loud"},
])
def test_rules_and_keys_are_counted_apart(parts: dict[str, Any]) -> None:
    assert tell(Respond(QUIET), finding(), finding("g", opened=1, **parts)) == [SENT, SENT]


def test_a_rule_without_it_holds_nothing_back() -> None:
    assert tell(Respond(QUIET), finding(rule="loud"), finding("g", rule="loud")) == [SENT, SENT]


def test_news_of_what_is_held_back_is_held_back_too() -> None:
    fold = Respond(QUIET)
    told = tell(fold, finding(), finding("g", opened=1), finding("g", 2, UPDATED, opened=1, value=9),
                finding("g", 3, CLOSED, opened=1, closed=90), finding("g", 4, RETRACTED, opened=1),
                finding("g", 5, UPDATED, opened=1))
    assert told == [SENT, HELD, HELD, HELD, HELD, "audit unknown_finding"]
    assert fold.counts == {"suppressed": 4, "unknown_finding": 1}


def test_news_of_what_was_sent_is_sent() -> None:
    told = tell(Respond(QUIET), finding(), finding(sequence=2, change=UPDATED, value=9),
                finding(sequence=3, change=CLOSED, closed=5))
    assert told == [SENT, "alerts updated 2", "alerts resolved 3"]


def test_the_record_says_what_was_held_back_and_why() -> None:
    fold = Respond(QUIET)
    tell(fold, finding())
    output = fold.step(1, frame(rows([finding("g", opened=1)], offset=1)))[0]
    record = read(output)
    assert output.key.decode() == record["correlationid"] == alert_id("g")
    assert (record["type"], record["subject"], record["causationid"]) == ("tocsin.audit.held_back", "g", "g/1")
    assert record["data"] == {
        "reason": "suppressed", "sentence": "An alert of this rule and key was sent within `suppress_for`.",
        "rule": "crash", "key": {"district": "west"}, "change": "opened", "value": 5, "count": 2, "shadow": False,
        "opened_at": "2025-07-01T12:01:00.000000Z", "closed_at": None,
    }


def test_a_retracted_opening_holds_nothing_back_any_more() -> None:
    told = tell(Respond(QUIET), finding(), finding(sequence=2, change=RETRACTED), finding("g", opened=5),
                finding("h", opened=6))
    assert told == [SENT, "alerts retracted 2", SENT, HELD]


def test_a_retracted_opening_leaves_those_before_it() -> None:
    fold = Respond(QUIET)
    tell(fold, finding(), finding("g", opened=70), finding("g", 2, RETRACTED, opened=70))
    told = [tell(fold, finding(f"h{opened}", opened=opened))[0] for opened in (10, 75)]
    assert told == [HELD, SENT]


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 4)), max_size=12), st.data())
def test_as_if_everything_sent_were_remembered(story: list[tuple[int, int]], data: st.DataObject) -> None:
    """An opening is held back if and only if one that was sent and still stands is less than the span away."""
    fold, standing = Respond(QUIET), dict[str, int]()
    for number, (opened, turn) in enumerate(story):
        near = any(abs(opened - other) < 30 for other in standing.values())
        assert tell(fold, finding(f"f{number}", opened=opened)) == [HELD if near else SENT]
        if not near:
            standing[f"f{number}"] = opened
        if turn == 1 and standing:
            gone = data.draw(st.sampled_from(sorted(standing)))
            tell(fold, finding(gone, 2, RETRACTED, opened=standing.pop(gone)))
        if turn == 2:
            fold = Respond(QUIET, fold.snapshot())


def test_a_retraction_of_what_was_held_back_leaves_the_count() -> None:
    told = tell(Respond(QUIET), finding(), finding("g", opened=5), finding("g", 2, RETRACTED, opened=5),
                finding("h", opened=6))
    assert told == [SENT, HELD, HELD, HELD]


def test_a_held_back_finding_that_takes_the_evidence_takes_the_alert() -> None:
    fold = Respond(QUIET)
    tell(fold, finding(value=5), finding("g", opened=5, value=7))
    gone = finding(sequence=2, change=RETRACTED, merged_into="g", cause="late")
    outputs = fold.step(2, frame(rows([gone], offset=2)))
    told = read(outputs[0])
    assert (told["type"], told["subject"]) == ("tocsin.alert.updated", alert_id("f"))
    assert (told["data"]["value"], told["data"]["cause"]) == (7, "late")
    assert tell(fold, finding("g", 2, CLOSED, opened=5, closed=9)) == ["alerts resolved 3"]
    assert tell(fold, finding("h", opened=34), finding("i", opened=35)) == [HELD, SENT]


def test_what_joins_an_alert_is_no_opening() -> None:
    fold = Respond(bundle(rule(spec={"near": "250m"}, suppress_for=30 * MINUTE)))
    key = {"cell": "x"}
    told = tell(fold, finding(key=key), finding("g", opened=5, key=key, evidence="e2 e3"),
                finding("h", opened=6, key=key, evidence="e9"), finding("i", opened=7, key=key, evidence="e9 e1"))
    assert told == [SENT, "alerts updated 2", HELD, "alerts updated 3"]
