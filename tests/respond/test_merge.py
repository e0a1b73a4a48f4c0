"""Merging: findings of one `near` rule that share evidence are one alert, the oldest."""

from __future__ import annotations

from typing import Any

import pytest

from streams.clocks import MINUTE
from streams.findings import CLOSED, RETRACTED, UPDATED, Finding
from streams.records import BYTES_AT_MOST
from streams.respond import Respond
from streams.respond.identity import alert_id
from streams.rules import Dispatch
from tests.responses import bundle, finding, frame, read, rows, rule, run, tell

NEAR = bundle(rule(spec={"near": "250m"}), rule("other", spec={"near": "250m"}), rule("plain"))


def circle(id: str, cell: str, evidence: str, **parts: Any) -> Finding:
    """A finding of a circle around a cell."""
    return finding(id, key={"cell": cell} | parts.pop("things", {}), evidence=evidence, **parts)


def test_a_second_circle_over_the_same_events_joins_the_first_alert() -> None:
    fold = Respond(NEAR)
    outputs = run(fold, [frame(rows([circle("f", "x", "e1 e2 e3"), circle("g", "y", "e2 e3 e4", opened=-1)]))])
    first, second = (read(output) for output in outputs)
    assert (first["type"], second["type"]) == ("tocsin.alert.firing", "tocsin.alert.updated")
    assert first["subject"] == second["subject"] == alert_id("f")
    assert second["data"]["evidence"] == ["e1", "e2", "e3", "e4"]
    assert second["data"]["count"] == 4
    assert second["data"]["key"] == {"cell": "x"}
    assert second["data"]["opened_at"] == "2025-07-01T11:59:00.000000Z"


@pytest.mark.parametrize(("name", "second"), [
    ("no shared event", circle("g", "y", "e4 e5")),
    ("another rule", circle("g", "y", "e1 e2", rule="other")),
    ("a rule that is not near", circle("g", "y", "e1 e2", rule="plain")),
    ("another thing beside the place", circle("g", "y", "e1 e2", things={"device": "b"})),
])
def test_what_stays_apart(name: str, second: Finding) -> None:
    fold = Respond(NEAR)
    assert tell(fold, circle("f", "x", "e1 e2"), second)[:2] == ["alerts firing 1", "alerts firing 1"], name


@pytest.mark.parametrize(("name", "first", "second"), [
    ("touching spans", {"closed": 5}, {"opened": 5}),
    ("the first is over, but what it looked back over was in the second too", {"closed": 5}, {"opened": 8}),
    ("instants", {"closed": 0}, {"opened": 3, "closed": 3}),
    ("an instant and a span", {"closed": 0}, {"opened": 3}),
])
def test_circles_that_share_an_event_overlap(name: str, first: dict[str, Any], second: dict[str, Any]) -> None:
    fold = Respond(NEAR)
    told = tell(fold, circle("f", "x", "e1 e2", **first), circle("g", "y", "e2 e3", **second))
    assert told.count("alerts firing 1") == 1, name


def test_rules_that_are_not_near_may_share_evidence() -> None:
    fold = Respond(NEAR)
    first, second = finding(rule="plain"), finding("g", rule="plain", key={"district": "east"})
    assert tell(fold, first, second) == ["alerts firing 1", "alerts firing 1"]


def test_a_finding_that_connects_alerts_closes_the_younger_ones_as_merged() -> None:
    fold = Respond(NEAR)
    tell(fold, circle("f", "x", "e1 e2"), circle("g", "y", "e8 e9"), circle("h", "z", "e5 e6"))
    outputs = fold.step(3, frame(rows([circle("i", "w", "e9 e6 e2")], offset=3)))
    told = [read(output) for output in outputs]
    assert [(one["type"], one["subject"]) for one in told] == [
        ("tocsin.alert.merged", alert_id("g")), ("tocsin.alert.merged", alert_id("h")),
        ("tocsin.alert.updated", alert_id("f")),
    ]
    assert [one["data"]["merged_into"] for one in told] == [alert_id("f"), alert_id("f"), ""]
    assert told[0]["data"]["evidence"] == ["e8", "e9"]
    assert told[2]["data"]["evidence"] == ["e1", "e2", "e8", "e9", "e5", "e6"]


def test_an_update_can_connect_too_and_the_oldest_survives() -> None:
    fold = Respond(NEAR)
    tell(fold, circle("f", "x", "e1 e2"), circle("g", "y", "e8 e9"))
    outputs = fold.step(2, frame(rows([circle("g", "y", "e2 e8 e9", sequence=2, change=UPDATED)], offset=2)))
    assert [(read(one)["type"], read(one)["subject"]) for one in outputs] == [
        ("tocsin.alert.merged", alert_id("g")), ("tocsin.alert.updated", alert_id("f"))]


