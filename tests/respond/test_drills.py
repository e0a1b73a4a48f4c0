"""Exercises: marked everywhere, no part of what counts, and over by themselves."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from streams.actions import Action
from streams.clocks import HOUR, MINUTE
from streams.conditions import Expression
from streams.findings import ActionRow, TickRow
from streams.formats.cap.telling import Teller, tell
from streams.policy import Inhibit, Policy, Receiver, Route
from streams.respond import Respond
from streams.respond.drills import AT_MOST, drill_alert
from streams.rules import Alert, Dispatch
from tests.respond.test_silencing import answer, notified, told
from tests.responses import NOON, bundle, finding, rule

POLICY = Policy(
    root=Route("0", "all", "desk", group_by=("rule",), group_wait=0), receivers={"desk": Receiver("desk")},
    inhibits=(Inhibit("same", lambda labels: labels["rule"] == "crash", lambda labels: labels["rule"] == "plain",
                      ("district",)),))
CRASH = rule(severity="severe", suppress_for=HOUR, dispatch=Dispatch("police", 1, "Close the road"),
             alert=Alert("Crashes in {{ district }}"))
BUNDLE = msgspec.structs.replace(bundle(CRASH, rule("plain")), policy=POLICY)


def act(name: str, subject: str = "", id: str = "a", role: str = "supervisor", at: int = NOON,
        **details: Any) -> ActionRow:
    return ActionRow(Action(id, at, "ann", (role,), name, subject, "practice", details=details))


START = act("drill.start", "crash", key={"district": "west"}, severity="extreme")


def types(envelopes: list[dict[str, Any]]) -> list[str]:
    return [one["type"].removeprefix("tocsin.") for one in envelopes]


def test_an_exercise_goes_the_way_of_an_alert_and_says_everywhere_what_it_is() -> None:
    fold = Respond(BUNDLE)
    begun = told(fold, START, TickRow(NOON + MINUTE))
    assert types(begun) == ["alert.firing", "dispatch.requested", "case.registered", "case.dispatched", "audit.action",
                            "notification.first"]
    alert, dispatch, case, _, _, notification = begun
    assert alert["subject"] == drill_alert("a")
    assert (alert["data"]["status"], alert["data"]["severity"]) == ("exercise", "extreme")
    assert alert["data"]["title"] == dispatch["data"]["title"] == case["data"]["title"] == "EXERCISE: Crashes in west"
    assert dispatch["data"]["instruction"] == "EXERCISE: Close the road"
    assert dispatch["data"]["status"] == "exercise"
    assert case["data"]["labels"]["exercise"] == "true"
    assert (tell(Teller(), alert)[0] or {})["status"] == "Exercise"
    assert notification["data"]["group"] == {"exercise": "true", "rule": "crash"}
    assert notification["data"]["alerts"][0]["labels"]["exercise"] == "true"


def test_it_neither_hides_nor_holds_back_what_is_meant() -> None:
    fold = Respond(BUNDLE)
    told(fold, START, TickRow(NOON + 1))
    meant = told(fold, finding("f2", rule="plain"), TickRow(NOON + MINUTE), finding("f3"))
    assert notified(meant) == ["first"]
    assert [one["data"]["status"] for one in meant if one["type"] == "tocsin.alert.firing"] == ["actual", "actual"]


@pytest.mark.parametrize("end", [
    act("drill.end", id="b", at=NOON + MINUTE), act("drill.end", drill_alert("a"), id="b", at=NOON + MINUTE),
    TickRow(NOON + 4 * HOUR)])
def test_it_is_over_by_a_word_or_by_itself_and_its_case_with_it(end: ActionRow | TickRow) -> None:
    fold = Respond(BUNDLE)
    told(fold, START)
    assert fold.due is not None
    assert fold.due <= NOON + 4 * HOUR
    fold = Respond(BUNDLE, fold.snapshot())
    over = told(fold, end)
    assert [one for one in types(over) if one.startswith(("alert.", "case."))][:3] == [
        "alert.resolved", "case.alert_over", "case.cancelled"]
    assert next(one["data"]["ended"] for one in over if one["type"] == "tocsin.alert.resolved") == "exercise_over"
    assert fold.people.memory.drills == {}
    assert fold.people.memory.operators == {}
    assert answer(act("drill.end", id="c", at=NOON + 5 * HOUR), fold) == ("unknown", "there is no exercise")


@pytest.mark.parametrize(("row", "refused", "words"), [
    (act("drill.start", "crash", role="dispatcher"), "role", "supervisor"),
    (act("drill.start", "nothing"), "unknown", "no rule `nothing`"),
    (act("drill.start", "crash", key={"road": "G312"}), "incomplete", "there are district"),
    (act("drill.start", "crash", key={"place.lat": "north"}), "incomplete", "are degrees"),
    (act("drill.start", "crash", key={"place.lon": "nan"}), "incomplete", "are degrees"),
    (act("drill.start", "crash", severity="loud"), "incomplete", "there are info"),
    (act("drill.end", "x"), "unknown", "no exercise `x`"),
    (act("drill.dance"), "unknown", "nothing that can be done"),
])
def test_what_cannot_be_practised_is_refused_in_words(row: ActionRow, refused: str, words: str) -> None:
    reason, sentence = answer(row, Respond(BUNDLE))
    assert reason == refused
    assert words in sentence


def test_what_its_texts_read_can_be_said() -> None:
    facts = {name: Expression(name, "string", lambda event: "") for name in ("place.district", "place.address", "cars")}
    texts = Alert("{{ cars }} cars at {{ place.address }}, {{ place.district }}")
    played = msgspec.structs.replace(CRASH, facts=facts, alert=texts)
    key = {"district": "west", "place.address": "1 Peony Road", "place.lat": "31.2", "place.lon": "121.5"}
    begun = told(Respond(bundle(played)), act("drill.start", "crash", key=key))[0]["data"]
    assert begun["title"] == "EXERCISE: … cars at 1 Peony Road, west"
    assert begun["place"] == {"lat": 31.2, "lon": 121.5, "address": "1 Peony Road"}
    assert begun["district"] == "west"


def test_there_are_only_so_many_at_a_time() -> None:
    fold = Respond(BUNDLE)
    told(fold, *(act("drill.start", "crash", id=f"a{number}") for number in range(AT_MOST)))
    assert answer(act("drill.start", "crash", id="more"), fold)[0] == "state"
