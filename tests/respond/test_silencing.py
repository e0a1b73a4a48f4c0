"""Silences that people make: by whom, for how long, what is quiet then, and what nobody can silence."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from streams import matchers
from streams.actions import Action
from streams.clocks import HOUR, MINUTE
from streams.findings import ActionRow, TickRow
from streams.policy import Policy, Receiver, Route, Silence
from streams.respond import Respond
from streams.respond.silencing import silence_id
from tests.responses import NOON, bundle, finding, frame, read, rows, rule, run

POLICY = Policy(
    root=Route("0", "all", "desk", group_by=("rule",), group_wait=0), receivers={"desk": Receiver("desk")},
    guards={"life": lambda labels: labels.get("severity") == "extreme"},
    silences=(Silence("filed", matchers.parse("rule=none").compiled(), 0, None, "owner", "why"),))
BUNDLE = msgspec.structs.replace(bundle(rule(severity="severe"), rule("fire", severity="extreme")), policy=POLICY)
SETS = [['rule="crash"'], ["severity=minor"]]


def act(name: str, subject: str = "", role: str = "dispatcher", id: str = "a", at: int = NOON,
        **details: Any) -> ActionRow:
    reason, districts = details.pop("reason", "works"), details.pop("districts", ())
    return ActionRow(Action(id, at, "ann", (role,), name, subject, reason, districts=districts, details=details))


def add(span: int | None = HOUR, match: Any = SETS, **more: Any) -> ActionRow:
    """A silence; `span` is its `for`."""
    details: dict[str, Any] = {"match": match, **({} if span is None else {"for": span})}
    return act("silence.add", **details, **more)


def told(fold: Respond, *given: Any) -> list[dict[str, Any]]:
    start = fold.offset + 1
    found = [frame([one]) if isinstance(one, ActionRow | TickRow) else frame(rows([one], offset=start + number))
             for number, one in enumerate(given)]
    return [read(output) for output in run(fold, found, start)]


def answer(row: ActionRow, fold: Respond | None = None) -> tuple[str, str]:
    said = told(fold or Respond(BUNDLE), row)[-1]["data"]
    return said["refused"], said["sentence"]


def notified(envelopes: list[dict[str, Any]]) -> list[str]:
    return [one["data"]["reason"] for one in envelopes if one["type"].startswith("tocsin.notification.")]


def test_what_is_silenced_is_told_when_the_silence_ends_by_hand_or_by_time() -> None:
    fold = Respond(BUNDLE)
    added = told(fold, add(ticket="W-1"))[-1]["data"]
    assert (added["done"], added["version"]) == (True, 1)
    quiet = told(fold, finding(), TickRow(NOON + MINUTE))
    assert notified(quiet) == []
    assert [one["data"]["suppressed_by"] for one in quiet if one["type"] == "tocsin.alert.suppressed"] == [
        [{"reason": "silenced", "by": silence_id("a"), "source": ""}]]
    fold = Respond(BUNDLE, fold.snapshot())
    ended = told(fold, act("silence.expire", silence_id("a"), id="b", at=NOON + 2 * MINUTE), TickRow(NOON + HOUR))
    assert ended[0]["data"]["version"] == 2
    assert notified(ended) == ["unsuppressed"]
    late = act("silence.expire", silence_id("a"), id="c", at=NOON + HOUR)
    assert answer(late, fold) == ("state", "it is over already")


def test_one_may_end_with_its_alert() -> None:
    fold = Respond(BUNDLE)
    alert = told(fold, finding())[0]["subject"]
    assert answer(add(None, with_alert=alert), fold) == ("", "")
    assert fold.people.memory.silences[silence_id("a")].ends == NOON + 4 * HOUR


@pytest.mark.parametrize(("row", "refused", "words"), [
    (add(5 * HOUR), "incomplete", "of at most 4h"),
    (act("silence.add", match=SETS), "incomplete", "takes a time"),
    (add(role="unit"), "role", "one of the roles"),
    (add(reason=" "), "incomplete", "takes a reason"),
    (add(match=[]), "incomplete", "takes matchers"),
    (add(match=[["rule"]]), "incomplete", "'rule' is no matcher"),
    (add(match=[['rule!="x"']]), "incomplete", "not everything meets"),
    (add(match=[["severity=extreme"]]), "guard", "the guard `life` keeps"),
    (act("silence.add", match=SETS, with_alert="x"), "unknown", "no alert `x`"),
    (add(districts=("east", "west")), "district", "does not act for"),
    (act("silence.expire", "filed"), "state", "stands in the rule files"),
    (act("silence.expire", "nothing"), "unknown", "no silence `nothing`"),
    (act("silence.shout"), "unknown", "nothing that can be done"),
])
def test_what_nobody_may_silence_is_refused_in_words(row: ActionRow, refused: str, words: str) -> None:
    reason, sentence = answer(row)
    assert reason == refused
    assert words in sentence


def test_a_district_silences_its_own() -> None:
    fold = Respond(BUNDLE)
    assert answer(add(districts=("east",)), fold) == ("", "")
    assert notified(told(fold, finding(), finding("f2", key={"district": "east"}), TickRow(NOON + MINUTE))) == ["first"]


def test_supervisors_may_silence_for_longer() -> None:
    assert answer(add(72 * HOUR, role="supervisor")) == ("", "")
