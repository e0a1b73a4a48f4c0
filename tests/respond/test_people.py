"""Alerts, operators and cases together: what follows from news, and how actions are answered."""

from __future__ import annotations

from typing import Any

import pytest

from streams.actions import Action
from streams.clocks import HOUR, MINUTE
from streams.findings import CLOSED, RETRACTED, UPDATED, ActionRow, TickRow
from streams.respond import Respond
from streams.respond.people import ACTIONS
from streams.rules import Dispatch
from tests.responses import NOON, bundle, finding, frame, read, rows, rule, run

BUNDLE = bundle(rule(dispatch=Dispatch("police", 1), severity="severe"))


def told(fold: Respond, *given: Any) -> list[dict[str, Any]]:
    """Rows, one frame each; the envelopes of what came of them."""
    start = fold.offset + 1
    frames = [frame([one]) if isinstance(one, ActionRow | TickRow) else frame(rows([one], offset=start + number))
              for number, one in enumerate(given)]
    return [read(output) for output in run(fold, frames, start)]


def act(name: str, minute: float, subject: str, role: str = "unit", id: str = "", **details: Any) -> ActionRow:
    reason = details.pop("reason", "because")
    return ActionRow(Action(id or f"{name}-{minute}", NOON + round(minute * MINUTE), "ann", (role,), name, subject,
                            reason, details=details))


def kinds(envelopes: list[dict[str, Any]]) -> list[str]:
    return [one["type"].removeprefix("tocsin.") for one in envelopes]


def test_a_dispatch_is_a_case_from_its_birth_to_its_end() -> None:
    fold = Respond(BUNDLE)
    born = told(fold, finding())
    assert kinds(born) == ["alert.firing", "dispatch.requested", "case.registered", "case.dispatched"]
    case = born[2]["subject"]
    assert born[3]["data"]["unit"] == "police"
    assert born[3]["data"]["labels"] == {"category": "Other", "district": "west", "rule": "crash", "severity": "severe"}
    done = told(fold, act("case.accept", 1, case), act("case.arrive", 2, case),
                finding(sequence=2, change=CLOSED, closed=3), act("case.dispose", 5, case, code="1"),
                act("case.verify", 6, case, "supervisor"))
    assert kinds(done) == ["case.accepted", "audit.action", "case.on_scene", "audit.action", "alert.resolved",
                           "case.alert_over", "case.disposed", "audit.action", "audit.action"]
    assert done[-1]["data"]["refused"] == "duties"
    assert done[6]["data"]["seconds"] == {
        "discover": 0, "acknowledge": 60, "arrive": 120, "dispose": 300, "close": None}


def test_an_action_is_taken_once_and_answered_each_time() -> None:
    fold = Respond(BUNDLE)
    case = told(fold, finding())[2]["subject"]
    again = told(fold, act("case.accept", 1, case, id="a"), act("case.accept", 1, case, id="a"))
    assert kinds(again) == ["case.accepted", "audit.action", "audit.action"]
    assert [one["data"]["again"] for one in again[1:]] == [False, True]
    assert all(one["data"]["done"] for one in again[1:])
    assert len({one["id"] for one in again}) == 3


def test_what_cannot_be_done_is_refused_in_words() -> None:
    answer = told(Respond(BUNDLE), act("case.dance", 1, "x"))[0]["data"]
    assert (answer["done"], answer["refused"]) == (False, "unknown")
    assert answer["sentence"] == "`case.dance` is nothing that can be done"


@pytest.mark.parametrize("name", ACTIONS)
def test_whatever_is_offered_can_be_done(name: str) -> None:
    answer = told(Respond(BUNDLE), act(name, 1, "x", "viewer"))[-1]["data"]
    assert not answer["done"]
    assert "nothing that can be done" not in answer["sentence"]


def test_an_acknowledgement_runs_out_with_the_wall() -> None:
    fold = Respond(BUNDLE)
    alert = told(fold, finding())[0]["subject"]
    acked = told(fold, act("alert.ack", 1, alert, "dispatcher"), TickRow(NOON + 5 * HOUR))
    assert kinds(acked) == ["alert.operator", "audit.action", "alert.operator"]
    assert [one["data"]["state"] for one in acked if one["type"] == "tocsin.alert.operator"] == ["acked", "new"]
    assert acked[-1]["time"] == "2025-07-01T16:01:00.000000Z"


def test_a_mistake_calls_the_case_back() -> None:
    fold = Respond(BUNDLE)
    told(fold, finding())
    assert kinds(told(fold, finding(sequence=2, change=RETRACTED)))[-1] == "case.cancelled"


def test_what_nobody_has_touched_is_told_by_the_alert_alone() -> None:
    fold = Respond(BUNDLE)
    told(fold, finding())
    assert "alert.operator" not in kinds(told(fold, finding(sequence=2, change=UPDATED, value=9)))


def test_shadows_have_neither_operators_nor_cases() -> None:
    fold = Respond(bundle(rule(dispatch=Dispatch("police", 1), status="experimental")))
    assert kinds(told(fold, finding())) == ["alert.firing"]
    assert fold.due is None


def test_an_alert_that_fires_again_goes_on_counting_what_operators_did() -> None:
    fold = Respond(BUNDLE)
    alert = told(fold, finding())[0]["subject"]
    envelopes = told(fold, act("alert.ack", 1, alert, "dispatcher"), finding(sequence=2, change=CLOSED, closed=3),
                     finding(sequence=3, change=UPDATED, at=4), act("alert.ack", 5, alert, "dispatcher"))
    acts = [one for one in envelopes if one["type"] == "tocsin.alert.operator"]
    assert [one["data"]["state"] for one in acts] == ["acked", "normal", "new", "acked"]
    assert [one["sequence"] for one in acts] == ["2", "3", "4", "5"]
    assert len({one["id"] for one in acts}) == 4
