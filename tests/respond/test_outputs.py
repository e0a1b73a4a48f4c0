"""What holds for all outputs, whatever engines tell: nothing vanishes, ids, order, dispatches."""

from __future__ import annotations

from collections import Counter

from hypothesis import given

from streams.findings import FindingRow, ResponseFrame
from streams.reasons import HeldReason
from streams.respond import Respond
from tests.responses import RULES, frame, logs, of_alerts, read, run


@given(logs())
def test_no_finding_vanishes(log: list[ResponseFrame]) -> None:
    fold = Respond(RULES)
    for offset, row in enumerate(row for one in log for row in one.rows):
        counts = fold.counts.copy()
        outputs = of_alerts(fold.step(offset, frame([row])))
        if isinstance(row, FindingRow):
            held = fold.counts - counts
            del held[HeldReason.SHADOW]
            alerts = [output for output in outputs if output.topic in ("alerts", "shadow")]
            assert bool(alerts) != bool(held)
            assert all(read(one)["causationid"] == f"{row.finding.id}/{row.finding.sequence}" for one in outputs)
        else:
            assert outputs == []


@given(logs())
def test_ids_are_told_once_and_sequences_count_from_one(log: list[ResponseFrame]) -> None:
    envelopes = [read(output) for output in run(Respond(RULES), log)]
    assert max(Counter(one["id"] for one in envelopes).values(), default=1) == 1
    told: dict[tuple[str, str], int] = {}
    for one in envelopes:
        room = one["type"].split(".")[1]
        if room != "audit":
            subject = (room, one["subject"])
            told[subject] = told.get(subject, 0) + 1
            assert one["sequence"] == str(told[subject])


@given(logs())
def test_an_alert_lives_in_order(log: list[ResponseFrame]) -> None:
    allowed = {
        None: {"firing"}, "firing": {"firing", "updated", "resolved", "retracted", "merged"},
        "resolved": {"firing", "updated", "retracted", "merged"}, "retracted": set(), "merged": set(),
    }
    state: dict[str, str] = {}
    for output in run(Respond(RULES), log):
        one = read(output)
        if output.topic in ("alerts", "shadow"):
            change = one["type"].rpartition(".")[2]
            assert change in allowed[state.get(one["subject"])]
            assert one["data"]["state"] == (change if change != "updated" else state[one["subject"]])
            state[one["subject"]] = one["data"]["state"]
            assert one["data"]["merged_into"] != one["subject"]
            assert bool(one["data"]["merged_into"]) == (change == "merged")


@given(logs())
def test_every_dispatch_has_a_firing_alert_and_is_called_back_at_most_once(log: list[ResponseFrame]) -> None:
    firing, sent = set(), dict[str, str]()
    for output in run(Respond(RULES), log):
        one = read(output)
        if one["type"] == "tocsin.alert.firing" and output.topic == "alerts":
            firing.add(one["subject"])
        if output.topic == "dispatches":
            assert one["subject"] in firing
            expected = {None: "requested", "requested": "cancelled"}[sent.get(one["subject"])]
            sent[one["subject"]] = one["data"]["state"]
            assert one["data"]["state"] == expected
