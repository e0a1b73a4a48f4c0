"""Rules that are only observed: the whole life on the shadow topic, and nobody is sent."""

from __future__ import annotations

import pytest

from streams.clocks import HOUR
from streams.findings import CLOSED, RETRACTED, UPDATED
from streams.respond import Respond
from streams.rules import Dispatch
from tests.responses import bundle, finding, rule, tell


@pytest.mark.parametrize(("status", "flag", "topic"), [
    ("experimental", False, "shadow"), ("test", False, "shadow"), ("stable", True, "shadow"),
    ("stable", False, "alerts"), ("deprecated", False, "alerts"),
])
def test_which_topic(status: str, flag: bool, topic: str) -> None:
    fold = Respond(bundle(rule(status=status)))
    told = tell(fold, finding(shadow=flag), finding(sequence=2, change=CLOSED, closed=9, shadow=flag))
    assert told == [f"{topic} firing 1", f"{topic} resolved 2"]


def test_nobody_is_sent_and_the_reason_is_counted() -> None:
    fold = Respond(bundle(rule(status="test", dispatch=Dispatch("police"))))
    told = tell(fold, finding(), finding(sequence=2, change=UPDATED, value=6),
                finding(sequence=3, change=RETRACTED))
    assert told == ["shadow firing 1", "shadow updated 2", "shadow retracted 3"]
    assert fold.counts == {"shadow": 1}


def test_an_alert_ends_where_it_began() -> None:
    fold = Respond(bundle(rule(status="test")))
    tell(fold, finding(shadow=True))
    fold.bundle = bundle(rule(dispatch=Dispatch("police")))
    assert tell(fold, finding(sequence=2, change=UPDATED, value=6)) == ["shadow updated 2"]
    assert tell(fold, finding("g", key={"district": "east"})) == ["alerts firing 1", "dispatches requested 1"]


def test_what_is_only_observed_suppresses_nothing_that_is_meant() -> None:
    fold = Respond(bundle(rule(suppress_for=HOUR, status="test")))
    assert tell(fold, finding(), finding("g", opened=1)) == ["shadow firing 1", "audit suppressed"]
    fold.bundle = bundle(rule(suppress_for=HOUR))
    assert tell(fold, finding("h", opened=2)) == ["alerts firing 1"]


def test_a_retraction_counts_where_the_alert_is() -> None:
    fold = Respond(bundle(rule(suppress_for=HOUR, status="test")))
    tell(fold, finding())
    fold.bundle = bundle(rule(suppress_for=HOUR))
    assert tell(fold, finding(sequence=2, change=RETRACTED)) == ["shadow retracted 2"]
    fold.bundle = bundle(rule(suppress_for=HOUR, status="test"))
    assert tell(fold, finding("g", opened=1)) == ["shadow firing 1"]


def test_what_is_only_observed_merges_with_nothing_that_is_meant() -> None:
    fold = Respond(bundle(rule(spec={"near": "250m"})))
    key = {"cell": "x"}
    assert tell(fold, finding(key=key, shadow=True), finding("g", key=key)) == ["shadow firing 1", "alerts firing 1"]
