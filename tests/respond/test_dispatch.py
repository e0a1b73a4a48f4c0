"""Dispatches: one an alert, at its first firing; called back when the alert was a mistake."""

from __future__ import annotations

from typing import Any

import pytest

from streams.findings import CLOSED, OPENED, RETRACTED, UPDATED
from streams.respond import Respond
from streams.respond.identity import alert_id, dispatch_id
from streams.rules import Dispatch
from tests.responses import bundle, finding, frame, read, rows, rule, tell

SENDS = bundle(rule(dispatch=Dispatch("police", 1, "To {{ key.district }}: {{ value }} cars")), rule("watch"))


@pytest.mark.parametrize(("steps", "expected"), [
    ([(OPENED, {})], ["requested 1"]),
    ([(OPENED, {}), (UPDATED, {"value": 6})], ["requested 1"]),
    ([(OPENED, {}), (CLOSED, {"closed": 5})], ["requested 1"]),
    ([(OPENED, {"closed": 0})], ["requested 1"]),
    ([(OPENED, {"closed": 5})], ["requested 1"]),
    ([(OPENED, {}), (CLOSED, {"closed": 5}), (UPDATED, {})], ["requested 1"]),
    ([(OPENED, {}), (RETRACTED, {})], ["requested 1", "cancelled 2"]),
    ([(OPENED, {}), (CLOSED, {"closed": 5}), (RETRACTED, {"closed": 5})], ["requested 1", "cancelled 2"]),
    ([(OPENED, {}), (RETRACTED, {}), (OPENED, {}), (RETRACTED, {})], ["requested 1", "cancelled 2"]),
])
def test_news(steps: list[tuple[str, dict[str, Any]]], expected: list[str]) -> None:
    told = [finding(sequence=number, change=change, **parts) for number, (change, parts) in enumerate(steps, 1)]
    sent = [one for one in tell(Respond(SENDS), *told) if one.startswith("dispatches")]
    assert sent == [f"dispatches {one}" for one in expected]


def test_a_rule_without_a_dispatch_sends_nobody() -> None:
    assert tell(Respond(SENDS), finding(rule="watch")) == ["alerts firing 1"]


def test_what_is_held_back_sends_nobody() -> None:
    fold = Respond(bundle(rule(suppress_for=60_000_000, dispatch=Dispatch("police"))))
    assert tell(fold, finding(), finding("g")) == ["alerts firing 1", "dispatches requested 1", "audit suppressed"]


def test_a_dispatch_that_the_rule_gains_later_is_for_new_alerts() -> None:
    fold = Respond(bundle(rule()))
    tell(fold, finding())
    fold.bundle = SENDS
    assert tell(fold, finding(sequence=2, change=UPDATED, value=9)) == ["alerts updated 2"]


def test_the_one_who_was_sent_is_the_one_who_is_called_back() -> None:
    fold = Respond(SENDS)
    first = read(fold.step(0, frame(rows([finding()])))[1])
    fold.bundle = bundle(rule(dispatch=Dispatch("fire-brigade", 4)))
    second = read(fold.step(1, frame(rows([finding(sequence=2, change=RETRACTED, cause="e9")], offset=1)))[1])
    assert first["data"]["dispatch"] == second["data"]["dispatch"] == dispatch_id(alert_id("f"))
    assert (second["data"]["to"], second["data"]["priority"]) == ("police", 1)
    assert first["data"]["instruction"] == second["data"]["instruction"] == "To west: 5 cars"
    assert (second["data"]["reason"], second["data"]["cause"]) == ("retracted", "e9")