def test_a_merged_alert_is_resolved_when_all_its_findings_are() -> None:
    fold = Respond(NEAR)
    tell(fold, circle("f", "x", "e1 e2"), circle("g", "y", "e2 e3"))
    assert tell(fold, circle("f", "x", "e1 e2", sequence=2, change=CLOSED, closed=5)) == ["audit unchanged"]
    assert tell(fold, circle("g", "y", "e2 e3", sequence=2, change=CLOSED, closed=8)) == ["alerts resolved 3"]


def test_a_merged_alert_outlives_the_retraction_of_one_finding() -> None:
    fold = Respond(NEAR)
    tell(fold, circle("f", "x", "e1 e2"), circle("g", "y", "e2 e3"))
    outputs = fold.step(2, frame(rows([circle("f", "x", "e1 e2", sequence=2, change=RETRACTED)], offset=2)))
    assert [read(one)["data"]["evidence"] for one in outputs] == [["e2", "e3"]]
    assert read(outputs[0])["subject"] == alert_id("f")
    told = tell(fold, circle("g", "y", "e2 e3", sequence=2, change=RETRACTED))
    assert told == ["alerts retracted 4"]


def test_what_is_held_back_connects_nothing() -> None:
    fold = Respond(bundle(rule(spec={"near": "250m"}, suppress_for=30 * MINUTE)))
    told = tell(fold, circle("f", "x", "e1"), circle("g", "x", "e9", opened=5), circle("h", "y", "e5"),
                circle("g", "x", "e9 e1 e5", sequence=2, change=UPDATED, opened=5))
    assert told == ["alerts firing 1", "audit suppressed", "alerts firing 1", "audit suppressed"]
    outputs = fold.step(4, frame(rows([circle("h", "y", "e5 e6", sequence=2, change=UPDATED)], offset=4)))
    assert [read(one)["subject"] for one in outputs] == [alert_id("h")]


def test_alerts_never_split() -> None:
    fold = Respond(NEAR)
    tell(fold, circle("f", "x", "e1 e2"), circle("g", "y", "e2 e3"))
    outputs = fold.step(2, frame(rows([circle("g", "y", "e7 e8", sequence=2, change=UPDATED)], offset=2)))
    assert read(outputs[0])["subject"] == alert_id("f")


def test_a_resolved_alert_fires_again_when_an_open_finding_joins_it() -> None:
    fold = Respond(NEAR)
    tell(fold, circle("f", "x", "e1 e2", closed=5))
    assert tell(fold, circle("g", "y", "e2 e3", opened=4)) == ["alerts firing 3"]


def test_the_merged_alert_calls_its_dispatch_back() -> None:
    fold = Respond(bundle(rule(spec={"near": "250m"}, dispatch=Dispatch("police"))))
    tell(fold, circle("f", "x", "e1 e2"), circle("g", "y", "e8 e9"))
    told = tell(fold, circle("h", "z", "e2 e9"))
    assert told == ["alerts merged 2", "alerts updated 2", "dispatches cancelled 2"]


def test_what_a_finding_no_longer_proves_connects_nothing() -> None:
    fold = Respond(NEAR)
    tell(fold, circle("f", "x", "e1 e2"), circle("f", "x", "e1 e3", sequence=2, change=UPDATED))
    assert tell(fold, circle("g", "y", "e2 e4")) == ["alerts firing 1"]


def test_many_events_are_counted_at_least() -> None:
    fold = Respond(NEAR)
    tell(fold, circle("f", "x", " ".join(f"e{n}" for n in range(99)), count=250))
    outputs = fold.step(1, frame(rows([circle("g", "y", "e98 e300 e301", opened=1)], offset=1)))
    seen = read(outputs[0])["data"]
    assert (seen["count"], len(seen["evidence"])) == (250, 100)


def test_sequences_of_one_key_that_share_an_event_are_one_alert() -> None:
    fold = Respond(NEAR)
    told = tell(fold, *(finding(id, rule="plain", evidence=evidence, closed=0)
                        for id, evidence in (("f", "a1 b1"), ("g", "a2 b1"), ("h", "a3 b2"))))
    assert told.count("alerts firing 1") == 2
    other = finding("i", rule="plain", evidence="a9 b1", closed=0, key={"district": "east"})
    assert "alerts firing 1" in tell(fold, other)


def test_a_thousand_circles_of_one_alert_fit_an_entry_of_the_log() -> None:
    fold, largest = Respond(NEAR), 0
    for number in range(1000):
        proof = " ".join(f"event-{one}" for one in range(max(0, number - 99), number + 1))
        told = circle(f"f{number}", "x", proof, opened=number / 10, facts={"place.address": f"{number} MAIN ST"})
        fold.step(number, frame(rows([told], offset=number)))
        if number % 100 == 99:
            largest = max(len(row or b"") for row in fold.changed().values())
    assert fold.alerts() == {"firing": 1}
    assert largest < BYTES_AT_MOST // 2
    again = Respond(NEAR, fold.snapshot())
    assert again.snapshot() == fold.snapshot()
