"""The life of one alert: which news follows from which finding."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from streams.findings import CLOSED, OPENED, RETRACTED, UPDATED, Finding
from streams.respond import Respond
from streams.respond.identity import alert_id
from tests.responses import bundle, finding, frame, read, rows, rule, run, tell

FIRST = {"value": 5, "count": 5}


def story(*steps: tuple[str, dict[str, Any]]) -> list[Finding]:
    """One finding's changes, numbered."""
    return [finding(sequence=number, change=change, **FIRST | parts) for number, (change, parts) in enumerate(steps, 1)]


@pytest.mark.parametrize(("steps", "expected"), [
    ([(OPENED, {})], ["firing 1"]),
    ([(OPENED, {}), (UPDATED, {"value": 6})], ["firing 1", "updated 2"]),
    ([(OPENED, {}), (UPDATED, {"count": 6})], ["firing 1", "updated 2"]),
    ([(OPENED, {}), (UPDATED, {"corrections": 1})], ["firing 1", "updated 2"]),
    ([(OPENED, {}), (CLOSED, {"closed": 9})], ["firing 1", "resolved 2"]),
    ([(OPENED, {}), (CLOSED, {"closed": 9}), (UPDATED, {"closed": 8})], ["firing 1", "resolved 2", "updated 3"]),
    ([(OPENED, {}), (CLOSED, {"closed": 9}), (UPDATED, {})], ["firing 1", "resolved 2", "firing 3"]),
    ([(OPENED, {}), (CLOSED, {"closed": 9}), (RETRACTED, {"closed": 9})], ["firing 1", "resolved 2", "retracted 3"]),
    ([(OPENED, {}), (RETRACTED, {})], ["firing 1", "retracted 2"]),
    ([(OPENED, {"closed": 9})], ["firing 1", "resolved 2"]),
    ([(OPENED, {"closed": 0})], ["firing 1"]),
    ([(OPENED, {"closed": 0}), (UPDATED, {"closed": 0, "value": 6})], ["firing 1", "updated 2"]),
    ([(OPENED, {"closed": 0}), (RETRACTED, {"closed": 0})], ["firing 1", "retracted 2"]),
    ([(OPENED, {"closed": 0}), (UPDATED, {"closed": 4})], ["firing 1", "resolved 2"]),
])
def test_news(steps: list[tuple[str, dict[str, Any]]], expected: list[str]) -> None:
    assert tell(Respond(bundle(rule())), *story(*steps)) == [f"alerts {one}" for one in expected]


@pytest.mark.parametrize("parts", [{}, {"facts": {"unread": 7}}, {"cause": "e9"}, {"at": 50}])
def test_what_nobody_would_see_is_not_told(parts: dict[str, Any]) -> None:
    fold = Respond(bundle(rule()))
    assert tell(fold, *story((OPENED, {}), (UPDATED, parts))) == ["alerts firing 1", "audit unchanged"]


def test_an_instant_has_an_end_and_a_span_that_fires_has_none() -> None:
    fold = Respond(bundle(rule()))
    instant = fold.step(0, frame(rows([finding(closed=0)])))
    both = fold.step(1, frame(rows([finding("g", closed=5, key={"district": "east"})], offset=1)))
    assert [(read(one)["data"]["state"], read(one)["data"]["closed_at"]) for one in instant + both] == [
        ("firing", "2025-07-01T12:00:00.000000Z"), ("firing", None), ("resolved", "2025-07-01T12:05:00.000000Z")]


def test_the_time_of_news_is_when_it_became_so() -> None:
    fold = Respond(bundle(rule()))
    told = [finding(at=1), finding(sequence=2, change=UPDATED, value=9, at=2),
            finding(sequence=3, change=CLOSED, closed=3, at=4), finding(sequence=4, change=UPDATED, at=5)]
    events = [read(one) for one in run(fold, [frame(rows(told))])]
    assert [(one["type"].rpartition(".")[2], one["time"][14:16], one["recordedtime"][14:16]) for one in events] == [
        ("firing", "00", "01"), ("updated", "02", "02"), ("resolved", "03", "04"), ("firing", "05", "05")]


def test_a_retraction_names_its_cause() -> None:
    fold = Respond(bundle(rule()))
    gone = finding(sequence=2, change=RETRACTED, cause="e9", merged_into="elsewhere", at=7)
    told = read([fold.step(0, frame(rows([finding()]))), fold.step(1, frame(rows([gone], offset=1)))][1][0])
    seen = told["data"]
    assert (seen["state"], seen["cause"], seen["merged_into"], seen["certainty"], seen["urgency"]) == (
        "retracted", "e9", "", "unlikely", "past")
    assert told["time"] == "2025-07-01T12:07:00.000000Z"


def test_a_finding_whose_evidence_another_alert_took_is_merged_into_that() -> None:
    fold = Respond(bundle(rule()))
    gone = finding(sequence=2, change=RETRACTED, merged_into="g")
    tell(fold, finding(), finding("g", opened=20))
    told = read(fold.step(2, frame(rows([gone], offset=2)))[0])
    assert (told["type"], told["data"]["merged_into"]) == ("tocsin.alert.merged", alert_id("g"))


def test_a_finding_that_comes_back_goes_on_counting() -> None:
    fold = Respond(bundle(rule()))
    tell(fold, finding(), finding(sequence=2, change=RETRACTED))
    assert tell(fold, finding(sequence=3)) == ["alerts firing 3"]


def test_a_rule_that_is_gone_leaves_the_words_it_had() -> None:
    fold = Respond(bundle(rule(severity="severe", owner="police")))
    tell(fold, finding())
    fold.bundle = bundle()
    last = finding(sequence=2, change=CLOSED, closed=3, ended="rule_removed")
    seen = read(fold.step(1, frame(rows([last], offset=1)))[0])["data"]
    assert (seen["title"], seen["severity"], seen["owner"], seen["ended"]) == (
        "Five crashes in ten minutes", "severe", "police", "rule_removed")


def test_a_rule_that_is_not_known_still_has_alerts() -> None:
    seen = read(Respond(bundle()).step(0, frame(rows([finding()])))[0])["data"]
    assert (seen["rule"], seen["title"], seen["severity"]) == ("crash", "crash", "minor")


def test_the_newest_content_counts() -> None:
    fold = Respond(bundle(rule()))
    tell(fold, finding())
    changed = msgspec.structs.replace(finding(sequence=2, change=UPDATED, opened=-3, evidence="e0 e1 e2"), value=8)
    seen = read(fold.step(1, frame(rows([changed], offset=1)))[0])["data"]
    assert (seen["opened_at"], seen["evidence"], seen["value"]) == (
        "2025-07-01T11:57:00.000000Z", ["e0", "e1", "e2"], 8)
